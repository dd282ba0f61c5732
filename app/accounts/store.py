"""People as Flask-Security reads and changes them, and its mail, by our own rules."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import g
from flask_security import MailUtil, RoleMixin, SQLAlchemyUserDatastore
from flask_security.mail_util import EmailValidateException
from sqlalchemy import inspect

from app import clock
from app.accounts import queries
from app.accounts.models import User
from app.accounts.passwords import reset_link
from app.audit import services as audit
from app.db import db, transaction
from app.mail import outbox


class NoRole(RoleMixin):
    """Flask-Security wants a class of roles; ours are `RoleGrant`, asked in `access`."""


class Store(SQLAlchemyUserDatastore):
    """Holds what Flask-Security changes during a request until it says commit."""

    def __init__(self) -> None:
        super().__init__(db, User, NoRole)

    def commit(self) -> None:
        """Write the changes, with the audit rows and mails noted for them, or nothing.

        `transaction()` begins afresh, so the changes are carried over into it.
        """
        session = db.session()
        changes = [(row, _changed(row)) for row in session.dirty]
        added, removed = list(session.new), list(session.deleted)
        noted: list[Callable[[], None]] = g.pop("noted", [])
        if not (changes or added or removed or noted):
            return
        with transaction():
            session.add_all(added)
            for row in removed:
                session.delete(row)
            for row, values in changes:
                for name, value in values.items():
                    setattr(row, name, value)
            for note in noted:
                note()


def _changed(row: Any) -> dict[str, Any]:
    """The values of a row that differ from what is stored."""
    state = inspect(row)
    return {
        attribute.key: getattr(row, attribute.key)
        for attribute in state.mapper.column_attrs
        if state.attrs[attribute.key].history.has_changes()
    }


def note(write: Callable[[], None]) -> None:
    """Have `write` called in the transaction in which Flask-Security's changes are written."""
    if "noted" not in g:
        g.noted = []
    g.noted.append(write)


class Post(MailUtil):
    """Flask-Security's mail: into the outbox."""

    def send_mail(self, template: str, *_rendered: Any, **context: Any) -> None:
        """Enqueue at once, or with the changes that the mail speaks of.

        Flask-Security's own link in `context` is not used: it is built on the Host header.
        """
        user: User = context["user"]
        if template == "reset_instructions":
            with transaction():
                audit.record(
                    "ask-reset",
                    "user",
                    str(user.id),
                    actor_id=None,
                    now=clock.now(),
                )
                _enqueue(template, user, link=reset_link(user))
        else:
            note(lambda: _enqueue(template, user))

    def normalize(self, email: str) -> str:
        """The address as it is kept; raises `EmailValidateException`."""
        try:
            return queries.normal_email(email)
        except ValueError as wrong:
            raise EmailValidateException(str(wrong)) from wrong

    validate = normalize


def _enqueue(template: str, user: User, **particulars: str) -> None:
    outbox.enqueue(
        template,
        to=user.email,
        language=user.language,
        key=f"{template}-{user.id}-{uuid.uuid4().hex}",
        particulars={"reader": user.name, **particulars},
        now=clock.now(),
    )
