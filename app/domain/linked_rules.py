"""Booking rules about what is reserved along: instruments that another needs, and accessories.

When and how long is the main instrument's to say: its grid, lengths, notice and modes of use. All
else what is reserved along asks by rules of its own, as if it were reserved by itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from app.domain import (
    answer_rules,
    conflict_rules,
    contract_rules,
    overdue_rules,
    quota_rules,
    training_rules,
)
from app.domain import booking_rules as rules
from app.domain.booking_facts import BookingFacts, BookingRequest, Linked
from app.domain.errors import Refusal, TakenTime, Text
from app.domain.permits import answers_along

#: The codes that sum up what is wrong with what is reserved along.
CODES = frozenset({"needs-linked-instrument", "accessory-taken"})

_TIMES = frozenset({"starts_at", "ends_at"})
_ANSWERS = "answers."

_Rules = Sequence[Callable[[BookingRequest, BookingFacts], Refusal | None]]

_KEEPING: _Rules = (
    rules.instrument_is_in_use,
    rules.instrument_works,
    rules.within_use_scope,
    contract_rules.contract_is_signed,
    overdue_rules.institution_has_paid,
    training_rules.person_is_qualified,
    training_rules.certificate_is_current,
    training_rules.safety_training_is_current,
    rules.within_opening_hours,
    training_rules.within_level_hours,
    conflict_rules.clear_of_blackouts,
    conflict_rules.clear_of_reservations,
    conflict_rules.leaves_room,
    quota_rules.leaves_a_gap,
    quota_rules.keeps_the_day,
    quota_rules.keeps_the_week,
    quota_rules.keeps_the_month,
    quota_rules.keeps_the_open_ones,
    quota_rules.keeps_the_hours_ahead,
    quota_rules.keeps_the_peak,
    quota_rules.keeps_the_group,
    quota_rules.keeps_the_institution,
    quota_rules.leaves_the_owner_its_share,
)
_HAVING: _Rules = (
    *_KEEPING,
    answer_rules.permits_are_given,
    answer_rules.permits_last,
    answer_rules.questions_are_answered,
)
#: What no other time would mend.
_WITHOUT_TIME: _Rules = (
    rules.instrument_is_in_use,
    rules.within_use_scope,
    contract_rules.contract_is_signed,
    overdue_rules.institution_has_paid,
    answer_rules.permits_are_given,
    answer_rules.permits_last,
    answer_rules.questions_are_answered,
)


def needed_without_time(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _needed(request, facts, _WITHOUT_TIME)


def needed_can_be_had(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _needed(request, facts, _HAVING)


def needed_can_be_kept(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _needed(request, facts, _KEEPING)


def accessories_can_be_had(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _accessories(request, facts, _HAVING)


def accessories_can_be_kept(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _accessories(request, facts, _KEEPING)


def conflicts(request: BookingRequest, facts: BookingFacts) -> list[TakenTime]:
    """What stands in the way of `request` and of what is reserved along, earliest first."""
    found = set(conflict_rules.conflicts(request, facts))
    for each in facts.linked:
        found.update(conflict_rules.conflicts(request, each.facts))
    return sorted(found, key=lambda each: (each.interval, each.kind))


_Wrong = list[tuple[Linked, list[Refusal]]]


def _needed(request: BookingRequest, facts: BookingFacts, by: _Rules) -> Refusal | None:
    wrong = _wrong(request, (each for each in facts.linked if not each.accessory), by)
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


def _accessories(request: BookingRequest, facts: BookingFacts, by: _Rules) -> Refusal | None:
    wrong = _wrong(request, (each for each in facts.linked if each.accessory), by)
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


def _wrong(request: BookingRequest, linked: Iterable[Linked], by: _Rules) -> _Wrong:
    """What cannot be had, each with every reason."""
    found: _Wrong = []
    for each in linked:
        own = replace(request, answers=answers_along(each.slug, request.answers))
        if refusals := [refusal for rule in by if (refusal := rule(own, each.facts))]:
            found.append((each, refusals))
    return found


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
    reasons = [(each.slug, refusal) for each, refusals in wrong for refusal in refusals]
    return Refusal(
        code,
        Text(" ".join(each.ko for each in said), " ".join(each.en for each in said)),
        wrong[0][0].slug,
        _field(reasons) or field,
        because=tuple(dict.fromkeys(refusal.code for _, refusal in reasons)),
    )


def _field(reasons: Sequence[tuple[str, Refusal]]) -> str | None:
    """What would have to change: the time, or the first of answers, if nothing else is wrong."""
    fields = {refusal.field or "" for _, refusal in reasons}
    if fields <= _TIMES:
        return "starts_at"
    slug, first = reasons[0][0], reasons[0][1].field or ""
    if all(field.startswith(_ANSWERS) for field in fields):
        return f"{_ANSWERS}{slug}.{first.removeprefix(_ANSWERS)}"
    return None
