"""How times are written: in ISO 8601 for machines, in words and by the local clock for people."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import to_local

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_MOST_LISTED = 4
_DAYS_KO = "월화수목금토일"
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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


def shown(instant: datetime, zone: ZoneInfo, now: datetime) -> Text:
    """An instant for people, by the clocks of `zone`: 3월 2일(월) 09:30, Mon 2 Mar 09:30."""
    day, clock = shown_day(instant, zone, now), f"{to_local(instant, zone):%H:%M}"
    return Text(f"{day.ko} {clock}", f"{day.en} {clock}")


def shown_day(instant: datetime, zone: ZoneInfo, now: datetime) -> Text:
    """The day of an instant; its year only where that is not the year of `now`."""
    day = to_local(instant, zone).date()
    return day_in_words(day, year=day.year != to_local(now, zone).year)


def day_in_words(day: date, *, year: bool = False) -> Text:
    """3월 2일(월), Mon 2 Mar."""
    ko = f"{day.month}월 {day.day}일({_DAYS_KO[day.weekday()]})"
    en = f"{day.day} {_MONTHS[day.month - 1]}"
    if year:
        ko, en = f"{day.year}년 {ko}", f"{en} {day.year}"
    return Text(ko, f"{_DAYS_EN[day.weekday()]} {en}")


def shown_span(span: Interval, zone: ZoneInfo, now: datetime) -> Text:
    """A span for people: Mon 2 Mar 09:30–11:00; midnight at its end is 24:00."""
    first, end = shown(span.start, zone, now), to_local(span.end, zone)
    started = to_local(span.start, zone).date()
    if end.date() == started:
        last = f"–{end:%H:%M}"
    elif end.date() == started + _DAY and end.time() == time():
        last = "–24:00"
    else:
        later = shown(span.end, zone, now)
        return Text(f"{first.ko} – {later.ko}", f"{first.en} – {later.en}")
    return Text(first.ko + last, first.en + last)


def listed(spans: Sequence[Interval], zone: ZoneInfo, now: datetime) -> Text:
    """The first few spans for people; an ellipsis stands for the rest."""
    texts = [shown_span(span, zone, now) for span in spans[:_MOST_LISTED]]
    if len(spans) > _MOST_LISTED:
        texts.append(Text("…", "…"))
    return Text(", ".join(text.ko for text in texts), ", ".join(text.en for text in texts))
