"""Keep holds apart in the database itself, beneath the booking rules.

Alembic does not see triggers and exclusion constraints; tests/test_migrations.py does.

The rules keep reservations apart under the instrument's lock. What is built here makes a
mistake there loud: where an instrument has room for one (`exclusive`), an overlapping row
is refused. PostgreSQL has exclusion constraints for it. SQLite gets triggers, which look
only at the hold that begins last before the new one ends: as holds do not overlap one
another, none that began earlier can reach further, so the check costs one index step,
however long the history.
"""

import sqlalchemy as sa
from alembic import op

revision = "a1c4"
down_revision = "828274c9f3db"
branch_labels = None
depends_on = None

HOLDS = "status IN ('completed', 'confirmed', 'in_use', 'pending')"
NEW_HOLDS = "NEW.status IN ('completed', 'confirmed', 'in_use', 'pending')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute(
            "ALTER TABLE reservation ADD CONSTRAINT one_at_a_time EXCLUDE USING gist "
            "(instrument_id WITH =, tstzrange(starts_at, ends_at) WITH &&) "
            f"WHERE (exclusive AND {HOLDS})"
        )
        op.execute(
            "CREATE INDEX ix_instrument_search ON instrument USING gin (search_text gin_trgm_ops)"
        )
        return
    for name, moment in (("insert", "INSERT"), ("update", "UPDATE")):
        op.execute(
            sa.text(
                f"CREATE TRIGGER one_at_a_time_{name} BEFORE {moment} ON reservation "
                f"WHEN NEW.exclusive AND {NEW_HOLDS} AND NEW.starts_at < ("
                "SELECT ends_at FROM reservation WHERE instrument_id = NEW.instrument_id "
                f"AND {HOLDS} AND starts_at < NEW.ends_at AND exclusive "
                "AND id IS NOT NEW.id "
                "ORDER BY starts_at DESC LIMIT 1) "
                "BEGIN SELECT RAISE(ABORT, 'one_at_a_time'); END"
            )
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX ix_instrument_search")
        op.execute("ALTER TABLE reservation DROP CONSTRAINT one_at_a_time")
        return
    op.execute("DROP TRIGGER one_at_a_time_update")
    op.execute("DROP TRIGGER one_at_a_time_insert")
