"""Asking the holder back or proposing another time, and their answer: on the desk and its page."""

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.policy import zone_of
from app.domain.approval import Status
from app.domain.errors import BookingRefused, Invalid, Stale, Text, WrongState
from app.reservations import desk, proposals, queries, questions
from app.reservations.forms import Times, seen_version, shown_text
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


class ProposalForm(Times, FlaskForm):  # type: ignore[misc]
    """Another time for a reservation, by the clocks of its facility."""


@open_to(Action.DECIDE_RESERVATION)
def propose(uid: str) -> AnyResponse:
    """Ask the holder whether another time would do."""
    user = current()
    form = ProposalForm(zone_of(queries.by_uid(uid, viewer=user).instrument))
    try:
        if not form.validate():
            said = " ".join(str(each) for errors in form.errors.values() for each in errors)
            raise Invalid(Text(said, said))
        done = proposals.propose_time(
            *(user, uid, form.interval, _typed("question")), now=clock.now(), version=_seen()
        )
        name = done.holder.name
        flash(
            gettext("Proposed. %(name)s is told by mail and may accept it.", name=name), "success"
        )
    except BookingRefused as refused:
        flash(_why_not(refused), "error")
    except (Invalid, Stale, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(desk.back_to(uid), 303)


@open_to(Action.CHANGE_RESERVATION)
def accept(uid: str) -> AnyResponse:
    """Take the time that was proposed."""
    try:
        done = proposals.accept_time(current(), uid, now=clock.now(), version=_seen())
        said = gettext("Moved to the proposed time.")
        if done.status is Status.CONFIRMED:
            said = gettext("Moved to the proposed time, and confirmed.")
        flash(said, "success")
    except BookingRefused as refused:
        flash(_why_not(refused), "error")
    except (Invalid, Stale, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


def _why_not(refused: BookingRefused) -> str:
    reasons = " ".join(localized(each.reason) for each in refused.refusals)
    return str(gettext("That time cannot be had: %(reasons)s", reasons=reasons))


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
    ("/reservations/<uid>/propose-time", propose, ("POST",)),
    ("/reservations/<uid>/accept-time", accept, ("POST",)),
)
