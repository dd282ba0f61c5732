"""Mark institutions that owe a supplier money."""

import sqlalchemy as sa
from alembic import op

revision = "d4e7"
down_revision = "d5b2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "overdue_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("supplier_id", sa.Integer(), nullable=False),
        sa.Column("payer_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marked_by_id", sa.Integer()),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by_id", sa.Integer()),
        sa.CheckConstraint("payer_id <> supplier_id", name="ck_overdue_mark_of_another"),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["institution.id"], name="fk_overdue_mark_supplier_id"
        ),
        sa.ForeignKeyConstraint(["payer_id"], ["institution.id"], name="fk_overdue_mark_payer_id"),
        sa.ForeignKeyConstraint(["marked_by_id"], ["user.id"], name="fk_overdue_mark_marked_by_id"),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["user.id"], name="fk_overdue_mark_lifted_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_overdue_mark"),
    )
    op.create_index("ix_overdue_mark_supplier_id", "overdue_mark", ["supplier_id"])
    op.create_index(
        "ix_overdue_mark_open",
        "overdue_mark",
        ["payer_id", "supplier_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("overdue_mark")
