"""Instruments among which a free time is looked for: narrow rows, few statements for any number."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, Integer, String, bindparam, cast, or_, select, type_coerce
from sqlalchemy import Text as SqlText
from sqlalchemy.orm import contains_eager, load_only

from app.accounts.models import Institution, User
from app.catalog.filters import Filter, conditions, places
from app.catalog.models import Blackout, Facility, FormerSlug, Instrument
from app.db import db
from app.domain.approval import Approver
from app.domain.booking import AffiliationClass, Policy
from app.domain.contracts import ContractNeeded
from app.domain.errors import NotFound, Text
from app.domain.interval import Interval
from app.domain.training import TrainingPolicy
from app.reservations.models import StandingApproval


@dataclass(slots=True)
class Candidate:
    """An instrument as far as a search for free time needs it.

    Its settings stay the text that they are kept as: instruments with the same text are judged
    once, and most prices are never looked at.
    """

    facility: Facility
    id: int
    slug: str
    name_ko: str
    name_en: str
    facility_id: int
    booking: str
    opening_hours: str
    prices: str
    capacity: int
    use_scope: str
    use_state: str
    longest_hold: int  # seconds
    faulty: bool  # out of order, and nobody knows until when
    needs: str  # slugs of what is reserved along


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for the person on all instruments with the same settings, at any time."""

    policy: Policy
    zone: ZoneInfo
    who: AffiliationClass | None
    manages: bool
    refusal: str | None  # the code
    training: TrainingPolicy
    asks_training: bool
    fixed: Sequence[Interval]  # parts of the day that it is given out in
    until: datetime | None  # when the person's access ends

    @property
    def asks(self) -> bool:
        """Whether what the person holds, has learned or signed may stand in their way."""
        return (
            self.policy.limits_people
            or not self.training.asks_nothing
            or self.policy.contract is not ContractNeeded.OFF
        )


@lru_cache(maxsize=4096)
def read_json(text: str | None) -> dict[str, Any] | None:
    """The settings that a text holds; the many that are equal are read once. Not to be changed."""
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


_COLUMNS = (
    Instrument.id,
    Instrument.slug,
    Instrument.name_ko,
    Instrument.name_en,
    Instrument.facility_id,
    cast(Instrument.booking, SqlText),
    cast(Instrument.opening_hours, SqlText),
    cast(Instrument.prices, SqlText),
    Instrument.capacity,
    type_coerce(Instrument.use_scope, String),
    type_coerce(Instrument.use_state, String),
    type_coerce(Instrument.longest_hold, Integer),
    Instrument.out_of_order_since.is_not(None),
    cast(Instrument.needs, SqlText),
)


def candidates(wanted: Filter, slugs: Sequence[str] = ()) -> list[Candidate]:
    """The instruments that fit, not retired; of `slugs` alone, if any are given.

    Raises `NotFound` for a slug that no instrument has or had.
    """
    asked = select(*_COLUMNS).where(*conditions(wanted, places()))
    if slugs:
        asked = asked.where(Instrument.slug.in_(_present(slugs)))
    rows: Sequence[Any] = db.session.connection().execute(asked).all()
    facilities = _facilities({row.facility_id for row in rows})
    return [Candidate(facilities[row.facility_id], *row) for row in rows]


def needed_by(found: Sequence[Candidate]) -> dict[str, Candidate]:
    """All that is reserved along with some of them, by slug; no statement where there is none."""
    known: dict[str, Candidate] = {}
    wanted = {slug for each in found for slug in slugs_of(each.needs)}
    while wanted:
        asked = select(*_COLUMNS, Instrument.retired_at.is_(None)).where(
            Instrument.slug.in_(_written_out("wanted", wanted))
        )
        rows: Sequence[Any] = db.session.connection().execute(asked).all()
        facilities = _facilities({row.facility_id for row in rows})
        read = {
            row.slug: Candidate(facilities[row.facility_id], *row[:-1]) for row in rows if row[-1]
        }
        known |= read
        needed = {slug for each in read.values() for slug in slugs_of(each.needs)}
        wanted = needed - known.keys() - wanted
    return known


def slugs_of(text: str) -> list[str]:
    """The slugs that a column of them holds; most are empty, and nothing is read of them."""
    found: list[str] = [] if text == "[]" else json.loads(text)
    return found


def _present(slugs: Sequence[str]) -> set[str]:
    """The slugs as they are now: one that was renamed still finds its instrument."""
    present = set(db.session.scalars(select(Instrument.slug).where(Instrument.slug.in_(slugs))))
    if missing := set(slugs) - present:
        renamed = db.session.execute(
            select(FormerSlug.slug, FormerSlug.now).where(
                FormerSlug.kind == "instrument", FormerSlug.slug.in_(missing)
            )
        ).all()
        present |= {now for _, now in renamed}
        if unknown := sorted(missing - {slug for slug, _ in renamed}):
            raise NotFound(
                Text(
                    f"‘{unknown[0]}’ 장비를 찾을 수 없습니다. 장비 목록에서 찾아보세요.",
                    f"There is no instrument “{unknown[0]}”. Look for it in the catalogue.",
                )
            )
    return present


def _facilities(ids: Iterable[int]) -> dict[int, Facility]:
    """The facilities with their institutions."""
    found = db.session.scalars(
        select(Facility)
        .join(Facility.institution)
        .where(Facility.id.in_(_written_out("facilities", ids)))
        .options(
            contains_eager(Facility.institution).load_only(
                Institution.slug, Institution.kind, Institution.name_ko, Institution.name_en
            ),
            load_only(
                Facility.slug,
                *(Facility.institution_id, Facility.timezone),
                *(Facility.name_ko, Facility.name_en, Facility.campus),
                *(Facility.location_ko, Facility.location_en),
                *(Facility.department_ko, Facility.department_en),
                *(Facility.opening_hours, Facility.holidays, Facility.booking),
                *(Facility.extra_holidays, Facility.skipped_holidays),
            ),
        )
    )
    return {facility.id: facility for facility in found}


class Closures:
    """When facilities or single instruments are closed."""

    def __init__(self) -> None:
        self._of_facility: defaultdict[int, list[Interval]] = defaultdict(list)
        self._of_instrument: defaultdict[int, list[Interval]] = defaultdict(list)

    @classmethod
    def read(cls, found: Sequence[Candidate], during: Interval) -> "Closures":
        """All that close one of them, or a neighbour, within `during`; one statement."""
        closures = cls()
        facilities = _written_out("facilities", {each.facility_id for each in found})
        rows = db.session.execute(
            select(
                Blackout.facility_id, Blackout.instrument_id, Blackout.starts_at, Blackout.ends_at
            ).where(
                or_(
                    Blackout.facility_id.in_(facilities),
                    Blackout.instrument_id.in_(
                        select(Instrument.id).where(Instrument.facility_id.in_(facilities))
                    ),
                ),
                Blackout.lifted_at.is_(None),
                Blackout.interval.overlaps(during),
            )
        )
        for facility_id, instrument_id, start, end in rows:
            closed = Interval(start, end)
            if facility_id is not None:
                closures._of_facility[facility_id].append(closed)
            elif instrument_id is not None:
                closures._of_instrument[instrument_id].append(closed)
        return closures

    def of(self, candidate: Candidate) -> list[Interval]:
        return [
            *self._of_facility.get(candidate.facility_id, ()),
            *self._of_instrument.get(candidate.id, ()),
        ]


def standing_approvals(user: User) -> Mapping[int, AbstractSet[Approver]]:
    """Who agreed to the person once and for all, by the ids of instruments."""
    found: defaultdict[int, set[Approver]] = defaultdict(set)
    for instrument_id, by in db.session.execute(
        select(StandingApproval.instrument_id, StandingApproval.by).where(
            StandingApproval.user_id == user.id
        )
    ):
        found[instrument_id].add(by)
    return found


def _written_out(name: str, ids: Iterable[int] | Iterable[str]) -> BindParameter[Any]:
    """Ids as part of the statement, as databases take only so many parameters."""
    return bindparam(name, sorted(ids), expanding=True, literal_execute=True)
