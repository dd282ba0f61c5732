"""Payments of statements: entered by the supplier, posted, taken back only by another entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.acts import invalid
from app.accounts.models import Institution, User
from app.audit import services as audit
from app.billing import marks, statements
from app.billing.models import LedgerEntry, LedgerPosting, Payment, Statement
from app.db import db, transaction
from app.domain.ageing import Aged, aged, days_late
from app.domain.errors import Stale, Text
from app.domain.ledger import Entry, Posting
from app.reservations import queries

#: Payments that were made before are of another system.
_FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Paid:
    """What came in, or below zero went back, and when."""

    amount: int
    paid_on: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class OpenStatement:
    """A statement of which something is still to be paid, or to be given back."""

    statement: Statement
    open: int
    days_late: int


def of_statement(statement: Statement) -> Sequence[Payment]:
    """All payments of a statement, in the order in which they were entered."""
    return db.session.scalars(
        select(Payment)
        .where(Payment.statement_id == statement.id)
        .options(joinedload(Payment.entered_by))
        .order_by(Payment.number)
    ).all()


def enter(
    user: User, statement_uid: str, paid: Paid, *, number: int, now: datetime, today: date
) -> Payment:
    """Enter a payment; `number` is the one that the user saw to come next.

    A mistake is put right by a payment of the opposite sign. Raises `NotFound`, `NotAllowed`,
    `Invalid` for more than is open, and `Stale` if somebody has entered one meanwhile.
    """
    user_id = user.id
    with transaction():
        user = queries.person(user_id)
        statement = statements.seen(user, statement_uid)
        access.require(user, Action.ENTER_PAYMENT, Scope(institution_id=statement.supplier_id))
        # Payments of a statement take turns; SQLite ignores the lock, and has one writer anyway.
        db.session.execute(
            select(Statement.id).where(Statement.id == statement.id).with_for_update()
        )
        before = of_statement(statement)
        if number != len(before) + 1:
            raise Stale(
                Text(
                    "그사이 다른 입금이 입력되었습니다. 내역을 확인하고 다시 입력해 주세요.",
                    "A payment was entered meanwhile. Look at the list, then enter yours again.",
                )
            )
        _check(paid, statement.due, sum(each.amount for each in before), today)
        made = Payment(
            statement_id=statement.id,
            number=number,
            amount=paid.amount,
            paid_on=paid.paid_on,
            note=paid.note.strip(),
            entered_at=now,
            entered_by_id=user.id,
            entry_id=_post(statement, paid, number, now),
        )
        db.session.add(made)
        db.session.flush()
        audit.record(
            "enter-payment",
            "statement",
            statement.uid,
            actor_id=user.id,
            now=now,
            detail={"amount": paid.amount, "paid_on": paid.paid_on.isoformat()},
        )
        _put_mark_right(statement, now, today)
    return made


def _put_mark_right(statement: Statement, now: datetime, today: date) -> None:
    """Whoever has paid all that was due is no longer marked for it."""
    pair = statement.supplier_id, statement.payer_id
    of_pair = (Statement.supplier_id == pair[0], Statement.payer_id == pair[1])
    marks.put_right(pair, [each.statement for each in late_on(today, *of_pair)], now)


def _check(paid: Paid, due: int, before: int, today: date) -> None:
    if not _FIRST_DAY <= paid.paid_on <= today:
        raise invalid("paid_on", "이미 지난 날을 적어 주세요.", "Give a day that has come.")
    least, most = min(0, due) - before, max(0, due) - before
    if paid.amount == 0 or not least <= paid.amount <= most:
        raise invalid(
            "amount",
            f"{least:,}원부터 {most:,}원까지, 0원이 아닌 금액을 적어 주세요.",
            f"An amount from {least:,} to {most:,} won, other than 0.",
        )


def _post(statement: Statement, paid: Paid, number: int, now: datetime) -> int:
    """The ledger's entry: what the payer owed less, the supplier's bank account received."""
    entry = Entry(
        (statement.uid, f"payment/{number}"),
        paid.paid_on,
        (
            Posting(f"paid:{statement.payer.slug}", paid.amount),
            Posting(f"bank:{statement.supplier.slug}", -paid.amount),
        ),
    )
    posted = LedgerEntry(
        subject=entry.key[0],
        kind=entry.key[1],
        day=entry.day,
        supplier_id=statement.supplier_id,
        posted_at=now,
    )
    db.session.add(posted)
    db.session.flush()
    db.session.execute(
        insert(LedgerPosting),
        [
            {"entry_id": posted.id, "account": each.account, "amount": each.amount}
            for each in entry.postings
        ],
    )
    return posted.id


def open_of(institution: Institution, *, as_supplier: bool, today: date) -> Sequence[OpenStatement]:
    """What others still owe an institution, or what it owes them; the longest due first."""
    whose = Statement.supplier_id if as_supplier else Statement.payer_id
    return _open(today, whose == institution.id)


def late_on(today: date, *wanted: ColumnElement[bool]) -> Sequence[OpenStatement]:
    """What is still to be paid though it was due before today; the longest due first."""
    found = _open(today, Statement.due_on < today, *wanted)
    return [each for each in found if each.open > 0]


def _open(today: date, *wanted: ColumnElement[bool]) -> Sequence[OpenStatement]:
    paid = (
        select(Payment.statement_id, func.sum(Payment.amount).label("amount"))
        .group_by(Payment.statement_id)
        .subquery()
    )
    left = Statement.net + Statement.vat - Statement.sponsored - func.coalesce(paid.c.amount, 0)
    rows = db.session.execute(
        select(Statement, left)
        .outerjoin(paid, paid.c.statement_id == Statement.id)
        .where(*wanted, Statement.supplier_id != Statement.payer_id, left != 0)
        .options(joinedload(Statement.supplier), joinedload(Statement.payer))
        .order_by(Statement.due_on, Statement.id)
    )
    return [
        OpenStatement(statement, int(amount), days_late(statement.due_on, today))
        for statement, amount in rows
    ]


def by_age(rows: Sequence[OpenStatement], today: date) -> Mapping[str, Aged]:
    """What each payer owes, by its age."""
    return aged(
        ((each.statement.payer.slug, each.statement.due_on, each.open) for each in rows), today
    )
