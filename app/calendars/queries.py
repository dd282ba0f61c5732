"""Reads of feeds: whose they are, whether anything is new, and what they show."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import joinedload, load_only, selectinload

from app.accounts.models import Institution, RoleGrant, User
from app.calendars.models import Cancelled, Detail, Feed, FeedKind
from app.catalog.models import Blackout, CatalogVersion, Facility, Instrument
from app.db import Seconds, db
from app.domain.approval import HOLDING, NOT_TAKEN, Status
from app.domain.errors import NotFound, Text
from app.domain.interval import Interval
from app.reservations.linked import MAIN
from app.reservations.models import Participant, Reservation
from app.reservations.operator_models import Operator
from app.reservations.queries import managed_by

#: People have a few devices each; more than this is a program that has lost its way.
FEEDS_SHOWN = 200


def digest_of(secret: str) -> str:
    """What is kept of a secret; with 192 random bits in it, a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Polled:
    """A feed with its owner and their rights, and the versions of what it shows."""

    id: int
    name: str
    kind: FeedKind
    detail: Detail
    cancelled: Cancelled
    etag: str | None
    changed_at: datetime | None
    fetched_at: datetime | None
    active: bool
    language: str
    calendar_version: int | None  # of the person or the instrument; none: of many instruments
    catalog_version: int
    rights: tuple[tuple[str, int, int], ...]  # role, institution, facility


def _versions_of_part(email: Any) -> Any:
    """The sum of the versions of what somebody takes part in: it rises with each change.

    Who is taken off one is given that much more on their own: see `participants.remove`.
    """
    part, reservation = Participant.__table__, Reservation.__table__
    total = select(func.sum(reservation.c.version)).select_from(
        part.join(reservation, reservation.c.id == part.c.reservation_id)
    )
    return func.coalesce(total.where(part.c.email == email).scalar_subquery(), 0)


def _versions_of_attended(user_id: Any) -> Any:
    """The same of what somebody attends as an operator, with what went to others since."""
    operator, reservation = Operator.__table__, Reservation.__table__
    attended = select(func.sum(reservation.c.version)).where(reservation.c.operator_id == user_id)
    gone = select(func.sum(operator.c.handed_over)).where(operator.c.user_id == user_id)
    return func.coalesce(attended.scalar_subquery(), 0) + func.coalesce(gone.scalar_subquery(), 0)


def _poll() -> Select[Any]:
    """Bare columns, and put together once: a poll with nothing new is asked most of all."""
    feed, user = Feed.__table__, User.__table__
    instrument, grant = Instrument.__table__, RoleGrant.__table__
    catalog = CatalogVersion.__table__
    version = case(
        (
            feed.c.kind == FeedKind.MINE,
            user.c.calendar_version
            + _versions_of_part(user.c.email)
            + _versions_of_attended(user.c.id),
        ),
        else_=instrument.c.calendar_version,
    )
    return (
        select(
            feed.c.id,
            feed.c.name,
            feed.c.kind,
            feed.c.detail,
            feed.c.cancelled,
            feed.c.etag,
            feed.c.changed_at,
            feed.c.fetched_at,
            user.c.active,
            user.c.language,
            version,
            func.coalesce(select(catalog.c.version).limit(1).scalar_subquery(), 0),
            grant.c.role,
            func.coalesce(grant.c.institution_id, 0),
            func.coalesce(grant.c.facility_id, 0),
        )
        .select_from(
            feed.join(user, user.c.id == feed.c.user_id)
            .outerjoin(instrument, instrument.c.id == feed.c.instrument_id)
            .outerjoin(grant, grant.c.user_id == user.c.id)
        )
        .where(feed.c.digest == bindparam("digest"), feed.c.revoked_at.is_(None))
    )


_POLL = _poll()


def polled(secret: str) -> Polled | None:
    """All that a poll with nothing new asks about, in one indexed read; None: no such feed."""
    rows = db.session.connection().execute(_POLL, {"digest": digest_of(secret)}).all()
    if not rows:
        return None
    told: list[Any] = list(rows[0])[:-3]
    rights = sorted((role.value, of, at) for *_, role, of, at in rows if role)
    return Polled(*told, tuple(rights))  # type: ignore[call-arg]


def feed_with_owner(feed_id: int) -> Feed:
    """A feed with its owner and their rights, for what is more than a poll."""
    return (
        db.session.scalars(
            select(Feed)
            .where(Feed.id == feed_id)
            .options(joinedload(Feed.user).joinedload(User.grants))
        )
        .unique()
        .one()
    )


def _versions(*where: ColumnElement[bool]) -> Select[Any]:
    instrument, facility = Instrument.__table__, Facility.__table__
    return (
        select(func.coalesce(func.sum(instrument.c.calendar_version), 0), func.count())
        .select_from(instrument.join(facility, facility.c.id == instrument.c.facility_id))
        .where(*where)
    )


def _own(column: Any) -> Any:
    """A column of the feed that is asked about."""
    return select(column).where(Feed.__table__.c.id == bindparam("id")).scalar_subquery()


_VERSIONS = {
    FeedKind.FACILITY: _versions(
        Instrument.__table__.c.facility_id == _own(Feed.__table__.c.facility_id)
    ),
    FeedKind.INSTITUTION: _versions(
        Facility.__table__.c.institution_id == _own(Feed.__table__.c.institution_id)
    ),
}


def versions_of_many(polled: Polled) -> tuple[int, int]:
    """The sum of the calendar versions behind a wide feed, and how many there are.

    A version only rises, so the sum rises with every change of one of them.
    """
    wanted = _VERSIONS.get(polled.kind)
    if wanted is None:
        wanted = _versions(_of(feed_with_owner(polled.id)))
    total, count = db.session.connection().execute(wanted, {"id": polled.id}).one()
    return int(total), count


def _of(feed: Feed) -> ColumnElement[bool]:
    """Condition on `Instrument` joined with `Facility`: the feed shows it."""
    match feed.kind:
        case FeedKind.INSTRUMENT:
            return Instrument.id == feed.instrument_id
        case FeedKind.FACILITY:
            return Instrument.facility_id == feed.facility_id
        case FeedKind.INSTITUTION:
            return Facility.institution_id == feed.institution_id
        case FeedKind.APPROVALS:
            condition: ColumnElement[bool] = managed_by(feed.user)
            return condition
        case FeedKind.MINE:
            raise ValueError("A person's own feed is not of instruments.")


def shown(feed: Feed, window: Interval, *, kept_since: datetime) -> Sequence[Any]:
    """The reservations of a feed, earliest first, as plain rows: they may be thousands.

    Feeds that keep cancelled ones show those that ended since `kept_since`.
    """
    columns = (
        Reservation.uid,
        Reservation.instrument_id,
        Reservation.holder_id,
        Reservation.institution_id,
        Reservation.interval,
        Reservation.status,
        Reservation.sequence,
        Reservation.purpose,
        Reservation.requested_at,
        Reservation.shown_at,
        Reservation.bundle,
        User.name.label("holder"),
    )
    wanted = (
        select(*columns)
        .join(Reservation.holder)
        .where(Reservation.interval.overlaps(window), _state(feed, kept_since))
        .order_by(Reservation.starts_at, Reservation.id)
    )
    if feed.kind is FeedKind.MINE:
        part = select(Participant.reservation_id).where(Participant.email == feed.user.email)
        own = or_(
            and_(Reservation.holder_id == feed.user_id, MAIN),
            Reservation.operator_id == feed.user_id,
            Reservation.id.in_(part),
        )
        return db.session.execute(wanted.where(own, Reservation.status.not_in(NOT_TAKEN))).all()
    among = select(Instrument.id).join(Instrument.facility).where(_of(feed))
    longest = db.session.scalar(
        select(func.max(Instrument.longest_hold, type_=Seconds()))
        .join(Instrument.facility)
        .where(_of(feed))
    )
    return db.session.execute(
        wanted.where(
            Reservation.instrument_id.in_(among),
            # Bounds the read on both sides, however long the history.
            Reservation.starts_at > window.start - (longest or timedelta(0)),
        )
    ).all()


def reserved_along(rows: Sequence[Any]) -> dict[str, list[Instrument]]:
    """What was reserved along with each of the rows that is a main reservation, by its uid."""
    mains = [row.uid for row in rows if row.bundle == row.uid]
    found: dict[str, list[Instrument]] = {}
    for first in range(0, len(mains), 500):  # Databases take only so many parameters.
        pairs = db.session.execute(
            select(Reservation.bundle, Instrument)
            .join(Reservation.instrument)
            .where(
                Reservation.bundle.in_(mains[first : first + 500]),
                Reservation.bundle != Reservation.uid,
            )
            .options(load_only(Instrument.name_ko, Instrument.name_en))
            .order_by(Reservation.id)
        )
        for uid, instrument in pairs:
            found.setdefault(str(uid), []).append(instrument)
    return found


def _state(feed: Feed, kept_since: datetime) -> ColumnElement[bool]:
    if feed.kind is FeedKind.APPROVALS:
        return and_(Reservation.status == Status.PENDING, MAIN)
    holds = Reservation.status.in_(HOLDING)
    if feed.cancelled is Cancelled.OMIT:
        return holds
    return or_(holds, Reservation.ended_at >= kept_since)


def blackouts(feed: Feed, window: Interval) -> Sequence[Blackout]:
    """The blackouts of what the feed is of, earliest first."""
    if feed.kind in {FeedKind.MINE, FeedKind.APPROVALS}:
        return []
    instruments = select(Instrument.id).join(Instrument.facility).where(_of(feed))
    facilities = select(Facility.id)
    match feed.kind:
        case FeedKind.INSTRUMENT:
            facilities = select(Instrument.facility_id).where(_of(feed))
        case FeedKind.FACILITY:
            facilities = facilities.where(Facility.id == feed.facility_id)
        case FeedKind.INSTITUTION:
            facilities = facilities.where(Facility.institution_id == feed.institution_id)
    return db.session.scalars(
        select(Blackout)
        .where(
            or_(Blackout.instrument_id.in_(instruments), Blackout.facility_id.in_(facilities)),
            Blackout.lifted_at.is_(None),
            Blackout.interval.overlaps(window),
        )
        .order_by(Blackout.starts_at, Blackout.id)
    ).all()


def out_of_order(feed: Feed, window: Interval) -> dict[int, datetime]:
    """Since when instruments of the feed are out of order, where no end is known."""
    if feed.kind in {FeedKind.MINE, FeedKind.APPROVALS}:
        return {}
    found = db.session.execute(
        select(Instrument.id, Instrument.out_of_order_since)
        .join(Instrument.facility)
        .where(
            _of(feed), Instrument.out_of_order_since < window.end, Instrument.retired_at.is_(None)
        )
        .order_by(Instrument.out_of_order_since, Instrument.id)
    )
    return {id_: since for id_, since in found if since}


def instruments(ids: Collection[int]) -> dict[int, Instrument]:
    """Instruments with all that events show of them."""
    if not ids:
        return {}
    found = db.session.scalars(
        select(Instrument)
        .where(Instrument.id.in_(ids))
        .options(
            load_only(
                Instrument.slug,
                Instrument.name_ko,
                Instrument.name_en,
                Instrument.location_ko,
                Instrument.location_en,
                Instrument.contact,
                Instrument.face_version,
                Instrument.face_changed_at,
                Instrument.facility_id,
            ),
            joinedload(Instrument.facility).joinedload(Facility.institution),
            selectinload(Instrument.techniques),
        )
    )
    return {instrument.id: instrument for instrument in found}


def facilities(ids: Collection[int]) -> dict[int, tuple[Facility, int, datetime | None]]:
    """Facilities with the highest version and latest change of their instruments' faces."""
    if not ids:
        return {}
    latest = (
        select(
            Instrument.facility_id,
            func.max(Instrument.face_version).label("version"),
            func.max(Instrument.face_changed_at).label("changed_at"),
        )
        .group_by(Instrument.facility_id)
        .subquery()
    )
    found = db.session.execute(
        select(Facility, func.coalesce(latest.c.version, 0), latest.c.changed_at)
        .outerjoin(latest, latest.c.facility_id == Facility.id)
        .where(Facility.id.in_(ids))
        .options(joinedload(Facility.institution))
    )
    return {facility.id: (facility, version, at) for facility, version, at in found}


def institutions(ids: Collection[int]) -> dict[int, Institution]:
    if not ids:
        return {}
    found = db.session.scalars(select(Institution).where(Institution.id.in_(ids)))
    return {institution.id: institution for institution in found}


def feeds_of(user: User) -> Sequence[Feed]:
    """The person's feeds, oldest first, revoked ones left out."""
    return db.session.scalars(
        select(Feed)
        .where(Feed.user_id == user.id, Feed.revoked_at.is_(None))
        .options(
            joinedload(Feed.instrument), joinedload(Feed.facility), joinedload(Feed.institution)
        )
        .order_by(Feed.id)
        .limit(FEEDS_SHOWN)
    ).all()


def feed_of(user: User, feed_id: int) -> Feed:
    """One of the person's own feeds; raises `NotFound`, also for everyone else's."""
    found = db.session.scalar(
        select(Feed).where(Feed.id == feed_id, Feed.user_id == user.id, Feed.revoked_at.is_(None))
    )
    if found is None:
        raise NotFound(
            Text(
                "해당 캘린더 주소를 찾을 수 없습니다. ‘캘린더 구독’ 목록을 확인하세요.",
                "You have no such calendar address. See the list of your calendars.",
            )
        )
    return found
