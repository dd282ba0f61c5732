"""Passwords: how they are kept, and the links by which a new one is set."""

import unicodedata

from flask import current_app
from flask_security.recoverable import generate_reset_password_token
from flask_security.utils import hash_password

from app.accounts.models import User

SHORTEST = 10
LONGEST = 128
#: Longer input is refused unread: nobody types it, and hashing it would cost.
LONGEST_INPUT = 1000


def normal(password: str) -> str:
    """NFC, so that Hangul typed on any system is the same password."""
    return unicodedata.normalize("NFC", password)


def hashed(password: str) -> str:
    """The Argon2id hash to keep."""
    return str(hash_password(normal(password)))


def reset_link(user: User) -> str:
    """Where `user` sets a new password, for a day.

    Built on the public address of the instance, never on the Host header of a request:
    whoever asks for a reset must not choose where the link leads.
    """
    public = current_app.config["SETTINGS"].public_url
    token = generate_reset_password_token(user)  # type: ignore[no-untyped-call]
    return f"{public}/reset/{token}"
