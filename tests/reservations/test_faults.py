"""Faults: reported by anyone, decided and closed by managers, and known before one reserves."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.audit.models import AuditRow
from app.catalog.models import Blackout, Fault, Instrument, MaintenanceEntry
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Taken, WrongState
from app.domain.maintenance import Condition, Result, Severity
from app.mail.models import OutgoingMail
from app.reservations import faults, maintenance, services
from app.reservations.faults import Decision
from app.reservations.free_times import free_today, next_free
from app.reservations.giving_way import Answer, StillReserved, Way
from app.reservations.maintenance import Work
from app.reservations.models import Reservation
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

OUT = Severity.OUT_OF_ORDER


def report(user, instrument, severity=OUT, description="레이저가 켜지지 않음"):
    return faults.report_fault(
        user, instrument.slug, severity=severity, description=description, now=NOW
    )


def decide(user, instrument, fault, severity=OUT, until=None, **more):
    decision = Decision(severity=severity, until=until)
    return faults.decide_fault(user, instrument.slug, fault.id, decision, now=NOW, **more)


def work(**fields):
    fields.setdefault("person_in_charge", "박소라")
    fields.setdefault("happened_at", NOW)
    fields.setdefault("condition", Condition.MALFUNCTION)
    fields.setdefault("content", "전원부 교체")
    fields.setdefault("result", Result.RUNNING)
    return Work(**fields)


def close(user, instrument, fault, **fields):
    return faults.close_fault(user, instrument.slug, fault.id, work(**fields), now=NOW)


def again(row):
    db.session.rollback()
    return db.session.get_one(type(row), row.id, populate_existing=True)


def templates():
    return sorted(db.session.scalars(select(OutgoingMail.template)))


class TestReporting:
    def test_managers_are_told_and_the_instrument_stays_open(self, mina, sora, microscope):
        report(mina, microscope)
        (mail,) = db.session.scalars(select(OutgoingMail)).all()
        assert (mail.recipient, mail.template) == (sora.email, "fault_reported")
        booked(mina, microscope, hours(5, 6))

    def test_it_closes_at_once_where_the_facility_says_so(self, mina, sora):
        own = factories.instrument(booking={"fault_stops": True})
        report(mina, own, Severity.USABLE)
        booked(mina, own, hours(5, 6))
        report(mina, own)
        with pytest.raises(BookingRefused) as refused:
            booked(mina, own, hours(7, 8))
        assert [each.code for each in refused.value.refusals] == ["instrument-faulty"]

    def test_a_guest_cannot_and_an_empty_one_is_refused(self, mina, microscope):
        with pytest.raises(Invalid) as wrong:
            report(mina, microscope, description="  ")
        assert set(wrong.value.fields) == {"description"}
        with transaction():
            db.session.get_one(type(mina), mina.id).active = False
        with pytest.raises(NotAllowed):
            report(mina, microscope)


class TestOutOfOrder:
    @pytest.fixture
    def fault(self, mina, sora, microscope):
        return report(mina, microscope)

    def test_without_an_end_nobody_can_reserve_and_no_manager_sets_it_aside(
        self, fault, mina, sora, microscope
    ):
        decide(sora, microscope, fault)
        for who, override in ((mina, ""), (sora, "급함")):
            with pytest.raises(BookingRefused) as refused:
                services.request_reservation(
                    who,
                    services.BookingRequest(microscope.slug, hours(300, 301), purpose="x"),
                    now=NOW,
                    override=override,
                )
            assert [each.code for each in refused.value.refusals] == ["instrument-faulty"]

    def test_no_free_time_is_offered_meanwhile(self, fault, mina, sora, microscope):
        assert microscope.id in free_today(NOW)
        decide(sora, microscope, fault)
        instrument = db.session.get_one(Instrument, microscope.id)
        assert next_free(instrument, mina, now=NOW) == []
        assert microscope.id not in free_today(NOW)

    def test_with_an_end_it_is_closed_until_then(self, fault, mina, sora, microscope):
        decide(sora, microscope, fault, until=hours(0, 24).end)
        with pytest.raises(Taken):
            booked(mina, microscope, hours(20, 22))
        booked(mina, microscope, hours(24, 25))

    def test_another_end_takes_the_place_of_the_first(self, fault, mina, sora, microscope):
        decide(sora, microscope, fault, until=hours(0, 24).end)
        decide(sora, microscope, fault, until=hours(0, 12).end)
        booked(mina, microscope, hours(20, 22))
        decide(sora, microscope, fault, Severity.USABLE)
        booked(mina, microscope, hours(5, 6))

    def test_a_time_that_has_passed_is_no_end(self, fault, sora, microscope):
        with pytest.raises(Invalid) as wrong:
            decide(sora, microscope, fault, until=NOW)
        assert set(wrong.value.fields) == {"until"}

    def test_those_who_are_hit_are_moved_or_cancelled_and_told(
        self, fault, mina, jun, sora, microscope
    ):
        first, second = booked(mina, microscope, hours(5, 6)), booked(jun, microscope, hours(6, 7))
        with pytest.raises(StillReserved):
            decide(sora, microscope, fault, until=hours(0, 12).end)
        assert again(fault).confirmed_at is None
        decide(
            sora,
            microscope,
            fault,
            until=hours(0, 12).end,
            answers={
                first.uid: Answer(Way.MOVE, 1, hours(12, 13).start),
                second.uid: Answer(Way.CANCEL, 1),
            },
        )
        assert again(first).interval == hours(12, 13)
        assert again(second).status is Status.CANCELLED
        assert templates().count("reservation_gave_way") == 2

    def test_where_no_end_is_known_they_may_stay_and_are_told(self, fault, mina, sora, microscope):
        made = booked(mina, microscope, hours(50, 51))
        keep = {made.uid: Answer(Way.KEEP, 1)}
        with pytest.raises(StillReserved):
            decide(sora, microscope, fault, until=hours(0, 60).end, answers=keep)
        decide(sora, microscope, fault, answers=keep)
        assert again(made).status is Status.CONFIRMED
        assert "reservation_in_doubt" in templates()

    def test_who_is_at_it_right_now_is_left_to_finish(self, fault, mina, sora, microscope):
        made = booked(mina, microscope, hours(0, 2))
        with transaction():
            db.session.get_one(Reservation, made.id).status = Status.IN_USE
        decide(sora, microscope, fault, until=hours(0, 12).end)
        (closed,) = db.session.scalars(select(Blackout)).all()
        assert closed.interval == hours(2, 12)
        with pytest.raises(Invalid):
            decide(sora, microscope, fault, until=hours(0, 2).end)

    def test_only_managers_decide_and_close(self, fault, mina, theo, microscope):
        for who in (mina, theo):
            with pytest.raises(NotAllowed):
                decide(who, microscope, fault)
            with pytest.raises(NotAllowed):
                close(who, microscope, fault)

    def test_not_through_another_instrument(self, fault, ada):
        with pytest.raises(NotFound):
            decide(ada, factories.instrument(), fault)


class TestClosing:
    @pytest.fixture
    def fault(self, mina, sora, microscope):
        fault = report(mina, microscope)
        return decide(sora, microscope, fault)

    def test_it_is_open_again_logged_and_the_reporter_told(self, fault, mina, sora, microscope):
        close(sora, microscope, fault, repairer="제조사", cost=350_000)
        booked(mina, microscope, hours(5, 6))
        (entry,) = db.session.scalars(select(MaintenanceEntry)).all()
        assert (entry.fault_id, entry.writer_id, entry.cost) == (fault.id, sora.id, 350_000)
        assert "fault_closed" in templates()
        with pytest.raises(WrongState):
            close(sora, microscope, fault)

    def test_what_was_closed_until_a_time_is_open_again_too(self, fault, mina, sora, microscope):
        decide(sora, microscope, fault, until=hours(0, 24).end)
        close(sora, microscope, fault)
        booked(mina, microscope, hours(5, 6))

    def test_another_fault_keeps_it_closed(self, fault, mina, sora, microscope):
        other = report(mina, microscope)
        decide(sora, microscope, other)
        close(sora, microscope, fault)
        with pytest.raises(BookingRefused):
            booked(mina, microscope, hours(5, 6))
        close(sora, microscope, other)
        booked(mina, microscope, hours(5, 6))

    def test_work_that_leaves_it_out_of_order_leaves_the_fault(self, fault, sora, microscope):
        close(sora, microscope, fault, result=Result.OUT_OF_ORDER)
        assert again(fault).closed_at is None
        assert db.session.scalar(select(func.count()).select_from(MaintenanceEntry)) == 1


class TestTheLog:
    def test_a_line_by_hand_keeps_the_number_of_then(self, sora, microscope):
        with transaction():
            number = "NFEC-2020-01-123456"
            db.session.get_one(Instrument, microscope.id).registration_number = number
        entry = maintenance.write_entry(sora, microscope.slug, work(), now=NOW)
        assert entry.registration_number == number

    def test_a_correction_needs_a_reason_and_keeps_what_was(self, sora, microscope):
        entry = maintenance.write_entry(sora, microscope.slug, work(cost=1000), now=NOW)
        with pytest.raises(Invalid) as wrong:
            maintenance.correct_entry(
                sora, microscope.slug, entry.id, work(cost=2000), reason=" ", now=NOW
            )
        assert set(wrong.value.fields) == {"reason"}
        maintenance.correct_entry(
            sora, microscope.slug, entry.id, work(cost=2000), reason="오타", now=NOW
        )
        assert (again(entry).cost, again(entry).correction_reason) == (2000, "오타")
        row = db.session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
        assert row.detail["changes"] == {"cost": [1000, 2000]}

    def test_work_to_come_is_refused(self, sora, microscope):
        ahead = work(happened_at=NOW + timedelta(minutes=1))
        with pytest.raises(Invalid):
            maintenance.write_entry(sora, microscope.slug, ahead, now=NOW)

    def test_only_managers_write_correct_and_read(self, mina, sora, microscope):
        entry = maintenance.write_entry(sora, microscope.slug, work(), now=NOW)
        with pytest.raises(NotAllowed):
            maintenance.write_entry(mina, microscope.slug, work(), now=NOW)
        with pytest.raises(NotAllowed):
            maintenance.correct_entry(mina, microscope.slug, entry.id, work(), reason="x", now=NOW)
        with pytest.raises(NotAllowed):
            maintenance.log_of(mina, microscope.slug)

    @pytest.mark.parametrize("evil", ["=1+1", "+82", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
    def test_a_spreadsheet_computes_nothing(self, sora, microscope, evil):
        maintenance.write_entry(sora, microscope.slug, work(content=evil, repairer=evil), now=NOW)
        written = maintenance.as_csv(*maintenance.log_of(sora, microscope.slug), "ko")
        _, line = csv.reader(io.StringIO(written, newline=""))
        assert line.count("'" + evil) == 2

    def test_the_columns_are_those_of_annex_10(self, sora, microscope):
        maintenance.write_entry(sora, microscope.slug, work(cost=5000), now=NOW)
        written = maintenance.as_csv(*maintenance.log_of(sora, microscope.slug), "en")
        head, line = csv.reader(io.StringIO(written, newline=""))
        assert head[:6] == [
            *("Instrument", "Registration no.", "Person in charge"),
            *("Writer", "Repairer", "Date and time"),
        ]
        assert line[5:10] == ["2026-03-02 18:00", "Malfunction", "전원부 교체", "Running", "5000"]


def test_faults_leave_an_audit_row_each(mina, sora, microscope):
    fault = report(mina, microscope)
    decide(sora, microscope, fault)
    close(sora, microscope, fault)
    rows = db.session.scalars(
        select(AuditRow.action).where(AuditRow.kind == "fault").order_by(AuditRow.id)
    ).all()
    assert rows == ["report-fault", "decide-fault", "close-fault"]
    assert db.session.scalar(select(func.count()).select_from(Fault)) == 1
