"""Finding instruments: words, facets with counts, pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    String,
    and_,
    case,
    func,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import contains_eager, defer, selectinload

from app.catalog.facets import Group, Option, facets, fitting
from app.catalog.filters import Filter, Places, chosen, conditions, matching, offers, places
from app.catalog.models import Facility, Instrument, instrument_technique
from app.db import db, like
from app.domain.booking import UseState

PAGE_SIZE = 24


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the instruments found."""

    items: Sequence[Instrument]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, and the ways to narrow it."""

    page: Page
    facets: Mapping[str, Sequence[Option]] = field(default_factory=dict)


def search(wanted: Filter, *, page: int = 1, language: str = "ko", size: int = PAGE_SIZE) -> Found:
    """Instruments that are not retired: matches in the name first, then by name in `language`."""
    facilities = places()
    number = max(1, page)
    groups, techniques, ids = _asked(wanted, facilities, language, number, size)
    total = sum(group.number for group in fitting(groups, wanted))
    pages = max(1, -(-total // size))
    if number > pages:  # The last page stands in for those behind it.
        number = pages
        groups, techniques, ids = _asked(wanted, facilities, language, number, size)
    items = {
        instrument.id: instrument
        for instrument in db.session.scalars(_whole().where(Instrument.id.in_(ids)))
    }
    return Found(
        Page([items[id_] for id_ in ids if id_ in items], number, pages, total),
        facets(wanted, groups, techniques, facilities),
    )


def after(wanted: Filter, slug: str, *, limit: int) -> Sequence[Instrument]:
    """Up to `limit` instruments by slug, those after `slug`: for readers who want them all."""
    return db.session.scalars(
        _whole()
        .where(*conditions(wanted, places()), Instrument.slug > slug)
        .order_by(Instrument.slug)
        .limit(limit)
    ).all()


def _whole() -> Any:
    """Instruments with what a line about them shows."""
    return (
        select(Instrument)
        .join(Instrument.facility)
        .join(Facility.institution)
        .options(
            contains_eager(Instrument.facility).contains_eager(Facility.institution),
            contains_eager(Instrument.facility).options(
                defer(Facility.from_file), defer(Facility.search_text)
            ),
            selectinload(Instrument.techniques),
            defer(Instrument.from_file),
            defer(Instrument.search_text),
        )
    )


def _asked(
    wanted: Filter, facilities: Places, language: str, number: int, size: int
) -> tuple[list[Group], dict[int, int], list[int]]:
    """Groups, counts by technique, and the ids of one page.

    One statement, so that the words are looked for once, whatever else is asked of what they
    match: that search is nearly all the cost.
    """
    matched = _matched(wanted, language)
    narrowed = [
        *chosen(wanted, facilities, matched.c),
        *([offers(wanted.technique, matched.c.id)] if wanted.technique else []),
    ]
    rows = db.session.execute(
        union_all(
            _by_group(wanted, matched),
            _by_technique(wanted, facilities, matched),
            _of_page(matched, narrowed, number, size),
        )
    ).all()
    groups = [
        Group.of(facilities[key], classification, use_scope, count)
        for kind, key, classification, use_scope, count in rows
        if kind == _GROUP and key in facilities
    ]
    techniques = {key: count for kind, key, _, _, count in rows if kind == _TECHNIQUE}
    ids = [(place, key) for kind, key, _, _, place in rows if kind == _ITEM]
    return groups, techniques, [key for _, key in sorted(ids)]


_GROUP, _TECHNIQUE, _ITEM = range(3)


def _matched(wanted: Filter, language: str) -> CTE:
    """What the words match, with the columns that facets and the order ask for."""
    return (
        select(
            Instrument.id,
            Instrument.facility_id,
            Instrument.classification,
            type_coerce(Instrument.use_scope, String).label("use_scope"),
            case((Instrument.use_state.in_([UseState.IN_USE, UseState.LOW_USE]), 0), else_=1).label(
                "idle"
            ),
            (Instrument.name_ko if language == "ko" else Instrument.name_en).label("name"),
            (case((_named(wanted.words), 0), else_=1) if wanted.words else literal(0)).label(
                "elsewhere"
            ),
        )
        .where(*matching(wanted))
        .cte("matched")
    )


def _named(words: Sequence[str]) -> ColumnElement[bool]:
    """Every word stands in the names, with which the text for searching begins."""
    length = func.length(Instrument.name_ko) + func.length(Instrument.name_en) + 1
    names = func.substr(Instrument.search_text, 1, length)
    return and_(*(names.like(like(word), escape="\\") for word in words))


def _by_group(wanted: Filter, matched: CTE) -> Any:
    """Counts by facility, class and use scope: four facets and the total."""
    keys = (matched.c.facility_id, matched.c.classification, matched.c.use_scope)
    counted = select(literal(_GROUP), *keys, func.count()).group_by(*keys)
    return counted.where(offers(wanted.technique, matched.c.id)) if wanted.technique else counted


def _by_technique(wanted: Filter, facilities: Places, matched: CTE) -> Any:
    # Plus nothing, so that SQLite does not walk the whole table in the order of its index.
    technique = instrument_technique.c.technique_id + 0
    return (
        select(literal(_TECHNIQUE), technique, null(), null(), func.count())
        .select_from(matched)
        .join(instrument_technique, instrument_technique.c.instrument_id == matched.c.id)
        .where(*chosen(wanted, facilities, matched.c))
        .group_by(technique)
    )


def _of_page(matched: CTE, narrowed: Sequence[ColumnElement[bool]], number: int, size: int) -> Any:
    page = (
        select(matched)
        .where(*narrowed)
        .order_by(*_order(matched.c))
        .offset((number - 1) * size)
        .limit(size)
        .subquery()
    )
    place = func.row_number().over(order_by=_order(page.c))
    return select(literal(_ITEM), page.c.id, null(), null(), place)


def _order(columns: Any) -> tuple[Any, ...]:
    return (columns.elsewhere, columns.idle, columns.name, columns.id)
