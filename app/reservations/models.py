"""Reservations and what is kept beside them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.audit.models import BigKey
from app.catalog.models import Instrument, Technique
from app.db import Model, interval_columns, words
from app.domain.approval import HOLDING, Approver, Status
from app.domain.booking import Mode
from app.domain.interval import Interval
from app.domain.series import OnConflict
from app.domain.usage import OrganisationClass, OrganisationType, Origin, UseType
from app.domain.waitlist import Outcome, WaitState
from app.projects.models import ResearchGroup

if TYPE_CHECKING:
    from app.reservations.approval_models import ApprovalQuestion, ApprovalStage

_HOLDS = text("status IN (" + ", ".join(f"'{s}'" for s in sorted(HOLDING)) + ")")


def where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Series(Model):
    """Reservations that were asked for together, by a rule of recurrence."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    rrule: Mapped[str] = mapped_column(String(300))
    on_conflict: Mapped[OnConflict] = mapped_column(words(OnConflict))
    #: The dates that were left out, with the reasons: `starts_at`, `ends_at`, `refusals`.
    skipped: Mapped[list[Any]] = mapped_column(default=list)
    version: Mapped[int] = mapped_column(default=1)  # rises with what is done to several at once
    made_at: Mapped[datetime]


class Reservation(Model):
    """A person's hold on an instrument for one interval."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    holder_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    #: Who reserved it for the holder; none: the holder.
    reserved_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    #: The holder's institution when it was reserved: later moves do not rewrite history.
    institution_id: Mapped[int | None] = mapped_column(ForeignKey(Institution.id))
    #: The holder's research group that it counts for and is answered for by.
    group_id: Mapped[int | None] = mapped_column(ForeignKey(ResearchGroup.id))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    interval: Mapped[Interval] = interval_columns()
    status: Mapped[Status] = mapped_column(words(Status))
    #: No other may overlap, as the instrument has room for one: the database refuses it itself.
    exclusive: Mapped[bool]
    version: Mapped[int] = mapped_column(default=1)  # rises with every change; If-Match
    sequence: Mapped[int] = mapped_column(default=0)  # rises with what a calendar shows
    purpose: Mapped[str] = mapped_column(String(300))
    mode: Mapped[Mode] = mapped_column(words(Mode))
    samples: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    #: The questions as they were asked then: later ones do not change what was answered.
    asked: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    #: Which funding accounts pay how many percent; the first takes the odd won.
    shares: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    refusals_overridden: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    override_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    quote: Mapped[dict[str, Any] | None]
    #: What prices it in the end, as it was when it was quoted; see `rates.frozen`.
    charging: Mapped[dict[str, Any] | None]
    #: Cancelled once it was confirmed, by the holder or somebody for them: it may cost something.
    given_up: Mapped[bool] = mapped_column(default=False, server_default=false())
    requested_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    shown_at: Mapped[datetime]  # last change that a calendar shows; LAST-MODIFIED
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    decision_reason: Mapped[str] = mapped_column(String(500), default="")
    #: When a request that nobody has decided is turned down, or goes to those above.
    decide_by: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    #: Until when its holder is to answer what was asked back; so long `decide_by` stands still.
    answer_by: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # cancelled, rejected or marked as a no-show at
    #: When whoever has not checked in is a no-show, by the rules at the time of reserving.
    no_show_at: Mapped[datetime | None]
    used_from: Mapped[datetime | None]  # checked in
    used_until: Mapped[datetime | None]  # checked out
    #: The time as it was reserved, where use has moved the hold: early to come, early to go.
    reserved_from: Mapped[datetime | None]
    reserved_until: Mapped[datetime | None]
    series_id: Mapped[int | None] = mapped_column(ForeignKey(Series.id))
    #: When the rule of its series would have it start, however it was shifted or moved since.
    original_start: Mapped[datetime | None]
    #: Of what was reserved together: the uid of the main reservation, which has it, too.
    bundle: Mapped[str | None] = mapped_column(String(32))
    #: Who works the instrument for its holder, or beside them.
    operator_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    instrument: Mapped[Instrument] = relationship()
    holder: Mapped[User] = relationship(foreign_keys=[holder_id])
    reserved_by: Mapped[User | None] = relationship(foreign_keys=[reserved_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    operator: Mapped[User | None] = relationship(foreign_keys=[operator_id])
    institution: Mapped[Institution | None] = relationship()
    group: Mapped[ResearchGroup | None] = relationship()
    series: Mapped[Series | None] = relationship()
    stages: Mapped[list["ApprovalStage"]] = relationship(
        back_populates="reservation", order_by="ApprovalStage.id"
    )
    questions: Mapped[list["ApprovalQuestion"]] = relationship(
        back_populates="reservation", order_by="ApprovalQuestion.id"
    )

    @property
    def reserved(self) -> Interval:
        """The time that was reserved, whatever became of it."""
        return Interval(self.reserved_from or self.starts_at, self.reserved_until or self.ends_at)

    @property
    def is_companion(self) -> bool:
        """Whether it was reserved along with another, and does as that one does."""
        return self.bundle is not None and self.bundle != self.uid

    @property
    def used(self) -> Interval | None:
        """The time that was used, once it is over."""
        if self.used_from is None or self.used_until is None:
            return None
        return Interval(self.used_from, self.used_until)

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", "ends_after_start"),
        # What holds an instrument around a time: the read of every booking.
        Index(
            "ix_reservation_held",
            "instrument_id",
            "starts_at",
            "ends_at",
            postgresql_where=_HOLDS,
            sqlite_where=_HOLDS,
        ),
        Index("ix_reservation_instrument", "instrument_id", "starts_at"),
        Index("ix_reservation_holder", "holder_id", "starts_at"),
        Index(
            "ix_reservation_pending",
            "instrument_id",
            "requested_at",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
        Index(
            "ix_reservation_overdue",
            "decide_by",
            postgresql_where=text("status = 'pending' AND decide_by IS NOT NULL"),
            sqlite_where=text("status = 'pending' AND decide_by IS NOT NULL"),
        ),
        Index(
            "ix_reservation_unanswered",
            "answer_by",
            **where("status = 'pending' AND answer_by IS NOT NULL"),
        ),
        # What the jobs ask every minute: who has not come, and who has not said goodbye.
        Index(
            "ix_reservation_missed",
            "no_show_at",
            postgresql_where=text("status = 'confirmed' AND no_show_at IS NOT NULL"),
            sqlite_where=text("status = 'confirmed' AND no_show_at IS NOT NULL"),
        ),
        Index(
            "ix_reservation_in_use",
            "ends_at",
            postgresql_where=text("status = 'in_use'"),
            sqlite_where=text("status = 'in_use'"),
        ),
        Index(
            "ix_reservation_reserved_by",
            "reserved_by_id",
            "starts_at",
            postgresql_where=text("reserved_by_id IS NOT NULL"),
            sqlite_where=text("reserved_by_id IS NOT NULL"),
        ),
        Index(
            "ix_reservation_series",
            "series_id",
            "starts_at",
            postgresql_where=text("series_id IS NOT NULL"),
            sqlite_where=text("series_id IS NOT NULL"),
        ),
        Index("ix_reservation_bundle", "bundle", **where("bundle IS NOT NULL")),
        Index(
            "ix_reservation_operator",
            "operator_id",
            "starts_at",
            **where("operator_id IS NOT NULL"),
        ),
    )


class Participant(Model):
    """Somebody, by address, who takes part in a reservation of somebody else's."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id))
    email: Mapped[str] = mapped_column(String(254), index=True)  # as those of accounts are kept
    added_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("reservation_id", "email"),)


class UsageEntry(Model):
    """A line of the usage log that somebody wrote or corrected; all others are reservations."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    #: Of the reservation that it corrects; none: walk-in or own use.
    reservation_id: Mapped[int | None] = mapped_column(ForeignKey(Reservation.id), unique=True)
    origin: Mapped[Origin] = mapped_column(words(Origin))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    interval: Mapped[Interval] = interval_columns()
    user_name: Mapped[str] = mapped_column(String(200))
    organisation: Mapped[str] = mapped_column(String(200), default="")
    organisation_class: Mapped[OrganisationClass] = mapped_column(words(OrganisationClass))
    organisation_type: Mapped[OrganisationType] = mapped_column(words(OrganisationType))
    use_type: Mapped[UseType] = mapped_column(words(UseType))
    samples: Mapped[int]
    fee: Mapped[int | None] = mapped_column(BigInteger)  # won
    note: Mapped[str] = mapped_column(String(500), default="")
    version: Mapped[int] = mapped_column(default=1)
    writer_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    written_at: Mapped[datetime]

    writer: Mapped[User] = relationship()
    reservation: Mapped[Reservation | None] = relationship()

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", "ends_after_start"),
        Index("ix_usage_entry_instrument", "instrument_id", "starts_at"),
    )


class StandingApproval(Model):
    """A person to whom a stage once agreed, on an instrument that asks for approval once."""

    id: Mapped[int] = mapped_column(primary_key=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    approved_at: Mapped[datetime]
    approved_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    by: Mapped[Approver] = mapped_column(
        words(Approver),
        default=Approver.FACILITY_MANAGER,
        server_default=Approver.FACILITY_MANAGER.value,
    )

    __table_args__ = (UniqueConstraint("instrument_id", "user_id", "by"),)


class IdempotencyKey(Model):
    """A request made once: the same key and body get the same answer."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    key: Mapped[str] = mapped_column(String(255))
    body_digest: Mapped[str] = mapped_column(String(64))
    reservation_uid: Mapped[str] = mapped_column(String(32))
    made_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (UniqueConstraint("user_id", "key"),)


wait_instrument = Table(
    "wait_instrument",
    Model.metadata,
    Column("wait_id", ForeignKey("wait.id"), primary_key=True),
    Column("instrument_id", ForeignKey("instrument.id"), primary_key=True, index=True),
)


class Wait(Model):
    """Somebody who waits for time: an exact slot of one instrument, or a length within a while."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    state: Mapped[WaitState] = mapped_column(words(WaitState), default=WaitState.WAITING)
    #: As it was asked; which instruments those were then, is kept with the wait.
    technique_id: Mapped[int | None] = mapped_column(ForeignKey(Technique.id))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    interval: Mapped[Interval] = interval_columns()
    duration: Mapped[timedelta]
    hours: Mapped[dict[str, Any] | None]  # as opening hours are written
    purpose: Mapped[str] = mapped_column(String(300))
    mode: Mapped[Mode] = mapped_column(words(Mode))
    samples: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    shares: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    asked_at: Mapped[datetime]
    over_at: Mapped[datetime]  # the latest start: from here on nothing can be offered
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    technique: Mapped[Technique | None] = relationship()
    instruments: Mapped[list[Instrument]] = relationship(
        secondary=wait_instrument, order_by=Instrument.id
    )
    offers: Mapped[list["Offer"]] = relationship(back_populates="wait", order_by="Offer.id")

    @property
    def exact(self) -> bool:
        return self.duration == self.interval.duration

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", "ends_after_start"),
        Index("ix_wait_user", "user_id", "state"),
        Index("ix_wait_state", "state", "asked_at"),
    )


class Offer(Model):
    """Freed time that is held for somebody who waits, until they take it or it expires."""

    id: Mapped[int] = mapped_column(primary_key=True)
    wait_id: Mapped[int] = mapped_column(ForeignKey(Wait.id))
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome))
    ended_at: Mapped[datetime | None]

    wait: Mapped[Wait] = relationship(back_populates="offers")
    reservation: Mapped[Reservation] = relationship()

    __table_args__ = (
        # Nobody is offered two times at once: the database refuses it itself.
        Index("one_open_offer", "wait_id", unique=True, **where("outcome IS NULL")),
        Index("ix_offer_open", "expires_at", **where("outcome IS NULL")),
        Index("ix_offer_wait", "wait_id"),
    )


class TimeWatch(Model):
    """Somebody who wants to be told when time frees on an instrument."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id), index=True)
    shortest: Mapped[timedelta]
    days_ahead: Mapped[int]
    hours: Mapped[dict[str, Any] | None]  # as opening hours are written
    made_at: Mapped[datetime]

    user: Mapped[User] = relationship()

    __table_args__ = (UniqueConstraint("user_id", "instrument_id"),)


class FreedTime(Model):
    """Time that became free on an instrument that somebody watches; told once, by the worker."""

    id: Mapped[int] = mapped_column(primary_key=True)
    instrument_id: Mapped[int] = mapped_column(ForeignKey(Instrument.id))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    interval: Mapped[Interval] = interval_columns()
    freed_at: Mapped[datetime]
    told_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_freed_time_untold", "id", **where("told_at IS NULL")),)
