"""Contracts of use: with which facility, of which institution, from when to when."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.catalog.models import Facility
from app.db import Model
from app.files.models import StoredFile


class UseContract(Model):
    """A contract of use (이용 계약) as a manager recorded it; ended ones are kept."""

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    number: Mapped[str] = mapped_column(String(64))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]  # the last day
    note: Mapped[str] = mapped_column(String(500), default="")
    document_id: Mapped[int | None] = mapped_column(ForeignKey(StoredFile.id))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    recorded_at: Mapped[datetime]
    #: Ended before its time: it covers nothing from that day on.
    ended_on: Mapped[date | None]
    ended_reason: Mapped[str] = mapped_column(String(500), default="")

    facility: Mapped[Facility] = relationship()
    institution: Mapped[Institution] = relationship()
    document: Mapped[StoredFile | None] = relationship()

    __table_args__ = (
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", "ends_after_start"),
        Index("ix_use_contract_facility", "facility_id", "institution_id"),
    )
