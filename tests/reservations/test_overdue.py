"""Requests that nobody decides in time, and changes that have to be approved anew."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import db
from app.domain.approval import Status
from app.mail.models import OutgoingMail
from app.reservations import deciding, jobs, services, waiting
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

HOUR = timedelta(hours=1)


def guarded(microscope, **booking):
    return factories.instrument(
        facility=microscope.facility, booking={"approval": "each", **booking}
    )


def told(template):
    wanted = select(OutgoingMail.recipient).where(OutgoingMail.template == template)
    return sorted(db.session.scalars(wanted))


def as_it_is(made):
    return db.session.get_one(Reservation, made.id, populate_existing=True)


def test_what_nobody_decides_in_time_is_turned_down_once(mina, jun, sora, microscope):
    instrument = guarded(microscope, approval_deadline="PT2H")
    made = booked(mina, instrument, hours(5, 6))
    assert jobs.end_undecided(NOW + 2 * HOUR - timedelta(seconds=1)) == 0
    assert [jobs.end_undecided(NOW + 2 * HOUR) for _ in range(2)] == [1, 0]

    assert (as_it_is(made).status, told("request_released")) == (Status.REJECTED, [mina.email])
    assert booked(jun, instrument, hours(5, 6)).status is Status.PENDING


@pytest.mark.parametrize(
    ("overdue", "said"), [("release", "신청이 취소되고"), ("escalate", "관리자가 대신")]
)
def test_whoever_asks_reads_when_it_is_decided(client, fixed_now, mina, microscope, overdue, said):
    instrument = guarded(microscope, approval_deadline="PT2H", approval_overdue=overdue)
    page = client.sign_in(mina).get(f"/instruments/{instrument.slug}/reserve").text
    assert page.count("2시간 안에") == page.count(said) == 2, (
        "beside the form, and in it on a phone"
    )
    assert "시간 안에" not in client.get(f"/instruments/{microscope.slug}/reserve").text


def test_what_was_decided_in_time_stays(mina, sora, microscope):
    made = booked(mina, guarded(microscope, approval_deadline="PT2H"), hours(5, 6))
    deciding.approve_reservation(sora, made.uid, now=NOW)

    assert jobs.end_undecided(NOW + 3 * HOUR) == 0
    assert as_it_is(made).status is Status.CONFIRMED


def test_those_above_are_asked_once_and_at_the_start_it_ends(mina, sora, microscope):
    dean = factories.user("dean", administers=microscope.facility.institution)
    rules = {"approval_deadline": "PT2H", "approval_overdue": "escalate"}
    made = booked(mina, guarded(microscope, **rules), hours(5, 6))
    assert waiting.count_awaiting(dean) == 0
    assert [jobs.end_undecided(NOW + 2 * HOUR) for _ in range(2)] == [1, 0]

    assert (as_it_is(made).status, waiting.count_awaiting(dean)) == (Status.PENDING, 1)
    assert told("request_escalated") == [dean.email, sora.email]
    assert jobs.end_undecided(NOW + 5 * HOUR) == 1
    assert as_it_is(made).status is Status.REJECTED


def test_without_a_deadline_a_request_waits(mina, sora, microscope):
    made = booked(mina, guarded(microscope), hours(5, 6))

    assert (jobs.end_undecided(NOW + 30 * HOUR), made.decide_by) == (0, None)


def test_once_those_above_are_asked_one_of_them_is_enough(mina, sora, microscope):
    factories.user("boram", manages=microscope.facility)
    stages = [{"by": "facility_manager", "every": True}]
    rules = {"approval_deadline": "PT2H", "approval_overdue": "escalate", "approval_stages": stages}
    made = booked(mina, guarded(microscope, **rules), hours(5, 6))
    jobs.end_undecided(NOW + 2 * HOUR)

    done = deciding.approve_reservation(sora, made.uid, now=NOW + 3 * HOUR)
    assert done.status is Status.CONFIRMED


@pytest.mark.parametrize(
    ("rule", "change", "status"),
    [
        ("always", Change(purpose="other"), Status.PENDING),
        ("if_it_matters", Change(purpose="other"), Status.CONFIRMED),
        ("if_it_matters", Change(hours(7, 8)), Status.PENDING),
        ("never", Change(hours(7, 8)), Status.CONFIRMED),
    ],
)
def test_a_change_is_approved_anew_as_the_instrument_says(
    mina, sora, microscope, rule, change, status
):
    made = booked(mina, guarded(microscope, reapproval=rule), hours(5, 6))
    deciding.approve_reservation(sora, made.uid, now=NOW)
    changed = services.change_reservation(mina, made.uid, change, now=NOW)

    assert (changed.status, waiting.count_awaiting(sora)) == (
        status,
        int(status is Status.PENDING),
    )
