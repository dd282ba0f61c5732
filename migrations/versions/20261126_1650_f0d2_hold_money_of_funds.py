"""Keep what sponsor funds hold for reservations."""

import sqlalchemy as sa
from alembic import op

revision = "f0d2"
down_revision = "f0d1"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "fund_hold",
        sa.Column("id", BIG, nullable=False),
        sa.Column("fund_id", sa.Integer(), nullable=False),
        sa.Column("reservation_id", BIG, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("institution_id", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("amount >= 0", name="ck_fund_hold_not_negative"),
        *(
            sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_fund_hold_{column}")
            for column, other in (
                ("fund_id", "sponsor_fund"),
                ("reservation_id", "reservation"),
                ("user_id", "user"),
                ("institution_id", "institution"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_fund_hold"),
        sa.UniqueConstraint(
            "reservation_id", "fund_id", name="uq_fund_hold_reservation_id_fund_id"
        ),
    )
    op.create_index("ix_fund_hold_fund_id", "fund_hold", ["fund_id", "day"])


def downgrade() -> None:
    op.drop_table("fund_hold")
