"""Sign-in: Flask-Security on Flask-Login, throttled, in our words."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import (
    Flask,
    Response,
    after_this_request,
    current_app,
    render_template,
    request,
    session,
)
from flask_security import Security, password_reset, user_authenticated
from flask_security.signals import password_changed
from flask_security.utils import uia_email_mapper

from app import clock
from app.accounts import gate, queries, services
from app.accounts.models import User
from app.accounts.passwords import SHORTEST
from app.accounts.roles import ROLE_NAMES
from app.accounts.sign_in_forms import (
    AskResetForm,
    NewPasswordForm,
    OtherPasswordForm,
    SignInForm,
    throttle,
)
from app.accounts.store import Post, Store, note
from app.accounts.throttle import Throttle
from app.web import pages, redirects
from app.web.problems import status_of

RESET_HOURS = 24


def N_(text: str) -> str:  # noqa: N802, the name under which Babel finds texts
    """Mark a text for translation; Flask-Security translates it when it is shown."""
    return text


MESSAGES = {
    "GENERIC_AUTHN_FAILED": N_("The e-mail address or the password is not right."),
    "GENERIC_RECOVERY": N_("If there is an account with this address, a mail is on its way."),
    "UNAUTHENTICATED": N_("Please sign in first."),
    "UNAUTHORIZED": N_("You do not have the right to do this."),
    "RETYPE_PASSWORD_MISMATCH": N_("The two passwords differ."),
    "INVALID_REDIRECT": N_("This address does not lead to a page of Dure."),
    "PASSWORD_RESET_REQUEST": N_(
        "If there is an account for %(email)s, a mail with the way to a new password is on its "
        "way. It is good for 24 hours."
    ),
    "PASSWORD_RESET_EXPIRED": N_(
        "This link is older than 24 hours. Enter your address to get a new one."
    ),
    "INVALID_RESET_PASSWORD_TOKEN": N_(
        "This link is not good any more; perhaps it was used already. "
        "Enter your address to get a new one."
    ),
    "DISABLED_ACCOUNT": N_(
        "This account is switched off. Ask your institution's administrator if you need it."
    ),
    "EMAIL_NOT_PROVIDED": N_("Enter your e-mail address."),
    "INVALID_EMAIL_ADDRESS": N_("This is not an e-mail address."),
    "PASSWORD_NOT_PROVIDED": N_("Enter the password."),
    "PASSWORD_INVALID_LENGTH": N_(
        "A password has at least %(length)s characters, and at most 128."
    ),
    "USER_DOES_NOT_EXIST": N_("The e-mail address or the password is not right."),
    "INVALID_PASSWORD": N_("The password is not right."),
    "FORGOT_PASSWORD": N_("Forgot your password?"),
    "PASSWORD_RESET_NO_LOGIN": N_("Your new password is set. Sign in with it."),
    "PASSWORD_IS_THE_SAME": N_("The new password must differ from the present one."),
    "PASSWORD_CHANGE": N_("Your password is changed. Other devices are signed out."),
    "API_ERROR": N_("This is not text."),
    "INVALID_INPUT": N_("This makes no sense here."),
    "ANONYMOUS_USER_REQUIRED": N_("You are signed in already."),
}
_KINDS = {
    "PASSWORD_RESET_REQUEST": "info",
    "FORGOT_PASSWORD": "info",
    "PASSWORD_RESET_NO_LOGIN": "success",
    "PASSWORD_CHANGE": "success",
}

#: What stays of a session when somebody signs in; all else goes, the form token with it.
_KEPT = ("_user_id", "_id", "_fresh", "_remember", "_remember_seconds", "fs_paa", "language")

CONFIG: dict[str, Any] = {
    "SECURITY_LOGIN_URL": "/sign-in",
    "SECURITY_LOGOUT_URL": "/sign-out",
    "SECURITY_RESET_URL": "/reset",
    "SECURITY_CHANGE_URL": "/account/password",
    "SECURITY_POST_CHANGE_VIEW": "/account",
    "SECURITY_LOGOUT_METHODS": ["POST"],  # GET answers 405
    "SECURITY_LOGIN_USER_TEMPLATE": "accounts/sign_in.html",
    "SECURITY_FORGOT_PASSWORD_TEMPLATE": "accounts/ask_reset.html",
    "SECURITY_RESET_PASSWORD_TEMPLATE": "accounts/new_password.html",
    "SECURITY_CHANGE_PASSWORD_TEMPLATE": "accounts/change_password.html",
    "SECURITY_RECOVERABLE": True,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_RESET_PASSWORD_WITHIN": timedelta(hours=RESET_HOURS),
    "SECURITY_FRESHNESS": timedelta(minutes=-1),  # nothing yet asks for a second sign-in
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_API_ENABLED_METHODS": ["session"],
    "SECURITY_USER_IDENTITY_ATTRIBUTES": [
        # Kept in small letters, so that the lookup is an indexed one.
        {"email": {"mapper": uia_email_mapper, "case_insensitive": False}}
    ],
    "SECURITY_INPUT_NORMALIZE_FORM": "NFC",
    "SECURITY_PASSWORD_NORMALIZE_FORM": "NFC",
    "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST,
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    # Argon2id carries its own salt; a second secret to lose would lock everybody out.
    "SECURITY_PASSWORD_SINGLE_HASH": {"argon2"},
    "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {  # as OWASP advises: 19 MiB, 2 rounds
        "argon2__type": "ID",
        "argon2__memory_cost": 19_456,
        "argon2__time_cost": 2,
        "argon2__parallelism": 1,
    },
    # Only mixes the kept hash into the reset link; slowness would show who has an account.
    "SECURITY_HASHING_SCHEMES": ["hex_sha256"],
    "SECURITY_EMAIL_PLAINTEXT": False,  # mails are rendered when they are sent
    "SECURITY_EMAIL_HTML": False,
    "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET": "reset_instructions",
    "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE": "password_changed",
    "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE": "password_changed",
    "SECURITY_DATETIME_FACTORY": clock.now,
    "SECURITY_STATIC_FOLDER": None,
    "SECURITY_CLI_USERS_NAME": None,
    "SECURITY_CLI_ROLES_NAME": None,
    "SECURITY_I18N_DOMAIN": "messages",
    "SECURITY_I18N_DIRNAME": [str(Path(pages.__file__).parent / "translations")],
    "REMEMBER_COOKIE_NAME": "dure_remember",
    "REMEMBER_COOKIE_DURATION": timedelta(days=30),
    "REMEMBER_COOKIE_HTTPONLY": True,
    "REMEMBER_COOKIE_SAMESITE": "Lax",
}


def _page(template: str, **context: Any) -> Any:
    """A page of Flask-Security, which answers a refused form as if it had been taken."""
    forms = [value for name, value in context.items() if name.endswith("_form")]
    return render_template(template, **context), max(map(status_of, forms), default=200)


def register(app: Flask) -> None:
    """Set sign-in up, and the gate before every route."""
    app.config.update(CONFIG)
    app.config["REMEMBER_COOKIE_SECURE"] = app.config["SESSION_COOKIE_SECURE"]
    for key, text in MESSAGES.items():
        app.config[f"SECURITY_MSG_{key}"] = (text, _KINDS.get(key, "error"))
    app.extensions["dure-throttle"] = Throttle(app.config["SETTINGS"])
    app.before_request(gate.recognise)  # before Flask-Security looks for a session
    security = Security(
        app,
        Store(),
        login_form=SignInForm,
        forgot_password_form=AskResetForm,
        reset_password_form=NewPasswordForm,
        change_password_form=OtherPasswordForm,
        mail_util_cls=Post,
        render_template=_page,
    )
    security.login_context_processor(_demonstration)
    security.want_json(lambda _request: False)
    security.principal.skip_static = True  # no look-up of a person for each picture
    # Flask-Security's own tokens are not used: `gate.recognise` knows ours.
    security.login_manager.request_loader(lambda _request: None)
    app.before_request(gate.admit)
    app.after_request(gate.when_answered)
    user_authenticated.connect(_signed_in, app)
    password_reset.connect(_password_reset, app)
    password_changed.connect(_password_changed, app)


def _demonstration() -> dict[str, Any]:
    """On the sign-in page of a demonstration: its people, and whom to fill in."""
    if not current_app.config["SETTINGS"].demo:
        return {}
    people = queries.demo_people()
    wanted = request.args.get("as")
    return {
        "demo_people": people,
        "demo_person": next((user for user, _ in people if user.email == wanted), None),
        "demo_password": queries.DEMO_PASSWORD,
        "role_names": ROLE_NAMES,
    }


def _signed_in(_app: Flask, *, user: User, authn_via: list[str], **_others: Any) -> None:
    """Begin a session of its own, note the sign-in, and lead on to where the person wanted."""
    kept = {key: session[key] for key in _KEPT if key in session}
    session.clear()
    session.update(kept)
    if authn_via == ["change"]:
        return
    now = clock.now()
    note(lambda: services.note_sign_in(user, now=now))
    email = user.email

    @after_this_request
    def lead_on(response: Response) -> Response:
        throttle().forgive(email)
        wanted = request.form.get("next") or request.args.get("next")
        response.location = redirects.within(wanted, request.script_root + "/")
        return response


def _password_reset(_app: Flask, *, user: User, **_others: Any) -> None:
    now = clock.now()
    note(lambda: services.note_new_password(user, now=now))
    email = user.email

    @after_this_request
    def forgive(response: Response) -> Response:
        throttle().forgive(email)
        return response


def _password_changed(_app: Flask, *, user: User, **_others: Any) -> None:
    now = clock.now()
    note(lambda: services.note_new_password(user, now=now))
