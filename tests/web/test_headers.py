"""Every answer protects its reader, and Dure answers to its own name alone."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from tests.conftest import settings

ANSWERS = ("/healthz", "/nothing", "/api/v1/nothing", "/static/favicon.svg", "/calendars/x.ics")


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_is_protected(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_a_feed_address_is_never_sent_on(client: FlaskClient) -> None:
    assert client.get("/calendars/x.ics").headers["Referrer-Policy"] == "no-referrer"
    assert client.get("/healthz").headers["Referrer-Policy"] == "same-origin"


def test_https_is_remembered_only_where_it_is_used(tmp_path: Path) -> None:
    def headers(url: str) -> dict[str, str]:
        app = create_app(settings("sqlite://", tmp_path, public_url=url))
        return dict(app.test_client().get("/healthz").headers)

    assert "Strict-Transport-Security" in headers("https://dure.example")
    assert "Strict-Transport-Security" not in headers("http://dure.example")


def test_pages_depend_on_who_asks_and_in_which_language(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert {"Cookie", "Accept-Language"} <= set(answer.vary)


def test_files_named_after_their_content_may_be_kept(client: FlaskClient) -> None:
    with client.get("/static/favicon.svg") as answer:
        assert "max-age=31536000" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:80", ""])
def test_another_host_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/healthz", headers={"Host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "host", ["dure.example", "dure.example:8443", "127.0.0.1:8000", "localhost"]
)
def test_our_own_names_are_answered(tmp_path: Path, host: str) -> None:
    app = create_app(settings("sqlite://", tmp_path, public_url="https://dure.example"))
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


def test_a_forwarded_host_counts_only_behind_a_proxy(client: FlaskClient) -> None:
    answer = client.get("/nothing", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 404
    assert "evil.example" not in answer.text


def test_a_request_keeps_a_sane_id_and_gets_another_for_nonsense(app: Flask) -> None:
    client = app.test_client()

    assert (
        client.get("/healthz", headers={"X-Request-ID": "abc-12345"}).headers["X-Request-ID"]
        == "abc-12345"
    )
    for nonsense in ("x", "a" * 65, "<script>alert</script>", "two words"):
        given = client.get("/healthz", headers={"X-Request-ID": nonsense}).headers["X-Request-ID"]
        assert given != nonsense
        assert len(given) == 32
