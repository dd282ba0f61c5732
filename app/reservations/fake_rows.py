"""Rows of synthetic reservations, made and written as fast as either database takes them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from app.db import db
from app.domain.approval import Status
from app.domain.booking import Mode
from app.reservations.models import Reservation

SLOT = timedelta(minutes=30)
#: Of all reservations of an instrument, how many lie in the past.
PAST = 0.8
#: One in so many was cancelled.
CANCELLED = 20

_COLUMNS = (
    "uid, instrument_id, holder_id, institution_id, starts_at, ends_at, status, exclusive, "
    "version, sequence, purpose, mode, note, answers, decision_reason, "
    "requested_at, updated_at, shown_at, ended_at"
)
_PURPOSES = ("세포막 영상", "membrane imaging", "정기 측정", "pilot experiment", "시료 분석")
_STEPS = 4093
_REQUESTED_AHEAD = 3 * 48  # slots
Row = tuple[Any, ...]


class Pattern:
    """Free and reserved slots in turn, the same for each instrument but for where it begins."""

    def __init__(self, rng: Random, holders: Sequence[tuple[int, int]], at: datetime) -> None:
        self._steps = [(rng.randint(0, 24), rng.randint(1, 8)) for _ in range(_STEPS)]
        self._holders = rng.sample(holders, len(holders))
        self._random = rng
        self._at = at
        self._texts: dict[int, str] = {}

    def longest(self, number: int, count: int) -> timedelta:
        """The longest of an instrument's reservations."""
        return SLOT * max((length for _, length in self._turns(number, count)), default=0)

    def rows(self, number: int, instrument_id: int, count: int) -> Iterator[Row]:
        """The reservations of one instrument, in the order of time."""
        past = int(count * PAST)
        line = -sum(gap + length for gap, length in self._turns(number, past))
        text, bits, holders = self._text, self._random.getrandbits, self._holders
        mode = Mode.SELF_OPERATED.value
        for turn, (gap, length) in enumerate(self._turns(number, count)):
            start = line + gap
            line = start + length
            holder_id, institution_id = holders[(number * 31 + turn) % len(holders)]
            requested_at = text(min(start - _REQUESTED_AHEAD, -1))
            ended_at = None
            if turn % CANCELLED == CANCELLED - 1:
                status, ended_at = Status.CANCELLED.value, requested_at
            else:
                status = (Status.COMPLETED if turn < past else Status.CONFIRMED).value
            yield (
                f"{bits(128):032x}",
                instrument_id,
                holder_id,
                institution_id,
                text(start),
                text(line),
                status,
                True,
                1,
                0,
                _PURPOSES[turn % len(_PURPOSES)],
                mode,
                "",
                "{}",
                "",
                requested_at,
                requested_at,
                requested_at,
                ended_at,
            )

    def _turns(self, number: int, count: int) -> Iterator[tuple[int, int]]:
        """So many slots free, so many reserved, again and again."""
        steps, first = self._steps, number * 97 % _STEPS
        while count > 0:
            yield from steps[first : first + count]
            count -= _STEPS - first
            first = 0

    def _text(self, slot: int) -> str:
        """The instant so many slots from now, as both databases read it; each is written once."""
        found = self._texts.get(slot)
        if found is None:
            # SQLite keeps instants as text in UTC without saying so; PostgreSQL is told.
            zone = "+00" if db.engine.dialect.name == "postgresql" else ""
            found = f"{self._at + slot * SLOT:%Y-%m-%d %H:%M:%S}.000000{zone}"
            self._texts[slot] = found
        return found


def write(rows: Iterator[Row], at_once: int) -> Iterator[int]:
    """Write the rows in the caller's transaction; gives how many were written each time."""
    connection = db.session.connection()
    table = f"{Reservation.__tablename__} ({_COLUMNS})"
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        while some := list(islice(rows, at_once)):
            with driver.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for row in some:
                    copy.write_row(row)
            yield len(some)
        return
    marks = ", ".join("?" for _ in _COLUMNS.split(","))
    # More room than a web worker has: the indexes of a million rows do not fit into that.
    connection.exec_driver_sql("PRAGMA cache_size = -262144")
    while some := list(islice(rows, at_once)):
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608
        yield len(some)
