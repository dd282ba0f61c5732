"""A request that stands still: what its holder is asked puts off the deadline to decide it."""

from datetime import datetime

from app.accounts.models import User
from app.db import db
from app.domain import approval_rules
from app.domain.interval import Interval
from app.reservations.approval_models import ApprovalQuestion
from app.reservations.models import Reservation


def pause(
    reservation: Reservation,
    user: User,
    text: str,
    now: datetime,
    *,
    proposed: Interval | None = None,
) -> ApprovalQuestion:
    """Ask its holder; until they answer nobody has to decide."""
    due = reservation.decide_by
    asked = ApprovalQuestion(
        asked_by=user,
        question=text,
        proposed_start=proposed.start if proposed else None,
        proposed_end=proposed.end if proposed else None,
        asked_at=now,
        time_left=due - now if due else None,
    )
    reservation.questions.append(asked)
    reservation.decide_by = None
    reservation.answer_by = approval_rules.answer_by(now, reservation.starts_at)
    db.session.flush()
    return asked


def resume(reservation: Reservation, now: datetime) -> None:
    """Let the deadline go on from where it stood; nothing where nothing was asked."""
    asked = awaited(reservation)
    if asked is None:
        return
    asked.ended_at = now
    start = reservation.starts_at
    reservation.decide_by = approval_rules.resumed(asked.time_left, start=start, now=now)
    reservation.answer_by = None
    db.session.flush()


def awaited(reservation: Reservation) -> ApprovalQuestion | None:
    """What its holder has not answered yet."""
    if reservation.answer_by is None:
        return None
    return next((each for each in reservation.questions if each.ended_at is None), None)
