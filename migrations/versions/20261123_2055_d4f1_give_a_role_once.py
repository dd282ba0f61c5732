"""Give a role of one thing to a person once.

The constraint on all four columns never held: one of facility and institution is always empty,
and two empty values count as different.
"""

import sqlalchemy as sa
from alembic import op

revision = "d4f1"
down_revision = "c9d3"
branch_labels = None
depends_on = None

ONCE = {
    "ix_role_grant_facility": (["user_id", "facility_id"], "facility_id IS NOT NULL"),
    "ix_role_grant_institution": (["user_id", "institution_id"], "institution_id IS NOT NULL"),
    "ix_role_grant_site": (
        ["user_id", "role"],
        "facility_id IS NULL AND institution_id IS NULL",
    ),
}


def upgrade() -> None:
    # The first grant stays.
    op.execute(
        "DELETE FROM role_grant WHERE id NOT IN (SELECT min(id) FROM role_grant "
        "GROUP BY user_id, role, institution_id, facility_id)"
    )
    for name, (columns, where) in ONCE.items():
        partial = sa.text(where)
        op.create_index(
            name,
            "role_grant",
            columns,
            unique=True,
            sqlite_where=partial,
            postgresql_where=partial,
        )


def downgrade() -> None:
    for name in reversed(ONCE):
        op.drop_index(name, "role_grant")
