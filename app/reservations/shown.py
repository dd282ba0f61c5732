"""Which instruments the timeline shows, and what one may choose among."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import load_only, selectinload

from app.accounts.models import Institution
from app.catalog.models import Facility, Instrument, Technique, instrument_technique
from app.db import db, like

#: As many as one page of the timeline holds.
ON_A_PAGE = 60


#: What a line of the timeline tells of an instrument: all else there is would take half its time.
_LINE = load_only(
    Instrument.slug,
    Instrument.facility_id,
    Instrument.name_ko,
    Instrument.name_en,
    Instrument.opening_hours,
    Instrument.out_of_order_since,
    Instrument.longest_hold,
    raiseload=True,
)

#: Read once, not once with each of its instruments.
_FACILITY = selectinload(Instrument.facility).joinedload(Facility.institution)

#: What is asked for: words of the name in `q`, slugs of the rest.
Filters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A page of what is asked for; how many there are, and of how much."""

    number: int
    pages: int
    total: int


def place_of(filters: Filters, page: int = 1) -> Place:
    """The page that there is nearest to the one asked for; one statement."""
    total = (
        db.session.scalar(
            select(func.count())
            .select_from(Instrument)
            .join(Instrument.facility)
            .join(Facility.institution)
            .where(*_wanted(filters))
        )
        or 0
    )
    pages = max(1, -(-total // ON_A_PAGE))
    return Place(min(max(1, page), pages), pages, total)


def shown_instruments(filters: Filters, place: Place) -> Sequence[Instrument]:
    """Those of the page, by institution, facility and name; two statements."""
    return db.session.scalars(
        _page(select(Instrument), filters, place).options(_LINE, _FACILITY)
    ).all()


def shown_versions(filters: Filters, place: Place) -> tuple[tuple[int, int], ...]:
    """Of the same instruments no more than which they are and how often they changed."""
    columns = select(Instrument.id, Instrument.calendar_version)
    rows = db.session.execute(_page(columns, filters, place))
    return tuple((each, version) for each, version in rows)


def _page(wanted: Any, filters: Filters, place: Place) -> Any:
    return (
        wanted.join(Instrument.facility)
        .join(Facility.institution)
        .where(*_wanted(filters))
        .order_by(Institution.name_ko, Facility.name_ko, Instrument.name_ko, Instrument.id)
        .limit(ON_A_PAGE)
        .offset((place.number - 1) * ON_A_PAGE)
    )


def _wanted(filters: Filters) -> list[ColumnElement[bool]]:
    """Conditions on instruments joined with facility and institution."""
    q, institution, facility, technique = (
        filters.get(name, "") for name in ("q", "institution", "facility", "technique")
    )
    wanted: list[ColumnElement[bool]] = [
        Instrument.retired_at.is_(None),
        Facility.retired_at.is_(None),
    ]
    wanted += [Instrument.search_text.like(like(word), escape="\\") for word in q.split()[:8]]
    if institution:
        wanted.append(Institution.slug == institution)
    if facility:
        wanted.append(Facility.slug == facility)
    if technique:
        of_technique = (
            select(instrument_technique.c.instrument_id)
            .join(Technique, Technique.id == instrument_technique.c.technique_id)
            .where(Technique.slug == technique)
        )
        wanted.append(Instrument.id.in_(of_technique))
    return wanted


def choices() -> dict[str, Sequence[Any]]:
    """Institutions, facilities and techniques that have something to show; three statements."""
    offered = select(Instrument.facility_id).where(Instrument.retired_at.is_(None))
    return {
        "institutions": db.session.scalars(
            select(Institution)
            .where(
                Institution.id.in_(select(Facility.institution_id).where(Facility.id.in_(offered)))
            )
            .options(load_only(Institution.slug, Institution.name_ko, Institution.name_en))
            .order_by(Institution.name_ko)
        ).all(),
        "facilities": db.session.scalars(
            select(Facility)
            .where(Facility.id.in_(offered), Facility.retired_at.is_(None))
            .options(load_only(Facility.slug, Facility.name_ko, Facility.name_en))
            .order_by(Facility.name_ko)
        ).all(),
        "techniques": db.session.scalars(
            select(Technique)
            .where(Technique.id.in_(select(instrument_technique.c.technique_id)))
            .order_by(Technique.name_ko)
        ).all(),
    }
