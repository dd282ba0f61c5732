"""Closing time: not over people's heads, and seen by whoever books at the same moment."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.audit.models import AuditRow
from app.catalog.models import Blackout, BlackoutKind, Instrument
from app.db import db
from app.domain.errors import Invalid, NotAllowed, NotFound, Taken, WrongState
from app.reservations import closures, services
from app.reservations.closures import Closure, StillReserved
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked


def closing(interval, **fields):
    fields.setdefault("kind", BlackoutKind.MAINTENANCE)
    return Closure(interval=interval, **fields)


def close(user, facility, interval, **fields):
    return closures.close_time(user, facility, closing(interval, **fields), now=NOW)


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
    assert [each.uid for each in refused.value.reservations] == [made.uid]
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
