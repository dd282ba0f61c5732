"""Reads of the start page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from app.accounts.models import Institution, RoleName, User
from app.catalog.models import Facility, Instrument, Technique, instrument_technique
from app.db import db
from app.reservations.models import Reservation


@dataclass(frozen=True, slots=True)
class Counted:
    """Something of the catalogue, and how many instruments it has."""

    slug: str
    name_ko: str
    name_en: str
    count: int
    illustrative: bool = False


def used_last(user: User, *, limit: int = 5) -> Sequence[Instrument]:
    """The instruments that the person reserved last, the latest first."""
    last = (
        select(Reservation.instrument_id, func.max(Reservation.requested_at).label("at"))
        .where(Reservation.holder_id == user.id)
        .group_by(Reservation.instrument_id)
        .subquery()
    )
    return db.session.scalars(
        select(Instrument)
        .join(last, last.c.instrument_id == Instrument.id)
        .join(Instrument.facility)
        .where(Instrument.retired_at.is_(None))
        .options(contains_eager(Instrument.facility))
        .order_by(last.c.at.desc())
        .limit(limit)
    ).all()


def facilities_managed(user: User) -> Sequence[Facility]:
    """The facilities of which the person is a manager, by their names."""
    ids = [g.facility_id for g in user.grants if g.role is RoleName.FACILITY_MANAGER]
    if not ids:
        return []
    return db.session.scalars(
        select(Facility)
        .where(Facility.id.in_(ids), Facility.retired_at.is_(None))
        .order_by(Facility.name_ko, Facility.slug)
    ).all()


def common_techniques(*, limit: int = 12) -> list[Counted]:
    """The techniques that most instruments offer."""
    rows = db.session.execute(
        select(Technique.slug, Technique.name_ko, Technique.name_en, func.count())
        .join(instrument_technique, instrument_technique.c.technique_id == Technique.id)
        .join(Instrument, Instrument.id == instrument_technique.c.instrument_id)
        .where(Instrument.retired_at.is_(None))
        .group_by(Technique.id, Technique.slug, Technique.name_ko, Technique.name_en)
        .order_by(func.count().desc(), Technique.name_en)
        .limit(limit)
    )
    return [Counted(*row) for row in rows]


def institutions_that_share() -> list[Counted]:
    """The institutions with instruments to reserve, those with most of them first."""
    named = (Institution.slug, Institution.name_ko, Institution.name_en)
    rows = db.session.execute(
        select(*named, func.count(), Institution.illustrative)
        .join(Facility, Facility.institution_id == Institution.id)
        .join(Instrument, Instrument.facility_id == Facility.id)
        .where(Instrument.retired_at.is_(None), Institution.retired_at.is_(None))
        .group_by(Institution.id, *named, Institution.illustrative)
        .order_by(func.count().desc(), Institution.name_en)
    )
    return [Counted(*row) for row in rows]
