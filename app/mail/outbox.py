"""Writing a mail together with the data it speaks of."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert

from app.db import db, table_of
from app.mail.models import OutgoingMail

_INSERT = insert(table_of(OutgoingMail))


def enqueue(
    template: str,
    *,
    to: str,
    language: str,
    key: str,
    particulars: dict[str, Any],
    now: datetime,
) -> None:
    """Put a mail into the outbox, in the caller's transaction.

    `key` is unique for ever: the same event told twice to the same person is
    an `IntegrityError`. `particulars` must be JSON; instants as ISO 8601 text.
    """
    db.session.connection().execute(
        _INSERT,
        {
            "key": key,
            "recipient": to,
            "language": language,
            "template": template,
            "particulars": particulars,
            "created_at": now,
            "due_at": now,
            "attempts": 0,
        },
    )
