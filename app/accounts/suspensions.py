"""Keeping people from reserving: by an administrator, or by a facility's rule on no-shows."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import OPERATOR, Action, Actor
from app.accounts.acts import filled, invalid, record, require_over, tell
from app.accounts.models import Suspension, User
from app.accounts.places import Place, places_by_id
from app.db import db, transaction
from app.domain.errors import NotFound, Text
from app.domain.no_shows import NoShowLimit

_IN_FORCE = select(Suspension).where(
    Suspension.starts_at <= bindparam("now"),
    or_(Suspension.ends_at.is_(None), Suspension.ends_at > bindparam("now")),
)
#: Built once, as every booking asks it.
_OF_PERSON = _IN_FORCE.where(Suspension.user_id == bindparam("user")).order_by(Suspension.id)
_NONE = Text("해당 이용 정지를 찾을 수 없습니다.", "There is no such suspension.")


def suspend(
    actor: Actor,
    user: User,
    *,
    reason: str,
    ends_at: datetime | None,
    now: datetime,
    today: date,
) -> Suspension:
    """Keep a person from reserving, with a reason that they are told."""
    require_over(actor, Action.SUSPEND_PERSON, user, today)
    if ends_at is not None and ends_at <= now:
        raise invalid("ends_on", "마지막 날은 앞날이어야 합니다.", "The last day must lie ahead.")
    reason = filled(reason, "reason")
    with transaction():
        suspension = Suspension(
            user_id=user.id,
            reason=reason,
            starts_at=now,
            ends_at=ends_at,
            made_by_id=actor.id,
        )
        db.session.add(suspension)
        ends = ends_at.isoformat() if ends_at else None
        record("suspend", user, actor, now, reason=reason, ends_at=ends)
        tell(user, "suspended", now, reason=reason, ends_at=ends)
    return suspension


def suspend_by_rule(
    user: User, place: Place, limit: NoShowLimit, missed: Sequence[str], *, now: datetime
) -> Suspension:
    """Keep a person from a facility's instruments for their no-shows; in a transaction."""
    suspension = Suspension(
        user_id=user.id,
        reason="",
        starts_at=now,
        ends_at=now + limit.suspended,
        facility_id=place.id,
        rule={
            "within": int(limit.within.total_seconds()),
            "number": len(missed),
            "missed": list(missed),
        },
    )
    db.session.add(suspension)
    why, ends = suspension.why, (now + limit.suspended).isoformat()
    record("suspend", user, OPERATOR, now, facility=place.id, missed=list(missed), ends_at=ends)
    tell(
        user,
        "suspended_by_rule",
        now,
        facility={"ko": place.name_ko, "en": place.name_en},
        reason={"ko": why.ko, "en": why.en},
        ends_at=ends,
    )
    return suspension


def lift_suspension(
    actor: Actor, user: User, suspension_id: int, *, now: datetime, today: date, reason: str = ""
) -> None:
    """End a suspension now."""
    suspension = db.session.get(Suspension, suspension_id)
    if suspension is None or suspension.user_id != user.id:
        raise NotFound(_NONE)
    require_over(actor, Action.SUSPEND_PERSON, user, today)
    if suspension.facility_id is not None:
        place = places_by_id([suspension.facility_id])[suspension.facility_id]
        access.require(actor, Action.LIFT_SUSPENSION, place.scope)
    with transaction():
        end(suspension, user, actor, reason.strip(), now=now)


def lift_at_facility(
    actor: User, place: Place, suspension_id: int, *, reason: str, now: datetime
) -> User:
    """A manager lets somebody reserve at their facility again, and says why."""
    access.require(actor, Action.LIFT_SUSPENSION, place.scope)
    reason = filled(reason, "reason")
    with transaction():
        suspension = db.session.get(Suspension, suspension_id, populate_existing=True)
        if suspension is None or suspension.facility_id != place.id:
            raise NotFound(_NONE)
        user = db.session.get_one(User, suspension.user_id)
        end(suspension, user, actor, reason, now=now)
    return user


def end(suspension: Suspension, user: User, actor: Actor, reason: str, *, now: datetime) -> None:
    """End a suspension that still holds, within a transaction; twice is as good as once."""
    if suspension.ends_at is not None and suspension.ends_at <= now:
        return
    suspension.ends_at = now
    record("lift-suspension", user, actor, now, reason=reason)
    tell(user, "suspension_lifted", now, reason=reason)


def in_force(user_id: int, *, now: datetime) -> Sequence[Suspension]:
    """All that keeps the person from reserving now, everywhere or at a facility."""
    return db.session.scalars(_OF_PERSON, {"user": user_id, "now": now}).all()


def holding_at(facility_id: int | None, found: Sequence[Suspension]) -> Suspension | None:
    """Of those in force the one that holds at a facility and lasts longest; None: everywhere."""
    here = [each for each in found if each.facility_id in (None, facility_id)]
    endless = next((each for each in here if each.ends_at is None), None)
    return endless or max(here, key=lambda each: each.ends_at or each.starts_at, default=None)


def at_facility(place: Place, *, now: datetime) -> Sequence[Suspension]:
    """Who may not reserve at the facility by its rule, latest first."""
    wanted = _IN_FORCE.where(Suspension.facility_id == place.id).options(
        joinedload(Suspension.user)
    )
    return db.session.scalars(wanted.order_by(Suspension.id.desc()), {"now": now}).all()


def by_rule(user_id: int, facility_id: int) -> Sequence[Suspension]:
    """Every suspension, past ones too, that the rule of a facility brought upon a person."""
    return db.session.scalars(
        select(Suspension)
        .where(Suspension.user_id == user_id, Suspension.facility_id == facility_id)
        .order_by(Suspension.id)
        .execution_options(populate_existing=True)
    ).all()
