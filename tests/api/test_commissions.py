"""Commissions by the API: ask without a time, wait in the manager's queue, be placed."""

import pytest

from app.db import db
from app.domain.booking import Mode
from app.reservations.commission_models import Commission
from tests import factories
from tests.api.conftest import at, booked, problem
from tests.factories import hours
from tests.rates.conftest import set_card


@pytest.fixture
def lab(microscope):
    """An instrument of Sora's whose staff takes commissions and nothing else."""
    return factories.instrument(
        slug="lab", facility=microscope.facility, booking={"modes": ["commissioned"]}
    )


def order(**fields):
    return {"instrument": "lab", "purpose": "lipids", "samples": 12} | fields


def test_a_commission_is_made_and_answered_whole(program_of, mina, sora, lab):
    set_card(sora, lab, 10_000)
    program = program_of(mina)
    asked = order(wished_by="2026-03-18", duration="PT4H", note="on ice")
    answer = program.post("/commissions", asked)

    assert answer.status_code == 201
    uid, estimate = answer.json["uid"], answer.json["estimate"]
    assert answer.json == asked | {
        "uid": uid,
        "state": "waiting",
        "version": 1,
        "holder": "김미나",
        "asked_by": None,
        "institution": "kaist",
        "group": None,
        "earliest_on": None,
        "answers": {},
        "shares": [],
        "estimate": estimate,
        "unpriced": None,
        "reason": "",
        "asked_at": at(0),
        "updated_at": at(0),
        "decided_at": None,
        "reservation": None,
        "links": {"self": f"http://localhost/api/v1/commissions/{uid}"},
    }
    assert estimate["total"] == 40_000
    assert answer.headers["Location"] == f"/api/v1/commissions/{uid}"
    assert answer.headers["ETag"] == '"1"'
    assert program.get(f"/commissions/{uid}").json == answer.json


def test_it_is_changed_placed_returned_and_declined(program_of, mina, sora, lab):
    uid = program_of(mina).post("/commissions", order()).json["uid"]
    here = f"/commissions/{uid}"
    changed = program_of(mina).patch(here, {"samples": 16}, version=1)
    assert (changed.json["samples"], changed.json["version"]) == (16, 2)
    assert problem(program_of(mina).patch(here, {"samples": 9}, version=1)) == (412, "stale")
    assert problem(program_of(mina).patch(here, {"samples": 9}))[0] == 428

    time = {"starts_at": at(24), "duration": "PT4H"}
    assert problem(program_of(mina).post(f"{here}/place", time)) == (403, "not-allowed")
    manager = program_of(sora)
    placed = manager.post(f"{here}/place", time).json
    assert (placed["state"], placed["decided_at"]) == ("placed", at(0))
    made = program_of(mina).get(f"/reservations/{placed['reservation']}").json
    assert (made["status"], made["mode"], made["ends_at"]) == ("confirmed", "commissioned", at(28))
    assert problem(manager.post(f"{here}/place", time)) == (409, "wrong-state")
    assert problem(program_of(mina).post(f"{here}/withdraw")) == (409, "wrong-state")

    back = manager.post(f"{here}/return", {"reason": "pump broken"}).json
    assert (back["state"], back["reservation"], back["reason"]) == ("waiting", None, "pump broken")
    said = manager.post(f"{here}/decline", {"reason": "no column"}).json
    assert (said["state"], said["reason"]) == ("declined", "no column")


def test_who_finds_the_time_taken_learns_what_is_free(program_of, mina, jun, sora, lab):
    booked(jun, lab, hours(24, 26), mode=Mode.COMMISSIONED)
    uid = program_of(mina).post("/commissions", order()).json["uid"]
    time = {"starts_at": at(25), "duration": "PT2H"}
    answer = program_of(sora).post(f"/commissions/{uid}/place", time)
    assert problem(answer) == (409, "taken")
    assert answer.json["alternatives"][0]["starts_at"]
    assert program_of(sora).get(f"/commissions/{uid}").json["state"] == "waiting"


def test_the_queue_begins_with_what_is_wished_for_soonest(program_of, mina, jun, sora, lab):
    for n, day in enumerate((None, "2026-03-20", "2026-03-09", "2026-03-20")):
        wished = {"wished_by": day} if day else {}
        program_of(mina if n else jun).post("/commissions", order(purpose=str(n), **wished))

    program, asked, cursor = program_of(sora), [], ""
    while cursor is not None:
        page = program.get(f"/commissions?state=waiting&instrument=lab&limit=1{cursor}").json
        asked += [each["purpose"] for each in page["items"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert asked == ["2", "1", "3", "0"]
    assert program.get("/commissions?mine=1").json["items"] == []
    assert [each["purpose"] for each in program_of(jun).get("/commissions").json["items"]] == ["0"]


def test_what_is_somebody_elses_is_not_there(program_of, mina, jun, lab):
    uid = program_of(mina).post("/commissions", order()).json["uid"]
    assert problem(program_of(jun).get(f"/commissions/{uid}")) == (404, "not-found")
    assert problem(program_of(jun).post(f"/commissions/{uid}/withdraw")) == (404, "not-found")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"instrument": "nowhere"}, (404, "not-found")),
        ({"instrument": "microscope"}, (422, "refused")),  # whose staff takes none
        ({"samples": 0}, (422, "invalid")),
        ({"purpose": " "}, (422, "invalid")),
        ({"wished_by": "2026-03-01"}, (422, "invalid")),
        ({"wished_by": "18.3.2026"}, (422, "invalid")),
        ({"duration": "4 hours"}, (422, "invalid")),
        ({"holder": "jun@example.org"}, (422, "invalid")),
        ({"shares": [{"account": "RS-1", "percent": "100"}]}, (422, "refused")),
        ({"nonsense": 1}, (422, "invalid")),
    ],
)
def test_what_cannot_be_asked_for_is_said(program_of, mina, jun, lab, fields, said):
    assert problem(program_of(mina).post("/commissions", order(**fields))) == said
    assert db.session.query(Commission).count() == 0
