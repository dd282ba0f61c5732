"""What a person may want a calendar of."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from app.accounts.models import Institution, User
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.errors import NotFound, Text
from app.reservations.models import Reservation
from app.reservations.queries import managed_by


def facility_by_slug(slug: str) -> Facility:
    """The facility; raises `NotFound`."""
    found = db.session.scalar(select(Facility).where(Facility.slug == slug))
    if found is None:
        raise NotFound(Text("해당 시설을 찾을 수 없습니다.", "There is no such facility."))
    return found


def institution_by_slug(slug: str) -> Institution:
    """The institution; raises `NotFound`."""
    found = db.session.scalar(select(Institution).where(Institution.slug == slug))
    if found is None:
        raise NotFound(Text("해당 기관을 찾을 수 없습니다.", "There is no such institution."))
    return found


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may want a feed of, by kind."""

    instruments: Sequence[Instrument]
    facilities: Sequence[Facility]
    institutions: Sequence[Institution]


def offered_to(user: User, *, instrument: str = "", limit: int = 100) -> Choices:
    """The instruments that the person has reserved or manages, all facilities and institutions.

    `instrument` is the slug of one more, from whose page they come.
    """
    reserved = select(Reservation.instrument_id).where(Reservation.holder_id == user.id)
    return Choices(
        db.session.scalars(
            select(Instrument)
            .join(Instrument.facility)
            .where(
                Instrument.retired_at.is_(None),
                or_(
                    Instrument.slug == instrument,
                    Instrument.id.in_(reserved),
                    managed_by(user),
                ),
            )
            .order_by(Instrument.slug != instrument, Instrument.name_ko)
            .limit(limit)
        ).all(),
        db.session.scalars(
            select(Facility).where(Facility.retired_at.is_(None)).order_by(Facility.name_ko)
        ).all(),
        db.session.scalars(
            select(Institution)
            .where(Institution.retired_at.is_(None))
            .order_by(Institution.name_ko)
        ).all(),
    )
