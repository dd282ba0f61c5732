"""Programs report faults, close them, and close time, by the rules of the pages."""

import io

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.db import db
from app.domain.approval import Status
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import services
from app.reservations.models import Reservation
from tests import factories
from tests.api.conftest import at, booked, problem
from tests.factories import NOW, hours
from tests.files.test_photos import picture

WORK = {
    "happened_at": at(0),
    "person_in_charge": "박소라",
    "condition": "malfunction",
    "content": "Power supply replaced",
    "result": "running",
    "cost": 450_000,
}
REPORT = {"severity": "out_of_order", "description": " The laser is dark.\nTwice. "}


def test_a_fault_is_reported_by_anyone_and_closed_by_a_manager(
    program_of, mina, jun, sora, microscope
):
    path = "/instruments/microscope/faults"
    mine, hers = program_of(mina), program_of(sora)
    made = mine.post(path, REPORT)
    assert made.status_code == 201
    number = made.json["id"]
    assert (made.json["description"], made.json["out_since"]) == (
        "The laser is dark.\nTwice.",
        None,
    )
    (seen,) = hers.get(path).json["items"]
    assert (seen["id"], seen["reported_by"]) == (number, mina.name)
    (seen,) = program_of(jun).get(path).json["items"]
    assert (seen["id"], seen["reported_by"]) == (number, None), "who does not deal with it"

    close = f"/faults/{number}/close"
    assert problem(mine.post(close, WORK)) == (403, "not-allowed")
    assert problem(hers.post(close, {**WORK, "happened_at": at(1)})) == (422, "invalid")
    assert problem(hers.post(close, {**WORK, "cost": -1})) == (422, "invalid")
    stands = hers.post(close, {**WORK, "result": "out_of_order"})
    assert (stands.status_code, stands.json["closed_at"]) == (200, None), "logged, and it stands"
    assert hers.post(close, WORK).json["closed_at"] == at(0)
    assert problem(hers.post(close, WORK)) == (409, "wrong-state")
    assert hers.get(path).json["items"] == []
    assert problem(hers.post("/faults/999/close", WORK)) == (404, "not-found")


@pytest.mark.parametrize(
    "body", [{}, {**REPORT, "severity": "bad"}, {**REPORT, "description": " "}, {**REPORT, "x": 1}]
)
def test_a_report_that_says_nothing_is_refused(program_of, mina, microscope, body):
    mine = program_of(mina)
    assert problem(mine.post("/instruments/microscope/faults", body)) == (422, "invalid")
    assert mine.get("/instruments/microscope/faults").json["items"] == []


def test_photos_are_added_to_a_fault_and_read(program_of, mina, jun, microscope):
    mine = program_of(mina)
    number = mine.post("/instruments/microscope/faults", REPORT).json["id"]
    path = f"/faults/{number}/photos"

    def add(program, name, content):
        file = FileStorage(io.BytesIO(content), "laser.png")
        boundary, body = encode_multipart({name: file})
        kind = f"multipart/form-data; boundary={boundary}"
        return program.call("POST", path, data=body, content_type=kind)

    made = add(mine, "photo", picture("PNG"))
    assert made.status_code == 201
    (address,) = made.json["photos"]
    seen = program_of(jun).get(address.removeprefix("/api/v1"))
    assert (seen.status_code, seen.mimetype) == (200, "image/png")
    assert seen.headers["Content-Disposition"].startswith("attachment")
    assert problem(add(program_of(jun), "photo", picture())) == (403, "not-allowed")
    assert problem(add(mine, "photo", b"MZ")) == (422, "invalid")
    assert problem(add(mine, "picture", picture())) == (422, "invalid")
    assert problem(mine.post(path, {"photo": "laser.png"})) == (422, "invalid")
    assert problem(mine.get(f"{path}/none")) == (404, "not-found")


def test_time_is_closed_and_opened_again(program_of, mina, sora, microscope):
    path = f"/facilities/{microscope.facility.slug}/closures"
    hers, mine = program_of(sora), program_of(mina)
    wanted = {"instrument": "microscope", "starts_at": at(5), "ends_at": at(8), "reason_ko": "점검"}
    for call in (mine.get(path), mine.post(path, wanted)):
        assert problem(call) == (403, "not-allowed")
    made = hers.post(path, wanted)
    assert made.status_code == 201
    (closed,) = made.json["items"]
    assert (closed["instrument"], closed["kind"], closed["reason_ko"]) == (
        "microscope", "maintenance", "점검",
    )  # fmt: skip
    assert hers.get(path).json["items"] == [closed]
    wide = hers.post(path, {"starts_at": at(50), "ends_at": at(51), "kind": "closure",
                            "every": "week", "last_day": "2026-03-12"})  # fmt: skip
    assert [each["instrument"] for each in wide.json["items"]] == [None, None]

    assert problem(mine.delete(f"/closures/{closed['id']}")) == (403, "not-allowed")
    assert hers.delete(f"/closures/{closed['id']}").status_code == 204
    assert problem(hers.delete(f"/closures/{closed['id']}")) == (409, "wrong-state")
    assert problem(hers.delete("/closures/999")) == (404, "not-found")
    booked(mina, microscope, hours(5, 6))


def test_what_is_reserved_is_named_and_not_pushed_aside(program_of, mina, sora, microscope):
    path = f"/facilities/{microscope.facility.slug}/closures"
    made, hers = booked(mina, microscope, hours(5, 6)), program_of(sora)
    wanted = {"starts_at": at(4), "ends_at": at(8)}
    refused = hers.post(path, wanted)
    assert problem(refused) == (409, "wrong-state")
    assert refused.json["reserved"] == [told(made)]
    assert hers.get(path).json["items"] == []
    services.cancel_reservation(sora, made.uid, now=NOW)
    assert hers.post(path, wanted).status_code == 201


def stands(made):
    """A reservation as it stands now."""
    db.session.rollback()
    return db.session.scalar(select(Reservation).where(Reservation.uid == made.uid))


def told(made):
    """A reservation as a manager is told that it stands in the way."""
    bounds = made.interval.start, made.interval.end
    starts_at, ends_at = (each.isoformat().replace("+00:00", "Z") for each in bounds)
    return {
        "uid": made.uid,
        "instrument": made.instrument.slug,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "version": made.version,
    }


def test_closing_says_what_becomes_of_each_and_does_all_or_nothing(
    program_of, mina, jun, sora, microscope
):
    path = f"/facilities/{microscope.facility.slug}/closures"
    moved, gone = booked(mina, microscope, hours(5, 6)), booked(jun, microscope, hours(6, 7))
    in_the_way, hers = booked(jun, microscope, hours(20, 21)), program_of(sora)
    wanted = {"starts_at": at(4), "ends_at": at(8), "reason": "The laser is repaired."}

    def close(start, version=moved.version):
        ways = {
            moved.uid: {"way": "move", "version": version, "starts_at": start},
            gone.uid: {"way": "cancel", "version": gone.version},
        }
        return hers.post(path, {**wanted, "reserved": ways})

    taken = close(at(20))
    assert problem(taken) == (422, "refused")
    assert taken.json["reserved"] == [told(moved)]
    assert problem(close(at(30), version=moved.version + 1)) == (409, "wrong-state")
    assert hers.get(path).json["items"] == []

    assert close(at(30)).status_code == 201
    assert stands(moved).interval == hours(30, 31)
    assert [stands(each).status for each in (gone, in_the_way)] == [
        Status.CANCELLED,
        Status.CONFIRMED,
    ]
    mails = db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.template == "reservation_gave_way")
    )
    texts = [message(each).get_body(("plain",)).get_content() for each in mails]
    assert ["The laser is repaired." in text for text in texts] == [True, True]


def test_a_fault_is_decided_with_what_is_reserved_meanwhile(program_of, mina, sora, microscope):
    made, mine, hers = booked(mina, microscope, hours(5, 6)), program_of(mina), program_of(sora)
    report = {"severity": "out_of_order", "description": "smoke"}
    path = f"/faults/{mine.post('/instruments/microscope/faults', report).json['id']}/decide"
    verdict = {"severity": "out_of_order", "until": at(8)}
    assert problem(mine.post(path, verdict)) == (403, "not-allowed")
    assert hers.post(path, verdict).json["reserved"] == [told(made)]
    kept = {made.uid: {"way": "keep", "version": made.version}}
    assert problem(hers.post(path, {**verdict, "reserved": kept})) == (409, "wrong-state")

    # Nobody knows until when: what is reserved may stand, in doubt.
    decided = hers.post(path, {"severity": "out_of_order", "reserved": kept})
    assert (decided.status_code, decided.json["out_until"]) == (200, None)
    moved = {made.uid: {"way": "move", "version": made.version, "starts_at": at(9)}}
    decided = hers.post(path, {**verdict, "reserved": moved})
    assert decided.json["out_until"] == at(8)
    assert stands(made).interval == hours(9, 10)
    assert problem(hers.post("/faults/999/decide", verdict)) == (404, "not-found")


def test_a_closure_that_makes_no_sense_is_refused(program_of, sora, microscope):
    path = f"/facilities/{microscope.facility.slug}/closures"
    hers, elsewhere = program_of(sora), factories.instrument()
    good = {"starts_at": at(4), "ends_at": at(8)}
    for wrong in (
        {"ends_at": at(3)},
        {"starts_at": at(-9), "ends_at": at(-8)},
        {"every": "week"},
        {"instrument": elsewhere.slug},
        {"kind": "party"},
        {"last_day": "soon"},
    ):
        assert problem(hers.post(path, {**good, **wrong})) == (422, "invalid"), wrong
    assert problem(hers.post(path, {**good, "instrument": "none"})) == (404, "not-found")
    db.session.rollback()
    assert hers.get(path).json["items"] == []
