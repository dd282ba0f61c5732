"""Eight client processes against Dure behind gunicorn, over real sockets."""

import http.client
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.booking import body
from tests.bench.measure import Goal, Line, percentile
from tests.bench.stage import Stage

CLIENTS = 8
WORKERS = 2
_PATIENCE = 60


@dataclass(frozen=True)
class Server:
    """Gunicorn, listening."""

    port: int
    process: subprocess.Popen[bytes]

    def megabytes_each(self) -> list[tuple[float, float]]:
        """What each web worker holds: all, and its part of what is shared with others."""
        children = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [(_held(pid, "Rss"), _held(pid, "Pss")) for pid in children.stdout.split()]


def _held(pid: str, kind: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def serving(stage: Stage) -> Iterator[Server]:
    """As `dure serve` does it: so many processes, each answering four requests at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "app:create_app()", "--preload"]
    command += ["--worker-class", "gthread", "--threads", "4", "--workers", str(WORKERS)]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error", "--keep-alive", "30"]
    settings = {
        "DURE_DATABASE_URL": stage.url,
        "DURE_INSTANCE_DIR": str(stage.folder),
        "DURE_SECRET_KEY": "bench-key-bench-key-bench-key-bench-key",
        "DURE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DURE_")} | settings
    with (stage.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _await(port, process)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "gunicorn did not start"
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("gunicorn does not listen")


Told = tuple[int, float]  # status, milliseconds


def _together(
    port: int, work: Callable[[http.client.HTTPConnection, int], list[Told]]
) -> tuple[list[list[Told]], float]:
    """What each client met, and the seconds from the common start to the last one's end."""
    context = multiprocessing.get_context("fork")
    barrier, told = context.Barrier(CLIENTS + 1), context.SimpleQueue()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        connection.connect()
        barrier.wait(_PATIENCE)
        told.put((number, work(connection, number)))

    processes = [context.Process(target=client, args=(n,)) for n in range(CLIENTS)]
    for process in processes:
        process.start()
    barrier.wait(_PATIENCE)
    began = time.perf_counter()
    found = dict(told.get() for _ in processes)
    seconds = time.perf_counter() - began
    for process in processes:
        process.join(_PATIENCE)
    return [found[number] for number in range(CLIENTS)], seconds


def _post(connection: http.client.HTTPConnection, token: str, wanted: dict[str, Any]) -> Told:
    began = time.perf_counter()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/reservations", json.dumps(wanted), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, (time.perf_counter() - began) * 1000


def different(stage: Stage, server: Server, tokens: Sequence[str], each: int) -> Line:
    """Each client reserves other instruments."""
    wanted = [[body(*stage.free_hour()) for _ in range(each)] for _ in range(CLIENTS)]

    def work(connection: http.client.HTTPConnection, number: int) -> list[Told]:
        return [_post(connection, tokens[number], request) for request in wanted[number]]

    warm = [body(*stage.free_hour()) for _ in range(CLIENTS)]
    _together(server.port, lambda c, n: [_post(c, tokens[n], warm[n])])
    found, seconds = _together(server.port, work)
    times = [ms for told in found for _, ms in told]
    statuses = Counter(status for told in found for status, _ in told)
    rate, p50, p95 = len(times) / seconds, percentile(times, 50), percentile(times, 95)
    goals = []
    if stage.database == "PostgreSQL":
        goals = [Goal("≥ 300/s", rate >= 300), Goal("p95 ≤ 4 × p50", p95 <= 4 * p50)]
    said = f"{rate:,.0f}/s, p50 {p50:.0f} ms, p95 {p95:.0f} ms, statuses {dict(statuses)}"
    return Line(f"{CLIENTS} clients, different instruments", stage.database, said=said, goals=goals)


def same_slot(stage: Stage, server: Server, tokens: Sequence[str], rounds: int) -> Line:
    """All clients want one slot at one moment, again and again."""
    wanted = [body(*stage.free_hour()) for _ in range(rounds)]
    barrier = multiprocessing.get_context("fork").Barrier(CLIENTS)

    def work(connection: http.client.HTTPConnection, number: int) -> list[Told]:
        told = []
        for request in wanted:
            barrier.wait(_PATIENCE)
            told.append(_post(connection, tokens[number], request))
        return told

    found, _ = _together(server.port, work)
    winners = [sum(told[n][0] == 201 for told in found) for n in range(rounds)]
    losers = [ms for told in found for status, ms in told if status == 409]
    others = sum(status not in (201, 409) for told in found for status, _ in told)
    p95 = percentile(losers, 95)
    return Line(
        f"{CLIENTS} clients, one slot, {rounds} rounds",
        stage.database,
        said=(
            f"{sum(n > 1 for n in winners)} rounds double-booked, {sum(n == 0 for n in winners)} "
            f"without winner, {others} other answers; 409 p50 {percentile(losers, 50):.0f} ms, "
            f"p95 {p95:.0f} ms"
        ),
        goals=[
            Goal("1 winner in each round", all(n == 1 for n in winners) and not others),
            Goal("409 in p95 ≤ 100 ms", p95 <= 100),
        ],
    )


def polls(stage: Stage, server: Server, path: str, each: int) -> Line:
    """Calendar apps that ask whether anything is new, and nothing is."""
    first = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_PATIENCE)
    first.request("GET", path)
    etag = first.getresponse().headers["ETag"]
    first.close()

    def poll(connection: http.client.HTTPConnection, _number: int) -> list[Told]:
        told = []
        for _ in range(each):
            began = time.perf_counter()
            connection.request("GET", path, headers={"If-None-Match": etag})
            answer = connection.getresponse()
            answer.read()
            told.append((answer.status, (time.perf_counter() - began) * 1000))
        return told

    found, seconds = _together(server.port, poll)
    times = [ms for told in found for _, ms in told]
    statuses = Counter(status for told in found for status, _ in told)
    rate = len(times) / seconds
    return Line(
        f"poll with nothing new, {CLIENTS} clients",
        stage.database,
        said=f"{rate:,.0f}/s, p95 {percentile(times, 95):.0f} ms, statuses {dict(statuses)}",
        goals=[Goal("≥ 1,500/s", rate >= 1500)],
    )
