"""Whether a time may be booked: the list of all rules, and every reason to refuse."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from app.domain import (
    account_rules,
    answer_rules,
    conflict_rules,
    contract_rules,
    linked_rules,
    operator_rules,
    overdue_rules,
    quota_rules,
    training_rules,
    window_rules,
)
from app.domain import booking_rules as rules
from app.domain.booking_facts import (
    OPERATED,
    AffiliationClass,
    BookingFacts,
    BookingRequest,
    Mode,
    Policy,
    TwoPlaces,
    UseScope,
    UseState,
)
from app.domain.conflict_rules import CONFLICT_CODES
from app.domain.errors import Refusal, Text
from app.domain.linked_rules import conflicts

__all__ = [
    "CODES",
    "CONFLICT_CODES",
    "EXTENSION_RULES",
    "OPERATED",
    "RULES",
    "SOFT",
    "TIMELESS",
    "WITHOUT_TIME",
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
    "is_conflict",
    "only_soft",
    "refusals",
    "refused_at_any_time",
    "refused_without_time",
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
        "account-missing": Text(
            "이용료를 낼 연구비 계정이 없거나 비율의 합이 100%가 아닙니다.",
            "The funding accounts that pay are not named, or do not add up to 100 percent.",
        ),
        "account-not-allowed": Text(
            "그 연구비 계정으로는 낼 수 없습니다.",
            "An account is unknown or not the person's to charge, expired by then, exhausted, or "
            "not for that mode of use.",
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
        "operator-busy": Text(
            "그 시간 내내 담당할 수 있는 전담운영인력이 없습니다.",
            "No operator of the instrument is free over the whole of that time.",
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
        "needs-linked-instrument": Text(
            "함께 예약해야 하는 장비를 그 시간에 쓸 수 없습니다.",
            "An instrument that has to be reserved along with it cannot be had in that time.",
        ),
        "accessory-taken": Text(
            "함께 고른 부속 장비를 그 시간에 쓸 수 없습니다.",
            "An accessory that was chosen along with it cannot be had in that time.",
        ),
        "level-hours": Text(
            "수료증 등급으로 사용할 수 있는 시간이 아닙니다.",
            "The level of the person's certificate does not open that time.",
        ),
    }
)

#: What a manager may set aside with a reason: the facility's own rules. What others hold, a
#: closure, a fault, a suspension and the laws behind permits are not theirs to set aside.
SOFT = frozenset(
    {
        *("off-grid", "shortest", "longest", "too-soon", "too-far-ahead"),
        *("outside-opening-hours", "outside-fixed-slots", "same-day-only", "gap-too-small"),
        *("max-per-day", "max-per-week", "max-per-month", "max-open", "max-hours-ahead"),
        *("peak-share", "group-quota", "institution-quota", "owner-share", "in-two-places"),
        *("mode-not-offered", "answer-missing", "level-hours", "operator-busy"),
    }
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
    account_rules.accounts_are_named,
    account_rules.accounts_may_pay,
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
    conflict_rules.clear_of_blackouts,
    conflict_rules.clear_of_reservations,
    conflict_rules.leaves_room,
    linked_rules.needed_can_be_had,
    linked_rules.accessories_can_be_had,
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
    operator_rules.operator_is_free,
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
    overdue_rules.institution_has_paid,
)

#: What is asked of a commission while it waits for a time; all rules are asked once it has one.
WITHOUT_TIME: tuple[Rule, ...] = (
    rules.person_is_not_suspended,
    rules.access_lasts,
    rules.instrument_is_in_use,
    rules.within_use_scope,
    rules.mode_is_offered,
    contract_rules.contract_is_signed,
    overdue_rules.institution_has_paid,
    account_rules.accounts_are_named,
    account_rules.accounts_may_pay,
    answer_rules.permits_are_given,
    answer_rules.permits_last,
    answer_rules.questions_are_answered,
    linked_rules.needed_without_time,
)

#: An extension is asked for at the instrument, after the start and with all questions answered.
_NOT_OF_EXTENSIONS = frozenset(
    {
        rules.lies_ahead,
        rules.leaves_notice,
        rules.within_booking_window,
        operator_rules.operator_is_free,  # Whoever attends it has to stay; `reservations.use` asks.
        answer_rules.permits_are_given,
        answer_rules.permits_last,
        answer_rules.questions_are_answered,
        account_rules.accounts_are_named,
        account_rules.accounts_may_pay,
    }
)
#: What is reserved along has had its answers, too.
_OF_EXTENSIONS: Mapping[Rule, Rule] = MappingProxyType(
    {
        linked_rules.needed_can_be_had: linked_rules.needed_can_be_kept,
        linked_rules.accessories_can_be_had: linked_rules.accessories_can_be_kept,
    }
)
EXTENSION_RULES: tuple[Rule, ...] = tuple(
    _OF_EXTENSIONS.get(rule, rule) for rule in RULES if rule not in _NOT_OF_EXTENSIONS
)


def refusals(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """Every reason to refuse `request`; none means that it may be booked."""
    found = (rule(request, facts) for rule in RULES)
    return [refusal for refusal in found if refusal]


def is_conflict(refusal: Refusal) -> bool:
    """Whether it is refused because of what others hold: another time would do."""
    return refusal.of_others or _is_of(refusal, CONFLICT_CODES)


def only_soft(refusals: Iterable[Refusal]) -> bool:
    """Whether a manager may set all of them aside."""
    return all(_is_of(refusal, SOFT) for refusal in refusals)


def _is_of(refusal: Refusal, codes: frozenset[str]) -> bool:
    """Whether its code is one of them, or all those are that it sums up."""
    return refusal.code in codes or (bool(refusal.because) and codes.issuperset(refusal.because))


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


def refused_without_time(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """Every reason to refuse what is asked for without a time; that of `request` is supposed."""
    found = (rule(request, facts) for rule in WITHOUT_TIME)
    return [refusal for refusal in found if refusal]


def extension_refusals(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """Every reason not to let a use go on; `request` is the whole of it, from its start."""
    found = (rule(request, facts) for rule in EXTENSION_RULES)
    return [refusal for refusal in found if refusal]
