"""Requests that a client may send again: the same key and body get the same answer."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from app.accounts.models import User
from app.db import db
from app.domain.errors import Invalid, Text
from app.reservations import queries
from app.reservations.models import IdempotencyKey, Reservation

#: How long the answer to an idempotency key is remembered.
REMEMBERED = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Once:
    """A request that the client may send again: its key, and a digest of its body."""

    key: str
    body: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def made_before(user: User, once: Once, now: datetime) -> Reservation | None:
    """The reservation that the same key made; raises `Invalid` if the body was another."""
    kept = db.session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.user_id == user.id, IdempotencyKey.key == once.key
        )
    )
    if kept is None:
        return None
    if kept.made_at <= now - REMEMBERED:
        db.session.delete(kept)
        db.session.flush()
        return None
    if kept.body_digest != once.digest:
        raise Invalid(
            Text(
                "같은 Idempotency-Key로 다른 내용을 보냈습니다. 새 키를 쓰세요.",
                "This Idempotency-Key came before with another body. Use a new key.",
            )
        )
    return queries.by_uid(kept.reservation_uid, viewer=user)


def remember(user: User, once: Once, reservation: Reservation, now: datetime) -> None:
    """Keep the answer, in the transaction of the reservation itself."""
    db.session.execute(
        insert(IdempotencyKey).values(
            user_id=user.id,
            key=once.key,
            body_digest=once.digest,
            reservation_uid=reservation.uid,
            made_at=now,
        )
    )
