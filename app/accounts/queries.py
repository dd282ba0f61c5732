"""Reads of people, their roles, affiliations, tokens and suspensions."""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.accounts import access
from app.accounts.access import Action, Actor, Scope
from app.accounts.models import (
    Affiliation,
    ApiToken,
    Institution,
    RoleGrant,
    RoleName,
    Suspension,
    User,
)
from app.accounts.places import Place, places_by_id
from app.db import db
from app.domain.errors import NotFound, Text

PEOPLE_PER_PAGE = 50
#: How addresses of the demonstration's people end; no mail can reach them.
DEMO_ENDINGS = ("@example.org", ".example")
#: The password of all people of a demonstration, shown on its sign-in page.
DEMO_PASSWORD = "dure-demo-2026"  # noqa: S105, meant to be known
TOKEN_PREFIX = "dure_"  # noqa: S105, the part that is no secret
_NO_PERSON = Text("해당 사용자를 찾을 수 없습니다.", "There is no such person.")


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some of the people found, and how many there are."""

    items: Sequence[User]
    number: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PEOPLE_PER_PAGE))


def comparable(email: str) -> str:
    """An address as it is compared: NFC, small letters, no white space around."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def normal_email(email: str) -> str:
    """The address as it is kept; raises `ValueError` if it is none."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False)
    except EmailNotValidError as wrong:
        raise ValueError(str(wrong)) from wrong
    return comparable(checked.normalized)


def user_by_email(email: str) -> User | None:
    return db.session.scalar(select(User).where(User.email == comparable(email)))


def users_by_email(emails: Iterable[str]) -> dict[str, User]:
    """Those of the addresses that have an account, as they were written."""
    written = {each: comparable(each) for each in emails}
    found = db.session.scalars(select(User).where(User.email.in_(set(written.values()))))
    by_email = {user.email: user for user in found}
    return {each: by_email[email] for each, email in written.items() if email in by_email}


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role with the facility or institution that it is for."""

    grant: RoleGrant
    of: Place | Institution | None

    @property
    def facility(self) -> str | None:
        return self.of.slug if isinstance(self.of, Place) else None

    @property
    def institution(self) -> str | None:
        return self.of.slug if isinstance(self.of, Institution) else None

    @property
    def institution_id(self) -> int | None:
        if isinstance(self.of, Place):
            return self.of.institution_id
        return self.of.id if self.of else None


def roles_of(user: User) -> list[HeldRole]:
    """The person's roles, in the order in which they were given."""
    grants = db.session.scalars(
        select(RoleGrant).where(RoleGrant.user_id == user.id).order_by(RoleGrant.id)
    ).all()
    places = places_by_id([grant.facility_id for grant in grants if grant.facility_id])
    ids = {grant.institution_id for grant in grants if grant.institution_id}
    wanted = select(Institution).where(Institution.id.in_(ids))
    institutions = {found.id: found for found in db.session.scalars(wanted)} if ids else {}
    return [
        HeldRole(
            grant,
            places.get(grant.facility_id or 0) or institutions.get(grant.institution_id or 0),
        )
        for grant in grants
    ]


def managers_of(facility_id: int) -> list[User]:
    """Everyone active who decides for the facility, in the order of appointment."""
    wanted = (
        select(User)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            RoleGrant.role == RoleName.FACILITY_MANAGER,
            RoleGrant.facility_id == facility_id,
            User.active,
        )
        .order_by(RoleGrant.id)
    )
    return list(db.session.scalars(wanted))


def suspensions_of(user_id: int) -> Sequence[Suspension]:
    return db.session.scalars(
        select(Suspension).where(Suspension.user_id == user_id).order_by(Suspension.id.desc())
    ).all()


def digest_of(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


#: Built once, as every request of a program asks it.
_TOKEN_IN_USE = (
    select(ApiToken)
    .join(ApiToken.user)
    .options(contains_eager(ApiToken.user).joinedload(User.grants))
    .where(
        ApiToken.digest == bindparam("digest"),
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now")),
        User.active,
    )
)


def token_in_use(token: str, *, now: datetime) -> ApiToken | None:
    """The token with its owner, if it is good now; one read."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    found = db.session.scalars(_TOKEN_IN_USE, {"digest": digest_of(token), "now": now})
    return found.unique().one_or_none()


def tokens_of(user: User) -> Sequence[ApiToken]:
    """The person's tokens, newest first, revoked ones left out."""
    return db.session.scalars(
        select(ApiToken)
        .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id.desc())
    ).all()


def _current(today: date) -> ColumnElement[bool]:
    """Affiliations that count today."""
    return and_(
        Affiliation.starts_on <= today,
        or_(Affiliation.ends_on.is_(None), Affiliation.ends_on >= today),
    )


def current_affiliations(user: User, *, today: date) -> Sequence[Affiliation]:
    return db.session.scalars(
        select(Affiliation)
        .options(joinedload(Affiliation.institution))
        .where(Affiliation.user_id == user.id, _current(today))
        .order_by(Affiliation.id)
    ).all()


def affiliations_of(user: User) -> Sequence[Affiliation]:
    """All affiliations, past ones too, with their institutions."""
    return db.session.scalars(
        select(Affiliation)
        .options(joinedload(Affiliation.institution))
        .where(Affiliation.user_id == user.id)
        .order_by(Affiliation.starts_on, Affiliation.id)
    ).all()


def scopes_of(user: User, *, today: date) -> list[Scope]:
    """A person as `access` asks about them: once per institution they belong to today."""
    found = [
        Scope(institution_id=affiliation.institution_id, holder_id=user.id)
        for affiliation in current_affiliations(user, today=today)
    ]
    return found or [Scope(holder_id=user.id)]


def person(actor: Actor, user_id: int, *, today: date) -> User:
    """Somebody whom the actor administers; raises `NotFound`, also where they may not know."""
    found = db.session.get(User, user_id)
    if found is None or not any(
        access.may(actor, Action.SEE_PEOPLE, scope) for scope in scopes_of(found, today=today)
    ):
        raise NotFound(_NO_PERSON)
    return found


def people(actor: Actor, *, today: date, search: str = "", number: int = 1) -> PeoplePage:
    """The people whom the actor administers, by name; `search` looks in name and address."""
    own = access.institutions_administered(actor)
    wanted = select(User)
    if own is not None:
        belongs = select(Affiliation.user_id).where(
            Affiliation.institution_id.in_(own), _current(today)
        )
        wanted = wanted.where(User.id.in_(belongs))
    for word in unicodedata.normalize("NFC", search).split():
        wanted = wanted.where(
            or_(
                User.name.icontains(word, autoescape=True),
                User.email.icontains(word, autoescape=True),
            )
        )
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    number = min(max(1, number), max(1, -(-total // PEOPLE_PER_PAGE)))
    items = db.session.scalars(
        wanted.options(
            selectinload(User.affiliations).joinedload(Affiliation.institution),
            selectinload(User.grants),
        )
        .order_by(User.name, User.id)
        .offset((number - 1) * PEOPLE_PER_PAGE)
        .limit(PEOPLE_PER_PAGE)
    ).all()
    return PeoplePage(items, number, total)


def demo_people() -> list[tuple[User, RoleName | None]]:
    """A few people of the demonstration for each role, researchers first."""
    wanted = (
        select(User)
        .options(
            selectinload(User.grants),
            selectinload(User.affiliations).joinedload(Affiliation.institution),
        )
        .where(or_(*map(User.email.endswith, DEMO_ENDINGS)), User.active)
        .order_by(User.id)
        .limit(200)
    )
    found: dict[RoleName | None, list[User]] = {role: [] for role in (None, *RoleName)}
    for user in db.session.scalars(wanted):
        highest = max((g.role for g in user.grants), key=list(RoleName).index, default=None)
        if len(found[highest]) < 2:
            found[highest].append(user)
    return [(user, role) for role, users in found.items() for user in users]
