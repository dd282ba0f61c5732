"""Keep analyses that are asked for without a time until a manager places them."""

import sqlalchemy as sa
from alembic import op

revision = "f8c1"
down_revision = "f6b2"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
_WAITS = sa.text("state = 'waiting'")
_BY_OTHERS = sa.text("asked_by_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "commission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("asked_by_id", sa.Integer()),
        sa.Column("institution_id", sa.Integer()),
        sa.Column("group_id", sa.Integer()),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(300), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("earliest_on", sa.Date()),
        sa.Column("wished_by", sa.Date()),
        sa.Column("duration", sa.BigInteger()),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by_id", sa.Integer()),
        sa.Column("decision_reason", sa.String(500), nullable=False),
        sa.Column("reservation_id", BIG),
        _fk("instrument_id", "instrument"),
        _fk("holder_id", "user"),
        _fk("asked_by_id", "user"),
        _fk("institution_id", "institution"),
        _fk("group_id", "research_group"),
        _fk("decided_by_id", "user"),
        _fk("reservation_id", "reservation"),
        sa.PrimaryKeyConstraint("id", name="pk_commission"),
        sa.UniqueConstraint("uid", name="uq_commission_uid"),
        sa.UniqueConstraint("reservation_id", name="uq_commission_reservation_id"),
    )
    op.create_index(
        "ix_commission_waiting",
        "commission",
        ["instrument_id", "wished_by"],
        postgresql_where=_WAITS,
        sqlite_where=_WAITS,
    )
    op.create_index("ix_commission_holder", "commission", ["holder_id", "asked_at"])
    op.create_index(
        "ix_commission_asked_by",
        "commission",
        ["asked_by_id", "asked_at"],
        postgresql_where=_BY_OTHERS,
        sqlite_where=_BY_OTHERS,
    )


def _fk(column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_commission_{column}")


def downgrade() -> None:
    op.drop_table("commission")
