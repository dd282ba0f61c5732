"""Pages of operators: whom a facility has named, and who attends a reservation."""

from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import absences, access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.models import User
from app.catalog.models import Facility
from app.catalog.queries import facility_by_slug, instruments_of, scope_of
from app.domain.errors import Invalid, Stale, WrongState
from app.domain.opening_hours import OpeningHours
from app.reservations import attendance, duties, operators
from app.reservations.forms import seen_version, shown_text
from app.reservations.operating_pages import day_at, enter
from app.reservations.operator_forms import AwayForm, OperatorForm
from app.reservations.operator_models import Operator
from app.web.pages import locale_word, localized
from app.web.problems import KINDS
from app.web.rights import open_to

_ONE = "/facilities/<slug>/operators/<int(max=2147483647):operator_id>"


def _facility(slug: str) -> tuple[User, Facility]:
    user, facility = current(), facility_by_slug(slug)
    access.require(user, Action.KEEP_OPERATORS, scope_of(facility))
    return user, facility


@open_to(Action.KEEP_OPERATORS)
def operators_of(slug: str) -> str | AnyResponse | tuple[str, int]:
    """All operators of a facility; another may be named."""
    user, facility = _facility(slug)
    form = OperatorForm(instruments_of(facility))
    if request.method == "GET":
        return _page(facility, form)
    if not form.validate():
        return _page(facility, form), KINDS["invalid"].status
    try:
        made = operators.name(user, facility, form.email.data, form.to_named(), now=clock.now())
    except Invalid as wrong:
        form.show(wrong)
        return _page(facility_by_slug(slug), form), KINDS["invalid"].status
    flash(gettext("%(name)s is an operator now.", name=made.user.name), "success")
    return redirect(url_for(".operators_of", slug=slug), 303)


def _page(facility: Facility, form: OperatorForm) -> str:
    named = duties.named_at(facility)
    return render_template(
        "reservations/operators.html",
        facility=facility,
        named=[(each, _hours_of(each)) for each in named],
        unsettled=attendance.unsettled(facility, now=clock.now()),
        asked=facility.booking.get("operator", "off"),
        form=form,
        zone=ZoneInfo(facility.timezone),
    )


def _hours_of(operator: Operator) -> list[tuple[str, str]]:
    return OpeningHours.parse(operator.hours).in_words(locale_word())


@open_to(Action.KEEP_OPERATORS)
def operator(slug: str, operator_id: int) -> str | AnyResponse | tuple[str, int]:
    """Other hours or instruments of one operator."""
    user, facility = _facility(slug)
    found = operators.of_facility(facility, operator_id)
    form = OperatorForm(instruments_of(facility), found)
    status = 200
    if request.method == "POST":
        status = KINDS["invalid"].status
        if form.validate():
            try:
                operators.change(user, facility, operator_id, form.to_named(), now=clock.now())
                flash(gettext("Saved."), "success")
                return redirect(url_for(".operators_of", slug=slug), 303)
            except Invalid as wrong:
                form.show(wrong)
                facility = facility_by_slug(slug)
                found = operators.of_facility(facility, operator_id)
    return _operator_page(facility, found, form, AwayForm(formdata=None)), status


def _operator_page(
    facility: Facility, operator: Operator, form: OperatorForm, away: AwayForm
) -> str:
    return render_template(
        "reservations/operator.html",
        facility=facility,
        operator=operator,
        form=form,
        away=away,
        absences=absences.of_user(operator.user, today=day_at(facility)),
    )


@open_to(Action.KEEP_OPERATORS)
def operator_away(slug: str, operator_id: int) -> AnyResponse | tuple[str, int]:
    """An operator of the facility is away."""
    _, facility = _facility(slug)
    found, away = operators.of_facility(facility, operator_id), AwayForm()
    if away.validate() and enter(away, found):
        return redirect(url_for(".operators_of", slug=slug), 303)
    form = OperatorForm(instruments_of(facility), found, formdata=None)
    form.hours.data = form.hours.data_of(found.hours)
    form.instruments.data = [each.slug for each in found.instruments]
    return _operator_page(facility, found, form, away), KINDS["invalid"].status


@open_to(Action.KEEP_OPERATORS)
def end_operator(slug: str, operator_id: int) -> AnyResponse:
    """They operate nothing more here."""
    user, facility = _facility(slug)
    ended = operators.end(user, facility, operator_id, now=clock.now())
    flash(gettext("%(name)s is no operator here any more.", name=ended.user.name), "success")
    return redirect(url_for(".operators_of", slug=slug), 303)


@open_to(Action.KEEP_OPERATORS)
def choose_operator(uid: str) -> AnyResponse:
    """Have another operator attend a reservation."""
    email = shown_text(request.form.get("email"))[:254]
    version = seen_version(request.form.get("version", ""))
    try:
        done = operators.choose(current(), uid, email, now=clock.now(), version=version)
        name = done.operator.name if done.operator else ""
        flash(gettext("%(name)s attends it now, and is told by mail.", name=name), "success")
    except (Invalid, Stale, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid) + "#operator", 303)


ROUTES = (
    ("/facilities/<slug>/operators", operators_of, ("GET", "POST")),
    (_ONE, operator, ("GET", "POST")),
    (f"{_ONE}/end", end_operator, ("POST",)),
    (f"{_ONE}/away", operator_away, ("POST",)),
    ("/reservations/<uid>/operator", choose_operator, ("POST",)),
)
