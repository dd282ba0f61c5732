"""A time that somebody looks for on any instrument, and the slots that fulfil it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.availability import starts_from, whole_slots
from app.domain.booking_facts import Policy
from app.domain.interval import Interval, without
from app.domain.local_time import day_of
from app.domain.opening_hours import DAYS, OpeningHours
from app.domain.window_rules import running_day


@dataclass(frozen=True, slots=True)
class Wish:
    """A time that somebody looks for, on whatever instrument has it."""

    duration: timedelta
    within: Interval
    #: At which hours of which days, by the clocks of each facility and whatever its holidays.
    hours: OpeningHours | None = None

    def of(self, opened: Sequence[Interval], zone: ZoneInfo) -> Sequence[Interval]:
        """The part of the open time that is at the hours asked for."""
        if self.hours is None:
            return opened
        return without(opened, without([self.within], self.hours.open_intervals(self.within, zone)))


def hours_asked(days: Sequence[str], hours: str = "") -> OpeningHours | None:
    """The hours `HH:MM-HH:MM` of some days of the week; of all days or the whole day if unsaid.

    Until an hour that is not later means the next morning. None stands for any time.
    """
    if not days and not hours:
        return None
    return OpeningHours.parse({day: [hours or "24h"] for day in days or DAYS})


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is known of one instrument's time."""

    policy: Policy
    zone: ZoneInfo
    #: When one more reservation fits, of the time that a wish is about; in order.
    free: Iterable[Interval]
    #: The parts of the day that it is given out in, in order, where the policy has any.
    fixed: Sequence[Interval] = ()
    #: When the person's access ends, if it does.
    until: datetime | None = None
    #: From when on to look again, if the person may not take a slot; none: they may take all.
    resume: Callable[[Interval], datetime | None] | None = None


def suits(policy: Policy, wish: Wish) -> bool:
    """Whether so long a reservation may be made at all."""
    if policy.fixed_slots is not None:  # As many are joined as it takes.
        return wish.duration <= policy.longest
    return policy.shortest <= whole_slots(wish.duration, policy.slot) <= policy.longest


def wished_slots(timetable: Timetable, wish: Wish, *, now: datetime) -> Iterator[Interval]:
    """The slots that fulfil the wish and that no rule of time refuses, earliest first.

    Found as asked for: among a thousand instruments, most are never asked for a second one.
    They may overlap one another. A duration that is no whole number of slots is rounded up.
    """
    policy = timetable.policy
    if not suits(policy, wish):
        return
    first, last = max(wish.within.start, now + policy.latest), now + policy.earliest
    resume = timetable.resume
    for gap in _reachable(timetable, now):
        if gap.start > last:
            return
        if gap.end - gap.start < wish.duration:  # Most gaps are too short; this is all they cost.
            continue
        again: datetime | None = max(gap.start, first)
        while again is not None and again < gap.end:
            begin, again = again, None
            for slot in _slots_of(timetable, wish, begin, gap):
                if slot.start > last:
                    return
                if resume is None or (later := resume(slot)) is None:
                    yield slot
                elif later > slot.start:
                    first = again = max(first, later)
                    break


def _slots_of(
    timetable: Timetable, wish: Wish, first: datetime, gap: Interval
) -> Iterator[Interval]:
    """The slots in the gap that start from `first` on, whoever may take them."""
    policy, zone = timetable.policy, timetable.zone
    if policy.fixed_slots is None:
        length = whole_slots(wish.duration, policy.slot)
        for start in starts_from(first, gap, length, policy.slot, zone):
            yield Interval(start, start + length)
        return
    for start in _fixed_starts(timetable.fixed, first, gap):
        if (slot := _joined(start, timetable, wish)) and slot.end <= gap.end:
            yield slot


def _fixed_starts(fixed: Sequence[Interval], first: datetime, gap: Interval) -> Iterator[datetime]:
    """Where fixed slots start within the gap: what lies behind it is for the gaps to come."""
    return (slot.start for slot in fixed if first <= slot.start < gap.end)


def _reachable(timetable: Timetable, now: datetime) -> Iterable[Interval]:
    """The free time without what is not for this day, or for the person no more."""
    begins, until = timetable.policy.same_day, timetable.until
    if begins is None and until is None:
        return timetable.free
    found = timetable.free
    if begins is not None:
        day = running_day(begins, timetable.zone, now=now)
        found = (part for each in found if (part := each.intersection(day)))
    if until is None:
        return found
    return (Interval(each.start, min(each.end, until)) for each in found if each.start < until)


def _joined(start: datetime, timetable: Timetable, wish: Wish) -> Interval | None:
    """As many fixed slots from `start` on as the wish takes, if they may be booked together."""
    policy = timetable.policy
    ends = {slot.start: slot.end for slot in timetable.fixed}
    end = start
    while end - start < max(wish.duration, policy.shortest):
        if end not in ends:
            return None
        end = ends[end]
    return Interval(start, end) if end - start <= policy.longest else None


def first_of_each_day(slots: Iterable[Interval], zone: ZoneInfo) -> Iterator[Interval]:
    """The first slot that starts on each day."""
    today = None
    for slot in slots:
        if (day := day_of(slot.start, zone)) != today:
            today = day
            yield slot


def side_by_side(slots: Iterable[Interval]) -> Iterator[Interval]:
    """The slots that overlap none before them."""
    free_from = None
    for slot in slots:
        if free_from is None or slot.start >= free_from:
            free_from = slot.end
            yield slot
