"""Saying yes or no to a reservation, stage by stage."""

from datetime import datetime

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.catalog.policy import policy_of
from app.db import transaction
from app.domain import approval
from app.domain.approval import APPROVER_NAMES, BY_MANAGER, Status, Step
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotAllowed, Text, WrongState
from app.domain.operator_rules import asks_operator, operator_for, operator_is_free
from app.reservations import approvers, linked, notices, offering, queries, stages
from app.reservations.approval_models import ApprovalStage
from app.reservations.models import Reservation
from app.reservations.services import awaited_until
from app.reservations.steps import attend, end, note, of_version, touch
from app.reservations.turns import lock_reserved


def approve_reservation(
    user: User, uid: str, *, now: datetime, reason: str = "", version: int | None = None
) -> Reservation:
    """Agree at the stage whose turn it is; confirmed when all stages have agreed."""
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation, stage, approver = to_decide(user, uid, Step.APPROVE, version, now)
        attended = reservation.operator
        if agree(stage, user, approver, reason, now=now):
            notices.approved(reservation, now=now, attended=attended)
        elif stage.passed:
            notices.awaits(reservation, now=now)
    return reservation


def agree(stage: ApprovalStage, user: User, approver: User, reason: str, *, now: datetime) -> bool:
    """Say yes in the name of `approver`; True if its reservation is confirmed by it."""
    reservation = stage.reservation
    by = {"approver": approver, "decides": user}
    stages.say(stage, by, agreed=True, note=reason, now=now)
    if stage.passed:
        stages.keep_for_good(reservation, stage.by, user, now)
    said = {"reason": reason, "stage": stage.by.value} | in_place_of(user, approver)
    if not stage.passed or stages.open_next(reservation, now):
        reservation.version += 1
        reservation.updated_at = now
        note("agree-to-reservation", reservation, user, now, said)
        return False
    _have_attended(reservation, now)
    reservation.status = approval.after(reservation.status, Step.APPROVE)
    reservation.decided_at, reservation.decided_by_id = now, user.id
    reservation.decision_reason = reason
    reservation.no_show_at = awaited_until(reservation.instrument, reservation.interval, now)
    touch(reservation, now)
    note("approve-reservation", reservation, user, now, said)
    return True


def reject_reservation(
    user: User, uid: str, *, now: datetime, reason: str, version: int | None = None
) -> Reservation:
    """Say no at the stage whose turn it is, with a reason for the holder; frees the time."""
    if not reason.strip():
        missing = Text("반려 사유를 적어 주세요.", "Say why you reject it.")
        raise Invalid(missing, {"reason": missing})
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation, stage, approver = to_decide(user, uid, Step.REJECT, version, now)
        by = {"approver": approver, "decides": user}
        stages.say(stage, by, agreed=False, note=reason.strip(), now=now)
        reservation.decided_at, reservation.decided_by_id = now, user.id
        end(reservation, Step.REJECT, reason, now)
        said = {"reason": reason, "stage": stage.by.value} | in_place_of(user, approver)
        note("reject-reservation", reservation, user, now, said)
        notices.rejected(reservation, now=now)
        offering.freed(reservation, [reservation.interval], now=now, by=user)
    return reservation


def _have_attended(reservation: Reservation, now: datetime) -> None:
    """Whoever was to attend it may be away by now: then another does, or it cannot be approved."""
    instrument, interval = reservation.instrument, reservation.interval
    request = BookingRequest(instrument.slug, interval, mode=reservation.mode)
    if not asks_operator(policy_of(instrument), reservation.mode):
        return
    facts = queries.booking_facts(
        instrument,
        reservation.holder,
        interval,
        now=now,
        besides=reservation.id,
        group=reservation.group_id,
    )
    set_aside = "operator-busy" in reservation.refusals_overridden
    if not set_aside and (busy := operator_is_free(request, facts)):
        raise BookingRefused([busy])
    attend(reservation, operator_for(request, facts, reservation.operator_id))


def may_decide(user: User, reservation: Reservation) -> bool:
    """Whether it waits, and it is the person's turn to say something."""
    if reservation.status is not Status.PENDING or reservation.is_companion:
        return False
    stage = approvers.open_stage(reservation)
    if stage is None:
        return access.may(
            user, Action.DECIDE_RESERVATION, queries.scope_of_reservation(reservation)
        )
    approver = approvers.in_name_of(user, stage.by, reservation)
    return approver is not None and approver.id not in {vote.approver_id for vote in stage.votes}


def to_decide(
    user: User, uid: str, step: Step, version: int | None, now: datetime
) -> tuple[Reservation, ApprovalStage, User]:
    """The reservation now that the calendar is ours, its stage, and in whose name it is decided."""
    reservation = queries.by_uid(uid, viewer=user, anew=True)
    linked.refuse_alone(reservation)
    if reservation.status is Status.PENDING and not approvers.present(reservation):
        # Written by hand or by a program that knows of no stages: a manager decides.
        stages.begin([reservation], BY_MANAGER, now)
    stage = approvers.open_stage(reservation)
    asked = [stage] if stage else approvers.present(reservation)
    found = [approvers.in_name_of(user, each.by, reservation) for each in asked]
    approver = next((each for each in found if each), None)
    if not approver and not asked:
        access.require(user, Action.DECIDE_RESERVATION, queries.scope_of_reservation(reservation))
    elif not approver:
        raise _not_theirs(user, reservation, stage)
    of_version(reservation, version)
    approval.after(reservation.status, step)
    assert stage
    assert approver
    if approver.id in {vote.approver_id for vote in stage.votes}:
        raise WrongState(
            Text(
                "이미 승인하셨습니다. 이 단계의 다른 담당자를 기다리고 있습니다.",
                "You have agreed already. It waits for the others of this stage.",
            )
        )
    return reservation, stage, approver


def _not_theirs(user: User, reservation: Reservation, stage: ApprovalStage | None) -> NotAllowed:
    if stage is None or not approvers.concerns(user, reservation):
        return NotAllowed(
            Text(
                "이 예약을 결정할 권한이 없습니다. 장비담당자에게 문의하세요.",
                "You do not have the right to decide on it. Ask the facility manager.",
            )
        )
    who = APPROVER_NAMES[stage.by]
    return NotAllowed(
        Text(
            f"지금은 다른 단계({who.ko})의 차례입니다.",
            f"It is another stage's turn: {who.en}.",
        )
    )


def in_place_of(user: User, approver: User) -> dict[str, str]:
    """What the trail says of a deputy."""
    return {} if approver.id == user.id else {"for": approver.name}
