"""Who operates which instruments of a facility, and when."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.db import Model

operator_instrument = Table(
    "operator_instrument",
    Model.metadata,
    Column("operator_id", ForeignKey("operator.id"), primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), primary_key=True, index=True),
)


class Operator(Model):
    """A person whom a facility has named to operate some of its instruments (전담운영인력).

    Their row is also where those take turns who would have them attend a reservation.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    hours: Mapped[dict[str, Any]]  # as opening hours are written
    named_at: Mapped[datetime]
    named_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    ended_at: Mapped[datetime | None]
    #: Rises as what they attend goes to others, so that their feed is seen to change.
    handed_over: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

    facility: Mapped[Facility] = relationship()
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    instruments: Mapped[list[Instrument]] = relationship(
        secondary=operator_instrument, order_by=Instrument.id
    )

    __table_args__ = (
        Index(
            "one_operator",
            "facility_id",
            "user_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )
