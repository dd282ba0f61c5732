"""Timing work, and the table of figures."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

REPEATS = 30


@dataclass(frozen=True)
class Timing:
    """What the same work cost each time, in milliseconds."""

    wall: Sequence[float]
    cpu: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.wall)

    @property
    def p95(self) -> float:
        return percentile(self.wall, 95)

    @property
    def cpu50(self) -> float:
        return statistics.median(self.cpu)


def percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def timed(
    work: Callable[[int], object],
    *,
    times: int = REPEATS,
    warm: int = 3,
    after: Callable[[], object] = lambda: None,
) -> Timing:
    """Do `work` a few times unmeasured, then `times`; `after` is not measured either.

    CPU is that of this process alone: with PostgreSQL, of the client.
    """
    wall, cpu = [], []
    gc.collect()
    gc.freeze()  # as the web server does before it forks
    for number in range(warm + times):
        began, began_cpu = time.perf_counter(), time.process_time()
        work(number)
        spent_cpu, spent = time.process_time() - began_cpu, time.perf_counter() - began
        after()
        if number >= warm:
            wall.append(spent * 1000)
            cpu.append(spent_cpu * 1000)
    return Timing(wall, cpu)


def slowness() -> float:
    """CPU milliseconds of a fixed piece of Python: tells a busy machine from a quiet one."""
    return timed(lambda _: sum(n * n for n in range(100_000)), times=15).cpu50


@dataclass(frozen=True)
class Goal:
    """What is to be reached, and whether it was."""

    says: str
    reached: bool

    def __str__(self) -> str:
        return f"{self.says}: {'ok' if self.reached else 'MISSED'}"


@dataclass
class Line:
    """One figure of the table."""

    work: str
    database: str
    timing: Timing | None = None
    raw: Timing | None = None
    said: str = ""
    goals: Sequence[Goal] = ()

    def cells(self) -> list[str]:
        mine, raw = self.timing, self.raw
        return [
            self.work,
            self.database,
            _ms(mine.p50) if mine else "",
            _ms(mine.p95) if mine else "",
            _ms(mine.cpu50) if mine else "",
            _ms(raw.cpu50) if raw else "",
            f"{mine.cpu50 / max(raw.cpu50, 0.0005):.1f}" if mine and raw else "",
            self.said,
            "; ".join(map(str, self.goals)),
        ]


@dataclass
class Table:
    """All figures of a run."""

    heading: str
    lines: list[Line] = field(default_factory=list)

    HEAD = ("work", "database", "p50 ms", "p95 ms", "CPU ms", "raw CPU ms", "ratio", "", "target")

    def add(self, *lines: Line) -> None:
        for line in lines:
            self.lines.append(line)
            print(_row(line.cells()), flush=True)

    def begin(self) -> None:
        print(self._top(), flush=True)

    def _top(self) -> str:
        return "\n".join((self.heading, "", _row(self.HEAD), _row(["---"] * len(self.HEAD))))

    def __str__(self) -> str:
        return "\n".join((self._top(), *(_row(line.cells()) for line in self.lines), ""))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _ms(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"
