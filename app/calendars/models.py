"""Feeds and their secret addresses."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.catalog.models import Facility, Instrument
from app.db import Model, words


class FeedKind(enum.StrEnum):
    MINE = "mine"
    INSTRUMENT = "instrument"
    FACILITY = "facility"
    INSTITUTION = "institution"
    APPROVALS = "approvals"


class Detail(enum.StrEnum):
    FULL = "full"
    BUSY = "busy"


class Cancelled(enum.StrEnum):
    OMIT = "omit"
    KEEP = "keep"


class Feed(Model):
    """A calendar that an app subscribes to. The secret is the key and is kept as a hash."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    kind: Mapped[FeedKind] = mapped_column(words(FeedKind))
    instrument_id: Mapped[int | None] = mapped_column(ForeignKey(Instrument.id))
    facility_id: Mapped[int | None] = mapped_column(ForeignKey(Facility.id))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey(Institution.id))
    detail: Mapped[Detail] = mapped_column(words(Detail), default=Detail.FULL)
    cancelled: Mapped[Cancelled] = mapped_column(words(Cancelled), default=Cancelled.OMIT)
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the secret
    beginning: Mapped[str] = mapped_column(String(8))  # so that people tell addresses apart
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    fetched_by: Mapped[str] = mapped_column(String(100), default="")
    #: What was served last, and since when: the Last-Modified of what is unchanged.
    etag: Mapped[str | None] = mapped_column(String(32))
    changed_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    instrument: Mapped[Instrument | None] = relationship()
    facility: Mapped[Facility | None] = relationship()
    institution: Mapped[Institution | None] = relationship()
