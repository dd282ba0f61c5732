"""What one person may still take of many instruments: read for all of them at once."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, union_all

from app.accounts.access import Scope
from app.accounts.models import User
from app.accounts.today import home_zone
from app.catalog.booking_settings import LONGEST_RESERVATION
from app.catalog.models import Facility
from app.catalog.policy import affiliation_on, holidays_of, open_spans_at, peak_hours_at
from app.catalog.queries import owners_of
from app.contracts.queries import contracts_of
from app.db import db
from app.domain.approval import Status
from app.domain.booking import BookingFacts, BookingRequest, Mode, Policy, TwoPlaces
from app.domain.contract_rules import needs_contract
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.quota import Counted, Owner, Whose
from app.domain.quota_rules import counting_span, owner_span, peak_span
from app.domain.reach import Reach
from app.domain.training import NO_TRAINING, UNTRAINED
from app.projects import queries as groups
from app.reservations import queries
from app.reservations.candidates import Candidate, Standing, read_json
from app.reservations.models import Reservation
from app.training.qualification import learned

_DAY = timedelta(days=1)
_PRESENT = frozenset({Status.PENDING, Status.CONFIRMED, Status.IN_USE})

Offered = Sequence[tuple[Candidate, Standing]]


class Reaches:
    """The reach of each instrument on which something may stand in the person's way.

    Nothing is read of quotas, certificates or contracts unless one of the instruments asks.
    """

    def __init__(
        self,
        viewer: User,
        offered: Offered,
        within: Interval,
        *,
        now: datetime,
        mode: Mode | None,
        only_qualified: bool,
    ) -> None:
        self.viewer, self.within, self.now = viewer, within, now
        self.mode, self.only_qualified = mode, only_qualified
        affiliation = affiliation_on(viewer, day_of(now, offered[0][1].zone)) if offered else None
        self.institution_id = affiliation.institution_id if affiliation else None
        self.group = self._group(offered)
        self._rows = self._holds(offered)
        self._mine = [
            (instrument_id, Interval(row[0], row[1]))
            for instrument_id, rows in self._rows.items()
            for row in rows
            if row[2] == viewer.id and row[4] in _PRESENT and row[5] is not Mode.COMMISSIONED
        ]
        self._shared: dict[int, BookingFacts] = {}
        self._hours: dict[tuple[int, str], tuple[Interval, ...]] = {}
        self._learned = learned(
            viewer,
            {
                candidate.id: (_scope(candidate.facility), standing.zone)
                for candidate, standing in offered
                if not standing.training.asks_nothing
            },
            now=now,
        )
        kept = {
            candidate.facility_id: candidate.facility
            for candidate, standing in offered
            if standing.policy.owner_share and standing.policy.owner is Owner.DEPARTMENT
        }
        self._owners = owners_of(kept.values(), day_of(now, home_zone()))
        needing = {
            candidate.facility_id
            for candidate, standing in offered
            if standing.who and needs_contract(standing.policy, standing.who)
        }
        self._contracts = contracts_of(self.institution_id, needing)

    def of(self, candidate: Candidate, standing: Standing) -> Reach:
        """What stands in the way of the person, as the rules of booking see it."""
        facility, key = candidate.facility, id(standing)
        if key not in self._shared:
            self._shared[key] = self._facts(candidate, standing)
        facts = replace(
            self._shared[key],
            open_hours=self._open_hours(candidate, standing),
            counted=tuple(self._counted(candidate)),
            elsewhere=tuple(self._elsewhere(candidate)),
            capacity=candidate.capacity,
            contracts=self._contracts.get(facility.id, ()),
            qualification=self._learned.get(candidate.id, UNTRAINED),
        )
        only = standing.policy.modes == {Mode.COMMISSIONED}
        commissioned = self.mode is Mode.COMMISSIONED or (self.mode is None and only)
        mode = Mode.COMMISSIONED if commissioned else Mode.SELF_OPERATED
        request = BookingRequest(candidate.slug, self.within, mode=mode)
        return Reach(facts, request, self.within.end, self.only_qualified)

    def _facts(self, candidate: Candidate, standing: Standing) -> BookingFacts:
        """What is the same on all instruments with the same settings."""
        policy, zone, facility = standing.policy, standing.zone, candidate.facility
        peaks = peak_span(policy, self.within, now=self.now, zone=zone)
        around = Interval(self.within.start - _DAY, self.within.end + _DAY)
        asks_certificate = standing.training.certificate
        assert standing.who is not None
        return BookingFacts(
            now=self.now,
            zone=zone,
            policy=policy,
            open_hours=(),
            peak=peak_hours_at(facility, policy, peaks),
            affiliation=standing.who,
            contact=queries.contact_of(facility),
            training=self._training(standing),
            holidays=holidays_of(facility, around) if asks_certificate else frozenset(),
        )

    def _open_hours(self, candidate: Candidate, standing: Standing) -> tuple[Interval, ...]:
        """The hours that are shared with the owner; no other rule here asks for any."""
        weeks = owner_span(standing.policy, self.within, standing.zone)
        if weeks is None:
            return ()
        key = (candidate.facility_id, candidate.opening_hours)
        if key not in self._hours:
            own = read_json(candidate.opening_hours)
            self._hours[key] = tuple(open_spans_at(candidate.facility, own, weeks))
        return self._hours[key]

    def _training(self, standing: Standing) -> Any:
        """Nothing need be learned where the staff does the work."""
        if self.mode is Mode.ASSISTED:  # They are there, but another works it.
            return replace(standing.training, certificate=False)
        self_operated = Mode.SELF_OPERATED in standing.policy.modes
        works = self_operated and self.mode is not Mode.COMMISSIONED
        only_way = self.mode is Mode.SELF_OPERATED or len(standing.policy.modes) == 1
        wanted = works and (only_way or self.only_qualified)
        return standing.training if wanted else NO_TRAINING

    def _counted(self, candidate: Candidate) -> Sequence[Counted]:
        owner = candidate.facility.institution_id
        owners = self._owners.get(candidate.facility_id)
        return [
            Counted(
                Interval(start, end),
                same_person=holder == self.viewer.id,
                same_institution=self.institution_id is not None
                and institution == self.institution_id,
                of_owner=institution == owner if owners is None else holder in owners,
                same_group=queries.same_group(self.group, of, mine=holder == self.viewer.id),
                present=mode is not Mode.COMMISSIONED,
            )
            for start, end, holder, institution, _, mode, of in self._rows.get(candidate.id, ())
        ]

    def _elsewhere(self, candidate: Candidate) -> Sequence[Interval]:
        return [each for instrument_id, each in self._mine if instrument_id != candidate.id]

    def _holds(self, offered: Offered) -> dict[int, list[Any]]:
        """What the person, their institution and others hold, as far as a rule counts it.

        By instrument; one statement, and none where no rule counts anything.
        """
        standings = {id(standing): standing for _, standing in offered}.values()
        asked = [span for each in standings if (span := self._span(each))]
        if not asked:
            return {}
        parts = [_within(_around(asked)).where(Reservation.holder_id == self.viewer.id)]
        if self.institution_id is not None:
            spans, ids = self._asking(offered, _institutional)
            if ids:
                here = Reservation.institution_id == self.institution_id
                parts.append(_within(_around(spans)).where(here, _among("institutional", ids)))
        if self.group is not None:
            spans, ids = self._asking(offered, _grouped)
            here = Reservation.group_id == self.group
            parts.append(_within(_around(spans)).where(here, _among("grouped", ids)))
        spans, ids = self._asking(offered, _shared)
        if ids:
            parts.append(_within(_around(spans)).where(_among("shared", ids)))
        wanted: Any = union_all(*parts) if len(parts) > 1 else parts[0]
        rows = db.session.execute(wanted)
        found: defaultdict[int, dict[int, Any]] = defaultdict(dict)
        for row in rows:  # One that two parts have found counts once.
            found[row[1]][row[0]] = row[2:]
        return {instrument_id: list(rows.values()) for instrument_id, rows in found.items()}

    def _group(self, offered: Offered) -> int | None:
        """The group that the person reserves for unless they say otherwise, if one is counted."""
        counting = [
            standing
            for _, standing in offered
            if any(quota.per is Whose.GROUP for quota in standing.policy.quotas)
        ]
        if not counting:
            return None
        own = groups.ids_of(self.viewer.id, today=day_of(self.now, counting[0].zone))
        return own[0] if own else None

    def _span(self, standing: Standing, narrowed: Policy | None = None) -> Interval | None:
        policy = narrowed or standing.policy
        counted = counting_span(policy, self.within, now=self.now, zone=standing.zone)
        if policy.two_places is TwoPlaces.REFUSE:
            return self.within.joined(counted)
        return counted

    def _asking(
        self, offered: Offered, narrow: Callable[[Policy], Policy]
    ) -> tuple[list[Interval], list[int]]:
        """Over which times some of the rules count, and on which instruments."""
        spans = {
            id(standing): self._span(standing, narrow(standing.policy))
            for standing in {id(each): each for _, each in offered}.values()
        }
        ids = [candidate.id for candidate, standing in offered if spans[id(standing)]]
        return [span for span in spans.values() if span], ids


def _institutional(policy: Policy) -> Policy:
    """Only what counts the holds of institutions."""
    return _counting(policy, Whose.INSTITUTION)


def _grouped(policy: Policy) -> Policy:
    """Only what counts the holds of research groups."""
    return _counting(policy, Whose.GROUP)


def _counting(policy: Policy, whose: Whose) -> Policy:
    quotas = tuple(each for each in policy.quotas if each.per is whose)
    return replace(
        policy, quotas=quotas, gap=timedelta(), owner_share=0, two_places=TwoPlaces.ALLOW
    )


def _shared(policy: Policy) -> Policy:
    """Only the share of the owner, which counts the holds of all others."""
    return replace(policy, quotas=(), gap=timedelta(), two_places=TwoPlaces.ALLOW)


def _around(spans: Sequence[Interval]) -> Interval:
    return Interval(min(each.start for each in spans), max(each.end for each in spans))


def _within(during: Interval) -> Any:
    return select(
        Reservation.id,
        Reservation.instrument_id,
        Reservation.starts_at,
        Reservation.ends_at,
        Reservation.holder_id,
        Reservation.institution_id,
        Reservation.status,
        Reservation.mode,
        Reservation.group_id,
    ).where(
        queries.HOLDS,
        Reservation.starts_at > during.start - LONGEST_RESERVATION,
        Reservation.starts_at < during.end,
        Reservation.ends_at > during.start,
    )


def _among(name: str, ids: Sequence[int]) -> Any:
    """Written out, as databases take only so many parameters."""
    return Reservation.instrument_id.in_(
        bindparam(name, sorted(ids), expanding=True, literal_execute=True)
    )


def _scope(facility: Facility) -> Scope:
    return Scope(institution_id=facility.institution_id, facility_id=facility.id)
