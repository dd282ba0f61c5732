"""Standing consent: whom a person lets reserve for them, until they take it back.

Kept by address: whether there is an account with it is not told to who names it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.accounts import access, queries
from app.accounts.access import Action, Scope
from app.accounts.acts import invalid, record, tell
from app.accounts.models import Assistant, User
from app.db import db, transaction
from app.domain.errors import NotFound, Text

#: As many as one can look after.
MOST = 20


def name_assistant(actor: User, email: str, *, now: datetime) -> Assistant:
    """Let somebody reserve in one's own name; whoever has that account is told."""
    access.require(actor, Action.OWN_ACCOUNT, Scope(holder_id=actor.id))
    try:
        address = queries.normal_email(email)
    except ValueError as wrong:
        raise invalid(
            "email", "이메일 주소가 아닙니다.", "This is not an e-mail address."
        ) from wrong
    if address == actor.email:
        raise invalid("email", "본인은 적지 않아도 됩니다.", "You need not name yourself.")
    with transaction():
        # Whoever does the same at this moment, in another window, goes first.
        db.session.execute(select(User.id).where(User.id == actor.id).with_for_update())
        named = assistants_of(actor.id)
        if found := next((each for each in named if each.email == address), None):
            return found
        if len(named) >= MOST:
            raise invalid(
                "email", f"{MOST}명까지 지정할 수 있습니다.", f"At most {MOST} can be named."
            )
        made = Assistant(person_id=actor.id, email=address, named_at=now)
        db.session.add(made)
        record("name-assistant", actor, actor, now, email=address)
        if (assistant := queries.user_by_email(address)) and assistant.active:
            tell(assistant, "assistant_named", now, person=actor.name)
    return made


def dismiss_assistant(actor: User, assistant_id: int, *, now: datetime) -> None:
    """End a consent: the person's own, or as the one who was named."""
    with transaction():
        found = db.session.get(Assistant, assistant_id, populate_existing=True)
        if found is None or not (found.person_id == actor.id or found.email == actor.email):
            raise NotFound(Text("그런 사람은 없습니다.", "There is no such person."))
        person = db.session.get_one(User, found.person_id)
        db.session.delete(found)
        record("dismiss-assistant", person, actor, now, email=found.email)


def assistants_of(person_id: int) -> Sequence[Assistant]:
    """Those who may reserve for a person."""
    return db.session.scalars(
        select(Assistant).where(Assistant.person_id == person_id).order_by(Assistant.email)
    ).all()


def persons_of(assistant: User) -> Sequence[tuple[Assistant, User]]:
    """Those for whom somebody may reserve, by name."""
    rows = db.session.execute(
        select(Assistant, User)
        .join(User, User.id == Assistant.person_id)
        .where(Assistant.email == assistant.email, User.active)
        .order_by(User.name, User.id)
    )
    return [(assistant, person) for assistant, person in rows]


def may_assist(assistant: User, person_id: int) -> bool:
    """Whether the person's consent stands."""
    found = select(Assistant.id).where(
        Assistant.person_id == person_id, Assistant.email == assistant.email
    )
    return db.session.scalar(found) is not None
