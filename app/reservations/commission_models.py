"""Analyses that were asked for without a time, and what became of them."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.catalog.models import Instrument
from app.db import Model, words
from app.domain.commission import CommissionState
from app.projects.models import ResearchGroup
from app.reservations.models import Reservation

_WAITS = text("state = 'waiting'")


class Commission(Model):
    """An analysis (분석의뢰) for the facility's staff, at a time that its manager finds."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    holder_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    #: Who asked for it for the holder; none: the holder.
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    #: The holder's institution when it was asked for.
    institution_id: Mapped[int | None] = mapped_column(ForeignKey(Institution.id))
    group_id: Mapped[int | None] = mapped_column(ForeignKey(ResearchGroup.id))
    state: Mapped[CommissionState] = mapped_column(words(CommissionState))
    version: Mapped[int] = mapped_column(default=1)  # rises with every change; If-Match
    purpose: Mapped[str] = mapped_column(String(300))
    samples: Mapped[int]
    #: By the calendar of the facility: not before this day, and done by that one if possible.
    earliest_on: Mapped[date | None]
    wished_by: Mapped[date | None]
    duration: Mapped[timedelta | None]  # as the asker estimates it
    note: Mapped[str] = mapped_column(default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: The questions as they were asked then.
    asked: Mapped[list[Any]] = mapped_column(default=list)
    shares: Mapped[list[Any]] = mapped_column(default=list)
    asked_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]  # placed, declined or withdrawn at
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decision_reason: Mapped[str] = mapped_column(String(500), default="")
    #: What it became; none while it waits, and again once it is returned.
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey(Reservation.id), unique=True)

    instrument: Mapped[Instrument] = relationship()
    holder: Mapped[User] = relationship(foreign_keys=[holder_id])
    asked_by: Mapped[User | None] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    institution: Mapped[Institution | None] = relationship()
    group: Mapped[ResearchGroup | None] = relationship()
    reservation: Mapped[Reservation | None] = relationship()

    __table_args__ = (
        # The queue of a facility: what waits on its instruments, soonest wished for first.
        Index(
            "ix_commission_waiting",
            "instrument_id",
            "wished_by",
            postgresql_where=_WAITS,
            sqlite_where=_WAITS,
        ),
        Index("ix_commission_holder", "holder_id", "asked_at"),
        Index(
            "ix_commission_asked_by",
            "asked_by_id",
            "asked_at",
            postgresql_where=text("asked_by_id IS NOT NULL"),
            sqlite_where=text("asked_by_id IS NOT NULL"),
        ),
    )
