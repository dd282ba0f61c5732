"""The manager's page of rates, and the words of quotes for all templates."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.forms import ButtonForm
from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.queries import instruments_of
from app.domain.errors import Invalid, WrongState
from app.domain.notation import day_in_words
from app.domain.quote import decimal
from app.domain.quote_words import count_in_words, item_in_words
from app.domain.rate_card import (
    CLASS_NAMES,
    MODE_NAMES,
    TAX_NAMES,
    UNIT_NAMES,
    reference_price,
)
from app.domain.rate_changes import differences
from app.rates import queries, services, sheet_pages, shown
from app.rates.forms import FACILITY, INSTITUTION, RatesForm, TermsForm
from app.rates.places import administers, facility_of, today_at
from app.rates.queries import RateBook
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

bp = Blueprint("rates", __name__, template_folder="templates")
for _method, _rule, _view in sheet_pages.ROUTES:
    bp.add_url_rule(_rule, view_func=_view, methods=[_method])

bp.add_app_template_filter(item_in_words, "line_item")
bp.add_app_template_filter(count_in_words, "line_count")
bp.add_app_template_filter(UNIT_NAMES.__getitem__, "unit_name")
bp.add_app_template_filter(MODE_NAMES.__getitem__, "mode_name")
bp.add_app_template_filter(CLASS_NAMES.__getitem__, "class_name")
bp.add_app_template_filter(TAX_NAMES.__getitem__, "tax_name")
bp.add_app_template_filter(decimal, "factor")
bp.add_app_template_filter(day_in_words, "day_in_words")

_INVALID = KINDS["invalid"].status
Page = str | AnyResponse | tuple[str, int]


@bp.record_once
def _tell_the_catalogue(state: BlueprintSetupState) -> None:
    """The catalogue stands below and asks by name for the rates that hold."""
    state.app.extensions["dure-rates"] = _of_instrument
    state.app.extensions["dure-unit-prices"] = shown.unit_prices


def _of_instrument(instrument: Instrument, reader: User | None, *, now: datetime) -> Markup | None:
    """For the page of the instrument; None where its list prices, or none, hold."""
    found = shown.holding(instrument, RateBook.of(instrument), now=now, reader=reader)
    if found is None or found.whose == "list":
        return None
    # The template was escaped while it was rendered, hence Markup.
    return Markup(render_template("rates/_of_instrument.html", rates=found))  # noqa: S704


@bp.get("/facilities/<slug>/rates")
@open_to(Action.SET_RATES)
def index(slug: str) -> Page:
    """What holds today, what was and will be; new rates from a day on."""
    user, facility = facility_of(slug)
    form, terms = _rates_form(user, facility), TermsForm(formdata=None)
    _fill_in(form, facility)
    terms.fill_in(queries.terms_of(facility.institution))
    return _page(user, facility, form, terms)


@bp.get("/facilities/<slug>/rates/compare")
@open_to(Action.SET_RATES)
def compare(slug: str) -> Page:
    """What two cards say differently."""
    _user, facility = facility_of(slug)
    kept = shown.kept_at(facility, today_at(facility))
    asked = [request.args.get(name, "") for name in ("one", "other")]
    two = shown.pair(kept, *asked)
    return render_template(
        "rates/compare.html",
        facility=facility,
        kept=kept,
        asked=asked,
        two=two,
        differences=differences(two[0].rates, two[1].rates) if two else [],
    )


@bp.post("/facilities/<slug>/rates")
@open_to(Action.SET_RATES)
def set_rates(slug: str) -> Page:
    """Let new rates hold from a day on."""
    user, facility = facility_of(slug)
    form, terms = _rates_form(user, facility), TermsForm(formdata=None)
    terms.fill_in(queries.terms_of(facility.institution))
    if not form.validate():
        return _page(user, facility, form, terms), _INVALID
    try:
        services.set_rates(user, facility, form.to_rates(), now=clock.now())
    except Invalid as wrong:
        form.show(wrong)
        user, facility = facility_of(slug)  # The use case was rolled back.
        return _page(user, facility, form, terms), _INVALID
    flash(gettext("The rates are set. What was quoted before stays as it was."), "success")
    return redirect(url_for(".index", slug=slug, _anchor="flashes"), 303)


@bp.post("/facilities/<slug>/rates/<int(max=2147483647):card_id>/withdraw")
@open_to(Action.SET_RATES)
def withdraw(slug: str, card_id: int) -> AnyResponse:
    """Take back rates that have not begun."""
    user, facility = facility_of(slug)
    try:
        services.withdraw_rates(user, facility, card_id, now=clock.now())
        flash(gettext("Withdrawn: these rates will not begin."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".index", slug=slug, _anchor="flashes"), 303)


@bp.post("/facilities/<slug>/rates/terms")
@open_to(Action.SET_RATES)
def set_terms(slug: str) -> Page:
    """How the institution taxes and rounds."""
    user, facility = facility_of(slug)
    terms = TermsForm()
    if not terms.validate():
        form = _rates_form(user, facility)
        _fill_in(form, facility)
        return _page(user, facility, form, terms), _INVALID
    services.set_terms(user, facility.institution, terms.to_terms(), now=clock.now())
    flash(gettext("Saved. It holds for what is quoted from now on."), "success")
    return redirect(url_for(".index", slug=slug, _anchor="flashes"), 303)


def _rates_form(user: User, facility: Facility) -> RatesForm:
    form = RatesForm(formdata=request.form if request.endpoint == "rates.set_rates" else None)
    form.offer(instruments_of(facility), institution=administers(user, facility))
    return form


def _fill_in(form: RatesForm, facility: Facility) -> None:
    """Begin with what holds today for the instrument in the address, or for the facility."""
    now = clock.now()
    today = today_at(facility)
    chosen = _chosen(facility)
    if chosen is not None:
        found = shown.holding(chosen, RateBook.of(chosen), now=now)
        rows = found.offered if found else ()
        form.fill_in(f"i:{chosen.slug}", today, found.card if found else None, rows)
        return
    scope = INSTITUTION if request.args.get("of") == INSTITUTION else FACILITY
    of_all = [kept for kept in shown.kept_at(facility, today) if kept.card.instrument_id is None]
    same = [kept for kept in of_all if (kept.card.facility_id is None) == (scope == INSTITUTION)]
    held = next((kept for kept in same if kept.state == "now"), None)
    form.fill_in(scope, today, held.rates if held else None, held.rows if held else ())


def _chosen(facility: Facility) -> Instrument | None:
    asked = request.args.get("of", "")
    return next((each for each in instruments_of(facility) if each.slug == asked), None)


def _page(user: User, facility: Facility, form: RatesForm, terms: TermsForm) -> str:
    now = clock.now()
    instruments, chosen = instruments_of(facility), _chosen(facility)
    book = RateBook.of_suppliers([facility.institution_id])
    cost = chosen.acquisition_cost if chosen else None
    return render_template(
        "rates/index.html",
        facility=facility,
        form=form,
        terms_form=terms,
        terms=queries.terms_of(facility.institution),
        administers=administers(user, facility),
        holding=[(each, shown.holding(each, book, now=now)) for each in instruments],
        kept=shown.kept_at(facility, today_at(facility)),
        chosen=chosen,
        reference=reference_price(cost) if cost else None,
        button=ButtonForm(formdata=None),
    )
