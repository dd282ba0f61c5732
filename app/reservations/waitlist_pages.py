"""Pages of the waitlist: wishes, offers to take or decline, and being told of freed time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.catalog.queries import instrument_by_slug
from app.domain.errors import BookingRefused, Invalid, NotFound, Refusal, WrongState
from app.domain.interval import Interval
from app.domain.opening_hours import DAYS, OpeningHours
from app.domain.waitlist import hours_of_days
from app.reservations import approvers, shown, waitlist, watch_links, watching
from app.reservations.forms import parsed_instant, shown_text
from app.reservations.models import Offer, Wait
from app.reservations.waitlist_forms import TellMeForm, WishForm
from app.web.pages import locale_word, localized
from app.web.problems import KINDS
from app.web.rights import PUBLIC, SIGNED_IN, open_to

#: As far as a wish reaches until somebody says otherwise.
_AHEAD = timedelta(days=7)
_MOST_NAMED = 20


@open_to(Action.RESERVE)
def wish() -> AnyResponse | str | tuple[str, int]:
    """Wait for a length of time on any of several instruments."""
    named = shown_text(request.args.get("instrument")).split(",")
    instruments = [instrument_by_slug(slug) for slug in named[:_MOST_NAMED] if slug]
    zone = zone_of(instruments[0]) if instruments else current_app.config["SETTINGS"].timezone
    form = WishForm(zone, [i.slug for i in instruments], shown.choices()["techniques"])
    if request.method == "GET":
        _prefill(form)
        return _wish_page(form, instruments)
    if not form.validate():
        return _wish_page(form, instruments), KINDS["invalid"].status
    try:
        made = waitlist.ask(current(), form.to_wish(), now=clock.now())
    except BookingRefused as refused:
        form.show(refused.refusals)
        return _wish_page(form, instruments), KINDS["refused"].status
    except (Invalid, WrongState, NotFound) as wrong:
        form.form_errors.append(localized(wrong.text))
        return _wish_page(form, instruments), KINDS["invalid"].status
    if waitlist.offer_open(made):
        flash(gettext("Such a time is free: it is held for you."), "success")
    else:
        flash(gettext("You are on the waitlist. If time becomes free, you get a mail."), "success")
    return redirect(url_for(".mine"), 303)


def _prefill(form: WishForm) -> None:
    """From the address: what somebody looked for and did not find."""
    now = clock.now()
    start = parsed_instant(request.args.get("start")) or now
    end = parsed_instant(request.args.get("end"))
    if end is None or end <= start:
        end = start + _AHEAD
    form.fill_in(Interval(max(start, now) if end > now else start, end))
    if "technique" in form and (slug := request.args.get("technique")):
        form.technique.data = slug
    minutes = request.args.get("minutes", "")
    if minutes.isascii() and minutes.isdigit() and len(minutes) < 6:
        form.duration.data = int(minutes)
    try:
        days = [day for each in request.args.getlist("days") for day in each.split(",") if day]
        form.fill_in_hours(hours_of_days(days, request.args.get("hours", "")))
    except ValueError:
        pass  # An address that somebody typed: the fields stay empty.


def _wish_page(form: WishForm, instruments: Sequence[Instrument]) -> str:
    return render_template("reservations/wish.html", form=form, instruments=instruments)


@open_to(SIGNED_IN)
def stop_waiting(uid: str) -> AnyResponse:
    """Wait no longer."""
    try:
        waitlist.withdraw(current(), uid, now=clock.now())
        flash(gettext("You wait no longer."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".mine"), 303)


@open_to(SIGNED_IN)
def offer(uid: str) -> str:
    """What is offered, and the buttons to take it: the link of the mail leads here."""
    return _offer_page(waitlist.offer_to(uid, current()))


def _offer_page(offered: Offer, refusals: Sequence[Refusal] = ()) -> str:
    user, instrument = current(), offered.reservation.instrument
    return render_template(
        "reservations/offer.html",
        offer=offered,
        reservation=offered.reservation,
        is_open=offered.outcome is None and clock.now() < offered.expires_at,
        asks=bool(approvers.left_for(instrument, user, clock.now())),
        refusals=refusals,
    )


@open_to(SIGNED_IN)
def accept_offer(uid: str) -> AnyResponse | tuple[str, int]:
    """Take what is offered."""
    user = current()
    try:
        waitlist.accept(user, uid, now=clock.now())
    except BookingRefused as refused:
        page = _offer_page(waitlist.offer_to(uid, user), refused.refusals)
        return page, KINDS["refused"].status
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
        return redirect(url_for(".offer", uid=uid), 303)
    flash(gettext("It is yours."), "success")
    return redirect(url_for(".show", uid=uid), 303)


@open_to(SIGNED_IN)
def decline_offer(uid: str) -> AnyResponse:
    """Let what is offered go."""
    try:
        waitlist.decline(current(), uid, now=clock.now())
        flash(gettext("Declined. The time goes to the next who waits."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".mine"), 303)


@open_to(Action.RESERVE)
def tell_me(slug: str) -> AnyResponse | str | tuple[str, int]:
    """Be told when time frees on an instrument."""
    user, instrument = current(), instrument_by_slug(slug)
    form = TellMeForm(watching.watch_of(user, instrument))
    if request.method == "GET":
        return _tell_me_page(form, instrument)
    if not form.validate():
        return _tell_me_page(form, instrument), KINDS["invalid"].status
    watching.watch(user, instrument, form.to_watch(), now=clock.now())
    flash(gettext("You get a mail when time becomes free here."), "success")
    return redirect(url_for(".tell_me", slug=instrument.slug), 303)


@open_to(Action.RESERVE)
def tell_me_no_more(slug: str) -> AnyResponse:
    """Be told no longer."""
    instrument = instrument_by_slug(slug)
    watching.stop_watching(current(), instrument)
    flash(gettext("You get no more of these mails."), "success")
    return redirect(url_for(".tell_me", slug=instrument.slug), 303)


@open_to(PUBLIC)
def stop_by_link(slug: str, secret: str) -> AnyResponse | str:
    """Stop the mails with a link of one of them: a page asks, as programs follow links."""
    instrument = instrument_by_slug(slug)
    if request.method == "POST":
        watching.stop_by_link(secret)
        flash(gettext("You are told no more."), "success")
        return redirect(url_for("catalog.instrument", slug=instrument.slug), 303)
    watch_links.watch_by(secret)
    return render_template("reservations/stop_telling.html", instrument=instrument)


def _tell_me_page(form: TellMeForm, instrument: Instrument) -> str:
    watch = watching.watch_of(current(), instrument)
    return render_template(
        "reservations/tell_me.html", form=form, instrument=instrument, watch=watch
    )


def hours_waited_for(wait: Wait) -> str:
    """The hours of a wish in words: “Mon–Fri 09:00–18:00”."""
    if not wait.hours:
        return ""
    language = locale_word()
    closed = OpeningHours(((),) * len(DAYS)).in_words(language)[0][1]
    # The last line tells of holidays, which wishes do not heed.
    lines = OpeningHours.parse(wait.hours).in_words(language)[:-1]
    return ", ".join(f"{days} {span}" for days, span in lines if span != closed)


ROUTES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("/waitlist/new", wish, ("GET", "POST")),
    ("/waitlist/<uid>/withdraw", stop_waiting, ("POST",)),
    ("/offers/<uid>", offer, ("GET",)),
    ("/offers/<uid>/accept", accept_offer, ("POST",)),
    ("/offers/<uid>/decline", decline_offer, ("POST",)),
    ("/instruments/<slug>/tell-me", tell_me, ("GET", "POST")),
    ("/instruments/<slug>/tell-me/stop", tell_me_no_more, ("POST",)),
    ("/instruments/<slug>/tell-me/stop/<secret>", stop_by_link, ("GET", "POST")),
)
