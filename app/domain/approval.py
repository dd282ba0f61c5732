"""The life of a reservation: its states, the steps between them, and who starts where."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from app.domain.errors import Text, WrongState
from app.domain.interval import Interval


class Status(StrEnum):
    """Where a reservation stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_USE = "in_use"
    COMPLETED = "completed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    OFFERED = "offered"  # to somebody on the waitlist, who has a while to take it
    LAPSED = "lapsed"  # an offer that was not taken


class Step(StrEnum):
    """What someone does to a reservation."""

    APPROVE = "approve"
    ASK = "ask"  # its holder something, before it is decided
    ANSWER = "answer"
    REJECT = "reject"
    CANCEL = "cancel"
    CHANGE = "change"
    CHECK_IN = "check_in"
    EXTEND = "extend"
    CHECK_OUT = "check_out"
    MARK_NO_SHOW = "mark_no_show"
    RESTORE = "restore"
    ACCEPT = "accept"
    LAPSE = "lapse"


class ApprovalMode(StrEnum):
    """Whether others must agree: never, to each reservation, or once per person."""

    OPEN = "open"
    EACH = "each"
    ONCE = "once"


class Approver(StrEnum):
    """Who says yes at a stage."""

    PI = "pi"  # who leads the holder's research group
    FACILITY_MANAGER = "facility_manager"
    INSTITUTION = "institution"  # an administrator of the holder's institution


class ForWhom(StrEnum):
    """Whose reservations a stage is for."""

    EVERYONE = "everyone"
    OUTSIDERS = "outsiders"  # from other institutions than the instrument's
    COMPANIES = "companies"


@dataclass(frozen=True, slots=True)
class Stage:
    """Somebody who has to agree; stages come one after the other."""

    by: Approver
    whom: ForWhom = ForWhom.EVERYONE
    every: bool = False  # all of its approvers, not any one of them


#: Where nothing else is said, a facility manager agrees.
BY_MANAGER = (Stage(Approver.FACILITY_MANAGER),)

APPROVER_NAMES: Mapping[Approver, Text] = MappingProxyType(
    {
        Approver.PI: Text("연구책임자", "principal investigator"),
        Approver.FACILITY_MANAGER: Text("장비담당자", "facility manager"),
        Approver.INSTITUTION: Text("신청자 소속 기관 관리자", "administrator of the institution"),
    }
)

#: A pending reservation holds its time, or two people could wait for the same hour, and so does
#: an offer; a completed one held it and keeps the past true. Rejected and cancelled ones free it,
#: and so does a no-show: others may use the instrument as soon as it is marked.
HOLDING = frozenset(
    {Status.PENDING, Status.CONFIRMED, Status.IN_USE, Status.COMPLETED, Status.OFFERED}
)
#: What was only offered is nobody's reservation: it is no part of anyone's list of them.
NOT_TAKEN = frozenset({Status.OFFERED, Status.LAPSED})

#: Every status, and each step that may be taken from it; whatever is not named is refused.
TRANSITIONS: Mapping[Status, Mapping[Step, Status]] = MappingProxyType(
    {
        Status.PENDING: {
            Step.APPROVE: Status.CONFIRMED,
            Step.ASK: Status.PENDING,
            Step.ANSWER: Status.PENDING,
            Step.REJECT: Status.REJECTED,
            Step.CANCEL: Status.CANCELLED,
            Step.CHANGE: Status.PENDING,
        },
        Status.CONFIRMED: {
            Step.CANCEL: Status.CANCELLED,
            # What was approved is no longer what is asked for; see `after_change`.
            Step.CHANGE: Status.PENDING,
            Step.CHECK_IN: Status.IN_USE,
            Step.MARK_NO_SHOW: Status.NO_SHOW,
        },
        Status.IN_USE: {Step.EXTEND: Status.IN_USE, Step.CHECK_OUT: Status.COMPLETED},
        Status.COMPLETED: {},
        Status.REJECTED: {},
        Status.CANCELLED: {},
        Status.NO_SHOW: {Step.RESTORE: Status.COMPLETED},
        # Never cancelled: who lets an offer go owes nothing. See `after_offer` for the first.
        Status.OFFERED: {
            Step.ACCEPT: Status.CONFIRMED,
            Step.CANCEL: Status.LAPSED,
            Step.LAPSE: Status.LAPSED,
        },
        Status.LAPSED: {},
    }
)

STATUS_NAMES: Mapping[Status, Text] = MappingProxyType(
    {
        Status.PENDING: Text("승인 대기", "pending"),
        Status.CONFIRMED: Text("확정", "confirmed"),
        Status.IN_USE: Text("사용 중", "in use"),
        Status.COMPLETED: Text("사용 완료", "completed"),
        Status.REJECTED: Text("반려", "rejected"),
        Status.CANCELLED: Text("취소", "cancelled"),
        Status.NO_SHOW: Text("미사용(노쇼)", "no-show"),
        Status.OFFERED: Text("대기자에게 제안", "offered"),
        Status.LAPSED: Text("제안 종료", "offer ended"),
    }
)

_CANNOT: Mapping[Step, Text] = MappingProxyType(
    {
        Step.APPROVE: Text("승인할", "approved"),
        Step.ASK: Text("되물을", "asked about"),
        Step.ANSWER: Text("답변할", "answered for"),
        Step.REJECT: Text("반려할", "rejected"),
        Step.CANCEL: Text("취소할", "cancelled"),
        Step.CHANGE: Text("변경할", "changed"),
        Step.CHECK_IN: Text("사용 시작 처리할", "checked in"),
        Step.EXTEND: Text("연장할", "extended"),
        Step.CHECK_OUT: Text("사용 종료 처리할", "checked out"),
        Step.MARK_NO_SHOW: Text("미사용(노쇼)으로 처리할", "marked as a no-show"),
        Step.RESTORE: Text("사용 완료로 되돌릴", "restored as used"),
        Step.ACCEPT: Text("수락할", "accepted"),
        Step.LAPSE: Text("종료할", "let go"),
    }
)


def steps_from(status: Status) -> frozenset[Step]:
    """The steps that may be taken from `status`; none if it is final."""
    return frozenset(TRANSITIONS[status])


def after(status: Status, step: Step) -> Status:
    """Where `step` leads from `status`; raises `WrongState` if it may not be taken."""
    try:
        return TRANSITIONS[status][step]
    except KeyError:
        raise WrongState(_why_not(status, step)) from None


def stages_left(
    mode: ApprovalMode,
    stages: Sequence[Stage],
    groups: AbstractSet[ForWhom],
    *,
    known: AbstractSet[Approver] = frozenset(),
    own: AbstractSet[Stage] = frozenset(),
) -> tuple[Stage, ...]:
    """The stages that a reservation still has to pass, in their order.

    `groups`: which of those whom stages are for its holder belongs to.
    `known`: who has agreed to this person on this instrument before.
    `own`: where who asks could agree alone, and need not ask themselves.
    """
    if mode is ApprovalMode.OPEN:
        return ()
    for_good = known if mode is ApprovalMode.ONCE else frozenset()
    return tuple(
        stage
        for stage in stages
        if stage.whom in groups and stage.by not in for_good and stage not in own
    )


def first_status(left: Sequence[Stage]) -> Status:
    """Where a new reservation begins: confirmed at once, or waiting for those who must agree."""
    return Status.PENDING if left else Status.CONFIRMED


def after_change(status: Status, left: Sequence[Stage]) -> Status:
    """Where a changed reservation stands: it begins anew; raises `WrongState` as `after` does."""
    after(status, Step.CHANGE)
    return first_status(left)


def after_offer(status: Status, left: Sequence[Stage]) -> Status:
    """Where an offer that is taken begins; raises `WrongState` as `after` does."""
    after(status, Step.ACCEPT)
    return first_status(left)


def is_passed(*, every: bool, named: AbstractSet[int], agreed: AbstractSet[int]) -> bool:
    """Whether a stage is done: one has agreed, or `every` one of those named now."""
    return bool(agreed) and (not every or named <= agreed)


def may_still_cancel(interval: Interval, *, now: datetime, manages: bool) -> None:
    """Raise `WrongState` once the time has begun, unless a manager cancels."""
    if now >= interval.start and not manages:
        raise WrongState(
            Text(
                "이미 시작된 예약은 취소할 수 없습니다. 장비담당자에게 알려 주세요.",
                "It has begun and can no longer be cancelled. Tell the facility manager.",
            )
        )


def may_still_change(interval: Interval, *, now: datetime) -> None:
    """Raise `WrongState` once the time has begun: what was, or is in use, stays as it was held."""
    if now >= interval.start:
        raise WrongState(
            Text(
                "이미 시작된 예약은 변경할 수 없습니다. 다른 시간이 필요하면 새로 예약해 주세요.",
                "It has begun and can no longer be changed. Make a new reservation for another "
                "time.",
            )
        )


def _why_not(status: Status, step: Step) -> Text:
    state, verb = STATUS_NAMES[status], _CANNOT[step]
    if TRANSITIONS[status]:
        todo = Text(
            "화면을 새로 고쳐 현재 상태를 확인해 주세요.", "Reload it to see what can be done now."
        )
    else:
        todo = Text("필요하면 새로 예약해 주세요.", "Make a new reservation if you need one.")
    return Text(
        f"‘{state.ko}’ 상태의 예약은 {verb.ko} 수 없습니다. {todo.ko}",
        f"A reservation that is “{state.en}” cannot be {verb.en}. {todo.en}",
    )
