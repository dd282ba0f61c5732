"""Which instruments the timeline shows, and what one may choose among."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import load_only

from app.accounts.models import Institution
from app.catalog.models import Facility, Instrument, Technique, instrument_technique
from app.db import db, like
from app.reservations import queries

#: As many as one page of the timeline holds.
ON_A_PAGE = 60


#: What is asked for: words of the name in `q`, slugs of the rest.
Filters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of instruments."""

    instruments: Sequence[Instrument]
    number: int
    pages: int
    total: int


def shown_instruments(filters: Filters, page: int = 1) -> Shown:
    """The instruments that are asked for, by institution, facility and name; two statements."""
    number, pages, total = _place(filters, page)
    found = db.session.scalars(
        _page(select(Instrument), filters, number).options(queries.WITH_FACILITY)
    ).all()
    return Shown(found, number, pages, total)


def shown_versions(filters: Filters, page: int = 1) -> tuple[tuple[int, int], ...]:
    """Of the same instruments no more than which they are and how often they changed."""
    number, _, _ = _place(filters, page)
    columns = select(Instrument.id, Instrument.calendar_version)
    rows = db.session.execute(_page(columns, filters, number))
    return tuple((each, version) for each, version in rows)


def _place(filters: Filters, page: int) -> tuple[int, int, int]:
    """The page that there is nearest to the one asked for; how many there are; of how much."""
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
    return min(max(1, page), pages), pages, total


def _page(wanted: Any, filters: Filters, number: int) -> Any:
    return (
        wanted.join(Instrument.facility)
        .join(Facility.institution)
        .where(*_wanted(filters))
        .order_by(Institution.name_ko, Facility.name_ko, Instrument.name_ko, Instrument.id)
        .limit(ON_A_PAGE)
        .offset((number - 1) * ON_A_PAGE)
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
