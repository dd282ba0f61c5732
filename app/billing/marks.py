"""Marks that Dure makes itself: an institution owes a supplier money that was due.

Facilities say whether and after how many days they refuse (`refuse_overdue_after`); a mark tells
since when something is due. What a supplier marked or lifted by hand stays as it is.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.audit import services as audit
from app.billing.documents import number_of
from app.billing.models import Statement
from app.db import db, transaction
from app.projects.models import OverdueMark

Pair = tuple[int, int]  # supplier and payer, by their ids


def standing() -> dict[Pair, OverdueMark]:
    """Those that stand."""
    found = db.session.scalars(
        select(OverdueMark)
        .where(OverdueMark.lifted_at.is_(None), OverdueMark.marked_by_id.is_(None))
        .execution_options(populate_existing=True)
    )
    return {(each.supplier_id, each.payer_id): each for each in found}


def follow(pair: Pair, late: Sequence[Statement], now: datetime) -> int:
    """Let the mark say what is late, the longest due first; how many were made."""
    try:
        with transaction():
            if pair in standing():
                put_right(pair, late, now)
                return 0
            if not late or _known(pair, late[0].due_on):
                return 0
            made = OverdueMark(supplier_id=pair[0], payer_id=pair[1], marked_at=now)
            _say(made, late)
            db.session.add(made)
            db.session.flush()
            _note("mark-overdue", late[0], now)
    except IntegrityError:  # Somebody has marked it meanwhile.
        return 0
    return 1


def put_right(pair: Pair, late: Sequence[Statement], now: datetime) -> None:
    """Lift the mark that stands, or change it to what is late now; in the caller's transaction."""
    mark = standing().get(pair)
    if mark is None:
        return
    if late:
        _say(mark, late)
    else:
        mark.lifted_at = now
    db.session.flush()


def _known(pair: Pair, since: date) -> bool:
    """Whether the supplier has marked them, or has lifted the mark for that very debt."""
    lifted = OverdueMark.lifted_by_id.is_not(None) & (OverdueMark.since == since)
    known = select(OverdueMark.id).where(
        OverdueMark.supplier_id == pair[0],
        OverdueMark.payer_id == pair[1],
        OverdueMark.lifted_at.is_(None) | lifted,
    )
    return db.session.scalar(known.limit(1)) is not None


def _say(mark: OverdueMark, late: Sequence[Statement]) -> None:
    mark.since = late[0].due_on
    mark.reason = ", ".join(number_of(each) for each in late[:10])


def _note(act: str, late: Statement, now: datetime) -> None:
    detail = {"payer": late.payer.slug, "since": late.due_on.isoformat()}
    audit.record(act, "institution", late.supplier.slug, actor_id=None, now=now, detail=detail)
