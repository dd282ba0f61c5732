"""The audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model

#: SQLite numbers rows itself only where the key is called INTEGER.
BigKey = BigInteger().with_variant(Integer, "sqlite")


class AuditRow(Model):
    """One act: who did what, when, to what, with which particulars.

    Rows are added in the transaction of the act. The worker then seals them in the
    order of their ids: `seal` is a keyed hash over the row and the seal before it.
    """

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # none: Dure itself
    action: Mapped[str] = mapped_column(String(48))
    kind: Mapped[str] = mapped_column(String(32))  # kind of the subject, such as "reservation"
    subject: Mapped[str] = mapped_column(String(128))  # its uid or slug
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sealed: Mapped[int | None] = mapped_column(BigInteger, unique=True)  # place in the chain
    seal: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_audit_row_subject", "kind", "subject", "id"),)
