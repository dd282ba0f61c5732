"""Keep who operates which instruments, and who attends a reservation."""

import sqlalchemy as sa
from alembic import op

revision = "f6b1"
down_revision = "b1d0"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")
_ATTENDED = sa.text("operator_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "operator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("named_by_id", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_operator_facility_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_operator_user_id")),
        sa.ForeignKeyConstraint(
            ["named_by_id"], ["user.id"], name=op.f("fk_operator_named_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
    )
    op.create_index(op.f("ix_operator_user_id"), "operator", ["user_id"])
    op.create_index(
        "one_operator",
        "operator",
        ["facility_id", "user_id"],
        unique=True,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    op.create_table(
        "operator_instrument",
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operator.id"], name=op.f("fk_operator_instrument_operator_id")
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_operator_instrument_instrument_id")
        ),
        sa.PrimaryKeyConstraint("operator_id", "instrument_id", name=op.f("pk_operator_instrument")),
    )
    op.create_index(
        op.f("ix_operator_instrument_instrument_id"), "operator_instrument", ["instrument_id"]
    )
    # One statement for both databases: SQLite adds a foreign key only along with its column.
    op.execute(
        "ALTER TABLE reservation ADD COLUMN operator_id INTEGER "
        'CONSTRAINT fk_reservation_operator_id REFERENCES "user" (id)'
    )
    op.create_index(
        "ix_reservation_operator",
        "reservation",
        ["operator_id", "starts_at"],
        postgresql_where=_ATTENDED,
        sqlite_where=_ATTENDED,
    )


def downgrade() -> None:
    op.drop_index("ix_reservation_operator", "reservation")
    op.drop_column("reservation", "operator_id")
    op.drop_table("operator_instrument")
    op.drop_table("operator")
