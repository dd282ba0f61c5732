"""Real processes: one worker leads, another takes over; serving starts and stops cleanly."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import clock
from app.audit import services as audit
from app.db import db, transaction
from app.home import leadership
from app.home.serving import END_SECONDS
from tests.mail.conftest import row, write

COMMAND = [sys.executable, "-c", "from app.factory import main; main()"]
#: Generous: the machine may be busy. What matters is measured apart.
PATIENCE = 60.0


def eventually(true: Callable[[], Any], *, within: float = PATIENCE) -> float:
    """Wait until something is true; how long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within, "it did not happen"
        time.sleep(0.02)
    return time.monotonic() - began


class Process:
    """A command of Dure that runs on this test's database, with all that it says."""

    def __init__(self, log: Path, environment: dict[str, str], *arguments: str) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments], env=environment, stdout=file, stderr=subprocess.STDOUT
            )

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def leads(self) -> bool:
        assert self.process.poll() is None, self.said()
        return "this worker leads" in self.said()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit status, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE), time.monotonic() - began


@pytest.fixture
def environment(
    app: Flask, database_url: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The settings of this test's Dure, for processes."""
    others = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("DURE_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **others,
        # Compiled once for all processes of this run, which start twice as fast.
        "PYTHONPYCACHEPREFIX": str(tmp_path_factory.getbasetemp() / "compiled"),
        "DURE_DATABASE_URL": database_url,
        "DURE_INSTANCE_DIR": str(tmp_path / "instance"),
        "DURE_SECRET_KEY": app.config["SETTINGS"].secret_key,
    }


Start = Callable[..., Process]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts processes; none survives the test."""
    begun: list[Process] = []

    def start_one(*arguments: str, **settings: str) -> Process:
        log = tmp_path / f"process-{len(begun)}.log"
        begun.append(Process(log, {**environment, **settings}, *arguments))
        return begun[-1]

    yield start_one
    for each in begun:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


@pytest.mark.race
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_second_worker_waits_and_takes_over_within_seconds(start: Start, number: int) -> None:
    first = start("worker")
    eventually(first.leads)
    second = start("worker")
    eventually(lambda: "waiting" in second.said())
    assert not second.leads()

    first.end(number)
    assert eventually(second.leads) < 5
    assert second.end()[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_does_its_work_and_ends_within_two_seconds(
    app: Flask, start: Start, tmp_path: Path, number: int
) -> None:
    write(key="it", now=clock.now())
    with transaction():
        audit.record("reserve", "reservation", "a", actor_id=None, now=clock.now())

    worker = start("worker")
    eventually(lambda: row("it").sent_at is not None)
    eventually((tmp_path / "instance" / "audit-head").exists)

    status, seconds = worker.end(number)
    assert status == 0, worker.said()
    assert seconds < 2
    assert len(list((tmp_path / "instance" / "outbox").glob("*.eml"))) == 1


@pytest.mark.slow
def test_a_worker_that_hangs_in_a_mail_server_still_ends_within_two_seconds(
    app: Flask, start: Start, database_url: str
) -> None:
    write(key="it", now=clock.now())
    with silent_server() as (port, connected):
        worker = start("worker", DURE_MAIL_URL=f"smtp://127.0.0.1:{port}")
        eventually(connected)

        status, seconds = worker.end()
    assert (status, seconds < 2.5) == (0, True)
    assert row("it").sent_at is None


@contextmanager
def silent_server() -> Iterator[tuple[int, Callable[[], bool]]]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        taken: list[socket.socket] = []

        def connected() -> bool:
            try:
                taken.append(server.accept()[0])
            except BlockingIOError:
                return bool(taken)
            return True

        yield server.getsockname()[1], connected
        for connection in taken:
            connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_whose_lock_is_lost_stops_leading_and_leads_again(
    app: Flask, start: Start, database_url: str
) -> None:
    worker = start("worker")
    eventually(worker.leads)

    with db.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
            f"AND objid = {leadership.LOCK}"
        )

    eventually(lambda: "the lead is lost" in worker.said())
    assert eventually(lambda: worker.said().count("this worker leads") == 2) < 5
    assert worker.end()[0] == 0


def test_one_leads_at_a_time(app: Flask) -> None:
    first, second = (leadership.of(app.config["SETTINGS"]) for _ in range(2))

    assert not second.is_taken()
    assert first.take()
    assert not second.take()
    assert second.is_taken()
    assert first.holds()
    first.give_up()
    assert not first.holds()
    assert second.take()
    second.give_up()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def answers(port: int, path: str = "/readyz") -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def children(parent: int) -> list[int]:
    """The processes that a process has started, by the kernel's word."""
    found = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(child) for child in found.read_text().split()]


def lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_starts_and_stops_web_and_worker_together(start: Start, number: int) -> None:
    port = free_port()
    serving = start("serve", "--port", str(port))
    eventually(lambda: answers(port))
    eventually(serving.leads)

    def everybody() -> list[int]:
        family = children(serving.process.pid)
        return [*family, *(grandchild for child in family for grandchild in children(child))]

    eventually(lambda: len(everybody()) == 4)  # web server, its two processes, worker
    family = everybody()

    status, seconds = serving.end(number)
    assert status == 0, serving.said()
    assert seconds < 5
    assert not any(lives(process) for process in family)
    assert not answers(port)
    assert "Traceback" not in serving.said()


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_left_behind_when_serving_is_killed(start: Start) -> None:
    port = free_port()
    serving = start("serve", "--port", str(port))
    eventually(lambda: answers(port))
    family = children(serving.process.pid)

    serving.end(signal.SIGKILL)

    eventually(lambda: not any(lives(process) for process in family), within=END_SECONDS)
    eventually(lambda: not answers(port), within=END_SECONDS)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_dies_is_started_again(start: Start) -> None:
    port = free_port()
    serving = start("serve", "--port", str(port))
    eventually(serving.leads)
    eventually(lambda: answers(port))
    (worker,) = (
        child
        for child in children(serving.process.pid)
        if not children(child)  # gunicorn has children of its own
    )

    os.kill(worker, signal.SIGKILL)

    eventually(lambda: serving.said().count("this worker leads") == 2)
    assert answers(port)
    assert serving.end()[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_processes_write_the_same_figures_and_lines(start: Start) -> None:
    port = free_port()
    serving = start("serve", "--port", str(port))
    eventually(lambda: answers(port))
    for _ in range(20):
        assert answers(port, "/healthz")

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        figures = answer.read().decode()
    counted = re.search(
        r'dure_requests_total{endpoint="web.healthz",method="GET",status="200"} (\S+)', figures
    )
    assert counted is not None
    assert float(counted[1]) == 20
    serving.end()
    assert serving.said().count('"path": "/healthz"') == 20


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_serve_says_when_the_port_is_taken(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        serving = start("serve", "--port", str(port))
        assert serving.process.wait(PATIENCE) == 1
    assert "Choose another by --port" in serving.said()
