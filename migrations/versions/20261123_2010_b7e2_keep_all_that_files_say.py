"""Keep all that the contributed files say: notes of institutions, web pages of instruments, the
order of techniques.

All three may be empty, so that a running older version can go on writing its rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "b7e2"
down_revision = "a1c4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("institution", sa.Column("note_ko", sa.String(), nullable=True))
    op.add_column("institution", sa.Column("note_en", sa.String(), nullable=True))
    op.add_column("instrument", sa.Column("website", sa.String(length=500), nullable=True))
    op.add_column("instrument_technique", sa.Column("position", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("instrument_technique", "position")
    op.drop_column("instrument", "website")
    op.drop_column("institution", "note_en")
    op.drop_column("institution", "note_ko")
