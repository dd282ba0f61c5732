"""Keep rate cards by date, and how suppliers tax and round."""

import sqlalchemy as sa
from alembic import op

revision = "b4d6"
down_revision = "a8f1"
branch_labels = None
depends_on = None

ONCE_A_DAY = {
    "ix_rate_card_instrument": ("instrument_id", "instrument_id IS NOT NULL"),
    "ix_rate_card_facility": ("facility_id", "facility_id IS NOT NULL"),
    "ix_rate_card_supplier": (
        "supplier_id",
        "instrument_id IS NULL AND facility_id IS NULL",
    ),
}


def key(name: str, table: str, of: str, *, nullable: bool = False) -> sa.Column:
    foreign = sa.ForeignKey(f"{of}.id", name=f"fk_{table}_{name}_{of}")
    return sa.Column(name, sa.Integer(), foreign, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "rate_card",
        sa.Column("id", sa.Integer(), nullable=False),
        key("supplier_id", "rate_card", "institution"),
        key("facility_id", "rate_card", "facility", nullable=True),
        key("instrument_id", "rate_card", "instrument", nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        key("made_by_id", "rate_card", "user"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "facility_id IS NULL OR instrument_id IS NULL",
            name=op.f("ck_rate_card_of_one_thing"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rate_card"),
    )
    op.create_index("ix_rate_card_of", "rate_card", ["supplier_id"])
    for name, (column, where) in ONCE_A_DAY.items():
        partial = sa.text(where)
        op.create_index(
            name,
            "rate_card",
            [column, "valid_from"],
            unique=True,
            sqlite_where=partial,
            postgresql_where=partial,
        )
    op.create_table(
        "rate_line",
        sa.Column("id", sa.Integer(), nullable=False),
        key("card_id", "rate_line", "rate_card"),
        sa.Column("who", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("unit", sa.String(32), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "price >= 0 AND minimum >= 0", name=op.f("ck_rate_line_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rate_line"),
        sa.UniqueConstraint(
            "card_id", "who", "mode", "unit", name="uq_rate_line_card_id_who_mode_unit"
        ),
    )
    op.create_table(
        "supplier_terms",
        key("institution_id", "supplier_terms", "institution"),
        sa.Column("tax", sa.String(32), nullable=False),
        sa.Column("vat_percent", sa.Integer(), nullable=False),
        sa.Column("truncation", sa.Integer(), nullable=False),
        key("changed_by_id", "supplier_terms", "user"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("institution_id", name="pk_supplier_terms"),
    )


def downgrade() -> None:
    op.drop_table("supplier_terms")
    op.drop_table("rate_line")
    op.drop_table("rate_card")
