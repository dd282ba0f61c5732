"""Operators (전담운영인력): their time, whose turn it is, and when one is free next."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.availability import starts_from, whole_slots
from app.domain.interval import Interval, merged, without
from app.domain.quota import Within, spans_of, time_within

#: As far behind a request as a time is looked for at which an operator is free.
AHEAD = timedelta(days=14)


class OperatorNeeded(StrEnum):
    """What an operator is to a use in which the staff works the instrument, or helps."""

    OFF = "off"  # Dure plans none
    ASKED = "asked"  # one is assigned if one is free
    REQUIRED = "required"  # without one it cannot be reserved


@dataclass(frozen=True, slots=True)
class Duty:
    """The time of one operator around a request."""

    key: int  # the id of the person
    name: str
    on_duty: tuple[Interval, ...]  # by their hours and absences; sorted, merged
    attends: tuple[Interval, ...] = ()  # reservations, also of other instruments

    def works(self, interval: Interval) -> bool:
        """Whether they are there from its start to its end, whatever they attend."""
        return any(span.contains(interval) for span in self.on_duty)

    def free_for(self, interval: Interval) -> bool:
        return self.works(interval) and not any(each.overlaps(interval) for each in self.attends)

    @property
    def free(self) -> list[Interval]:
        return without(self.on_duty, self.attends)


def first_free(duties: Iterable[Duty], interval: Interval, zone: ZoneInfo) -> Duty | None:
    """Whose turn it is: of those who are free, who attends least in that week, then by name."""
    week = spans_of(Within.WEEK, interval, zone)[0]
    free = [each for each in duties if each.free_for(interval)]
    return min(
        free,
        key=lambda each: (time_within(each.attends, week), each.name, each.key),
        default=None,
    )


def in_turn(
    duties: Iterable[Duty], dates: Iterable[tuple[Interval, int | None]], zone: ZoneInfo
) -> list[int | None]:
    """Who attends each of several dates, as if they were assigned one after the other.

    With each date goes who attends it already, if anybody does: they stay if they are free.
    """
    left = {each.key: each for each in duties}
    found = []
    for interval, present in dates:
        duty = left.get(present) if present is not None else None
        if duty is None or not duty.free_for(interval):
            duty = first_free(left.values(), interval, zone)
        if duty:
            left[duty.key] = replace(duty, attends=(*duty.attends, interval))
        found.append(duty.key if duty else None)
    return found


def next_free(
    duties: Iterable[Duty], wanted: Interval, slot: timedelta, zone: ZoneInfo
) -> datetime | None:
    """The first start from that of `wanted` on at which one of them has as much time."""
    length = whole_slots(wanted.duration, slot)
    starts = (
        next(starts_from(max(span.start, wanted.start), span, length, slot, zone), None)
        for each in duties
        for span in each.free
    )
    return min((start for start in starts if start), default=None)


def anybody_free(duties: Iterable[Duty]) -> list[Interval]:
    """When at least one of them is free; that it is the same one throughout is not said."""
    return merged(span for each in duties for span in each.free)


def resumed(duties: Iterable[Duty], slot: Interval) -> datetime | None:
    """None if one of them has the slot; else from when on one might have one as long."""
    starts = []
    for each in duties:
        for span in each.free:
            if span.contains(slot):
                return None
            start = max(span.start, slot.start + timedelta.resolution)
            if start + slot.duration <= span.end:
                starts.append(start)
    return min(starts, default=datetime.max.replace(tzinfo=slot.end.tzinfo))
