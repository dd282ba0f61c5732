"""Whether a time may be booked: every reason to refuse it, and what stands in the way.

The rules that look at one's own request are in `booking_rules`; here are those that look at
what others hold, and the list of all.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from app.domain import (
    answer_rules,
    contract_rules,
    overdue_rules,
    quota_rules,
    training_rules,
    window_rules,
)
from app.domain import booking_rules as rules
from app.domain.booking_facts import (
    AffiliationClass,
    BookingFacts,
    BookingRequest,
    Mode,
    Policy,
    TwoPlaces,
    UseScope,
    UseState,
)
from app.domain.errors import Refusal, TakenTime, Text
from app.domain.interval import Interval, at_capacity, fullest, merged
from app.domain.notation import in_words, iso_span, listed

__all__ = [
    "CODES",
    "CONFLICT_CODES",
    "EXTENSION_RULES",
    "RULES",
    "SOFT",
    "TIMELESS",
    "AffiliationClass",
    "BookingFacts",
    "BookingRequest",
    "Mode",
    "Policy",
    "Rule",
    "TwoPlaces",
    "UseScope",
    "UseState",
    "conflicts",
    "extension_refusals",
    "only_soft",
    "refusals",
    "refused_at_any_time",
    "warnings",
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
        "instrument-faulty": Text(
            "장비가 고장입니다.", "The instrument is out of order, and no end is known."
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
        "access-ended": Text(
            "그때에는 소속 기간이 끝나 있습니다.",
            "The person's affiliation will have ended by then.",
        ),
        "overdue": Text(
            "소속 기관의 이용료가 오래 연체되어 있습니다.",
            "The person's institution has not paid the facility's for too long.",
        ),
        "contract-missing": Text(
            "소속 기관이 시설과 맺은 이용 계약이 없거나 그때에는 유효하지 않습니다.",
            "The person's institution has no contract of use with the facility that covers the "
            "time.",
        ),
        "outside-fixed-slots": Text(
            "정해진 시간대에 맞지 않습니다.",
            "It does not run from the start of a fixed slot to the end of one.",
        ),
        "same-day-only": Text(
            "당일만 예약할 수 있는 장비입니다.",
            "The instrument is booked for the running day only.",
        ),
        "gap-too-small": Text(
            "본인의 다른 예약과 너무 가깝습니다.",
            "It is too near another reservation of the same person.",
        ),
        "max-per-day": Text("하루 한도를 넘습니다.", "It exceeds what one person may hold a day."),
        "max-per-week": Text(
            "한 주 한도를 넘습니다.", "It exceeds what one person may hold a week."
        ),
        "max-per-month": Text(
            "한 달 한도를 넘습니다.", "It exceeds what one person may hold a month."
        ),
        "max-open": Text(
            "앞으로의 예약 수 한도에 닿았습니다.",
            "The person has as many reservations ahead as one may have.",
        ),
        "max-hours-ahead": Text(
            "앞으로의 예약 시간 한도를 넘습니다.",
            "It exceeds the hours that one person may hold ahead.",
        ),
        "peak-share": Text(
            "집중 시간대의 한도를 넘습니다.", "It exceeds what may be held of the peak hours."
        ),
        "group-quota": Text(
            "연구실 한도를 넘습니다.", "It exceeds what one research group may hold."
        ),
        "institution-quota": Text(
            "기관 한도를 넘습니다.", "It exceeds what one institution may hold."
        ),
        "owner-share": Text(
            "보유 기관 몫으로 남겨 둔 시간을 침범합니다.",
            "It would use time that is kept for the institution that owns the instrument.",
        ),
        "in-two-places": Text(
            "같은 시간에 다른 장비를 예약해 두었습니다.",
            "The person has reserved another instrument at the same time.",
        ),
        "permit-missing": Text(
            "필요한 승인번호나 만료일이 없습니다.",
            "The number or the expiry of a permit that is asked for is missing.",
        ),
        "permit-expired": Text(
            "승인이 예약일 전에 만료됩니다.", "A permit expires before the reservation ends."
        ),
        "answer-missing": Text(
            "시설이 묻는 것에 맞는 답이 없습니다.",
            "A question of the facility has no answer, or none that fits.",
        ),
        "not-qualified": Text(
            "이 장비의 이용 교육 수료증이 없습니다.",
            "The person holds no certificate for the instrument.",
        ),
        "certificate-expired": Text(
            "수료증이 만료되었거나 오래 쓰지 않아 효력을 잃었습니다.",
            "The person's certificate has expired by then, or was lost because it was not used.",
        ),
        "safety-training-expired": Text(
            "필요한 안전교육을 받지 않았거나 그 유효 기간이 지났습니다.",
            "A safety training that the instrument asks for is missing, or over by then.",
        ),
        "level-hours": Text(
            "수료증 등급으로 사용할 수 있는 시간이 아닙니다.",
            "The level of the person's certificate does not open that time.",
        ),
    }
)

#: Refused because of others, not because of a rule: these lead to “taken”, with alternatives.
CONFLICT_CODES = frozenset({"taken", "capacity-full", "blackout"})

#: What a manager may set aside with a reason: the facility's own rules. What others hold, a
#: closure, a fault, a suspension and the laws behind permits are not theirs to set aside.
SOFT = frozenset(
    {
        *("off-grid", "shortest", "longest", "too-soon", "too-far-ahead"),
        *("outside-opening-hours", "outside-fixed-slots", "same-day-only", "gap-too-small"),
        *("max-per-day", "max-per-week", "max-per-month", "max-open", "max-hours-ahead"),
        *("peak-share", "group-quota", "institution-quota", "owner-share", "in-two-places"),
        *("mode-not-offered", "answer-missing", "level-hours"),
    }
)


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


RULES: tuple[Rule, ...] = (
    rules.person_is_not_suspended,
    rules.access_lasts,
    rules.instrument_is_in_use,
    rules.instrument_works,
    rules.within_use_scope,
    rules.mode_is_offered,
    contract_rules.contract_is_signed,
    overdue_rules.institution_has_paid,
    training_rules.person_is_qualified,
    training_rules.certificate_is_current,
    training_rules.safety_training_is_current,
    rules.lies_ahead,
    rules.leaves_notice,
    rules.within_booking_window,
    rules.fits_the_grid,
    rules.long_enough,
    rules.short_enough,
    window_rules.fills_fixed_slots,
    window_rules.is_for_the_running_day,
    rules.within_opening_hours,
    training_rules.within_level_hours,
    clear_of_blackouts,
    clear_of_reservations,
    leaves_room,
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
    quota_rules.is_in_one_place,
    answer_rules.permits_are_given,
    answer_rules.permits_last,
    answer_rules.questions_are_answered,
)

#: Those of the rules that no other time would mend: whoever looks for a time on any instrument
#: is not offered what they would refuse.
TIMELESS: tuple[Rule, ...] = (
    rules.instrument_is_in_use,
    rules.within_use_scope,
    rules.mode_is_offered,
)


#: An extension is asked for at the instrument, after the start and with all questions answered.
_NOT_OF_EXTENSIONS = frozenset(
    {
        rules.lies_ahead,
        rules.leaves_notice,
        rules.within_booking_window,
        answer_rules.permits_are_given,
        answer_rules.permits_last,
        answer_rules.questions_are_answered,
    }
)
EXTENSION_RULES: tuple[Rule, ...] = tuple(rule for rule in RULES if rule not in _NOT_OF_EXTENSIONS)


def refusals(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """Every reason to refuse `request`; none means that it may be booked."""
    found = (rule(request, facts) for rule in RULES)
    return [refusal for refusal in found if refusal]


def only_soft(refusals: Iterable[Refusal]) -> bool:
    """Whether a manager may set all of them aside."""
    return all(refusal.code in SOFT for refusal in refusals)


def warnings(request: BookingRequest, facts: BookingFacts) -> list[Text]:
    """What the person should know before they book, though nothing forbids it."""
    if facts.policy.two_places is not TwoPlaces.WARN:
        return []
    found = quota_rules.two_places(request, facts)
    return [found.reason] if found else []


def refused_at_any_time(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """The reasons to refuse `request` that hold at whatever time."""
    found = (rule(request, facts) for rule in TIMELESS)
    return [refusal for refusal in found if refusal]


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


def extension_refusals(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """Every reason not to let a use go on; `request` is the whole of it, from its start."""
    found = (rule(request, facts) for rule in EXTENSION_RULES)
    return [refusal for refusal in found if refusal]
