"""Keep until when a request has to be decided, and that it went to those above."""

import sqlalchemy as sa
from alembic import op

revision = "d5c3"
down_revision = "d4e7"
branch_labels = None
depends_on = None

OVERDUE = sa.text("status = 'pending' AND decide_by IS NOT NULL")


def upgrade() -> None:
    op.add_column("reservation", sa.Column("decide_by", sa.DateTime(timezone=True)))
    op.add_column("reservation", sa.Column("escalated_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_reservation_overdue",
        "reservation",
        ["decide_by"],
        postgresql_where=OVERDUE,
        sqlite_where=OVERDUE,
    )


def downgrade() -> None:
    op.drop_index("ix_reservation_overdue", "reservation")
    op.drop_column("reservation", "escalated_at")
    op.drop_column("reservation", "decide_by")
