"""What is posted when a month is closed; only added to: the database refuses all else."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.audit.models import BigKey
from app.db import Model, words
from app.domain.charge import ChargeKind
from app.domain.rate_card import Tax
from app.reservations.models import Reservation


class MonthClose(Model):
    """A supplier's month is closed: from now on what belongs to it goes into a later one."""

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    month: Mapped[date]  # its first day
    closed_at: Mapped[datetime]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))  # none: by command

    closed_by: Mapped[User | None] = relationship()
    supplier: Mapped[Institution] = relationship()

    __table_args__ = (UniqueConstraint("supplier_id", "month"),)


class LedgerEntry(Model):
    """Postings that balance. One of each kind for a subject: posting twice posts once."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    subject: Mapped[str] = mapped_column(String(32))  # uid of a reservation or a statement
    kind: Mapped[str] = mapped_column(String(40))
    day: Mapped[date]
    supplier_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.id"), unique=True)
    posted_at: Mapped[datetime]

    postings: Mapped[list["LedgerPosting"]] = relationship(order_by="LedgerPosting.id")

    __table_args__ = (
        UniqueConstraint("subject", "kind"),
        Index("ix_ledger_entry_supplier", "supplier_id", "day"),
    )


class LedgerPosting(Model):
    """An amount on one account, in won: above zero it receives, below zero it owes."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey(LedgerEntry.id), index=True)
    account: Mapped[str] = mapped_column(String(120), index=True)
    amount: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("amount <> 0", "moves_something"),)


class Charge(Model):
    """What a reservation costs in the end, as it was posted; `number` rises with corrections."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id))
    number: Mapped[int]
    kind: Mapped[ChargeKind] = mapped_column(words(ChargeKind))
    supplier_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    month: Mapped[date]  # of the statement that shows it
    day: Mapped[date]  # of the use, of the cancellation
    #: The reservation's version that was charged: a later one is looked at again.
    of_version: Mapped[int]
    net: Mapped[int] = mapped_column(BigInteger)
    vat: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[Tax] = mapped_column(words(Tax))
    lines: Mapped[list[Any]]
    #: Who pays: `institution`, `account`, `percent`, `net`, `vat`, `sponsored` by fund.
    parts: Mapped[list[Any]]
    #: None where nothing is to be paid.
    entry_id: Mapped[int | None] = mapped_column(ForeignKey(LedgerEntry.id), unique=True)
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("charge_decision.id"))
    reason: Mapped[str] = mapped_column(String(500), default="")  # of a correction

    reservation: Mapped[Reservation] = relationship()

    __table_args__ = (
        UniqueConstraint("reservation_id", "number"),
        Index("ix_charge_supplier", "supplier_id", "month"),
    )


class Statement(Model):
    """What one institution owes another for a month, as it was issued."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    payer_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    month: Mapped[date] = mapped_column(index=True)  # its first day
    year: Mapped[int]
    number: Mapped[int]  # gapless within a supplier's year
    dated: Mapped[date]  # the last day of the month
    due_on: Mapped[date]
    net: Mapped[int] = mapped_column(BigInteger)
    vat: Mapped[int] = mapped_column(BigInteger)
    sponsored: Mapped[int] = mapped_column(BigInteger)
    #: Names and registration numbers of both as they were then.
    parties: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]

    supplier: Mapped[Institution] = relationship(foreign_keys=[supplier_id])
    payer: Mapped[Institution] = relationship(foreign_keys=[payer_id])
    lines: Mapped[list["StatementLine"]] = relationship(order_by="StatementLine.position")

    @property
    def total(self) -> int:
        return self.net + self.vat

    @property
    def due(self) -> int:
        """What is left for the payer once the sponsors have paid their parts."""
        return self.total - self.sponsored

    __table_args__ = (
        UniqueConstraint("supplier_id", "payer_id", "month"),
        UniqueConstraint("supplier_id", "year", "number"),
    )


class StatementLine(Model):
    """One payer's part of one charge, or what takes an earlier line back."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey(Statement.id))
    position: Mapped[int]
    charge_id: Mapped[int] = mapped_column(ForeignKey(Charge.id), index=True)
    #: The line of an earlier statement that this one takes back.
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("statement_line.id"), unique=True)
    account: Mapped[str | None] = mapped_column(String(64))  # project number
    net: Mapped[int] = mapped_column(BigInteger)
    vat: Mapped[int] = mapped_column(BigInteger)
    sponsored: Mapped[list[Any]]
    #: What it was for, as it was then: instrument, equipment number, user, mode, times, quantity.
    said: Mapped[dict[str, Any]]

    charge: Mapped[Charge] = relationship()
    statement: Mapped[Statement] = relationship(viewonly=True)

    __table_args__ = (UniqueConstraint("statement_id", "position"),)


class ChargeDecision(Model):
    """Somebody in charge set what a reservation costs, or waived it; the last one counts."""

    id: Mapped[int] = mapped_column(primary_key=True)
    reservation_id: Mapped[int] = mapped_column(ForeignKey(Reservation.id), index=True)
    net: Mapped[int | None] = mapped_column(BigInteger)  # none: as the rules say, again
    reason: Mapped[str] = mapped_column(String(500))
    decided_at: Mapped[datetime]
    decided_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))

    decided_by: Mapped[User] = relationship()

    __table_args__ = (CheckConstraint("net IS NULL OR net >= 0", "not_negative"),)


class Payment(Model):
    """What a supplier has received of a statement; below zero, what it gave back."""

    id: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey(Statement.id))
    number: Mapped[int]  # running within the statement
    amount: Mapped[int] = mapped_column(BigInteger)
    paid_on: Mapped[date]
    note: Mapped[str] = mapped_column(String(200))
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    entry_id: Mapped[int] = mapped_column(ForeignKey(LedgerEntry.id), unique=True)

    entered_by: Mapped[User] = relationship()

    __table_args__ = (
        UniqueConstraint("statement_id", "number"),
        CheckConstraint("amount <> 0", "moves_something"),
    )


class LineDispute(Model):
    """A payer's objection to a line of a statement, and what the supplier answered."""

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey(StatementLine.id))
    reason: Mapped[str] = mapped_column(String(500))
    raised_at: Mapped[datetime]
    raised_by_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    upheld: Mapped[bool | None]  # none: not answered yet
    answer: Mapped[str] = mapped_column(String(500), default="")
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    line: Mapped[StatementLine] = relationship()
    raised_by: Mapped[User] = relationship(foreign_keys=[raised_by_id])
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])

    __table_args__ = (
        CheckConstraint("(upheld IS NULL) = (answered_at IS NULL)", "answered_once"),
        Index(
            "ix_line_dispute_open",
            "line_id",
            unique=True,
            sqlite_where=text("answered_at IS NULL"),
            postgresql_where=text("answered_at IS NULL"),
        ),
        Index("ix_line_dispute_line_id", "line_id"),
    )


#: Of these the database refuses UPDATE and DELETE.
APPEND_ONLY = (
    MonthClose,
    LedgerEntry,
    LedgerPosting,
    Charge,
    Statement,
    StatementLine,
    ChargeDecision,
    Payment,
)
