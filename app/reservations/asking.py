"""Asking for an instrument: the form beside its calendar, and what would become of it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.models import User
from app.accounts.today import today
from app.catalog.health import open_faults
from app.catalog.models import Instrument
from app.catalog.policy import (
    charge_policy_of,
    hours_of,
    policy_of,
    training_of,
    use_policy_of,
    zone_of,
)
from app.catalog.queries import instrument_by_slug, scope_of
from app.domain import booking
from app.domain.approval import APPROVER_NAMES, Status
from app.domain.booking import BookingRequest, Mode, Policy
from app.domain.errors import BookingRefused, FreeSlot, Invalid, Refusal, Taken, WrongState
from app.domain.interval import Interval
from app.domain.rules_in_words import deadline_in_words, fees_in_words, rarer_rules
from app.files.forms import name_drafts, take_drafts
from app.projects.queries import groups_of
from app.rates.queries import tariff_of
from app.reservations import (
    deputies,
    free_times,
    linked,
    queries,
    series,
    services,
    timeline,
    waitlist,
)
from app.reservations.alternatives import alternatives
from app.reservations.answer_fields import MOST_FILES, suppose_files
from app.reservations.default_shares import (
    accounts_to_charge,
    fill_in_at_hand,
    fill_in_project,
    shares_of_projects,
)
from app.reservations.forms import ReservationForm, parsed_instant
from app.reservations.free_times import with_instruments
from app.reservations.models import Reservation
from app.reservations.waitlist import Wish
from app.web import pages, uploads
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

TAKEN = KINDS["taken"].status

#: The fields of the form that another time would mend.
_TIMES = frozenset({"starts_at", "ends_at"})


@open_to(Action.RESERVE)
@uploads.takes_files(MOST_FILES)
def reserve(slug: str) -> AnyResponse | str | tuple[str, int]:
    """The form beside the instrument's calendar."""
    user, instrument = current(), instrument_by_slug(slug)
    if instrument.slug != slug and request.method == "GET":
        return redirect(timeline.to_form(instrument, request.args), 301)
    form = _form(instrument, user)
    if request.method == "GET":
        _prefill(form, user)
        return _reserve_page(form, instrument, user, () if form.starts_at.data else None)
    take_drafts(form, user, uploads.folder(), now=clock.now())
    if "take" in request.form:
        # An alternative was chosen: its time goes into the form, and all else stays.
        form.take(request.form["take"])
        return _reserve_page(form, instrument, user)
    if uid := request.form.get("project"):
        fill_in_project(form, user, uid)
        return _reserve_page(form, instrument, user)
    if not form.validate():
        return _reserve_page(form, instrument, user), KINDS["invalid"].status
    try:
        made = _request(form, user)
    except WrongState as wrong:
        form.form_errors.append(localized(wrong.text))
        return _reserve_page(form, instrument, user), KINDS["wrong-state"].status
    except BookingRefused as refused:
        form.show(refused.refusals)
        if form.repeat.data:
            status = KINDS["taken" if isinstance(refused, Taken) else "refused"].status
            return _reserve_page(form, instrument, user), status
        if isinstance(refused, Taken):
            may_wait = not (form.holder.data or form.chosen)
            page = _reserve_page(form, instrument, user, refused.alternatives, may_wait=may_wait)
            return page, TAKEN
        found = _instead(form.to_request(), refused.refusals, user)
        return _reserve_page(form, instrument, user, found), KINDS["refused"].status
    except Invalid as wrong:
        form.refuse(wrong)
        return _reserve_page(form, instrument, user), KINDS["invalid"].status
    flash(_welcome(made), "success")
    return redirect(url_for(".show", uid=made.uid), 303)


def _request(form: ReservationForm, user: User) -> Reservation:
    asked, now, override = form.to_request(), clock.now(), form.override.data or ""
    seen, _, of_this = request.form.get("agreed", "").partition(" ")
    if of_this == _sought(asked) and re.fullmatch("[0-9]{1,18}", seen, re.ASCII):
        # No more than was shown beside the form for just this.
        asked = replace(asked, most=int(seen))
    if repeat := form.to_repeat():
        return series.request_series(user, asked, repeat, now=now, override=override)
    return services.request_reservation(user, asked, now=now, override=override)


def _sought(asked: BookingRequest) -> str:
    """What a price that was shown is for."""
    repeat = request.form.get("repeat", "")
    said = (asked.interval.start.isoformat(), asked.interval.end.isoformat(), asked.mode.value)
    return "/".join((*said, str(asked.samples), asked.holder, repeat))


@open_to(Action.RESERVE)
@uploads.takes_files(MOST_FILES)
def wait(slug: str) -> AnyResponse | tuple[str, int]:
    """Wait for the time of the form, which somebody else holds."""
    user, instrument = current(), instrument_by_slug(slug)
    form = _form(instrument, user)
    take_drafts(form, user, uploads.folder(), now=clock.now())
    if not form.validate():
        page = _reserve_page(form, instrument, user, may_wait="starts_at" not in form.errors)
        return page, KINDS["invalid"].status
    asked = form.to_request()
    if asked.holder:
        form.holder.errors = [gettext("One waits for oneself only: leave this empty, please.")]
        return _reserve_page(form, instrument, user), KINDS["invalid"].status
    if asked.accessories:
        form.form_errors.append(
            gettext("One cannot wait for accessories. Wait without them, or choose a free time.")
        )
        return _reserve_page(form, instrument, user), KINDS["invalid"].status
    wish = Wish(
        within=asked.interval,
        instruments=[instrument.slug],
        purpose=asked.purpose,
        mode=asked.mode,
        samples=asked.samples,
        note=asked.note,
        answers=asked.answers,
        shares=asked.shares,
    )
    try:
        waitlist.ask(user, wish, now=clock.now())
    except BookingRefused as refused:
        form.show(refused.refusals)
        return _reserve_page(form, instrument, user), KINDS["refused"].status
    except (Invalid, WrongState) as wrong:
        form.form_errors.append(localized(wrong.text))
        status = "wrong-state" if isinstance(wrong, WrongState) else "invalid"
        return _reserve_page(form, instrument, user), KINDS[status].status
    flash(gettext("You are on the waitlist. If the time becomes free, you get a mail."), "success")
    return redirect(url_for(".mine"), 303)


@open_to(Action.RESERVE)
def check(slug: str) -> str:
    """What would become of the form as typed so far: every refusal, or that it is free."""
    user, instrument = current(), instrument_by_slug(slug)
    form = _form(instrument, user)
    form.validate()
    suppose_files(form)
    fields = [form.starts_at, form.ends_at, *form.of_repeat, *form.paying]
    fields += [form.mode] if form.mode else []
    wrong = [error for field in fields for error in field.errors]
    if wrong:
        typed = form.starts_at.data and form.ends_at.data
        return render_template(
            "reservations/_check.html", wrong=wrong if typed else [], trial=None, found=()
        )
    asked, policy, now = form.to_request(), policy_of(instrument), clock.now()
    try:
        deputies.holder_of(user, asked.holder, instrument)
    except Invalid as unknown:
        return render_template(
            "reservations/_check.html", wrong=[localized(unknown.text)], trial=None, found=()
        )
    if repeat := form.to_repeat():
        return render_template(
            "reservations/_series_check.html",
            trial=series.try_series(user, asked, repeat, now=now),
            rule=repeat.rule.in_words(),
            zone=zone_of(instrument),
            sought=_sought(asked),
        )
    trial = services.try_reservation(user, asked, now=now)
    return render_template(
        "reservations/_check.html",
        wrong=[],
        trial=trial,
        interval=form.interval,
        found=with_instruments(_instead(asked, trial.refusals, user)),
        may_wait=bool(trial.refusals)
        and all(map(booking.is_conflict, trial.refusals))
        and not (asked.holder or asked.accessories),
        instrument=instrument,
        zone=zone_of(instrument),
        policy=policy,
        free_to_cancel=policy.free_to_cancel(form.interval, now=now),
        sought=_sought(asked),
    )


def _form(instrument: Instrument, user: User) -> ReservationForm:
    accounts = accounts_to_charge(policy_of(instrument), user)
    return ReservationForm.of(instrument, groups_of(user.id, today=today()), accounts)


def _prefill(form: ReservationForm, user: User) -> None:
    """Times from the address, or everything from another reservation of the asker's.

    Who pays is filled in where only one answer is at hand.
    """
    fill_in_at_hand(form, user, policy_of(form.instrument))
    if like := request.args.get("like"):
        form.fill_in_like(queries.by_uid(like, viewer=user))
    mode = request.args.get("mode")
    if form.mode and mode in {choice.value for choice in form.mode.choices}:
        form.mode.data = mode
    start = parsed_instant(request.args.get("start"))
    if start is None:
        return
    end = parsed_instant(request.args.get("end"))
    if end is None or end <= start:
        end = start + free_times.sensible_length(form.instrument)
    form.fill_in(Interval(start, end))


def _instead(asked: BookingRequest, refusals: Sequence[Refusal], user: User) -> Sequence[FreeSlot]:
    """Times that would do, if another time is all it takes."""
    if not refusals or any(refusal.field not in _TIMES for refusal in refusals):
        return ()
    holder = services.holder_of(user, asked.holder, instrument_by_slug(asked.instrument))
    return alternatives(asked, holder, now=clock.now())


def _reserve_page(
    form: ReservationForm,
    instrument: Instrument,
    user: User,
    found: Sequence[FreeSlot] | None = (),
    *,
    may_wait: bool = False,
) -> str:
    """The page; with `found` None, the next free times help to begin."""
    policy, now = policy_of(instrument), clock.now()
    if found is None:
        next_ = free_times.next_free(instrument, user, now=now, count=3)
        found = [FreeSlot(instrument.slug, slot) for slot in next_]
    name_drafts(form, user)
    asks = not access.may(user, Action.DECIDE_RESERVATION, scope_of(instrument))
    along = [each.instrument for each in linked.along(instrument)]
    return render_template(
        "reservations/reserve.html",
        form=form,
        projects=shares_of_projects(form, user),
        instrument=instrument,
        facility=instrument.facility,
        policy=policy,
        check_in=use_policy_of(instrument),
        unit_price=tariff_of(instrument, user, now=now).unit_price(now, _mode(form, policy)),
        deadline=deadline_in_words(policy),
        rarer_rules=[*rarer_rules(policy), *fees_in_words(charge_policy_of(instrument))],
        hours=hours_of(instrument).in_words(pages.locale_word()),
        to_agree=services.left_of_all([instrument, *along], user, now, by=user),
        asks=asks,
        approver_names=APPROVER_NAMES,
        may_override=access.may(user, Action.OVERRIDE_RULES, scope_of(instrument)),
        lacking=queries.still_lacking(instrument, user, now=now),
        for_anyone=access.may(user, Action.RESERVE_FOR, scope_of(instrument)),
        persons=deputies.those_of(user),
        training=training_of(instrument),
        found=with_instruments(found),
        may_wait=may_wait,
        takes_commissions=Mode.COMMISSIONED in policy.modes,
        queues=waitlist.queues(user, instrument_id=instrument.id) if not asks else [],
        calendar=timeline.calendar_of(instrument, now=now),
        faults=open_faults(instrument),
        along=along,
    )


def _mode(form: ReservationForm, policy: Policy) -> Mode:
    """The mode of use chosen in the form, else the first that the instrument is offered in."""
    chosen = form.mode.data if form.mode else None
    return Mode(chosen) if chosen in set(Mode) else max(policy.modes)


def _welcome(made: Reservation) -> str:
    if made.series:
        return _welcome_series(made)
    if made.reserved_by_id is not None:
        name = made.holder.name
        return str(gettext("Reserved for %(name)s, who is told by mail.", name=name))
    if made.status is Status.PENDING:
        return str(gettext("Your request is sent. The time is held until a manager decides."))
    return str(gettext("Reserved. A confirmation is on its way to you by mail."))


def _welcome_series(made: Reservation) -> str:
    number, skipped = len(series.members_of(made)), len(made.series.skipped if made.series else ())
    if made.status is Status.PENDING:
        said = gettext(
            "Your request for %(number)s dates is sent. They are held until a manager decides.",
            number=number,
        )
    else:
        said = gettext("Reserved on %(number)s dates. One mail tells you all.", number=number)
    if skipped:
        said += " " + gettext("Dates left out: %(number)s. They are listed below.", number=skipped)
    return str(said)


ROUTES = (
    ("/instruments/<slug>/reserve", reserve, ("GET", "POST")),
    ("/instruments/<slug>/check", check, ("POST",)),
    ("/instruments/<slug>/wait", wait, ("POST",)),
)
