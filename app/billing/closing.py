"""Closing a supplier's month: all that is due is posted once, numbered, and never changed again."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts import access
from app.accounts.access import Action, Actor, Scope
from app.accounts.models import Institution
from app.accounts.places import institution_by_slug
from app.audit import services as audit
from app.billing import notices
from app.billing.charge_rows import over
from app.billing.charges import Charging, Unknown
from app.billing.models import MonthClose
from app.billing.months import interval_of
from app.billing.posting import Posting
from app.db import db, transaction
from app.domain.errors import Text, WrongState


class ClosedAlready(WrongState):
    """The month is closed: nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing did."""

    charges: int
    statements: int
    left_open: int  # reservations whose price or payer is not known


def close_month(
    user: Actor, supplier_slug: str, month: date, *, now: datetime, tell: bool = True
) -> Closed:
    """Post and number the month of a supplier that begins on the day `month`; one transaction.

    What came late from earlier months, and what was corrected since, is posted with it; what has
    no price or no payer yet stays open for a later month. Who administers a paying institution
    is told, unless not to `tell` is asked for. Raises `NotAllowed`, and `WrongState`
    for a month that is not over, is closed already, or lies before one that is.
    """
    try:
        return _close(user, supplier_slug, month, now, tell=tell)
    except IntegrityError as broken:
        if "month_close" not in str(broken.orig):
            raise
        raise _closed_already(month) from broken  # Somebody else was first by a moment.


def _close(user: Actor, supplier_slug: str, month: date, now: datetime, *, tell: bool) -> Closed:
    actor_id = user.id
    with transaction():
        supplier = _take_turn(supplier_slug)
        access.require(user, Action.CLOSE_MONTH, Scope(institution_id=supplier.id))
        whole = interval_of(month)
        if whole.end > now:
            raise WrongState(
                Text(
                    f"{month:%Y-%m}은 아직 끝나지 않았습니다. 다음 달 1일부터 마감할 수 있습니다.",
                    f"{month:%Y-%m} is not over. It can be closed from the first of the next "
                    "month on.",
                )
            )
        _must_follow(supplier, month)
        db.session.add(
            MonthClose(supplier_id=supplier.id, month=month, closed_at=now, closed_by_id=actor_id)
        )
        db.session.flush()
        posting, charging, left_open = Posting(supplier, month, now), Charging(supplier), 0
        for row in over(supplier, whole, now):
            due = charging.of(row)
            if isinstance(due, Unknown):
                left_open += 1
            elif due is not None:
                posting.charge(row, due)
            elif row.charge_id is not None:
                posting.withdraw(row)
        made = posting.write()
        if tell:
            notices.issued(made, now=now)
        done = Closed(posting.charges, len(made), left_open)
        audit.record(
            "close-month",
            "institution",
            supplier.slug,
            actor_id=actor_id,
            now=now,
            detail={
                "month": f"{month:%Y-%m}",
                "charges": done.charges,
                "statements": done.statements,
                "left_open": done.left_open,
            },
        )
    return done


def _take_turn(slug: str) -> Institution:
    """The supplier, whose months nobody else closes meanwhile; nor are reservations held up.

    SQLite ignores the lock: there the transaction is the only one that writes.
    """
    found = institution_by_slug(slug)
    db.session.execute(
        select(Institution.id).where(Institution.id == found.id).with_for_update(key_share=True)
    )
    return found


def _must_follow(supplier: Institution, month: date) -> None:
    """Months are closed one after the other; a later one takes along what earlier ones left."""
    closed = db.session.scalars(
        select(MonthClose.month).where(
            MonthClose.supplier_id == supplier.id, MonthClose.month >= month
        )
    ).all()
    if month in closed:
        raise _closed_already(month)
    if closed:
        last = max(closed)
        raise WrongState(
            Text(
                f"{last:%Y-%m}까지 마감되었습니다. 그 전 달에 남은 이용은 다음 마감에 포함됩니다.",
                f"It is closed up to {last:%Y-%m}. What is left of earlier months goes into the "
                "next close.",
            )
        )


def _closed_already(month: date) -> ClosedAlready:
    return ClosedAlready(
        Text(f"{month:%Y-%m}은 이미 마감되었습니다.", f"{month:%Y-%m} is closed already.")
    )
