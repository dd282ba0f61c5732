"""Keep who may reserve for whom, and who did.

The new column may be empty: a running older version goes on writing its rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "b3d6"
down_revision = "b4d6"
branch_labels = None
depends_on = None

FOR_OTHERS = sa.text("reserved_by_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "assistant",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["user.id"], name="fk_assistant_person_id"),
        sa.UniqueConstraint("person_id", "email", name="uq_assistant_person_id_email"),
    )
    op.create_index("ix_assistant_email", "assistant", ["email"])
    # Written by hand: a table that is copied, as Alembic would on SQLite, loses its triggers.
    op.execute(
        "ALTER TABLE reservation ADD COLUMN reserved_by_id INTEGER "
        'CONSTRAINT fk_reservation_reserved_by_id REFERENCES "user" (id)'
    )
    op.create_index(
        "ix_reservation_reserved_by",
        "reservation",
        ["reserved_by_id", "starts_at"],
        postgresql_where=FOR_OTHERS,
        sqlite_where=FOR_OTHERS,
    )


def downgrade() -> None:
    op.drop_index("ix_reservation_reserved_by", "reservation")
    op.drop_column("reservation", "reserved_by_id")
    op.drop_table("assistant")
