"""The laws under random use: come, gone, not come, waiting, offered, series, closures, time itself.

`test_laws` foretells each answer; here so much happens by itself that the machine only looks at
what the database has after each step, and asks whether it can be true. The planted faults show
that it would notice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from app.audit.models import AuditRow
from app.catalog.models import Blackout, BlackoutKind, Instrument
from app.db import db
from app.domain import use as rules_of_use
from app.domain.approval import HOLDING, Status
from app.domain.booking import BookingRequest
from app.domain.errors import DureError
from app.domain.interval import Interval
from app.domain.recurrence import Recurrence
from app.domain.waitlist import WaitState
from app.mail.models import OutgoingMail
from app.reservations import closures, deciding, jobs, offering, series, services, use, waitlist
from app.reservations.closures import Closure
from app.reservations.models import Offer, Reservation, Wait
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from app.reservations.waitlist import Wish
from tests import factories
from tests.factories import NOW
from tests.reservations.test_laws import as_if, silent

TICK = timedelta(minutes=10)  # of the clock; reservations begin on each third
SLOTS = st.integers(0, 12)
LENGTHS = st.integers(1, 4)
WHO = st.integers(0, 3)
WHICH = st.integers(0, 1)
ANY = st.integers(0, 99)
MINUTE = timedelta(minutes=1)  # no use is shorter
NEVER = NOW + timedelta(days=9999)
OVER = {Status.COMPLETED, Status.REJECTED, Status.CANCELLED, Status.NO_SHOW, Status.LAPSED}


class Use(RuleBasedStateMachine):
    """Three people and a manager at two instruments: one for one person, one for two."""

    @initialize()
    def begin(self) -> None:
        self.facility = factories.facility()
        home = self.facility.institution
        people = [factories.user(institution=home) for _ in range(3)]
        self.people = [*people, factories.user(institution=home, manages=self.facility)]
        self.instruments = [
            factories.instrument(facility=self.facility, booking={"check_in": "required"}),
            factories.instrument(
                facility=self.facility,
                capacity=2,
                booking={"check_in": "asked", "approval": "each"},
            ),
        ]
        self.now = NOW
        self.known: dict[str, tuple[Status, int]] = {}

    # What people do

    @rule(who=WHO, which=WHICH, slot=SLOTS, length=LENGTHS)
    def ask(self, who: int, which: int, slot: int, length: int) -> None:
        self._try(
            lambda: services.request_reservation(
                self.people[who], self._request(which, slot, length), now=self.now
            )
        )

    @rule(who=WHO, which=WHICH, slot=SLOTS, length=LENGTHS)
    def ask_for_three_days(self, who: int, which: int, slot: int, length: int) -> None:
        before = self._count(Reservation)
        repeat = Repeat(Recurrence.parse("FREQ=DAILY;COUNT=3"))
        made = self._try(
            lambda: series.request_series(
                self.people[who], self._request(which, slot, length), repeat, now=self.now
            )
        )
        assert self._count(Reservation) - before == (3 if made else 0)

    @rule(who=WHO, which=ANY, slot=SLOTS, length=LENGTHS)
    def move(self, who: int, which: int, slot: int, length: int) -> None:
        change = Change(self._interval(slot, length))
        self._with_one(
            which,
            lambda uid: services.change_reservation(self.people[who], uid, change, now=self.now),
        )

    @rule(who=WHO, which=ANY, of=st.sampled_from(Which))
    def cancel(self, who: int, which: int, of: Which) -> None:
        def end(uid: str) -> Any:
            user = self._holder(uid, who)
            if of is Which.THIS:
                return services.cancel_reservation(user, uid, now=self.now, reason="so")
            return series.cancel_series(user, uid, of, now=self.now, reason="so")

        self._with_one(which, end, {Status.PENDING, Status.CONFIRMED})

    @rule(which=ANY, agree=st.booleans())
    def decide(self, which: int, agree: bool) -> None:
        decide = deciding.approve_reservation if agree else deciding.reject_reservation
        self._with_one(
            which,
            lambda uid: decide(self.people[3], uid, now=self.now, reason="so"),
            {Status.PENDING},
        )

    @rule(which=ANY, who=WHO, when_it_begins=st.booleans())
    def come(self, which: int, who: int, when_it_begins: bool) -> None:
        """To the next few; some wait for the start, and their turn."""
        awaited = [each for each in self._all() if each.status is Status.CONFIRMED]
        awaited = sorted(awaited, key=lambda each: each.starts_at)[:3]
        if awaited:
            chosen = awaited[which % len(awaited)]
            uid, start = chosen.uid, chosen.starts_at
            if when_it_begins:
                self._until(max(self.now, start))
            self._try(lambda: use.check_in(self._holder(uid, who), uid, now=self.now, reason="so"))

    @rule(which=ANY, who=WHO)
    def go(self, which: int, who: int) -> None:
        self._with_one(
            which,
            lambda uid: use.check_out(self._holder(uid, who), uid, now=self.now, reason="so"),
            {Status.IN_USE},
        )

    @rule(which=ANY, who=WHO, length=LENGTHS)
    def stay(self, which: int, who: int, length: int) -> None:
        until = self._interval(0, length).end
        self._with_one(
            which,
            lambda uid: use.extend(self._holder(uid, who), uid, until, now=self.now, reason="so"),
            {Status.IN_USE},
        )

    @rule(who=WHO, which=ANY)
    def wait(self, who: int, which: int) -> None:
        """For time that somebody has."""
        held = [each for one in self.instruments for each in self._held(one)]
        if not held:
            return
        within = held[which % len(held)].interval
        slug = held[which % len(held)].instrument.slug
        self._try(
            lambda: waitlist.ask(
                self.people[who], Wish(within=within, instruments=[slug]), now=self.now
            )
        )

    @rule(which=ANY, who=WHO, take=st.booleans())
    def answer(self, which: int, who: int, take: bool) -> None:
        answer = waitlist.accept if take else waitlist.decline
        self._with_one(
            which,
            lambda uid: answer(self._holder(uid, who), uid, now=self.now),
            {Status.OFFERED},
        )

    @precondition(lambda self: self._waits())
    @rule(which=ANY)
    def wait_no_longer(self, which: int) -> None:
        waits = self._waits()
        wait = waits[which % len(waits)]
        user, uid = wait.user, wait.uid
        self._try(lambda: waitlist.withdraw(user, uid, now=self.now))

    @rule(which=st.sampled_from([None, 0, 1]), slot=SLOTS, length=LENGTHS)
    def close(self, which: int | None, slot: int, length: int) -> None:
        closure = Closure(
            interval=self._interval(slot, length),
            kind=BlackoutKind.MAINTENANCE,
            instrument_id=None if which is None else self.instruments[which].id,
        )
        self._try(lambda: closures.close_time(self.people[3], self.facility, closure, now=self.now))

    @precondition(lambda self: self._closed())
    @rule(which=ANY)
    def reopen(self, which: int) -> None:
        closed = self._closed()
        key = closed[which % len(closed)].id
        self._try(lambda: closures.reopen(self.people[3], self.facility, key, now=self.now))

    @rule(ticks=st.integers(1, 9), twice=st.booleans())
    def time_passes(self, ticks: int, twice: bool) -> None:
        self._until(self.now + ticks * TICK, times=1 + twice)

    # The laws

    @invariant()
    def never_more_than_fit_and_never_where_it_is_closed(self) -> None:
        closed = self._closed()
        for instrument in self.instruments:
            held = self._held(instrument)
            for tick in {each.starts_at for each in held}:
                at_once = [each for each in held if each.starts_at <= tick < each.ends_at]
                assert len(at_once) <= instrument.capacity
            for each in held:
                assert each.status is Status.COMPLETED or not any(
                    each.interval.overlaps(shut.interval)
                    for shut in closed
                    if shut.instrument_id in (None, instrument.id)
                )

    @invariant()
    def what_is_said_of_use_is_true(self) -> None:
        for each in self._all():
            match each.status:
                case Status.IN_USE:
                    assert (each.used_from or NEVER) <= self.now
                    assert each.used_until is None
                case Status.COMPLETED:
                    assert each.used_from < each.used_until
                    assert each.ends_at <= self.now + MINUTE, "time is kept that nobody uses"
                case Status.CONFIRMED:
                    assert each.no_show_at is None or each.no_show_at > self.now
                    assert each.used_from is None
                case _:
                    assert each.used_from is None
        on_the_first = [each for each in self._held(self.instruments[0]) if each.used_from]
        assert sum(each.status is Status.IN_USE for each in on_the_first) <= 1

    @invariant()
    def what_is_over_stays_over_and_calendars_see_each_change(self) -> None:
        found = {each.uid: (each.status, each.sequence) for each in self._all()}
        for uid, (was, sequence) in self.known.items():
            status, grown = found[uid]
            assert grown >= sequence
            if status is not was:
                assert was not in OVER
                assert grown > sequence
        self.known = found

    @invariant()
    def an_offer_is_open_as_long_as_it_holds_its_time(self) -> None:
        for offer in db.session.scalars(select(Offer)):
            reservation, wait = offer.reservation, offer.wait
            is_open = offer.outcome is None
            assert is_open == (reservation.status is Status.OFFERED)
            assert not is_open or wait.state is WaitState.OFFERED
            assert not is_open or offer.expires_at > self.now
            assert reservation.holder_id == wait.user_id
        for wait in self._waits():
            offers = [offer for offer in wait.offers if offer.outcome is None]
            assert len(offers) == (wait.state is WaitState.OFFERED)

    @invariant()
    def nobody_waits_for_what_is_free(self) -> None:
        for wait in self._waits():
            if wait.state is not WaitState.WAITING:
                continue
            assert wait.over_at > self.now, "waits for what has passed"
            [instrument] = wait.instruments
            if wait.offers or not self._is_free(instrument, wait):
                continue
            raise AssertionError(f"{wait.interval} is free")

    # Small words

    def _until(self, moment: datetime, times: int = 1) -> None:
        """Time passes; the worker does what became due, perhaps twice."""
        self.now = moment
        for _ in range(times):
            jobs.follow_use(moment)
            jobs.tend_waitlist(moment)

    def _try(self, do: Callable[[], Any]) -> Any:
        """Do it; what is refused leaves no trace."""
        before = self._traces()
        try:
            done = do()
        except DureError:
            db.session.rollback()
            assert self._traces() == before, "a refusal left a trace"
            return None
        db.session.rollback()
        return done or True

    def _with_one(
        self, which: int, do: Callable[[str], Any], states: set[Status] | None = None
    ) -> None:
        known = [uid for uid, (state, _) in self.known.items() if not states or state in states]
        if known:
            self._try(lambda: do(known[which % len(known)]))

    def _holder(self, uid: str, who: int) -> Any:
        """Mostly the holder; now and then somebody else, who may be the manager."""
        holder = db.session.scalars(select(Reservation).where(Reservation.uid == uid)).one().holder
        return holder if who < 3 else self.people[3]

    def _interval(self, slot: int, length: int) -> Interval:
        half_hour = 3 * TICK
        grid = NOW + ((self.now - NOW) // half_hour) * half_hour
        start = grid + slot * half_hour
        return Interval(start, start + length * half_hour)

    def _request(self, which: int, slot: int, length: int) -> BookingRequest:
        slug = self.instruments[which].slug
        return BookingRequest(slug, self._interval(slot, length), purpose="work")

    def _is_free(self, instrument: Instrument, wait: Wait) -> bool:
        """Whether the person who waits could have it: free on it, and no closure."""
        held = [each for each in self._held(instrument) if each.interval.overlaps(wait.interval)]
        instants = [wait.starts_at, *(each.starts_at for each in held)]
        full = any(
            sum(each.starts_at <= tick < each.ends_at for each in held) >= instrument.capacity
            for tick in instants
            if wait.starts_at <= tick
        )
        return not full and not any(
            shut.interval.overlaps(wait.interval) and shut.instrument_id in (None, instrument.id)
            for shut in self._closed()
        )

    def _held(self, instrument: Instrument) -> list[Reservation]:
        return [
            each
            for each in self._all()
            if each.instrument_id == instrument.id and each.status in HOLDING
        ]

    def _all(self) -> list[Reservation]:
        ids = [each.id for each in self.instruments]
        return list(
            db.session.scalars(select(Reservation).where(Reservation.instrument_id.in_(ids)))
        )

    def _waits(self) -> list[Wait]:
        states = [WaitState.WAITING, WaitState.OFFERED]
        mine = [each.id for each in self.people]
        return list(
            db.session.scalars(
                select(Wait).where(Wait.state.in_(states), Wait.user_id.in_(mine)).order_by(Wait.id)
            )
        )

    def _closed(self) -> list[Blackout]:
        return list(
            db.session.scalars(
                select(Blackout)
                .where(
                    Blackout.lifted_at.is_(None),
                    (Blackout.facility_id == self.facility.id)
                    | Blackout.instrument_id.in_([each.id for each in self.instruments]),
                )
                .order_by(Blackout.id)
            )
        )

    def _count(self, table: Any) -> int:
        return int(db.session.scalar(select(func.count()).select_from(table)) or 0)

    def _traces(self) -> list[Any]:
        versions = select(Instrument.calendar_version).order_by(Instrument.id)
        return [
            *(self._count(table) for table in (AuditRow, OutgoingMail, Reservation, Wait, Offer)),
            *db.session.scalars(versions),
        ]


CALM = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_however_it_is_used_the_laws_hold(app):
    run_state_machine_as_test(Use, settings=CALM)


FAULTS = {
    "freed time is not offered": silent(offering, "freed"),
    "an offer that nobody answered stays": silent(offering, "end_offers"),
    "what is accepted is still offered": silent(offering, "close"),
    "one waits for what has passed": silent(offering, "end_waiting"),
    "nobody ever fails to come": as_if(use, "release_missed", lambda *_: 0),
    "two are at it at once": silent(use, "_close_what_is_over"),
    "who goes early keeps the time": as_if(rules_of_use, "hold_after", lambda held, _: held),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_planted_fault_of_use_is_noticed(app, monkeypatch, fault):
    FAULTS[fault](monkeypatch)
    hunting = settings(CALM, max_examples=400, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(Exception, match=r".") as noticed:
        run_state_machine_as_test(Use, settings=hunting)
    assert not isinstance(noticed.value, DureError)
