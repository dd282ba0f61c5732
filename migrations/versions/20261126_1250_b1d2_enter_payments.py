"""Keep payments of statements; they are only added.

Alembic does not see triggers; tests/billing/test_closing.py does.
"""

import sqlalchemy as sa
from alembic import op

revision = "b1d2"
down_revision = "b1d1"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by_id", sa.Integer(), nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.CheckConstraint("amount <> 0", name="ck_payment_moves_something"),
        *(
            sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_payment_{column}")
            for column, other in (
                ("statement_id", "statement"),
                ("entered_by_id", "user"),
                ("entry_id", "ledger_entry"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
        sa.UniqueConstraint("entry_id", name="uq_payment_entry_id"),
        sa.UniqueConstraint("statement_id", "number", name="uq_payment_statement_id_number"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON payment "
            "FOR EACH ROW EXECUTE FUNCTION only_added()"
        )
        return
    for moment in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER payment_only_added_{moment.lower()} BEFORE {moment} ON payment "
            "BEGIN SELECT RAISE(ABORT, 'only_added: rows of payment are never changed'); END"
        )


def downgrade() -> None:
    op.drop_table("payment")
