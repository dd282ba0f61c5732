"""Use cases of accounts: add people, change one's own account, keep what happened.

`actor` is who asks: a person, or `access.OPERATOR` at the command line of the machine.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import update

from app.accounts import access, queries
from app.accounts.access import Action, Actor, Scope
from app.accounts.acts import filled, invalid, record, require_over, tell
from app.accounts.models import Affiliation, ApiToken, ApprovalMails, Institution, User
from app.accounts.passwords import LONGEST, SHORTEST, hashed, normal, reset_link
from app.audit import services as audit
from app.db import db, transaction
from app.domain.errors import Invalid, NotFound, Text, WrongState

TOKENS_PER_PERSON = 20
NOTE_USE_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to be added; without a password they get a link to set one."""

    email: str
    name: str
    language: str = "ko"
    department: str = ""
    position: str = ""
    password: str | None = None


def add_user(
    actor: Actor, person: NewPerson, institution: Institution, *, now: datetime, today: date
) -> User:
    """Add a person to an institution.

    Raises `NotAllowed`, or `Invalid` for a faulty or known address and a faulty password.
    """
    access.require(actor, Action.MANAGE_PEOPLE, Scope(institution_id=institution.id))
    institution_id = institution.id
    user = User(
        email=_address(person.email),
        name=filled(person.name, "name"),
        password=None if person.password is None else hashed(_strong(person.password)),
        fs_uniquifier=uuid.uuid4().hex,
        language=person.language,
        active=True,
        created_at=now,
        confirmed_at=now,
    )
    with transaction():
        if queries.user_by_email(user.email):
            raise _known_address()
        db.session.add(user)
        db.session.flush()
        db.session.add(
            Affiliation(
                user_id=user.id,
                institution_id=institution_id,
                department=person.department.strip(),
                position=person.position.strip(),
                starts_on=today,
            )
        )
        record("add-person", user, actor, now, institution=institution_id)
        if user.password is None:
            tell(user, "welcome", now, link=reset_link(user))
    return user


def send_welcome(actor: Actor, user: User, *, now: datetime, today: date) -> None:
    """Send the link to set a password once more."""
    require_over(actor, Action.MANAGE_PEOPLE, user, today)
    with transaction():
        record("send-welcome", user, actor, now)
        tell(user, "welcome", now, link=reset_link(user))


def change_profile(actor: Actor, user: User, *, name: str, language: str, now: datetime) -> None:
    """Change how a person is called and shown things; raises `Invalid`."""
    access.require(actor, Action.OWN_ACCOUNT, Scope(holder_id=user.id))
    if language not in ("ko", "en"):
        raise invalid("language", "한국어나 영어를 고르세요.", "Choose Korean or English.")
    values = {"name": filled(name, "name"), "language": language}
    with transaction():
        changed = {key: value for key, value in values.items() if getattr(user, key) != value}
        for key, value in changed.items():
            setattr(user, key, value)
        if changed:
            record("change-profile", user, actor, now, fields=sorted(changed))


def choose_mails(user: User, wanted: ApprovalMails, *, now: datetime) -> None:
    """Hear of what waits for one's decision at once, or once a day."""
    access.require(user, Action.OWN_ACCOUNT, Scope(holder_id=user.id))
    with transaction():
        if user.approval_mails is not wanted:
            user.approval_mails = wanted
            record("choose-mails", user, user, now, approval_mails=wanted.value)


def make_token(
    actor: Actor, user: User, *, name: str, expires_at: datetime | None, now: datetime
) -> str:
    """Make an API token and give it back, this once; only its hash is kept."""
    access.require(actor, Action.OWN_ACCOUNT, Scope(holder_id=user.id))
    if expires_at is not None and expires_at <= now:
        raise invalid("expires_on", "만료일은 앞날이어야 합니다.", "The expiry must lie ahead.")
    token = queries.TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction():
        if len(queries.tokens_of(user)) >= TOKENS_PER_PERSON:
            raise WrongState(
                Text(
                    f"토큰은 {TOKENS_PER_PERSON}개까지 둘 수 있습니다. 쓰지 않는 것을 폐기하세요.",
                    f"You may keep {TOKENS_PER_PERSON} tokens. Revoke one that is not used.",
                )
            )
        key = ApiToken(
            user_id=user.id,
            name=filled(name, "name"),
            digest=queries.digest_of(token),
            beginning=token[:12],
            created_at=now,
            expires_at=expires_at,
        )
        db.session.add(key)
        record("make-token", user, actor, now, name=key.name, beginning=key.beginning)
    return token


def revoke_token(actor: Actor, user: User, token_id: int, *, now: datetime) -> None:
    """Make a token worthless, at once; raises `NotFound` for a token of somebody else."""
    access.require(actor, Action.OWN_ACCOUNT, Scope(holder_id=user.id))
    with transaction():
        key = db.session.get(ApiToken, token_id)
        if key is None or key.user_id != user.id:
            raise NotFound(Text("해당 토큰을 찾을 수 없습니다.", "There is no such token."))
        if key.revoked_at is None:
            key.revoked_at = now
            record("revoke-token", user, actor, now, beginning=key.beginning)


def use_is_worth_noting(key: ApiToken, *, now: datetime) -> bool:
    return key.last_used_at is None or now - key.last_used_at >= NOTE_USE_EVERY


def note_token_use(token_id: int, *, now: datetime) -> None:
    """Keep when the token was last used, to the hour."""
    with transaction():
        db.session.execute(
            update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now),
            execution_options={"synchronize_session": False},
        )


def note_sign_in(user: User, *, now: datetime) -> None:
    """Keep that the person signed in, in the caller's transaction."""
    user.last_sign_in_at = now
    audit.record("sign-in", "user", str(user.id), actor_id=user.id, now=now)


def note_new_password(user: User, *, now: datetime) -> None:
    """Keep that the person set a password, in the caller's transaction."""
    audit.record("set-password", "user", str(user.id), actor_id=user.id, now=now)


def note_reset_of_unknown(*, now: datetime) -> None:
    """Keep that a reset was asked for an address without account: as much work as for one with."""
    with transaction():
        audit.record("ask-reset", "user", "unknown", actor_id=None, now=now)


def _address(email: str) -> str:
    try:
        return queries.normal_email(email)
    except ValueError as wrong:
        raise invalid(
            "email", "이메일 주소가 아닙니다.", "This is not an e-mail address."
        ) from wrong


def _known_address() -> Invalid:
    return invalid(
        "email",
        "이 주소의 계정이 이미 있습니다.",
        "There is an account with this address already.",
    )


def _strong(password: str) -> str:
    if not SHORTEST <= len(normal(password)) <= LONGEST:
        raise invalid(
            "password",
            f"비밀번호는 {SHORTEST}자 이상 {LONGEST}자 이하입니다.",
            f"A password has {SHORTEST} to {LONGEST} characters.",
        )
    return password
