"""Let people be away without a deputy, and tell operators' feeds of what they attend no more."""

import sqlalchemy as sa
from alembic import op

revision = "f6b2"
down_revision = "f6b1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "operator",
        sa.Column("handed_over", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    with op.batch_alter_table("absence") as batch:
        batch.alter_column("deputy_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM absence WHERE deputy_id IS NULL")
    with op.batch_alter_table("absence") as batch:
        batch.alter_column("deputy_id", existing_type=sa.Integer(), nullable=False)
    op.drop_column("operator", "handed_over")
