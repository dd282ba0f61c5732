"""How times are written: in ISO 8601 for machines, in words and by the local clock for people."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import to_local

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_MOST_LISTED = 4


def iso_duration(duration: timedelta) -> str:
    """`duration` in ISO 8601: P30D, PT1H30M; never years or months. Raises `ValueError` below 0."""
    if duration < timedelta():
        raise ValueError("A length of time is not negative.")
    hours, rest = divmod(duration.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{duration.days}D" if duration.days else ""
    clock = "".join(
        f"{number}{unit}"
        for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S"))
        if number
    )
    return f"P{days}{'T' if clock else ''}{clock}" if days or clock else "PT0S"


def iso_instant(instant: datetime) -> str:
    """`instant` in UTC to the second: 2026-03-02T09:00:00Z."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso_span(span: Interval) -> str:
    """`span` as an ISO 8601 interval: start/end."""
    return f"{iso_instant(span.start)}/{iso_instant(span.end)}"


def in_words(duration: timedelta) -> Text:
    """`duration` to the minute in both languages: 1시간 30분, 1 hour 30 minutes."""
    days, rest = divmod(duration, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes = rest // _MINUTE
    parts = [
        (number, ko, en)
        for number, ko, en in (
            (days, "일", "day"),
            (hours, "시간", "hour"),
            (minutes, "분", "minute"),
        )
        if number
    ] or [(0, "분", "minute")]
    return Text(
        " ".join(f"{number}{ko}" for number, ko, _ in parts),
        " ".join(f"{number} {en}{'' if number == 1 else 's'}" for number, _, en in parts),
    )


def shown(instant: datetime, zone: ZoneInfo) -> str:
    """An instant for people of either language, by the clocks of `zone`: 2026-03-02 09:30."""
    return f"{to_local(instant, zone):%Y-%m-%d %H:%M}"


def shown_span(span: Interval, zone: ZoneInfo) -> str:
    """A span for people: 2026-03-02 09:30–11:00; midnight at its end is 24:00."""
    start, end = to_local(span.start, zone), to_local(span.end, zone)
    if end.date() == start.date():
        return f"{start:%Y-%m-%d %H:%M}–{end:%H:%M}"
    if end.date() == start.date() + _DAY and end.time() == time():
        return f"{start:%Y-%m-%d %H:%M}–24:00"
    return f"{start:%Y-%m-%d %H:%M}–{end:%Y-%m-%d %H:%M}"


def listed(spans: Sequence[Interval], zone: ZoneInfo) -> str:
    """The first few spans for people; an ellipsis stands for the rest."""
    texts = [shown_span(span, zone) for span in spans[:_MOST_LISTED]]
    return ", ".join(texts if len(spans) <= _MOST_LISTED else [*texts, "…"])
