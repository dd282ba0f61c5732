"""Keep faults, the maintenance log, rules of repeated blackouts, and holidays of facilities."""

import sqlalchemy as sa
from alembic import op

revision = "f6c1"
down_revision = "a7d3"
branch_labels = None
depends_on = None

HOLIDAYS = ("extra_holidays", "skipped_holidays")


def instant(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def key(name: str, table: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(f"{table}.id"), nullable=nullable)


def upgrade() -> None:
    for name in HOLIDAYS:
        op.add_column("facility", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("instrument", instant("out_of_order_since"))
    op.create_table(
        "blackout_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("every", sa.String(32), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        key("made_by_id", "user", nullable=False),
        instant("made_at", nullable=False),
        instant("ended_at"),
        sa.PrimaryKeyConstraint("id", name="pk_blackout_rule"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # SQLite adds no constraint to a table, but a column with one.
        op.execute(
            "ALTER TABLE blackout ADD COLUMN rule_id INTEGER"
            " CONSTRAINT fk_blackout_rule_id_blackout_rule REFERENCES blackout_rule (id)"
        )
    else:
        op.add_column("blackout", key("rule_id", "blackout_rule"))
    op.create_table(
        "fault",
        sa.Column("id", sa.Integer(), nullable=False),
        key("instrument_id", "instrument", nullable=False),
        sa.Column("severity", sa.String(32), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        key("reported_by_id", "user", nullable=False),
        instant("reported_at", nullable=False),
        instant("confirmed_at"),
        key("confirmed_by_id", "user"),
        instant("out_since"),
        key("blackout_id", "blackout"),
        instant("closed_at"),
        key("closed_by_id", "user"),
        sa.PrimaryKeyConstraint("id", name="pk_fault"),
    )
    op.create_index("ix_fault_instrument", "fault", ["instrument_id", "closed_at"])
    op.create_table(
        "maintenance_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        key("instrument_id", "instrument", nullable=False),
        key("fault_id", "fault"),
        sa.Column("registration_number", sa.String(24), nullable=True),
        sa.Column("person_in_charge", sa.String(100), nullable=False),
        key("writer_id", "user", nullable=False),
        sa.Column("repairer", sa.String(200), nullable=False),
        instant("happened_at", nullable=False),
        sa.Column("condition", sa.String(32), nullable=False),
        sa.Column("content", sa.String(4000), nullable=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        instant("written_at", nullable=False),
        instant("corrected_at"),
        key("corrected_by_id", "user"),
        sa.Column("correction_reason", sa.String(500), nullable=False),
        sa.CheckConstraint("cost >= 0", name="cost_not_negative"),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance_entry"),
    )
    op.create_index(
        "ix_maintenance_entry_instrument", "maintenance_entry", ["instrument_id", "happened_at"]
    )


def downgrade() -> None:
    op.drop_table("maintenance_entry")
    op.drop_table("fault")
    op.drop_column("blackout", "rule_id")
    op.drop_table("blackout_rule")
    op.drop_column("instrument", "out_of_order_since")
    for name in reversed(HOLIDAYS):
        op.drop_column("facility", name)
