"""Let a reservation be handed over to somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "d5e6"
down_revision = "d7a1"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hand_over",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("reservation_id", KEY, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("offered_by_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name="fk_hand_over_reservation_id"
        ),
        sa.ForeignKeyConstraint(["offered_by_id"], ["user.id"], name="fk_hand_over_offered_by_id"),
    )
    op.create_index("ix_hand_over_reservation_id", "hand_over", ["reservation_id"])
    op.create_index("ix_hand_over_email", "hand_over", ["email"])
    open_ = sa.text("outcome IS NULL")
    op.create_index(
        "one_open_hand_over",
        "hand_over",
        ["reservation_id"],
        unique=True,
        postgresql_where=open_,
        sqlite_where=open_,
    )


def downgrade() -> None:
    op.drop_table("hand_over")
