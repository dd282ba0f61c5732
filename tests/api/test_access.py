"""Who may speak to the API: tokens, sessions, strangers – and what each of them cannot guess."""

import pytest
from flask import Flask

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.reservations.models import Reservation
from tests import factories
from tests.api.conftest import Program, Programs, at, booked, problem, wish
from tests.conftest import Visitor
from tests.factories import hours


def calls_on(uid: str) -> list[tuple[str, str, object]]:
    """Every way to read or change one reservation."""
    return [
        ("GET", f"/reservations/{uid}", None),
        ("PATCH", f"/reservations/{uid}", {"samples": 1}),
        ("PATCH", f"/reservations/{uid}", {"starts_at": at(20), "ends_at": at(21)}),
        *(
            ("POST", f"/reservations/{uid}/{step}", {"reason": "x"})
            for step in ("approve", "reject", "cancel")
        ),
    ]


def answers(program: Program, uid: str) -> set[tuple[int, str]]:
    return {
        problem(program.call(method, path, json=body, headers={"If-Match": '"1"'}))
        for method, path, body in calls_on(uid)
    }


def test_somebody_elses_reservation_is_not_there(
    program_of: Programs, mina: User, jun: User, theo: User, guarded: Instrument
) -> None:
    uid = booked(mina, guarded, hours(1, 2)).uid
    elsewhere = factories.user("boss", institution=factories.cnu(), manages=factories.facility())
    other_head = factories.user("head", administers=factories.cnu())
    before = program_of(mina).get(f"/reservations/{uid}").json

    for stranger in (jun, theo, elsewhere, other_head):
        program = program_of(stranger)
        assert answers(program, uid) == {(404, "not-found")}, stranger.email
        assert answers(program, "f" * 32) == {(404, "not-found")}
        assert uid not in program.get("/reservations").text
        assert problem(program.get(f"/reservations/{uid}")) == problem(
            program.get("/reservations/" + "f" * 32)
        ), "nothing tells a reservation that is there from one that is not"
    assert program_of(mina).get(f"/reservations/{uid}").json == before


def test_without_a_token_there_is_nothing_of_anybody(
    program_of: Programs, mina: User, guarded: Instrument
) -> None:
    uid = booked(mina, guarded, hours(1, 2)).uid
    nobody = program_of()

    assert answers(nobody, uid) == {(401, "unauthorized")}
    for method, path, body in (
        ("GET", "/me", None), ("GET", "/reservations", None), ("GET", "/me/feeds", None),
        ("POST", "/me/feeds", {"kind": "mine"}), ("DELETE", "/me/feeds/1", None),
        ("POST", "/reservations", wish(guarded, 3, 4)), ("POST", "/quotes", wish(guarded, 3, 4)),
    ):  # fmt: skip
        answer = nobody.call(method, path, json=body)
        assert problem(answer) == (401, "unauthorized"), path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert db.session.query(Reservation).count() == 1


def test_a_bad_token_is_refused_even_where_none_is_needed(
    program_of: Programs, microscope: Instrument
) -> None:
    program = program_of()
    assert program.get("/instruments/microscope").status_code == 200
    for header in ("Bearer x", "Bearer dure_" + "x" * 43, "Bearer", "bearer  ", "Bearer \x7f"):
        program.headers["Authorization"] = header
        assert problem(program.get("/instruments/microscope")) == (401, "unauthorized"), header


def test_a_token_sets_no_cookie_and_needs_no_form_token(
    app: Flask, program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine = program_of(mina)
    made = mine.post("/reservations", wish(microscope, 1, 2))
    others = [
        mine.get("/me"),
        mine.get("/reservations"),
        mine.get("/instruments"),
        mine.patch(f"/reservations/{made.json['uid']}", {"samples": 1}, version=1),
        mine.get("/reservations/x"),
    ]
    assert made.status_code == 201
    assert ["Set-Cookie" in answer.headers for answer in [made, *others]] == [False] * 6


def test_a_signed_in_browser_changes_only_with_the_form_token(
    client: Visitor, mina: User, microscope: Instrument
) -> None:
    browser = Program(client.sign_in(mina))
    form_token = client.form_token("/account")
    made = browser.post("/reservations", wish(microscope, 1, 2))
    guessed = browser.post(
        "/reservations", wish(microscope, 1, 2), headers={"X-CSRFToken": "guess"}
    )
    by_form = client.post(
        "/api/v1/reservations", data={**wish(microscope, 1, 2), "csrf_token": form_token}
    )

    assert browser.get("/me").json["email"] == mina.email
    assert problem(made) == (400, "form-expired")
    assert problem(guessed) == (400, "form-expired")
    assert problem(by_form)[0] in {400, 415}
    assert db.session.query(Reservation).count() == 0

    fine = browser.post(
        "/reservations", wish(microscope, 1, 2), headers={"X-CSRFToken": form_token}
    )
    assert fine.status_code == 201


def test_the_form_token_of_another_session_is_worth_nothing(
    app: Flask, client: Visitor, mina: User, jun: User, microscope: Instrument
) -> None:
    of_jun = client.sign_in(jun).form_token("/account")
    other = app.test_client()
    assert isinstance(other, Visitor)
    other.sign_in(mina).get("/account")

    answer = Program(other).post(
        "/reservations", wish(microscope, 1, 2), headers={"X-CSRFToken": of_jun}
    )

    assert problem(answer) == (400, "form-expired")


def test_what_changes_something_cannot_be_read(program_of: Programs, mina: User) -> None:
    mine = program_of(mina)
    for path in ("/quotes", *(f"/reservations/x/{step}" for step in ("approve", "cancel"))):
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            answer = mine.call(method, path)
            assert answer.status_code == 405, (method, path)
            assert "POST" in answer.headers["Allow"]
    assert problem(mine.get("/me/feeds/1")) == (405, "method-not-allowed")
    assert problem(mine.call("DELETE", "/reservations/x")) == (405, "method-not-allowed")
    assert problem(mine.call("PUT", "/reservations/x")) == (405, "method-not-allowed")


def test_a_switched_off_account_is_out_at_once(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine = program_of(mina)
    assert mine.get("/me").status_code == 200
    db.session.get_one(User, mina.id).active = False
    db.session.commit()
    assert problem(mine.get("/me")) == (401, "unauthorized")
    assert problem(mine.post("/reservations", wish(microscope, 1, 2))) == (401, "unauthorized")


@pytest.mark.parametrize("path", ["/me", "/reservations", "/me/feeds"])
def test_what_is_personal_is_kept_nowhere(program_of: Programs, mina: User, path: str) -> None:
    answer = program_of(mina).get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]
