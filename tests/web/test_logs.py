"""One line for each request, with its id, without secrets."""

import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask

from app.web import logs
from app.web.rights import PUBLIC, open_to

pytestmark = pytest.mark.own_app  # routes that fail are added


@pytest.fixture
def written(app: Flask, capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What the processes that serve would write, as JSON lines."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure(app.config["SETTINGS"])
    yield capsys
    root.handlers[:], level = before
    root.setLevel(level)


def test_each_request_is_one_line(app: Flask, written: pytest.CaptureFixture[str]) -> None:
    app.test_client().get("/healthz?next=/secret", headers={"X-Request-ID": "abc-12345"})

    (line,) = written.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["event"] == "request"
    assert (told["method"], told["path"], told["status"]) == ("GET", "/healthz", 200)
    assert told["request_id"] == "abc-12345"
    assert told["user_id"] is None
    assert told["ms"] >= 0
    assert "secret" not in line


def test_the_secret_of_a_feed_is_in_no_line(
    app: Flask, written: pytest.CaptureFixture[str]
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @open_to(PUBLIC)
    def fail() -> str:
        raise RuntimeError("at /calendars/topsecretword.ics")

    app.add_url_rule("/calendars/topsecretword.ics", "fail", fail)

    app.test_client().get("/calendars/topsecretword.ics")

    lines = written.readouterr().err
    assert "/calendars/***.ics" in lines
    assert "topsecretword" not in lines
    assert "Traceback" in lines


def test_a_job_logs_under_its_name(written: pytest.CaptureFixture[str]) -> None:
    with logs.job("deliver mail"):
        logging.getLogger("dure.test").warning("slow %s", "server")

    told = json.loads(written.readouterr().err)
    assert (told["job"], told["event"], told["level"]) == ("deliver mail", "slow server", "warning")
