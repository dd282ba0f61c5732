"""Keep sponsor funds and for whom they are."""

import sqlalchemy as sa
from alembic import op

revision = "f0d1"
down_revision = "b1d2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sponsor_fund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(64), nullable=False),
        sa.Column("sponsor_id", sa.Integer(), nullable=False),
        sa.Column("name_ko", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("cap_use", sa.BigInteger(), nullable=True),
        sa.Column("cap_person", sa.BigInteger(), nullable=True),
        sa.Column("cap_month", sa.BigInteger(), nullable=True),
        sa.Column("cap_whole", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name="ck_sponsor_fund_a_percentage"),
        sa.CheckConstraint("starts_on <= ends_on", name="ck_sponsor_fund_ends_after_start"),
        sa.ForeignKeyConstraint(
            ["sponsor_id"], ["institution.id"], name="fk_sponsor_fund_sponsor_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sponsor_fund"),
        sa.UniqueConstraint("slug", name="uq_sponsor_fund_slug"),
    )
    op.create_index("ix_sponsor_fund_sponsor_id", "sponsor_fund", ["sponsor_id"])
    op.create_table(
        "fund_condition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fund_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("value", sa.String(96), nullable=False),
        sa.ForeignKeyConstraint(
            ["fund_id"], ["sponsor_fund.id"], name="fk_fund_condition_fund_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_fund_condition"),
        sa.UniqueConstraint("fund_id", "kind", "value", name="uq_fund_condition_fund_id_kind_value"),
    )


def downgrade() -> None:
    op.drop_table("fund_condition")
    op.drop_table("sponsor_fund")
