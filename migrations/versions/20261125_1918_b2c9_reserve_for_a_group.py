"""Keep for which research group a reservation is."""

from alembic import op

revision = "b2c9"
down_revision = "b3d6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written by hand: a table that is copied, as Alembic would on SQLite, loses its triggers.
    op.execute(
        "ALTER TABLE reservation ADD COLUMN group_id INTEGER "
        "CONSTRAINT fk_reservation_group_id REFERENCES research_group (id)"
    )


def downgrade() -> None:
    op.drop_column("reservation", "group_id")
