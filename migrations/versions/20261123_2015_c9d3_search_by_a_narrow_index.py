"""Let SQLite look for words in a narrow index instead of whole rows.

A row of an instrument has several kilobytes of text; reading all of them for one search costs
five times as much. PostgreSQL keeps long text apart and has its trigram index of the same name.
"""

from alembic import op

revision = "c9d3"
down_revision = "b7e2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE INDEX ix_instrument_search ON instrument (retired_at, facility_id, "
            "classification, use_scope, use_state, name_ko, name_en, search_text)"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP INDEX ix_instrument_search")
