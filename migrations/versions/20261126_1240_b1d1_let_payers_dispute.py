"""Keep what payers object to, and what suppliers answer."""

import sqlalchemy as sa
from alembic import op

revision = "b1d1"
down_revision = "d5e6"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "line_dispute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line_id", BIG, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("raised_by_id", sa.Integer(), nullable=False),
        sa.Column("upheld", sa.Boolean()),
        sa.Column("answer", sa.String(500), nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("answered_by_id", sa.Integer()),
        sa.CheckConstraint(
            "(upheld IS NULL) = (answered_at IS NULL)", name="ck_line_dispute_answered_once"
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["statement_line.id"], name="fk_line_dispute_line_id"
        ),
        sa.ForeignKeyConstraint(
            ["raised_by_id"], ["user.id"], name="fk_line_dispute_raised_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["user.id"], name="fk_line_dispute_answered_by_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_line_dispute"),
    )
    op.create_index("ix_line_dispute_line_id", "line_dispute", ["line_id"])
    op.create_index(
        "ix_line_dispute_open",
        "line_dispute",
        ["line_id"],
        unique=True,
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("line_dispute")
