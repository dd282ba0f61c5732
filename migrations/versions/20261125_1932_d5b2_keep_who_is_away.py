"""Keep who is away, and who decides in their place meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "d5b2"
down_revision = "d5a1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name="ck_absence_ends_after_start"),
        sa.CheckConstraint("user_id <> deputy_id", name="ck_absence_deputy_is_another"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_absence_user_id"),
        sa.ForeignKeyConstraint(["deputy_id"], ["user.id"], name="fk_absence_deputy_id"),
        sa.PrimaryKeyConstraint("id", name="pk_absence"),
    )
    op.create_index("ix_absence_user_id", "absence", ["user_id"])
    op.create_index("ix_absence_deputy_id", "absence", ["deputy_id"])


def downgrade() -> None:
    op.drop_table("absence")
