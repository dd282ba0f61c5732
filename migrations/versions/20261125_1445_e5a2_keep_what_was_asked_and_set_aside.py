"""Keep with a reservation what was asked at booking, and which rules a manager set aside."""

import sqlalchemy as sa
from alembic import op

revision = "e5a2"
down_revision = "d4f1"
branch_labels = None
depends_on = None

COLUMNS = {
    "asked": (sa.JSON(), "[]"),
    "refusals_overridden": (sa.JSON(), "[]"),
    "override_reason": (sa.String(500), ""),
}


def upgrade() -> None:
    for name, (kind, value) in COLUMNS.items():
        op.add_column(
            "reservation", sa.Column(name, kind, nullable=False, server_default=value)
        )


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("reservation", name)
