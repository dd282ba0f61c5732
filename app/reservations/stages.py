"""Opening the stages of a reservation, and saying yes or no at the one whose turn it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import selectinload

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import policy_of
from app.db import db, table_of
from app.domain import approval, approval_rules
from app.domain.approval import ApprovalMode, Approver, Stage
from app.reservations import approvers, paused
from app.reservations.approval_models import ApprovalQuestion, ApprovalStage, ApprovalVote
from app.reservations.approvers import Asking
from app.reservations.models import Reservation, StandingApproval

_INSERT = insert(table_of(ApprovalStage))
#: The stages with what was said at each, for pages that show them.
WITH_STAGES = selectinload(Reservation.stages).options(
    selectinload(ApprovalStage.votes).joinedload(ApprovalVote.decided_by),
    selectinload(ApprovalStage.votes).joinedload(ApprovalVote.approver),
)
#: What was asked back, and who asked.
WITH_QUESTIONS = selectinload(Reservation.questions).joinedload(ApprovalQuestion.asked_by)


def begin(reservations: Sequence[Reservation], left: Sequence[Stage], now: datetime) -> None:
    """Have each pass these stages; what stood before is overtaken."""
    ids = [each.id for each in reservations]
    overtaken = (
        update(ApprovalStage)
        .where(ApprovalStage.reservation_id.in_(ids), ApprovalStage.closed_at.is_(None))
        .values(closed_at=now)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(overtaken)
    rounds = {each.id: max((s.round for s in each.stages), default=0) for each in reservations}
    rows = [
        row | {"round": rounds[each.id] + 1, "reservation_id": each.id}
        for each in reservations
        for row in _rows(left, now)
    ]
    if rows:
        db.session.connection().execute(_INSERT, rows)
    for each in reservations:
        paused.resume(each, now)
        db.session.expire(each, ["stages"])
        each.decide_by = overdue_at(each.instrument, each.starts_at, left, now)
        each.escalated_at = None


def forget(reservation: Reservation) -> None:
    """What approvers said or asked was of who held it before: managers have it in the trail."""
    own = select(ApprovalStage.id).where(ApprovalStage.reservation_id == reservation.id)
    reservation.answer_by = None
    db.session.flush()
    for gone in (
        delete(ApprovalQuestion).where(ApprovalQuestion.reservation_id == reservation.id),
        delete(ApprovalVote).where(ApprovalVote.stage_id.in_(own)),
        delete(ApprovalStage).where(ApprovalStage.reservation_id == reservation.id),
    ):
        db.session.execute(gone.execution_options(synchronize_session=False))
    db.session.expire(reservation, ["stages", "questions"])


def overdue_at(
    instrument: Instrument, start: datetime, left: Sequence[Stage], now: datetime
) -> datetime | None:
    """When what is asked for now is overdue; None if nobody has to agree, or it may wait."""
    deadline = policy_of(instrument).approval_deadline
    return approval_rules.decide_by(now, deadline, start) if left else None


def first(reservation_id: int, left: Sequence[Stage], now: datetime) -> None:
    """The stages of a new reservation, in one statement; none if nobody has to agree."""
    if left:
        same = {"round": 1, "reservation_id": reservation_id}
        db.session.connection().execute(_INSERT, [row | same for row in _rows(left, now)])


def _rows(left: Sequence[Stage], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "position": position,
            "by": stage.by,
            "every": stage.every,
            "opened_at": now if position == 1 else None,
            "closed_at": None,
            "passed": False,
        }
        for position, stage in enumerate(left, start=1)
    ]


def say(
    stage: ApprovalStage,
    by: Mapping[str, User],
    *,
    agreed: bool,
    note: str,
    now: datetime,
) -> None:
    """Write down what somebody says; `by`: the `approver`, and who is it that `decides`."""
    said = ApprovalVote(
        approver_id=by["approver"].id,
        decided_by_id=by["decides"].id,
        agreed=agreed,
        note=note,
        decided_at=now,
    )
    stage.votes.append(said)
    reservation = stage.reservation
    asked = approvers.named(stage.by, Asking.of(reservation))
    done = not agreed or approval.is_passed(
        # Once those above are asked, any one of them decides.
        every=stage.every and reservation.escalated_at is None,
        named={user.id for user in asked} - {reservation.holder_id},
        agreed={vote.approver_id for vote in stage.votes},
    )
    if done:
        stage.closed_at, stage.passed = now, agreed
        paused.resume(reservation, now)
    # Closed before the next one opens: it is one stage's turn.
    db.session.flush()


def open_next(reservation: Reservation, now: datetime) -> bool:
    """Give the turn to the next stage; False if there is none, or the present one goes on."""
    if approvers.open_stage(reservation):
        return False
    waiting = [stage for stage in approvers.present(reservation) if stage.closed_at is None]
    if not waiting:
        return False
    waiting[0].opened_at = now
    db.session.flush()
    return True


def keep_for_good(reservation: Reservation, by: Approver, user: User, now: datetime) -> None:
    """Where a person is approved once: they are, as far as this stage goes."""
    instrument, holder = reservation.instrument, reservation.holder
    if policy_of(instrument).approval is not ApprovalMode.ONCE:
        return
    if by in approvers.known(instrument, holder):
        return
    db.session.execute(
        insert(StandingApproval).values(
            instrument_id=instrument.id,
            user_id=holder.id,
            approved_at=now,
            approved_by_id=user.id,
            by=by,
        )
    )
