"""Reads of files."""

from collections.abc import Collection

from sqlalchemy import func, select

from app.accounts.models import User
from app.db import db
from app.files.models import StoredFile


def by_id(file_id: int) -> StoredFile | None:
    return db.session.get(StoredFile, file_id)


def by_uids(uids: Collection[str]) -> dict[str, StoredFile]:
    """Those of the files that there are."""
    found = db.session.scalars(select(StoredFile).where(StoredFile.uid.in_(uids)))
    return {file.uid: file for file in found}


def count_drafts_of(owner: User) -> int:
    found = select(func.count()).where(
        StoredFile.kept_at.is_(None), StoredFile.owner_id == owner.id
    )
    return db.session.scalar(found) or 0
