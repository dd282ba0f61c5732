"""Quotas: how much of an instrument a person, group or institution may hold in a day, week, month.

A reservation over midnight counts in each day for the part that lies in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of

_DAY = timedelta(days=1)

#: Further ahead than anything can be booked.
FAR = timedelta(days=3660)


class Whose(StrEnum):
    """Whose reservations are counted together."""

    PERSON = "person"
    GROUP = "group"  # whoever reserves for no group counts alone
    INSTITUTION = "institution"


class Within(StrEnum):
    """Over which time they are counted, by the facility's calendar."""

    DAY = "day"
    WEEK = "week"  # from Monday on
    MONTH = "month"
    AHEAD = "ahead"  # all that has not ended yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """So many hours, or so many reservations. Raises `ValueError` unless it limits one of them."""

    per: Whose
    within: Within
    hours: timedelta | None = None
    number: int | None = None
    peak: bool = False  # only the hours that fall into the peak

    def __post_init__(self) -> None:
        if (self.hours is None) == (self.number is None):
            raise ValueError("A quota limits either the hours or the number.")
        if self.peak and self.hours is None:
            raise ValueError("In the peak hours are counted, not reservations.")
        if self.peak and self.within is Within.AHEAD:
            raise ValueError("Peak hours are counted by the day, week or month.")
        if (self.hours or timedelta()) < timedelta() or (self.number or 0) < 0:
            raise ValueError("A quota is not negative.")


class Owner(StrEnum):
    """For whom a share of the time is kept."""

    INSTITUTION = "institution"  # that owns the instrument
    DEPARTMENT = "department"  # of that institution, which has the facility


@dataclass(frozen=True, slots=True)
class Counted:
    """A reservation that a quota may count, and in what it resembles the one asked for."""

    interval: Interval
    same_person: bool
    same_institution: bool
    of_owner: bool  # its holder is of those for whom the owner's share is kept
    same_group: bool = False
    present: bool = True  # its holder comes: it was not handed in for the staff to do


def periods(quota: Quota, asked: Interval, *, now: datetime, zone: ZoneInfo) -> list[Interval]:
    """The days, weeks or months that `asked` touches, earliest first; one span for `AHEAD`."""
    if quota.within is Within.AHEAD:
        return [Interval(now, max(now, asked.end) + FAR)]
    return spans_of(quota.within, asked, zone)


def spans_of(within: Within, asked: Interval, zone: ZoneInfo) -> list[Interval]:
    """The whole days, weeks or months of the calendar in `zone` that `asked` touches."""
    found: list[Interval] = []
    start = asked.start
    while start < asked.end:
        found.append(_period(within, start, zone))
        start = found[-1].end
    return found


def _period(within: Within, instant: datetime, zone: ZoneInfo) -> Interval:
    day = day_of(instant, zone)
    if within is Within.DAY:
        return day_interval(day, zone)
    if within is Within.WEEK:
        first = day - _DAY * day.weekday()
        last = first + _DAY * 6
    else:
        first = day.replace(day=1)
        last = (first + _DAY * 31).replace(day=1) - _DAY
    return Interval(day_interval(first, zone).start, day_interval(last, zone).end)


def time_within(spans: Iterable[Interval], period: Interval) -> timedelta:
    """How much of `spans` lies in `period`; what overlaps counts as often as it is held."""
    parts = (span.intersection(period) for span in spans)
    return sum((part.duration for part in parts if part), timedelta())


def peak_time_within(
    spans: Iterable[Interval], peak: Sequence[Interval], period: Interval
) -> timedelta:
    """How much of `spans` lies in `period` and in `peak`, whose spans do not overlap."""
    inside = [part for span in peak if (part := span.intersection(period))]
    return sum((time_within(spans, part) for part in inside), timedelta())
