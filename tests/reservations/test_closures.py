"""Closing time: not over people's heads, and seen by whoever books at the same moment."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.audit.models import AuditRow
from app.catalog.models import Blackout, BlackoutKind, Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.errors import Invalid, NotAllowed, NotFound, Taken, WrongState
from app.domain.repetition import Every
from app.mail.models import OutgoingMail
from app.reservations import closures, services
from app.reservations.closures import Closure
from app.reservations.giving_way import Answer, CannotGiveWay, StillReserved, Way, suggestions
from app.reservations.models import Reservation
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked


def closing(interval, **fields):
    fields.setdefault("kind", BlackoutKind.MAINTENANCE)
    return Closure(interval=interval, **fields)


def close(user, facility, interval, **fields):
    (made,) = closures.close_time(user, facility, closing(interval, **fields), now=NOW)
    return made


def count(table):
    return db.session.scalar(select(func.count()).select_from(table))


def version(instrument):
    return db.session.get_one(Instrument, instrument.id, populate_existing=True).calendar_version


def test_a_closed_time_cannot_be_reserved(mina, sora, microscope):
    close(sora, microscope.facility, hours(5, 8), instrument_id=microscope.id)

    with pytest.raises(Taken) as refused:
        booked(mina, microscope, hours(7, 9))
    assert [each.kind for each in refused.value.taken] == ["blackout"]


def test_closing_the_facility_closes_every_instrument_of_it(mina, sora, microscope, guarded):
    close(sora, microscope.facility, hours(5, 8))

    for each in (microscope, guarded):
        with pytest.raises(Taken):
            booked(mina, each, hours(5, 6))


def test_closing_one_instrument_leaves_the_others_open(mina, sora, microscope, guarded):
    close(sora, microscope.facility, hours(5, 8), instrument_id=guarded.id)
    booked(mina, microscope, hours(5, 6))


def test_every_calendar_concerned_shows_it(sora, microscope, guarded):
    before = [version(microscope), version(guarded)]
    close(sora, microscope.facility, hours(5, 8))

    assert all(
        now > was for was, now in zip(before, map(version, (microscope, guarded)), strict=True)
    )


def test_who_has_reserved_is_not_pushed_aside(mina, sora, microscope):
    made = booked(mina, microscope, hours(5, 6))

    with pytest.raises(StillReserved) as refused:
        close(sora, microscope.facility, hours(4, 8))
    assert [each.uid for each in refused.value.hit] == [made.uid]
    assert count(Blackout) == 0


def test_one_that_waits_for_approval_stands_in_the_way_too(mina, sora, guarded):
    booked(mina, guarded, hours(5, 6))
    with pytest.raises(StillReserved):
        close(sora, guarded.facility, hours(4, 8), instrument_id=guarded.id)


def test_once_they_are_ended_it_can_be_closed(mina, sora, microscope):
    made = booked(mina, microscope, hours(5, 6))
    services.cancel_reservation(sora, made.uid, now=NOW)
    close(sora, microscope.facility, hours(4, 8))


def test_what_only_touches_it_does_not_matter(mina, sora, microscope):
    booked(mina, microscope, hours(3, 5))
    booked(mina, microscope, hours(8, 9))
    close(sora, microscope.facility, hours(5, 8))


def test_a_fault_since_yesterday_can_be_noted_today(sora, microscope):
    made = close(sora, microscope.facility, hours(-24, 8), kind=BlackoutKind.FAULT)
    assert made.interval == hours(-24, 8)


def test_what_has_passed_cannot_be_closed(sora, microscope):
    with pytest.raises(Invalid):
        close(sora, microscope.facility, hours(-3, 0))


def test_an_instrument_of_another_facility_cannot_be_closed_from_here(sora, microscope):
    elsewhere = factories.instrument()
    with pytest.raises(Invalid):
        close(sora, microscope.facility, hours(5, 8), instrument_id=elsewhere.id)


def test_only_who_manages_the_facility_may(mina, theo, ada, microscope):
    for who in (mina, theo):
        with pytest.raises(NotAllowed):
            close(who, microscope.facility, hours(5, 8))
    close(ada, microscope.facility, hours(5, 8))


def test_it_leaves_an_audit_row(sora, microscope):
    close(sora, microscope.facility, hours(5, 8), reason_ko=" 정기 점검 ")

    row = db.session.scalars(select(AuditRow)).one()
    assert (row.action, row.actor_id) == ("close-time", sora.id)
    assert row.detail["reason_ko"] == "정기 점검"


class TestReopening:
    @pytest.fixture
    def closed(self, sora, microscope):
        return close(sora, microscope.facility, hours(5, 8))

    def test_the_time_can_be_reserved_again(self, closed, mina, sora, microscope):
        before = version(microscope)
        closures.reopen(sora, microscope.facility, closed.id, now=NOW)

        booked(mina, microscope, hours(5, 6))
        assert version(microscope) > before + 1

    def test_not_twice_and_not_afterwards(self, closed, sora, microscope):
        with pytest.raises(WrongState):
            closures.reopen(sora, microscope.facility, closed.id, now=NOW + timedelta(hours=8))
        closures.reopen(sora, microscope.facility, closed.id, now=NOW)
        with pytest.raises(WrongState):
            closures.reopen(sora, microscope.facility, closed.id, now=NOW)

    def test_not_by_those_who_do_not_manage_it(self, closed, mina, microscope):
        with pytest.raises(NotAllowed):
            closures.reopen(mina, microscope.facility, closed.id, now=NOW)

    def test_not_through_another_facility(self, closed, ada):
        with pytest.raises(NotFound):
            closures.reopen(ada, factories.facility(), closed.id, now=NOW)


def test_what_is_over_or_lifted_is_not_listed(sora, microscope):
    old = factories.blackout(microscope, hours(-5, 0))
    lifted = close(sora, microscope.facility, hours(5, 8))
    closures.reopen(sora, microscope.facility, lifted.id, now=NOW)
    coming = close(sora, microscope.facility, hours(9, 10), instrument_id=microscope.id)

    listed = closures.closures_of(microscope.facility, now=NOW)
    assert [each.id for each in listed] == [coming.id]
    assert old.id != coming.id


def again(reservation):
    db.session.rollback()
    return db.session.get_one(Reservation, reservation.id, populate_existing=True)


def mails(template):
    wanted = select(OutgoingMail).where(OutgoingMail.template == template).order_by("id")
    return db.session.scalars(wanted).all()


class TestGivingWay:
    """Mina and Jun hold 14 to 15 and 15 to 16 o'clock; Sora needs 14 to 17."""

    @pytest.fixture
    def hit(self, mina, jun, microscope):
        return booked(mina, microscope, hours(5, 6)), booked(jun, microscope, hours(6, 7))

    def close(self, sora, microscope, answers, **fields):
        closure = closing(hours(5, 8), instrument_id=microscope.id)
        return closures.close_time(
            sora, microscope.facility, closure, now=NOW, answers=answers, **fields
        )

    def test_one_is_moved_and_one_cancelled_and_both_are_told_once(self, hit, sora, microscope):
        first, second = hit
        self.close(
            sora,
            microscope,
            {
                first.uid: Answer(Way.MOVE, 1, hours(8, 9).start),
                second.uid: Answer(Way.CANCEL, 1),
            },
            reason="레이저 교체",
        )

        assert (again(first).interval, again(first).status) == (hours(8, 9), Status.CONFIRMED)
        assert again(second).status is Status.CANCELLED
        assert again(second).decision_reason == "레이저 교체"
        told = mails("reservation_gave_way")
        assert {mail.recipient for mail in told} == {"mina@example.org", "jun@example.org"}
        assert {mail.particulars["status"] for mail in told} == {"confirmed", "cancelled"}
        assert all(mail.particulars["reason"] == "레이저 교체" for mail in told)
        acts = db.session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
        assert sorted(acts[-3:]) == ["cancel-reservation", "change-reservation", "close-time"]

    def test_nothing_is_written_until_each_is_answered_for(self, hit, sora, microscope):
        first, second = hit
        with pytest.raises(StillReserved) as refused:
            self.close(sora, microscope, {first.uid: Answer(Way.CANCEL, 1)})

        assert [each.uid for each in refused.value.hit] == [first.uid, second.uid]
        assert again(first).status is Status.CONFIRMED
        assert (count(Blackout), mails("reservation_gave_way")) == (0, [])

    def test_one_that_may_not_lie_there_undoes_all(self, hit, sora, microscope):
        first, second = hit
        with pytest.raises(CannotGiveWay) as refused:
            self.close(
                sora,
                microscope,
                {
                    first.uid: Answer(Way.CANCEL, 1),
                    second.uid: Answer(Way.MOVE, 1, hours(7, 8).start),
                },
            )

        assert refused.value.uid == second.uid
        assert [each.code for each in refused.value.refusals] == ["blackout"]
        assert again(first).status is Status.CONFIRMED
        assert count(Blackout) == 0

    def test_two_cannot_be_moved_to_the_same_time(self, hit, sora, microscope):
        with pytest.raises(CannotGiveWay) as refused:
            self.close(
                sora,
                microscope,
                {each.uid: Answer(Way.MOVE, 1, hours(9, 10).start) for each in hit},
            )
        assert [each.code for each in refused.value.refusals] == ["taken"]

    def test_what_was_changed_since_the_manager_looked_is_asked_again(
        self, hit, mina, sora, microscope
    ):
        first, _ = hit
        services.change_reservation(mina, first.uid, services.Change(purpose="급함"), now=NOW)
        with pytest.raises(StillReserved):
            self.close(sora, microscope, {each.uid: Answer(Way.CANCEL, 1) for each in hit})

    def test_one_that_waits_still_waits_where_it_is_moved(self, mina, sora, guarded):
        made = booked(mina, guarded, hours(5, 6))
        closure = closing(hours(5, 8), instrument_id=guarded.id)
        answers = {made.uid: Answer(Way.MOVE, 1, hours(9, 10).start)}
        closures.close_time(sora, guarded.facility, closure, now=NOW, answers=answers)
        assert (again(made).interval, again(made).status) == (hours(9, 10), Status.PENDING)

    def test_what_has_begun_can_be_cancelled_but_not_moved(self, mina, sora, microscope):
        made = booked(mina, microscope, hours(0, 3))
        later = NOW + timedelta(hours=1)
        closure = closing(hours(1, 4), instrument_id=microscope.id)
        assert suggestions([made], [hours(1, 4)], now=later) == {}
        with pytest.raises(WrongState):
            closures.close_time(
                sora,
                microscope.facility,
                closure,
                now=later,
                answers={made.uid: Answer(Way.MOVE, 1, hours(5, 8).start)},
            )
        closures.close_time(
            sora,
            microscope.facility,
            closure,
            now=later,
            answers={made.uid: Answer(Way.CANCEL, 1)},
        )
        assert again(made).status is Status.CANCELLED

    def test_the_nearest_free_times_are_suggested_apart_from_each_other(self, hit, microscope):
        found = suggestions(hit, [hours(5, 8)], now=NOW)
        first, second = (found[each.uid] for each in hit)
        assert first == hours(4, 5)
        assert not second.overlaps(first)
        assert not second.overlaps(hours(5, 8))

    def test_what_is_suggested_keeps_the_rules_for_its_holder(self, mina, microscope):
        own = factories.instrument(booking={"latest": "PT6H", "two_places": "refuse"})
        made = booked(mina, own, hours(7, 8))
        booked(mina, microscope, hours(8, 10))  # She cannot be in two places.
        found = suggestions([made], [hours(7, 8)], now=NOW)
        assert found[made.uid] == hours(6, 7)


class TestRepeating:
    def repeat(self, sora, microscope, every=Every.WEEK, until=date(2026, 3, 25), **fields):
        closure = closing(hours(5, 8), every=every, until=until, **fields)
        return closures.close_time(sora, microscope.facility, closure, now=NOW)

    def test_each_week_is_a_row_of_its_own(self, sora, microscope):
        made = self.repeat(sora, microscope)
        assert [each.interval for each in made] == [
            hours(5 + 168 * week, 8 + 168 * week) for week in range(4)
        ]
        assert len({each.rule_id for each in made}) == 1

    def test_a_reservation_in_any_of_them_is_hit(self, mina, sora, microscope):
        made = booked(mina, microscope, hours(5 + 168 * 3, 6 + 168 * 3))
        booked(mina, microscope, hours(10, 12))
        with pytest.raises(StillReserved) as refused:
            self.repeat(sora, microscope)
        assert [each.uid for each in refused.value.hit] == [made.uid]

    def test_ending_it_lifts_what_is_to_come_and_nothing_else(self, sora, microscope):
        first, *rest = self.repeat(sora, microscope)
        other = close(sora, microscope.facility, hours(30, 31))
        during = NOW + timedelta(hours=6)

        ended = closures.end_repetition(sora, microscope.facility, first.rule_id, now=during)
        assert ended == len(rest)
        standing = {each.id for each in closures.closures_of(microscope.facility, now=during)}
        assert standing == {first.id, other.id}
        with pytest.raises(WrongState):
            closures.end_repetition(sora, microscope.facility, first.rule_id, now=during)

    def test_one_of_them_can_be_lifted_alone(self, sora, microscope):
        _, second, *_ = self.repeat(sora, microscope)
        closures.reopen(sora, microscope.facility, second.id, now=NOW)
        assert len(closures.closures_of(microscope.facility, now=NOW)) == 3

    def test_without_a_last_day_it_is_refused_at_that_field(self, sora, microscope):
        with pytest.raises(Invalid) as wrong:
            self.repeat(sora, microscope, until=None)
        assert set(wrong.value.fields) == {"last_day"}

    def test_only_who_manages_it_ends_it(self, mina, sora, microscope):
        first, *_ = self.repeat(sora, microscope)
        with pytest.raises(NotAllowed):
            closures.end_repetition(mina, microscope.facility, first.rule_id, now=NOW)
        with pytest.raises(NotFound):
            closures.end_repetition(sora, microscope.facility, 99, now=NOW)
