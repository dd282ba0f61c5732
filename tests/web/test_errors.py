"""What goes wrong reaches people as a page and programs as problem+json."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from app import create_app
from app.db import db
from app.domain.errors import (
    BookingRefused,
    DureError,
    FreeSlot,
    Invalid,
    NotAllowed,
    NotFound,
    Refusal,
    SignInNeeded,
    Stale,
    Taken,
    TakenTime,
    Text,
    TooManyAttempts,
    WrongState,
)
from app.web.problems import KINDS
from app.web.rights import PUBLIC, open_to
from tests import factories
from tests.conftest import settings

SAID = Text("한국말", "English words")
REFUSAL = Refusal("too-long", Text("너무 깁니다.", "Too long."), limit="PT8H", field="ends_at")

Raising = Callable[[Exception], FlaskClient]


pytestmark = pytest.mark.own_app  # routes that fail are added


@pytest.fixture
def raising(app: Flask) -> Raising:
    """A client of pages and calls that raise the given exception."""
    app.config["PROPAGATE_EXCEPTIONS"] = False  # as in production

    def prepare(error: Exception) -> FlaskClient:
        @open_to(PUBLIC)
        def fail() -> str:
            raise error

        app.add_url_rule("/wrong", "wrong", fail)
        app.add_url_rule("/api/v1/wrong", "wrong-call", fail)
        app.add_url_rule("/calendars/abcdefgh.ics", "wrong-feed", fail)
        return app.test_client()

    return prepare


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (NotFound(SAID), 404, "not-found"),
        (NotAllowed(SAID), 403, "not-allowed"),
        (SignInNeeded(SAID), 401, "unauthorized"),
        (TooManyAttempts(SAID, retry_after=90), 429, "too-many"),
        (Invalid(SAID), 422, "invalid"),
        (WrongState(SAID), 409, "wrong-state"),
        (Stale(SAID), 412, "stale"),
        (BookingRefused([REFUSAL]), 422, "refused"),
        (Taken([REFUSAL], taken=[], alternatives=[]), 409, "taken"),
    ],
)
def test_each_error_of_the_domain_has_its_status_and_type(
    raising: Raising, error: DureError, status: int, word: str
) -> None:
    answer = raising(error).get("/api/v1/wrong")

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json["type"] == f"http://localhost/problems/{word}"
    assert answer.json["status"] == status
    assert answer.json["detail"] == error.text.en


def test_a_person_reads_a_page_in_their_language(raising: Raising) -> None:
    answer = raising(NotAllowed(SAID)).get("/wrong", headers={"Accept-Language": "ko"})

    assert answer.mimetype == "text/html"
    assert "한국말" in answer.text


def test_a_program_that_names_no_language_reads_english(raising: Raising) -> None:
    assert raising(NotFound(SAID)).get("/api/v1/wrong").json["detail"] == "English words"


def test_a_program_may_ask_for_korean(raising: Raising) -> None:
    answer = raising(NotFound(SAID)).get("/api/v1/wrong", headers={"Accept-Language": "ko"})
    assert answer.json["detail"] == "한국말"


def test_a_page_answers_json_to_who_accepts_nothing_else(raising: Raising) -> None:
    answer = raising(NotFound(SAID)).get("/wrong", headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"


def test_a_refusal_lists_every_reason_with_code_limit_and_field(raising: Raising) -> None:
    answer = raising(BookingRefused([REFUSAL, REFUSAL])).get("/api/v1/wrong")

    assert answer.json["refusals"] == 2 * [
        {"code": "too-long", "reason": "Too long.", "limit": "PT8H", "field": "ends_at"}
    ]


def test_taken_names_what_is_in_the_way_and_what_is_free(raising: Raising) -> None:
    error = Taken(
        [REFUSAL],
        taken=[TakenTime(factories.hours(1, 3), "reservation")],
        alternatives=[FreeSlot("sem-1", factories.hours(3, 5))],
    )
    answer = raising(error).get("/api/v1/wrong")

    assert answer.json["taken"] == [
        {
            "starts_at": "2026-03-02T10:00:00Z",
            "ends_at": "2026-03-02T12:00:00Z",
            "kind": "reservation",
        }
    ]
    assert answer.json["alternatives"] == [
        {
            "instrument": "sem-1",
            "starts_at": "2026-03-02T12:00:00Z",
            "ends_at": "2026-03-02T14:00:00Z",
        }
    ]


def test_invalid_input_names_each_field(raising: Raising) -> None:
    answer = raising(Invalid(SAID, {"purpose": SAID})).get("/api/v1/wrong")
    assert answer.json["fields"] == {"purpose": "English words"}


def test_after_too_many_attempts_one_is_told_how_long_to_wait(raising: Raising) -> None:
    answer = raising(TooManyAttempts(SAID, retry_after=90)).get("/wrong")
    assert answer.headers["Retry-After"] == "90"


def test_who_must_sign_in_is_told_how_or_led_there(raising: Raising) -> None:
    client = raising(SignInNeeded(SAID))

    assert client.get("/api/v1/wrong").headers["WWW-Authenticate"].startswith("Bearer")
    page = client.get("/wrong?week=10")
    assert page.status_code == 302
    assert page.location.endswith("next=/wrong?week%3D10") or "next=%2Fwrong" in page.location


def test_a_bug_shows_its_number_and_nothing_else(
    raising: Raising, caplog: pytest.LogCaptureFixture
) -> None:
    client = raising(RuntimeError("the password is 1234"))

    for path in ("/wrong", "/api/v1/wrong"):
        with caplog.at_level(logging.ERROR):
            answer = client.get(path, headers={"X-Request-ID": "number-0815"})
        assert answer.status_code == 500
        assert "number-0815" in answer.text
        assert "1234" not in answer.text
        assert "Traceback" not in answer.text
    assert "the password is 1234" in caplog.text


def test_a_fault_in_a_feed_asks_the_calendar_to_come_back(raising: Raising) -> None:
    answer = raising(RuntimeError("no")).get("/calendars/abcdefgh.ics")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_busy_database_is_unavailable_not_broken(raising: Raising) -> None:
    locked = OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    answer = raising(locked).get("/api/v1/wrong")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "UPDATE" not in answer.text


def test_a_database_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    app = create_app(settings("postgresql://dure@127.0.0.1:1/dure", tmp_path))

    @open_to(PUBLIC)
    def read() -> str:
        return str(db.session.scalar(text("SELECT 1")))

    app.add_url_rule("/read", "read", read)

    answer = app.test_client().get("/read", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "127.0.0.1" not in answer.text
    assert app.test_client().get("/readyz").status_code == 503
    assert app.test_client().get("/healthz").status_code == 200


def test_a_missing_table_is_a_bug(raising: Raising) -> None:
    missing = OperationalError("SELECT", {}, sqlite3.OperationalError("no such table: user"))
    assert raising(missing).get("/api/v1/wrong").status_code == 500


@pytest.mark.parametrize(
    ("told", "status", "word"),
    [
        ("one_at_a_time", 409, "taken"),
        ("UNIQUE constraint failed: user.email", 409, "conflict"),
        ("NOT NULL constraint failed: user.email", 500, "internal"),
    ],
)
def test_rows_that_clash_are_a_conflict_and_rows_that_lack_something_a_bug(
    raising: Raising, told: str, status: int, word: str
) -> None:
    clash = IntegrityError("INSERT", {}, sqlite3.IntegrityError(told))

    answer = raising(clash).get("/api/v1/wrong")

    assert (answer.status_code, answer.json["type"]) == (
        status,
        f"http://localhost/problems/{word}",
    )


def test_a_broken_page_frame_still_gives_a_page(app: Flask, raising: Raising) -> None:
    client = raising(RuntimeError("no"))
    app.jinja_env.globals["asset"] = None  # the frame cannot be rendered

    assert client.get("/wrong").status_code == 500


def test_an_unknown_address_is_not_found_in_both_forms(client: FlaskClient) -> None:
    assert client.get("/nothing").status_code == 404
    assert client.get("/nothing").mimetype == "text/html"
    assert client.get("/api/v1/nothing").json["type"].endswith("/not-found")


def test_a_changing_route_answers_get_with_405_and_says_what_it_takes(client: FlaskClient) -> None:
    answer = client.get("/language")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("status", "word"),
    [(400, "bad-request"), (413, "too-large"), (415, "unsupported"), (429, "too-many")],
)
def test_what_libraries_refuse_has_the_same_form(app: Flask, status: int, word: str) -> None:
    app.add_url_rule("/api/v1/refuse", "refuse", open_to(PUBLIC)(lambda: abort(status)))

    answer = app.test_client().get("/api/v1/refuse")

    assert answer.status_code == status
    assert answer.json["type"].endswith(f"/{word}")
    assert ("Retry-After" in answer.headers) == (status == 429)


def test_a_form_without_its_token_says_what_to_do(client: FlaskClient) -> None:
    answer = client.post("/language", data={"language": "en"}, headers={"Accept-Language": "en"})

    assert answer.status_code == 400
    assert "reload the page" in answer.text


@pytest.mark.parametrize("word", sorted(KINDS))
def test_each_type_of_problem_has_a_page_that_explains_it(client: FlaskClient, word: str) -> None:
    korean = client.get(f"/problems/{word}", headers={"Accept-Language": "ko"})
    english = client.get(f"/problems/{word}", headers={"Accept-Language": "en"})

    assert KINDS[word].meaning.ko in korean.text.replace("&#39;", "'")
    assert KINDS[word].meaning.en in english.text.replace("&#39;", "'")


def test_an_unknown_type_of_problem_is_not_found(client: FlaskClient) -> None:
    assert client.get("/problems/nonsense").status_code == 404
