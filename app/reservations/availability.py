"""Who is free: slots of all instruments that fit a wish, earliest first, for one person."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial, reduce
from heapq import merge
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from app.accounts.access import Action, Scope, may
from app.accounts.models import Suspension, User
from app.accounts.suspensions import holding_at, in_force
from app.accounts.today import home_zone
from app.catalog import queries as catalog
from app.catalog.filters import Filter
from app.catalog.models import Instrument
from app.catalog.policy import (
    access_until,
    affiliation_class,
    affiliation_on,
    charge_policy_at,
    fixed_slots_at,
    groups_of,
    open_spans_at,
    policy_at,
    training_at,
)
from app.domain import booking
from app.domain.approval import Approver, ForWhom, stages_left
from app.domain.availability import free_spans, whole_slots
from app.domain.booking import (
    AffiliationClass,
    BookingFacts,
    BookingRequest,
    Mode,
    Policy,
    UseScope,
    UseState,
)
from app.domain.interval import Interval, common, gaps
from app.domain.linked import together
from app.domain.local_time import day_interval, day_of
from app.domain.operator_rules import needs_operator
from app.domain.operators import Duty, anybody_free, resumed
from app.domain.reach import Reach
from app.domain.wish import (
    Timetable,
    Wish,
    first_of_each_day,
    side_by_side,
    suits,
    wished_slots,
)
from app.projects.overdue import Owed, debts_of
from app.rates.cards import listed_price
from app.rates.queries import RateBook, Tariff
from app.reservations import duties, schedule
from app.reservations.candidates import (
    Candidate,
    Closures,
    Standing,
    candidates,
    needed_by,
    read_json,
    slugs_of,
    standing_approvals,
)
from app.reservations.reaching import Reaches

#: Where a page of what was found ends: the start of its last slot, and whose it is.
Place = tuple[datetime, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for."""

    wish: Wish
    among: Filter = field(default_factory=Filter)
    instruments: tuple[str, ...] = ()  # slugs; all, if there are none
    mode: Mode | None = None
    most: int | None = None  # won, where a price is known
    without_approval: bool = False
    only_qualified: bool = False  # what the person may work themselves, as they are


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that the person could reserve."""

    instrument: Candidate
    interval: Interval
    zone: ZoneInfo
    modes: frozenset[Mode]
    needs_approval: bool
    has_limits: bool  # quotas, gaps or shares; counted already, if it is known for whom
    asks_training: bool
    lacking: Sequence[str]  # codes of what the person has to learn before
    price: int | None  # won with VAT; None where it is not known
    unit: tuple[int, str] | None  # what one unit costs, and of what
    #: More slots of the same day, none overlapping; only where they were asked for.
    more: Sequence[Interval] = ()

    @property
    def place(self) -> Place:
        return self.interval.start, self.instrument.slug


@dataclass(frozen=True, slots=True)
class Opened:
    """When instruments are open as wished; also as the database keeps instants."""

    spans: Sequence[Interval]
    kept: Sequence[schedule.Kept]


@dataclass(frozen=True, slots=True)
class FreeTime:
    """What is left of the open time of one instrument, found as far as somebody looks.

    What is held is compared as the driver gives it, and what is free made into intervals: of
    twenty thousand holds, that is a few hundred gaps.
    """

    opened: Opened
    held: Sequence[schedule.Kept]
    blackouts: Sequence[Interval]
    capacity: int
    policy: Policy

    def __iter__(self) -> Iterator[Interval]:
        instant = schedule.instant_of
        policy = self.policy
        if self.capacity == 1 and not self.blackouts and not policy.around:
            left: Iterator[schedule.Kept] = gaps(self.opened.kept, self.held)
            return (Interval(instant(start), instant(end)) for start, end in left)
        held = [Interval(instant(start), instant(end)) for start, end, _ in self.held]
        return iter(
            free_spans(
                self.opened.spans,
                held,
                self.blackouts,
                self.capacity,
                setup=policy.setup,
                cleanup=policy.cleanup,
            )
        )


@dataclass(frozen=True, slots=True)
class Together:
    """What is left of the time of one instrument and of all that is reserved along with it."""

    times: Sequence[Iterable[Interval]]

    def __iter__(self) -> Iterator[Interval]:
        first, *others = self.times
        return reduce(common, map(iter, others), iter(first))


@dataclass(frozen=True, slots=True)
class Open:
    """An instrument that is offered, once a time is found."""

    candidate: Candidate
    standing: Standing
    timetable: Timetable


@dataclass
class Search:
    """One look at the time of all instruments that fit; as many statements for one as for all."""

    wanted: Wanted
    viewer: User | None
    now: datetime
    suspension: Suspension | None = None
    #: How many instruments fit, but are not offered, by the code that says why.
    left_out: Counter[str] = field(default_factory=Counter)
    #: How many are offered, once a time is found.
    instruments: int = 0
    _open: list[Open] = field(default_factory=list)
    _standings: dict[Any, Standing] = field(default_factory=dict)
    _approved: Mapping[int, AbstractSet[Approver]] = field(default_factory=dict)
    _suspended_at: frozenset[int | None] = frozenset()
    _book: RateBook | None = None
    _suppliers: frozenset[int] = frozenset()
    _reaches: dict[int, Reach] = field(default_factory=dict)
    _needed: dict[str, Candidate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = candidates(self.wanted.among, self.wanted.instruments)
        self._suppliers = frozenset(each.facility.institution_id for each in found)
        self._needed = needed_by(found)
        if self.viewer is not None:
            suspensions = in_force(self.viewer.id, now=self.now)
            self.suspension = holding_at(None, suspensions)
            self._suspended_at = frozenset(each.facility_id for each in suspensions)
            self._approved = standing_approvals(self.viewer)
        offered: list[tuple[Candidate, Standing]] = []
        for candidate in found:
            standing = self._standing(candidate)
            if why := self._reason_against(candidate, standing):
                self.left_out[why] += 1
            else:
                offered.append((candidate, standing))
        offered = self._reached(offered)
        self.instruments = len(offered)
        self._open = self._timetabled(offered)

    def _reached(
        self, offered: list[tuple[Candidate, Standing]]
    ) -> list[tuple[Candidate, Standing]]:
        """Without those that the person may never take in that time; a visitor may be anybody."""
        asking = [each for each in offered if self.viewer is not None and each[1].asks]
        if self.viewer is None or not asking:
            return offered
        within, wanted = self.wanted.wish.within, self.wanted
        reaches = Reaches(
            self.viewer,
            asking,
            within,
            now=self.now,
            mode=wanted.mode,
            only_qualified=wanted.only_qualified,
        )
        unreached = set()
        for candidate, standing in asking:
            reach = reaches.of(candidate, standing)
            if why := reach.never():
                self.left_out[why] += 1
                unreached.add(candidate.id)
            elif reach:
                self._reaches[candidate.id] = reach
        return [each for each in offered if each[0].id not in unreached]

    def slots(self, *, limit: int, after: Place | None = None) -> list[Offer]:
        """Every slot, earliest first; of one instrument they may overlap: each is one way."""
        wish = self.wanted.wish
        if after:
            # Nothing depends on what lies before.
            if after[0] >= wish.within.end:
                return []
            start = max(wish.within.start, after[0])
            wish = replace(wish, within=Interval(start, wish.within.end))
        found = [_named(each, self._slots(each, wish)) for each in self._open]
        return [self._offer(each, slot) for each, slot in _first(found, limit, after)]

    def days(self, *, limit: int, after: Place | None = None, more: int = 0) -> list[Offer]:
        """The first slot of each day of each instrument, with up to `more` of the same day."""
        wish = self.wanted.wish
        found = [
            _named(
                each,
                first_of_each_day(self._slots(each, wish), each.standing.zone),
            )
            for each in self._open
        ]
        return [
            self._offer(each, slot, self._rest(each, slot, more))
            for each, slot in _first(found, limit, after)
        ]

    def _rest(self, one: Open, first: Interval, most: int) -> Sequence[Interval]:
        """The slots that follow on the same day, side by side."""
        wish, zone = self.wanted.wish, one.standing.zone
        midnight = day_interval(day_of(first.start, zone), zone).end
        if not most or first.end >= min(midnight, wish.within.end):
            return ()
        later = replace(wish, within=Interval(first.end, wish.within.end))
        slots = side_by_side(self._slots(one, later))
        return list(islice(takewhile(lambda slot: slot.start < midnight, slots), most))

    def _offer(self, one: Open, slot: Interval, more: Sequence[Interval] = ()) -> Offer:
        candidate, standing = one.candidate, one.standing
        every = [standing, *(each for _, each in self._along(candidate))]
        tariff = self._tariff(candidate, standing)
        reach = self._reaches.get(candidate.id)
        return Offer(
            candidate,
            slot,
            standing.zone,
            standing.policy.modes,
            self._needs_approval(candidate, standing),
            any(each.policy.limits_people for each in every),
            any(each.asks_training for each in every),
            [each.code for each in reach.lacking(slot)] if reach else (),
            tariff.price(slot, self._mode(standing)) if tariff else None,
            self._unit(candidate, standing, tariff, slot) if tariff else None,
            more,
        )

    def _mode(self, standing: Standing) -> Mode:
        return self.wanted.mode or max(standing.policy.modes)

    def _unit(
        self, candidate: Candidate, standing: Standing, tariff: Tariff, slot: Interval
    ) -> tuple[int, str] | None:
        """What one unit costs; of what no quote can count, such as plates, by the list."""
        if each := tariff.unit_price(slot.start, self._mode(standing)):
            return each[0], each[1].value
        return listed_price(read_json(candidate.prices), tariff.who)

    def _tariff(self, candidate: Candidate, standing: Standing) -> Tariff | None:
        """What the person's prices depend on; None for a visitor, whose prices nobody knows."""
        if standing.who is None:
            return None
        if self._book is None:
            self._book = RateBook.of_suppliers(self._suppliers)
        facility, prices = candidate.facility, read_json(candidate.prices)
        return Tariff(
            self._book.cards(candidate.id, facility, prices),
            self._book.terms(facility.institution_id, facility.institution.kind),
            standing.who,
            facility,
            standing.policy,
            charge_policy_at(facility, read_json(candidate.booking) or {}),
        )

    def _timetabled(self, offered: Sequence[tuple[Candidate, Standing]]) -> list[Open]:
        """With what is known of their time, in two statements."""
        known = {each.id: (each, standing) for each, standing in offered}
        for each, _ in offered:
            known.update((one.id, (one, standing)) for one, standing in self._along(each))
        every = list(known.values())
        opened = self._opened(every)
        spans = [span for of_some in opened.values() for span in of_some.spans]
        if not spans:
            return []
        # What is held shortly before or behind needs its time to set up and clean up, too.
        around = max(standing.policy.around for _, standing in every)
        during = Interval(
            min(span.start for span in spans) - around, max(span.end for span in spans) + around
        )
        bounds = [(each.id, timedelta(seconds=each.longest_hold)) for each, _ in every]
        held = schedule.ordered_holds(bounds, during)
        closures = Closures.read([candidate for candidate, _ in every], during)
        times = {
            candidate.id: FreeTime(
                opened[candidate.facility_id, candidate.opening_hours],
                held.get(candidate.id, ()),
                closures.of(candidate),
                candidate.capacity,
                standing.policy,
            )
            for candidate, standing in every
        }
        attended = self._attended(offered, during)
        found = []
        for candidate, standing in offered:
            along = [times[each.id] for each, _ in self._along(candidate)]
            free = Together([times[candidate.id], *along]) if along else times[candidate.id]
            reach = self._reaches.get(candidate.id)
            resume = reach.resume if reach else None
            if (operators := attended.get(candidate.id)) is not None:
                free = Together([free, anybody_free(operators)])
                resume = partial(_resume, reach, operators)
            timetable = Timetable(
                standing.policy,
                standing.zone,
                free,
                standing.fixed,
                standing.until,
                resume,
            )
            found.append(Open(candidate, standing, timetable))
        return found

    def _attended(
        self, offered: Sequence[tuple[Candidate, Standing]], during: Interval
    ) -> dict[int, Sequence[Duty]]:
        """The operators of those that cannot be had without one; no statement if none is such.

        Where no mode is asked for, the first that is offered counts, as for the price.
        """
        needing = {
            candidate.id: candidate.facility
            for candidate, standing in offered
            if needs_operator(standing.policy, self._mode(standing))
        }
        if not needing:
            return {}
        found = duties.of_instruments(needing, during)
        return {each: found.get(each, ()) for each in needing}

    def _opened(
        self, offered: Sequence[tuple[Candidate, Standing]]
    ) -> dict[tuple[int, str], Opened]:
        """When instruments of a facility with the same hours are open as wished."""
        wish = self.wanted.wish
        opened: dict[tuple[int, str], Opened] = {}
        for candidate, standing in offered:
            hours = (candidate.facility_id, candidate.opening_hours)
            if hours not in opened:
                own = read_json(candidate.opening_hours)
                spans = wish.of(open_spans_at(candidate.facility, own, wish.within), standing.zone)
                opened[hours] = Opened(spans, [schedule.as_kept(span) for span in spans])
        return opened

    def _reason_against(self, candidate: Candidate, standing: Standing) -> str | None:
        """Why the instrument is not offered at any time: the code, or None."""
        if standing.refusal:
            return standing.refusal
        if candidate.faulty:
            return "instrument-faulty"
        if candidate.facility_id in self._suspended_at:
            return "suspended"
        if candidate.needs != "[]" and not self._may_have_all(candidate):
            return "needs-linked-instrument"
        policy, wanted = standing.policy, self.wanted
        if not suits(policy, wanted.wish):
            return "length"
        if wanted.without_approval and self._needs_approval(candidate, standing):
            return "approval"
        if wanted.most is not None and self._always_dearer(candidate, standing, wanted.most):
            return "price"
        return None

    def _always_dearer(self, candidate: Candidate, standing: Standing, most: int) -> bool:
        """Whether one price holds for all times asked for, and is above what may be paid."""
        wish, tariff = self.wanted.wish, self._tariff(candidate, standing)
        if tariff is None or not tariff.steady(wish.within):
            return False
        length = whole_slots(wish.duration, standing.policy.slot)
        price = tariff.price(
            Interval(wish.within.start, wish.within.start + length), self._mode(standing)
        )
        return price is not None and price > most

    def _slots(self, one: Open, wish: Wish) -> Iterator[Interval]:
        """The slots of one instrument; where prices differ by the hour, those not too dear."""
        slots = wished_slots(one.timetable, wish, now=self.now)
        most = self.wanted.most
        tariff = None if most is None else self._tariff(one.candidate, one.standing)
        if most is None or tariff is None or tariff.steady(wish.within):
            return slots
        mode = self._mode(one.standing)
        return (slot for slot in slots if (tariff.price(slot, mode) or 0) <= most)

    def _along(self, candidate: Candidate) -> list[tuple[Candidate, Standing]]:
        """What is reserved along, each with what holds for it."""
        if candidate.needs == "[]":
            return []
        needs = {slug: slugs_of(each.needs) for slug, each in self._needed.items()}
        slugs = together(slugs_of(candidate.needs), needs)
        found = [self._needed[slug] for slug in slugs if slug in self._needed]
        return [(each, self._standing(each)) for each in found if each.id != candidate.id]

    def _may_have_all(self, candidate: Candidate) -> bool:
        along = self._along(candidate)
        known = {each.slug for each, _ in along}
        return known.issuperset(slugs_of(candidate.needs)) and not any(
            each.faulty or standing.refusal not in (None, "mode-not-offered")
            for each, standing in along
        )

    def _needs_approval(self, candidate: Candidate, standing: Standing) -> bool:
        every = ((candidate, standing), *self._along(candidate))
        return any(self._has_to_be_approved(*each) for each in every)

    def _has_to_be_approved(self, candidate: Candidate, standing: Standing) -> bool:
        policy = standing.policy
        groups = groups_of(standing.who) if standing.who else frozenset(ForWhom)
        by_managers = {s for s in policy.approval_stages if s.by is Approver.FACILITY_MANAGER}
        left = stages_left(
            policy.approval,
            policy.approval_stages,
            groups,
            known=self._approved.get(candidate.id, frozenset()),
            own=by_managers if standing.manages else frozenset(),
        )
        return bool(left)

    def _standing(self, candidate: Candidate) -> Standing:
        """What holds for the person; of instruments with the same settings once."""
        key = (
            *(candidate.facility_id, candidate.booking),
            *(candidate.use_scope, candidate.use_state),
        )
        found = self._standings.get(key)
        if found is None:
            found = self._standings[key] = self._judged(candidate)
        return found

    @cached_property
    def _debts(self) -> Mapping[int, Owed]:
        """What the person's institution owes; not read unless somebody minds."""
        day = day_of(self.now, home_zone())
        affiliation = affiliation_on(self.viewer, day) if self.viewer else None
        return debts_of(affiliation.institution_id) if affiliation else {}

    def _judged(self, candidate: Candidate) -> Standing:
        """By those rules of booking that no other time would mend."""
        facility, viewer = candidate.facility, self.viewer
        zone = ZoneInfo(facility.timezone)
        own = read_json(candidate.booking) or {}
        policy, training = policy_at(facility, own), training_at(facility, own)
        today = day_of(self.now, zone)
        who = affiliation_class(viewer, facility, today) if viewer is not None else None
        owed = None
        if policy.refuse_overdue_after is not None:
            owed = self._debts.get(facility.institution_id)
        facts = BookingFacts(
            now=self.now,
            zone=zone,
            policy=policy,
            open_hours=(),
            overdue_since=owed.since if owed else None,
            use_scope=UseScope(candidate.use_scope),
            use_state=UseState(candidate.use_state),
            affiliation=who or AffiliationClass.OTHER_ACADEMIC,
        )
        mode = self.wanted.mode or min(policy.modes)
        request = BookingRequest(candidate.slug, self.wanted.wish.within, mode=mode)
        refusals = booking.refused_at_any_time(request, facts)
        scope = Scope(institution_id=facility.institution_id, facility_id=facility.id)
        manages = may(viewer, Action.DECIDE_RESERVATION, scope)
        return Standing(
            policy,
            zone,
            who,
            manages,
            refusals[0].code if refusals else None,
            training,
            not (manages or training.asks_nothing),
            fixed_slots_at(facility, policy, self.wanted.wish.within),
            access_until(viewer, zone) if viewer is not None else None,
        )


def _resume(reach: Reach | None, operators: Sequence[Duty], slot: Interval) -> datetime | None:
    """From when on to look again, if the person or every operator is kept from the slot."""
    later = reach.resume(slot) if reach else None
    return resumed(operators, slot) if later is None else later


#: A slot with what it is sorted by among the slots of others: its start, and a slug.
Named = tuple[datetime, str, Open, Interval]


def _named(one: Open, slots: Iterable[Interval]) -> Iterator[Named]:
    slug = one.candidate.slug
    return ((slot.start, slug, one, slot) for slot in slots)


def _first(
    found: Iterable[Iterator[Named]], limit: int, after: Place | None
) -> Iterator[tuple[Open, Interval]]:
    """The earliest of all, behind the place `after`.

    Merged while they are found: most instruments never have to look for a second slot.
    """
    behind = (each for each in merge(*found) if after is None or each[:2] > after)
    return ((one, slot) for _, _, one, slot in islice(behind, limit))


def closed_by(
    instruments: Sequence[Instrument], during: Interval
) -> defaultdict[int, list[Interval]]:
    """The blackouts of each of the instruments or its facility, by one statement."""
    closed: defaultdict[int, list[Interval]] = defaultdict(list)
    found = catalog.blackouts(instruments, during)
    for instrument in instruments:
        closed[instrument.id] = [
            blackout.interval
            for blackout in found
            if blackout.instrument_id == instrument.id
            or blackout.facility_id == instrument.facility_id
        ]
    return closed
