"""Booking rules about what stands in the way: what others hold, and closures."""

from collections.abc import Iterable

from app.domain.booking_facts import BookingFacts, BookingRequest
from app.domain.errors import Refusal, TakenTime, Text
from app.domain.interval import Interval, at_capacity, fullest, merged
from app.domain.notation import in_words, iso_span, listed

#: Refused because of others, not because of a rule: these lead to “taken”, with alternatives.
CONFLICT_CODES = frozenset({"taken", "capacity-full", "blackout"})


def clear_of_blackouts(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    met = _overlapping(facts.blackouts, facts.policy.occupied(request.interval))
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
    met = _met(facts, request.interval)
    if not met:
        return None
    times = listed(merged(met), facts.zone, facts.now)
    apart = _apart(facts)
    return Refusal(
        "taken",
        Text(
            f"이미 예약된 시간({times.ko})과 겹칩니다. {apart.ko}비어 있는 시간을 골라 주세요.",
            f"It is already reserved at {times.en}. {apart.en}Choose a time that is free.",
        ),
        iso_span(met[0]),
        "starts_at",
    )


def _apart(facts: BookingFacts) -> Text:
    """What must be kept free between two reservations, if anything."""
    if not facts.policy.around:
        return Text("", "")
    words = in_words(facts.policy.around)
    return Text(
        f"예약 사이에는 준비·정리 시간 {words.ko}이 필요합니다. ",
        f"Setting up and cleaning up take {words.en} between two reservations. ",
    )


def leaves_room(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Counted instant by instant: overlapping reservations need not overlap each other."""
    if facts.capacity == 1:
        return None
    occupied = facts.policy.occupied
    held = [occupied(each) for each in facts.held]
    if fullest(held, occupied(request.interval)) < facts.capacity:
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


def conflicts(request: BookingRequest, facts: BookingFacts) -> list[TakenTime]:
    """What stands in the way of `request`, earliest first.

    With room for one these are the blackouts and reservations themselves; with room for
    several, the blackouts and the spans in which every place is reserved.
    """
    wanted = request.interval
    held = _met(facts, wanted) if facts.capacity == 1 else _full(facts, wanted)
    blackouts = _overlapping(facts.blackouts, facts.policy.occupied(wanted))
    found = [TakenTime(each, "reservation") for each in held]
    found += [TakenTime(each, "blackout") for each in blackouts]
    return sorted(found, key=lambda each: each.interval)


def _overlapping(spans: Iterable[Interval], wanted: Interval) -> list[Interval]:
    return sorted([span for span in spans if span.overlaps(wanted)])


def _met(facts: BookingFacts, wanted: Interval) -> list[Interval]:
    """The reservations that are too near, with the setting up and cleaning up of both."""
    occupied = facts.policy.occupied
    here = occupied(wanted)
    return sorted([each for each in facts.held if occupied(each).overlaps(here)])


def _full(facts: BookingFacts, wanted: Interval) -> list[Interval]:
    occupied = facts.policy.occupied
    held = [occupied(each) for each in facts.held]
    return _overlapping(at_capacity(held, facts.capacity), occupied(wanted))
