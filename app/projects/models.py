"""Research groups with those who belong to them."""

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.db import Model, words


class Belonging(enum.StrEnum):
    """How somebody stands to a group."""

    INVITED = "invited"  # by address; whoever has the account with it may accept
    ASKED = "asked"
    MEMBER = "member"
    DECLINED = "declined"
    LEFT = "left"


class ResearchGroup(Model):
    """The group of a principal investigator (연구실), who leads it and belongs to it."""

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    leader_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    closed_at: Mapped[datetime | None]
    #: Goes up with every change to the group and its people; writing it is the lock on both.
    version: Mapped[int] = mapped_column(default=0)

    institution: Mapped[Institution] = relationship()
    leader: Mapped[User] = relationship(foreign_keys=[leader_id])


def _once(of: str, *columns: str, where: str) -> Index:
    """Nobody is twice in, or on the way into, a group."""
    name, partial = f"ix_group_membership_{of}", text(where)
    return Index(name, *columns, unique=True, sqlite_where=partial, postgresql_where=partial)


class GroupMembership(Model):
    """Somebody in a group other than its leader, from when to when; or on the way into it."""

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey(ResearchGroup.id))
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id), index=True)
    #: Whom an invitation is for. Whether there is an account is not told to who invites.
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    belonging: Mapped[Belonging] = mapped_column(words(Belonging))
    made_at: Mapped[datetime]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]  # the last day
    reason: Mapped[str] = mapped_column(String(500), default="")  # why declined or removed

    group: Mapped[ResearchGroup] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])

    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR starts_on <= ends_on", "ends_after_start"),
        CheckConstraint("belonging <> 'member' OR starts_on IS NOT NULL", "members_since"),
        CheckConstraint("user_id IS NOT NULL OR email IS NOT NULL", "of_somebody"),
        CheckConstraint("belonging <> 'invited' OR email IS NOT NULL", "invited_by_address"),
        _once("person", "group_id", "user_id", where="belonging IN ('asked', 'member')"),
        _once("address", "group_id", "email", where="belonging = 'invited'"),
    )
