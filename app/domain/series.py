"""A series judged as a whole: each date by the usual rules, with the dates before it held."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from app.domain import booking
from app.domain.booking import BookingFacts, BookingRequest
from app.domain.errors import Refusal, Text
from app.domain.interval import Interval
from app.domain.notation import shown_day
from app.domain.recurrence import Occurrence

#: The fields of a request that another time would mend.
_TIMES = frozenset({"starts_at", "ends_at"})


class OnConflict(StrEnum):
    """What becomes of a series where one of its dates is refused."""

    FAIL = "fail"  # nothing is reserved
    SKIP = "skip"  # that date is left out
    SHIFT = "shift"  # it moves to the nearest time that is free


class Surroundings(Protocol):
    """What is known around the dates of a series."""

    def facts(self, interval: Interval, placed: Sequence[Interval]) -> BookingFacts:
        """The facts of one date; `placed` are the dates of the series that hold their time."""

    def nearest(self, interval: Interval, placed: Sequence[Interval]) -> Iterable[Interval]:
        """Free times as long as `interval`, the nearest first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one date."""

    occurrence: Occurrence
    interval: Interval | None  # where it is placed; None where it is refused
    refusals: tuple[Refusal, ...] = ()  # why not at the time of its rule
    aside: tuple[str, ...] = ()  # rules that a manager sets aside for it
    warnings: tuple[Text, ...] = ()

    @property
    def shifted(self) -> bool:
        return self.interval is not None and self.interval != self.occurrence.interval

    @property
    def word(self) -> str:
        if self.interval is None:
            return "refused"
        return "shifted" if self.shifted else "free"


def judged(
    wanted: Sequence[tuple[BookingRequest, Occurrence]],
    around: Surroundings,
    on_conflict: OnConflict,
    *,
    may_set_aside: bool = False,
) -> list[Verdict]:
    """The verdict on each date, in their order; a request has the interval of its date.

    Those that are free hold their time and count in quotas for all others; only then those that
    shall be shifted look for a place beside them.
    """
    placed: list[Interval] = []
    verdicts: list[Verdict] = []
    for request, occurrence in wanted:
        verdict = _judge(request, occurrence, around, placed, may_set_aside=may_set_aside)
        verdicts.append(verdict)
        if verdict.interval:
            placed.append(verdict.interval)
    if on_conflict is not OnConflict.SHIFT:
        return verdicts
    for number, (request, _) in enumerate(wanted):
        verdict = verdicts[number]
        if verdict.interval is None and (found := _elsewhere(request, verdict, around, placed)):
            verdicts[number] = replace(verdict, interval=found)
            placed.append(found)
    return verdicts


def _judge(
    request: BookingRequest,
    occurrence: Occurrence,
    around: Surroundings,
    placed: Sequence[Interval],
    *,
    may_set_aside: bool,
) -> Verdict:
    if occurrence.wrong:
        why = Refusal("no-such-time", occurrence.wrong, occurrence.day.isoformat(), "starts_at")
        return Verdict(occurrence, None, (why,))
    facts = around.facts(occurrence.interval, placed)
    refusals = booking.refusals(request, facts)
    if not refusals:
        warnings = tuple(booking.warnings(request, facts))
        return Verdict(occurrence, occurrence.interval, warnings=warnings)
    if may_set_aside and booking.only_soft(refusals):
        codes = tuple(refusal.code for refusal in refusals)
        return Verdict(occurrence, occurrence.interval, aside=codes)
    return Verdict(occurrence, None, tuple(refusals))


def _elsewhere(
    request: BookingRequest, verdict: Verdict, around: Surroundings, placed: Sequence[Interval]
) -> Interval | None:
    """The nearest time at which all rules allow it, if another time is all it takes."""
    if any(refusal.field not in _TIMES for refusal in verdict.refusals):
        return None
    for slot in around.nearest(verdict.occurrence.interval, placed):
        if not booking.refusals(replace(request, interval=slot), around.facts(slot, placed)):
            return slot
    return None


def fails(verdicts: Sequence[Verdict], on_conflict: OnConflict) -> bool:
    """Whether nothing may be reserved: none if one is refused, unless those are left out."""
    refused = [verdict.interval is None for verdict in verdicts]
    return all(refused) if on_conflict is OnConflict.SKIP else any(refused)


def reasons(verdicts: Sequence[Verdict], zone: ZoneInfo, now: datetime) -> list[Refusal]:
    """Every reason why dates are refused, with the date; what holds for all of them once."""
    refused = [verdict for verdict in verdicts if verdict.interval is None]
    everywhere = set.intersection(*(set(each.refusals) for each in refused)) if refused else set()
    if len(refused) < len(verdicts):
        everywhere = set()
    found = [each for each in refused[0].refusals if each in everywhere] if refused else []
    for verdict in refused:
        day = shown_day(verdict.occurrence.interval.start, zone, now)
        found += [
            replace(each, reason=Text(f"{day.ko}: {each.reason.ko}", f"{day.en}: {each.reason.en}"))
            for each in verdict.refusals
            if each not in everywhere
        ]
    return found
