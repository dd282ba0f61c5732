"""How the outbox stands."""

from datetime import datetime

from sqlalchemy import func, select

from app.db import db
from app.mail.models import OutgoingMail

_OPEN = (OutgoingMail.sent_at.is_(None), OutgoingMail.given_up_at.is_(None))


def waiting() -> int:
    """How many mails are still to be sent."""
    return db.session.scalar(select(func.count()).where(*_OPEN)) or 0


def given_up() -> int:
    """How many mails nobody will get."""
    return db.session.scalar(select(func.count()).where(OutgoingMail.given_up_at.is_not(None))) or 0


def oldest_waiting() -> datetime | None:
    """When the oldest mail that still waits was written."""
    return db.session.scalar(select(func.min(OutgoingMail.created_at)).where(*_OPEN))


def is_any_due(now: datetime) -> bool:
    """Whether there is anything to send."""
    due = select(OutgoingMail.id).where(*_OPEN, OutgoingMail.due_at <= now).limit(1)
    return db.session.scalar(due) is not None
