"""Whether a time may be booked: every reason to refuse it, and what stands in the way.

The rules that look at one's own request are in `booking_rules`; here are those that look at
what others hold, and the list of all.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from app.domain import booking_rules as rules
from app.domain.booking_facts import (
    AffiliationClass,
    BookingFacts,
    BookingRequest,
    Mode,
    Policy,
    UseScope,
    UseState,
)
from app.domain.errors import Refusal, TakenTime, Text
from app.domain.interval import Interval, at_capacity, fullest, merged
from app.domain.notation import iso_span, listed

__all__ = [
    "CODES",
    "CONFLICT_CODES",
    "RULES",
    "AffiliationClass",
    "BookingFacts",
    "BookingRequest",
    "Mode",
    "Policy",
    "Rule",
    "UseScope",
    "UseState",
    "conflicts",
    "refusals",
]

Rule = Callable[[BookingRequest, BookingFacts], Refusal | None]

#: What each code means, for the documentation; a code never changes its meaning.
CODES: Mapping[str, Text] = MappingProxyType(
    {
        "in-the-past": Text("시작 시각이 이미 지났습니다.", "The start has passed."),
        "off-grid": Text(
            "시작이나 종료가 예약 단위 시각에 맞지 않습니다.",
            "The start or the end does not fall on the slot grid, counted from local midnight.",
        ),
        "shortest": Text(
            "허용된 최소 시간보다 짧습니다.", "It is shorter than the shortest reservation allowed."
        ),
        "longest": Text(
            "허용된 최대 시간보다 깁니다.", "It is longer than the longest reservation allowed."
        ),
        "too-soon": Text(
            "예약 마감이 지나 시작까지 남은 시간이 부족합니다.",
            "The start is nearer than the notice that the instrument asks for.",
        ),
        "too-far-ahead": Text(
            "아직 예약이 열리지 않은 날짜입니다.", "Booking has not opened yet for that time."
        ),
        "outside-opening-hours": Text(
            "운영 시간을 벗어납니다.", "It does not lie within the opening hours."
        ),
        "blackout": Text(
            "점검·휴무와 겹칩니다.", "Maintenance or a closure (a blackout) lies in that time."
        ),
        "taken": Text(
            "다른 예약과 겹칩니다.", "Another reservation holds the instrument in that time."
        ),
        "capacity-full": Text(
            "동시 이용 정원이 찼습니다.",
            "As many reservations as fit at once hold the facility at some instant of that time.",
        ),
        "not-in-use": Text(
            "운영 중인 장비가 아닙니다.", "The instrument is idle, disused or retired."
        ),
        "use-scope": Text(
            "단독활용 장비로, 보유 기관 소속만 이용할 수 있습니다.",
            "The instrument is for private use: only its own institution may book it.",
        ),
        "mode-not-offered": Text(
            "제공하지 않는 이용 방식입니다.", "The instrument is not offered in that mode of use."
        ),
        "suspended": Text(
            "예약 자격이 정지되어 있습니다.", "The person's right to book is suspended."
        ),
    }
)

#: Refused because of others, not because of a rule: these lead to “taken”, with alternatives.
CONFLICT_CODES = frozenset({"taken", "capacity-full", "blackout"})


def clear_of_blackouts(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    met = _overlapping(facts.blackouts, request.interval)
    if not met:
        return None
    times = listed(met, facts.zone, facts.now)
    return Refusal(
        "blackout",
        Text(
            f"점검·휴무({times.ko})와 겹칩니다. 그 앞이나 뒤의 시간을 골라 주세요.",
            f"There is maintenance or a closure at {times.en}. Choose a time before or after it.",
        ),
        iso_span(met[0]),
        "starts_at",
    )


def clear_of_reservations(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """With room for one only; `leaves_room` speaks for facilities that hold several at once."""
    if facts.capacity != 1:
        return None
    met = _overlapping(facts.held, request.interval)
    if not met:
        return None
    times = listed(merged(met), facts.zone, facts.now)
    return Refusal(
        "taken",
        Text(
            f"이미 예약된 시간({times.ko})과 겹칩니다. 비어 있는 시간을 골라 주세요.",
            f"It is already reserved at {times.en}. Choose a time that is free.",
        ),
        iso_span(met[0]),
        "starts_at",
    )


def leaves_room(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Counted instant by instant: overlapping reservations need not overlap each other."""
    if facts.capacity == 1 or fullest(facts.held, request.interval) < facts.capacity:
        return None
    times = listed(_full(facts, request.interval), facts.zone, facts.now)
    return Refusal(
        "capacity-full",
        Text(
            f"정원 {facts.capacity}명이 찬 시간({times.ko})과 겹칩니다. "
            "그 시간을 피해 골라 주세요.",
            f"All {facts.capacity} places are reserved at {times.en}. Choose a time around it.",
        ),
        str(facts.capacity),
        "starts_at",
    )


RULES: tuple[Rule, ...] = (
    rules.person_is_not_suspended,
    rules.instrument_is_in_use,
    rules.within_use_scope,
    rules.mode_is_offered,
    rules.lies_ahead,
    rules.leaves_notice,
    rules.within_booking_window,
    rules.fits_the_grid,
    rules.long_enough,
    rules.short_enough,
    rules.within_opening_hours,
    clear_of_blackouts,
    clear_of_reservations,
    leaves_room,
)


def refusals(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """Every reason to refuse `request`; none means that it may be booked."""
    found = (rule(request, facts) for rule in RULES)
    return [refusal for refusal in found if refusal]


def conflicts(request: BookingRequest, facts: BookingFacts) -> list[TakenTime]:
    """What stands in the way of `request`, earliest first.

    With room for one these are the blackouts and reservations themselves; with room for
    several, the blackouts and the spans in which every place is reserved.
    """
    wanted = request.interval
    held = _overlapping(facts.held, wanted) if facts.capacity == 1 else _full(facts, wanted)
    found = [TakenTime(each, "reservation") for each in held]
    found += [TakenTime(each, "blackout") for each in _overlapping(facts.blackouts, wanted)]
    return sorted(found, key=lambda each: each.interval)


def _overlapping(spans: Iterable[Interval], wanted: Interval) -> list[Interval]:
    return sorted([span for span in spans if span.overlaps(wanted)])


def _full(facts: BookingFacts, wanted: Interval) -> list[Interval]:
    return _overlapping(at_capacity(facts.held, facts.capacity), wanted)
