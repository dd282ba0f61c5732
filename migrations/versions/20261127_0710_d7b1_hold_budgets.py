"""Keep what reservations hold and have spent of the budgets of funding accounts."""

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "d7b1"
down_revision = "d7a2"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HOLDING = ("pending", "confirmed", "in_use", "completed", "offered")


def upgrade() -> None:
    holds = op.create_table(
        "account_hold",
        sa.Column("id", BIG, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("reservation_id", BIG, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Boolean(), server_default=sa.false(), nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_account_hold_{column}")
            for column, other in (
                ("account_id", "funding_account"),
                ("reservation_id", "reservation"),
                ("user_id", "user"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_account_hold"),
        sa.UniqueConstraint(
            "reservation_id", "account_id", name="uq_account_hold_reservation_id_account_id"
        ),
    )
    op.create_index("ix_account_hold_account_id", "account_hold", ["account_id", "day"])
    op.add_column(
        "funding_account", sa.Column("warned", sa.Integer(), server_default="0", nullable=False)
    )
    with op.batch_alter_table("funding_account") as table:
        table.alter_column("warned", server_default=None)
        table.drop_column("committed")
    rows = list(_promised(op.get_bind()))
    if rows:
        op.bulk_insert(holds, rows)


def _promised(connection: sa.Connection):
    """What the quotes of reservations and the last charges say that accounts pay."""
    ids = dict(connection.execute(sa.text("SELECT number, id FROM funding_account")).all())
    charged = {
        key: json.loads(parts) if isinstance(parts, str) else parts
        for key, parts in connection.execute(
            sa.text(
                "SELECT c.reservation_id, c.parts FROM charge c WHERE c.number = (SELECT "
                "max(d.number) FROM charge d WHERE d.reservation_id = c.reservation_id)"
            )
        )
    }
    found = connection.execute(
        sa.text(
            "SELECT r.id, r.holder_id, r.starts_at, r.status, r.quote, f.timezone "
            "FROM reservation r JOIN instrument i ON i.id = r.instrument_id "
            "JOIN facility f ON f.id = i.facility_id "
            "WHERE CAST(r.shares AS TEXT) <> '[]' AND r.quote IS NOT NULL"
        ).columns(
            sa.column("id", BIG),
            sa.column("holder_id", sa.Integer()),
            sa.column("starts_at", sa.DateTime(timezone=True)),
            sa.column("status", sa.String()),
            sa.column("quote", sa.JSON()),
            sa.column("timezone", sa.String()),
        )
    )
    for key, holder, start, status, quote, zone in found:
        amounts: dict[str, int] = {}
        if key in charged:
            for part in charged[key]:
                given = sum(each["amount"] for each in part["sponsored"])
                amounts[part["account"]] = part["net"] + part["vat"] - given
        elif status in HOLDING:
            amounts = {each["account"]: each["amount"] for each in (quote or {})["shares"]}
        at = start if start.tzinfo else start.replace(tzinfo=UTC)
        for number, amount in amounts.items():
            if number in ids and amount:
                yield {
                    "account_id": ids[number],
                    "reservation_id": key,
                    "user_id": holder,
                    "day": at.astimezone(ZoneInfo(zone)).date(),
                    "amount": amount,
                    "taken": key in charged,
                }


def downgrade() -> None:
    op.add_column(
        "funding_account",
        sa.Column("committed", sa.BigInteger(), server_default="0", nullable=False),
    )
    with op.batch_alter_table("funding_account") as table:
        table.alter_column("committed", server_default=None)
        table.drop_column("warned")
    op.drop_table("account_hold")
