"""Pages of the waitlist: from the form that is refused to the button that takes the offer."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import clock
from app.db import db
from app.domain.approval import Status
from app.mail import rendering
from app.mail.models import OutgoingMail
from app.reservations import jobs, waitlist
from app.reservations.models import Reservation, TimeWatch, Wait
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, statements, typed
from tests.reservations.test_waitlist import SLOT, ask, cancel, offer_of, watch

pytestmark = pytest.mark.usefixtures("fixed_now")


def send(browser, page, address, **fields):
    """Send a form of `page` as it is there, with its token."""
    return browser.post(address, data={"csrf_token": browser.form_token(page), **fields})


def waits(user):
    db.session.rollback()
    return db.session.scalars(select(Wait).where(Wait.user_id == user.id)).all()


@pytest.fixture
def taken(mina, microscope):
    return booked(mina, microscope, SLOT)


@pytest.fixture
def offered(taken, jun, mina, microscope):
    ask(jun, microscope)
    cancel(taken, mina)
    return offer_of(jun).reservation.uid


def test_who_is_refused_may_wait_with_all_that_is_typed(client, jun, microscope, taken):
    browser, here = client.sign_in(jun), f"/instruments/{microscope.slug}"
    page = send(browser, f"{here}/reserve", f"{here}/reserve", **typed(24, 26, purpose="세포 영상"))
    assert page.status_code == 409
    assert f'formaction="{here}/wait"' in page.text

    answer = send(browser, f"{here}/reserve", f"{here}/wait", **typed(24, 26, purpose="세포 영상"))
    assert (answer.status_code, answer.location) == (303, "/reservations")
    [wait] = waits(jun)
    assert (wait.interval, wait.purpose) == (SLOT, "세포 영상")
    mine = browser.get("/reservations").text
    assert "대기를 신청했습니다" in mine
    assert 'data-before="0"' in mine


def test_the_check_beside_the_form_offers_to_wait_only_if_others_stand_in_the_way(
    client, jun, microscope, taken
):
    browser, here = client.sign_in(jun), f"/instruments/{microscope.slug}"
    for end, offers_it in ((26, True), (27, True), (35, False)):
        said = send(browser, f"{here}/reserve", f"{here}/check", **typed(24, end)).text
        assert (f"{here}/wait" in said) is offers_it
    assert (
        f"{here}/wait"
        not in send(browser, f"{here}/reserve", f"{here}/check", **typed(30, 31)).text
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [(typed(30, 31), 409), (typed(24, 35), 422), (typed(24, 26, purpose=""), 422)],
)
def test_one_is_told_why_one_cannot_wait(client, jun, microscope, taken, fields, status):
    browser, here = client.sign_in(jun), f"/instruments/{microscope.slug}"
    page = send(browser, f"{here}/reserve", f"{here}/wait", **fields)
    assert page.status_code == status
    assert "data-form-errors" in page.text
    assert waits(jun) == []


def test_positions_are_shown_and_no_names(client, jun, theo, microscope, taken):
    ask(jun, microscope)
    ask(theo, microscope)
    text = client.sign_in(theo).get("/reservations").text
    assert "1 person is before you" in text
    assert jun.name not in text


def test_the_link_of_the_mail_changes_nothing_and_its_button_takes_the_time(
    client, jun, mina, offered
):
    mail = db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.template == "time_offered")
    ).one()
    link = re.search(
        r"http://localhost(/offers/\w+)", rendering.message(mail).get_body().get_content()
    )[1]
    assert link == f"/offers/{offered}"
    assert client.get(link).location.startswith("/sign-in?next=/offers/")
    browser = client.sign_in(jun)
    for _ in range(2):
        assert browser.get(link).status_code == 200
    assert offer_of(jun) is not None

    answer = send(browser, link, f"{link}/accept")
    assert answer.location == f"/reservations/{offered}"
    db.session.rollback()
    made = db.session.scalars(
        select(Reservation)
        .where(Reservation.uid == offered)
        .execution_options(populate_existing=True)
    ).one()
    assert made.status is Status.CONFIRMED
    assert "이미 수락한" in browser.get(link).text
    assert client.sign_in(mina).get(link).status_code == 404


def test_an_offer_stands_on_home_and_among_my_reservations(client, jun, offered):
    browser = client.sign_in(jun)
    for page in ("/", "/reservations"):
        assert f'data-offer="{offered}"' in browser.get(page).text
    send(browser, "/reservations", f"/offers/{offered}/decline")
    assert "data-offer" not in browser.get("/").text
    assert "이미 끝난 제안" in browser.get(f"/offers/{offered}").text


def test_an_offer_that_is_over_says_so(client, jun, offered, monkeypatch):
    browser = client.sign_in(jun)
    token = browser.form_token(f"/offers/{offered}")
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=3))
    answer = browser.post(f"/offers/{offered}/accept", data={"csrf_token": token})
    assert answer.location == f"/offers/{offered}"
    assert "이미 끝난 제안" in browser.get(answer.location).text


def test_who_waits_may_stop(client, jun, microscope, taken):
    wait = ask(jun, microscope)
    browser = client.sign_in(jun)
    send(browser, "/reservations", f"/waitlist/{wait.uid}/withdraw")
    assert "data-wait" not in browser.get("/reservations").text


def wished(**fields):
    return {
        "duration": "120",
        **typed(24, 48),
        "hours_from": "09:00",
        "hours_until": "18:00",
        "weekdays": ["wed"],
        **fields,
    }


def test_a_wish_is_prefilled_from_its_address_and_kept(client, jun, mina, microscope):
    booked(mina, microscope, hours(31, 39))
    booked(mina, microscope, hours(39, 47))
    browser = client.sign_in(jun)
    query = f"instrument={microscope.slug}&minutes=120&hours=09:00-18:00&days=tue,wed"
    page = browser.get(f"/waitlist/new?{query}").text
    assert 'value="09:00"' in page
    assert re.search(r'value="120"[^>]*selected|selected[^>]*value="120"', page)
    address = f"/waitlist/new?instrument={microscope.slug}"
    answer = send(browser, address, address, **wished())
    assert answer.status_code == 303
    [wait] = waits(jun)
    assert (wait.duration, wait.hours) == (timedelta(hours=2), {"wed": ["09:00-18:00"]})
    assert "수 09:00–18:00" in browser.get("/reservations").text


@pytest.mark.parametrize(
    "fields",
    [
        {"purpose": ""},
        {"ends_at": ""},
        {"duration": "7"},
        {"duration": "1440"},
        {"hours_from": "x"},
    ],
)
def test_a_wish_that_makes_no_sense_is_shown_again(client, jun, microscope, fields):
    browser, address = client.sign_in(jun), f"/waitlist/new?instrument={microscope.slug}"
    page = send(browser, address, address, **wished(**fields))
    assert (page.status_code, waits(jun)) == (422, [])
    assert "data-form-errors" in page.text


def test_one_asks_to_be_told_changes_it_and_stops(client, jun, microscope):
    browser, address = client.sign_in(jun), f"/instruments/{microscope.slug}/tell-me"
    for ahead in ("7", "30"):
        fields = {"shortest": "60", "days_ahead": ahead, "hours_from": "09:00", "weekdays": ["mon"]}
        assert send(browser, address, address, **fields).status_code == 303
    db.session.rollback()
    kept = db.session.scalars(select(TimeWatch)).one()
    assert (kept.days_ahead, kept.hours) == (30, {"mon": ["09:00-24:00"]})
    assert 'value="30"' in browser.get(address).text
    assert send(browser, address, address, shortest="60", days_ahead="0").status_code == 422
    send(browser, address, f"{address}/stop")
    db.session.rollback()
    assert db.session.scalars(select(TimeWatch)).all() == []


def test_managers_see_how_many_wait_and_others_do_not(client, jun, sora, microscope, taken):
    ask(jun, microscope)
    page = f"/instruments/{microscope.slug}/reserve"
    assert 'data-queue="1"' in client.sign_in(sora).get(page).text
    assert microscope.name_ko in client.get("/approvals").text
    assert "data-queue" not in client.sign_in(jun).get(page).text


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_mail_of_the_waitlist_can_be_read(mina, jun, theo, microscope, language):
    reader = factories.user("reader", language=language, name="Reader")
    watch(theo, microscope)
    watch(reader, microscope)
    made = booked(mina, microscope, SLOT)
    ask(reader, microscope)
    cancel(made, mina)
    jobs.tend_waitlist(NOW + timedelta(hours=3))
    jobs.tell_of_freed_time(NOW + timedelta(hours=3))
    booked(mina, microscope, hours(30, 31))
    ask(reader, microscope, hours(30, 31))
    jobs.tend_waitlist(NOW + timedelta(hours=40))

    rows = db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.recipient == reader.email).order_by(OutgoingMail.id)
    ).all()
    assert [row.template for row in rows] == [
        "time_offered",
        "offer_expired",
        "time_freed",
        "waiting_ended",
    ]
    for row in rows:
        for part in rendering.message(row).walk():
            if part.get_content_maintype() == "text":
                text = part.get_content()
                assert "Reader" in text
                assert "{{" not in text
                assert "/offers/" in text or row.template != "time_offered"
                assert "/tell-me" in text or row.template != "time_freed"


def test_waiting_is_shown_in_a_few_statements(client, jun, microscope, taken):
    ask(jun, microscope)
    browser = client.sign_in(jun)
    assert statements(lambda: browser.get("/reservations")) < 16
    assert waitlist.waits_of(jun)
