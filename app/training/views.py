"""Pages of those who learn: sessions to come, one session, my certificates."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current, current_or_none
from app.accounts.forms import ButtonForm
from app.catalog.queries import instrument_by_slug, scope_of
from app.domain.errors import NotFound, WrongState
from app.training import desk, queries, services
from app.training.models import Standing
from app.web import pages
from app.web.pages import localized
from app.web.rights import SIGNED_IN, open_to

bp = Blueprint("training", __name__, template_folder="templates")

_SESSION = "/training/<int(max=2147483647):session_id>"


@bp.get("/training")
@open_to(SIGNED_IN)
def index() -> str:
    """Sessions to come, and what the reader has learned."""
    user, now = current(), clock.now()
    filters = {name: _word(name) for name in ("q", "facility", "technique", "instrument")}
    return render_template(
        "training/index.html",
        sessions=queries.coming(user, now=now, filters=filters),
        filters=filters,
        instrument=_instrument(filters["instrument"]),
        choices=queries.choices(now=now),
        certificates=queries.certificates_of(user, now=now),
        safety=queries.safety_of(user),
        past=queries.taken_part(user),
        managed=queries.managed_by(user),
        form=ButtonForm(formdata=None),
        now=now,
    )


def _word(name: str) -> str:
    """A word of the address, without what no database takes."""
    return "".join(letter for letter in request.args.get(name, "")[:200] if letter >= " ").strip()


def _instrument(slug: str) -> object:
    """The instrument that the list is narrowed to, if there is such a one."""
    try:
        return instrument_by_slug(slug) if slug else None
    except NotFound:
        return None


@bp.get(_SESSION)
@open_to(Action.SIGN_UP_FOR_TRAINING)
def show(session_id: int) -> str:
    """All about one session."""
    user = current()
    session = queries.session_by_id(session_id)
    (line,) = queries.filled([session], user)
    return render_template(
        "training/show.html",
        line=line,
        session=session,
        may_train=access.may(user, Action.TRAIN, scope_of(session.facility)),
        form=ButtonForm(formdata=None),
        now=clock.now(),
    )


@bp.post(f"{_SESSION}/sign-up")
@open_to(Action.SIGN_UP_FOR_TRAINING)
def sign_up(session_id: int) -> AnyResponse:
    """Take a seat, or a place on the waitlist."""
    try:
        made = services.sign_up(current(), session_id, now=clock.now())
        if made.standing is Standing.SEATED:
            flash(gettext("You have a seat. A mail with the particulars is on its way."), "success")
        else:
            flash(gettext("All seats are taken: you are on the waitlist."), "info")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", session_id=session_id), 303)


@bp.post(f"{_SESSION}/withdraw")
@open_to(Action.SIGN_UP_FOR_TRAINING)
def withdraw(session_id: int) -> AnyResponse:
    """Give the seat back."""
    try:
        services.withdraw(current(), session_id, now=clock.now())
        flash(gettext("You are no longer signed up."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", session_id=session_id), 303)


for rule, view, methods in desk.ROUTES:
    bp.add_url_rule(rule, view_func=view, methods=methods)


def _training() -> pages.Entry | None:
    if current_or_none() is None:
        return None
    return pages.entry(gettext("Training"), "training.index")


pages.NAVIGATION.append((35, _training))
