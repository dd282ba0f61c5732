"""Keep who takes part in a reservation of somebody else's."""

import sqlalchemy as sa
from alembic import op

revision = "c2e8"
down_revision = "d5c3"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "participant",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("reservation_id", KEY, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name="fk_participant_reservation_id"
        ),
        sa.UniqueConstraint(
            "reservation_id", "email", name="uq_participant_reservation_id_email"
        ),
    )
    op.create_index("ix_participant_email", "participant", ["email"])


def downgrade() -> None:
    op.drop_table("participant")
