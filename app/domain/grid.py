"""The slot grid: starts and ends fall on multiples of a slot, counted from local midnight."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.local_time import first_instant, to_local

_DAY = timedelta(days=1)
_NOTHING = timedelta()
_TICK = timedelta.resolution


def checked_slot(slot: timedelta) -> timedelta:
    """`slot` if the day is a whole number of it, so that each day has the same grid.

    Raises `ValueError` otherwise.
    """
    if slot <= _NOTHING or _DAY % slot:
        raise ValueError("A slot divides the day evenly: 10, 15, 30 or 60 minutes, for example.")
    return slot


def past_grid(instant: datetime, slot: timedelta, zone: ZoneInfo) -> timedelta:
    """By how much clocks in `zone` are past the last line of the grid; nothing on the line."""
    local = to_local(instant, zone)
    seconds = (local.hour * 60 + local.minute) * 60 + local.second
    return timedelta(0, seconds, local.microsecond) % slot


def is_on_grid(instant: datetime, slot: timedelta, zone: ZoneInfo) -> bool:
    return not past_grid(instant, slot, zone)


def next_on_grid(instant: datetime, slot: timedelta, zone: ZoneInfo) -> datetime:
    """The first instant on the grid at or after `instant`."""
    while past := past_grid(instant, slot, zone):
        # Both ways agree but where the clocks change in between; the nearer one skips nothing.
        by_length = instant + (slot - past)
        by_clock = first_instant(_shown(instant, zone) + (slot - past), zone)
        instant = min(by_length, by_clock) if by_clock > instant else by_length
    return instant


def previous_on_grid(instant: datetime, slot: timedelta, zone: ZoneInfo) -> datetime:
    """The last instant on the grid at or before `instant`."""
    while past := past_grid(instant, slot, zone):
        by_length = instant - past
        by_clock = first_instant(_shown(instant, zone) - past, zone)
        instant = max(by_length, by_clock) if by_clock < instant else by_length
    return instant


def following(line: datetime, slot: timedelta, zone: ZoneInfo) -> datetime:
    """The instant on the grid after `line`, which is itself on the grid."""
    # A slot later is on the grid, and then the next, unless the clocks change in between.
    later = line + slot
    return later if is_on_grid(later, slot, zone) else next_on_grid(line + _TICK, slot, zone)


def preceding(line: datetime, slot: timedelta, zone: ZoneInfo) -> datetime:
    """The instant on the grid before `line`, which is itself on the grid."""
    sooner = line - slot
    return sooner if is_on_grid(sooner, slot, zone) else previous_on_grid(line - _TICK, slot, zone)


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return to_local(instant, zone).replace(tzinfo=None)
