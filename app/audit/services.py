"""Writing the audit trail."""

from collections.abc import Mapping
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
    record_each(action, kind, {subject: detail or {}}, actor_id=actor_id, now=now)


def record_each(
    action: str,
    kind: str,
    details: Mapping[str, dict[str, Any]],
    *,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Note what one act did to several subjects, each with its particulars; one statement."""
    same = {"at": now, "actor_id": actor_id, "action": action, "kind": kind}
    rows = [same | {"subject": subject, "detail": detail} for subject, detail in details.items()]
    db.session.connection().execute(_INSERT, rows)
