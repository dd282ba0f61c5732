"""Rate cards and terms of suppliers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.catalog.models import Facility, Instrument
from app.db import Model, words
from app.domain.booking import AffiliationClass, Mode
from app.domain.rate_card import Tax, Unit


def _once_a_day(of: str, *columns: str, where: str) -> Index:
    """Two cards of the same thing never begin on the same day, so none overlaps another."""
    partial = text(where)
    return Index(
        f"ix_rate_card_{of}",
        *columns,
        "valid_from",
        unique=True,
        sqlite_where=partial,
        postgresql_where=partial,
    )


class RateCard(Model):
    """The rates of an institution, a facility or an instrument, from a day on until the next."""

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    #: Neither of the two: of all that the institution lends.
    facility_id: Mapped[int | None] = mapped_column(ForeignKey(Facility.id))
    instrument_id: Mapped[int | None] = mapped_column(ForeignKey(Instrument.id))
    valid_from: Mapped[date]  # from midnight where the instrument is
    #: Discounts, factors, fee of the operator, length of the day, tax: as `rates.cards` reads it.
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    made_at: Mapped[datetime]

    lines: Mapped[list["RateLine"]] = relationship(
        order_by="RateLine.id", cascade="all, delete-orphan"
    )
    instrument: Mapped[Instrument | None] = relationship()
    made_by: Mapped[User] = relationship()

    __table_args__ = (
        CheckConstraint("facility_id IS NULL OR instrument_id IS NULL", "of_one_thing"),
        _once_a_day("instrument", "instrument_id", where="instrument_id IS NOT NULL"),
        _once_a_day("facility", "facility_id", where="facility_id IS NOT NULL"),
        _once_a_day(
            "supplier", "supplier_id", where="instrument_id IS NULL AND facility_id IS NULL"
        ),
        Index("ix_rate_card_of", "supplier_id"),
    )


class RateLine(Model):
    """What one unit costs one class of users in one mode; net, in won."""

    id: Mapped[int] = mapped_column(primary_key=True)
    card_id: Mapped[int] = mapped_column(ForeignKey(RateCard.id))
    who: Mapped[AffiliationClass] = mapped_column(words(AffiliationClass))
    mode: Mapped[Mode] = mapped_column(words(Mode))
    unit: Mapped[Unit] = mapped_column(words(Unit))
    price: Mapped[int] = mapped_column(BigInteger)
    minimum: Mapped[int] = mapped_column(BigInteger, default=0)
    started: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        UniqueConstraint("card_id", "who", "mode", "unit"),
        CheckConstraint("price >= 0 AND minimum >= 0", "not_negative"),
    )


class SupplierTerms(Model):
    """How an institution taxes what it lends, and what it drops from a net amount."""

    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), primary_key=True)
    tax: Mapped[Tax] = mapped_column(words(Tax))
    vat_percent: Mapped[int]
    truncation: Mapped[int]
    changed_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    changed_at: Mapped[datetime]
