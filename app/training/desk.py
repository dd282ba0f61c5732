"""Pages of those who train others: sessions, attendance, certificates, safety training."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.forms import ButtonForm
from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import training_of
from app.catalog.queries import facility_by_slug, instrument_by_slug, instruments_of, scope_of
from app.domain.errors import Invalid, WrongState
from app.domain.training import SafetyKind
from app.training import certificates, queries, services
from app.training.forms import GrantForm, ReasonForm, SafetyForm, SessionForm, results_in
from app.training.models import Result, Standing, TrainingSession
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

Page = str | AnyResponse | tuple[str, int]

_INVALID = KINDS["invalid"].status
_WRONG = (Invalid, WrongState)


def _facility(slug: str) -> tuple[User, Facility]:
    """Who asks, and the facility; raises `NotFound`, or `NotAllowed` to those who do not train."""
    user, facility = current(), facility_by_slug(slug)
    access.require(user, Action.TRAIN, scope_of(facility))
    return user, facility


def _session(session_id: int) -> tuple[User, TrainingSession]:
    user, session = current(), queries.session_by_id(session_id)
    access.require(user, Action.TRAIN, scope_of(session.facility))
    return user, session


@open_to(Action.TRAIN)
def sessions(slug: str) -> str:
    """All sessions of a facility, and which of its instruments ask for a certificate."""
    user, facility = _facility(slug)
    return render_template(
        "training/sessions.html",
        facility=facility,
        sessions=queries.sessions_of(facility, user),
        instruments=[(each, training_of(each)) for each in instruments_of(facility)],
        now=clock.now(),
    )


@open_to(Action.TRAIN)
def plan(slug: str) -> Page:
    """A new session."""
    user, facility = _facility(slug)
    form = _session_form(facility)
    if request.method == "GET":
        form.trainer.data = user.name
        form.instruments.data = _chosen(facility)
        return _plan_page(facility, form)
    if not form.validate():
        return _plan_page(facility, form), _INVALID
    try:
        made = services.plan_session(user, facility, form.to_plan(), now=clock.now())
    except Invalid as wrong:
        form.show(wrong)
        return _plan_page(facility_by_slug(slug), form), _INVALID
    flash(gettext("The session is announced: people can sign up."), "success")
    return redirect(url_for("training.show", session_id=made.id), 303)


def _chosen(facility: Facility) -> list[int]:
    """The instrument named in the address, for a session about it."""
    asked = request.args.get("instrument", "")
    return [each.id for each in instruments_of(facility) if each.slug == asked]


@open_to(Action.TRAIN)
def edit(session_id: int) -> Page:
    """Change what is planned."""
    user, session = _session(session_id)
    form = _session_form(session.facility)
    if request.method == "GET":
        form.fill_in(session)
        return _plan_page(session.facility, form, session)
    if not form.validate():
        return _plan_page(session.facility, form, session), _INVALID
    try:
        services.change_session(user, session_id, form.to_plan(), now=clock.now())
    except _WRONG as wrong:
        if isinstance(wrong, Invalid):
            form.show(wrong)
        else:
            form.form_errors.append(localized(wrong.text))
        again = queries.session_by_id(session_id)
        return _plan_page(again.facility, form, again), _INVALID
    flash(gettext("The session is changed; everyone who signed up is told by mail."), "success")
    return redirect(url_for("training.show", session_id=session_id), 303)


def _session_form(facility: Facility) -> SessionForm:
    return SessionForm(facility, instruments_of(facility), queries.techniques_of(facility))


def _plan_page(
    facility: Facility, form: SessionForm, session: TrainingSession | None = None
) -> str:
    return render_template("training/plan.html", facility=facility, form=form, session=session)


@open_to(Action.TRAIN)
def cancel(session_id: int) -> AnyResponse:
    """Call a session off."""
    user, form = current(), ReasonForm()
    try:
        services.cancel_session(user, session_id, reason=_reason(form), now=clock.now())
        flash(
            gettext("The session is cancelled; everyone who signed up is told by mail."), "success"
        )
    except _WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for("training.show", session_id=session_id), 303)


@open_to(Action.TRAIN)
def attendance(session_id: int) -> Page:
    """Who came and who passed, in one table."""
    user, session = _session(session_id)
    form = ButtonForm()
    if request.method == "POST" and form.validate():
        try:
            results = results_in(request.form)
            changed = services.note_results(user, session_id, results, now=clock.now())
            flash(
                gettext("Saved. Whoever passed has the certificate and is told by mail.")
                if changed
                else gettext("Nothing was different, so nothing was changed."),
                "success" if changed else "info",
            )
        except WrongState as wrong:
            flash(localized(wrong.text), "error")
        return redirect(url_for("training.attendance", session_id=session_id), 303)
    lines = queries.roster(session)
    return render_template(
        "training/attendance.html",
        session=session,
        seated=[each for each in lines if each.standing is Standing.SEATED],
        waiting=[each for each in lines if each.standing is Standing.WAITING],
        results=Result,
        form=form,
        now=clock.now(),
    )


@open_to(Action.TRAIN)
def qualified(slug: str) -> Page:
    """Who may work an instrument; a certificate may be given."""
    user, instrument = current(), instrument_by_slug(slug)
    access.require(user, Action.TRAIN, scope_of(instrument))
    form = GrantForm(instrument, queries.techniques_of(instrument.facility))
    if request.method == "GET":
        return _qualified_page(instrument, form)
    if not form.validate():
        return _qualified_page(instrument, form), _INVALID
    try:
        made = certificates.grant(user, instrument.facility, form.to_grant(), now=clock.now())
    except Invalid as wrong:
        form.show(wrong)
        return _qualified_page(instrument_by_slug(slug), form), _INVALID
    flash(
        gettext("%(name)s has the certificate and is told by mail.", name=made.user.name), "success"
    )
    return redirect(url_for("training.qualified", slug=slug), 303)


def _qualified_page(instrument: Instrument, form: GrantForm) -> str:
    now = clock.now()
    return render_template(
        "training/qualified.html",
        instrument=instrument,
        facility=instrument.facility,
        training=training_of(instrument),
        certificates=queries.qualified_on(instrument, now=now),
        form=form,
        reason_form=ReasonForm(formdata=None),
        now=now,
    )


@open_to(Action.TRAIN)
def withdraw_certificate(certificate_id: int) -> AnyResponse:
    """Take a certificate back."""
    back = url_for("training.index")
    try:
        done = certificates.withdraw(
            current(), certificate_id, reason=_reason(ReasonForm()), now=clock.now()
        )
        flash(gettext("Withdrawn. %(name)s is told by mail.", name=done.user.name), "success")
        back = url_for("training.sessions", slug=done.facility.slug)
        if done.instrument:
            back = url_for("training.qualified", slug=done.instrument.slug)
    except _WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(back, 303)


@open_to(Action.TRAIN)
def safety(slug: str) -> Page:
    """Safety training that the facility recorded; more may be added."""
    user, facility = _facility(slug)
    form = SafetyForm()
    if request.method == "GET":
        return _safety_page(facility, form)
    if not form.validate():
        return _safety_page(facility, form), _INVALID
    try:
        made = certificates.record_safety(
            user,
            facility,
            email=form.email.data,
            kind=SafetyKind(form.kind.data),
            done_on=form.done_on.data,
            valid_until=form.valid_until.data,
            now=clock.now(),
        )
    except Invalid as wrong:
        form.show(wrong)
        return _safety_page(facility_by_slug(slug), form), _INVALID
    flash(gettext("Recorded for %(name)s.", name=made.user.name), "success")
    return redirect(url_for("training.safety", slug=slug), 303)


def _safety_page(facility: Facility, form: SafetyForm) -> str:
    return render_template(
        "training/safety.html",
        facility=facility,
        records=queries.safety_recorded_at(facility),
        form=form,
    )


@open_to(Action.TRAIN)
def forget_safety(slug: str, record_id: int) -> AnyResponse:
    """Take back a record that was a mistake."""
    user, facility = _facility(slug)
    certificates.forget_safety(user, facility, record_id, now=clock.now())
    flash(gettext("The record is gone; the audit trail keeps what it said."), "success")
    return redirect(url_for("training.safety", slug=slug), 303)


def _reason(form: ReasonForm) -> str:
    """The reason as typed; the use case asks for one where there is none."""
    form.validate()
    return str(form.reason.data or "")[:500]


_SESSION = "/training/<int(max=2147483647):session_id>"
_BOTH = ("GET", "POST")
ROUTES = (
    ("/facilities/<slug>/training", sessions, ("GET",)),
    ("/facilities/<slug>/training/new", plan, _BOTH),
    (f"{_SESSION}/edit", edit, _BOTH),
    (f"{_SESSION}/cancel", cancel, ("POST",)),
    (f"{_SESSION}/attendance", attendance, _BOTH),
    ("/instruments/<slug>/certificates", qualified, _BOTH),
    (
        "/certificates/<int(max=2147483647):certificate_id>/withdraw",
        withdraw_certificate,
        ("POST",),
    ),
    ("/facilities/<slug>/safety", safety, _BOTH),
    ("/facilities/<slug>/safety/<int(max=2147483647):record_id>/forget", forget_safety, ("POST",)),
)
