"""`make bench`: run everything and print the table."""

import argparse
import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.reservations.fake import Load
from tests.bench import booking, clients, closing, process, reading
from tests.bench.measure import Line, Table, slowness
from tests.bench.stage import Stage, stages

PARTS = ("overlap", "booking", "reading", "clients", "feeds", "catalogue", "closing", "process")


def main() -> None:
    given = _arguments()
    logging.disable(logging.INFO)
    load = Load(given.instruments, given.reservations, given.users)
    before = slowness()
    table = Table(
        f"{load.instruments:,} instruments × {load.reservations:,} reservations, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} before; 100,000 squares in {before:.1f} ms. CPU is of the "
        "client process; raw is the same statements by the bare driver."
    )
    began = time.perf_counter()
    table.begin()
    if "process" in given.part:
        table.add(process.start(3 if given.quick else 5))
    postgres = os.environ.get("DURE_TEST_POSTGRES_URL")
    with stages(load, postgres=postgres, only=given.database, told=_tell) as found:
        for stage in found:
            for line in _lines(stage, given):
                table.add(line)
    _tell(
        f"{time.perf_counter() - began:.0f} s in all; 100,000 squares in {before:.1f} ms before, "
        f"{slowness():.1f} ms after, load {os.getloadavg()[0]:.1f}"
    )
    if given.out:
        given.out.write_text(str(table), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("--instruments", type=int)
    parser.add_argument("--reservations", type=int)
    parser.add_argument("--quick", action="store_true", help="20,000 reservations, a minute")
    parser.add_argument("--out", type=Path, help="a file for the table, in Markdown")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="only this one")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; repeatable")
    given = parser.parse_args()
    given.instruments = given.instruments or (100 if given.quick else 1_000)
    given.reservations = given.reservations or (20_000 if given.quick else 1_000_000)
    given.users = max(20, given.instruments * 2)
    given.part = given.part or PARTS
    return given


def _lines(stage: Stage, given: argparse.Namespace) -> Iterator[Line]:
    """All parts in an order in which none disturbs the next."""
    few, quick = (40 if given.quick else 200), given.quick
    parts: dict[str, Callable[[], Iterator[Line]]] = {
        "booking": lambda: _booking(stage, few),
        "reading": lambda: _reading(stage),
        "clients": lambda: _clients(stage, given),
        "overlap": lambda: booking.overlap(
            stage, [1_000, 10_000] if quick else [1_000, 10_000, 100_000]
        ),
        "feeds": lambda: _feeds(stage, quick=quick),
        "catalogue": lambda: _catalogue(stage, given),
        "closing": lambda: _closing(stage, quick=quick),
    }
    for name, part in parts.items():
        if name in given.part:
            yield from part()


def _booking(stage: Stage, times: int) -> Iterator[Line]:
    line, bare = booking.use_case(stage, times)
    yield line
    yield booking.refusal(stage, times)
    yield booking.series(stage, 5)
    yield booking.api(stage, times, bare)
    yield booking.form(stage, times, bare)


def _reading(stage: Stage) -> Iterator[Line]:
    yield from reading.weeks(stage)
    yield from reading.availability(stage)


def _clients(stage: Stage, given: argparse.Namespace) -> Iterator[Line]:
    tokens = [stage.token(number) for number in range(4, 4 + clients.CLIENTS)]
    with clients.serving(stage) as server:
        yield clients.different(stage, server, tokens, 15 if given.quick else 100)
        yield clients.same_slot(stage, server, tokens, 10 if given.quick else 100)
        if "process" in given.part:
            yield process.memory(stage, server)


def _feeds(stage: Stage, *, quick: bool) -> Iterator[Line]:
    for seed, events in enumerate([500] if quick else [500, 6_250], 201):
        lines, path = reading.feed(stage, seed, events)
        yield from lines
    with clients.serving(stage) as server:
        yield clients.polls(stage, server, path, 100 if quick else 500)


def _catalogue(stage: Stage, given: argparse.Namespace) -> Iterator[Line]:
    wanted = 2_000 if given.quick else 20_000
    stage.fill(Load(wanted - given.instruments, 0, 1, 301))
    stage.settle()
    yield reading.catalogue(stage, wanted)


def _closing(stage: Stage, *, quick: bool) -> Iterator[Line]:
    yield from closing.month(stage, 2_000 if quick else 100_000)
    yield closing.settlement(stage)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
