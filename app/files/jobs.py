"""Forgetting drafts, and what was written for a transaction that never came to an end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select

from app.db import db, transaction
from app.files.models import StoredFile
from app.files.services import place_of

#: How long somebody may take over a form.
DRAFTS_KEPT = timedelta(days=1)


def forget_drafts(
    folder: Path, now: datetime, *, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Remove drafts older than a day, and contents that no row names; how many files went."""
    with transaction():
        forgotten = db.session.scalars(
            delete(StoredFile)
            .where(StoredFile.kept_at.is_(None), StoredFile.made_at < now - DRAFTS_KEPT)
            .returning(StoredFile.uid),
            execution_options={"synchronize_session": False},
        ).all()
    for uid in forgotten:
        place_of(folder, uid).unlink(missing_ok=True)
    return len(forgotten) + _remove_unnamed(folder, now, stopping)


def _remove_unnamed(folder: Path, now: datetime, stopping: Callable[[], bool]) -> int:
    """Contents older than a day without a row: nobody can ever ask for them."""
    removed = 0
    for shelf in sorted((folder / "files").glob("??")):
        if stopping():
            break
        old = {
            path.name: path
            for path in shelf.iterdir()
            if path.stat().st_mtime < (now - DRAFTS_KEPT).timestamp()
        }
        named = set(db.session.scalars(select(StoredFile.uid).where(StoredFile.uid.in_(old))))
        for name in old.keys() - named:
            old[name].unlink(missing_ok=True)
            removed += 1
    db.session.rollback()
    return removed
