"""At the instrument: its page for phone and screen, and the buttons to come, stay and go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import segno
from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current, current_or_none
from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import use_policy_of, zone_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.domain.approval import Status
from app.domain.errors import BookingRefused, Invalid, NotFound, Stale, Text, WrongState
from app.domain.interval import Interval, merged
from app.domain.use import CheckIn, CheckInPlace
from app.reservations import no_show_pages, presence, queries, schedule, screens, use
from app.reservations.forms import UseForm, parsed_instant
from app.reservations.models import Reservation
from app.reservations.schedule import Busy
from app.reservations.use import Ways
from app.web.pages import clock_time, localized
from app.web.rights import PUBLIC, open_to

#: What a person may get wrong here: said on the page that they came from.
WRONG = (Invalid, WrongState, Stale, BookingRefused)

_AHEAD = timedelta(hours=24)
_NEXT = 3


@open_to(Action.USE_RESERVATION)
def check_in(uid: str) -> AnyResponse:
    """Begin to use what is reserved."""
    user, now = current(), clock.now()
    reservation = queries.by_uid(uid, viewer=user)
    present = presence.is_shown(reservation.instrument, request.form.get("code", ""), now=now)
    try:
        use.check_in(user, uid, reason=UseForm().check(), present=present, now=now)
        flash(gettext("Checked in. Have a good time at the instrument."), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(_back(reservation), 303)


@open_to(Action.USE_RESERVATION)
def extend(uid: str) -> AnyResponse:
    """Go on longer."""
    user = current()
    reservation = queries.by_uid(uid, viewer=user)
    try:
        until = parsed_instant(request.form.get("until"))
        if until is None:
            raise Invalid(Text("언제까지인지 골라 주세요.", "Say until when."))
        use.extend(user, uid, until, reason=UseForm().check(), now=clock.now())
        end = clock_time(until, zone_of(reservation.instrument))
        flash(gettext("Extended: the instrument is yours until %(time)s.", time=end), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(_back(reservation), 303)


@open_to(Action.USE_RESERVATION)
def check_out(uid: str) -> AnyResponse:
    """End the use; the rest of the time is free."""
    user, form = current(), UseForm()
    reservation = queries.by_uid(uid, viewer=user)
    try:
        reason = form.check()
        use.check_out(user, uid, reason=reason, samples=form.samples.data, now=clock.now())
        flash(gettext("Your use has ended. What was left of the time is free again."), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(_back(reservation), 303)


@open_to(PUBLIC)
def bench(slug: str) -> str | AnyResponse:
    """What the code at the instrument leads to: now, next, and what one can do oneself."""
    instrument, user, now = instrument_by_slug(slug), current_or_none(), clock.now()
    if instrument.slug != slug:
        return redirect(url_for(".bench", slug=instrument.slug), 301)
    code = request.args.get("code", "")
    present = presence.is_shown(instrument, code, now=now)
    at_hand = use.in_hand(user, now=now) if user else []
    mine = next((each for each in at_hand if each.instrument_id == instrument.id), None)
    manages = access.may(user, Action.EDIT_INSTRUMENT, scope_of(instrument))
    return render_template(
        "reservations/bench.html",
        **_face(instrument, user, now),
        mine=mine,
        ways=use.ways(mine, now=now) if mine else None,
        extensions=use.extensions(mine, now=now) if mine else [],
        form=UseForm(formdata=None),
        code=code if present else "",
        old_code=bool(code) and not present,
        asks_code=use_policy_of(instrument).check_in_at is CheckInPlace.INSTRUMENT,
        here=url_for(".bench", slug=slug, code=code or None),
        screen_url=_screen_url(instrument) if manages else None,
    )


@open_to(PUBLIC)
def sign(slug: str) -> str:
    """A sheet to print and put up at the instrument; its code leads to the bench page."""
    instrument = instrument_by_slug(slug)
    address = _public(url_for(".bench", slug=instrument.slug))
    return render_template(
        "reservations/bench_sign.html",
        instrument=instrument,
        facility=instrument.facility,
        address=address,
        qr=_qr(address),
    )


@open_to(PUBLIC)
def screen(slug: str, secret: str) -> str:
    """For a tablet at the instrument: what it is doing, and a code that changes every minute.

    The address is the key, so that nobody has to be signed in on a screen that anyone can touch.
    """
    instrument, now = instrument_by_slug(slug), clock.now()
    if not screens.is_key(instrument, secret):
        raise NotFound(
            Text(
                "이 화면 주소는 더 이상 쓰이지 않습니다. 장비담당자에게 새 주소를 받으세요.",
                "This screen's address is no longer in use. Ask the facility manager for another.",
            )
        )
    code = presence.code(instrument, now=now)
    address = _public(url_for(".bench", slug=instrument.slug, code=code))
    return render_template(
        "reservations/bench_screen.html",
        **_face(instrument, None, now),
        qr=_qr(address),
        asks=use_policy_of(instrument).check_in is not CheckIn.OFF,
        seconds=presence.EVERY_SECONDS // 2,
    )


@open_to(Action.EDIT_INSTRUMENT)
def new_screen(slug: str) -> AnyResponse:
    """Give the screen at the instrument another address; the one before is good no more."""
    instrument = instrument_by_slug(slug)
    screens.renew(current(), instrument, now=clock.now())
    flash(gettext("The screen has a new address; the old one no longer works."), "success")
    return redirect(url_for(".bench", slug=instrument.slug), 303)


ROUTES = (
    ("/reservations/<uid>/check-in", check_in, ("POST",)),
    ("/reservations/<uid>/extend", extend, ("POST",)),
    ("/reservations/<uid>/check-out", check_out, ("POST",)),
    ("/instruments/<slug>/bench", bench, ("GET",)),
    ("/instruments/<slug>/bench/sign", sign, ("GET",)),
    ("/instruments/<slug>/bench/screen", new_screen, ("POST",)),
    ("/instruments/<slug>/bench/screen/<secret>", screen, ("GET",)),
)


@dataclass(frozen=True, slots=True)
class State:
    """What an instrument is doing, in words that anyone may read."""

    now: list[Busy]
    coming: list[Busy]
    open: bool
    in_use: bool  # somebody has checked in
    until: datetime | None  # when what holds now changes; none: not within a day


def state_of(instrument: Instrument, viewer: User | None, *, now: datetime) -> State:
    """Who has it now and who comes next, as far as the viewer may know."""
    ahead = Interval(now, now + _AHEAD)
    known = schedule.busy([instrument], ahead, viewer, now=now)
    shut = schedule.closed(instrument, ahead)
    holding = [each for each in known if each.interval.start <= now]
    taken = merged([*(each.interval for each in known), *shut])
    is_open = not any(span.start <= now for span in shut)
    changes = [edge for span in taken for edge in (span.start, span.end) if now < edge < ahead.end]
    if holding:
        changes = [min(each.interval.end for each in holding)]
    return State(
        holding,
        [each for each in known if each.interval.start > now][:_NEXT],
        is_open,
        use.is_in_use(instrument),
        min(changes, default=None),
    )


def use_of(reservation: Reservation, user: User, *, now: datetime) -> dict[str, Any]:
    """What the page of a reservation says and offers about its use."""
    scope = queries.scope_of_reservation(reservation)
    manages = access.may(user, Action.DECIDE_RESERVATION, scope)
    ways = use.ways(reservation, now=now, manages=manages)
    if not access.may(user, Action.USE_RESERVATION, scope):
        ways = Ways(check_in=False, check_out=False)
    return {
        "ways": ways,
        "extensions": use.extensions(reservation, now=now) if ways.check_out else [],
        "use_form": UseForm(formdata=None),
        "asks_code": use_policy_of(reservation.instrument).check_in_at is CheckInPlace.INSTRUMENT
        and not manages,
        "may_mark_no_show": manages
        and not reservation.is_companion
        and reservation.status is Status.CONFIRMED
        and reservation.starts_at <= now,
        **no_show_pages.undoing(reservation, manages=manages, now=now),
    }


def _face(instrument: Instrument, viewer: User | None, now: datetime) -> dict[str, Any]:
    return {
        "instrument": instrument,
        "facility": instrument.facility,
        "zone": zone_of(instrument),
        "state": state_of(instrument, viewer, now=now),
        "now": now,
    }


def _screen_url(instrument: Instrument) -> str:
    return _public(url_for(".screen", slug=instrument.slug, secret=screens.key(instrument)))


def _public(path: str) -> str:
    """An address as a phone that knows nothing of us can open it."""
    root = request.script_root
    return str(current_app.config["SETTINGS"].public_url) + path.removeprefix(root)


def _qr(address: str) -> str:
    return str(segno.make(address, error="m").svg_data_uri(scale=6, border=4, light="#fff"))


def _back(reservation: Reservation) -> str:
    """Where somebody came from: the bench, the start page, or the reservation's page."""
    match request.form.get("back"):
        case "bench":
            return url_for(".bench", slug=reservation.instrument.slug)
        case "home":
            return url_for("home.start")
        case _:
            return url_for(".show", uid=reservation.uid)
