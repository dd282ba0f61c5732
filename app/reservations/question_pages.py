"""Asking the holder back, and their answer: on the desk and on the page of a reservation."""

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.errors import Invalid, Stale, WrongState
from app.reservations import desk, questions
from app.reservations.forms import seen_version, shown_text
from app.web.pages import localized
from app.web.rights import open_to


@open_to(Action.DECIDE_RESERVATION)
def ask(uid: str) -> AnyResponse:
    """Ask the holder something before it is decided."""
    try:
        done = questions.ask_holder(
            current(), uid, _typed("question"), now=clock.now(), version=_seen()
        )
        flash(gettext("Asked. %(name)s is told by mail.", name=done.holder.name), "success")
    except (Invalid, Stale, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(desk.back_to(uid), 303)


@open_to(Action.CHANGE_RESERVATION)
def answer(uid: str) -> AnyResponse:
    """Answer what was asked."""
    try:
        questions.answer_question(
            current(), uid, _typed("answer"), now=clock.now(), version=_seen()
        )
        flash(gettext("Answered. Now it is decided on."), "success")
    except (Invalid, Stale, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


def _typed(name: str) -> str:
    # Browsers send line breaks as two characters, and count them as one.
    return shown_text((request.form.get(name) or "").replace("\r\n", "\n"))


def _seen() -> int | None:
    return seen_version(request.form.get("version", ""))


ROUTES = (
    ("/reservations/<uid>/ask", ask, ("POST",)),
    ("/reservations/<uid>/answer", answer, ("POST",)),
)
