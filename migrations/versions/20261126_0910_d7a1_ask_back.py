"""Let whoever decides ask the holder something first; the deadline waits for the answer."""

import sqlalchemy as sa
from alembic import op

revision = "d7a1"
down_revision = "f9c1"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNANSWERED = sa.text("status = 'pending' AND answer_by IS NOT NULL")
AWAITED = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("reservation", sa.Column("answer_by", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_reservation_unanswered",
        "reservation",
        ["answer_by"],
        postgresql_where=UNANSWERED,
        sqlite_where=UNANSWERED,
    )
    op.create_table(
        "approval_question",
        sa.Column("id", BIG, nullable=False),
        sa.Column("reservation_id", BIG, nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(500), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_left", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(500), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name="fk_approval_question_reservation_id"
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["user.id"], name="fk_approval_question_asked_by_id"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["user.id"], name="fk_approval_question_answered_by_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approval_question"),
    )
    op.create_index("ix_approval_question_reservation_id", "approval_question", ["reservation_id"])
    op.create_index(
        "one_awaited_answer",
        "approval_question",
        ["reservation_id"],
        unique=True,
        postgresql_where=AWAITED,
        sqlite_where=AWAITED,
    )


def downgrade() -> None:
    # What waits for an answer holds its time no longer than its answer would have taken.
    op.execute(
        "UPDATE reservation SET decide_by = answer_by"
        " WHERE status = 'pending' AND answer_by IS NOT NULL"
    )
    op.drop_table("approval_question")
    op.drop_index("ix_reservation_unanswered", "reservation")
    op.drop_column("reservation", "answer_by")
