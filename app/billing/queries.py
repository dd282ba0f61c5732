"""Reads of what was posted: statements, closed months, the settlement, and whether all adds up."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.accounts.models import Institution
from app.billing.charge_rows import over
from app.billing.charges import Charging, Due, Unknown
from app.billing.models import (
    LedgerEntry,
    LedgerPosting,
    MonthClose,
    Statement,
    StatementLine,
)
from app.billing.months import interval_of
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain import ledger, settlement
from app.domain.errors import NotFound, Text
from app.domain.ledger import Entry
from app.domain.settlement import Gross, Transfer


@dataclass(frozen=True, slots=True)
class Settlement:
    """What institutions owe one another for a month; net, VAT, total and transfers in won."""

    month: date
    closed: bool  # by every supplier that has something to charge
    matrix: Sequence[Gross]
    balances: Mapping[str, int]
    transfers: Sequence[Transfer]

    def as_json(self) -> dict[str, Any]:
        return {
            "month": f"{self.month:%Y-%m}",
            "state": "closed" if self.closed else "provisional",
            "matrix": [
                {
                    "supplier": row.supplier,
                    "payer": row.payer,
                    "net": row.net,
                    "vat": row.vat,
                    "total": row.total,
                    "sponsored": row.sponsored,
                }
                for row in self.matrix
            ],
            "balances": dict(self.balances),
            "transfers": [
                {"from": each.payer, "to": each.payee, "amount": each.amount}
                for each in self.transfers
            ],
        }


def institution_names() -> dict[str, Text]:
    """The name of each institution by its slug."""
    rows = db.session.execute(select(Institution.slug, Institution.name_ko, Institution.name_en))
    return {slug: Text(ko, en) for slug, ko, en in rows}


def settlement_of(month: date, *, now: datetime) -> Settlement:
    """By the statements of those who have closed, and by what is known of the others so far."""
    closed = set(
        db.session.scalars(select(MonthClose.supplier_id).where(MonthClose.month == month))
    )
    rows = list(_posted(month))
    open_ = False
    for supplier in lenders():
        if supplier.id not in closed:
            found = list(_provisional(supplier, month, now))
            open_ = open_ or bool(found)
            rows += found
    matrix = settlement.matrix(rows)
    balances = settlement.balances(matrix)
    over_ = interval_of(month).end <= now
    return Settlement(month, over_ and not open_, matrix, balances, settlement.transfers(balances))


def lenders() -> Sequence[Institution]:
    """The institutions that lend anything."""
    lends = (
        select(Facility.institution_id)
        .join(Instrument, Instrument.facility_id == Facility.id)
        .distinct()
    )
    return db.session.scalars(
        select(Institution).where(Institution.id.in_(lends)).order_by(Institution.slug)
    ).all()


def _posted(month: date) -> Iterator[Gross]:
    """What the statements of the month say; sponsors by their institutions."""
    seller, payer = aliased(Institution), aliased(Institution)
    rows = db.session.execute(
        select(Statement.id, seller.slug, payer.slug, Statement.net, Statement.vat)
        .join(seller, seller.id == Statement.supplier_id)
        .join(payer, payer.id == Statement.payer_id)
        .where(Statement.month == month)
    ).all()
    sponsors: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for statement_id, sponsored in db.session.execute(
        select(StatementLine.statement_id, StatementLine.sponsored)
        .join(Statement, Statement.id == StatementLine.statement_id)
        .where(Statement.month == month, cast(StatementLine.sponsored, String) != "[]")
    ):
        for each in sponsored:
            sponsors[statement_id][each["sponsor"]] += each["amount"]
    for key, supplier, pays, net, vat in rows:
        paid = dict(sponsors[key]) if key in sponsors else {}
        yield Gross(supplier=supplier, payer=pays, net=net, vat=vat, sponsors=paid)


def _provisional(supplier: Institution, month: date, now: datetime) -> Iterator[Gross]:
    """What a supplier would charge if it closed now; corrections of what is posted left out."""
    charging = Charging(supplier)
    for row in over(supplier, interval_of(month), now):
        due = charging.of(row)
        if row.charge_id is not None or due is None or isinstance(due, Unknown):
            continue
        yield from _gross_of(supplier, due)


def _gross_of(supplier: Institution, due: Due) -> Iterator[Gross]:
    for part in due.parts:
        sponsors: Counter[str] = Counter()
        for fund, amount in part.sponsored.items():
            sponsors[due.promised[fund].sponsor] += amount
        yield Gross(
            supplier=supplier.slug,
            payer=part.payer.institution,
            net=part.net,
            vat=part.vat,
            sponsors=dict(sponsors),
        )


def statements_of(supplier: str, month: date) -> Sequence[Statement]:
    """Those that a supplier, by slug, issued for a closed month, by number, with their lines.

    Raises `NotFound` where there is no such institution or it has not closed the month.
    """
    seller = select(Institution.id).where(Institution.slug == supplier).scalar_subquery()
    closed = select(MonthClose).where(MonthClose.supplier_id == seller, MonthClose.month == month)
    if db.session.scalar(closed) is None:
        raise NotFound(
            Text(
                f"{supplier}의 {month:%Y-%m} 마감이 없습니다. 먼저 그 달을 마감해 주십시오.",
                f"{supplier} has not closed {month:%Y-%m}. Close the month first.",
            )
        )
    return db.session.scalars(
        select(Statement)
        .where(Statement.supplier_id == seller, Statement.month == month)
        .options(selectinload(Statement.lines).joinedload(StatementLine.charge))
        .order_by(Statement.number)
    ).all()


def statement_of(supplier: str, payer: str, month: date) -> Statement:
    """The statement of a month between two institutions, by their slugs; raises `NotFound`."""
    sells, pays = (
        select(Institution.id).where(Institution.slug == slug).scalar_subquery()
        for slug in (supplier, payer)
    )
    found = db.session.scalar(
        select(Statement)
        .where(Statement.supplier_id == sells, Statement.payer_id == pays, Statement.month == month)
        .options(
            joinedload(Statement.supplier),
            joinedload(Statement.payer),
            selectinload(Statement.lines).joinedload(StatementLine.charge),
        )
    )
    if found is None:
        raise NotFound(
            Text(
                f"{supplier}이(가) {payer}에 보낸 {month:%Y-%m} 거래명세서가 없습니다.",
                f"There is no statement of {supplier} to {payer} for {month:%Y-%m}. Is the month "
                "closed?",
            )
        )
    return found


def complaints() -> Iterator[str]:
    """All that does not add up in what was posted; nothing if all does."""
    wrong: list[str] = []
    yield from ledger.complaints(_entries(wrong))
    yield from wrong
    yield from _wrong_statements()
    for month in db.session.scalars(select(Statement.month).distinct().order_by(Statement.month)):
        rows = settlement.matrix(_posted(month))
        if off := sum(settlement.balances(rows).values()):
            yield f"{month:%Y-%m}: the settlement is off by {off:+} won."


def _entries(wrong: list[str]) -> Iterator[Entry]:
    """All entries in the order in which they were posted, as the pure ledger knows them.

    What is no entry at all, as it does not balance, is told in `wrong`.
    """
    keys: dict[int, ledger.Key] = {}
    amounts = _by_entry(
        db.session.execute(
            select(LedgerPosting.entry_id, LedgerPosting.account, LedgerPosting.amount).order_by(
                LedgerPosting.entry_id, LedgerPosting.id
            )
        )
    )
    for row in db.session.execute(
        select(
            LedgerEntry.id,
            LedgerEntry.subject,
            LedgerEntry.kind,
            LedgerEntry.day,
            LedgerEntry.reverses_id,
        ).order_by(LedgerEntry.id)
    ):
        keys[row.id] = (row.subject, row.kind)
        undone = None if row.reverses_id is None else keys.get(row.reverses_id)
        try:
            yield Entry(keys[row.id], row.day, tuple(amounts.get(row.id, ())), undone)
        except ValueError as broken:
            wrong.append(str(broken))


def _by_entry(rows: Iterable[Any]) -> dict[int, list[ledger.Posting]]:
    found: defaultdict[int, list[ledger.Posting]] = defaultdict(list)
    for entry_id, account, amount in rows:
        found[entry_id].append(ledger.Posting(account, amount))
    return found


def _wrong_statements() -> Iterator[str]:
    sums = (
        select(
            StatementLine.statement_id,
            func.sum(StatementLine.net).label("net"),
            func.sum(StatementLine.vat).label("vat"),
        )
        .group_by(StatementLine.statement_id)
        .subquery()
    )
    for statement, supplier, net, vat in db.session.execute(
        select(Statement, Institution.slug, sums.c.net, sums.c.vat)
        .join(Institution, Institution.id == Statement.supplier_id)
        .outerjoin(sums, sums.c.statement_id == Statement.id)
        .order_by(Statement.id)
    ):
        if (statement.net, statement.vat) != (net, vat):
            yield (
                f"Statement {supplier} {statement.year}-{statement.number} says "
                f"{statement.net:,} + {statement.vat:,} won, its lines {net or 0:,} + {vat or 0:,}."
            )
    numbers: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for slug, year, number in db.session.execute(
        select(Institution.slug, Statement.year, Statement.number)
        .join(Institution, Institution.id == Statement.supplier_id)
        .order_by(Institution.slug, Statement.year, Statement.number)
    ):
        numbers[slug, year].append(number)
    for (slug, year), found in numbers.items():
        for before, after in pairwise([0, *found]):
            if after != before + 1:
                yield f"Statements of {slug} in {year}: after {before} comes {after}."
