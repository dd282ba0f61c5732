"""Keep the stages that a reservation has to pass, and who said what at each."""

import sqlalchemy as sa
from alembic import op

revision = "d5a1"
down_revision = "c3d8"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("opened_at IS NOT NULL AND closed_at IS NULL")
ONCE = "uq_standing_approval_instrument_id_user_id"


def upgrade() -> None:
    op.create_table(
        "approval_stage",
        sa.Column("id", BIG, nullable=False),
        sa.Column("reservation_id", BIG, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("every", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "NOT passed OR closed_at IS NOT NULL", name="ck_approval_stage_passed_is_closed"
        ),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name="fk_approval_stage_reservation_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approval_stage"),
        sa.UniqueConstraint(
            "reservation_id",
            "round",
            "position",
            name="uq_approval_stage_reservation_id_round_position",
        ),
    )
    op.create_index("ix_approval_stage_reservation_id", "approval_stage", ["reservation_id"])
    op.create_index(
        "one_open_stage",
        "approval_stage",
        ["reservation_id"],
        unique=True,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_table(
        "approval_vote",
        sa.Column("id", BIG, nullable=False),
        sa.Column("stage_id", BIG, nullable=False),
        sa.Column("approver_id", sa.Integer(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["stage_id"], ["approval_stage.id"], name="fk_approval_vote_stage_id"
        ),
        sa.ForeignKeyConstraint(["approver_id"], ["user.id"], name="fk_approval_vote_approver_id"),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["user.id"], name="fk_approval_vote_decided_by_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_approval_vote"),
        sa.UniqueConstraint(
            "stage_id", "approver_id", name="uq_approval_vote_stage_id_approver_id"
        ),
    )
    # What waits already, waits for a manager, as all did until now.
    op.execute(
        'INSERT INTO approval_stage (reservation_id, round, position, "by", every, opened_at,'
        " passed) SELECT id, 1, 1, 'facility_manager', false, requested_at, false"
        " FROM reservation WHERE status = 'pending'"
    )
    with op.batch_alter_table("standing_approval") as batch:
        batch.add_column(
            sa.Column("by", sa.String(32), nullable=False, server_default="facility_manager")
        )
        batch.drop_constraint(ONCE, type_="unique")
        batch.create_unique_constraint(f"{ONCE}_by", ["instrument_id", "user_id", "by"])


def downgrade() -> None:
    op.execute("DELETE FROM standing_approval WHERE \"by\" <> 'facility_manager'")
    with op.batch_alter_table("standing_approval") as batch:
        batch.drop_constraint(f"{ONCE}_by", type_="unique")
        batch.create_unique_constraint(ONCE, ["instrument_id", "user_id"])
        batch.drop_column("by")
    op.drop_table("approval_vote")
    op.drop_table("approval_stage")
