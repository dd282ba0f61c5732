"""Of all workers one leads: the one that holds the lock.

PostgreSQL: an advisory lock on a connection of its own; it ends with the connection, so a
dead worker's lead is free at once. A pooler between Dure and PostgreSQL must keep sessions
together (`pool_mode = session`). SQLite: a lock on a file in the instance folder, which
the kernel frees when the process ends.
"""

import fcntl
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings

#: "Dure" in bytes; no other program locks this number in Dure's database.
LOCK = 0x44757265
_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 "
    "AND objid = :lock AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Lead(Protocol):
    """The lead over the workers: taken by one, given up or lost."""

    def take(self) -> bool:
        """Try to lead; False if somebody else does."""

    def holds(self) -> bool:
        """Whether this process still leads."""

    def give_up(self) -> None:
        """Let somebody else lead."""

    def is_taken(self) -> bool:
        """Whether any worker leads."""


def of(settings: Settings) -> Lead:
    """The kind of lead that fits the database."""
    if settings.database_url.startswith("sqlite"):
        return FileLead(settings.instance_dir / "worker.lock")
    return DatabaseLead(settings.database_url)


class FileLead:
    """For workers on one machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def holds(self) -> bool:
        return self._file is not None

    def give_up(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def is_taken(self) -> bool:
        if not self.path.exists():
            return False
        with self.path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False


class DatabaseLead:
    """For workers on any number of machines."""

    def __init__(self, url: str) -> None:
        # Not from the pool: the lock belongs to the connection. A server that vanished
        # without a word is noticed within seconds.
        self._engine = create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "connect_timeout": 5,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 2,
                "tcp_user_timeout": 8000,
            },
        )
        self._connection: Connection | None = None

    def take(self) -> bool:
        try:
            connection = self._engine.connect()
        except SQLAlchemyError:
            return False
        try:
            taken = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK})
        except SQLAlchemyError:
            taken = False
        if not taken:
            connection.close()
            return False
        self._connection = connection
        return True

    def holds(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.give_up()
            return False
        return True

    def give_up(self) -> None:
        if self._connection:
            self._connection.invalidate()  # ends the session and with it the lock
            self._connection.close()
            self._connection = None

    def is_taken(self) -> bool:
        with self._engine.connect() as connection:
            return bool(connection.scalar(_HELD, {"lock": LOCK}))
