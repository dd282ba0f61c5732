"""Keep with a reservation, and with what somebody waits for, which accounts pay for it."""

import sqlalchemy as sa
from alembic import op

revision = "c4a8"
down_revision = "b3d7"
branch_labels = None
depends_on = None

TABLES = ("reservation", "wait")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("shares", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "shares")
