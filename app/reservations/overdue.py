"""Requests not decided or answered for in time: turned down, or brought before those above."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import literal, select
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.models import User
from app.catalog.policy import policy_of
from app.db import db, transaction
from app.domain import approval_rules
from app.domain.approval import Status, Step
from app.domain.errors import Text
from app.reservations import approvers, notices, offering, paused, question_notices
from app.reservations.linked import of_bundles
from app.reservations.models import Reservation
from app.reservations.steps import end, note
from app.reservations.turns import lock_calendars

_WHY = Text("기한까지 결정되지 않았습니다.", "Nobody decided in time.")
_UNANSWERED = Text("기한까지 질문에 답변하지 않았습니다.", "The question was not answered in time.")


def end_undecided(now: datetime, stopping: Callable[[], bool]) -> int:
    """Do what the instrument's rules say with each that is overdue; how many there were.

    Late, twice or on two machines, the result is the same: each is looked at again when the
    calendar is ours, and what was decided meanwhile stays so.
    """
    due = [*_due(Reservation.decide_by, now), *_due(Reservation.answer_by, now)]
    return sum(_one(each, now) for each in due if not stopping())


def _due(by: InstrumentedAttribute[datetime | None], now: datetime) -> Sequence[int]:
    """The ids of what waits and is overdue by this, those that are longest overdue first."""
    return db.session.scalars(
        select(Reservation.id)
        .where(
            # Written into the statement, not bound, so that it matches the partial index.
            Reservation.status
            == literal(Status.PENDING, Reservation.status.type, literal_execute=True),
            by.is_not(None),
            by <= now,
        )
        .order_by(by)
    ).all()


def _one(reservation_id: int, now: datetime) -> bool:
    ids = of_bundles([db.session.get_one(Reservation, reservation_id)])
    with transaction():
        lock_calendars(ids)
        found = db.session.get_one(Reservation, reservation_id, populate_existing=True)
        if found.status is not Status.PENDING:
            return False
        if found.answer_by is not None and found.answer_by <= now:
            _release_unanswered(found, now)
            return True
        if found.decide_by is None or found.decide_by > now:
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


def _release_unanswered(reservation: Reservation, now: datetime) -> None:
    question = paused.awaited(reservation)
    assert question
    end(reservation, Step.REJECT, _UNANSWERED.in_(reservation.holder.language), now)
    note("release-unanswered", reservation, None, now, {})
    question_notices.expired(reservation, question, now=now)
    offering.freed(reservation, [reservation.interval], now=now, by=None)
