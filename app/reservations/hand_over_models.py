"""What is kept of reservations that are offered to somebody else."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.audit.models import BigKey
from app.db import Model, words
from app.domain.hand_over import HandOverEnd
from app.reservations.models import Reservation, where


class HandOver(Model):
    """A reservation that somebody, by address, may take over."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id), index=True)
    email: Mapped[str] = mapped_column(String(254), index=True)  # as those of accounts are kept
    offered_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    reason: Mapped[str] = mapped_column(String(500))
    offered_at: Mapped[datetime]
    starts_at: Mapped[datetime]  # the time that is offered: moved, it is another
    ends_at: Mapped[datetime]
    outcome: Mapped[HandOverEnd | None] = mapped_column(words(HandOverEnd))
    ended_at: Mapped[datetime | None]

    reservation: Mapped[Reservation] = relationship()
    offered_by: Mapped[User] = relationship()

    __table_args__ = (
        # Nothing is offered to two at once: the database refuses it itself.
        Index("one_open_hand_over", "reservation_id", unique=True, **where("outcome IS NULL")),
    )
