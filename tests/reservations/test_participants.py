"""Who takes part sees a reservation and what becomes of it, and no more."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.calendars.models import Cancelled, Detail, FeedKind
from app.calendars.services import FeedRequest, make_feed
from app.db import db, transaction
from app.domain.booking import BookingRequest
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from app.domain.recurrence import Recurrence
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import jobs, no_shows, participants, queries, series, services
from app.reservations.no_shows import CameAfterAll
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

HOUR = timedelta(hours=1)


@pytest.fixture
def made(mina, jun, microscope):
    """Mina's reservation, in which Jun takes part."""
    reservation = booked(mina, microscope, hours(1, 2), note="for the facility only")
    participants.add(mina, reservation.uid, "Jun@example.org", now=NOW)
    return reservation


def told(reader):
    db.session.rollback()
    wanted = select(OutgoingMail).where(OutgoingMail.recipient == reader.email)
    return list(db.session.scalars(wanted.order_by(OutgoingMail.id)))


def test_who_takes_part_sees_it_and_changes_nothing(mina, jun, theo, made):
    assert queries.by_uid(made.uid, viewer=jun).id == made.id
    assert [each.uid for each in queries.with_others(jun, now=NOW)] == [made.uid]
    with pytest.raises(NotAllowed):
        services.change_reservation(jun, made.uid, Change(purpose="mine"), now=NOW)
    with pytest.raises(NotAllowed):
        services.cancel_reservation(jun, made.uid, now=NOW)
    with pytest.raises(NotAllowed):
        participants.add(jun, made.uid, theo.email, now=NOW)
    with pytest.raises(NotFound):
        queries.by_uid(made.uid, viewer=theo)


def test_they_are_told_that_they_take_part_and_what_changes(mina, jun, made):
    services.change_reservation(mina, made.uid, Change(hours(3, 4)), now=NOW)
    services.cancel_reservation(mina, made.uid, now=NOW)
    assert [mail.template for mail in told(jun)] == [
        "takes_part", "reservation_changed", "reservation_cancelled",
    ]  # fmt: skip
    first = message(told(jun)[0])
    assert "참여자로 추가" in first["Subject"]
    assert mina.name in first.get_body(("plain",)).get_content()


def test_those_who_take_part_in_dates_of_a_series_are_told_of_those(mina, jun, microscope):
    request = BookingRequest(microscope.slug, hours(1, 2), purpose="x")
    first = series.request_series(
        mina, request, Repeat(Recurrence.parse("FREQ=WEEKLY;COUNT=3")), now=NOW
    )
    participants.add(mina, first.uid, jun.email, now=NOW)
    series.cancel_series(mina, first.uid, Which.ALL, now=NOW)
    assert [mail.template for mail in told(jun)] == ["takes_part", "reservation_cancelled"]


def test_they_are_told_of_a_no_show_and_that_it_was_none(mina, jun, sora, microscope):
    with transaction():
        microscope.facility.booking = {"check_in": "required"}
    missed = booked(mina, microscope, hours(1, 2))
    participants.add(mina, missed.uid, jun.email, now=NOW)
    jobs.follow_use(NOW + 1.5 * HOUR)
    came = CameAfterAll(hours(1, 2), "the reader was broken")
    no_shows.restore(sora, missed.uid, came, now=NOW + 3 * HOUR)
    assert [mail.template for mail in told(jun)] == [
        "takes_part", "reservation_missed", "reservation_restored",
    ]  # fmt: skip


def test_they_are_told_that_nobody_approved_it_in_time(mina, jun, sora, microscope):
    with transaction():
        microscope.booking = {"approval": "each", "approval_deadline": "PT2H"}
    asked = booked(mina, microscope, hours(5, 6))
    participants.add(mina, asked.uid, jun.email, now=NOW)
    assert [jobs.end_undecided(NOW + 2 * HOUR) for _ in range(2)] == [1, 0]
    assert [mail.template for mail in told(jun)] == ["takes_part", "request_released"]


def test_one_takes_ones_name_off_and_the_holder_takes_off_others(mina, jun, sora, theo, made):
    with pytest.raises(NotFound):
        participants.remove(mina, made.uid, theo.email, now=NOW)
    participants.remove(jun, made.uid, jun.email, now=NOW)
    with pytest.raises(NotFound):
        queries.by_uid(made.uid, viewer=jun)
    participants.add(sora, made.uid, jun.email, now=NOW.replace(hour=10))
    participants.remove(mina, made.uid, jun.email, now=NOW.replace(hour=10))
    assert [mail.particulars["added"] for mail in told(jun)] == [True, True, False]


def test_an_address_without_account_is_taken_like_any_other(mina, made):
    participants.add(mina, made.uid, "nobody@example.org", now=NOW)
    participants.add(mina, made.uid, "nobody@example.org", now=NOW)
    assert [each.email for each in participants.of(made)] == [
        "jun@example.org", "nobody@example.org",
    ]  # fmt: skip
    for wrong in ("no address", mina.email):
        with pytest.raises(Invalid):
            participants.add(mina, made.uid, wrong, now=NOW)
    services.cancel_reservation(mina, made.uid, now=NOW)
    with pytest.raises(WrongState):
        participants.add(mina, made.uid, "later@example.org", now=NOW)


def test_their_own_feed_shows_it_and_each_change(client, fixed_now, mina, jun, made):
    _, secret = make_feed(
        jun, FeedRequest(FeedKind.MINE, None, Detail.FULL, Cancelled.OMIT, "mine"), now=NOW
    )
    address = f"/calendars/{secret}.ics"

    def shown():
        return client.get(address).text

    assert made.uid in shown()
    services.change_reservation(mina, made.uid, Change(hours(5, 6)), now=NOW)
    assert "T140000Z" in shown() or "T230000" in shown()
    participants.remove(jun, made.uid, jun.email, now=NOW)
    assert made.uid not in shown()
    participants.add(mina, made.uid, jun.email, now=NOW.replace(hour=10))
    assert made.uid in shown()


def test_the_page_lets_the_holder_add_and_each_take_their_name_off(
    client, fixed_now, mina, jun, made
):
    page = f"/reservations/{made.uid}"
    shown = client.sign_in(jun).get(page).text
    assert "for the facility only" not in shown
    assert "/cancel" not in shown
    assert "/participants/remove" in shown
    assert page in client.get("/reservations").text
    form = {"csrf_token": client.form_token(page), "email": jun.email}
    assert client.post(f"{page}/participants/remove", data=form).status_code == 303
    assert client.get(page).status_code == 404

    client.sign_in(mina)
    form = {"csrf_token": client.form_token(page), "email": "no address"}
    answer = client.post(f"{page}/participants", data=form, follow_redirects=True)
    assert 'role="alert"' in answer.text
    form["email"] = "sam@example.org"
    answer = client.post(f"{page}/participants", data=form, follow_redirects=True)
    assert "sam@example.org" in answer.text


def test_no_account_is_switched_on_by_being_named(mina, made):
    gone = factories.user("gone", active=False)
    participants.add(mina, made.uid, gone.email, now=NOW)
    assert told(gone) == []
    assert db.session.get_one(User, gone.id).active is False
