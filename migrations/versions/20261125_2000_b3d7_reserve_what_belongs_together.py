"""Keep which instruments need each other, and which reservations were made together."""

import sqlalchemy as sa
from alembic import op

revision = "b3d7"
down_revision = "d5d4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("needs", "accessories"):
        op.add_column("instrument", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("reservation", sa.Column("bundle", sa.String(32)))
    op.create_index(
        "ix_reservation_bundle",
        "reservation",
        ["bundle"],
        postgresql_where=sa.text("bundle IS NOT NULL"),
        sqlite_where=sa.text("bundle IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_reservation_bundle", "reservation")
    op.drop_column("reservation", "bundle")
    for name in ("accessories", "needs"):
        op.drop_column("instrument", name)
