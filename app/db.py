"""The database: handle, base model, column types, and `transaction()`, the only commit."""

import enum
import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from pydantic_core import PydanticSerializationError, from_json, to_json
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    MetaData,
    String,
    Table,
    and_,
    event,
)
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import (
    CompositeProperty,
    DeclarativeBase,
    Mapped,
    composite,
    registry,
)
from sqlalchemy.types import TypeDecorator

from app.domain.interval import Interval

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)

BUSY_SECONDS = 30


class UtcDateTime(TypeDecorator[datetime]):
    """An instant; refuses naive values, always gives back UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs a time zone.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """SQLite's text is read in one step: of the four usual ones, calendars took a tenth."""
        return _of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class Seconds(TypeDecorator[timedelta]):
    """A duration in whole seconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.total_seconds())

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        return None if value is None else timedelta(seconds=value)


class Word(TypeDecorator[Any]):
    """A `StrEnum` kept as its value; unknown values are refused on the way in."""

    impl = String(32)
    cache_ok = True

    def __init__(self, words: type[enum.StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> enum.StrEnum | None:
        return None if value is None else self.words(value)


_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What every table shares."""

    # A registry, not `type_annotation_map`: Flask-SQLAlchemy copies this class.
    registry = registry(
        metadata=MetaData(naming_convention=_CONVENTION),
        type_annotation_map={
            datetime: UtcDateTime(),
            timedelta: Seconds(),
            dict[str, Any]: JSON(),
            list[Any]: JSON(),
            list[str]: JSON(),
        },
    )


db = SQLAlchemy(
    model_class=Base,
    session_options={"expire_on_commit": False, "autoflush": False},
)

if TYPE_CHECKING:

    class Model(Base):
        __abstract__ = True
else:
    Model = db.Model


class IntervalComparator(CompositeProperty.Comparator[Interval]):
    """Questions to an interval in SQL, spelt as in Python."""

    @property
    def start(self) -> ColumnElement[datetime]:
        return cast("ColumnElement[datetime]", self.__clause_element__().clauses[0])

    @property
    def end(self) -> ColumnElement[datetime]:
        return cast("ColumnElement[datetime]", self.__clause_element__().clauses[1])

    def overlaps(self, other: Interval) -> ColumnElement[bool]:
        return and_(self.start < other.end, self.end > other.start)


def interval_columns() -> Mapped[Interval]:
    """An `Interval` made of the columns `starts_at` and `ends_at` of the same table."""
    return composite(Interval, "starts_at", "ends_at", comparator_factory=IntervalComparator)


def words(kind: type[E]) -> Word:
    """The column type for one of a few named words."""
    return Word(kind)


def table_of(model: type[Base]) -> Table:
    """The table itself, for statements that need no objects."""
    return cast("Table", model.__table__)


class Nested(RuntimeError):
    """A use case was called from within another one."""


@contextmanager
def transaction() -> Iterator[None]:
    """All that is written within is committed at the end, or nothing is.

    The only commit of Dure. Reads made before are ended first, so that a use
    case sees the present. On SQLite the write lock is taken at once: a
    transaction that reads first and writes later dies when two do it together.
    Raises `Nested` inside another transaction.
    """
    session = db.session()
    if session.info.get("writing"):
        raise Nested("transaction() inside transaction()")
    session.rollback()
    session.expire_all()  # A rollback of nothing forgets nothing: what was read may be old.
    session.info["writing"] = True
    try:
        session.connection(execution_options={"writes": True})
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["writing"] = False


def passing(failed: DBAPIError) -> bool:
    """Whether the same statement may well succeed a moment later."""
    state = getattr(failed.orig, "sqlstate", "")
    return (
        failed.connection_invalidated
        # PostgreSQL was not reached at all, is starting, or has no connection or memory left.
        or (isinstance(failed, OperationalError) and state is None)
        or (state or "")[:2] in {"08", "53"}
        or state in {"40001", "40P01", "55P03", "57P01", "57P02", "57P03"}
        or (isinstance(failed, OperationalError) and "locked" in str(failed.orig))
    )


def normalised(text: str) -> str:
    """Text as it is searched: NFC, casefolded, without white space."""
    return "".join(unicodedata.normalize("NFC", text).casefold().split())


def like(text: str) -> str:
    """A LIKE pattern, escaped by a backslash, that finds `text` anywhere."""
    escaped = normalised(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # BEGIN is written below, not by the driver.
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -16000",
        "mmap_size = 268435456",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def engine_options(url: str) -> dict[str, Any]:
    """What SQLAlchemy's engine needs to know for this kind of database."""
    texts = {"json_serializer": _json, "json_deserializer": _from_json}
    if url.startswith("sqlite"):
        return texts | {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}}
    pool = {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 10, "pool_recycle": 1800}
    return texts | pool


def _json(value: Any) -> str:
    """Written in half the time of the standard library: a close writes four for each charge."""
    try:
        return to_json(value).decode()
    except PydanticSerializationError:  # Half a character, which only its escape can say.
        return json.dumps(value)


def _from_json(said: str | bytes) -> Any:
    try:
        return from_json(said)
    except ValueError:
        return json.loads(said)
