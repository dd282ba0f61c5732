"""What calendars tell to whom, what is free, and at what price in statements."""

from datetime import timedelta

import pytest

from app.accounts.models import User
from app.catalog.models import Blackout, BlackoutKind, Instrument
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import UseScope, UseState
from app.domain.interval import Interval
from app.reservations import free_times, schedule, services
from app.reservations.free_times import free_today, next_free
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, statements

WEEK = hours(-24, 7 * 24)


def told(instruments, viewer, during=WEEK):
    return schedule.busy(instruments, during, viewer, now=NOW)


class TestWhatAReaderLearns:
    @pytest.fixture
    def of_mina(self, mina, microscope):
        return booked(mina, microscope, hours(1, 3), purpose="비밀 과제")

    def test_the_holder_sees_the_purpose_and_may_move_it(self, of_mina, mina, microscope):
        (mine,) = told([microscope], mina)
        assert (mine.purpose, mine.mine, mine.editable) == ("비밀 과제", True, True)
        assert (mine.uid, mine.version) == (of_mina.uid, 1)

    def test_the_manager_sees_who_and_what_for(self, of_mina, sora, microscope):
        (seen,) = told([microscope], sora)
        assert (seen.title.ko, seen.purpose, seen.mine) == ("김미나", "비밀 과제", False)
        assert seen.uid == of_mina.uid

    def test_somebody_of_the_same_institution_sees_the_name_alone(self, of_mina, jun, microscope):
        (seen,) = told([microscope], jun)
        assert seen.title.ko == "김미나"
        assert (seen.purpose, seen.uid, seen.status, seen.editable) == ("", None, None, False)

    def test_another_institution_sees_the_institution_alone(self, of_mina, theo, microscope):
        (seen,) = told([microscope], theo)
        assert (seen.title.ko, seen.title.en) == ("한국과학기술원 예약", "Reserved: KAIST")
        assert (seen.purpose, seen.uid, seen.version) == ("", None, None)

    def test_who_is_not_signed_in_sees_that_it_is_reserved(self, of_mina, microscope):
        (seen,) = told([microscope], None)
        assert (seen.title, seen.purpose, seen.uid) == (schedule.RESERVED, "", None)

    def test_a_manager_of_another_facility_is_told_no_more_than_anyone(self, of_mina, microscope):
        elsewhere = factories.user(institution=factories.cnu(), manages=factories.facility())
        (seen,) = told([microscope], elsewhere)
        assert (seen.title.en, seen.purpose) == ("Reserved: KAIST", "")

    def test_an_account_that_is_switched_off_learns_nothing_by_right(
        self, of_mina, sora, microscope
    ):
        with transaction():
            db.session.get_one(User, sora.id).active = False
        (seen,) = told([microscope], db.session.get_one(User, sora.id))
        assert seen.purpose == ""


def test_what_has_begun_cannot_be_moved(mina, microscope):
    booked(mina, microscope, hours(0, 2))
    assert [each.editable for each in told([microscope], mina)] == [False]


def test_what_was_cancelled_is_not_shown(mina, microscope):
    made = booked(mina, microscope, hours(1, 3))
    services.cancel_reservation(mina, made.uid, now=NOW)
    assert told([microscope], mina) == []


def test_what_waits_for_approval_holds_and_is_said_to_wait(mina, guarded):
    booked(mina, guarded, hours(1, 3))
    assert [each.status for each in told([guarded], mina)] == [Status.PENDING]


def test_a_closure_of_the_facility_is_shown_on_each_of_its_instruments(microscope, guarded):
    factories.blackout(
        microscope, hours(5, 6), facility_id=microscope.facility_id, reason_ko="정전"
    )
    factories.blackout(guarded, hours(8, 9), kind=BlackoutKind.FAULT, reason_en="leak")
    seen = told([microscope, guarded], None)

    assert [each.instrument_id for each in seen] == [microscope.id, guarded.id, guarded.id]
    assert [each.title.ko for each in seen] == ["점검: 정전", "점검: 정전", "고장: leak"]


def test_out_of_order_without_a_known_end_is_shown_to_the_end_of_what_is_asked(microscope, guarded):
    with transaction():
        db.session.get_one(Instrument, microscope.id).out_of_order_since = NOW
    (seen,) = told([microscope, guarded], None)
    assert (seen.instrument_id, seen.interval) == (microscope.id, Interval(NOW, WEEK.end))
    assert (seen.kind, seen.title.en, seen.no_end) == (
        "blackout", "Out of order: no end known", True,
    )  # fmt: skip
    assert told([microscope], None, hours(-24, 0)) == [], "it worked until then"


def test_a_lifted_closure_is_not_shown(microscope):
    closed = factories.blackout(microscope, hours(5, 6))
    with transaction():
        db.session.get_one(Blackout, closed.id).lifted_at = NOW
    assert told([microscope], None) == []


def test_what_only_touches_the_window_is_left_out(mina, microscope):
    booked(mina, microscope, hours(1, 3))
    assert told([microscope], mina, hours(3, 5)) == []
    assert len(told([microscope], mina, hours(2.5, 5))) == 1


def test_a_month_long_stay_is_seen_in_a_day_near_its_end(mina, app):
    housing = factories.instrument(booking={"longest": "P40D", "shortest": "P1D"})
    lab = factories.instrument()
    booked(mina, housing, hours(15, 15 + 24 * 30))
    both = [
        db.session.get_one(Instrument, each.id, populate_existing=True) for each in (housing, lab)
    ]
    assert len(told(both, mina, hours(24 * 30, 24 * 30 + 5))) == 1


def test_the_number_of_statements_does_not_grow_with_instruments(mina, theo, app):
    place = factories.facility()
    many = [factories.instrument(facility=place) for _ in range(40)]
    for each in many[:20]:
        booked(mina, each, hours(1, 3))
    db.session.expire_all()

    def ask(instruments):
        db.session.rollback()
        viewer = db.session.get_one(User, theo.id, populate_existing=True)
        loaded = [viewer.grants, viewer.affiliations]
        loaded += [(each.facility.institution, each.longest_hold) for each in instruments]
        assert loaded
        return statements(lambda: told(instruments, viewer))

    assert ask(many[:1]) == ask(many) == 2


class TestNextFree:
    def test_slots_of_an_hour_side_by_side_by_day_a_third_of_them_a_day(self, microscope):
        # It is 18:00 in Daejeon: 9:00 is 15 hours away.
        assert next_free(microscope, None, now=NOW, count=5) == [
            hours(n, n + 1) for n in (15, 16, 39, 40, 63)
        ]

    def test_what_is_held_or_closed_is_stepped_over(self, mina, microscope):
        booked(mina, microscope, hours(15, 17))
        factories.blackout(microscope, hours(17.5, 18))
        found = next_free(microscope, None, now=NOW, count=4)
        assert found[:2] == [hours(18, 19), hours(19, 20)]

    def test_it_keeps_to_opening_hours_and_notice(self, app):
        instrument = factories.instrument(
            opening_hours={"mon-fri": ["09:00-18:00"]}, booking={"latest": "PT24H"}
        )
        # Monday 18:00 in Daejeon: with a day's notice, Wednesday at 9 is the first.
        assert next_free(instrument, None, now=NOW, count=1) == [hours(39, 40)]

    def test_the_length_is_as_near_to_an_hour_as_the_instrument_allows(self, app):
        short = factories.instrument(booking={"longest": "PT30M"})
        long = factories.instrument(booking={"shortest": "PT4H"})
        assert [each.duration for each in next_free(short, None, now=NOW, count=1)] == [
            timedelta(minutes=30)
        ]
        assert next_free(long, None, now=NOW, count=1)[0].duration == timedelta(hours=4)

    def test_what_is_offered_may_be_booked(self, mina, app):
        instrument = factories.instrument(
            opening_hours={"mon-fri": ["09:00-12:00", "13:00-17:30"]},
            booking={"slot": "PT20M", "shortest": "PT50M", "earliest": "P7D", "latest": "PT2H"},
        )
        for slot in next_free(instrument, mina, now=NOW, count=50):
            booked(mina, instrument, slot)

    def test_nothing_beyond_the_booking_window(self, app):
        instrument = factories.instrument(booking={"earliest": "PT5H"})
        found = next_free(instrument, None, now=NOW, count=50)
        assert found[-1].start == NOW + timedelta(hours=5)

    def test_nothing_of_what_is_not_in_use(self, app):
        idle = factories.instrument(use_state=UseState.IDLE)
        gone = factories.instrument(retired_at=NOW)
        assert next_free(idle, None, now=NOW) == next_free(gone, None, now=NOW) == []

    def test_a_private_instrument_is_free_only_for_its_own_institution(self, mina, theo):
        private = factories.instrument(use_scope=UseScope.PRIVATE_USE)
        assert [bool(next_free(private, who, now=NOW)) for who in (None, theo, mina)] == [
            False,
            False,
            True,
        ]


class TestFreeToday:
    def test_an_instrument_with_a_slot_left_is_free_today(self, microscope):
        assert free_today(NOW) == {microscope.id}

    def test_reserved_until_midnight_is_not(self, mina, microscope):
        booked(mina, microscope, hours(0, 6))
        assert free_today(NOW) == set()

    def test_half_an_hour_before_midnight_is_enough(self, mina, microscope):
        booked(mina, microscope, hours(0, 5.5))
        assert free_today(NOW) == {microscope.id}

    def test_a_room_for_two_with_one_inside_is_free(self, mina, app):
        room = factories.instrument(capacity=2)
        booked(mina, room, hours(0, 6))
        assert room.id in free_today(NOW)

    def test_closed_idle_retired_and_out_of_hours_are_not(self, app):
        place = factories.facility()
        closed = factories.instrument(facility=place)
        factories.blackout(closed, hours(-1, 30), facility_id=place.id)
        factories.instrument(use_state=UseState.DISUSED)
        factories.instrument(retired_at=NOW)
        factories.instrument(opening_hours={"daily": ["09:00-18:00"]})
        factories.instrument(booking={"latest": "P1D"})
        assert free_today(NOW) == set()

    def test_today_is_the_facilitys_own(self, app):
        # In New York it is four in the morning.
        there = factories.facility(
            timezone="America/New_York", opening_hours={"daily": ["09:00-10:00"]}
        )
        instrument = factories.instrument(facility=there)
        assert free_today(NOW) == {instrument.id}

    def test_few_statements_for_many_instruments(self, app):
        for _ in range(12):
            factories.instrument()
        db.session.rollback()
        db.session.expunge_all()
        assert statements(lambda: free_today(NOW)) == 3


def test_the_catalogue_can_ask_by_name(app, microscope):
    assert app.extensions["dure-free-today"] is free_times.free_today
