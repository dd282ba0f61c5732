"""Language, health, figures, and where a form leads back to."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.db import db, transaction
from app.web import metrics
from app.web.redirects import within


@pytest.fixture
def unguarded(app: Flask) -> FlaskClient:
    """A client whose forms need no token, for tests of what comes after it."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def test_the_chosen_language_stays_for_the_session(unguarded: FlaskClient) -> None:
    unguarded.post("/language", data={"language": "en"})

    page = unguarded.get("/nothing", headers={"Accept-Language": "ko"})
    assert '<html lang="en">' in page.text


def test_one_returns_to_the_page_where_the_language_was_chosen(unguarded: FlaskClient) -> None:
    data = {"language": "ko", "next": "/instruments?q=nmr"}
    answer = unguarded.post("/language", data=data)

    assert (answer.status_code, answer.location) == (303, "/instruments?q=nmr")


def test_without_next_one_returns_to_the_page_before(unguarded: FlaskClient) -> None:
    answer = unguarded.post(
        "/language", data={"language": "ko"}, headers={"Referer": "http://localhost/find?a=1"}
    )
    assert answer.location == "/find?a=1"


def test_a_language_that_dure_does_not_speak_is_refused(unguarded: FlaskClient) -> None:
    assert unguarded.post("/language", data={"language": "xx"}).status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/ok\r\nSet-Cookie: a=b",
        "evil",
        "",
        None,
    ],
)
def test_no_form_leads_out_of_dure(target: str | None) -> None:
    assert within(target, "/home") == "/home"


def test_a_path_of_ours_is_followed() -> None:
    assert within("/reservations?week=3&x=//y") == "/reservations?week=3&x=//y"


def test_a_ready_instance_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ready\n"


def test_an_instance_behind_its_migrations_is_not_ready(client: FlaskClient) -> None:
    with transaction():
        db.session.execute(text("DELETE FROM alembic_version"))

    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready\n")


def test_figures_are_for_this_machine_alone(client: FlaskClient) -> None:
    far = {"REMOTE_ADDR": "192.0.2.7"}

    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_overrides=far).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 404


def test_figures_count_answers_by_page_never_by_path(client: FlaskClient) -> None:
    client.get("/secret-path-1")
    client.get("/healthz")

    figures = client.get("/metrics").text
    assert re.search(
        r'dure_requests_total{endpoint="web.healthz",method="GET",status="200"} ', figures
    )
    assert "secret-path" not in figures


def test_a_slice_may_add_a_figure_of_its_own(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MEASURES", {})
    metrics.measure("dure_things", "Things there are.", lambda: 3)

    assert "dure_things 3.0" in client.get("/metrics").text


def test_robots_stay_out_of_what_people_do(client: FlaskClient) -> None:
    assert "Disallow: /calendars" in client.get("/robots.txt").text


def test_the_browser_finds_the_mark(client: FlaskClient) -> None:
    with client.get("/favicon.ico") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
