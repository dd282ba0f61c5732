"""Keep files that people hand in, and contracts of use of institutions with facilities."""

import sqlalchemy as sa
from alembic import op

revision = "a8f1"
down_revision = "a8c2"
branch_labels = None
depends_on = None


def key(name: str, table: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(f"{table}.id"), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        key("owner_id", "user"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stored_file"),
        sa.UniqueConstraint("uid", name="uq_stored_file_uid"),
    )
    draft = sa.text("kept_at IS NULL")
    op.create_index(
        "ix_stored_file_draft",
        "stored_file",
        ["made_at"],
        postgresql_where=draft,
        sqlite_where=draft,
    )
    op.create_table(
        "use_contract",
        sa.Column("id", sa.Integer(), nullable=False),
        key("facility_id", "facility"),
        key("institution_id", "institution"),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("note", sa.String(500), nullable=False),
        key("document_id", "stored_file", nullable=True),
        key("recorded_by_id", "user"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_reason", sa.String(500), nullable=False),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_from <= valid_until", name="ends_after_start"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_use_contract"),
    )
    op.create_index("ix_use_contract_facility", "use_contract", ["facility_id", "institution_id"])


def downgrade() -> None:
    op.drop_table("use_contract")
    op.drop_table("stored_file")
