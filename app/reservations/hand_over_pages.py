"""Handing a reservation over: on its page, and the page where somebody else takes it."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.models import User
from app.accounts.today import today
from app.catalog.policy import charge_policy_of, policy_of, zone_of
from app.domain.errors import BookingRefused, Invalid, Refusal, Stale, WrongState
from app.domain.paying import AccountsAsked
from app.domain.quote import Quote
from app.domain.rules_in_words import fees_in_words
from app.files.forms import name_drafts, take_drafts
from app.projects import charging
from app.rates.queries import tariff_of
from app.reservations import hand_over_queries, hand_overs, linked, services
from app.reservations.answer_fields import MOST_FILES, answers_of, asking
from app.reservations.forms import Asked, seen_version, shown_text
from app.reservations.hand_over_models import HandOver
from app.reservations.models import Reservation
from app.reservations.new_holder import Terms
from app.reservations.share_fields import share_fields, shares_in
from app.web import uploads
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to


class TakeOverForm(Asked, FlaskForm):  # type: ignore[misc]
    """Besides what the facility asks of everyone there is nothing to fill in."""


@open_to(Action.CHANGE_RESERVATION)
def new_holder(uid: str) -> AnyResponse:
    """Offer a reservation to somebody else."""
    email, reason = _typed("email", 254), _typed("reason", 500)
    try:
        made = hand_overs.offer(current(), uid, email, reason=reason, now=clock.now())
        flash(
            gettext(
                "Whoever has the account %(email)s may take it over now. It stays with its holder "
                "until then.",
                email=made.email,
            ),
            "success",
        )
    except (Invalid, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


@open_to(Action.CHANGE_RESERVATION)
def keep(uid: str) -> AnyResponse:
    """Offer it no longer."""
    try:
        hand_overs.withdraw(current(), uid, now=clock.now())
        flash(gettext("It is no longer offered."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


@open_to(SIGNED_IN)
@uploads.takes_files(MOST_FILES)
def take_over(uid: str) -> AnyResponse | str | tuple[str, int]:
    """What is offered, and the buttons to take it: the link of the mail leads here."""
    user = current()
    offered = hand_over_queries.offered_to(uid, user)
    form = _form(offered.reservation, user)
    if request.method == "GET":
        return _page(offered, form)
    take_drafts(form, user, uploads.folder(), now=clock.now())
    if not form.validate():
        return _page(offered, form), KINDS["invalid"].status
    terms = Terms(answers_of(form._fields, shown_text), shares_in(form))
    version = seen_version(_typed("version", 20))
    try:
        hand_overs.take(user, uid, terms, version=version, now=clock.now())
    except BookingRefused as refused:
        page = _page(hand_over_queries.offered_to(uid, user), form, refused.refusals)
        return page, KINDS["refused"].status
    except (WrongState, Stale) as wrong:
        flash(localized(wrong.text), "error")
        return redirect(url_for(".take_over", uid=uid), 303)
    flash(gettext("It is yours."), "success")
    return redirect(url_for(".show", uid=uid), 303)


@open_to(SIGNED_IN)
def decline_hand_over(uid: str) -> AnyResponse:
    """Do not take what is offered."""
    try:
        hand_overs.decline(current(), uid, now=clock.now())
        flash(gettext("Declined. It stays with its holder, who is told."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".mine"), 303)


def _form(reservation: Reservation, user: User) -> TakeOverForm:
    """What is asked of who takes it: their answers, and which of their accounts pay."""
    instrument = reservation.instrument
    asked = policy_of(instrument).account is not AccountsAsked.OFF
    accounts = charging.chargeable(user.id, today=today()) if asked else ()
    along = [each.instrument for each in linked.companions(reservation)]
    form: TakeOverForm = asking(TakeOverForm, instrument, share_fields(accounts), along)()
    return form


def _page(offered: HandOver, form: TakeOverForm, refusals: Sequence[Refusal] = ()) -> str:
    reservation, user, now = offered.reservation, current(), clock.now()
    instrument, companions = reservation.instrument, linked.companions(reservation)
    name_drafts(form, user)
    together = [instrument, *(each.instrument for each in companions)]
    tariff = tariff_of(instrument, user, now=now)
    priced = tariff.kept(reservation.reserved, reservation.mode, reservation.samples, ())["quote"]
    return render_template(
        "reservations/take_over.html",
        offer=offered,
        reservation=reservation,
        form=form,
        policy=policy_of(instrument),
        projects=(),
        zone=zone_of(instrument),
        companions=companions,
        mine=reservation.holder_id == user.id,
        is_open=hand_over_queries.is_open(offered, now=now),
        asks=bool(services.left_of_all(together, user, now, by=user)),
        quote=Quote.from_json(priced) if priced else None,
        fees=fees_in_words(charge_policy_of(instrument)),
        refusals=refusals,
    )


def _typed(name: str, longest: int) -> str:
    return shown_text(request.form.get(name))[:longest]


ROUTES = (
    ("/reservations/<uid>/new-holder", new_holder, ("POST",)),
    ("/reservations/<uid>/keep", keep, ("POST",)),
    ("/reservations/<uid>/take-over", take_over, ("GET", "POST")),
    ("/reservations/<uid>/take-over/decline", decline_hand_over, ("POST",)),
)
