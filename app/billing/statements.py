"""Statements as people read them: those of the institutions they administer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action, Actor, Scope
from app.accounts.models import Institution
from app.billing.models import Charge, Statement, StatementLine
from app.db import db
from app.domain.errors import NotFound, Text
from app.reservations.models import Reservation

NO_STATEMENT = Text(
    "해당 거래명세서를 찾을 수 없습니다. ‘거래명세서’에서 찾아보세요.",
    "There is no such statement. Look for it under “Statements”.",
)
_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the statements found."""

    items: Sequence[Statement]
    number: int
    pages: int
    total: int


def seen(user: Actor, uid: str) -> Statement:
    """A statement without its lines; `NotFound` also to those who may not see it."""
    found = db.session.scalar(_with_parties().where(Statement.uid == uid))
    if found is None or not _may_see(user, found):
        raise NotFound(NO_STATEMENT)
    return found


def _may_see(user: Actor, statement: Statement) -> bool:
    return any(
        access.may(user, Action.SEE_STATEMENTS, Scope(institution_id=each))
        for each in (statement.supplier_id, statement.payer_id)
    )


def _with_parties() -> Select[Statement]:
    return select(Statement).options(joinedload(Statement.supplier), joinedload(Statement.payer))


def lines_of(statement: Statement) -> Sequence[StatementLine]:
    """All its lines in order."""
    return db.session.scalars(
        select(StatementLine)
        .where(StatementLine.statement_id == statement.id)
        .order_by(StatementLine.position)
    ).all()


def line_of(statement: Statement, position: int) -> StatementLine:
    """A line with its charge and reservation; raises `NotFound`."""
    found = db.session.scalar(
        select(StatementLine)
        .where(StatementLine.statement_id == statement.id, StatementLine.position == position)
        .options(
            joinedload(StatementLine.charge)
            .joinedload(Charge.reservation)
            .joinedload(Reservation.instrument)
        )
    )
    if found is None:
        raise NotFound(NO_STATEMENT)
    return found


def taken_back_by(line: StatementLine) -> StatementLine | None:
    """The line of a later statement that takes it back."""
    return db.session.scalar(
        select(StatementLine)
        .where(StatementLine.corrects_id == line.id)
        .options(joinedload(StatementLine.statement))
    )


def taken_back(line: StatementLine) -> StatementLine | None:
    """The line of an earlier statement that it takes back."""
    if line.corrects_id is None:
        return None
    return db.session.scalar(
        select(StatementLine)
        .where(StatementLine.id == line.corrects_id)
        .options(joinedload(StatementLine.statement))
    )


def issued(supplier: Institution, month: date) -> Sequence[Statement]:
    """What a supplier has stated for a month, by number."""
    return db.session.scalars(
        _with_parties()
        .where(Statement.supplier_id == supplier.id, Statement.month == month)
        .order_by(Statement.number)
    ).all()


def received(payer: Institution, month: date) -> Sequence[Statement]:
    """What others have stated to a payer for a month, by supplier."""
    return db.session.scalars(
        _with_parties()
        .join(Institution, Institution.id == Statement.supplier_id)
        .where(
            Statement.payer_id == payer.id,
            Statement.supplier_id != payer.id,
            Statement.month == month,
        )
        .order_by(Institution.slug)
    ).all()


def _seen_by(user: Actor) -> ColumnElement[bool]:
    own = access.institutions_administered(user)
    if own is None:
        return true()
    return or_(Statement.supplier_id.in_(own), Statement.payer_id.in_(own))


def page_of(user: Actor, *, month: date | None, number: int) -> Page:
    """All that the user may see, newest first."""
    wanted = [_seen_by(user)]
    if month:
        wanted.append(Statement.month == month)
    total = db.session.scalar(select(func.count(Statement.id)).where(*wanted)) or 0
    pages = max(1, -(-total // _SIZE))
    number = min(max(1, number), pages)
    rows = db.session.scalars(
        _with_parties()
        .where(*wanted)
        .order_by(Statement.month.desc(), Statement.id)
        .limit(_SIZE)
        .offset((number - 1) * _SIZE)
    ).all()
    return Page(rows, number, pages, total)


def listed(
    user: Actor, *, month: date | None, supplier: str, payer: str, before: int | None, limit: int
) -> Sequence[Statement]:
    """What the user may see of what is asked for, the latest first; `before` is an id."""
    wanted = [_seen_by(user)]
    if month:
        wanted.append(Statement.month == month)
    for slug, whose in ((supplier, Statement.supplier_id), (payer, Statement.payer_id)):
        if slug:
            wanted.append(whose.in_(select(Institution.id).where(Institution.slug == slug)))
    if before is not None:
        wanted.append(Statement.id < before)
    return db.session.scalars(
        _with_parties().where(*wanted).order_by(Statement.id.desc()).limit(limit)
    ).all()


def names(slugs: Sequence[str]) -> dict[str, Institution]:
    """Institutions by slug, to be called by their names."""
    rows = db.session.scalars(select(Institution).where(Institution.slug.in_(slugs)))
    return {each.slug: each for each in rows}
