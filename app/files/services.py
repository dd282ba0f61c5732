"""Keeping files: written to disk first, then named in the database with what they belong to.

A file on disk that no row names is an attempt that was rolled back; the job removes it.
"""

import hashlib
import os
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, update

from app.accounts.models import User
from app.db import db, transaction
from app.domain.errors import Invalid, NotFound, Text
from app.domain.file_kinds import FileKind, checked, plain_name
from app.files import queries
from app.files.models import StoredFile

#: Of one person at once, so that nobody fills the disk with what belongs to nothing.
MOST_DRAFTS = 50


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came; its name is what somebody's browser says."""

    name: str
    content: bytes


def place_of(folder: Path, uid: str) -> Path:
    """Where the content lies: by its random name alone, spread over a few folders."""
    return folder / "files" / uid[:2] / uid


def put(
    folder: Path,
    upload: Upload,
    allowed: Collection[FileKind],
    *,
    field: str,
    owner: User,
    now: datetime,
    kept: bool,
) -> StoredFile:
    """Keep a file within the caller's transaction; raises `Invalid` at the field.

    `kept`: it belongs to something from now on; otherwise it is a draft.
    """
    kind = checked(upload.content, allowed, field)
    uid = uuid.uuid4().hex
    path = place_of(folder, uid)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("xb") as file:
        file.write(upload.content)
        file.flush()
        os.fsync(file.fileno())
    made = StoredFile(
        uid=uid,
        sha256=hashlib.sha256(upload.content).hexdigest(),
        size=len(upload.content),
        kind=kind,
        name=plain_name(upload.name, kind),
        owner_id=owner.id,
        made_at=now,
        kept_at=now if kept else None,
    )
    db.session.add(made)
    db.session.flush()
    return made


def put_draft(
    folder: Path,
    upload: Upload,
    allowed: Collection[FileKind],
    *,
    field: str,
    owner: User,
    now: datetime,
) -> StoredFile:
    """Keep a file before what it belongs to is there; forgotten after a day."""
    with transaction():
        if queries.count_drafts_of(owner) >= MOST_DRAFTS:
            raise _too_many(field)
        return put(folder, upload, allowed, field=field, owner=owner, now=now, kept=False)


def keep(
    uids: Collection[str], allowed: Collection[FileKind], *, owner: User, now: datetime
) -> set[str]:
    """Let the person's files belong to something, in the caller's transaction; which there are."""
    if not uids:
        return set()
    found = db.session.scalars(
        update(StoredFile)
        .where(
            StoredFile.uid.in_(uids), StoredFile.owner_id == owner.id, StoredFile.kind.in_(allowed)
        )
        .values(kept_at=func.coalesce(StoredFile.kept_at, now))
        .returning(StoredFile.uid),
        execution_options={"synchronize_session": False},
    )
    return set(found)


def content_of(folder: Path, file: StoredFile) -> bytes:
    """The content, if it is still what was handed in; raises `NotFound`."""
    try:
        content = place_of(folder, file.uid).read_bytes()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise NotFound(
            Text(
                "파일을 찾을 수 없거나 손상되었습니다. 관리자에게 문의해 주세요.",
                "The file is missing or damaged. Please ask the administrator.",
            )
        )
    return content


def _too_many(field: str) -> Invalid:
    said = Text(
        f"어디에도 쓰지 않은 파일이 {MOST_DRAFTS}개 있습니다. 올린 파일로 신청을 마치거나 "
        "내일 다시 시도해 주세요. 하루가 지나면 지워집니다.",
        f"You have handed in {MOST_DRAFTS} files that belong to nothing yet. Finish with those, "
        "or try again tomorrow: they are removed after a day.",
    )
    return Invalid(said, {field: said})
