"""Who is away, and who decides in their place meanwhile."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import aliased, joinedload

from app.accounts import access, queries
from app.accounts.access import Action, Scope
from app.accounts.acts import invalid, record, tell
from app.accounts.models import Absence, User
from app.db import db, transaction
from app.domain.errors import NotFound, Text

#: More than anybody plans ahead.
MOST = 50


def check_days(user: User, first_day: date, last_day: date, *, today: date) -> None:
    """Raise `Invalid` for days that are over or in the wrong order, or too many absences."""
    if last_day < max(first_day, today):
        raise invalid(
            "last_day",
            "마지막 날은 오늘이나 첫날보다 빠를 수 없습니다.",
            "The last day must not lie before the first, or before today.",
        )
    if len(of_user(user, today=today)) >= MOST:
        raise invalid(
            "first_day", "부재 일정이 너무 많습니다.", "There are too many absences already."
        )


def enter(
    user: User, deputy: str, first_day: date, last_day: date, *, now: datetime, today: date
) -> Absence:
    """Say that one is away, and who decides meanwhile; the deputy is told by mail.

    Raises `Invalid` for days that are over or in the wrong order, and where there is no such
    deputy.
    """
    access.require(user, Action.OWN_ACCOUNT, Scope(holder_id=user.id))
    with transaction():
        check_days(user, first_day, last_day, today=today)
        other = queries.user_by_email(deputy)
        if other is None or not other.active or other.id == user.id:
            raise invalid(
                "deputy",
                "이 주소로 등록된 다른 사용자가 없습니다. 주소를 확인해 주세요.",
                "Nobody else has an account with this address. Check how it is written.",
            )
        entered = Absence(
            user_id=user.id,
            deputy_id=other.id,
            first_day=first_day,
            last_day=last_day,
            entered_at=now,
        )
        db.session.add(entered)
        days = {"first_day": first_day.isoformat(), "last_day": last_day.isoformat()}
        record("enter-absence", user, user, now, deputy=other.id, **days)
        tell(other, "deputy_named", now, absent=user.name, **days)
    return entered


def withdraw(user: User, absence_id: int, *, now: datetime) -> None:
    """Take an absence back: from now on nobody decides in one's place. Raises `NotFound`."""
    access.require(user, Action.OWN_ACCOUNT, Scope(holder_id=user.id))
    with transaction():
        found = db.session.get(Absence, absence_id)
        if found is None or found.user_id != user.id or found.withdrawn_at is not None:
            raise NotFound(Text("해당 부재 일정을 찾을 수 없습니다.", "There is no such absence."))
        found.withdrawn_at = now
        record("withdraw-absence", user, user, now, deputy=found.deputy_id)


def of_user(user: User, *, today: date) -> Sequence[Absence]:
    """A person's absences, the present one and those to come."""
    return db.session.scalars(
        select(Absence)
        .where(
            Absence.user_id == user.id,
            Absence.withdrawn_at.is_(None),
            Absence.last_day >= today,
        )
        .options(joinedload(Absence.deputy))
        .order_by(Absence.first_day, Absence.id)
    ).all()


def absent_for(user: User, *, today: date) -> Sequence[User]:
    """Those in whose place the person decides today."""
    absent = aliased(User)
    return db.session.scalars(
        select(absent)
        .join(Absence, Absence.user_id == absent.id)
        .where(Absence.deputy_id == user.id, on(today), absent.active)
        .distinct()
        .order_by(absent.id)
    ).all()


def deputies_of(user_ids: Collection[int], *, today: date) -> Sequence[User]:
    """Those who decide today in the place of any of these people."""
    if not user_ids:
        return []
    held = select(Absence.deputy_id).where(Absence.user_id.in_(user_ids), on(today))
    return db.session.scalars(
        select(User).where(User.id.in_(held), User.active).order_by(User.id)
    ).all()


def on(today: date) -> ColumnElement[bool]:
    """Absences that count on a day."""
    return and_(
        Absence.withdrawn_at.is_(None), Absence.first_day <= today, Absence.last_day >= today
    )
