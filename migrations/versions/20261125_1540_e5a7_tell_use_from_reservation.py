"""Tell the time used from the time reserved, and find who has not come or not said goodbye.

Every instrument has a screen whose address can be renewed.

All columns may be empty or are filled by the database, so that a running older version can go on writing its rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "e5a7"
down_revision = "e7a1"
branch_labels = None
depends_on = None

COLUMNS = ("no_show_at", "used_from", "used_until", "reserved_from", "reserved_until")
INDEXES = {
    "ix_reservation_missed": ("no_show_at", "status = 'confirmed' AND no_show_at IS NOT NULL"),
    "ix_reservation_in_use": ("ends_at", "status = 'in_use'"),
}


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("reservation", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "instrument",
        sa.Column("screen_version", sa.Integer(), nullable=False, server_default="0"),
    )
    for name, (column, where) in INDEXES.items():
        partial = sa.text(where)
        op.create_index(
            name, "reservation", [column], sqlite_where=partial, postgresql_where=partial
        )


def downgrade() -> None:
    for name in reversed(INDEXES):
        op.drop_index(name, "reservation")
    op.drop_column("instrument", "screen_version")
    for name in reversed(COLUMNS):
        op.drop_column("reservation", name)
