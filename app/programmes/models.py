"""Sponsor funds and for whom they are."""

import enum
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.audit.models import BigKey
from app.db import Model, words


class ConditionKind(enum.StrEnum):
    """What a fund may ask of a use; of each kind that it names, one value must be true."""

    INSTITUTION = "institution"  # of the person, by its slug
    TECHNIQUE = "technique"  # of the instrument, by its slug
    MODE = "mode"
    PERSON = "person"  # by the key of their account: addresses change


class SponsorFund(Model):
    """A sponsor's money (지원금): pays a percentage of what a use costs, up to its caps."""

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    sponsor_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    percent: Mapped[int]
    #: The most it pays, in won; none: no limit of that kind.
    cap_use: Mapped[int | None] = mapped_column(BigInteger)
    cap_person: Mapped[int | None] = mapped_column(BigInteger)
    cap_month: Mapped[int | None] = mapped_column(BigInteger)
    cap_whole: Mapped[int | None] = mapped_column(BigInteger)
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # the last day of use that it pays for
    rank: Mapped[int] = mapped_column(default=1)  # who pays before whom
    closed_at: Mapped[datetime | None]
    made_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)  # writing it is taking turns on the money

    sponsor: Mapped[Institution] = relationship()
    conditions: Mapped[list["FundCondition"]] = relationship(
        order_by="FundCondition.id", cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint("percent BETWEEN 1 AND 100", "a_percentage"),
        CheckConstraint("starts_on <= ends_on", "ends_after_start"),
    )

    def values(self, kind: str) -> list[str]:
        """What is named of one kind of condition."""
        return [each.value for each in self.conditions if each.kind == kind]


class FundCondition(Model):
    """One value that a fund asks for."""

    id: Mapped[int] = mapped_column(primary_key=True)
    fund_id: Mapped[int] = mapped_column(ForeignKey(SponsorFund.id))
    kind: Mapped[ConditionKind] = mapped_column(words(ConditionKind))
    value: Mapped[str] = mapped_column(String(96))

    __table_args__ = (UniqueConstraint("fund_id", "kind", "value"),)


class FundHold(Model):
    """What a fund holds for a reservation, or has paid of it in the end."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    fund_id: Mapped[int] = mapped_column(ForeignKey(SponsorFund.id))
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservation.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey(Institution.id))
    day: Mapped[date]  # on which the use begins, where the instrument is
    amount: Mapped[int] = mapped_column(BigInteger)
    #: Posted by the month close: what was held beyond it is free again.
    taken: Mapped[bool] = mapped_column(default=False, server_default=false())

    user: Mapped[User] = relationship()
    institution: Mapped[Institution | None] = relationship()

    __table_args__ = (
        UniqueConstraint("reservation_id", "fund_id"),
        CheckConstraint("amount >= 0", "not_negative"),
        Index("ix_fund_hold_fund_id", "fund_id", "day"),
    )
