"""Whether the database answers and has the tables that this version expects."""

from functools import lru_cache

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.db import db


def database_problem() -> str | None:
    """What is wrong with the database, and what to do; None if all is well."""
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        present = _revisions()
    except (DBAPIError, NoConnection) as failed:
        return f"The database does not answer: {_first_line(failed)}"
    script = _script(current_app.extensions["migrate"].directory)
    known = {revision.revision for revision in script.walk_revisions()}
    # Unknown ones are newer: during an upgrade the version before goes on serving.
    if present == set(script.get_heads()) or present - known:
        return None
    return "The tables are not those of this version: run `dure db upgrade`."


def _revisions() -> frozenset[str]:
    """The migrations that the database has seen; none in an empty database."""
    try:
        with db.engine.connect() as connection:
            return frozenset(connection.scalars(text("SELECT version_num FROM alembic_version")))
    except DBAPIError as failed:
        if failed.connection_invalidated:
            raise
        return frozenset()


@lru_cache(maxsize=4)
def _script(directory: str) -> ScriptDirectory:
    return ScriptDirectory(directory)


def _first_line(failed: Exception) -> str:
    """The reason without the address, which may hold a password."""
    return str(getattr(failed, "orig", failed)).strip().splitlines()[0][:200]
