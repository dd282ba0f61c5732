"""Which free times one person may take: what they, their institution and others hold, counted once.

The rules are those of `quota_rules`, `training_rules` and `contract_rules`, asked slot after slot
of one instrument. Each answers with the instant from which looking on makes sense again, so that
a week that is used up costs one question and not three hundred.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from app.domain import quota_rules, training_rules
from app.domain.booking_facts import BookingFacts, BookingRequest, Mode, TwoPlaces
from app.domain.contract_rules import needs_contract
from app.domain.contracts import covered
from app.domain.errors import Refusal
from app.domain.interval import Interval
from app.domain.local_time import day_interval, days_of
from app.domain.quota import FAR, Quota, Within, peak_time_within, spans_of, time_within

_NOTHING = timedelta()


@dataclass
class Reach:
    """One person and one instrument; `facts` hold all that lies in the time looked at."""

    facts: BookingFacts
    request: BookingRequest  # its time is replaced by that of each slot
    until: datetime  # nobody looks for anything from here on
    #: Only what the person may work themselves; otherwise what they lack is said beside it.
    only_qualified: bool = False
    _left: dict[tuple[int, datetime], timedelta | int] = field(default_factory=dict)
    _last: dict[Within, Interval] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policy, comes = self.facts.policy, quota_rules.comes(self.request)
        owners = quota_rules.OWNERS[policy.owner]
        checks: list[tuple[bool, Callable[[Interval], datetime | None]]] = [
            (needs_contract(policy, self.facts.affiliation), self._contract),
            (policy.two_places is TwoPlaces.REFUSE and comes, self._elsewhere),
            (bool(policy.gap) and comes, self._gap),
            (bool(policy.quotas), self._quotas),
            (bool(policy.owner_share) and self.facts.affiliation not in owners, self._owner),
            (self._trained(), self._training),
        ]
        self._checks = tuple(check for asked, check in checks if asked)

    def __bool__(self) -> bool:
        """Whether anything can stand in the way at all."""
        return bool(self._checks)

    def resume(self, slot: Interval) -> datetime | None:
        """From when on to look again, if the slot may not be taken; None: it may."""
        for check in self._checks:
            if (later := check(slot)) is not None:
                return later
        return None

    def never(self) -> str | None:
        """Why no slot may be taken at all, as far as that is plain from the start: the code."""
        facts = self.facts
        if needs_contract(facts.policy, facts.affiliation) and not any(
            each.valid_until is None or self.request.interval.start < self._end_of(each.valid_until)
            for each in facts.contracts
        ):
            return "contract-missing"
        if self.only_qualified and self._trained():
            first = max(self.request.interval.start, facts.now)
            # On its first day alone: a longer time would reach into days behind an end.
            lacking = self.lacking(Interval(first, first + timedelta.resolution))
            return "not-qualified" if lacking else None
        return None

    def _end_of(self, day: date) -> datetime:
        return day_interval(day, self.facts.zone).end

    def lacking(self, slot: Interval) -> list[Refusal]:
        """What the person has to learn before they may take the slot."""
        return training_rules.still_to_learn(replace(self.request, interval=slot), self.facts)

    def _trained(self) -> bool:
        training = self.facts.training
        return self.request.mode is Mode.SELF_OPERATED and not training.asks_nothing

    def _training(self, slot: Interval) -> datetime | None:
        request = replace(self.request, interval=slot)
        if self.only_qualified and training_rules.still_to_learn(request, self.facts):
            return self.until  # Certificates end, and never begin, as time goes on.
        return slot.start if training_rules.within_level_hours(request, self.facts) else None

    def _contract(self, slot: Interval) -> datetime | None:
        first, last = days_of(slot, self.facts.zone)
        contracts = self.facts.contracts
        if covered(contracts, first, last):
            return None
        begin = [each.valid_from for each in contracts if each.valid_from > first]
        return day_interval(min(begin), self.facts.zone).start if begin else self.until

    def _elsewhere(self, slot: Interval) -> datetime | None:
        return max((each.end for each in self.facts.elsewhere if each.overlaps(slot)), default=None)

    def _gap(self, slot: Interval) -> datetime | None:
        gap = self.facts.policy.gap
        for each in self.facts.counted:
            if (
                each.same_person
                and each.present
                and (
                    _NOTHING < slot.start - each.interval.end < gap
                    or _NOTHING < each.interval.start - slot.end < gap
                )
            ):
                return slot.start
        return None

    def _quotas(self, slot: Interval) -> datetime | None:
        for number, quota in enumerate(self.facts.policy.quotas):
            for period in self._periods(quota.within, slot):
                left = self._left_of(number, quota, period)
                if isinstance(left, int):
                    if left <= 0:
                        return period.end
                elif quota.peak:
                    more = peak_time_within([slot], self.facts.peak, period)
                    if more and more > left:
                        return slot.start
                elif (more := time_within([slot], period)) and more > left:
                    return self._behind(slot, period, left)
        return None

    def _owner(self, slot: Interval) -> datetime | None:
        for week in self._periods(Within.WEEK, slot):
            left = self._left.get((-1, week.start))
            if left is None:
                left = self._left[-1, week.start] = self._left_to_others(week)
            assert isinstance(left, timedelta)
            if time_within([slot], week) > left:
                return self._behind(slot, week, left)
        return None

    def _behind(self, slot: Interval, period: Interval, left: timedelta) -> datetime:
        """From when on a slot as long would use no more of the period than is left.

        Fixed slots differ in length: while anything is left, a later one may be short enough.
        """
        if left > _NOTHING and self.facts.policy.fixed_slots is not None:
            return slot.start
        return period.end - max(left, _NOTHING)

    def _left_to_others(self, week: Interval) -> timedelta:
        facts = self.facts
        opened = time_within(facts.open_hours, week) * facts.capacity
        others = [each.interval for each in facts.counted if not each.of_owner]
        return opened * (100 - facts.policy.owner_share) // 100 - time_within(others, week)

    def _left_of(self, number: int, quota: Quota, period: Interval) -> timedelta | int:
        key = (number, period.start)
        if key not in self._left:
            self._left[key] = self._counted(quota, period)
        return self._left[key]

    def _counted(self, quota: Quota, period: Interval) -> timedelta | int:
        held = [each.interval for each in self.facts.counted if quota_rules.counts(quota, each)]
        if quota.number is not None:
            return quota.number - sum(each.overlaps(period) for each in held)
        limit = quota.hours or _NOTHING
        if quota.peak:
            return limit - peak_time_within(held, self.facts.peak, period)
        return limit - time_within(held, period)

    def _periods(self, within: Within, slot: Interval) -> Sequence[Interval]:
        """As `quota.periods`; most slots lie in the same period as the one before."""
        last = self._last.get(within)
        if last is not None and last.contains(slot):
            return (last,)
        if within is Within.AHEAD:
            last = self._last[within] = Interval(self.facts.now, max(self.until, slot.end) + FAR)
            return (last,)
        found = spans_of(within, slot, self.facts.zone)
        self._last[within] = found[-1]
        return found
