"""Who takes part: on the page of a reservation."""

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.errors import Invalid, WrongState
from app.reservations import participants
from app.reservations.forms import shown_text
from app.web.pages import localized
from app.web.rights import open_to


@open_to(Action.CHANGE_RESERVATION)
def add_participant(uid: str) -> AnyResponse:
    """Let somebody take part."""
    try:
        made = participants.add(current(), uid, _email(), now=clock.now())
        flash(gettext("%(email)s takes part now.", email=made.email), "success")
    except (Invalid, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


@open_to(Action.SEE_RESERVATION)
def remove_participant(uid: str) -> AnyResponse:
    """Take somebody off, or one's own name."""
    email, user = _email(), current()
    participants.remove(user, uid, email, now=clock.now())
    if email == user.email:
        flash(gettext("You no longer take part."), "success")
        return redirect(url_for(".mine"), 303)
    flash(gettext("%(email)s no longer takes part.", email=email), "success")
    return redirect(url_for(".show", uid=uid), 303)


def _email() -> str:
    return shown_text(request.form.get("email"))[:254]


ROUTES = (
    ("/reservations/<uid>/participants", add_participant, ("POST",)),
    ("/reservations/<uid>/participants/remove", remove_participant, ("POST",)),
)
