"""What somebody looks for in the catalogue, and what it means in SQL."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from app.accounts.models import Institution
from app.catalog.models import Facility, Instrument, Technique, instrument_technique
from app.catalog.vocabulary import USE_SCOPES
from app.db import db, like, normalised

_MOST_WORDS = 8
_LONGEST = 200  # characters of a search
#: Facets in the order of the page; each is also a word of the address.
FACETS = ("institution", "facility", "technique", "classification", "use_scope")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; several values of one facet mean any of them."""

    q: str = ""
    institution: tuple[str, ...] = ()
    facility: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    classification: tuple[str, ...] = ()
    use_scope: tuple[str, ...] = ()
    #: Nothing but these ids, such as those that are free today.
    only: frozenset[int] | None = None

    def __post_init__(self) -> None:
        # No slug has anything else in it, and PostgreSQL takes no NUL.
        for facet in FACETS:
            asked = tuple(v if v.isprintable() else "?" for v in getattr(self, facet))
            object.__setattr__(self, facet, asked)

    @property
    def words(self) -> tuple[str, ...]:
        """The words looked for, all of which must be there; empty ones and control marks gone."""
        clean = "".join(
            " " if unicodedata.category(c) in ("Cc", "Cs") else c for c in self.q[:_LONGEST]
        )
        return tuple(dict.fromkeys(w for w in map(normalised, clean.split()) if w))[:_MOST_WORDS]

    @property
    def narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return self.only is not None or any(getattr(self, facet) != () for facet in FACETS)


@dataclass(frozen=True, slots=True)
class Place:
    """A facility that is not retired, with its institution, as far as searching needs them."""

    slug: str
    name: tuple[str, str]  # Korean, English
    institution: str
    institution_name: tuple[str, str]


Places = Mapping[int, Place]


def places() -> Places:
    """Every facility that is not retired, by its id."""
    rows = db.session.execute(
        select(
            Facility.id,
            Facility.slug,
            Facility.name_ko,
            Facility.name_en,
            Institution.slug,
            Institution.name_ko,
            Institution.name_en,
        )
        .join(Facility.institution)
        .where(Facility.retired_at.is_(None))
    )
    return {
        id_: Place(slug, (ko, en), institution, (institution_ko, institution_en))
        for id_, slug, ko, en, institution, institution_ko, institution_en in rows
    }


def matching(wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """Conditions that no facet shows: the words, what is not retired, what is free."""
    yield Instrument.retired_at.is_(None)
    yield Instrument.facility_id.not_in(select(Facility.id).where(Facility.retired_at.is_not(None)))
    for word in wanted.words:
        yield Instrument.search_text.like(like(word), escape="\\")
    if wanted.only is not None:
        # Written out, as databases take only so many parameters.
        yield Instrument.id.in_(
            bindparam("only", sorted(wanted.only), expanding=True, literal_execute=True)
        )


def offers(techniques: Sequence[str], instrument_id: Any) -> ColumnElement[bool]:
    """The instrument of that id offers one of the techniques."""
    return instrument_id.in_(  # type: ignore[no-any-return]
        select(instrument_technique.c.instrument_id)
        .join(Technique, Technique.id == instrument_technique.c.technique_id)
        .where(Technique.slug.in_(techniques))
    )


def chosen(wanted: Filter, facilities: Places, columns: Any) -> Iterator[ColumnElement[bool]]:
    """The conditions that facets put on `columns`, the technique's aside."""
    if wanted.institution or wanted.facility:
        yield columns.facility_id.in_(
            [
                id_
                for id_, place in facilities.items()
                if (not wanted.institution or place.institution in wanted.institution)
                and (not wanted.facility or place.slug in wanted.facility)
            ]
        )
    if wanted.classification:
        yield columns.classification.in_(wanted.classification)
    if wanted.use_scope:
        yield columns.use_scope.in_([s for s in wanted.use_scope if s in USE_SCOPES])


def conditions(wanted: Filter, facilities: Places) -> Iterator[ColumnElement[bool]]:
    """All that `wanted` asks for, of `Instrument`."""
    yield from matching(wanted)
    yield from chosen(wanted, facilities, Instrument)
    if wanted.technique:
        yield offers(wanted.technique, Instrument.id)
