"""Let people wait for time: waits, offers that hold it, and who wants to be told.

An offer is a reservation in the state `offered`, which holds its time: the index of what
holds an instrument and the net beneath the rules are built anew to know it.
"""

import sqlalchemy as sa
from alembic import op

revision = "a7d3"
down_revision = "f6b8"
branch_labels = None
depends_on = None

HOLDS = "status IN ('completed', 'confirmed', 'in_use', 'offered', 'pending')"
HELD_BEFORE = "status IN ('completed', 'confirmed', 'in_use', 'pending')"


def upgrade() -> None:
    _let_hold(HOLDS)
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "wait",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("technique_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=True),
        sa.Column("purpose", sa.String(300), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("over_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_wait_ends_after_start")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_wait_user_id")),
        sa.ForeignKeyConstraint(
            ["technique_id"], ["technique.id"], name=op.f("fk_wait_technique_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wait")),
        sa.UniqueConstraint("uid", name=op.f("uq_wait_uid")),
    )
    op.create_index("ix_wait_user", "wait", ["user_id", "state"])
    op.create_index("ix_wait_state", "wait", ["state", "asked_at"])
    op.create_table(
        "wait_instrument",
        sa.Column("wait_id", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["wait_id"], ["wait.id"], name=op.f("fk_wait_instrument_wait_id")
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_wait_instrument_instrument_id")
        ),
        sa.PrimaryKeyConstraint("wait_id", "instrument_id", name=op.f("pk_wait_instrument")),
    )
    op.create_index(
        op.f("ix_wait_instrument_instrument_id"), "wait_instrument", ["instrument_id"]
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wait_id", sa.Integer(), nullable=False),
        sa.Column(
            "reservation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("ended_at", instant, nullable=True),
        sa.ForeignKeyConstraint(["wait_id"], ["wait.id"], name=op.f("fk_offer_wait_id")),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservation.id"], name=op.f("fk_offer_reservation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("reservation_id", name=op.f("uq_offer_reservation_id")),
    )
    open_ = sa.text("outcome IS NULL")
    op.create_index(
        "one_open_offer", "offer", ["wait_id"],
        unique=True, sqlite_where=open_, postgresql_where=open_,
    )
    op.create_index(
        "ix_offer_open", "offer", ["expires_at"], sqlite_where=open_, postgresql_where=open_
    )
    op.create_index("ix_offer_wait", "offer", ["wait_id"])
    op.create_table(
        "time_watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("shortest", sa.BigInteger(), nullable=False),
        sa.Column("days_ahead", sa.Integer(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=True),
        sa.Column("made_at", instant, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_time_watch_user_id")),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_time_watch_instrument_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_watch")),
        sa.UniqueConstraint("user_id", "instrument_id", name=op.f("uq_time_watch_user_id_instrument_id")),
    )
    op.create_index(op.f("ix_time_watch_instrument_id"), "time_watch", ["instrument_id"])
    op.create_table(
        "freed_time",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("freed_at", instant, nullable=False),
        sa.Column("told_at", instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_freed_time_instrument_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freed_time")),
    )
    untold = sa.text("told_at IS NULL")
    op.create_index(
        "ix_freed_time_untold", "freed_time", ["id"],
        sqlite_where=untold, postgresql_where=untold,
    )


def downgrade() -> None:
    for table in ("freed_time", "time_watch", "offer", "wait_instrument", "wait"):
        op.drop_table(table)
    # What was only offered is unknown to the version before, and nobody has taken it.
    op.execute("DELETE FROM reservation WHERE status IN ('offered', 'lapsed')")
    _let_hold(HELD_BEFORE)


def _let_hold(holds: str) -> None:
    """Build the index of holds and the net anew for these states."""
    op.drop_index("ix_reservation_held", "reservation")
    where = sa.text(holds)
    op.create_index(
        "ix_reservation_held", "reservation", ["instrument_id", "starts_at", "ends_at"],
        sqlite_where=where, postgresql_where=where,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE reservation DROP CONSTRAINT one_at_a_time")
        op.execute(
            "ALTER TABLE reservation ADD CONSTRAINT one_at_a_time EXCLUDE USING gist "
            "(instrument_id WITH =, tstzrange(starts_at, ends_at) WITH &&) "
            f"WHERE (exclusive AND {holds})"
        )
        return
    for name, moment in (("insert", "INSERT"), ("update", "UPDATE")):
        op.execute(f"DROP TRIGGER one_at_a_time_{name}")
        op.execute(
            sa.text(
                f"CREATE TRIGGER one_at_a_time_{name} BEFORE {moment} ON reservation "
                f"WHEN NEW.exclusive AND NEW.{holds} AND NEW.starts_at < ("
                "SELECT ends_at FROM reservation WHERE instrument_id = NEW.instrument_id "
                f"AND {holds} AND starts_at < NEW.ends_at AND exclusive "
                "AND id IS NOT NEW.id "
                "ORDER BY starts_at DESC LIMIT 1) "
                "BEGIN SELECT RAISE(ABORT, 'one_at_a_time'); END"
            )
        )
