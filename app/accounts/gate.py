"""Who comes in: every request passes here before its view runs."""

from typing import Any

from flask import abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, validate_csrf
from wtforms.validators import ValidationError

from app import clock
from app.accounts import queries, services
from app.accounts.access import Action
from app.domain.errors import SignInNeeded, Text
from app.web.rights import PUBLIC, SIGNED_IN

API = "/api/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({PUBLIC, Action.SEE_CATALOG.value})

#: Rights of the routes that libraries bring along; all others declare theirs by `open_to`.
LIBRARIES = {
    "static": PUBLIC,
    "security.login": PUBLIC,
    "security.logout": PUBLIC,
    "security.forgot_password": PUBLIC,
    "security.reset_password": PUBLIC,
    "security.change_password": SIGNED_IN,
}


class UndeclaredRight(LookupError):
    """A route says nothing about who may come in; nobody may."""


def right_of(endpoint: str) -> str:
    """The right that a route declares; raises `UndeclaredRight`."""
    if endpoint in LIBRARIES:
        return LIBRARIES[endpoint]
    right = getattr(current_app.view_functions.get(endpoint), "right", None)
    if right is None:
        raise UndeclaredRight(f"The route {endpoint} declares no right; see app/web/rights.py.")
    return str(right)


def recognise() -> None:
    """Know the owner of an API token; the token outweighs a session. Raises `SignInNeeded`."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not request.path.startswith(API) or scheme.lower() != "bearer":
        return
    now = clock.now()
    key = queries.token_in_use(token.strip(), now=now)
    if key is None:
        raise SignInNeeded(
            Text(
                "이 API 토큰은 유효하지 않거나, 만료되었거나, 폐기되었습니다. 내 계정에서 새로 "
                "만드세요.",
                "This API token is unknown, expired or revoked. Make a new one on your account "
                "page.",
            )
        )
    g.token_id = key.id
    g._login_user = key.user  # noqa: SLF001, where Flask-Login keeps whom it has recognised
    if services.use_is_worth_noting(key, now=now):
        _note_use_later(key.id)


def _note_use_later(token_id: int) -> None:
    """Write `last_used_at` when the answer has been sent, so that nobody waits for it."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001

    def write() -> None:
        with app.app_context():
            services.note_token_use(token_id, now=clock.now())

    g.after_answer = write


def when_answered(response: Any) -> Any:
    """Run what waits for the answer to be on its way."""
    write = g.pop("after_answer", None)
    if write:
        response.call_on_close(write)
    return response


def admit() -> ResponseReturnValue | None:
    """Let in whom the route's declared right lets in.

    Anonymous people are led to the sign-in page and back; programs get `SignInNeeded`.
    Changes by the API in a signed-in browser need the form token in `X-CSRFToken`: only a
    page of ours can know it.
    """
    endpoint = request.endpoint
    if endpoint is None:
        return None  # no such page; said as such to everyone
    if request.is_json and request.blueprint in {"security", "accounts"}:
        abort(415)
    right = right_of(endpoint)
    in_api = request.path.startswith(API)
    known = bool(current_user) and current_user.is_authenticated
    if in_api and known and request.method not in _SAFE and "token_id" not in g:
        _check_form_token()
    if right in _OPEN or known:
        return None
    if in_api:
        raise SignInNeeded
    return redirect(url_for("security.login", next=_here()), code=303)


def _check_form_token() -> None:
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except ValidationError as wrong:
        raise CSRFError(wrong.args[0]) from wrong


def _here() -> str | None:
    """Where the visitor wanted to go, as long as going there again changes nothing."""
    if request.method not in _SAFE:
        return None
    path = request.full_path if request.query_string else request.path
    return request.script_root + path
