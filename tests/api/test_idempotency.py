"""A request that is sent again makes nothing twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, cast

import pytest
from flask import Flask

from app import clock
from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.reservations.models import IdempotencyKey, Reservation
from tests import factories
from tests.api.conftest import Program, Programs, booked, problem, wish
from tests.conftest import Visitor
from tests.factories import NOW, hours

KEY = {"Idempotency-Key": "lab-7"}


def count(table: Any) -> int:
    db.session.rollback()
    return int(db.session.query(table).count())


def test_the_same_key_and_body_get_the_same_answer(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine, wanted = program_of(mina), wish(microscope, 1, 3)

    first = mine.post("/reservations", wanted, headers=KEY)
    again = mine.post("/reservations", dict(reversed(wanted.items())), headers=KEY)
    other_offset = mine.post(
        "/reservations", wanted | {"starts_at": "2026-03-02T19:00:00+09:00"}, headers=KEY
    )

    assert [a.status_code for a in (first, again, other_offset)] == [201, 201, 201]
    assert first.json == again.json == other_offset.json
    assert first.headers["Location"] == again.headers["Location"]
    assert count(Reservation) == 1


def test_without_a_key_the_second_is_taken(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine, wanted = program_of(mina), wish(microscope, 1, 3)
    assert mine.post("/reservations", wanted).status_code == 201
    assert problem(mine.post("/reservations", wanted)) == (409, "taken")


@pytest.mark.parametrize(
    "other", [{"purpose": "other"}, {"samples": 2}, {"ends_at": "2026-03-02T13:00:00Z"}]
)
def test_the_same_key_with_another_body_is_refused(
    program_of: Programs, mina: User, microscope: Instrument, other: dict[str, Any]
) -> None:
    mine, wanted = program_of(mina), wish(microscope, 1, 3)
    mine.post("/reservations", wanted, headers=KEY)

    assert problem(mine.post("/reservations", wanted | other, headers=KEY)) == (422, "invalid")
    assert count(Reservation) == 1


def test_a_key_is_ones_own(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    first = program_of(mina).post("/reservations", wish(microscope, 1, 3), headers=KEY)
    second = program_of(jun).post("/reservations", wish(microscope, 3, 5), headers=KEY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json["holder"] == "이준"


def test_what_was_refused_is_not_kept(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    mine = program_of(mina)
    taken = booked(jun, microscope, hours(1, 3)).uid

    refused = mine.post("/reservations", wish(microscope, 1, 30), headers=KEY)
    in_the_way = mine.post("/reservations", wish(microscope, 1, 3), headers=KEY)
    program_of(jun).post(f"/reservations/{taken}/cancel", {})
    made = mine.post("/reservations", wish(microscope, 1, 3), headers=KEY)

    assert problem(refused) == (422, "refused")
    assert problem(in_the_way) == (409, "taken")
    assert made.status_code == 201
    assert count(IdempotencyKey) == 1


def test_a_key_holds_for_a_day_and_more(
    program_of: Programs, mina: User, microscope: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, wanted = program_of(mina), wish(microscope, 60, 62)
    made = mine.post("/reservations", wanted, headers=KEY).json

    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=24, seconds=1))
    assert mine.post("/reservations", wanted, headers=KEY).json == made
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=49))
    assert problem(mine.post("/reservations", wanted, headers=KEY)) == (409, "taken")


@pytest.mark.parametrize("instruments", [1, 2])
def test_twenty_at_once_make_one_reservation(
    app: Flask, program_of: Programs, mina: User, microscope: Instrument, instruments: int
) -> None:
    """With two instruments the same key comes with two bodies: one of them is refused."""
    factories.instrument(slug="other", facility=microscope.facility)
    headers = program_of(mina).headers | KEY
    bodies = [wish(microscope, 1, 3), wish(microscope, 1, 3) | {"instrument": "other"}]
    start = Barrier(20)
    db.session.remove()

    def ask(number: int) -> tuple[int, str]:
        program = Program(cast("Visitor", app.test_client()), headers)
        start.wait()
        answer = program.post("/reservations", bodies[number % instruments])
        return answer.status_code, answer.json.get("uid", answer.json.get("type"))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))

    made = {uid for status, uid in answers if status == 201}
    assert len(made) == 1
    assert count(Reservation) == count(IdempotencyKey) == 1
    if instruments == 1:
        assert {status for status, _ in answers} == {201}
    else:
        assert {answer for answer in answers if answer[0] != 201} == {
            (422, "http://localhost/problems/invalid")
        }
