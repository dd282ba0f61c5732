"""Cleaning up after sign-ins."""

from datetime import datetime

from sqlalchemy import delete, select

from app.accounts.models import Visit
from app.db import db, transaction


def forget_visits(now: datetime) -> None:
    """Forget the counts of attempts that are over."""
    old = Visit.expires_at < now
    # Asked first: where nothing is old, no lock is taken.
    if db.session.scalar(select(Visit.key).where(old).limit(1)) is None:
        return
    with transaction():
        # Those that are counted at this moment stay: who signs in must not wait for us.
        found = select(Visit.key).where(old).with_for_update(skip_locked=True)
        db.session.execute(
            delete(Visit).where(Visit.key.in_(found)),
            execution_options={"synchronize_session": False},
        )
