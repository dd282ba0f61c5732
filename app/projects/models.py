"""Research groups, joint projects, accounts that pay, institutions that have not paid."""

import enum
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Institution, User
from app.audit.models import BigKey
from app.db import Model, words
from app.domain.shares import DECIMALS


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


project_institution = Table(
    "project_institution",
    Model.metadata,
    Column("project_id", ForeignKey("project.id"), primary_key=True),
    Column("institution_id", ForeignKey(Institution.id), primary_key=True),
)


class Project(Model):
    """A joint project of people and accounts of several institutions, led by a PI."""

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), unique=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)  # leads it
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    leader_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # the last day
    made_at: Mapped[datetime]
    #: Goes up with every change to the project, its people and shares; writing it locks them.
    version: Mapped[int] = mapped_column(default=0)

    institution: Mapped[Institution] = relationship()
    leader: Mapped[User] = relationship(foreign_keys=[leader_id])
    institutions: Mapped[list[Institution]] = relationship(
        secondary=project_institution, order_by=Institution.slug
    )

    __table_args__ = (CheckConstraint("starts_on <= ends_on", "ends_after_start"),)


class ProjectMember(Model):
    """Somebody whom the PI has let into a project, besides the PI."""

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey(Project.id))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    added_at: Mapped[datetime]

    user: Mapped[User] = relationship()

    __table_args__ = (UniqueConstraint("project_id", "user_id"),)


class FundingAccount(Model):
    """A research grant (연구비 과제) that pays: the bill goes to its institution."""

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)  # 과제번호
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)  # its PI
    funder: Mapped[str] = mapped_column(String(200), default="")
    starts_on: Mapped[date]
    ends_on: Mapped[date]  # the last day
    budget: Mapped[int | None] = mapped_column(BigInteger)  # won; none: no limit is known
    warned: Mapped[int] = mapped_column(default=0)  # the percentage of it last told of
    modes: Mapped[list[str]] = mapped_column(default=list)  # that it pays for; none named: all
    project_id: Mapped[int | None] = mapped_column(ForeignKey(Project.id), index=True)
    closed_at: Mapped[datetime | None]
    made_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)

    institution: Mapped[Institution] = relationship()
    holder: Mapped[User] = relationship(foreign_keys=[holder_id])
    project: Mapped[Project | None] = relationship()

    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", "ends_after_start"),
        CheckConstraint("budget IS NULL OR budget >= 0", "no_debt"),
    )


class AccountHold(Model):
    """What an account holds for a reservation, or has paid of it in the end."""

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(FundingAccount.id))
    reservation_id: Mapped[int] = mapped_column(ForeignKey("reservation.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))  # whose use it was
    day: Mapped[date]  # on which the use begins, where the instrument is
    amount: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[bool] = mapped_column(default=False, server_default=false())  # posted

    __table_args__ = (
        UniqueConstraint("reservation_id", "account_id"),
        Index("ix_account_hold_account_id", "account_id", "day"),
    )


class AccountUser(Model):
    """Somebody whom the holder of an account lets charge it."""

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(FundingAccount.id))
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    added_at: Mapped[datetime]

    user: Mapped[User] = relationship()

    __table_args__ = (UniqueConstraint("account_id", "user_id"),)


class Consent(enum.StrEnum):
    """For how much the holder of an account agrees to a share."""

    STANDING = "standing"  # all that the project reserves
    SINGLE = "single"  # the next reservation alone


class ProjectShare(Model):
    """What one account pays of a project's costs, once its holder has agreed."""

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey(Project.id))
    account_id: Mapped[int] = mapped_column(ForeignKey(FundingAccount.id), index=True)
    parts: Mapped[int]  # ten-thousandths of a percent
    takes_remainder: Mapped[bool] = mapped_column(default=False)
    consent: Mapped[Consent | None] = mapped_column(words(Consent))
    agreed_at: Mapped[datetime | None]
    agreed_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    account: Mapped[FundingAccount] = relationship()

    __table_args__ = (
        UniqueConstraint("project_id", "account_id"),
        CheckConstraint("parts > 0 AND parts <= 1000000", "a_part_of_all"),
        CheckConstraint("(consent IS NULL) = (agreed_at IS NULL)", "agreed_when"),
    )

    @property
    def percent(self) -> Fraction:
        return Fraction(self.parts, 10**DECIMALS)


class OverdueMark(Model):
    """An institution owes a supplier money since a day; until it is lifted."""

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    payer_id: Mapped[int] = mapped_column(ForeignKey(Institution.id))
    since: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    marked_at: Mapped[datetime]
    marked_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    payer: Mapped[Institution] = relationship(foreign_keys=[payer_id])

    __table_args__ = (
        CheckConstraint("payer_id <> supplier_id", "of_another"),
        Index(
            "ix_overdue_mark_open",
            "payer_id",
            "supplier_id",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )
