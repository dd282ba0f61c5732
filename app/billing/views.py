"""Pages of billing: an institution's desk and its months, all statements, the settlement."""

from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access, places
from app.accounts.access import Action, Scope
from app.accounts.current import current
from app.accounts.models import Institution, User
from app.accounts.places import institution_by_slug
from app.accounts.today import home_zone, today
from app.billing import (
    charge_pages,
    closing,
    desk,
    documents,
    earning_pages,
    payment_pages,
    queries,
    settlements,
    statement_pages,
    statements,
)
from app.billing.documents import number_of
from app.billing.downloads import download, must_be_a_kind
from app.billing.forms import CloseForm
from app.billing.months import month_before, month_of, next_month
from app.billing.printed import FEES, HEADS
from app.billing.tax_invoices import tax_invoices
from app.domain.errors import Invalid, Text, WrongState
from app.domain.quote_words import quantity_in_words
from app.domain.rate_card import Unit
from app.web.pages import locale_word, localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

bp = Blueprint("billing", __name__, template_folder="templates")
for _methods, _rule, _view in (
    *statement_pages.ROUTES,
    *charge_pages.ROUTES,
    *earning_pages.ROUTES,
    *payment_pages.ROUTES,
):
    bp.add_url_rule(_rule, view_func=_view, methods=_methods.split())

Page = str | AnyResponse | tuple[str, int]

#: So many months, the running one first, does the desk list.
_MONTHS = 13
_INVALID = KINDS["invalid"].status
bp.add_app_template_filter(number_of, "statement_number")
bp.add_app_template_filter(lambda said: HEADS[said["mode"]], "account_head")
bp.add_app_template_filter(lambda said: FEES.get(said["kind"]), "fee_kind")


@bp.app_template_filter("quantity")
def _quantity(said: dict[str, Any]) -> Text | None:
    """How much a line is of; None where nothing was counted."""
    if not said["quantity"] or not said["unit"]:
        return None
    return quantity_in_words(said["quantity"], Unit(said["unit"]))


def _institution(slug: str) -> tuple[User, Institution]:
    user, found = current(), institution_by_slug(slug)
    access.require(user, Action.SEE_STATEMENTS, Scope(institution_id=found.id))
    return user, found


@bp.get("/statements")
@open_to(SIGNED_IN)
def index() -> str:
    """The statements of the institutions that one administers."""
    user = current()
    asked = request.args.get("month", "")
    try:
        month, wrong = (month_of(asked) if asked else None), None
    except Invalid as refused:
        month, wrong = None, localized(refused.text)
    return render_template(
        "billing/statements.html",
        page=statements.page_of(user, month=month, number=request.args.get("page", 1, type=int)),
        month=month,
        wrong=wrong,
        institutions=places.institutions(user),
    )


@bp.get("/institutions/<slug>/billing")
@open_to(Action.SEE_STATEMENTS)
def months(slug: str) -> str:
    """The desk: the last months, what was stated and what was received."""
    _user, institution = _institution(slug)
    listed = [today().replace(day=1)]
    while len(listed) < _MONTHS:
        listed.append(month_before(listed[-1]))
    return render_template(
        "billing/months.html",
        institution=institution,
        lines=desk.month_lines(institution, listed, now=clock.now()),
        lends=_lends(institution),
    )


@bp.get("/institutions/<slug>/billing/<month>")
@open_to(Action.SEE_STATEMENTS)
def month(slug: str, month: str) -> str:
    """A month: what is open, what closing it would post, its statements."""
    user, institution = _institution(slug)
    return _month_page(user, institution, month_of(month), CloseForm(formdata=None))


def _month_page(user: User, institution: Institution, first: date, form: CloseForm) -> str:
    now = clock.now()
    state = desk.states(institution, [first], now=now)[first]
    lends = _lends(institution)
    ahead = lends and state in (desk.State.RUNNING, desk.State.OPEN)
    outlook = desk.outlook(institution, first, now=now) if ahead else None
    return render_template(
        "billing/month.html",
        institution=institution,
        month=first,
        before=month_before(first),
        after=next_month(first) if first < today().replace(day=1) else None,
        state=state,
        lends=lends,
        close=desk.close_of(institution, first),
        outlook=outlook,
        names=statements.names([each.payer for each in outlook.expected]) if outlook else {},
        issued=statements.issued(institution, first),
        received=statements.received(institution, first),
        may_close=access.may(user, Action.CLOSE_MONTH, Scope(institution_id=institution.id)),
        form=form,
        zone=home_zone(),
    )


def _lends(institution: Institution) -> bool:
    return any(each.id == institution.id for each in queries.lenders())


@bp.post("/institutions/<slug>/billing/<month>/close")
@open_to(Action.CLOSE_MONTH)
def close(slug: str, month: str) -> Page:
    """Post and number the month, for good."""
    user, institution = _institution(slug)
    first, form = month_of(month), CloseForm()
    if not form.validate():
        return _month_page(user, institution, first, form), _INVALID
    try:
        done = closing.close_month(user, slug, first, now=clock.now())
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    else:
        said = gettext(
            "The month is closed: %(charges)s charges, %(statements)s statements.",
            charges=done.charges,
            statements=done.statements,
        )
        if done.left_open:
            said += " " + gettext("%(number)s stay open for a later month.", number=done.left_open)
        flash(said, "success")
    return redirect(url_for(".month", slug=slug, month=month), 303)


@bp.get("/institutions/<slug>/billing/<month>/tax-invoices")
@open_to(Action.SEE_STATEMENTS)
def invoices(slug: str, month: str) -> Response:
    """What the finance office types into its tax invoices, as CSV."""
    _institution(slug)
    first = month_of(month)
    return download(tax_invoices(slug, first).encode(), f"{slug}-{first:%Y-%m}-tax-invoices", "csv")


@bp.get("/settlements")
@open_to(Action.SEE_SETTLEMENT)
def latest_settlement() -> AnyResponse:
    """The settlement of the month that was over last."""
    last = month_before(today().replace(day=1))
    return redirect(url_for(".settlement", month=f"{last:%Y-%m}"), 303)


@bp.get("/settlements/<month>")
@open_to(Action.SEE_SETTLEMENT)
def settlement(month: str) -> Page:
    """Who owes whom for a month, and who pays whom; `?as=csv` as a file."""
    user, first = current(), month_of(month)
    found = settlements.seen(user, first, now=clock.now())
    if "as" in request.args:
        kind = request.args["as"]
        must_be_a_kind(kind)
        content = documents.of_settlement(found, kind, locale_word())
        return download(content, f"settlement-{first:%Y-%m}", kind)
    return render_template(
        "billing/settlement.html",
        settlement=found,
        grid=settlements.grid(found),
        leads=settlements.leads(user, first),
        open=settlements.still_open(first),
        desks={each.slug for each in places.institutions(user)},
        names=queries.institution_names(),
        month=first,
        before=month_before(first),
        after=next_month(first) if first < today().replace(day=1) else None,
        kinds=documents.KINDS,
    )
