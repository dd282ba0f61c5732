"""Pages about faults and maintenance: decide, close, and the log."""

from collections.abc import Sequence
from datetime import datetime

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.models import Fault, Instrument
from app.catalog.policy import zone_of
from app.domain.errors import Invalid, WrongState
from app.domain.interval import Interval
from app.domain.maintenance import Condition, Result
from app.reservations import faults, hit_fields, maintenance
from app.reservations.giving_way import CannotGiveWay, StillReserved
from app.reservations.health_forms import CorrectionForm, DecisionForm, WorkForm
from app.reservations.hit_fields import HitLine
from app.reservations.maintenance import Work
from app.web.pages import locale_word, localized
from app.web.problems import KINDS
from app.web.rights import open_to

Page = str | AnyResponse | tuple[str, int]

INVALID = KINDS["invalid"].status


@open_to(Action.HANDLE_FAULT)
def fault(slug: str, fault_id: int) -> str:
    """One fault, what to decide and what to write when it is closed."""
    instrument, found = faults.fault_of(current(), slug, fault_id)
    return _fault_page(instrument, found)


@open_to(Action.HANDLE_FAULT)
def decide_fault(slug: str, fault_id: int) -> Page:
    """Usable all the same, or out of order: with what becomes of those who are hit."""
    user, now = current(), clock.now()
    instrument, found = faults.fault_of(user, slug, fault_id)
    form = DecisionForm(zone_of(instrument))
    if not form.validate():
        return _fault_page(instrument, found, form), INVALID
    answers = hit_fields.answers_of(request.form, form.zone)
    try:
        faults.decide_fault(
            user,
            slug,
            fault_id,
            form.to_decision(),
            now=now,
            answers=answers,
            reason=form.message.data or "",
        )
    except StillReserved as reserved:
        form.form_errors.append(localized(reserved.text))
        lines = _hit(form, reserved, now)
        return _again(user_page=(slug, fault_id), form=form, hit=lines, kind="wrong-state")
    except CannotGiveWay as refused:
        form.form_errors.append(gettext("A reservation cannot be moved there; see below."))
        lines = _hit(form, refused, now)
        return _again(user_page=(slug, fault_id), form=form, hit=lines, kind="refused")
    except (Invalid, WrongState) as wrong:
        if isinstance(wrong, Invalid):
            form.refuse(wrong)
        else:
            form.form_errors.append(localized(wrong.text))
        kind = "invalid" if isinstance(wrong, Invalid) else "wrong-state"
        return _again(user_page=(slug, fault_id), form=form, hit=(), kind=kind)
    flash(gettext("Saved. Who has reserved is told by mail."), "success")
    return redirect(url_for(".fault", slug=slug, fault_id=fault_id), 303)


@open_to(Action.HANDLE_FAULT)
def close_fault(slug: str, fault_id: int) -> Page:
    """Write into the log what was done; the instrument can be reserved again."""
    user, now = current(), clock.now()
    instrument, found = faults.fault_of(user, slug, fault_id)
    form = WorkForm(zone_of(instrument))
    if not form.validate():
        return _fault_page(instrument, found, work=form), INVALID
    try:
        done = faults.close_fault(user, slug, fault_id, form.to_work(), now=now)
    except Invalid as wrong:
        form.refuse(wrong)
        instrument, found = faults.fault_of(user, slug, fault_id)
        return _fault_page(instrument, found, work=form), INVALID
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
        return redirect(url_for(".fault", slug=slug, fault_id=fault_id), 303)
    if done.closed_at:
        flash(gettext("Closed, and written into the maintenance log."), "success")
    else:
        flash(gettext("Written into the maintenance log. The fault stands."), "info")
    return redirect(url_for(".maintenance_log", slug=slug), 303)


@open_to(Action.KEEP_MAINTENANCE_LOG)
def maintenance_log(slug: str) -> Page:
    """The log of an instrument; lines may be added by hand."""
    user, now = current(), clock.now()
    instrument, _ = maintenance.log_of(user, slug)
    form = WorkForm(zone_of(instrument))
    if request.method == "POST":
        if form.validate():
            try:
                maintenance.write_entry(user, slug, form.to_work(), now=now)
            except Invalid as wrong:
                form.refuse(wrong)
            else:
                flash(gettext("Written into the maintenance log."), "success")
                return redirect(url_for(".maintenance_log", slug=slug), 303)
    else:
        form.fill_in(_fresh(user.name, now))
    instrument, entries = maintenance.log_of(user, slug)
    page = render_template(
        "reservations/maintenance_log.html",
        instrument=instrument,
        entries=entries,
        form=form,
        zone=zone_of(instrument),
    )
    return (page, INVALID) if request.method == "POST" else page


@open_to(Action.KEEP_MAINTENANCE_LOG)
def maintenance_csv(slug: str) -> Response:
    """The log as a file for spreadsheets."""
    instrument, entries = maintenance.log_of(current(), slug)
    # The mark in front tells spreadsheets that it is UTF-8.
    text = "\ufeff" + maintenance.as_csv(instrument, entries, locale_word())
    answer = Response(text, mimetype="text/csv")
    name = f"maintenance-{instrument.slug}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@open_to(Action.KEEP_MAINTENANCE_LOG)
def correct_entry(slug: str, entry_id: int) -> Page:
    """Correct a line of the log, with a reason."""
    user = current()
    instrument, _ = maintenance.log_of(user, slug)
    entry = maintenance.entry_of(instrument, entry_id)
    form = CorrectionForm(zone_of(instrument))
    if request.method == "POST":
        if form.validate():
            try:
                maintenance.correct_entry(
                    user,
                    slug,
                    entry_id,
                    form.to_work(),
                    reason=form.reason.data or "",
                    now=clock.now(),
                )
            except Invalid as wrong:
                form.refuse(wrong)
            else:
                flash(gettext("Corrected. What it said before stays in the records."), "success")
                return redirect(url_for(".maintenance_log", slug=slug), 303)
    else:
        form.fill_in(maintenance.work_of(entry))
    instrument, _ = maintenance.log_of(user, slug)
    page = render_template("reservations/maintenance_entry.html", instrument=instrument, form=form)
    return (page, INVALID) if request.method == "POST" else page


_FAULT = "/instruments/<slug>/faults/<int(max=2147483647):fault_id>"
_LOG = "/instruments/<slug>/maintenance"

ROUTES = (
    (_FAULT, fault, ("GET",)),
    (f"{_FAULT}/decide", decide_fault, ("POST",)),
    (f"{_FAULT}/close", close_fault, ("POST",)),
    (_LOG, maintenance_log, ("GET", "POST")),
    (f"{_LOG}.csv", maintenance_csv, ("GET",)),
    (f"{_LOG}/<int(max=2147483647):entry_id>", correct_entry, ("GET", "POST")),
)


def _fresh(name: str, now: datetime) -> Work:
    """What a new line begins with."""
    return Work(
        person_in_charge=name,
        happened_at=now,
        condition=Condition.NORMAL,
        content="",
        result=Result.RUNNING,
    )


def _hit(form: DecisionForm, wrong: StillReserved | CannotGiveWay, now: datetime) -> list[HitLine]:
    """Those who are hit; where no end is known there is nowhere to move them to."""
    until = form.to_decision().until
    return hit_fields.lines(
        wrong.hit,
        request.form,
        form.zone,
        closed=[Interval(now, until)] if until else [],
        now=now,
        refused=wrong if isinstance(wrong, CannotGiveWay) else None,
        may_keep=until is None,
    )


def _again(
    *, user_page: tuple[str, int], form: DecisionForm, hit: Sequence[HitLine], kind: str
) -> tuple[str, int]:
    """The page with what was typed: the use case was rolled back, so all is read anew."""
    instrument, found = faults.fault_of(current(), *user_page)
    return _fault_page(instrument, found, form, hit=hit), KINDS[kind].status


def _fault_page(
    instrument: Instrument,
    found: Fault,
    form: DecisionForm | None = None,
    *,
    work: WorkForm | None = None,
    hit: Sequence[HitLine] = (),
) -> str:
    zone = zone_of(instrument)
    if form is None:
        form = DecisionForm(zone, formdata=None)
        form.fill_in(found)
    if work is None:
        work = WorkForm(zone, formdata=None)
        work.fill_in(_fresh(current().name, clock.now()))
        work.condition.data = Condition.MALFUNCTION.value
    return render_template(
        "reservations/fault.html",
        instrument=instrument,
        fault=found,
        form=form,
        work=work,
        hit=hit,
        moves=any("move" in line.ways for line in hit),
        zone=zone,
    )
