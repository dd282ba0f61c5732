"""Pages of sponsor funds: all of them, and one for those who keep it."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current, current_or_none
from app.accounts.forms import ButtonForm
from app.accounts.today import today
from app.catalog.queries import techniques
from app.domain.errors import Invalid, WrongState
from app.programmes import queries, services
from app.programmes.forms import FundForm
from app.programmes.models import SponsorFund
from app.projects.queries import all_institutions
from app.web import pages
from app.web.csv_files import csv_answer
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

bp = Blueprint("programmes", __name__, template_folder="templates")

Page = str | AnyResponse | tuple[str, int]
_INVALID = KINDS["invalid"].status
_ONE = "/programmes/funds/<slug>"


def _programmes() -> pages.Entry | None:
    if current_or_none() is None:
        return None
    return pages.entry(gettext("Funds"), "programmes.index")


pages.NAVIGATION.append((38, _programmes))


@bp.get("/programmes")
@open_to(SIGNED_IN)
def index() -> str:
    """All funds: what each pays, for whom, until when."""
    sponsors = queries.sponsors(current())
    return render_template(
        "programmes/funds.html",
        funds=queries.funds(),
        kept={each.id for each in sponsors},
        names=_names(),
        today=today(),
    )


def _names() -> dict[tuple[str, str], str]:
    """Institutions and techniques in the reader's words, by kind and slug."""
    found = {("institution", each.slug): localized(each) for each in all_institutions()}
    return found | {("technique", each.slug): localized(each) for each in techniques()}


@bp.route("/programmes/funds/new", methods=["GET", "POST"])
@open_to(Action.KEEP_FUND)
def make() -> Page:
    """A new fund."""
    user = current()
    mine = {each.slug: each for each in queries.sponsors(user)}
    if not mine:
        access.require(user, Action.KEEP_FUND)
    form = _form(None)
    if form.validate_on_submit():
        try:
            made = services.make_fund(
                *(user, mine[form.sponsor.data], form.slug.data, form.to_plan()), now=clock.now()
            )
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(
                gettext("The fund is set up. It pays for whoever reserves from now on."), "success"
            )
            return redirect(url_for(".show", slug=made.slug), 303)
    status = _INVALID if request.method == "POST" else 200
    return render_template("programmes/fund_edit.html", form=form, fund=None), status


def _form(fund: SponsorFund | None) -> FundForm:
    form = FundForm()
    form.offer(queries.sponsors(current()), all_institutions(), techniques())
    if fund:
        del form.slug, form.sponsor
    return form


@bp.get(_ONE)
@open_to(Action.KEEP_FUND)
def show(slug: str) -> str:
    """One fund, for those who keep it."""
    fund = queries.fund_by_slug(current(), slug)
    return render_template(
        "programmes/fund.html",
        fund=fund,
        people=queries.people_of(fund),
        names=_names(),
        balance=queries.balance_of(fund),
        form=ButtonForm(formdata=None),
        today=today(),
    )


@bp.get(f"{_ONE}/money.csv")
@open_to(Action.KEEP_FUND)
def money(slug: str) -> AnyResponse:
    """What it holds and has paid by month and person, as a file."""
    fund = queries.fund_by_slug(current(), slug)
    head = ("month", "person", "uses", "held", "taken", "currency")
    rows = [
        (f"{month:%Y-%m}", person.name, line.uses, line.held, line.taken, "KRW")
        for (month, person), line in queries.balance_of(fund).months.items()
    ]
    return csv_answer(f"{fund.slug}.csv", [head, *rows])


@bp.route(f"{_ONE}/edit", methods=["GET", "POST"])
@open_to(Action.KEEP_FUND)
def edit(slug: str) -> Page:
    """Change what a fund pays from now on."""
    user, fund = current(), queries.fund_by_slug(current(), slug)
    form = _form(fund)
    if request.method == "GET":
        form.fill_in(fund, queries.people_of(fund))
        return render_template("programmes/fund_edit.html", form=form, fund=fund)
    if form.validate():
        try:
            services.change_fund(user, slug, form.to_plan(), now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        except WrongState as wrong:
            form.form_errors.append(localized(wrong.text))
        else:
            flash(gettext("Saved."), "success")
            return redirect(url_for(".show", slug=slug), 303)
    again = queries.fund_by_slug(user, slug)
    return render_template("programmes/fund_edit.html", form=form, fund=again), _INVALID


@bp.post(f"{_ONE}/close")
@open_to(Action.KEEP_FUND)
def close(slug: str) -> AnyResponse:
    """Promise nothing more from a fund."""
    try:
        services.close_fund(current(), slug, now=clock.now())
        flash(gettext("Closed. What it has promised, it still pays."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", slug=slug), 303)
