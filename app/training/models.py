"""Training sessions with their sign-ups, certificates, safety training of people."""

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.catalog.models import Facility, Instrument, Technique
from app.db import Model, interval_columns, words
from app.domain.interval import Interval
from app.domain.training import Level, SafetyKind


class Standing(enum.StrEnum):
    """Where somebody stands who signed up."""

    SEATED = "seated"
    WAITING = "waiting"
    WITHDRAWN = "withdrawn"


class Result(enum.StrEnum):
    """What became of somebody who had a seat."""

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"


class TrainingSession(Model):
    """A training session (이용 교육) of a facility: when, where, for what, for how many."""

    id: Mapped[int] = mapped_column(primary_key=True)
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    title_ko: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    trainer: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(300))
    seats: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    interval: Mapped[Interval] = interval_columns()
    sign_up_until: Mapped[datetime]
    level: Mapped[Level] = mapped_column(words(Level))  # what the certificate of who passes says
    online_url: Mapped[str | None] = mapped_column(String(500))  # to be done beforehand
    note: Mapped[str] = mapped_column(default="")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    made_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    cancelled_reason: Mapped[str] = mapped_column(String(500), default="")
    #: Goes up with every change to who comes; writing it is the lock on the seats.
    version: Mapped[int] = mapped_column(default=0)

    facility: Mapped[Facility] = relationship()
    covers: Mapped[list["TrainingCover"]] = relationship(
        back_populates="session", cascade="all, delete-orphan", order_by="TrainingCover.id"
    )

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", "ends_after_start"),
        CheckConstraint("sign_up_until <= ends_at", "sign_up_before_the_end"),
        CheckConstraint("seats >= 1", "a_seat_at_least"),
        Index("ix_training_session_facility", "facility_id", "starts_at"),
        Index("ix_training_session_starts_at", "starts_at"),
    )


class TrainingCover(Model):
    """One instrument or technique that a session is about; without any, all of the facility."""

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey(TrainingSession.id), index=True)
    instrument_id: Mapped[int | None] = mapped_column(ForeignKey(Instrument.id))
    technique_id: Mapped[int | None] = mapped_column(ForeignKey(Technique.id))

    session: Mapped[TrainingSession] = relationship(back_populates="covers")
    instrument: Mapped[Instrument | None] = relationship()
    technique: Mapped[Technique | None] = relationship()

    __table_args__ = (
        CheckConstraint("(instrument_id IS NULL) <> (technique_id IS NULL)", "of_one_thing"),
    )


class SignUp(Model):
    """Somebody who wants to come to a session: with a seat or waiting; later, how it went."""

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey(TrainingSession.id))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    standing: Mapped[Standing] = mapped_column(words(Standing))
    signed_up_at: Mapped[datetime]
    #: The order of the waitlist: who withdraws and comes back goes to its end.
    turn: Mapped[int]
    result: Mapped[Result | None] = mapped_column(words(Result))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    session: Mapped[TrainingSession] = relationship()
    user: Mapped[User] = relationship(foreign_keys=[user_id])

    __table_args__ = (
        UniqueConstraint("session_id", "user_id"),
        CheckConstraint("result IS NULL OR standing = 'seated'", "results_of_the_seated"),
    )


class Certificate(Model):
    """Somebody's certificate (수료증) for an instrument, a technique, or all of a facility.

    It belongs to the facility that gave it, and opens nothing of another one.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    instrument_id: Mapped[int | None] = mapped_column(ForeignKey(Instrument.id))
    technique_id: Mapped[int | None] = mapped_column(ForeignKey(Technique.id))
    level: Mapped[Level] = mapped_column(words(Level))
    granted_at: Mapped[datetime]
    granted_on: Mapped[date]  # by the clocks of the facility
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    reason: Mapped[str] = mapped_column(String(500), default="")
    session_id: Mapped[int | None] = mapped_column(ForeignKey(TrainingSession.id))
    expires_on: Mapped[date | None]  # the last day
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    withdrawn_reason: Mapped[str] = mapped_column(String(500), default="")
    replaced_at: Mapped[datetime | None]  # by a newer one of the same thing

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    granted_by: Mapped[User | None] = relationship(foreign_keys=[granted_by_id])
    facility: Mapped[Facility] = relationship()
    instrument: Mapped[Instrument | None] = relationship()
    technique: Mapped[Technique | None] = relationship()

    __table_args__ = (
        CheckConstraint("instrument_id IS NULL OR technique_id IS NULL", "of_one_thing"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_reason = '')", "withdrawn_why"),
        Index("ix_certificate_user", "user_id", "facility_id"),
        Index(
            "ix_certificate_facility",
            "facility_id",
            postgresql_where=text("withdrawn_at IS NULL AND replaced_at IS NULL"),
            sqlite_where=text("withdrawn_at IS NULL AND replaced_at IS NULL"),
        ),
    )


class CertificateWarning(Model):
    """A warning before a certificate's end that was sent: each once."""

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[int] = mapped_column(ForeignKey(Certificate.id))
    ends_on: Mapped[date]
    days: Mapped[int]  # so many before

    __table_args__ = (UniqueConstraint("certificate_id", "ends_on", "days"),)


class SafetyTraining(Model):
    """A safety training that somebody has had, recorded by a facility manager."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    kind: Mapped[SafetyKind] = mapped_column(words(SafetyKind))
    done_on: Mapped[date]
    valid_until: Mapped[date | None]  # the last day
    facility_id: Mapped[int] = mapped_column(ForeignKey(Facility.id))
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    recorded_at: Mapped[datetime]

    user: Mapped[User] = relationship(foreign_keys=[user_id])

    __table_args__ = (
        CheckConstraint("valid_until IS NULL OR done_on <= valid_until", "ends_after_start"),
    )
