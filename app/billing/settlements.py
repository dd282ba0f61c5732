"""The settlement of a month as people read it: who owes whom, and where each amount is from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.accounts import access
from app.accounts.access import Action, Actor, Scope
from app.accounts.models import Institution
from app.billing.models import MonthClose, Statement
from app.billing.queries import Settlement, lenders, settlement_of
from app.db import db
from app.domain.settlement import Gross


@dataclass(frozen=True, slots=True)
class Grid:
    """The matrix as a table: rows of suppliers, columns of payers."""

    suppliers: Sequence[str]
    payers: Sequence[str]
    cells: Mapping[tuple[str, str], Gross]
    by_supplier: Mapping[str, int]
    by_payer: Mapping[str, int]
    sponsored: Mapping[tuple[str, str], int]  # what sponsors pay of a supplier's total
    sponsors: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_supplier.values())


def seen(user: Actor, month: date, *, now: datetime) -> Settlement:
    """The settlement of all institutions; raises `NotAllowed`."""
    access.require_somewhere(user, Action.SEE_SETTLEMENT)
    return settlement_of(month, now=now)


def grid(found: Settlement) -> Grid:
    """The matrix by its rows and columns, those with nothing left out."""
    suppliers, payers, sponsors = Counter[str](), Counter[str](), Counter[str]()
    sponsored = Counter[tuple[str, str]]()
    for row in found.matrix:
        suppliers[row.supplier] += row.total
        payers[row.payer] += row.total
        sponsors.update(row.sponsors)
        sponsored.update({(row.supplier, who): paid for who, paid in row.sponsors.items()})
    return Grid(
        sorted(suppliers),
        sorted(payers),
        {(row.supplier, row.payer): row for row in found.matrix},
        suppliers,
        payers,
        sponsored,
        dict(sorted(sponsors.items())),
    )


def leads(user: Actor, month: date) -> Mapping[tuple[str, str], str]:
    """The statements behind the cells that the user may see: uid by supplier and payer."""
    sells, pays = aliased(Institution), aliased(Institution)
    rows = db.session.execute(
        select(Statement.uid, sells.slug, pays.slug, sells.id, pays.id)
        .join(sells, sells.id == Statement.supplier_id)
        .join(pays, pays.id == Statement.payer_id)
        .where(Statement.month == month)
    )
    return {
        (supplier, payer): uid
        for uid, supplier, payer, *both in rows
        if any(access.may(user, Action.SEE_STATEMENTS, Scope(institution_id=each)) for each in both)
    }


def still_open(month: date) -> Sequence[Institution]:
    """Those who lend and have not closed the month, nor a later one."""
    done = select(MonthClose.supplier_id).where(MonthClose.month >= month)
    closed = set(db.session.scalars(done))
    return [each for each in lenders() if each.id not in closed]
