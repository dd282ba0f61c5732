"""Suspend people from the instruments of a facility, by its rule on no-shows.

Both columns may be empty: a running older version goes on writing its rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "a8c2"
down_revision = "a1b9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written by hand: Alembic would copy the table on SQLite for the sake of the reference.
    op.execute(
        "ALTER TABLE suspension ADD COLUMN facility_id INTEGER "
        "CONSTRAINT fk_suspension_facility_id REFERENCES facility (id)"
    )
    op.add_column("suspension", sa.Column("rule", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("suspension", "rule")
    op.drop_column("suspension", "facility_id")
