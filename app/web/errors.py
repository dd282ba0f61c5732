"""Errors as pages and problem+json (RFC 9457); the only place that knows their status.

A use case raises one of the classes in `domain.errors`, a library an HTTP exception;
anything else is a bug: status 500 with the request's id, logged with it, nothing told.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apiflask import HTTPError
from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from app.db import passing
from app.domain import errors
from app.domain.errors import DureError, Refusal
from app.domain.interval import Interval
from app.web import pages
from app.web.problems import KINDS, Kind, of_status

log = logging.getLogger("dure.errors")

RETRY_SECONDS = 5

#: The most particular class first: `Taken` is a `BookingRefused`.
WORDS: tuple[tuple[type[DureError], str], ...] = (
    (errors.NotFound, "not-found"),
    (errors.SignInNeeded, "unauthorized"),
    (errors.NotAllowed, "not-allowed"),
    (errors.TooManyAttempts, "too-many"),
    (errors.Invalid, "invalid"),
    (errors.WrongState, "wrong-state"),
    (errors.Stale, "stale"),
    (errors.PreconditionNeeded, "precondition-required"),
    (errors.Taken, "taken"),
    (errors.BookingRefused, "refused"),
)


@dataclass
class Problem:
    """One answer to something that went wrong, whatever form it takes."""

    kind: Kind
    detail: str
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The members of the problem+json document."""
        public_url = current_app.config["SETTINGS"].public_url
        return {
            "type": f"{public_url}/problems/{self.kind.word}",
            "title": self.kind.title.in_(reader_language()),
            "status": self.kind.status,
            "detail": self.detail,
            "request_id": g.get("request_id"),
            **self.more,
        }


def register(app: Flask) -> None:
    """Answer every error in the form that the asker reads."""
    app.register_error_handler(DureError, _dure_error)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPError, _api_error)
    app.register_error_handler(SecurityError, _wrong_host)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(NoConnection, _unavailable)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(InternalServerError, _bug)


def wants_problem() -> bool:
    """Whether the asker is a program: by path, or by what it accepts."""
    if request.path.startswith("/api/") or is_feed():
        return True
    accepts = request.accept_mimetypes
    best = accepts.best_match(["text/html", "application/problem+json", "application/json"])
    return best in {"application/problem+json", "application/json"} and (
        accepts[best] > accepts["text/html"]
    )


def is_feed() -> bool:
    return request.path.startswith("/calendars/") and request.path.endswith(".ics")


def reader_language() -> str:
    """The language to answer in; a program that names none reads English."""
    if wants_problem() and ("Authorization" in request.headers or not session):
        return request.accept_languages.best_match(pages.LANGUAGES) or "en"
    if g.get("broken"):  # Without the account: the database may be what is broken.
        chosen = session.get("language") or request.accept_languages.best_match(pages.LANGUAGES)
        return str(chosen or pages.default_language())
    return pages.locale_word()


def as_dict(refusal: Refusal) -> dict[str, str | None]:
    """A refusal as the API shows it, in the reader's language."""
    return {
        "code": refusal.code,
        "reason": refusal.reason.in_(reader_language()),
        "limit": refusal.limit,
        "field": refusal.field,
    }


def _dure_error(error: DureError) -> AnyResponse:
    word = next(word for kind, word in WORDS if isinstance(error, kind))
    problem = Problem(KINDS[word], error.text.in_(reader_language()))
    match error:
        case errors.SignInNeeded():
            return _sign_in(problem)
        case errors.TooManyAttempts(retry_after=seconds):
            problem.headers["Retry-After"] = str(seconds)
        case errors.Invalid():
            language = reader_language()
            problem.more["fields"] = {
                name: text.in_(language) for name, text in error.fields.items()
            }
        case errors.BookingRefused():
            problem.more["refusals"] = [as_dict(refusal) for refusal in error.refusals]
    if error.reserved:
        problem.more["reserved"] = [
            {
                "uid": each.uid,
                "instrument": each.instrument,
                **_bounds(each.interval),
                "version": each.version,
            }
            for each in error.reserved
        ]
    if isinstance(error, errors.Taken):
        problem.more["taken"] = [
            {**_bounds(taken.interval), "kind": taken.kind} for taken in error.taken
        ]
        problem.more["alternatives"] = [
            {"instrument": slot.instrument, **_bounds(slot.interval)} for slot in error.alternatives
        ]
    return _answer(problem)


def _bounds(interval: Interval) -> dict[str, str]:
    return {"starts_at": _instant(interval.start), "ends_at": _instant(interval.end)}


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _sign_in(problem: Problem) -> AnyResponse:
    """The sign-in page that leads back here; for a program, how to authenticate."""
    if wants_problem():
        problem.headers["WWW-Authenticate"] = 'Bearer realm="Dure"'
        return _answer(problem)
    if "security.login" not in current_app.view_functions:
        return _answer(problem)
    # Only what can be asked again by a link is worth coming back to.
    back = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else None
    return redirect(url_for("security.login", next=back))


def _form_expired(_error: CSRFError) -> AnyResponse:
    return _answer(_plainly(KINDS["form-expired"]))


def _wrong_host(_error: SecurityError) -> AnyResponse:
    """No address can be built for a host that is not ours, so no page either."""
    answer = make_response("This is not an address of Dure; see the setting DURE_PUBLIC_URL.\n")
    answer.status_code = 400
    answer.mimetype = "text/plain"
    return answer


def _api_error(error: HTTPError) -> AnyResponse:
    """What APIFlask raises: input that does not fit its schema, most of all."""
    problem = _plainly(of_status(error.status_code))
    problem.headers.update(Headers(error.headers).items())
    if error.status_code == 422 and isinstance(error.detail, dict):
        problem.more["fields"] = {
            name: " ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons)
            for found in error.detail.values()
            if isinstance(found, dict)
            for name, reasons in found.items()
        }
    elif error.message:
        problem.detail = error.message
    return _answer(problem)


def _http_exception(error: HTTPException) -> AnyResponse:
    if error.response is not None:
        return make_response(error.response)
    if error.code is None or error.code < 400:  # a redirection
        return make_response(error.get_response())
    problem = _plainly(of_status(error.code))
    problem.headers.update(
        (name, value)
        for name, value in error.get_headers(request.environ)
        if name not in {"Content-Type", "Content-Length"}
    )
    if error.code == 429:
        problem.headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return _answer(problem)


def _database_error(error: DBAPIError) -> AnyResponse:
    """A busy or lost database passes; two at once on the same row is nobody's fault."""
    if passing(error):
        return _unavailable(error)
    if isinstance(error, IntegrityError) and _is_clash(error):
        log.warning("two changes met in the database: %s", error.orig)
        if "one_at_a_time" in str(error.orig):
            return _answer(
                _plainly(KINDS["taken"], refusals=[], taken=[], alternatives=[]), plain=True
            )
        return _answer(_plainly(KINDS["conflict"]), plain=True)
    raise error  # a bug


def _is_clash(error: IntegrityError) -> bool:
    """Whether a row met another one; a missing value or key would be a bug."""
    told = str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    return state in {"23505", "23P01"} or "UNIQUE" in told or "one_at_a_time" in told


def _unavailable(error: Exception) -> AnyResponse:
    g.broken = True
    log.warning("the database is busy or away: %s", getattr(error, "orig", error))
    problem = _plainly(KINDS["unavailable"])
    problem.headers["Retry-After"] = str(RETRY_SECONDS)
    return _answer(problem, plain=True)


def _bug(_error: InternalServerError) -> AnyResponse:
    """Flask has logged it, with the request's id; the reader learns the id alone."""
    g.broken = True
    # A calendar app takes 500 for the end of a feed; 503 makes it come back.
    kind = KINDS["unavailable" if is_feed() else "internal"]
    problem = _plainly(kind)
    if is_feed():
        problem.headers["Retry-After"] = "60"
    return _answer(problem, plain=True)


def _plainly(kind: Kind, **more: Any) -> Problem:
    return Problem(kind, kind.meaning.in_(reader_language()), more=more)


def _answer(problem: Problem, *, plain: bool = False) -> Response:
    """The problem in the asker's form; `plain` is a page that needs no database."""
    if wants_problem():
        answer = jsonify(problem.body())
        answer.mimetype = "application/problem+json"
    else:
        answer = make_response(_page(problem, plain=plain))
    answer.status_code = problem.kind.status
    answer.headers.update(problem.headers)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _page(problem: Problem, *, plain: bool) -> str:
    """error.html within the usual frame, or the plain page where that frame may fail."""
    language = reader_language()
    shown = {**problem.body(), "text": problem.detail, "language": language}
    if not plain:
        return render_template("error.html", **shown)
    # Without the context processors: those of the frame read the account.
    template = current_app.jinja_env.get_template("plain_error.html")
    return template.render(**shown, stylesheet=pages.asset("css"))
