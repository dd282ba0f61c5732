"""Keep photos of what is wrong with an instrument."""

import sqlalchemy as sa
from alembic import op

revision = "f9c1"
down_revision = "f8c1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fault_photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fault_id", sa.Integer(), sa.ForeignKey("fault.id"), nullable=False),
        sa.Column("file_id", sa.Integer(), sa.ForeignKey("stored_file.id"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fault_photo"),
    )
    op.create_index("ix_fault_photo_fault_id", "fault_photo", ["fault_id"])


def downgrade() -> None:
    op.drop_table("fault_photo")
