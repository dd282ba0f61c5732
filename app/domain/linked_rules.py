"""Booking rules about what is reserved along: instruments that another needs, and accessories.

What is reserved along has no wishes of its own: grid, lengths, notice and quotas are those of the
main instrument. What is asked is whether this person may have it at that time at all.
"""

from collections.abc import Callable, Iterable

from app.domain import booking_rules as rules
from app.domain import conflict_rules, training_rules
from app.domain.booking_facts import BookingFacts, BookingRequest, Linked
from app.domain.conflict_rules import CONFLICT_CODES
from app.domain.errors import Refusal, TakenTime, Text

_TIMES = frozenset({"starts_at", "ends_at"})

_RULES: tuple[Callable[[BookingRequest, BookingFacts], Refusal | None], ...] = (
    rules.instrument_is_in_use,
    rules.instrument_works,
    rules.within_use_scope,
    training_rules.person_is_qualified,
    training_rules.certificate_is_current,
    training_rules.safety_training_is_current,
    rules.within_opening_hours,
    training_rules.within_level_hours,
    conflict_rules.clear_of_blackouts,
    conflict_rules.clear_of_reservations,
    conflict_rules.leaves_room,
)


def needed_can_be_had(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    wrong = _wrong(request, (each for each in facts.linked if not each.accessory))
    if not wrong:
        return None
    return _refusal(
        "needs-linked-instrument",
        [
            Text(
                f"함께 예약해야 하는 ‘{name.ko}’ 때문에 예약할 수 없습니다. {why.ko}",
                f"“{name.en}” has to be reserved along with it, and cannot be had. {why.en}",
            )
            for name, why in _named(wrong)
        ],
        wrong,
        "instrument",
    )


def accessories_can_be_had(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    wrong = _wrong(request, (each for each in facts.linked if each.accessory))
    if not wrong:
        return None
    return _refusal(
        "accessory-taken",
        [
            Text(
                f"함께 고른 ‘{name.ko}’ 때문에 예약할 수 없습니다. {why.ko}",
                f"“{name.en}”, which you chose along with it, cannot be had. {why.en}",
            )
            for name, why in _named(wrong)
        ],
        wrong,
        "accessories",
    )


def conflicts(request: BookingRequest, facts: BookingFacts) -> list[TakenTime]:
    """What stands in the way of `request` and of what is reserved along, earliest first."""
    found = set(conflict_rules.conflicts(request, facts))
    for each in facts.linked:
        found.update(conflict_rules.conflicts(request, each.facts))
    return sorted(found, key=lambda each: (each.interval, each.kind))


_Wrong = list[tuple[Linked, list[Refusal]]]


def _wrong(request: BookingRequest, linked: Iterable[Linked]) -> _Wrong:
    """What cannot be had, each with every reason."""
    judged = (
        (each, [refusal for rule in _RULES if (refusal := rule(request, each.facts))])
        for each in linked
    )
    return [(each, refusals) for each, refusals in judged if refusals]


def _named(wrong: _Wrong) -> Iterable[tuple[Text, Text]]:
    for each, refusals in wrong:
        yield (
            each.name,
            Text(
                " ".join(refusal.reason.ko for refusal in refusals),
                " ".join(refusal.reason.en for refusal in refusals),
            ),
        )


def _refusal(code: str, said: list[Text], wrong: _Wrong, field: str) -> Refusal:
    """One refusal for all of them; its limit is the slug of the first."""
    reasons = [refusal for _, refusals in wrong for refusal in refusals]
    another_time = all(refusal.field in _TIMES for refusal in reasons)
    return Refusal(
        code,
        Text(" ".join(each.ko for each in said), " ".join(each.en for each in said)),
        wrong[0][0].slug,
        "starts_at" if another_time else field,
        of_others=all(refusal.code in CONFLICT_CODES for refusal in reasons),
    )
