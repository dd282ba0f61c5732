"""The waitlist by the API: ask, look, take what is offered, withdraw."""

from datetime import timedelta

import pytest

from app.db import db
from app.reservations import services
from app.reservations.models import Wait
from tests.api.conftest import at, booked, problem, wish
from tests.factories import NOW, hours

SLOT = hours(24, 26)


@pytest.fixture
def taken(mina, microscope):
    return booked(mina, microscope, SLOT)


def test_a_wait_is_made_and_answered_whole(program_of, jun, microscope, taken):
    answer = program_of(jun).post("/waitlist", wish(microscope, 24, 26))

    assert answer.status_code == 201
    uid = answer.json["uid"]
    assert answer.json == {
        "uid": uid,
        "state": "waiting",
        "instruments": ["microscope"],
        "technique": None,
        "starts_at": at(24),
        "ends_at": at(26),
        "duration": "PT7200S",
        "hours": None,
        "purpose": "membrane imaging",
        "before": 0,
        "asked_at": at(0),
        "offer": None,
        "links": {"page": "http://localhost/reservations"},
    }
    assert answer.headers["Location"] == f"/api/v1/waitlist/{uid}"
    program = program_of(jun)
    assert program.get(f"/waitlist/{uid}").json == answer.json
    assert program.get("/waitlist").json == {"items": [answer.json], "next": None}


def test_what_is_offered_is_seen_taken_and_then_a_reservation(
    program_of, mina, jun, microscope, taken
):
    program = program_of(jun)
    uid = program.post("/waitlist", wish(microscope, 24, 26)).json["uid"]
    services.cancel_reservation(mina, taken.uid, now=NOW)

    seen = program.get(f"/waitlist/{uid}").json
    offer = seen["offer"]
    assert (seen["state"], offer["expires_at"]) == ("offered", at(2))
    assert program.get(f"/reservations/{offer['uid']}").json["status"] == "offered"
    answer = program.post(f"/offers/{offer['uid']}/accept")
    assert (answer.status_code, answer.json["status"]) == (200, "confirmed")
    assert program.get(f"/waitlist/{uid}").json["state"] == "met"
    assert program.get("/waitlist").json["items"] == []
    assert problem(program.post(f"/offers/{offer['uid']}/accept")) == (409, "wrong-state")


def test_a_wish_with_hours_and_days(program_of, jun, mina, microscope):
    booked(mina, microscope, hours(0.5, 8.5))
    body = wish(microscope, 1, 8, duration="PT2H", hours="09:00-18:00", days=["mon", "tue"])
    answer = program_of(jun).post("/waitlist", body)
    assert answer.status_code == 201
    assert answer.json["hours"] == {"mon": ["09:00-18:00"], "tue": ["09:00-18:00"]}
    assert answer.json["state"] == "waiting"


def test_who_withdraws_waits_no_longer(program_of, jun, microscope, taken):
    program = program_of(jun)
    uid = program.post("/waitlist", wish(microscope, 24, 26)).json["uid"]
    assert program.delete(f"/waitlist/{uid}").status_code == 204
    assert problem(program.delete(f"/waitlist/{uid}")) == (409, "wrong-state")
    assert program.get(f"/waitlist/{uid}").json["state"] == "withdrawn"


def test_what_is_declined_is_free_again(program_of, mina, jun, microscope, taken):
    program = program_of(jun)
    program.post("/waitlist", wish(microscope, 24, 26))
    services.cancel_reservation(mina, taken.uid, now=NOW)
    [wait] = program.get("/waitlist").json["items"]
    assert program.post(f"/offers/{wait['offer']['uid']}/decline").status_code == 204
    assert program.post("/reservations", wish(microscope, 24, 26)).status_code == 201


def test_what_is_somebody_elses_is_not_there(program_of, mina, jun, microscope, taken):
    uid = program_of(jun).post("/waitlist", wish(microscope, 24, 26)).json["uid"]
    services.cancel_reservation(mina, taken.uid, now=NOW)
    offer = program_of(jun).get(f"/waitlist/{uid}").json["offer"]["uid"]
    stranger = program_of(mina)
    for answer in (
        stranger.get(f"/waitlist/{uid}"),
        stranger.delete(f"/waitlist/{uid}"),
        stranger.post(f"/offers/{offer}/accept"),
        stranger.post(f"/offers/{offer}/decline"),
    ):
        assert problem(answer) == (404, "not-found")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"starts_at": at(30), "ends_at": at(31)}, (409, "wrong-state")),  # free now
        ({"ends_at": at(35)}, (422, "refused")),  # too long
        ({"instrument": "nowhere"}, (404, "not-found")),
        ({"technique": "confocal"}, (422, "invalid")),  # two kinds at once
        ({"instrument": None}, (422, "invalid")),
        ({"duration": "PT9H"}, (422, "invalid")),
        ({"hours": "25:00-26:00"}, (422, "invalid")),
        ({"days": ["someday"]}, (422, "invalid")),
        ({"ends_at": at(23)}, (422, "invalid")),
        ({"starts_at": at(-3), "ends_at": at(-1)}, (422, "invalid")),
        ({"ends_at": (NOW + timedelta(days=70)).isoformat(), "duration": "PT1H"}, (422, "invalid")),
        ({"nonsense": 1}, (422, "invalid")),
    ],
)
def test_what_cannot_be_waited_for_is_said(program_of, jun, microscope, taken, fields, said):
    answer = program_of(jun).post("/waitlist", {**wish(microscope, 24, 26), **fields})
    assert problem(answer) == said
    assert db.session.query(Wait).count() == 0


def test_waiting_needs_somebody_who_waits(program_of, microscope):
    assert problem(program_of().post("/waitlist", wish(microscope, 24, 26)))[0] == 401
