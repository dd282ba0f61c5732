"""Programs come, stay longer and go as people do."""

from datetime import timedelta

import pytest

from app import clock
from app.catalog.models import Instrument
from app.reservations import presence
from tests import factories
from tests.api.conftest import at, booked, problem
from tests.factories import NOW, hours


@pytest.fixture
def strict(microscope: Instrument) -> Instrument:
    return factories.instrument(facility=microscope.facility, booking={"check_in": "required"})


@pytest.fixture
def its_time(monkeypatch):
    """An hour later: what was reserved begins."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))


def test_a_use_from_beginning_to_end(program_of, mina, strict, its_time):
    uid = booked(mina, strict, hours(1, 3)).uid
    mine = program_of(mina)

    began = mine.post(f"/reservations/{uid}/check-in")
    assert (began.status_code, began.json["status"]) == (200, "in_use")
    assert began.headers["ETag"] == '"2"'
    assert began.json["used_from"] == at(1)

    longer = mine.post(f"/reservations/{uid}/extend", {"ends_at": at(4)})
    assert longer.json["ends_at"] == longer.json["reserved_until"] == at(4)

    ended = mine.post(f"/reservations/{uid}/check-out", {"samples": 9})
    assert (ended.json["status"], ended.json["samples"]) == ("completed", 9)
    assert ended.json["reserved_until"] == at(4)
    assert ended.json["used_until"] == ended.json["ends_at"]


def test_what_the_state_does_not_allow_is_a_conflict(program_of, mina, strict, its_time):
    uid = booked(mina, strict, hours(5, 6)).uid
    mine = program_of(mina)
    assert problem(mine.post(f"/reservations/{uid}/check-in")) == (409, "wrong-state")
    assert problem(mine.post(f"/reservations/{uid}/check-out")) == (409, "wrong-state")
    longer = mine.post(f"/reservations/{uid}/extend", {"ends_at": at(7)})
    assert problem(longer) == (409, "wrong-state")


def test_what_others_have_is_named(program_of, mina, jun, strict, its_time):
    uid = booked(mina, strict, hours(1, 3)).uid
    booked(jun, strict, hours(3, 4))
    mine = program_of(mina)
    mine.post(f"/reservations/{uid}/check-in")
    refused = mine.post(f"/reservations/{uid}/extend", {"ends_at": at(3.5)})
    assert problem(refused) == (409, "taken")
    assert [(each["starts_at"], each["kind"]) for each in refused.json["taken"]] == [
        (at(3), "reservation")
    ]


def test_who_acts_for_others_says_why(program_of, mina, sora, jun, strict, its_time):
    uid = booked(mina, strict, hours(1, 3)).uid
    manager = program_of(sora)
    assert problem(manager.post(f"/reservations/{uid}/check-in")) == (422, "invalid")
    assert manager.post(f"/reservations/{uid}/check-in", {"reason": "asked"}).status_code == 200
    stranger = program_of(jun).post(f"/reservations/{uid}/check-out", {"reason": "asked"})
    assert problem(stranger) == (404, "not-found")


def test_the_code_of_the_screen_is_taken_here_too(program_of, mina, microscope, its_time):
    here = factories.instrument(
        facility=microscope.facility, booking={"check_in": "asked", "check_in_at": "instrument"}
    )
    uid = booked(mina, here, hours(1, 3)).uid
    mine = program_of(mina)
    for code in ("", "guessed", "한글"):
        answer = mine.post(f"/reservations/{uid}/check-in", {"code": code})
        assert problem(answer) == (409, "wrong-state")
    code = presence.code(here, now=clock.now())
    assert mine.post(f"/reservations/{uid}/check-in", {"code": code}).status_code == 200


def test_a_no_show_and_its_undoing(program_of, mina, sora, strict, its_time):
    uid = booked(mina, strict, hours(0.5, 1)).uid
    manager = program_of(sora)
    assert problem(program_of(mina).post(f"/reservations/{uid}/no-show", {"reason": "x"})) == (
        403,
        "not-allowed",
    )
    missed = manager.post(f"/reservations/{uid}/no-show", {"reason": "empty room"})
    assert (missed.status_code, missed.json["status"]) == (200, "no_show")
    came = {"used_from": at(0.5), "used_until": at(0.75)}
    assert problem(manager.post(f"/reservations/{uid}/undo-no-show", came)) == (422, "invalid")
    beyond = came | {"used_until": at(2), "reason": "files"}
    assert problem(manager.post(f"/reservations/{uid}/undo-no-show", beyond)) == (422, "invalid")
    undone = manager.post(f"/reservations/{uid}/undo-no-show", came | {"reason": "files"})
    assert (undone.status_code, undone.json["status"]) == (200, "completed")
    assert (undone.json["used_from"], undone.json["used_until"]) == (at(0.5), at(0.75))
