"""What waits for a decision: what somebody may decide, and what is theirs to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from app.accounts.models import RoleGrant, RoleName, User
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.approval import Status
from app.reservations.models import Reservation
from app.reservations.queries import managed_by, whole

ON_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """One page of what waits, oldest first."""

    reservations: Sequence[Reservation]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Desk:
    """A facility at which something waits, and how much."""

    slug: str
    name_ko: str
    name_en: str
    count: int


def waiting(user: User, *, facility: str = "", number: int = 1) -> Waiting:
    """What the user may decide, oldest first, of all facilities or of one; two statements."""
    where = [managed_by(user), *([Facility.slug == facility] if facility else [])]
    total = db.session.scalar(_pending(select(func.count(Reservation.id))).where(*where)) or 0
    pages = max(1, -(-total // ON_A_PAGE))
    number = min(max(1, number), pages)
    found = db.session.scalars(
        _pending(whole())
        .where(*where)
        .order_by(Reservation.requested_at, Reservation.id)
        .offset((number - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE)
    ).all()
    return Waiting(found, number, pages, total)


def desks(user: User) -> list[Desk]:
    """The facilities at which something waits that the user may decide, by their names."""
    named = (Facility.slug, Facility.name_ko, Facility.name_en)
    rows = db.session.execute(
        _pending(select(*named, func.count(Reservation.id)))
        .where(managed_by(user))
        .group_by(Facility.id, *named)
        .order_by(Facility.name_ko, Facility.slug)
    )
    return [Desk(*row) for row in rows]


def awaiting(user: User, *, limit: int) -> Sequence[Reservation]:
    """What is the user's own to decide, oldest first."""
    return db.session.scalars(
        _pending(whole())
        .where(_is_theirs(user))
        .order_by(Reservation.requested_at, Reservation.id)
        .limit(limit)
    ).all()


def count_awaiting(user: User) -> int:
    """How much is the user's own to decide."""
    count = _pending(select(func.count(Reservation.id))).where(_is_theirs(user))
    return db.session.scalar(count) or 0


def _pending(wanted: Any) -> Any:
    return (
        wanted.join(Reservation.instrument)
        .join(Instrument.facility)
        .where(Reservation.status == Status.PENDING)
    )


def _is_theirs(user: User) -> Any:
    """Condition on `Facility`: the user is its manager, or stands in where there is none."""
    own = [g.facility_id for g in user.grants if g.role is RoleName.FACILITY_MANAGER]
    has_manager = exists(
        select(RoleGrant.id)
        .join(User, User.id == RoleGrant.user_id)
        .where(
            RoleGrant.role == RoleName.FACILITY_MANAGER,
            RoleGrant.facility_id == Facility.id,
            User.active,
        )
    )
    return or_(Facility.id.in_(own), and_(managed_by(user), ~has_manager))
