"""Institutions and facilities as those who administer people see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from app.accounts import access
from app.accounts.access import Actor, Scope
from app.accounts.models import Institution
from app.db import Model, db
from app.domain.errors import NotFound, Text


@dataclass(frozen=True, slots=True)
class Place:
    """A facility as this slice knows it; the rest of it is above, in the catalogue."""

    id: int
    slug: str
    name_ko: str
    name_en: str
    institution_id: int

    @property
    def scope(self) -> Scope:
        return Scope(institution_id=self.institution_id, facility_id=self.id)


def institution_by_slug(slug: str) -> Institution:
    """The institution; raises `NotFound`."""
    found = db.session.scalar(select(Institution).where(Institution.slug == slug))
    if found is None:
        raise NotFound(Text(f"“{slug}” 기관이 없습니다.", f"There is no institution “{slug}”."))
    return found


def institutions(actor: Actor) -> Sequence[Institution]:
    """The institutions to which the actor may add people."""
    own = access.institutions_administered(actor)
    wanted = select(Institution).where(Institution.retired_at.is_(None))
    if own is not None:
        wanted = wanted.where(Institution.id.in_(own))
    return db.session.scalars(wanted.order_by(Institution.slug)).all()


def _places(*where: ColumnElement[bool]) -> list[Place]:
    # By the name of its table: the catalogue's models stand above this slice.
    facility = Model.metadata.tables["facility"].c
    found = db.session.execute(
        select(
            facility.id,
            facility.slug,
            facility.name_ko,
            facility.name_en,
            facility.institution_id,
        )
        .where(*where)
        .order_by(facility.slug)
    )
    return [Place(*row) for row in found]


def place_by_slug(slug: str) -> Place:
    """The facility; raises `NotFound`."""
    found = _places(Model.metadata.tables["facility"].c.slug == slug)
    if not found:
        raise NotFound(Text(f"“{slug}” 시설이 없습니다.", f"There is no facility “{slug}”."))
    return found[0]


def places(actor: Actor) -> list[Place]:
    """The facilities for which the actor may name managers."""
    facility = Model.metadata.tables["facility"].c
    own = access.institutions_administered(actor)
    present = facility.retired_at.is_(None)
    return _places(present) if own is None else _places(present, facility.institution_id.in_(own))


def places_by_id(ids: Sequence[int]) -> dict[int, Place]:
    facility = Model.metadata.tables["facility"].c
    return {place.id: place for place in _places(facility.id.in_(set(ids)))} if ids else {}
