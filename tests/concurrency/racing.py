"""Several real processes that do the same thing at the same instant, round after round."""

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.db import db

RACERS = 8
PATIENCE = 60  # seconds until a round counts as stuck


@dataclass(frozen=True)
class Outcome:
    """What one racer met in one round."""

    round: int
    racer: int
    said: Any
    seconds: float


def race(
    do: Callable[[int, int], Any],
    *,
    rounds: int,
    racers: int = RACERS,
    prepare: Callable[[], None] | None = None,
) -> list[list[Outcome]]:
    """Let `racers` processes call `do(round, racer)` together; the outcomes by round.

    Each has the application of the test, with what it has compiled so far, and connections of its
    own. `prepare` runs once in each: that is where a control takes a guard away.
    Raises `AssertionError` with the traceback if a racer dies.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(racers)
    told: Any = context.SimpleQueue()
    processes = [
        context.Process(target=_run, args=(do, rounds, racer, barrier, told, prepare))
        for racer in range(racers)
    ]
    db.session.remove()
    db.engine.dispose()  # A connection must not be shared with a child.
    for process in processes:
        process.start()
    by_round: list[list[Outcome]] = [[] for _ in range(rounds)]
    for _ in range(racers):
        outcomes = told.get()
        assert isinstance(outcomes, list), outcomes
        for outcome in outcomes:
            by_round[outcome.round].append(outcome)
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0
    return by_round


def _run(do, rounds, racer, barrier, told, prepare) -> None:
    try:
        if prepare:
            prepare()
        outcomes = []
        for number in range(rounds):
            barrier.wait(PATIENCE)
            began = time.perf_counter()
            said = do(number, racer)
            outcomes.append(Outcome(number, racer, said, time.perf_counter() - began))
            db.session.rollback()
        db.session.remove()
        db.engine.dispose()
        told.put(outcomes)
    except BaseException:  # noqa: BLE001 – told to the parent, whatever it is
        barrier.abort()
        told.put(traceback.format_exc())


def winners(outcomes: list[Outcome]) -> int:
    return sum(outcome.said == "won" for outcome in outcomes)
