"""What is known of each file; its content lies in the instance folder."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models import User
from app.db import Model, words
from app.domain.file_kinds import CONTENT_TYPES, FileKind


class StoredFile(Model):
    """A file that somebody handed in."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)  # random; also its name on disk
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    kind: Mapped[FileKind] = mapped_column(words(FileKind))
    name: Mapped[str] = mapped_column(String(200))  # as its owner knows it
    owner_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    made_at: Mapped[datetime]
    #: Since when it belongs to something; a draft that belongs to nothing is forgotten.
    kept_at: Mapped[datetime | None]

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.kind]

    __table_args__ = (
        Index(
            "ix_stored_file_draft",
            "made_at",
            postgresql_where=text("kept_at IS NULL"),
            sqlite_where=text("kept_at IS NULL"),
        ),
    )
