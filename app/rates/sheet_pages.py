"""Rates as a spreadsheet: download it, edit it, look at what it would change, set it."""

from datetime import date

from flask import Response, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.models import User
from app.catalog.models import Facility
from app.domain.errors import Invalid, Stale
from app.domain.spreadsheet import Table
from app.rates import sheets
from app.rates.places import administers, facility_of, today_at
from app.rates.sheet_forms import SheetForm, SheetSeenForm
from app.rates.sheets import Plan
from app.web import xlsx_files
from app.web.pages import locale_word
from app.web.problems import KINDS
from app.web.rights import open_to

#: So many faults are told at once; who has more, has the wrong file.
MOST_TOLD = 50

Page = str | AnyResponse | tuple[str, int]


@open_to(Action.SET_RATES)
def sheet(slug: str) -> Page:
    """Where the file is downloaded, and handed in again."""
    _user, facility = facility_of(slug)
    return _page(facility, _new_form(facility))


@open_to(Action.SET_RATES)
def download_sheet(slug: str) -> AnyResponse:
    """What holds today, as a file to be edited."""
    user, facility = facility_of(slug)
    found = sheets.sheets_of(
        facility,
        today_at(facility),
        institution=administers(user, facility),
        language=locale_word(),
    )
    answer = Response(xlsx_files.xlsx(found), mimetype=xlsx_files.TYPE)
    name = f"rates-{facility.slug}-{today_at(facility)}.xlsx"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@open_to(Action.SET_RATES)
def look_at_sheet(slug: str) -> Page:
    """What the file would change; nothing is written."""
    user, facility = facility_of(slug)
    form = SheetForm()
    if not form.validate():
        return _page(facility, form), KINDS["invalid"].status
    try:
        table = form.to_table()
    except Invalid as wrong:
        form.show(wrong)
        return _page(facility, form), KINDS["invalid"].status
    return _looked_at(user, facility, table, form.valid_from.data, replacing=form.replacing.data)


@open_to(Action.SET_RATES)
def set_sheet(slug: str) -> Page:
    """Let hold what was looked at."""
    user, facility = facility_of(slug)
    seen = SheetSeenForm()
    try:
        table, first = seen.to_table(), seen.valid_from.data
    except Invalid as wrong:
        form = _new_form(facility)
        form.show(wrong)
        return _page(facility, form), KINDS["invalid"].status
    replacing = seen.replacing.data
    found = _plan(user, facility, table, first, replacing=replacing)
    try:
        sheets.set_sheet(user, facility, found, seen.seen.data, now=clock.now())
    except (Invalid, Stale) as wrong:
        user, facility = facility_of(slug)  # The use case was rolled back.
        return _looked_at(user, facility, table, first, replacing=replacing, again=wrong)
    flash(gettext("The rates are set. What was quoted before stays as it was."), "success")
    return redirect(url_for(".index", slug=slug, _anchor="flashes"), 303)


def _looked_at(
    user: User,
    facility: Facility,
    table: Table,
    first: date,
    *,
    replacing: bool,
    again: Invalid | Stale | None = None,
) -> Page:
    """The page with what would change, or all that is wrong."""
    found = _plan(user, facility, table, first, replacing=replacing)
    form, seen = _new_form(facility), SheetSeenForm(formdata=None)
    form.valid_from.data, form.replacing.data = first, replacing
    seen.fill_in(table, first, replacing=replacing, seen=found.seen)
    page = _page(facility, form, plan=found, seen=seen, again=again)
    if isinstance(again, Stale):
        return page, KINDS["conflict"].status
    return (page, KINDS["invalid"].status) if found.wrong or again else page


def _plan(user: User, facility: Facility, table: Table, first: date, *, replacing: bool) -> Plan:
    return sheets.plan(
        facility,
        table,
        first,
        institution=administers(user, facility),
        replacing=replacing,
        now=clock.now(),
    )


def _page(
    facility: Facility,
    form: SheetForm,
    *,
    plan: Plan | None = None,
    seen: SheetSeenForm | None = None,
    again: Invalid | Stale | None = None,
) -> str:
    return render_template(
        "rates/sheet.html",
        facility=facility,
        form=form,
        plan=plan,
        seen=seen,
        again=again,
        most_told=MOST_TOLD,
    )


def _new_form(facility: Facility) -> SheetForm:
    form = SheetForm(formdata=None)
    form.valid_from.data = today_at(facility)
    return form


_HERE = "/facilities/<slug>/rates"
ROUTES = (
    ("GET", f"{_HERE}/sheet", sheet),
    ("POST", f"{_HERE}/sheet", look_at_sheet),
    ("POST", f"{_HERE}/sheet/set", set_sheet),
    ("GET", f"{_HERE}.xlsx", download_sheet),
)
