"""Who is told what of a reservation that is handed over."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.accounts.models import User
from app.db import db
from app.mail import outbox
from app.reservations.hand_over_models import HandOver
from app.reservations.models import Participant
from app.reservations.particulars import particulars


def offered(hand_over: HandOver, *, now: datetime) -> None:
    """Who may take it, if there is such an account; the holder, if it was not their doing."""
    by = hand_over.offered_by
    _tell(hand_over, "offered", _account(hand_over), by, now)
    if by.id != hand_over.reservation.holder_id:
        _tell(hand_over, "offered_for_you", [hand_over.reservation.holder], by, now)


def taken(hand_over: HandOver, gave: User, took: User, *, now: datetime) -> None:
    """Who held it, who offered it, and who takes part; the new holder has their confirmation."""
    part = select(Participant.email).where(Participant.reservation_id == hand_over.reservation_id)
    taking_part = db.session.scalars(select(User).where(User.email.in_(part), User.active))
    readers = [gave, hand_over.offered_by, *taking_part]
    _tell(hand_over, "taken", [each for each in readers if each.id != took.id], took, now)


def declined(hand_over: HandOver, by: User, *, now: datetime) -> None:
    readers = [hand_over.reservation.holder, hand_over.offered_by]
    _tell(hand_over, "declined", readers, by, now)


def withdrawn(hand_over: HandOver, *, now: datetime) -> None:
    _tell(hand_over, "withdrawn", _account(hand_over), None, now)


def expired(hand_over: HandOver, *, now: datetime) -> None:
    """It began, and nobody took it: it is still its holder's."""
    _tell(hand_over, "expired", [hand_over.reservation.holder], None, now)


def _account(hand_over: HandOver) -> list[User]:
    found = db.session.scalar(select(User).where(User.email == hand_over.email, User.active))
    return [found] if found else []


def _tell(
    hand_over: HandOver, event: str, readers: Iterable[User], by: User | None, now: datetime
) -> None:
    told: dict[str, Any] = {"event": event, "person": hand_over.email, "why": hand_over.reason}
    # What the one pays, and why it was agreed to, is not for the other.
    told |= {"fee": None, "reason": ""}
    for reader in {each.id: each for each in readers}.values():
        outbox.enqueue(
            "hand_over",
            to=reader.email,
            language=reader.language,
            key=f"hand_over-{event}-{hand_over.id}-{reader.id}",
            particulars=particulars(hand_over.reservation, reader=reader, by=by) | told,
            now=now,
        )
