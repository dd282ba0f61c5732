"""Institutions that owe a supplier money for too long: marked by the supplier, lifted again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.acts import filled, invalid
from app.accounts.models import Institution, User
from app.audit import services as audit
from app.db import db, transaction
from app.domain.errors import NotFound, Text, WrongState
from app.projects.models import OverdueMark

_OPEN = select(OverdueMark.since, OverdueMark.reason).where(
    OverdueMark.payer_id == bindparam("payer"),
    OverdueMark.supplier_id == bindparam("supplier"),
    OverdueMark.lifted_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Owed:
    """Since when an institution owes, and for what."""

    since: date
    reason: str


def owed(payer_id: int, supplier_id: int) -> Owed | None:
    """What an institution owes another and is marked for; one read of an index."""
    row = db.session.execute(_OPEN, {"payer": payer_id, "supplier": supplier_id}).first()
    return Owed(row.since, row.reason) if row else None


def debts_of(payer_id: int) -> Mapping[int, Owed]:
    """What an institution owes, and is marked for, by the ids of those it owes it to."""
    rows = db.session.execute(
        select(OverdueMark.supplier_id, OverdueMark.since, OverdueMark.reason).where(
            OverdueMark.payer_id == payer_id, OverdueMark.lifted_at.is_(None)
        )
    )
    return {supplier: Owed(since, reason) for supplier, since, reason in rows}


def marks_of(supplier: Institution) -> Sequence[OverdueMark]:
    """All marks of a supplier, open ones first, newest first."""
    return db.session.scalars(
        select(OverdueMark)
        .where(OverdueMark.supplier_id == supplier.id)
        .options(joinedload(OverdueMark.payer))
        .order_by(OverdueMark.lifted_at.is_not(None), OverdueMark.id.desc())
    ).all()


def mark(
    user: User,
    supplier: Institution,
    payer: Institution,
    *,
    since: date,
    reason: str,
    now: datetime,
    today: date,
) -> OverdueMark:
    """Say that an institution owes the supplier since a day, and for what.

    Raises `NotAllowed` unless the user administers the supplier, `Invalid`, and `WrongState`
    where it is marked already.
    """
    try:
        with transaction():
            user = db.session.get_one(User, user.id)
            access.require(user, Action.MARK_OVERDUE, Scope(institution_id=supplier.id))
            if payer.id == supplier.id:
                raise invalid(
                    "payer",
                    "다른 기관을 고르세요.",
                    "Choose another institution: nobody owes themselves.",
                )
            if since > today:
                raise invalid("since", "이미 지난 날을 고르세요.", "Choose a day that has come.")
            made = OverdueMark(
                supplier_id=supplier.id,
                payer_id=payer.id,
                since=since,
                reason=filled(reason, "reason"),
                marked_at=now,
                marked_by_id=user.id,
            )
            db.session.add(made)
            db.session.flush()
            detail = {"payer": payer.slug, "since": since.isoformat(), "reason": made.reason}
            _note("mark-overdue", supplier, user, now, detail)
    except IntegrityError:
        raise WrongState(
            Text(
                "이미 연체로 표시된 기관입니다. 바꾸려면 먼저 해제하세요.",
                "This institution is marked already. Lift the mark to write another one.",
            )
        ) from None
    return made


def lift(user: User, supplier: Institution, mark_id: int, *, now: datetime) -> None:
    """The debt is settled: its people may reserve again."""
    with transaction():
        user = db.session.get_one(User, user.id)
        access.require(user, Action.MARK_OVERDUE, Scope(institution_id=supplier.id))
        found = db.session.get(OverdueMark, mark_id)
        if found is None or found.supplier_id != supplier.id:
            raise NotFound(Text("해당 연체 표시가 없습니다.", "There is no such mark."))
        if found.lifted_at is None:
            found.lifted_at, found.lifted_by_id = now, user.id
            _note("lift-overdue", supplier, user, now, {"payer": found.payer.slug})


def _note(
    act: str, supplier: Institution, user: User, now: datetime, detail: Mapping[str, object]
) -> None:
    audit.record(act, "institution", supplier.slug, actor_id=user.id, now=now, detail=dict(detail))
