"""Keep what managers write into the usage log, and what they correct in it."""

import sqlalchemy as sa
from alembic import op

revision = "f6b8"
down_revision = "e5a7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column(
            "reservation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_name", sa.String(length=200), nullable=False),
        sa.Column("organisation", sa.String(length=200), nullable=False),
        sa.Column("organisation_class", sa.String(length=32), nullable=False),
        sa.Column("organisation_type", sa.String(length=32), nullable=False),
        sa.Column("use_type", sa.String(length=32), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("writer_id", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_usage_entry_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_usage_entry_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_usage_entry_reservation_id")
        ),
        sa.ForeignKeyConstraint(["writer_id"], ["user.id"], name=op.f("fk_usage_entry_writer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_entry")),
        sa.UniqueConstraint("reservation_id", name=op.f("uq_usage_entry_reservation_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_usage_entry_uid")),
    )
    op.create_index("ix_usage_entry_instrument", "usage_entry", ["instrument_id", "starts_at"])


def downgrade() -> None:
    op.drop_index("ix_usage_entry_instrument", "usage_entry")
    op.drop_table("usage_entry")
