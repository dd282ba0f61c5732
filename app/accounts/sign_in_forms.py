"""Forms of signing in and of passwords: Flask-Security's, throttled and in our words."""

from typing import Any

from flask import current_app, request
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_security.forms import (
    ChangePasswordForm,
    EmailValidation,
    ForgotPasswordForm,
    IsString,
    LoginForm,
    RequiredLocalize,
    ResetPasswordForm,
    email_required,
    password_required,
    valid_user_email,
)
from flask_security.utils import hash_password
from wtforms import BooleanField, EmailField, PasswordField
from wtforms.validators import EqualTo, Length

from app import clock
from app.accounts import queries, services
from app.accounts.passwords import LONGEST_INPUT, SHORTEST, normal
from app.accounts.throttle import Throttle

_NOT_ENDLESS = Length(max=LONGEST_INPUT, message=_l("This is too long."))
_NEW = {"autocomplete": "new-password", "minlength": SHORTEST}
_NEW_HINT = _l("At least 10 characters; a sentence in Hangul is fine.")


def throttle() -> Throttle:
    found: Throttle = current_app.extensions["dure-throttle"]
    return found


class SignInForm(LoginForm):
    """E-mail address and password."""

    email = EmailField(
        _l("E-mail address"),
        validators=[
            IsString(),
            email_required,
            Length(max=254, message=_l("This is too long.")),
            EmailValidation(verify=False),
        ],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    password = PasswordField(
        _l("Password"),
        validators=[IsString(), password_required, _NOT_ENDLESS],
        render_kw={"autocomplete": "current-password"},
    )
    remember = BooleanField(_l("Keep me signed in on this device for 30 days"))

    def validate_next(self, field: Any) -> None:
        """Nothing: where to go next is checked once, when going there (`web.redirects`)."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether this is the person; raises `TooManyAttempts`."""
        if isinstance(self.email.data, str) and self.email.data and self.password.data:
            email = queries.comparable(self.email.data)
            throttle().attempt(email, request.remote_addr)
            if super().validate(**kwargs):
                return True
            throttle().failed(request.remote_addr)
            return False
        return bool(super().validate(**kwargs))


class AskResetForm(ForgotPasswordForm):
    """The address to which the way to a new password is sent."""

    email = EmailField(
        _l("E-mail address"),
        validators=[
            IsString(),
            email_required,
            Length(max=254, message=_l("This is too long.")),
            EmailValidation(verify=False),
            valid_user_email,
        ],
        render_kw={"autocomplete": "username"},
    )

    def validate(self, **kwargs: Any) -> bool:
        """Whether a mail goes out; raises `TooManyAttempts`.

        Known and unknown addresses do the same work: a count, a hash, one transaction.
        """
        if isinstance(self.email.data, str) and self.email.data:
            email = queries.comparable(self.email.data)
            throttle().ask_reset(email, request.remote_addr)
            if super().validate(**kwargs):
                hash_password("no password")  # Flask-Security does so for unknown addresses.
                return True
            services.note_reset_of_unknown(now=clock.now())
            return False
        return bool(super().validate(**kwargs))


class NewPasswordForm(ResetPasswordForm):
    """The password that follows a reset."""

    password = PasswordField(
        _l("New password"),
        validators=[IsString(), password_required, _NOT_ENDLESS],
        render_kw=_NEW,
        description=_NEW_HINT,
    )
    password_confirm = PasswordField(
        _l("New password, once more"),
        validators=[
            IsString(),
            RequiredLocalize(message="PASSWORD_NOT_PROVIDED"),
            EqualTo("password", message=_l("The two passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )


class OtherPasswordForm(ChangePasswordForm):
    """The old password and the new one."""

    password = PasswordField(
        _l("Present password"),
        validators=[IsString(), _NOT_ENDLESS],
        render_kw={"autocomplete": "current-password"},
    )
    new_password = PasswordField(
        _l("New password"),
        validators=[IsString(), password_required, _NOT_ENDLESS],
        render_kw=_NEW,
        description=_NEW_HINT,
    )
    new_password_confirm = PasswordField(
        _l("New password, once more"),
        validators=[
            IsString(),
            RequiredLocalize(message="PASSWORD_NOT_PROVIDED"),
            EqualTo("new_password", message=_l("The two passwords differ.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )

    def validate(self, **kwargs: Any) -> bool:
        """Whether the old password is right; raises `TooManyAttempts`."""
        if not self.password.data:
            return bool(super().validate(**kwargs))
        # A device left open must not serve to guess the password.
        throttle().attempt(current_user.email, request.remote_addr)
        for field in (self.new_password, self.new_password_confirm):
            field.data = normal(field.data) if isinstance(field.data, str) else field.data
        if super().validate(**kwargs):
            throttle().forgive(current_user.email)
            return True
        return False
