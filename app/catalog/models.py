"""Facilities, instruments, techniques, blackouts."""

import enum
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.db import Model, interval_columns, words
from app.domain.booking import UseScope, UseState
from app.domain.interval import Interval
from app.domain.maintenance import Condition, Result, Severity
from app.domain.repetition import Every
from app.files.models import StoredFile


class InstrumentKind(enum.StrEnum):
    INSTRUMENT = "instrument"
    ROOM = "room"
    HOUSING = "housing"
    SERVICE = "service"


class BlackoutKind(enum.StrEnum):
    MAINTENANCE = "maintenance"
    CLOSURE = "closure"
    FAULT = "fault"


class Facility(Model):
    """A place that runs instruments under one set of hours, rules and managers."""

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(96), unique=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    description_ko: Mapped[str] = mapped_column(default="")
    description_en: Mapped[str] = mapped_column(default="")
    department_ko: Mapped[str] = mapped_column(String(200), default="")
    department_en: Mapped[str] = mapped_column(String(200), default="")
    location_ko: Mapped[str] = mapped_column(String(300), default="")
    location_en: Mapped[str] = mapped_column(String(300), default="")
    campus: Mapped[str] = mapped_column(String(100), default="")
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(40))
    managers: Mapped[list[str]] = mapped_column(default=list)  # e-mail addresses, from the file
    website: Mapped[str | None] = mapped_column(String(500))
    timezone: Mapped[str] = mapped_column(String(64), default="Asia/Seoul")
    opening_hours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    holidays: Mapped[str] = mapped_column(String(8), default="KR")  # a country, or "none"
    #: Days in ISO 8601: holidays of its own, and public ones on which it opens all the same.
    extra_holidays: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    skipped_holidays: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    booking: Mapped[dict[str, Any]] = mapped_column(default=dict)  # defaults for its instruments
    note_ko: Mapped[str] = mapped_column(default="")
    note_en: Mapped[str] = mapped_column(default="")
    sources: Mapped[list[str]] = mapped_column(default=list)
    illustrative: Mapped[bool] = mapped_column(default=False)
    booking_illustrative: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[datetime | None]
    search_text: Mapped[str] = mapped_column(default="")
    from_file: Mapped[dict[str, Any]] = mapped_column(default=dict)

    institution: Mapped[Institution] = relationship()


instrument_technique = Table(
    "instrument_technique",
    Model.metadata,
    Column("instrument_id", ForeignKey("instrument.id"), primary_key=True),
    Column("technique_id", ForeignKey("technique.id"), primary_key=True, index=True),
    Column("position", Integer),  # in the contributed file: the main technique comes first
)


class Technique(Model):
    """A way of working that several instruments offer, such as confocal microscopy."""

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name_ko: Mapped[str] = mapped_column(String(100))
    name_en: Mapped[str] = mapped_column(String(100))


class Instrument(Model):
    """An instrument, room, housing or service that can be reserved."""

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(96), unique=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id), index=True)
    kind: Mapped[InstrumentKind] = mapped_column(words(InstrumentKind))
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    registration_number: Mapped[str | None] = mapped_column(String(24))
    asset_number: Mapped[str | None] = mapped_column(String(64))
    maker: Mapped[str | None] = mapped_column(String(200))
    model: Mapped[str | None] = mapped_column(String(200))
    model_example: Mapped[str | None] = mapped_column(String(200))
    classification: Mapped[str] = mapped_column(String(48), index=True)
    use_scope: Mapped[UseScope] = mapped_column(words(UseScope))
    private_use_reason_ko: Mapped[str] = mapped_column(default="")
    private_use_reason_en: Mapped[str] = mapped_column(default="")
    use_state: Mapped[UseState] = mapped_column(words(UseState))
    purposes: Mapped[list[str]] = mapped_column(default=list)
    acquired_on: Mapped[date | None]
    acquisition_cost: Mapped[int | None] = mapped_column(BigInteger)  # won
    funding: Mapped[list[Any]] = mapped_column(default=list)  # project_number, amount, weight
    location_ko: Mapped[str] = mapped_column(String(300), default="")
    location_en: Mapped[str] = mapped_column(String(300), default="")
    features_ko: Mapped[str] = mapped_column(default="")
    features_en: Mapped[str] = mapped_column(default="")
    capability_ko: Mapped[str] = mapped_column(default="")
    capability_en: Mapped[str] = mapped_column(default="")
    examples_ko: Mapped[str] = mapped_column(default="")
    examples_en: Mapped[str] = mapped_column(default="")
    safety_ko: Mapped[str] = mapped_column(default="")
    safety_en: Mapped[str] = mapped_column(default="")
    note_ko: Mapped[str] = mapped_column(default="")
    note_en: Mapped[str] = mapped_column(default="")
    website: Mapped[str | None] = mapped_column(String(500))
    documents: Mapped[list[Any]] = mapped_column(default=list)  # title_ko, title_en, url
    contact: Mapped[dict[str, Any]] = mapped_column(default=dict)  # email, phone
    opening_hours: Mapped[dict[str, Any] | None]  # none: the facility's
    booking: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what differs from the facility
    prices: Mapped[dict[str, Any] | None]
    capacity: Mapped[int] = mapped_column(default=1)
    #: Slugs of the same facility: what is reserved along with it, and what people may choose to.
    needs: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    accessories: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    sources: Mapped[list[str]] = mapped_column(default=list)
    illustrative: Mapped[bool] = mapped_column(default=False)
    booking_illustrative: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[datetime | None]
    search_text: Mapped[str] = mapped_column(default="")
    from_file: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: Set while a fault without an expected end stands: nobody can reserve it.
    out_of_order_since: Mapped[datetime | None]
    #: Goes up with every change to the calendar; writing it locks the calendar.
    calendar_version: Mapped[int] = mapped_column(default=0)
    #: The longest hold ever placed: bounds the reads of what overlaps, however long the history.
    longest_hold: Mapped[timedelta] = mapped_column(default=timedelta(0))
    #: Rises when name, place or zone change, and with it the SEQUENCE of every event shown.
    face_version: Mapped[int] = mapped_column(default=0)
    face_changed_at: Mapped[datetime | None]

    #: Rises when the screen at the instrument is given another address.
    screen_version: Mapped[int] = mapped_column(default=0, server_default="0")

    facility: Mapped[Facility] = relationship()
    techniques: Mapped[list[Technique]] = relationship(
        secondary=instrument_technique,
        order_by=(instrument_technique.c.position, Technique.name_en),
    )

    __table_args__ = (CheckConstraint("capacity >= 1", "room_for_one"),)


class CatalogVersion(Model):
    """One row: rises whenever the face of any instrument or facility changes."""

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime | None]


class FormerSlug(Model):
    """A slug that was renamed; it leads to the thing for ever and is never given away."""

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # institution, facility, instrument
    slug: Mapped[str] = mapped_column(String(96))
    now: Mapped[str] = mapped_column(String(96))

    __table_args__ = (UniqueConstraint("kind", "slug"),)


class BlackoutRule(Model):
    """What makes blackouts that come again; each of them is a row of its own."""

    id: Mapped[int] = mapped_column(primary_key=True)
    every: Mapped[Every] = mapped_column(words(Every))
    until: Mapped[date]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # ended early: what was still to come is lifted


class Blackout(Model):
    """A time in which a facility or one instrument cannot be used."""

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int | None] = mapped_column(ForeignKey(Facility.id))
    instrument_id: Mapped[int | None] = mapped_column(ForeignKey(Instrument.id))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    interval: Mapped[Interval] = interval_columns()
    kind: Mapped[BlackoutKind] = mapped_column(words(BlackoutKind))
    reason_ko: Mapped[str] = mapped_column(String(300), default="")
    reason_en: Mapped[str] = mapped_column(String(300), default="")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    rule_id: Mapped[int | None] = mapped_column(ForeignKey(BlackoutRule.id))

    rule: Mapped[BlackoutRule | None] = relationship()

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", "ends_after_start"),
        CheckConstraint("(facility_id IS NULL) <> (instrument_id IS NULL)", "of_one_thing"),
        Index("ix_blackout_facility", "facility_id", "ends_at"),
        Index("ix_blackout_instrument", "instrument_id", "ends_at"),
    )


class Fault(Model):
    """Something wrong with an instrument, from the report to the repair."""

    id: Mapped[int] = mapped_column(primary_key=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    severity: Mapped[Severity] = mapped_column(words(Severity))
    description: Mapped[str] = mapped_column(String(2000))
    reported_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    reported_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    out_since: Mapped[datetime | None]  # out of order since then …
    blackout_id: Mapped[int | None] = mapped_column(ForeignKey(Blackout.id))  # … until its end
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    instrument: Mapped[Instrument] = relationship()
    reported_by: Mapped[User] = relationship(foreign_keys=[reported_by_id])
    blackout: Mapped[Blackout | None] = relationship()
    photos: Mapped[list["FaultPhoto"]] = relationship(order_by="FaultPhoto.id")

    __table_args__ = (Index("ix_fault_instrument", "instrument_id", "closed_at"),)


class FaultPhoto(Model):
    """What a fault looks like."""

    id: Mapped[int] = mapped_column(primary_key=True)
    fault_id: Mapped[int] = mapped_column(ForeignKey(Fault.id), index=True)
    file_id: Mapped[int] = mapped_column(ForeignKey(StoredFile.id))

    file: Mapped[StoredFile] = relationship(lazy="joined")


class MaintenanceEntry(Model):
    """A line of the maintenance log (유지보수일지, annex 10 of the MSIT notice 2026-25)."""

    id: Mapped[int] = mapped_column(primary_key=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey(Fault.id))
    #: As it was then: later numbers do not rewrite the log.
    registration_number: Mapped[str | None] = mapped_column(String(24))
    person_in_charge: Mapped[str] = mapped_column(String(100))
    writer_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    repairer: Mapped[str] = mapped_column(String(200), default="")
    happened_at: Mapped[datetime]
    condition: Mapped[Condition] = mapped_column(words(Condition))
    content: Mapped[str] = mapped_column(String(4000))
    result: Mapped[Result] = mapped_column(words(Result))
    cost: Mapped[int | None] = mapped_column(BigInteger)  # won
    written_at: Mapped[datetime]
    corrected_at: Mapped[datetime | None]
    corrected_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    correction_reason: Mapped[str] = mapped_column(String(500), default="")

    instrument: Mapped[Instrument] = relationship()
    writer: Mapped[User] = relationship(foreign_keys=[writer_id])

    __table_args__ = (
        CheckConstraint("cost >= 0", "cost_not_negative"),
        Index("ix_maintenance_entry_instrument", "instrument_id", "happened_at"),
    )
