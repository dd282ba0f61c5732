"""Time zones as calendar apps understand them: as little as the feed's window needs.

A full history is refused by one app and the years 1987–88 of Asia/Seoul confuse another,
while a zone that is only named is guessed wrongly by a third.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.interval import Interval

NAMES_OF_UTC = frozenset({"UTC", "Etc/UTC"})
_LONG_AGO = "19700101T000000"


def timezone_lines(zone: ZoneInfo, window: Interval) -> tuple[str, ...]:
    """The zone's VTIMEZONE around the years of the window; nothing for UTC."""
    if zone.key in NAMES_OF_UTC:
        return ()
    # A year more on each side: what lies across the edge of the window is shown too.
    return _timezone_lines(zone, window.start.year - 1, window.end.year + 1)


@lru_cache(maxsize=64)
def _timezone_lines(zone: ZoneInfo, first: int, last: int) -> tuple[str, ...]:
    start, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    before = start.astimezone(zone)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone.key}", *_observance(before, before, _LONG_AGO)]
    for change in _changes(zone, start, end):
        was, becomes = (change - timedelta(seconds=1)).astimezone(zone), change.astimezone(zone)
        # The wall clock at the change, still by the old offset.
        wall = was.replace(tzinfo=None) + timedelta(seconds=1)
        lines += _observance(was, becomes, f"{wall:%Y%m%dT%H%M%S}")
    return (*lines, "END:VTIMEZONE")


def _observance(was: datetime, becomes: datetime, since: str) -> list[str]:
    name = "DAYLIGHT" if becomes.dst() else "STANDARD"
    return [
        f"BEGIN:{name}",
        f"DTSTART:{since}",
        f"TZOFFSETFROM:{was:%z}",
        f"TZOFFSETTO:{becomes:%z}",
        f"TZNAME:{becomes:%Z}",
        f"END:{name}",
    ]


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants at which clocks in the zone are changed."""
    day = timedelta(days=1)
    while start < end:
        if _offset(start, zone) != _offset(start + day, zone):
            yield _change_within(zone, start, start + day)
        start += day


def _change_within(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """To the second, by halving."""
    before = _offset(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=1) // 2)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()
