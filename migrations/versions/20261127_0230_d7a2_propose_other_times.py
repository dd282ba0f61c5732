"""Let whoever decides propose another time to the holder."""

import sqlalchemy as sa
from alembic import op

revision = "d7a2"
down_revision = "f0d2"
branch_labels = None
depends_on = None

SPAN = "(proposed_start IS NULL AND proposed_end IS NULL) OR proposed_start < proposed_end"


def upgrade() -> None:
    with op.batch_alter_table("approval_question") as table:
        table.add_column(sa.Column("proposed_start", sa.DateTime(timezone=True)))
        table.add_column(sa.Column("proposed_end", sa.DateTime(timezone=True)))
        table.create_check_constraint("ck_approval_question_proposed_is_a_span", SPAN)


def downgrade() -> None:
    with op.batch_alter_table("approval_question") as table:
        table.drop_constraint("ck_approval_question_proposed_is_a_span", type_="check")
        table.drop_column("proposed_end")
        table.drop_column("proposed_start")
