"""What the use cases of people share: the question of rights, the audit row, the mail."""

import uuid
from datetime import date, datetime
from typing import Any

from app.accounts import access, queries
from app.accounts.access import Action, Actor
from app.accounts.models import RoleName, User
from app.audit import services as audit
from app.domain.errors import Invalid, Text
from app.mail import outbox


def require_over(actor: Actor, action: Action, user: User, today: date) -> None:
    """Ask whether `actor` may do this to a person; raises `NotAllowed`.

    Only site administrators act upon site administrators: an institution must not be able
    to shut out those who run the whole.
    """
    if any(grant.role is RoleName.SITE_ADMINISTRATOR for grant in user.grants):
        access.require(actor, Action.ADMINISTER_SITE)
    scopes = queries.scopes_of(user, today=today)
    if not any(access.may(actor, action, scope) for scope in scopes):
        access.require(actor, action, scopes[0])


def record(action: str, user: User, actor: Actor, now: datetime, **detail: Any) -> None:
    """The audit row of an act upon a person, in the caller's transaction."""
    audit.record(action, "user", str(user.id), actor_id=actor.id, now=now, detail=detail)


def tell(user: User, template: str, now: datetime, **particulars: Any) -> None:
    """A mail to the person, in the caller's transaction."""
    outbox.enqueue(
        template,
        to=user.email,
        language=user.language,
        key=f"{template}-{user.id}-{uuid.uuid4().hex}",
        particulars={"reader": user.name, **particulars},
        now=now,
    )


def filled(text: str, field: str) -> str:
    """The text without white space around; raises `Invalid` if nothing is left."""
    if not text.strip():
        raise invalid(field, "빈칸을 채우세요.", "Fill this in.")
    return text.strip()


def invalid(field: str, ko: str, en: str) -> Invalid:
    """The error that one field makes no sense."""
    text = Text(ko, en)
    return Invalid(text, {field: text})
