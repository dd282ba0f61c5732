"""What is kept of an approval: the stages of a reservation, who said what, and what was asked."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.audit.models import BigKey
from app.db import Model, words
from app.domain.approval import Approver
from app.domain.interval import Interval
from app.reservations.models import Reservation

_OPEN = text("opened_at IS NOT NULL AND closed_at IS NULL")


class ApprovalStage(Model):
    """Somebody who has to agree to a reservation, as its instrument asked when it was requested.

    Who may do so is not kept: it is read when one asks, as people come and go.
    """

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id), index=True)
    #: Rises when what was asked for changes and has to be approved anew.
    round: Mapped[int]
    position: Mapped[int]
    by: Mapped[Approver] = mapped_column(words(Approver))
    every: Mapped[bool]  # all of the approvers, not any one
    opened_at: Mapped[datetime | None]  # its turn came
    closed_at: Mapped[datetime | None]  # passed, refused, or overtaken by a change
    passed: Mapped[bool] = mapped_column(default=False)

    reservation: Mapped[Reservation] = relationship(back_populates="stages")
    votes: Mapped[list["ApprovalVote"]] = relationship(
        back_populates="stage", order_by="ApprovalVote.id"
    )

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None and self.closed_at is None

    __table_args__ = (
        UniqueConstraint("reservation_id", "round", "position"),
        CheckConstraint("NOT passed OR closed_at IS NOT NULL", "passed_is_closed"),
        # It is one stage's turn: the database refuses a second one itself.
        Index(
            "one_open_stage",
            "reservation_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
    )


class ApprovalVote(Model):
    """What an approver said at a stage, themselves or by their deputy."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey(ApprovalStage.id))
    approver_id: Mapped[int] = mapped_column(ForeignKey(User.id))  # in whose name
    decided_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))  # who did it
    agreed: Mapped[bool]
    note: Mapped[str] = mapped_column(String(500))
    decided_at: Mapped[datetime]

    stage: Mapped[ApprovalStage] = relationship(back_populates="votes")
    approver: Mapped[User] = relationship(foreign_keys=[approver_id])
    decided_by: Mapped[User] = relationship(foreign_keys=[decided_by_id])

    __table_args__ = (UniqueConstraint("stage_id", "approver_id"),)


_AWAITED = text("ended_at IS NULL")


class ApprovalQuestion(Model):
    """What somebody asked the holder before deciding, and what the holder said.

    Also whether another time would do: then nothing holds that time until it is accepted.
    """

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id), index=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    question: Mapped[str] = mapped_column(String(500))  # may be empty where a time is proposed
    proposed_start: Mapped[datetime | None]
    proposed_end: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    #: What was left until it had to be decided; none: it might have waited.
    time_left: Mapped[timedelta | None]
    answer: Mapped[str] = mapped_column(String(500), default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    ended_at: Mapped[datetime | None]  # answered, or no longer asked

    reservation: Mapped[Reservation] = relationship(back_populates="questions")
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])

    @property
    def is_answered(self) -> bool:
        return self.answered_by_id is not None

    @property
    def proposed(self) -> Interval | None:
        """The other time that was proposed, if that was the question."""
        if self.proposed_start is None or self.proposed_end is None:
            return None
        return Interval(self.proposed_start, self.proposed_end)

    @property
    def is_accepted(self) -> bool:
        """Whether the proposed time was taken; who rather has another says so in words."""
        return self.is_answered and self.proposed is not None and not self.answer

    __table_args__ = (
        CheckConstraint(
            "(proposed_start IS NULL AND proposed_end IS NULL) OR proposed_start < proposed_end",
            "proposed_is_a_span",
        ),
        # One is asked at a time: the database refuses a second one itself.
        Index(
            "one_awaited_answer",
            "reservation_id",
            unique=True,
            postgresql_where=_AWAITED,
            sqlite_where=_AWAITED,
        ),
    )
