"""Pages of series: the form that repeats, its preview, and which dates a change means."""

import re

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.domain.approval import Status
from app.domain.recurrence import Recurrence
from app.reservations import series
from app.reservations.models import Reservation
from tests.factories import hours
from tests.reservations.conftest import booked, typed
from tests.reservations.test_series import repeated

WEEK = 7 * 24


@pytest.fixture
def page(client, mina, microscope, fixed_now):
    """Mina, reading English, at the form of the microscope."""
    with transaction():
        mina.language = "en"
    client.sign_in(mina)
    return Page(client, microscope.slug)


class Page:
    def __init__(self, client, slug):
        self.client, self.slug = client, slug

    def send(self, what="reserve", **fields):
        form = f"/instruments/{self.slug}/reserve"
        sent = typed(1, 3, csrf_token=self.client.form_token(form), repeat="weekly", **fields)
        return self.client.post(f"/instruments/{self.slug}/{what}", data=sent)

    def preview(self, **fields):
        return re.findall(r'data-verdict="(\w+)"', self.send("check", **fields).text)


def held() -> list[Reservation]:
    """What the database has now, after the requests of the pages."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Reservation).order_by(Reservation.starts_at)))


def test_the_form_reserves_a_series_and_shows_it(page):
    done = page.send(times="3", weekdays=["0", "2"])
    assert done.status_code == 303
    shown = page.client.get(done.location).text

    assert len(held()) == 3
    assert "every week on Monday, Wednesday, 3 times" in shown
    assert "Reserved on 3 dates" in shown
    assert "Which of the series?" in shown


@pytest.mark.parametrize(
    ("on_conflict", "second"), [("fail", "refused"), ("skip", "refused"), ("shift", "shifted")]
)
def test_the_preview_gives_each_date_its_verdict(page, jun, microscope, on_conflict, second):
    booked(jun, microscope, hours(WEEK + 1, WEEK + 3))
    assert page.preview(times="3", on_conflict=on_conflict) == ["free", second, "free"]
    assert len(held()) == 1


def test_a_refused_series_names_the_date_and_keeps_what_was_typed(page, jun, microscope):
    booked(jun, microscope, hours(WEEK + 1, WEEK + 3))
    answer = page.send(times="3")

    assert answer.status_code == 409
    assert "Mon 9 Mar: It is already reserved" in answer.text
    assert 'name="times" type="number" value="3"' in answer.text


def test_the_dates_that_were_left_out_are_told_afterwards(page, jun, microscope):
    booked(jun, microscope, hours(WEEK + 1, WEEK + 3))
    shown = page.client.get(page.send(times="3", on_conflict="skip").location).text
    assert "Dates left out: 1" in shown
    assert "data-skipped" in shown


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "one of the two"),
        ({"times": "2", "until": "2026-03-20"}, "one of the two"),
        ({"times": "0"}, "A number from 1 to 200"),
        ({"times": "2", "every": "99"}, "A number from 1 to 52"),
        ({"times": "2", "weekdays": "1"}, "The first date, Monday 2026-03-02, does not fit"),
        ({"until": "2026-03-01"}, "before the first date"),
        ({"until": "2028-01-01"}, "a year at most"),
        ({"until": "soon"}, "Not a valid date"),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_beside_its_field(page, fields, says):
    answer = page.send(**fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert says in page.send("check", **fields).text
    assert held() == []


def test_a_reservation_alone_asks_nothing_about_a_series(page, mina, microscope):
    made = booked(mina, microscope, hours(1, 3))
    assert "Which of the series?" not in page.client.get(f"/reservations/{made.uid}").text


def test_a_change_of_later_dates_leaves_the_first(page, mina, microscope):
    second = series.members_of(repeated(mina, microscope))[1]
    address = f"/reservations/{second.uid}"
    sent = typed(
        WEEK + 2,
        WEEK + 4,
        csrf_token=page.client.form_token(address),
        version="1",
        of_series="later",
    )
    done = page.client.post(f"{address}/change", data=sent)
    assert done.status_code == 303
    assert "The reservations of the series have been changed" in page.client.get(address).text
    assert [each.starts_at.hour for each in held()] == [10, 11, 11, 11]


def test_all_are_cancelled_from_the_page(page, mina, microscope):
    first = repeated(mina, microscope)
    address = f"/reservations/{first.uid}"
    sent = {"csrf_token": page.client.form_token(address), "of_series": "all"}
    page.client.post(f"{address}/cancel", data=sent)
    assert {each.status for each in held()} == {Status.CANCELLED}


def test_nonsense_for_which_dates_cancels_nothing(page, mina, microscope):
    first = repeated(mina, microscope)
    address = f"/reservations/{first.uid}"
    sent = {"csrf_token": page.client.form_token(address), "of_series": "everything"}
    page.client.post(f"{address}/cancel", data=sent)
    assert {each.status for each in held()} == {Status.CONFIRMED}


def test_the_rule_is_told_in_korean_to_koreans(client, jun, microscope, fixed_now):
    client.sign_in(jun)
    first = repeated(jun, microscope)
    words = Recurrence.parse("FREQ=WEEKLY;COUNT=4").in_words().ko
    assert words in client.get(f"/reservations/{first.uid}").text
