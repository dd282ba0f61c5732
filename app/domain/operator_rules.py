"""The booking rule about operators, and who is assigned."""

from app.domain.booking_facts import OPERATED, BookingFacts, BookingRequest, Mode, Policy
from app.domain.errors import Refusal, Text
from app.domain.interval import Interval
from app.domain.notation import iso_instant, shown
from app.domain.operators import OperatorNeeded, in_turn, next_free


def asks_operator(policy: Policy, mode: Mode) -> bool:
    """Whether Dure assigns an operator to a use in this mode."""
    return mode in OPERATED and policy.operator is not OperatorNeeded.OFF


def needs_operator(policy: Policy, mode: Mode) -> bool:
    """Whether it cannot be reserved without one."""
    return mode in OPERATED and policy.operator is OperatorNeeded.REQUIRED


def operator_is_free(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """One operator over the whole time; two do not hand over."""
    if not needs_operator(facts.policy, request.mode):
        return None
    if any(each.free_for(request.interval) for each in facts.operators):
        return None
    return operators_busy(request.interval, facts)


def operators_busy(wanted: Interval, facts: BookingFacts) -> Refusal:
    """That none of them is free then, and when the next one is."""
    start = next_free(facts.operators, wanted, facts.policy.slot, facts.zone)
    if start is None:
        todo = Text(
            "다른 날을 골라 주세요. 정해진 날에 필요하면 장비담당자에게 문의해 주세요.",
            "Choose another day, or ask the facility's manager if it has to be then.",
        )
    else:
        when = shown(start, facts.zone, facts.now)
        todo = Text(
            f"가장 이른 시간은 {when.ko}부터입니다. 그때부터의 시간을 골라 주세요.",
            f"The next time at which one is free begins at {when.en}. Choose one from then on.",
        )
    return Refusal(
        "operator-busy",
        Text(
            f"이 시간 내내 담당할 수 있는 전담운영인력이 없습니다. {todo.ko}",
            f"No operator is free over the whole of that time. {todo.en}",
        ),
        iso_instant(start) if start else None,
        "starts_at",
        of_others=any(each.works(wanted) for each in facts.operators),
    )


def operator_for(
    request: BookingRequest, facts: BookingFacts, present: int | None = None
) -> int | None:
    """Who attends it: whoever does already, if they are free; else whose turn it is."""
    if not asks_operator(facts.policy, request.mode):
        return None
    return in_turn(facts.operators, [(request.interval, present)], facts.zone)[0]
