"""Pages of funding accounts: what I may charge, what I hold, one account."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.forms import ButtonForm, Form
from app.accounts.today import today
from app.domain.booking import Mode
from app.domain.errors import Invalid
from app.domain.shares import show_percent
from app.projects import budgets, charging, funding, queries
from app.projects.funding import AccountPlan
from app.projects.models import FundingAccount
from app.projects.project_forms import AccountForm, EmailForm
from app.projects.project_pages import do
from app.web.csv_files import csv_answer
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

Page = str | AnyResponse | tuple[str, int]

_INVALID = KINDS["invalid"].status


@open_to(SIGNED_IN)
def index() -> str:
    """What I may charge, and what I hold or administer."""
    user = current()
    held = charging.accounts_held(user)
    return render_template(
        "projects/accounts.html",
        chargeable=charging.chargeable(user.id, today=today()),
        held=held,
        left=budgets.left_of(held),
        may_register=bool(queries.own_institutions(user, today=today())),
        today=today(),
    )


@open_to(Action.REGISTER_ACCOUNT)
def register() -> Page:
    """A new account."""
    user, form = current(), _form(None)
    if form.validate_on_submit():
        own = {each.slug: each for each in queries.own_institutions(user, today=today())}
        try:
            made = funding.register(
                user,
                own[form.institution.data],
                form.number.data,
                _plan(form),
                now=clock.now(),
                today=today(),
            )
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("The account is registered: say who may charge it."), "success")
            return _to(made.id)
    status = _INVALID if request.method == "POST" else 200
    return render_template("projects/account_edit.html", form=form, account=None), status


def _form(account: FundingAccount | None) -> AccountForm:
    user, form = current(), AccountForm()
    own = [account.institution] if account else queries.own_institutions(user, today=today())
    projects = list(charging.projects_of(user))
    if account and account.project and account.project not in projects:
        projects.append(account.project)
    form.offer(own, projects)
    if account:
        del form.number
    return form


def _plan(form: AccountForm) -> AccountPlan:
    uid = form.project.data
    return AccountPlan(
        name_ko=form.name_ko.data,
        name_en=form.name_en.data,
        funder=form.funder.data or "",
        starts_on=form.starts_on.data,
        ends_on=form.ends_on.data,
        budget=form.won,
        modes=frozenset(map(Mode, form.modes.data or ())),
        project=charging.project_by_uid(uid) if uid else None,
    )


@open_to(Action.HOLD_ACCOUNT)
def show(account_id: int) -> Page:
    """One account, for its holder and who administers it."""
    return _page(account_id)


def _page(account_id: int, form: Form | None = None) -> str:
    account = charging.held_account(current(), account_id)
    return render_template(
        "projects/account.html",
        account=account,
        money=budgets.money_of(account, today()),
        spending=budgets.spending_of(account),
        users=charging.users_of(account),
        shares=charging.shares_of_account(account),
        let=form or EmailForm(formdata=None),
        show_percent=show_percent,
        form=ButtonForm(formdata=None),
        today=today(),
    )


@open_to(Action.HOLD_ACCOUNT)
def spending(account_id: int) -> AnyResponse:
    """What was spent and is reserved of an account by month and person, as a file."""
    account = charging.held_account(current(), account_id)
    head = ("month", "person", "uses", "spent", "reserved", "currency")
    rows = [
        (f"{line.month:%Y-%m}", line.person, line.uses, line.spent, line.held, "KRW")
        for line in budgets.spending_of(account)
    ]
    return csv_answer(f"{account.number}.csv", [head, *rows])


@open_to(Action.HOLD_ACCOUNT)
def edit(account_id: int) -> Page:
    """Change what is known of an account."""
    user, account = current(), charging.held_account(current(), account_id)
    form = _form(account)
    if request.method == "GET":
        form.fill_in(account)
        return render_template("projects/account_edit.html", form=form, account=account)
    if form.validate():
        try:
            funding.change_account(user, account_id, _plan(form), now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("Saved."), "success")
            return _to(account_id)
    again = charging.account_by_id(account_id)
    return render_template("projects/account_edit.html", form=form, account=again), _INVALID


@open_to(Action.HOLD_ACCOUNT)
def let_charge(account_id: int) -> Page:
    """Let somebody charge the account."""
    user = current()
    charging.held_account(user, account_id)
    form = EmailForm()
    if form.validate():
        try:
            funding.let_charge(user, account_id, form.email.data, now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("They may charge it now, and are told."), "success")
            return _to(account_id)
    return _page(account_id, form), _INVALID


@open_to(Action.HOLD_ACCOUNT)
def let_charge_no_more(account_id: int, row_id: int) -> AnyResponse:
    """Take that back."""
    user = current()
    return do(
        lambda: funding.let_charge_no_more(user, account_id, row_id, now=clock.now()),
        gettext("They may no longer charge it."),
        url_for("projects.account", account_id=account_id),
    )


def _to(account_id: int) -> AnyResponse:
    return redirect(url_for("projects.account", account_id=account_id), 303)


_KEY = "int(max=2147483647)"
_ONE = f"/funding-accounts/<{_KEY}:account_id>"
_BOTH = ("GET", "POST")
ROUTES = (
    ("/funding-accounts", "accounts", index, ("GET",)),
    ("/funding-accounts/new", "register_account", register, _BOTH),
    (_ONE, "account", show, ("GET",)),
    (f"{_ONE}/spending.csv", "spending", spending, ("GET",)),
    (f"{_ONE}/edit", "edit_account", edit, _BOTH),
    (f"{_ONE}/people", "let_charge", let_charge, ("POST",)),
    (f"{_ONE}/people/<{_KEY}:row_id>/remove", "let_charge_no_more", let_charge_no_more, ("POST",)),
)
