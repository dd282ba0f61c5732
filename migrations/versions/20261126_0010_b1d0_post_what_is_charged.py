"""Keep what is charged, the ledger, closed months and statements; all of it is only added.

Alembic does not see triggers; tests/billing/test_ledger.py does.
"""

import sqlalchemy as sa
from alembic import op

revision = "b1d0"
down_revision = "c4a8"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "month_close",
    "ledger_entry",
    "ledger_posting",
    "charge_decision",
    "charge",
    "statement",
    "statement_line",
)
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("reservation", sa.Column("charging", sa.JSON()))
    op.add_column(
        "reservation",
        sa.Column("given_up", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "month_close",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("closed_by_id", sa.Integer()),
        _fk("month_close", "supplier_id", "institution"),
        _fk("month_close", "closed_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name="pk_month_close"),
        sa.UniqueConstraint("supplier_id", "month", name="uq_month_close_supplier_id_month"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("reverses_id", BIG),
        sa.Column("posted_at", MOMENT, nullable=False),
        _fk("ledger_entry", "supplier_id", "institution"),
        _fk("ledger_entry", "reverses_id", "ledger_entry"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entry"),
        sa.UniqueConstraint("reverses_id", name="uq_ledger_entry_reverses_id"),
        sa.UniqueConstraint("subject", "kind", name="uq_ledger_entry_subject_kind"),
    )
    op.create_index("ix_ledger_entry_supplier", "ledger_entry", ["supplier_id", "day"])
    op.create_table(
        "ledger_posting",
        sa.Column("id", BIG, nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("account", sa.String(120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="ck_ledger_posting_moves_something"),
        _fk("ledger_posting", "entry_id", "ledger_entry"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_posting"),
    )
    op.create_index("ix_ledger_posting_entry_id", "ledger_posting", ["entry_id"])
    op.create_index("ix_ledger_posting_account", "ledger_posting", ["account"])
    op.create_table(
        "charge_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reservation_id", BIG, nullable=False),
        sa.Column("net", sa.BigInteger()),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("net IS NULL OR net >= 0", name="ck_charge_decision_not_negative"),
        _fk("charge_decision", "reservation_id", "reservation"),
        _fk("charge_decision", "decided_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name="pk_charge_decision"),
    )
    op.create_index("ix_charge_decision_reservation_id", "charge_decision", ["reservation_id"])
    op.create_table(
        "charge",
        sa.Column("id", BIG, nullable=False),
        sa.Column("reservation_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("of_version", sa.Integer(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.String(32), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("entry_id", BIG),
        sa.Column("decision_id", sa.Integer()),
        sa.Column("reason", sa.String(500), nullable=False),
        _fk("charge", "reservation_id", "reservation"),
        _fk("charge", "supplier_id", "institution"),
        _fk("charge", "entry_id", "ledger_entry"),
        _fk("charge", "decision_id", "charge_decision"),
        sa.PrimaryKeyConstraint("id", name="pk_charge"),
        sa.UniqueConstraint("entry_id", name="uq_charge_entry_id"),
        sa.UniqueConstraint("reservation_id", "number", name="uq_charge_reservation_id_number"),
    )
    op.create_index("ix_charge_supplier", "charge", ["supplier_id", "month"])
    op.create_table(
        "statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("payer_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("dated", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("sponsored", sa.BigInteger(), nullable=False),
        sa.Column("parties", sa.JSON(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        _fk("statement", "supplier_id", "institution"),
        _fk("statement", "payer_id", "institution"),
        sa.PrimaryKeyConstraint("id", name="pk_statement"),
        sa.UniqueConstraint("uid", name="uq_statement_uid"),
        sa.UniqueConstraint(
            "supplier_id", "payer_id", "month", name="uq_statement_supplier_id_payer_id_month"
        ),
        sa.UniqueConstraint(
            "supplier_id", "year", "number", name="uq_statement_supplier_id_year_number"
        ),
    )
    op.create_index("ix_statement_payer_id", "statement", ["payer_id"])
    op.create_index("ix_statement_month", "statement", ["month"])
    op.create_table(
        "statement_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("charge_id", BIG, nullable=False),
        sa.Column("corrects_id", BIG),
        sa.Column("account", sa.String(64)),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.Column("sponsored", sa.JSON(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        _fk("statement_line", "statement_id", "statement"),
        _fk("statement_line", "charge_id", "charge"),
        _fk("statement_line", "corrects_id", "statement_line"),
        sa.PrimaryKeyConstraint("id", name="pk_statement_line"),
        sa.UniqueConstraint("corrects_id", name="uq_statement_line_corrects_id"),
        sa.UniqueConstraint(
            "statement_id", "position", name="uq_statement_line_statement_id_position"
        ),
    )
    op.create_index("ix_statement_line_charge_id", "statement_line", ["charge_id"])
    _refuse_changes()


def _fk(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}")


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'only_added: rows of % are never changed', TG_TABLE_NAME; "
            "END $$"
        )
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION only_added()"
            )
        return
    for table in APPEND_ONLY:
        for moment in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_only_added_{moment.lower()} BEFORE {moment} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'only_added: rows of {table} are never changed'); END"
            )


def downgrade() -> None:
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION only_added()")
    op.drop_column("reservation", "given_up")
    op.drop_column("reservation", "charging")
