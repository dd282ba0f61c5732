"""How Alembic reaches the database and the tables."""

from typing import Any

from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db


def render_item(kind: str, thing: Any, _autogen: Any) -> str | bool:
    """Plain types in migrations: what they build must not change when `app` does."""
    if kind != "type":
        return False
    names = {"UtcDateTime": "sa.DateTime(timezone=True)", "Seconds": "sa.BigInteger()"}
    name = type(thing).__name__
    if name == "Word":
        return "sa.String(32)"
    return names.get(name, False)


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
