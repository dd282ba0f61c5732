"""Language, health, and what belongs to no slice."""

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
)
from werkzeug.wrappers import Response as AnyResponse

from app.web import metrics as figures
from app.web import pages, readiness, redirects
from app.web.problems import KINDS
from app.web.rights import PUBLIC, open_to

bp = Blueprint("web", __name__, template_folder="templates")

NOT_FOR_ROBOTS = (
    *("/account", "/admin", "/api/", "/approvals", "/calendars", "/certificates"),
    *("/reservations", "/training"),
)


@bp.post("/language")
@open_to(PUBLIC)
def set_language() -> AnyResponse:
    """Remember the reader's language, and go back to the page."""
    language = request.form.get("language", "")
    if language not in pages.LANGUAGES:
        abort(400)
    session["language"] = language
    for keep in pages.LANGUAGE_CHOSEN:
        keep(language)
    return redirect(redirects.within(request.form.get("next"), redirects.back()), 303)


@bp.get("/problems/<word>")
@open_to(PUBLIC)
def problem(word: str) -> str:
    """What a problem's `type` means."""
    if word not in KINDS:
        abort(404)
    return render_template("problem.html", kind=KINDS[word])


@bp.get("/healthz")
@open_to(PUBLIC)
def healthz() -> Response:
    """The process lives."""
    return _plain("ok")


@bp.get("/readyz")
@open_to(PUBLIC)
def readyz() -> Response:
    """The database answers and its tables are those of this version."""
    # What is wrong is for the log and `dure doctor`, not for everybody.
    wrong = readiness.database_problem()
    if wrong is None:
        return _plain("ready")
    current_app.logger.warning("not ready: %s", wrong)
    return _plain("not ready", 503)


@bp.get("/metrics")
@open_to(PUBLIC)
def metrics() -> Response:
    """Figures for Prometheus; from this machine only."""
    if not figures.may_be_read():
        abort(404)
    return figures.text()


@bp.get("/robots.txt")
@open_to(PUBLIC)
def robots() -> Response:
    """The catalogue may be found by search engines, what people do may not."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    return _plain("\n".join(lines))


@bp.get("/favicon.ico")
@open_to(PUBLIC)
def favicon() -> Response:
    """The mark of Dure for the browser's tab."""
    answer = current_app.send_static_file("favicon.svg")
    answer.cache_control.max_age = 86_400  # its name does not change with its content
    return answer


def _plain(text: str, status: int = 200) -> Response:
    answer = Response(text + "\n", status, mimetype="text/plain")
    answer.headers["Cache-Control"] = "no-store"
    return answer
