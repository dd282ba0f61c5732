"""Sponsor funds and for whom they are."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution
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
