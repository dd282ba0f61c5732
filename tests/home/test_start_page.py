"""The start page: a welcome to everybody, and what is next to those who are signed in."""

import pytest

from app import clock
from app.catalog.models import Technique
from app.domain.booking import BookingRequest
from app.reservations import services
from tests import factories
from tests.factories import NOW, hours


@pytest.fixture(autouse=True)
def fixed_now(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def booked(user, instrument, interval):
    request = BookingRequest(instrument.slug, interval, purpose="세포막 관찰")
    return services.request_reservation(user, request, now=NOW)


def test_a_visitor_is_welcomed_with_search_techniques_and_institutions(client, microscope):
    technique = factories.save(Technique(slug="sem", name_ko="주사전자현미경", name_en="SEM"))
    factories.instrument(techniques=[technique])
    page = client.get("/").text

    assert 'action="/instruments"' in page
    assert "/instruments?technique=sem" in page
    assert "/institutions/kaist" in page
    assert "/sign-in" in page


def test_a_visitor_learns_nothing_of_reservations(client, mina, microscope):
    made = booked(mina, microscope, hours(1, 3))
    page = client.get("/").text
    assert made.uid not in page
    assert "세포막" not in page


def test_my_next_reservations_are_there_nearest_first(client, mina, jun, microscope):
    later = booked(mina, microscope, hours(30, 31))
    sooner = booked(mina, microscope, hours(1, 3))
    other = booked(jun, microscope, hours(5, 6))
    page = client.sign_in(mina).get("/").text

    assert page.index(sooner.uid) < page.index(later.uid)
    assert other.uid not in page


def test_what_i_used_last_can_be_reserved_again(client, mina, microscope):
    booked(mina, microscope, hours(1, 3))
    assert "/instruments/microscope/reserve" in client.sign_in(mina).get("/").text


def test_managers_see_what_waits_for_them_and_nobody_else_does(client, mina, jun, sora, microscope):
    guarded = factories.instrument(facility=microscope.facility, booking={"approval": "each"})
    made = booked(mina, guarded, hours(1, 3))

    assert made.uid in client.sign_in(sora).get("/").text
    assert made.uid not in client.sign_in(jun).get("/").text


def test_a_manager_is_led_to_their_facilities(client, mina, sora, microscope):
    here = f"/facilities/{microscope.facility.slug}"
    page = client.sign_in(sora).get("/").text
    assert f'href="{here}"' in page
    assert f'href="{here}/closures"' in page
    assert 'id="my-facilities"' not in client.sign_in(mina).get("/").text


def test_an_empty_start_leads_to_the_catalogue(client, mina):
    assert 'href="/instruments"' in client.sign_in(mina).get("/").text


def test_an_empty_instance_still_welcomes(client):
    assert client.get("/").status_code == 200
