"""Requests that nobody has decided in time: turned down, or brought before those above."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import literal, select

from app.accounts.models import User
from app.catalog.policy import policy_of
from app.db import db, transaction
from app.domain import approval_rules
from app.domain.approval import Status, Step
from app.domain.errors import Text
from app.reservations import approvers, notices, offering
from app.reservations.linked import of_bundles
from app.reservations.models import Reservation
from app.reservations.steps import end, note
from app.reservations.turns import lock_calendars

_WHY = Text("기한까지 결정되지 않았습니다.", "Nobody decided in time.")


def end_undecided(now: datetime, stopping: Callable[[], bool]) -> int:
    """Do what the instrument's rules say with each that is overdue; how many there were.

    Late, twice or on two machines, the result is the same: each is looked at again when the
    calendar is ours, and what was decided meanwhile stays so.
    """
    due = db.session.scalars(
        select(Reservation.id)
        .where(
            # Written into the statement, not bound, so that it matches the partial index.
            Reservation.status
            == literal(Status.PENDING, Reservation.status.type, literal_execute=True),
            Reservation.decide_by.is_not(None),
            Reservation.decide_by <= now,
        )
        .order_by(Reservation.decide_by)
    ).all()
    return sum(_one(each, now) for each in due if not stopping())


def _one(reservation_id: int, now: datetime) -> bool:
    ids = of_bundles([db.session.get_one(Reservation, reservation_id)])
    with transaction():
        lock_calendars(ids)
        found = db.session.get_one(Reservation, reservation_id, populate_existing=True)
        overdue = found.decide_by is not None and found.decide_by <= now
        if found.status is not Status.PENDING or not overdue:
            return False
        rule = policy_of(found.instrument).approval_overdue
        escalated = found.escalated_at is not None
        start = found.interval.start
        if approval_rules.may_escalate(rule, escalated=escalated, start=start, now=now):
            _escalate(found, now)
        else:
            _release(found, now)
        return True


def _escalate(reservation: Reservation, now: datetime) -> None:
    above = approvers.above(reservation)
    reservation.escalated_at, reservation.decide_by = now, reservation.starts_at
    reservation.version += 1
    reservation.updated_at = now
    db.session.flush()
    note("escalate-request", reservation, None, now, {"to": [user.name for user in above]})
    notices.escalated(reservation, above, now=now)


def _release(reservation: Reservation, now: datetime) -> None:
    holder: User = reservation.holder
    end(reservation, Step.REJECT, _WHY.in_(holder.language), now)
    note("release-request", reservation, None, now, {})
    notices.undecided(reservation, now=now)
    offering.freed(reservation, [reservation.interval], now=now, by=None)
