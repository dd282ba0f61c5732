"""Ways to narrow a search: each value of a facet, and what choosing it would show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sqlalchemy import select

from app.catalog.filters import Filter, Place, Places
from app.catalog.models import Technique
from app.catalog.vocabulary import CLASSIFICATIONS, USE_SCOPES
from app.db import db


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a facet, and how many instruments choosing it would show."""

    value: str
    name: tuple[str, str]  # Korean, English
    count: int
    chosen: bool


#: Facets that a group has a value of.
_GROUPED = ("institution", "facility", "classification", "use_scope")


@dataclass(slots=True)
class Group:
    """How many instruments of one facility, class and use scope match."""

    institution: str
    facility: str
    classification: str
    use_scope: str
    number: int

    @classmethod
    def of(cls, place: Place, classification: str, use_scope: str, number: int) -> Self:
        return cls(place.institution, place.slug, classification, use_scope, number)


def fitting(groups: Sequence[Group], wanted: Filter, *, besides: str = "") -> Sequence[Group]:
    """The groups that the facets chosen include, all facets but `besides`."""
    asked = [
        (facet, frozenset(values))
        for facet in _GROUPED
        if facet != besides and (values := getattr(wanted, facet))
    ]
    return [g for g in groups if all(getattr(g, f) in v for f, v in asked)] if asked else groups


def facets(
    wanted: Filter,
    groups: Sequence[Group],
    by_technique: Mapping[int, int],
    facilities: Places,
) -> dict[str, Sequence[Option]]:
    """The options of every facet, each counted under all other filters.

    `groups` fit the techniques chosen; `by_technique` (by id) fits all but those.
    """
    names: dict[str, Mapping[str, tuple[str, str]]] = {
        "institution": {p.institution: p.institution_name for p in facilities.values()},
        "facility": {p.slug: p.name for p in facilities.values()},
        "classification": CLASSIFICATIONS,
        "use_scope": USE_SCOPES,
    }
    found: dict[str, Sequence[Option]] = {}
    for facet, named in names.items():
        counts: Counter[str] = Counter()
        for group in fitting(groups, wanted, besides=facet):
            counts[getattr(group, facet)] += group.number
        found[facet] = _options(counts, named, getattr(wanted, facet))
    found["technique"] = _techniques(wanted, by_technique)
    return found


def _techniques(wanted: Filter, by_technique: Mapping[int, int]) -> Sequence[Option]:
    known = db.session.execute(
        select(Technique.id, Technique.slug, Technique.name_ko, Technique.name_en)
    ).all()
    counts = Counter({t.slug: by_technique[t.id] for t in known if t.id in by_technique})
    names = {t.slug: (t.name_ko, t.name_en) for t in known}
    return _options(counts, names, wanted.technique)


def _options(
    counts: Counter[str], names: Mapping[str, tuple[str, str]], chosen: Sequence[str]
) -> Sequence[Option]:
    """Those that would show something, the fullest first; what is chosen is always there."""
    values = [*counts, *(value for value in chosen if value in names and value not in counts)]
    options = [Option(v, names.get(v, (v, v)), counts[v], v in chosen) for v in values]
    return sorted(options, key=lambda option: (not option.chosen, -option.count, option.name))
