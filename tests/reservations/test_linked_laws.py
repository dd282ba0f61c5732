"""Whatever people do, in whatever order: no main reservation stands without its companions."""

import contextlib
from datetime import timedelta

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
from sqlalchemy import select

from app.catalog.models import BlackoutKind
from app.db import db
from app.domain.approval import HOLDING
from app.domain.booking import BookingRequest
from app.domain.errors import DureError
from app.domain.interval import Interval, fullest
from app.domain.recurrence import Recurrence
from app.domain.series import OnConflict
from app.reservations import closures, deciding, series, services, steps, use
from app.reservations.closures import Closure
from app.reservations.giving_way import Answer, Way
from app.reservations.models import Reservation
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW

HOUR = timedelta(hours=1)
WHICH = st.integers(0, 3)
STARTS = st.integers(0, 12)
ANY = st.integers(0, 99)


class Sharing(RuleBasedStateMachine):
    """Two instruments that need one room, an accessory of both, and the room by itself."""

    @initialize()
    def begin(self) -> None:
        place = factories.facility()
        asked = {"check_in": "required"}
        self.room = factories.instrument(facility=place, booking=asked)
        self.stage = factories.instrument(facility=place)
        needs, more = [self.room.slug], [self.stage.slug]
        self.mains = [
            factories.instrument(facility=place, needs=needs, accessories=more, booking=asked),
            factories.instrument(
                facility=place, needs=needs, accessories=more, booking={"approval": "each"}
            ),
        ]
        self.all = [*self.mains, self.room, self.stage]
        self.mina = factories.user(institution=place.institution)
        self.sora = factories.user(institution=place.institution, manages=place)
        self.place, self.hours = place, 0

    def _now(self):
        return NOW + self.hours * HOUR

    def _span(self, start: int, length: int) -> Interval:
        first = self._now() + start * HOUR
        return Interval(first, first + length * HOUR)

    def _try(self, do) -> None:
        with contextlib.suppress(DureError):
            do()
        db.session.rollback()

    def _some(self, which: int) -> Reservation:
        rows = self._rows()
        return rows[which % len(rows)]

    def _rows(self):
        ours = [each.id for each in self.all]
        return db.session.scalars(
            select(Reservation)
            .where(Reservation.instrument_id.in_(ours))
            .order_by(Reservation.id)
            .execution_options(populate_existing=True)
        ).all()

    @rule(which=WHICH, start=STARTS, length=st.integers(1, 3), more=st.booleans())
    def ask(self, which: int, start: int, length: int, more: bool) -> None:
        thing = self.all[which]
        chosen = (self.stage.slug,) if more and which < 2 else ()
        request = BookingRequest(
            thing.slug, self._span(start, length), purpose="work", accessories=chosen
        )
        self._try(lambda: services.request_reservation(self.mina, request, now=self._now()))

    @precondition(lambda self: self._rows())
    @rule(which=ANY, start=STARTS, length=st.integers(1, 3))
    def move(self, which: int, start: int, length: int) -> None:
        uid, to = self._some(which).uid, Change(self._span(start, length))
        self._try(lambda: services.change_reservation(self.mina, uid, to, now=self._now()))

    @rule(which=WHICH, start=STARTS, way=st.sampled_from(OnConflict))
    def repeat(self, which: int, start: int, way: OnConflict) -> None:
        request = BookingRequest(self.all[which].slug, self._span(start, 2), purpose="work")
        repeat = Repeat(Recurrence.parse("FREQ=DAILY;COUNT=3"), way)
        self._try(lambda: series.request_series(self.mina, request, repeat, now=self._now()))

    @precondition(lambda self: self._rows())
    @rule(which=ANY, start=STARTS, of=st.sampled_from(Which))
    def move_dates(self, which: int, start: int, of: Which) -> None:
        uid, to = self._some(which).uid, Change(self._span(start, 2))
        self._try(lambda: series.change_series(self.mina, uid, of, to, now=self._now()))

    @precondition(lambda self: self._rows())
    @rule(which=ANY, of=st.sampled_from(Which))
    def cancel_dates(self, which: int, of: Which) -> None:
        uid = self._some(which).uid
        self._try(lambda: series.cancel_series(self.mina, uid, of, now=self._now()))

    @precondition(lambda self: self._rows())
    @rule(which=ANY, deed=st.sampled_from(["cancel", "approve", "reject", "in", "out", "longer"]))
    def do(self, which: int, deed: str) -> None:
        row, now = self._some(which), self._now()
        uid, later = row.uid, row.ends_at + HOUR
        deeds = {
            "cancel": lambda: services.cancel_reservation(self.mina, uid, now=now),
            "approve": lambda: deciding.approve_reservation(self.sora, uid, now=now),
            "reject": lambda: deciding.reject_reservation(self.sora, uid, now=now, reason="so"),
            "in": lambda: use.check_in(self.mina, uid, now=now),
            "out": lambda: use.check_out(self.mina, uid, now=now),
            "longer": lambda: use.extend(self.mina, uid, later, now=now),
        }
        self._try(deeds[deed])

    @rule(which=WHICH, start=STARTS, way=st.sampled_from([Way.CANCEL, Way.MOVE]))
    def close(self, which: int, start: int, way: Way) -> None:
        thing, span = self.all[which], self._span(start, 1)
        hit = closures.reserved_during([thing], [span], now=self._now())
        answers = {each.uid: Answer(way, each.version, span.end + 3 * HOUR) for each in hit}
        closure = Closure(interval=span, kind=BlackoutKind.MAINTENANCE, instrument_id=thing.id)
        self._try(
            lambda: closures.close_time(
                self.sora, self.place, closure, now=self._now(), answers=answers
            )
        )

    @rule(hours=st.integers(1, 3))
    def wait(self, hours: int) -> None:
        self.hours += hours
        use.release_missed(self._now(), bool)
        use.close_forgotten(self._now(), bool)

    @invariant()
    def nothing_stands_half(self) -> None:
        rows = self._rows()
        names = {each.id: each.slug for each in self.all}
        mains = {row.uid: row for row in rows if not row.is_companion}
        for row in mains.values():
            thing = next(each for each in self.all if each.id == row.instrument_id)
            beside = [each for each in rows if each.is_companion and each.bundle == row.uid]
            assert {*thing.needs} <= {names[each.instrument_id] for each in beside}
            for each in beside:
                assert (each.interval, each.status, each.used_from, each.used_until) == (
                    *(row.interval, row.status),
                    *(row.used_from, row.used_until),
                )
        assert all(row.bundle in mains for row in rows if row.is_companion)

    @invariant()
    def nobody_meets_anybody(self) -> None:
        for thing in self.all:
            held = [
                row.interval
                for row in self._rows()
                if row.instrument_id == thing.id and row.status in HOLDING
            ]
            assert all(fullest(held, each) == 1 for each in held)


CALM = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
def test_no_main_reservation_stands_without_its_companions(app):
    run_state_machine_as_test(Sharing, settings=CALM)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_companions_that_do_not_follow_are_noticed(app, monkeypatch):
    """If this fails, the test above proves nothing."""
    monkeypatch.setattr(steps.linked, "follow", lambda *_: None)
    # What it found is not made smaller: that takes minutes, and nobody reads it.
    hunting = settings(CALM, max_examples=400, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Sharing, settings=hunting)
