"""Reservations: asked for, moved, cancelled, decided – with their traces, or with none."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.accounts.models import Suspension, User
from app.audit.models import AuditRow
from app.catalog.models import Instrument, Technique
from app.db import db
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import (
    BookingRefused,
    Invalid,
    NotAllowed,
    NotFound,
    Stale,
    Taken,
    WrongState,
)
from app.mail.models import OutgoingMail
from app.reservations import deciding, services
from app.reservations.idempotency import Once
from app.reservations.models import Reservation, StandingApproval
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, statements


def booking(instrument, interval, **fields):
    fields.setdefault("purpose", "membrane imaging")
    return BookingRequest(instrument.slug, interval, **fields)


def reserve(user, instrument, interval, *, now=NOW, **fields):
    return services.request_reservation(user, booking(instrument, interval, **fields), now=now)


def count(table):
    return db.session.scalar(select(func.count()).select_from(table))


def templates():
    return sorted(db.session.scalars(select(OutgoingMail.template)))


def test_a_free_time_is_confirmed_at_once_where_nobody_must_agree(mina, microscope):
    made = reserve(mina, microscope, hours(1, 3))

    assert made.status is Status.CONFIRMED
    assert made.interval == hours(1, 3)
    assert made.institution_id == microscope.facility.institution_id


def test_a_reservation_leaves_an_audit_row_and_one_mail(mina, microscope):
    made = reserve(mina, microscope, hours(1, 3))

    row = db.session.scalars(select(AuditRow)).one()
    assert (row.action, row.subject, row.actor_id) == ("request-reservation", made.uid, mina.id)
    assert templates() == ["reservation_confirmed"]


def test_a_refusal_leaves_no_trace(mina, microscope):
    with pytest.raises(BookingRefused) as refused:
        reserve(mina, microscope, hours(-1, 9))

    assert [r.code for r in refused.value.refusals] == ["in-the-past", "longest"]
    assert [count(table) for table in (Reservation, AuditRow, OutgoingMail)] == [0, 0, 0]
    assert db.session.get(Instrument, microscope.id, populate_existing=True).calendar_version == 0


def test_a_taken_time_is_refused_with_what_stands_there_and_the_nearest_free_times(
    mina, jun, microscope
):
    reserve(mina, microscope, hours(1, 3))

    with pytest.raises(Taken) as refused:
        reserve(jun, microscope, hours(2, 4))

    assert [(t.interval, t.kind) for t in refused.value.taken] == [(hours(1, 3), "reservation")]
    assert [a.interval for a in refused.value.alternatives] == [
        hours(3, 5),
        hours(3.5, 5.5),
        hours(4, 6),
    ]


def test_alternatives_include_the_same_time_on_an_instrument_of_the_same_technique(mina, jun, app):

    technique = factories.save(Technique(slug="sem", name_ko="주사전자현미경", name_en="SEM"))
    one = factories.instrument(techniques=[technique])
    other = factories.instrument(techniques=[technique], facility=one.facility)
    reserve(mina, one, hours(1, 3))

    with pytest.raises(Taken) as refused:
        reserve(jun, one, hours(1, 3))

    assert refused.value.alternatives[-1].instrument == other.slug
    assert refused.value.alternatives[-1].interval == hours(1, 3)


def test_back_to_back_is_granted(mina, jun, microscope):
    reserve(mina, microscope, hours(1, 3))
    reserve(jun, microscope, hours(3, 4))
    reserve(jun, microscope, hours(0.5, 1))

    assert count(Reservation) == 3


def test_a_blackout_of_the_facility_stands_in_the_way_too(mina, microscope):
    factories.blackout(microscope, hours(5, 6), facility_id=microscope.facility_id)

    with pytest.raises(Taken) as refused:
        reserve(mina, microscope, hours(5, 7))

    assert [t.kind for t in refused.value.taken] == ["blackout"]


def test_a_room_for_three_holds_three_at_once_and_no_fourth(mina, app):
    room = factories.instrument(capacity=3)
    for _ in range(3):
        reserve(mina, room, hours(1, 3))

    with pytest.raises(Taken) as refused:
        reserve(mina, room, hours(2, 4))

    assert [r.code for r in refused.value.refusals] == ["capacity-full"]


def test_an_old_long_hold_is_seen_after_the_limit_was_shortened(mina, jun, app):
    instrument = factories.instrument(booking={"longest": "P5D", "shortest": "PT30M"})
    reserve(mina, instrument, hours(1, 100))
    instrument.booking = {**instrument.booking, "longest": "PT2H"}
    factories.save(instrument)

    with pytest.raises(Taken):
        reserve(jun, instrument, hours(90, 91))


def test_a_suspended_person_is_refused_with_the_reason(mina, microscope):

    factories.save(
        Suspension(user_id=mina.id, reason="세 번 노쇼", starts_at=NOW, ends_at=NOW + timedelta(7))
    )

    with pytest.raises(BookingRefused) as refused:
        reserve(mina, microscope, hours(1, 2))

    assert [r.code for r in refused.value.refusals] == ["suspended"]
    assert "세 번 노쇼" in refused.value.refusals[0].reason.ko


class TestApproval:
    @pytest.fixture
    def guarded(self, microscope):
        return factories.instrument(facility=microscope.facility, booking={"approval": "each"})

    def test_a_reservation_waits_and_its_managers_are_told(self, mina, sora, guarded):
        made = reserve(mina, guarded, hours(1, 3))

        assert made.status is Status.PENDING
        assert templates() == ["reservation_awaits", "reservation_requested"]

    def test_while_it_waits_it_holds_the_time(self, mina, jun, guarded):
        reserve(mina, guarded, hours(1, 3))
        with pytest.raises(Taken):
            reserve(jun, guarded, hours(1, 3))

    def test_the_manager_approves_and_the_holder_is_told(self, mina, sora, guarded):
        made = reserve(mina, guarded, hours(1, 3))
        approved = deciding.approve_reservation(sora, made.uid, now=NOW)

        assert (approved.status, approved.decided_by_id) == (Status.CONFIRMED, sora.id)
        assert "reservation_approved" in templates()

    def test_a_rejection_needs_a_reason_and_frees_the_time(self, mina, jun, sora, guarded):
        made = reserve(mina, guarded, hours(1, 3))
        with pytest.raises(Invalid):
            deciding.reject_reservation(sora, made.uid, reason=" ", now=NOW)
        deciding.reject_reservation(sora, made.uid, reason="not this week", now=NOW)

        assert reserve(jun, guarded, hours(1, 3)).status is Status.PENDING

    def test_it_is_decided_once(self, mina, sora, guarded):
        made = reserve(mina, guarded, hours(1, 3))
        deciding.approve_reservation(sora, made.uid, now=NOW)
        with pytest.raises(WrongState):
            deciding.reject_reservation(sora, made.uid, reason="no", now=NOW)

    def test_the_holder_cannot_approve_and_a_stranger_learns_nothing(
        self, mina, theo, sora, guarded
    ):
        made = reserve(mina, guarded, hours(1, 3))
        with pytest.raises(NotAllowed):
            deciding.approve_reservation(mina, made.uid, now=NOW)
        with pytest.raises(NotFound):
            deciding.approve_reservation(theo, made.uid, now=NOW)

    def test_approved_once_is_approved_for_good(self, mina, sora, microscope):
        once = factories.instrument(facility=microscope.facility, booking={"approval": "once"})
        first = reserve(mina, once, hours(1, 3))
        deciding.approve_reservation(sora, first.uid, now=NOW)
        second = reserve(mina, once, hours(5, 6))

        assert (first.uid != second.uid, second.status) == (True, Status.CONFIRMED)
        assert count(StandingApproval) == 1

    def test_a_moved_reservation_goes_back_to_the_manager(self, mina, sora, guarded):
        made = reserve(mina, guarded, hours(1, 3))
        deciding.approve_reservation(sora, made.uid, now=NOW)
        moved = services.change_reservation(mina, made.uid, Change(hours(4, 6)), now=NOW)

        assert moved.status is Status.PENDING


class TestChange:
    def test_moving_keeps_the_identity_and_raises_version_and_sequence(self, mina, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        moved = services.change_reservation(
            mina, made.uid, Change(hours(2, 4)), now=NOW + timedelta(minutes=1), version=1
        )

        assert (moved.uid, moved.interval) == (made.uid, hours(2, 4))
        assert (moved.version, moved.sequence) == (2, 1)

    def test_a_move_onto_another_is_refused_and_changes_nothing(self, mina, jun, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        reserve(jun, microscope, hours(4, 6))
        with pytest.raises(Taken):
            services.change_reservation(mina, made.uid, Change(hours(5, 7)), now=NOW)

        again = db.session.get(Reservation, made.id, populate_existing=True)
        assert (again.interval, again.version) == (hours(1, 3), 1)

    def test_a_stretch_past_the_longest_is_refused_like_a_new_one(self, mina, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        with pytest.raises(BookingRefused) as refused:
            services.change_reservation(mina, made.uid, Change(hours(1, 12)), now=NOW)
        assert [r.code for r in refused.value.refusals] == ["longest"]

    def test_whoever_is_slower_is_told(self, mina, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        services.change_reservation(mina, made.uid, Change(purpose="a"), now=NOW, version=1)
        with pytest.raises(Stale):
            services.change_reservation(mina, made.uid, Change(purpose="b"), now=NOW, version=1)

    def test_a_change_of_words_leaves_the_approval_alone(self, mina, sora, microscope):
        guarded = factories.instrument(facility=microscope.facility, booking={"approval": "each"})
        made = reserve(mina, guarded, hours(1, 3))
        deciding.approve_reservation(sora, made.uid, now=NOW)
        changed = services.change_reservation(mina, made.uid, Change(purpose="x"), now=NOW)

        assert (changed.purpose, changed.status) == ("x", Status.CONFIRMED)

    def test_nothing_changed_leaves_no_trace(self, mina, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        rows = count(AuditRow)
        services.change_reservation(mina, made.uid, Change(hours(1, 3)), now=NOW)

        assert (count(AuditRow), made.version) == (rows, 1)

    def test_somebody_elses_reservation_cannot_be_found(self, mina, theo, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        with pytest.raises(NotFound):
            services.change_reservation(theo, made.uid, Change(purpose="x"), now=NOW)


class TestCancel:
    def test_cancelling_frees_the_time_and_tells_the_holder(self, mina, jun, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        gone = services.cancel_reservation(mina, made.uid, now=NOW)

        assert (gone.status, gone.sequence) == (Status.CANCELLED, 1)
        assert "reservation_cancelled" in templates()
        assert reserve(jun, microscope, hours(1, 3)).status is Status.CONFIRMED

    def test_once_begun_only_the_manager_cancels(self, mina, sora, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        with pytest.raises(WrongState):
            services.cancel_reservation(mina, made.uid, now=NOW + timedelta(hours=1))
        services.cancel_reservation(sora, made.uid, now=NOW + timedelta(hours=1))

    def test_a_cancelled_one_stays_cancelled(self, mina, microscope):
        made = reserve(mina, microscope, hours(1, 3))
        services.cancel_reservation(mina, made.uid, now=NOW)
        with pytest.raises(WrongState):
            services.cancel_reservation(mina, made.uid, now=NOW)


class TestIdempotency:
    def send(self, user, instrument, *, body=b"{}", key="k-1", now=NOW):
        return services.request_reservation(
            user, booking(instrument, hours(60, 62)), now=now, once=Once(key, body)
        )

    def test_the_same_request_twice_is_one_reservation(self, mina, microscope):
        assert self.send(mina, microscope).uid == self.send(mina, microscope).uid
        assert count(Reservation) == 1

    def test_another_body_under_the_same_key_is_refused(self, mina, microscope):
        self.send(mina, microscope)
        with pytest.raises(Invalid):
            self.send(mina, microscope, body=b"{ }")

    def test_keys_of_two_people_do_not_meet(self, mina, jun, microscope):
        self.send(mina, microscope)
        with pytest.raises(Taken):
            self.send(jun, microscope)

    def test_the_key_is_remembered_for_a_day_and_more(self, mina, microscope):
        first = self.send(mina, microscope)
        assert self.send(mina, microscope, now=NOW + timedelta(hours=24)).uid == first.uid

    def test_nothing_is_kept_of_a_refused_request(self, mina, jun, microscope):
        other = reserve(jun, microscope, hours(60, 61))
        with pytest.raises(Taken):
            self.send(mina, microscope)
        services.cancel_reservation(jun, other.uid, now=NOW)

        assert self.send(mina, microscope, body=b"other").holder_id == mina.id


def test_versions_of_calendars_rise_with_every_change(mina, microscope):
    def versions():
        return (
            db.session.get(Instrument, microscope.id, populate_existing=True).calendar_version,
            db.session.get(User, mina.id, populate_existing=True).calendar_version,
        )

    made = reserve(mina, microscope, hours(1, 3))
    first = versions()
    services.cancel_reservation(mina, made.uid, now=NOW)

    assert all(after > before > 0 for before, after in zip(first, versions(), strict=True))


@pytest.mark.parametrize("since_start", [timedelta(0), timedelta(hours=1), timedelta(days=1)])
@pytest.mark.parametrize("who", ["mina", "sora"])
@pytest.mark.parametrize("change", [Change(hours(72, 74)), Change(purpose="something else")])
def test_what_has_begun_is_neither_moved_nor_rewritten(
    request, mina, microscope, who, change, since_start
):
    """Who never came could otherwise move the time away, and with it what is charged."""
    made = reserve(mina, microscope, hours(1, 3))
    later = made.interval.start + since_start

    with pytest.raises(WrongState):
        services.change_reservation(request.getfixturevalue(who), made.uid, change, now=later)

    assert db.session.get_one(Reservation, made.id, populate_existing=True).version == 1


def test_until_it_begins_it_may_be_moved(mina, microscope):
    made = reserve(mina, microscope, hours(1, 3))
    last = made.interval.start - timedelta(seconds=1)

    moved = services.change_reservation(mina, made.uid, Change(hours(72, 74)), now=last)

    assert moved.interval == hours(72, 74)


def test_a_reservation_takes_at_most_twelve_statements(mina, microscope):
    booked(mina, microscope, hours(5, 6))
    assert statements(lambda: booked(mina, microscope, hours(1, 3))) <= 12
