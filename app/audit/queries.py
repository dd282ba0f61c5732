"""Reading the audit trail: is it whole?"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import func, select

from app.audit import chain
from app.audit.models import AuditRow
from app.db import db

_AT_ONCE = 1_000
#: Beyond this many, further problems tell nothing new.
MOST_PROBLEMS = 100


@dataclass(slots=True)
class Verdict:
    """What a check of the chain found."""

    sealed: int = 0
    unsealed: int = 0
    problems: list[str] = field(default_factory=list)


def unsealed() -> int:
    """How many rows are not sealed yet."""
    return db.session.scalar(select(func.count()).where(AuditRow.sealed.is_(None))) or 0


def verify() -> Verdict:
    """Check every seal, every place, and that the chain is not shorter than it was."""
    verdict = Verdict(unsealed=unsealed())
    place, before, kept = 0, chain.BEGINNING, chain.kept_head()
    for row in _in_order():
        place += 1
        assert row.sealed is not None
        if row.sealed != place:
            _note(verdict, _missing(place, row.sealed - 1))
            place = row.sealed
            # What the missing rows were sealed with is lost: go on from this row's seal.
        elif row.seal != chain.seal(row, place, before):
            _note(verdict, f"row {row.id} (place {place}): changed after it was sealed")
        if kept and kept.place == place and kept.seal != row.seal:
            _note(verdict, f"place {place}: not the seal that this machine remembers")
        before = row.seal or ""
        verdict.sealed += 1
    if kept and kept.place > place:
        _note(
            verdict,
            f"{_missing(place + 1, kept.place)}: the chain was longer. After a restore from an "
            "older backup this is expected: then delete the file audit-head in the instance folder",
        )
    return verdict


def _note(verdict: Verdict, problem: str) -> None:
    if len(verdict.problems) < MOST_PROBLEMS:
        verdict.problems.append(problem)


def _missing(first: int, last: int) -> str:
    return f"place {first}: missing" if first == last else f"places {first}–{last}: missing"


def _in_order() -> Iterator[AuditRow]:
    """All sealed rows by place, some at a time, so that memory stays flat."""
    after = 0
    while True:
        rows = db.session.scalars(
            select(AuditRow)
            .where(AuditRow.sealed > after)
            .order_by(AuditRow.sealed)
            .limit(_AT_ONCE)
            .execution_options(populate_existing=True)
        ).all()
        if not rows:
            return
        yield from rows
        after = rows[-1].sealed or 0
        db.session.expunge_all()
