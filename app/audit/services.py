"""Writing the audit trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert

from app.audit.models import AuditRow
from app.db import db, table_of

_INSERT = insert(table_of(AuditRow))


def record(
    action: str,
    kind: str,
    subject: str,
    *,
    actor_id: int | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Note an act, in the transaction of the act itself."""
    db.session.connection().execute(
        _INSERT,
        {
            "at": now,
            "actor_id": actor_id,
            "action": action,
            "kind": kind,
            "subject": subject,
            "detail": detail or {},
        },
    )
