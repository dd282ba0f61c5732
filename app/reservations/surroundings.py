"""What stands around the dates of a series: read once, so that no date costs a statement."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter

from sqlalchemy import bindparam, select

from app.accounts.models import User
from app.accounts.suspensions import in_force
from app.catalog.models import Instrument
from app.catalog.policy import affiliation_on, open_spans, policy_of, zone_of
from app.db import db
from app.domain.availability import free_spans, nearest_slots
from app.domain.booking import BookingFacts, BookingRequest, Mode, TwoPlaces
from app.domain.booking_facts import Linked
from app.domain.errors import Text
from app.domain.interval import Interval, common
from app.domain.local_time import day_of
from app.domain.operators import Duty
from app.domain.paying import NOT_CHARGED
from app.domain.quota import Counted
from app.domain.quota_rules import counting_span
from app.domain.training import UNTRAINED
from app.reservations import availability, duties, paying, queries
from app.reservations.linked import Along
from app.reservations.models import Reservation
from app.reservations.queries import AlreadyHeld
from app.training.qualification import qualifications

#: As far from its own time as a date may be shifted, and how many times are tried.
NEAR = timedelta(days=3)
_TRIES = 16

_HELD = select(
    Reservation.id,
    Reservation.starts_at,
    Reservation.ends_at,
    Reservation.holder_id,
    Reservation.institution_id,
    Reservation.group_id,
    Reservation.mode,
).where(
    Reservation.instrument_id == bindparam("instrument"),
    queries.HOLDS,
    Reservation.starts_at > bindparam("earliest"),
    Reservation.starts_at < bindparam("end"),
    Reservation.ends_at > bindparam("start"),
)


class Surroundings:
    """The facts of any time within `span` for one person on one instrument.

    Reservations whose ids are in `besides` are being moved and stand in nobody's way. What is
    reserved `along` has surroundings of its own, in which each date holds its time, too.
    """

    def __init__(  # noqa: PLR0913 – all that the facts of a date depend on
        self,
        instrument: Instrument,
        user: User,
        span: Interval,
        *,
        now: datetime,
        besides: Collection[int] = (),
        group: int | None = None,
        asked: BookingRequest | None = None,
        along: Sequence[Along] = (),
    ) -> None:
        self.instrument, self.user, self.now, self.group = instrument, user, now, group
        self.policy, self.zone = policy_of(instrument), zone_of(instrument)
        wide = Interval(span.start - NEAR, span.end + NEAR)
        affiliation = affiliation_on(user, day_of(now, self.zone))
        self.institution_id = affiliation.institution_id if affiliation else None
        self.counted = self._read(wide, besides)
        self.starts = [each.interval.start for each in self.counted]
        around = Interval(wide.start - self.policy.around, wide.end + self.policy.around)
        self.blackouts = availability.closed_by([instrument], around)[instrument.id]
        warned = self.policy.two_places is not TwoPlaces.ALLOW
        self.elsewhere = queries.elsewhere_of(instrument, user, wide) if warned else ()
        self.suspensions = in_force(user.id, now=now)
        self.contracts = queries.contracts_for(instrument, user, now=now)
        self.owed = queries.owed_by(instrument, user, now=now)
        self.charging = paying.charging_of(instrument, user, asked, now=now, besides=besides)
        self.duties = duties.around(instrument, wide, besides=besides)
        self.learned = qualifications(user, [instrument], now=now).get(instrument.id, UNTRAINED)
        self.along = [
            (each, Surroundings(each.instrument, user, span, now=now, besides=besides, group=group))
            for each in along
        ]

    @property
    def together(self) -> list[Instrument]:
        """All that a date holds."""
        return [self.instrument, *(each.instrument for each, _ in self.along)]

    def _read(self, wide: Interval, besides: Collection[int]) -> list[Counted]:
        """All that holds the instrument, as far as the way or a quota asks; earliest first."""
        policy = self.policy
        read = Interval(wide.start - policy.around, wide.end + policy.around)
        read = read.joined(counting_span(policy, wide, now=self.now, zone=self.zone))
        rows = db.session.execute(
            _HELD,
            {
                "instrument": self.instrument.id,
                "start": read.start,
                "end": read.end,
                "earliest": read.start - self.instrument.longest_hold,
            },
        )
        return [
            replace(
                self._counted(Interval(start, end), holder == self.user.id, institution, group),
                present=mode is not Mode.COMMISSIONED,
            )
            for id_, start, end, holder, institution, group, mode in sorted(rows, key=itemgetter(1))
            if id_ not in besides
        ]

    def _counted(
        self, interval: Interval, mine: bool, institution_id: int | None, group: int | None
    ) -> Counted:
        return Counted(
            interval,
            same_person=mine,
            same_institution=self.institution_id is not None
            and institution_id == self.institution_id,
            of_owner=institution_id == self.instrument.facility.institution_id,
            same_group=queries.same_group(self.group, group, mine=mine),
        )

    def _near(self, span: Interval) -> list[Counted]:
        """What is held and overlaps `span`, found without looking through all."""
        first = bisect_left(self.starts, span.start - self.instrument.longest_hold)
        last = bisect_left(self.starts, span.end)
        return [each for each in self.counted[first:last] if each.interval.overlaps(span)]

    def facts(self, interval: Interval, placed: Sequence[Interval]) -> BookingFacts:
        """The facts of one date, where `placed` are other dates of the series."""
        around = self.policy.occupied(interval)
        wide = Interval(interval.start - self.policy.around, interval.end + self.policy.around)
        held = [each.interval for each in self._near(wide)]
        held += [each for each in placed if each.overlaps(wide)]
        counted: list[Counted] = []
        if during := counting_span(self.policy, interval, now=self.now, zone=self.zone):
            counted = self._near(during)
            counted += [
                self._counted(each, True, self.institution_id, self.group)
                for each in placed
                if each.overlaps(during)
            ]
        charged = self.charging.at(interval, placed) if self.charging else NOT_CHARGED
        elsewhere = tuple(each for each in self.elsewhere if each.overlaps(interval))
        facts = queries.facts_of(
            self.instrument,
            self.user,
            interval,
            (held, [each for each in self.blackouts if each.overlaps(around)]),
            self.suspensions,
            self.now,
            AlreadyHeld(tuple(counted), elsewhere, self.contracts, self.owed, charged),
            self.learned,
        )
        if self.duties:
            facts = replace(facts, operators=self._operators(interval, placed))
        return replace(facts, linked=self._linked(interval, placed)) if self.along else facts

    def _linked(self, interval: Interval, placed: Sequence[Interval]) -> tuple[Linked, ...]:
        return tuple(
            Linked(
                each.instrument.slug,
                Text(each.instrument.name_ko, each.instrument.name_en),
                around.facts(interval, placed),
                each.accessory,
            )
            for each, around in self.along
        )

    def _operators(self, interval: Interval, placed: Sequence[Interval]) -> tuple[Duty, ...]:
        """Without as many who are free as other dates of the series take in that time."""
        met = sum(each.overlaps(interval) for each in placed)
        taken = [each for each in self.duties if each.free_for(interval)][:met]
        return tuple(each for each in self.duties if each not in taken)

    def nearest(self, interval: Interval, placed: Sequence[Interval]) -> Iterable[Interval]:
        """Free times as long as `interval` within a few days of it, the nearest first."""
        first = max(interval.start - NEAR, self.now)
        last = interval.end + NEAR
        if first >= last:
            return []
        window = Interval(first, last)
        spans = self.free(window, placed)
        for _, around in self.along:
            spans = list(common(spans, around.free(window, placed)))
        found = nearest_slots(
            interval,
            spans,
            self.policy.slot,
            self.zone,
            not_before=self.now + self.policy.latest,
            count=_TRIES,
        )
        return [slot for slot in found if slot.duration == interval.duration]

    def free(self, window: Interval, placed: Sequence[Interval]) -> list[Interval]:
        """The spans in which one more reservation fits on this one instrument."""
        return free_spans(
            open_spans(self.instrument, window),
            [each.interval for each in self._near(window)] + list(placed),
            self.blackouts,
            self.instrument.capacity,
            setup=self.policy.setup,
            cleanup=self.policy.cleanup,
        )
