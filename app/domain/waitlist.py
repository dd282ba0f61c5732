"""Waiting for time: who comes first, which time would do, and how long an offer stands."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from app.domain.availability import slots_within
from app.domain.booking_facts import Policy
from app.domain.interval import Interval, without
from app.domain.opening_hours import DAYS, OpeningHours

#: The hours in which people answer: outside of them the time to take an offer stands still.
_ANSWERING = OpeningHours.parse({"daily": ["08:00-20:00"], "holiday": ["08:00-20:00"]})
#: What nobody would have time to take is not offered.
LEAST_TO_ANSWER = timedelta(minutes=15)
#: As many times as are tried for one person: who may have none of them is not next.
_MOST_TRIED = 500


class WaitState(StrEnum):
    """Where somebody's waiting stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    MET = "met"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What became of an offer."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # by a manager: the time is no longer there


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one person waits for: a length of time within an interval.

    Where the length is all of the interval, it is that very slot.
    """

    key: int
    asked_at: datetime
    duration: timedelta
    within: Interval
    hours: OpeningHours | None = None  # by the clocks of each facility, whatever its holidays
    passed_over: tuple[Interval, ...] = ()  # what was offered before and not taken

    @property
    def exact(self) -> bool:
        return self.duration == self.within.duration

    @property
    def latest_start(self) -> datetime:
        return self.within.end - self.duration


def in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Who asked first comes first."""
    return sorted(waiting, key=lambda each: (each.asked_at, each.key))


def offers(
    waiting: Iterable[Waiting],
    times: Callable[[Waiting], Iterable[Interval]],
    may_have: Callable[[Waiting, Interval], bool],
) -> Iterator[tuple[Waiting, Interval]]:
    """Each person for whom there is a time, in the order of asking, with the first such time.

    One after the other: `times` is asked about the next when the one before is dealt with.
    """
    for each in in_order(waiting):
        for slot in times(each):
            if may_have(each, slot):
                yield each, slot
                break


def fitting(
    waiting: Waiting, free: Sequence[Interval], policy: Policy, zone: ZoneInfo, *, now: datetime
) -> Iterator[Interval]:
    """The slots in the free time that would do, earliest first."""
    here = [part for span in free if (part := span.intersection(waiting.within))]
    if waiting.hours is not None:
        open_then = waiting.hours.open_intervals(waiting.within, zone)
        here = without(here, without([waiting.within], open_then))
    here = without(here, waiting.passed_over)
    first = now + policy.latest + LEAST_TO_ANSWER
    return islice(slots_within(here, waiting.duration, policy.slot, zone, now=first), _MOST_TRIED)


def offer_until(slot: Interval, policy: Policy, zone: ZoneInfo, *, now: datetime) -> datetime:
    """When the offer of `slot` ends: after its hold by day, or when it can be reserved no more."""
    last = slot.start - policy.latest
    if last <= now:
        return last
    left = policy.offer_hold
    for day in _ANSWERING.open_intervals(Interval(now, last), zone):
        if left <= day.duration:
            return day.start + left
        left -= day.duration
    return last


def hours_of_days(days: Sequence[str], hours: str) -> dict[str, list[str]] | None:
    """The hours `HH:MM-HH:MM` of some days as opening hours are written; None for any time.

    Raises `ValueError` if either makes no sense.
    """
    if not days and not hours:
        return None
    written = {day: [hours or "24h"] for day in (days or DAYS)}
    OpeningHours.parse(written)
    return written


def worth_telling(
    free: Iterable[Interval],
    *,
    shortest: timedelta,
    days_ahead: int,
    hours: OpeningHours | None,
    zone: ZoneInfo,
    now: datetime,
) -> list[Interval]:
    """The parts of time that has become free of which somebody wants to be told."""
    until = Interval(now, now + timedelta(days=days_ahead))
    parts = [part for span in free if (part := span.intersection(until))]
    if hours is not None:
        parts = without(parts, without([until], hours.open_intervals(until, zone)))
    return [part for part in parts if part.duration >= shortest]
