"""Who is asking."""

from flask_login import current_user

from app.accounts.models import User
from app.domain.errors import SignInNeeded


def current_or_none() -> User | None:
    """The person who asks, or None if nobody is signed in."""
    user = current_user._get_current_object()  # noqa: SLF001, the proxy's public way in
    return user if isinstance(user, User) else None


def current() -> User:
    """The person who asks; raises `SignInNeeded` if nobody is signed in."""
    user = current_or_none()
    if user is None:
        raise SignInNeeded
    return user
