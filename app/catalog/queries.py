"""Reads of the catalogue."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.access import Scope
from app.accounts.models import Affiliation, Institution, User
from app.audit.models import AuditRow
from app.catalog.models import Blackout, Facility, FormerSlug, Instrument, Technique
from app.catalog.policy import departments_of
from app.db import db
from app.domain.errors import NotFound, Text
from app.domain.interval import Interval

_ID_OF = select(Instrument.id).where(Instrument.slug == bindparam("slug"))
_NEEDS_OF = select(Instrument.id, Instrument.needs).where(Instrument.slug == bindparam("slug"))


def scope_of(thing: Instrument | Facility) -> Scope:
    """The thing as `accounts.access` asks about it."""
    facility = thing.facility if isinstance(thing, Instrument) else thing
    return Scope(institution_id=facility.institution_id, facility_id=facility.id)


def instrument_by_slug(slug: str) -> Instrument:
    """The instrument with its facility and institution; raises `NotFound`.

    A slug that was renamed still finds it.
    """
    wanted = (
        select(Instrument)
        .where(Instrument.slug == slug)
        .options(joinedload(Instrument.facility).joinedload(Facility.institution))
    )
    found = db.session.scalar(wanted)
    if found is None and (now := _renamed("instrument", slug)):
        found = db.session.scalar(
            select(Instrument)
            .where(Instrument.slug == now)
            .options(joinedload(Instrument.facility).joinedload(Facility.institution))
        )
    if found is None:
        raise NotFound(
            Text(
                "해당 장비를 찾을 수 없습니다. 장비 목록에서 찾아보세요.",
                "There is no such instrument. Look for it in the catalogue.",
            )
        )
    return found


def instrument_id_of(slug: str) -> int:
    """The key of an instrument; raises `NotFound`. A slug that was renamed still finds it."""
    found = db.session.scalar(_ID_OF, {"slug": slug})
    return found if found is not None else instrument_by_slug(slug).id


def id_and_needs_of(slug: str) -> tuple[int, list[str]]:
    """The same with the slugs of what is always reserved along."""
    found = db.session.execute(_NEEDS_OF, {"slug": slug}).one_or_none()
    if found is not None:
        return found.id, found.needs
    instrument = instrument_by_slug(slug)
    return instrument.id, instrument.needs


def _renamed(kind: str, slug: str) -> str | None:
    """The present slug of something that was renamed."""
    return db.session.scalar(
        select(FormerSlug.now).where(FormerSlug.kind == kind, FormerSlug.slug == slug)
    )


def blackouts(instruments: Iterable[Instrument], during: Interval) -> Sequence[Blackout]:
    """Blackouts of these instruments or their facilities that overlap `during`."""
    instruments = list(instruments)
    return db.session.scalars(
        select(Blackout)
        .where(
            or_(
                Blackout.instrument_id.in_({i.id for i in instruments}),
                Blackout.facility_id.in_({i.facility_id for i in instruments}),
            ),
            Blackout.lifted_at.is_(None),
            Blackout.interval.overlaps(during),
        )
        .order_by(Blackout.starts_at)
    ).all()


def facility_by_slug(slug: str) -> Facility:
    """The facility with its institution; raises `NotFound`. A renamed slug still finds it."""
    for wanted in (slug, _renamed("facility", slug)):
        found = db.session.scalar(
            select(Facility)
            .where(Facility.slug == wanted)
            .options(joinedload(Facility.institution))
        )
        if found is not None:
            return found
    raise NotFound(
        Text(
            "해당 시설을 찾을 수 없습니다. 장비 목록에서 찾아보세요.",
            "There is no such facility. Look for it in the catalogue.",
        )
    )


def institution_by_slug(slug: str) -> Institution:
    """The institution; raises `NotFound`. A renamed slug still finds it."""
    for wanted in (slug, _renamed("institution", slug)):
        found = db.session.scalar(select(Institution).where(Institution.slug == wanted))
        if found is not None:
            return found
    raise NotFound(
        Text(
            "해당 기관을 찾을 수 없습니다. 기관 목록에서 찾아보세요.",
            "There is no such institution. Look for it among the institutions.",
        )
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """A line about an institution or a facility, with how many instruments it has."""

    thing: Institution | Facility
    instruments: int
    facilities: int = 0


def institutions() -> Sequence[Listed]:
    """Institutions that are not retired, those with most instruments first."""
    instruments = _counts(Facility.institution_id)
    counted = db.session.execute(
        select(Facility.institution_id, func.count())
        .where(Facility.retired_at.is_(None))
        .group_by(Facility.institution_id)
    )
    facilities = {row[0]: row[1] for row in counted}
    rows = db.session.scalars(select(Institution).where(Institution.retired_at.is_(None)))
    found = [Listed(i, instruments.get(i.id, 0), facilities.get(i.id, 0)) for i in rows]
    return sorted(found, key=lambda line: (-line.instruments, -line.facilities, line.thing.slug))


def facilities_of(institution: Institution) -> Sequence[Listed]:
    """Facilities of an institution that are not retired, by their Korean names."""
    counts = _counts(Instrument.facility_id)
    rows = db.session.scalars(
        select(Facility)
        .where(Facility.institution_id == institution.id, Facility.retired_at.is_(None))
        .order_by(Facility.name_ko)
    )
    return [Listed(facility, counts.get(facility.id, 0)) for facility in rows]


def _counts(key: Any) -> Mapping[int, int]:
    """How many instruments, not retired, there are under each value of a column."""
    counted = db.session.execute(
        select(key, func.count())
        .select_from(Instrument)
        .join(Instrument.facility)
        .where(Instrument.retired_at.is_(None), Facility.retired_at.is_(None))
        .group_by(key)
    )
    return {row[0]: row[1] for row in counted}


def instruments_of(facility: Facility) -> Sequence[Instrument]:
    """Instruments of a facility that are not retired, by their Korean names."""
    return db.session.scalars(
        select(Instrument)
        .where(Instrument.facility_id == facility.id, Instrument.retired_at.is_(None))
        .options(
            joinedload(Instrument.facility).joinedload(Facility.institution),
            selectinload(Instrument.techniques),
        )
        .order_by(Instrument.name_ko, Instrument.id)
    ).all()


def named(slugs: Sequence[str]) -> Sequence[Instrument]:
    """Instruments of these slugs that are not retired, by their Korean names."""
    if not slugs:
        return []
    wanted = select(Instrument).where(Instrument.slug.in_(slugs), Instrument.retired_at.is_(None))
    return db.session.scalars(wanted.order_by(Instrument.name_ko, Instrument.id)).all()


def techniques() -> Sequence[Technique]:
    """All techniques, by their English names."""
    return db.session.scalars(select(Technique).order_by(Technique.name_en)).all()


def coming_blackouts(thing: Instrument | Facility, now: datetime) -> Sequence[Blackout]:
    """Blackouts not yet over and not lifted, nearest first; an instrument's with its facility's."""
    of_this = (
        or_(
            Blackout.instrument_id == thing.id,
            Blackout.facility_id == thing.facility_id,
        )
        if isinstance(thing, Instrument)
        else Blackout.facility_id == thing.id
    )
    return db.session.scalars(
        select(Blackout)
        .where(of_this, Blackout.lifted_at.is_(None), Blackout.ends_at > now)
        .order_by(Blackout.starts_at)
        .limit(50)
    ).all()


@dataclass(frozen=True, slots=True)
class PastChange:
    """One line of the history of an instrument or facility."""

    id: int
    at: datetime
    action: str
    who: str | None  # a name; none: the contributed files
    changes: Mapping[str, Sequence[Any]]  # field → before, after


def history(kind: str, slug: str, *, limit: int = 200) -> Sequence[PastChange]:
    """What became of a thing, latest first, under all the slugs that it has had."""
    formers = select(FormerSlug.slug).where(FormerSlug.kind == kind, FormerSlug.now == slug)
    rows = db.session.execute(
        select(AuditRow, User.name)
        .outerjoin(User, User.id == AuditRow.actor_id)
        .where(AuditRow.kind == kind, or_(AuditRow.subject == slug, AuditRow.subject.in_(formers)))
        .order_by(AuditRow.id.desc())
        .limit(limit)
    )
    return [
        PastChange(row.id, row.at, row.action, name, row.detail.get("changes", {}))
        for row, name in rows
    ]


def owners_of(facilities: Collection[Facility], day: date) -> Mapping[int, frozenset[int]]:
    """By the ids of the facilities, the ids of those who belong to their departments that day.

    One statement, and none for no facility.
    """
    if not facilities:
        return {}
    rows = db.session.execute(
        select(Affiliation.user_id, Affiliation.institution_id, Affiliation.department).where(
            Affiliation.institution_id.in_({each.institution_id for each in facilities}),
            Affiliation.department.in_(
                {name for each in facilities for name in departments_of(each)}
            ),
            Affiliation.starts_on <= day,
            or_(Affiliation.ends_on.is_(None), Affiliation.ends_on >= day),
        )
    ).all()
    return {
        each.id: frozenset(
            user_id
            for user_id, institution_id, department in rows
            if institution_id == each.institution_id and department in departments_of(each)
        )
        for each in facilities
    }
