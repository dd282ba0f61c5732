"""Keep which reservations were asked for together, by a rule of recurrence."""

import sqlalchemy as sa
from alembic import op

revision = "f9d2"
down_revision = "f6c1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
        ),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("rrule", sa.String(300), nullable=False),
        sa.Column("on_conflict", sa.String(32), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name="fk_series_instrument_id"
        ),
        sa.UniqueConstraint("uid", name="uq_series_uid"),
    )
    # Written by hand: a table that is copied, as Alembic would on SQLite, loses its triggers.
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE reservation ADD COLUMN series_id {kind} "
        "CONSTRAINT fk_reservation_series_id REFERENCES series (id)"
    )
    op.add_column("reservation", sa.Column("original_start", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_reservation_series",
        "reservation",
        ["series_id", "starts_at"],
        postgresql_where=sa.text("series_id IS NOT NULL"),
        sqlite_where=sa.text("series_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_reservation_series", "reservation")
    op.drop_column("reservation", "original_start")
    op.drop_column("reservation", "series_id")
    op.drop_table("series")
