"""Keep who wants to hear once a day of what waits for them, and when they last did."""

import sqlalchemy as sa
from alembic import op

revision = "d5d4"
down_revision = "c2e8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "user",
        sa.Column("approval_mails", sa.String(32), nullable=False, server_default="at_once"),
    )
    op.add_column("user", sa.Column("digested_on", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("user", "digested_on")
    op.drop_column("user", "approval_mails")
