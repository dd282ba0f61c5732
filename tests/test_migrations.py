"""Migrations: equal to the models, up and down on filled databases, standing on their own."""

import ast
import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from app.db import db
from app.domain.approval import HOLDING
from app.reservations import services
from tests.factories import NOW, hours
from tests.reservations.test_services import booking

VERSIONS = sorted((Path(__file__).parent.parent / "migrations" / "versions").glob("*.py"))


def test_the_schema_of_the_migrations_is_that_of_the_models(app):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, db.metadata)

    # Built by hand and unknown to the models: the search index of PostgreSQL.
    by_hand = {"ix_instrument_search"}
    assert [d for d in differences if not (d[0] == "remove_index" and d[1].name in by_hand)] == []


def test_down_and_up_again_on_a_filled_database(app, mina, microscope):
    services.request_reservation(mina, booking(microscope, hours(1, 3)), now=NOW)
    db.session.remove()
    for migration in reversed(VERSIONS[1:]):
        downgrade(revision=re.search(r'down_revision = ["\'](\w+)', migration.read_text())[1])
    upgrade()

    kept = db.session.execute(text("SELECT count(*) FROM reservation")).scalar()
    assert kept == 1


def test_all_the_way_down_leaves_no_table(app, mina):
    db.session.remove()
    downgrade(revision="base")

    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}


@pytest.mark.parametrize("migration", VERSIONS, ids=lambda path: path.name)
def test_a_migration_is_dated_and_stands_on_its_own(migration):
    assert re.fullmatch(r"\d{8}_\d{4}_[0-9a-f]+_[a-z0-9_]+\.py", migration.name)
    imported = {
        name
        for node in ast.walk(ast.parse(migration.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([a.name for a in node.names] + [getattr(node, "module", None) or ""])
    }
    assert not any(name == "app" or name.startswith("app.") for name in imported)


def test_the_net_names_the_same_states_as_the_domain():
    """The migration may not import the domain, so this test keeps the two in step."""
    source = next(p for p in VERSIONS if "let_people_wait" in p.name).read_text()
    named = set(re.findall(r"'(\w+)'", re.search(r"HOLDS = \"(.+)\"", source)[1]))
    assert named == {status.value for status in HOLDING}


def test_an_overlap_written_past_the_rules_is_refused_by_the_database(app, mina, microscope):
    made = services.request_reservation(mina, booking(microscope, hours(1, 3)), now=NOW)
    other = services.request_reservation(mina, booking(microscope, hours(5, 6)), now=NOW)
    with pytest.raises(Exception, match="one_at_a_time"):
        db.session.execute(
            text("UPDATE reservation SET starts_at = :start WHERE id = :id"),
            {"start": made.starts_at.replace(tzinfo=None), "id": other.id},
        )
