"""What every step of a reservation does: ask the right first, then let all readers see it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.db import db
from app.domain import approval
from app.domain.approval import Status, Step
from app.domain.errors import Stale, Text
from app.reservations import commitments, linked, paused, queries
from app.reservations.models import Reservation
from app.reservations.operator_models import Operator
from app.reservations.turns import touch_calendar


def again(uid: str, user: User, action: Action, version: int | None = None) -> Reservation:
    """The reservation as it is now that the calendar is ours; the right is asked first."""
    reservation = queries.by_uid(uid, viewer=user, anew=True)
    linked.refuse_alone(reservation)
    access.require(user, action, queries.scope_of_reservation(reservation))
    of_version(reservation, version)
    return reservation


def of_version(reservation: Reservation, version: int | None) -> None:
    """Raise `Stale` if it is no longer the version that somebody has seen."""
    if version is not None and version != reservation.version:
        raise Stale(
            Text(
                "그사이 다른 사람이 이 예약을 바꾸었습니다. 새로 고친 뒤 다시 시도해 주세요.",
                "Somebody changed this reservation meanwhile. Reload it and try again.",
            )
        )


def give_up(reservation: Reservation, user: User, *, manages: bool) -> None:
    """Say who ended it, where that decides whether it costs something."""
    own = user.id == reservation.holder_id or not manages
    reservation.given_up = own and reservation.status is Status.CONFIRMED


def end(reservation: Reservation, step: Step, reason: str, now: datetime) -> None:
    """Take a step after which the time is free."""
    reservation.status = approval.after(reservation.status, step)
    for stage in reservation.stages:
        stage.closed_at = stage.closed_at or now  # Nobody is asked any more.
    paused.resume(reservation, now)
    reservation.decision_reason = reason.strip()
    reservation.ended_at = now
    commitments.free(reservation)
    touch(reservation, now)


def touch(reservation: Reservation, now: datetime) -> None:
    """Let everyone who looks see that it changed; what was reserved along changes with it."""
    linked.follow([reservation], now)
    reservation.version += 1
    reservation.sequence += 1
    reservation.updated_at = reservation.shown_at = now
    db.session.flush()
    touch_calendar(reservation.holder_id)


def attend(reservation: Reservation, operator_id: int | None) -> None:
    """Have somebody attend it, or nobody; the calendar and the operators are ours."""
    if operator_id != reservation.operator_id:
        if reservation.operator_id:
            db.session.execute(
                update(Operator)
                .where(Operator.user_id == reservation.operator_id)
                .values(handed_over=Operator.handed_over + reservation.version + 1)
            )
        reservation.operator = db.session.get(User, operator_id) if operator_id else None


def note(
    action: str,
    reservation: Reservation,
    user: User | None,
    now: datetime,
    detail: Mapping[str, object],
) -> None:
    """Write what was done into the trail; without a user Dure did it itself."""
    audit.record(
        action,
        "reservation",
        reservation.uid,
        actor_id=user.id if user else None,
        now=now,
        detail=dict(detail),
    )


def visible(reservation: Reservation) -> dict[str, object]:
    """What the history tells of a reservation."""
    return {
        "instrument": reservation.instrument.slug,
        "starts_at": reservation.interval.start.isoformat(),
        "ends_at": reservation.interval.end.isoformat(),
        "status": reservation.status.value,
        "purpose": reservation.purpose,
        "samples": reservation.samples,
        "note": reservation.note,
        "answers": reservation.answers,
        "shares": reservation.shares,
        "refusals_overridden": reservation.refusals_overridden,
        "override_reason": reservation.override_reason,
        "fee": reservation.quote["total"] if reservation.quote else None,
        "operator": reservation.operator.name if reservation.operator else None,
    }
