"""Institutions, people, what they belong to, what they may do, their keys."""

import enum
from datetime import date, datetime, timedelta
from typing import Any

from flask_security import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Model, words
from app.domain.errors import Text
from app.domain.no_shows import why_suspended


class InstitutionKind(enum.StrEnum):
    UNIVERSITY = "university"
    GOVERNMENT_INSTITUTE = "government_institute"
    PUBLIC_INSTITUTE = "public_institute"
    HOSPITAL = "hospital"
    SMALL_COMPANY = "small_company"
    LARGE_COMPANY = "large_company"
    ASSOCIATION = "association"
    CITY = "city"


class RoleName(enum.StrEnum):
    """What somebody may do beyond a researcher, which everyone with an account is."""

    FACILITY_MANAGER = "facility_manager"
    INSTITUTION_ADMINISTRATOR = "institution_administrator"
    SPONSOR_OFFICER = "sponsor_officer"
    SITE_ADMINISTRATOR = "site_administrator"


class ApprovalMails(enum.StrEnum):
    """How somebody hears of requests that wait for their decision."""

    AT_ONCE = "at_once"
    DAILY = "daily"  # all of a day in one mail


class Institution(Model):
    """A participating institution: university, institute, hospital, company, city."""

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    description_ko: Mapped[str] = mapped_column(default="")
    description_en: Mapped[str] = mapped_column(default="")
    note_ko: Mapped[str | None]  # a caveat that readers must see
    note_en: Mapped[str | None]
    kind: Mapped[InstitutionKind] = mapped_column(words(InstitutionKind))
    ror: Mapped[str | None] = mapped_column(String(16))
    registration_number: Mapped[str | None] = mapped_column(String(32))
    colour_light: Mapped[str] = mapped_column(String(7), default="#5b6472")
    colour_dark: Mapped[str] = mapped_column(String(7), default="#a8b1bf")
    website: Mapped[str | None] = mapped_column(String(500))
    sources: Mapped[list[str]] = mapped_column(default=list)
    illustrative: Mapped[bool] = mapped_column(default=False)
    partner: Mapped[bool] = mapped_column(default=True)  # a party of the alliance's agreement
    retired_at: Mapped[datetime | None]
    #: Values as the contributed file last gave them; what differs was changed in the browser.
    from_file: Mapped[dict[str, Any]] = mapped_column(default=dict)


class User(Model, UserMixin):
    """A person with an account."""

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # NFC, small letters
    name: Mapped[str] = mapped_column(String(200))
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(
        String(64), unique=True
    )  # a new one ends all sessions
    language: Mapped[str] = mapped_column(String(2), default="ko")
    timezone: Mapped[str | None] = mapped_column(String(64))  # none: the facility's
    approval_mails: Mapped[ApprovalMails] = mapped_column(
        words(ApprovalMails),
        default=ApprovalMails.AT_ONCE,
        server_default=ApprovalMails.AT_ONCE.value,
    )
    #: The day of the last mail that told of all that waits.
    digested_on: Mapped[date | None]
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_sign_in_at: Mapped[datetime | None]
    #: Rises with every visible change to the person's reservations; cheap to ask for feeds.
    calendar_version: Mapped[int] = mapped_column(default=0)

    affiliations: Mapped[list["Affiliation"]] = relationship(
        back_populates="user", order_by="Affiliation.id", lazy="select"
    )
    grants: Mapped[list["RoleGrant"]] = relationship(
        back_populates="user", foreign_keys="RoleGrant.user_id", lazy="select"
    )


class Affiliation(Model):
    """Where a person belongs, from when to when; the first current one counts."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey(Institution.id), index=True)
    department: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[str] = mapped_column(String(100), default="")
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]  # the last day

    user: Mapped[User] = relationship(back_populates="affiliations")
    institution: Mapped[Institution] = relationship()

    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR starts_on <= ends_on", "ends_after_start"),
    )


def _once(of: str, *columns: str, where: str) -> Index:
    """A role of one thing is given to a person once."""
    name, partial = f"ix_role_grant_{of}", text(where)
    return Index(name, *columns, unique=True, sqlite_where=partial, postgresql_where=partial)


class RoleGrant(Model):
    """A role given to a person, for one facility, one institution or the site."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    role: Mapped[RoleName] = mapped_column(words(RoleName))
    institution_id: Mapped[int | None] = mapped_column(ForeignKey(Institution.id), index=True)
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"), index=True)
    granted_at: Mapped[datetime]
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))

    user: Mapped[User] = relationship(back_populates="grants", foreign_keys=[user_id])

    __table_args__ = (
        UniqueConstraint("user_id", "role", "institution_id", "facility_id"),
        # One of those is always empty, and databases take two empty values for different.
        _once("facility", "user_id", "facility_id", where="facility_id IS NOT NULL"),
        _once("institution", "user_id", "institution_id", where="institution_id IS NOT NULL"),
        _once("site", "user_id", "role", where="facility_id IS NULL AND institution_id IS NULL"),
        CheckConstraint(
            "(role = 'facility_manager') = (facility_id IS NOT NULL)", "manager_of_a_facility"
        ),
        CheckConstraint(
            "(role = 'institution_administrator') = (institution_id IS NOT NULL)",
            "administrator_of_an_institution",
        ),
    )


class Suspension(Model):
    """A time in which a person may not reserve, with the reason that they are shown.

    One by rule is for the instruments of one facility, and says which no-shows led to it.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]  # none: until lifted
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))  # none: everywhere
    #: Of one by rule: the `number` of no-shows and the seconds `within` which they fell, and the
    #: uids of those that were `missed`, which count for no other.
    rule: Mapped[dict[str, Any] | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id])

    @property
    def why(self) -> Text:
        """The reason in both languages, as far as it was written in both."""
        if self.rule is None:
            return Text(self.reason, self.reason)
        return why_suspended(self.rule["number"], timedelta(seconds=self.rule["within"]))


class Assistant(Model):
    """Somebody, by address, whom a person lets reserve in their name."""

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    email: Mapped[str] = mapped_column(String(254), index=True)  # as those of accounts are kept
    named_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("person_id", "email"),)


class ApiToken(Model):
    """A key for the HTTP API: shown once, kept as a hash."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the token
    beginning: Mapped[str] = mapped_column(String(12))  # so that people tell tokens apart
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class Visit(Model):
    """A count of recent attempts under one key, for rate limits without Redis."""

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


Index("ix_user_name", User.name)


class Absence(Model):
    """Days on which somebody is away, and perhaps another decides in their place."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), index=True)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey(User.id), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    entered_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    deputy: Mapped[User | None] = relationship(foreign_keys=[deputy_id])

    __table_args__ = (
        CheckConstraint("first_day <= last_day", "ends_after_start"),
        CheckConstraint("user_id <> deputy_id", "deputy_is_another"),
    )
