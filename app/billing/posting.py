"""What one close adds: charges, ledger entries, numbered statements; gathered, then written."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select

from app.accounts.models import Institution
from app.billing.charges import Due
from app.billing.lines import Line, part_as_json, said_of, sponsored_by
from app.billing.models import (
    Charge,
    LedgerEntry,
    LedgerPosting,
    Statement,
    StatementLine,
)
from app.billing.months import last_day
from app.db import Model, db, table_of
from app.domain import ledger
from app.domain.charge import ChargeKind, Part, entry
from app.domain.ledger import Entry
from app.domain.local_time import day_of
from app.domain.rate_card import Tax
from app.domain.shares import show_percent
from app.programmes.holding import given_by, take
from app.projects import budgets
from app.projects.budgets import Paid

#: How long after its date a statement is to be paid.
PAY_WITHIN = timedelta(days=30)


@dataclass(slots=True)
class Posting:
    """All that is posted for a supplier's month."""

    supplier: Institution
    month: date
    now: datetime
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _amounts: list[Entry] = field(default_factory=list)
    _paid: list[Paid] = field(default_factory=list)
    _charges: list[dict[str, Any]] = field(default_factory=list)
    _entry_of: list[int | None] = field(default_factory=list)  # by charge: number of its entry
    _lines: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))  # by payer

    @property
    def charges(self) -> int:
        return len(self._charges)

    def charge(self, row: Any, due: Due) -> None:
        """Post what a reservation comes to; what it came to before is taken back first."""
        if row.charge_id is not None:
            before = db.session.get_one(Charge, row.charge_id)
            if _same(before, due):
                return
            self._take_back(before, row)
        number = (row.charge_number or 0) + 1
        self._entry_of.append(None)
        if not due.nothing:
            key = row.uid, f"{due.kind}/{number}"
            made = entry(key, due.day, self.supplier.slug, due.parts)
            self._entry_of[-1] = self._enter(made, None)
        quote, parts = due.quote, [part_as_json(part, due.promised) for part in due.parts]
        lines = [line.as_json() for line in quote.lines]
        self._add(row, due.kind, due.day, (quote.net, quote.vat, quote.tax, lines, parts))
        self._take(row, due.parts)
        for part in due.parts:
            line = self._line(row, due, part)
            if not line.is_nothing:
                self._lines[part.payer.institution].append(line)

    def withdraw(self, row: Any) -> None:
        """Take back what was charged, as nothing is owed any more."""
        before = db.session.get_one(Charge, row.charge_id)
        if before.entry_id is None:
            return
        self._take_back(before, row)
        self._entry_of.append(None)
        self._add(row, before.kind, before.day, (0, 0, before.tax, [], []))
        self._take(row, ())

    def _take(self, row: Any, parts: Sequence[Part]) -> None:
        """Take from funds and budgets what they pay in the end; what they held beyond is free."""
        if row.shares:
            due = {each.payer.account: each.due for each in parts}
            paid = {number: amount for number, amount in due.items() if number and amount}
            day = day_of(row.starts_at, ZoneInfo(row.timezone))
            self._paid.append(Paid(row.id, row.holder_id, day, paid))
        if given_by(row.quote):
            amounts: Counter[str] = Counter()
            for part in parts:
                amounts.update(part.sponsored)
            take(row.id, amounts)

    def _add(
        self,
        row: Any,
        kind: ChargeKind,
        day: date,
        amounts: tuple[int, int, Tax, list[Any], list[Any]],
    ) -> None:
        net, vat, tax, lines, parts = amounts
        self._charges.append(
            {
                "reservation_id": row.id,
                "number": (row.charge_number or 0) + 1,
                "kind": kind,
                "supplier_id": self.supplier.id,
                "month": self.month,
                "day": day,
                "of_version": row.version,
                "decision_id": row.decision_id,
                "net": net,
                "vat": vat,
                "tax": tax,
                "lines": lines,
                "parts": parts,
                "reason": row.decided_reason or "",
            }
        )

    def _line(self, row: Any, due: Due, part: Part) -> Line:
        said = said_of(row, due) | {"percent": show_percent(part.payer.percent)}
        sponsored = sponsored_by(part, due.promised)
        index = len(self._charges) - 1
        return Line(part.payer.account, part.net, part.vat, sponsored, said, index)

    def _take_back(self, before: Charge, row: Any) -> None:
        if before.entry_id is None:
            return
        posted = db.session.get_one(LedgerEntry, before.entry_id)
        whole = entry_of(posted)
        self._enter(whole.reversed(f"{posted.kind}/undone", last_day(self.month)), posted.id)
        for old, payer in db.session.execute(
            select(StatementLine, Institution.slug)
            .join(Statement, Statement.id == StatementLine.statement_id)
            .join(Institution, Institution.id == Statement.payer_id)
            .where(StatementLine.charge_id == before.id, StatementLine.corrects_id.is_(None))
        ):
            line = Line(old.account, old.net, old.vat, old.sponsored, old.said, before.id)
            reason = row.decided_reason or ""
            self._lines[payer].append(line.negated(old.id, reason))

    def _enter(self, made: Entry, reverses_id: int | None) -> int:
        self._entries.append(
            {
                "subject": made.key[0],
                "kind": made.key[1],
                "day": made.day,
                "supplier_id": self.supplier.id,
                "reverses_id": reverses_id,
                "posted_at": self.now,
            }
        )
        self._amounts.append(made)
        return len(self._entries) - 1

    def write(self) -> list[int]:
        """Add it all; the ids of the statements, by their numbers."""
        budgets.take(self._paid)
        entry_ids = _added(LedgerEntry, self._entries)
        _add(
            LedgerPosting,
            (
                {"entry_id": entry_id, "account": each.account, "amount": each.amount}
                for entry_id, made in zip(entry_ids, self._amounts, strict=True)
                for each in made.postings
            ),
        )
        for charged, number in zip(self._charges, self._entry_of, strict=True):
            charged["entry_id"] = None if number is None else entry_ids[number]
        charge_ids = _added(Charge, self._charges)
        statements = self._statements()
        ids = _added(Statement, statements)
        payers = sorted(self._lines)
        _add(
            StatementLine,
            (
                {
                    "statement_id": statement_id,
                    "position": position,
                    "charge_id": line.charge if line.corrects_id else charge_ids[line.charge],
                    "corrects_id": line.corrects_id,
                    "account": line.account,
                    "net": line.net,
                    "vat": line.vat,
                    "sponsored": line.sponsored,
                    "said": line.said,
                }
                for statement_id, payer in zip(ids, payers, strict=True)
                for position, line in enumerate(self._lines[payer], 1)
            ),
        )
        return ids

    def _statements(self) -> list[dict[str, Any]]:
        payers = {
            each.slug: each
            for each in db.session.scalars(
                select(Institution).where(Institution.slug.in_(list(self._lines)))
            )
        }
        last = db.session.scalar(
            select(func.max(Statement.number)).where(
                Statement.supplier_id == self.supplier.id, Statement.year == self.month.year
            )
        )
        dated = last_day(self.month)
        return [
            {
                "uid": uuid.uuid4().hex,
                "supplier_id": self.supplier.id,
                "payer_id": payers[slug].id,
                "month": self.month,
                "year": self.month.year,
                "number": number,
                "dated": dated,
                "due_on": dated + PAY_WITHIN,
                "net": sum(line.net for line in self._lines[slug]),
                "vat": sum(line.vat for line in self._lines[slug]),
                "sponsored": sum(
                    each["amount"] for line in self._lines[slug] for each in line.sponsored
                ),
                "parties": {
                    "supplier": _party(self.supplier),
                    "payer": _party(payers[slug]),
                },
                "issued_at": self.now,
            }
            for number, slug in enumerate(sorted(self._lines), (last or 0) + 1)
        ]


def entry_of(posted: LedgerEntry) -> Entry:
    """The pure entry of a row, without what it undoes."""
    postings = tuple(ledger.Posting(each.account, each.amount) for each in posted.postings)
    return Entry((posted.subject, posted.kind), posted.day, postings)


def _same(before: Charge, due: Due) -> bool:
    """Whether what was posted is what it comes to now."""
    return before.kind is due.kind and before.parts == [
        part_as_json(part, due.promised) for part in due.parts
    ]


def _party(institution: Institution) -> dict[str, Any]:
    return {
        "slug": institution.slug,
        "name_ko": institution.name_ko,
        "name_en": institution.name_en,
        "registration_number": institution.registration_number,
    }


def _added(model: type[Model], rows: Sequence[dict[str, Any]]) -> list[int]:
    """The ids of the rows that were added, in their order."""
    ids = _new_ids(model, len(rows))
    _add(model, ({"id": key, **row} for key, row in zip(ids, rows, strict=True)))
    return ids


def _new_ids(model: type[Model], count: int) -> list[int]:
    """So many that nobody else gets: each row's, before it is written.

    Told by the rows themselves afterwards, SQLite would take them one by one.
    """
    table = table_of(model)
    if db.engine.dialect.name == "sqlite":  # Nobody else writes before this transaction ends.
        first = (db.session.scalar(select(func.max(table.c.id))) or 0) + 1
        return list(range(first, first + count))
    sequence = func.pg_get_serial_sequence(table.name, "id")
    each = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
    return list(db.session.scalars(each))


def _add(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    if rows := list(rows):
        db.session.connection().execute(insert(table_of(model)), rows)
