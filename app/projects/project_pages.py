"""Pages of joint projects: mine, one project with its people and shares."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.forms import ButtonForm, Form
from app.accounts.models import User
from app.accounts.today import today
from app.domain.errors import Invalid, NotFound
from app.domain.shares import show_percent
from app.projects import charging, joint, queries
from app.projects.joint import ProjectPlan
from app.projects.models import Consent, Project
from app.projects.project_forms import EmailForm, ProjectForm, ReasonForm, shares_in
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

Page = str | AnyResponse | tuple[str, int]

_INVALID = KINDS["invalid"].status


@open_to(SIGNED_IN)
def index() -> str:
    """My projects, and those of the institutions that I administer."""
    user = current()
    return render_template(
        "projects/projects.html",
        projects=charging.projects_of(user),
        may_make=bool(queries.own_institutions(user, today=today())),
        today=today(),
    )


@open_to(Action.MAKE_PROJECT)
def make() -> Page:
    """A new project."""
    user, form = current(), _form(None)
    if form.validate_on_submit():
        places = {each.slug: each for each in queries.all_institutions()}
        try:
            made = joint.make_project(
                user,
                places[form.institution.data],
                _plan(form),
                now=clock.now(),
                today=today(),
            )
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("The project is made: let its people in."), "success")
            return _to(made.uid)
    status = _INVALID if request.method == "POST" else 200
    return render_template("projects/project_edit.html", form=form, project=None), status


def _form(project: Project | None) -> ProjectForm:
    form = ProjectForm()
    own = [project.institution] if project else queries.own_institutions(current(), today=today())
    form.offer(own, queries.all_institutions())
    return form


def _plan(form: ProjectForm) -> ProjectPlan:
    chosen = set(form.institutions.data or ())
    return ProjectPlan(
        name_ko=form.name_ko.data,
        name_en=form.name_en.data,
        starts_on=form.starts_on.data,
        ends_on=form.ends_on.data,
        institutions=[each for each in queries.all_institutions() if each.slug in chosen],
    )


@open_to(Action.LEAD_PROJECT)
def edit(project_uid: str) -> Page:
    """Name, period and institutions."""
    user, project = _led(project_uid)
    form = _form(project)
    if request.method == "GET":
        form.fill_in(project)
        return render_template("projects/project_edit.html", form=form, project=project)
    if form.validate():
        try:
            joint.change_project(user, project_uid, _plan(form), now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("Saved."), "success")
            return _to(project_uid)
    again = charging.project_by_uid(project_uid)
    return render_template("projects/project_edit.html", form=form, project=again), _INVALID


def _led(uid: str) -> tuple[User, Project]:
    user, project = current(), charging.seen_project(current(), uid)
    if not access.may(user, Action.LEAD_PROJECT, charging.scope_of_project(project)):
        raise NotFound(charging.NO_PROJECT)
    return user, project


@open_to(Action.SEE_PROJECT)
def show(project_uid: str) -> Page:
    """One project with its people, accounts and shares."""
    return _page(project_uid)


def _page(uid: str, form: Form | None = None, wrong: Invalid | None = None) -> str:
    user = current()
    project = charging.seen_project(user, uid)
    shares = charging.shares_of(project)
    typed = {name: text for name, text in request.form.items() if name.startswith("percent-")}
    known = {f"percent-{each.account.number}": show_percent(each.percent) for each in shares}
    return render_template(
        "projects/project.html",
        project=project,
        members=charging.members_of(project),
        shares=shares,
        accounts=charging.accounts_of_project(project),
        percents=typed if wrong else known,
        remainder_to=next((each.account.number for each in shares if each.takes_remainder), ""),
        wrong=localized(wrong.text) if wrong else "",
        may_lead=access.may(user, Action.LEAD_PROJECT, charging.scope_of_project(project)),
        let_in=form or EmailForm(formdata=None),
        show_percent=show_percent,
        form=ButtonForm(formdata=None),
        today=today(),
    )


@open_to(Action.LEAD_PROJECT)
def let_in(project_uid: str) -> Page:
    """Let somebody into the project."""
    user, _ = _led(project_uid)
    form = EmailForm()
    if form.validate():
        try:
            joint.let_in(user, project_uid, form.email.data, now=clock.now(), today=today())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("They are in the project now, and are told."), "success")
            return _to(project_uid)
    return _page(project_uid, form), _INVALID


@open_to(Action.LEAD_PROJECT)
def take_out(project_uid: str, member_id: int) -> AnyResponse:
    """Take somebody out, with a reason."""
    user, form = current(), ReasonForm()
    form.validate()
    reason = str(form.reason.data or "")[:500]
    return do(
        lambda: joint.take_out(user, project_uid, member_id, reason=reason, now=clock.now()),
        gettext("They are no longer in the project, and are told."),
        url_for("projects.project", project_uid=project_uid),
    )


@open_to(Action.LEAD_PROJECT)
def set_shares(project_uid: str) -> Page:
    """Which accounts pay by default, and how much each."""
    user, _ = _led(project_uid)
    try:
        shares = shares_in(request.form)
        joint.set_shares(user, project_uid, shares, now=clock.now())
    except Invalid as wrong:
        return _page(project_uid, wrong=wrong), _INVALID
    flash(gettext("Saved. The holders of the accounts are asked to agree."), "success")
    return _to(project_uid)


@open_to(Action.HOLD_ACCOUNT)
def agree(share_id: int, answer: str) -> AnyResponse:
    """The holder of an account agrees to a share, or no longer."""
    user = current()
    answers = {"standing": Consent.STANDING, "single": Consent.SINGLE, "withdraw": None}
    if answer not in answers:
        raise NotFound(charging.NO_ACCOUNT)
    consent = answers[answer]
    share = joint.agree(user, share_id, consent, now=clock.now())
    flash(gettext("Agreed.") if consent else gettext("You no longer agree."), "success")
    return redirect(url_for("projects.account", account_id=share.account_id), 303)


def do(act: Callable[[], object], done: str, back: str) -> AnyResponse:
    """Do it and say so, or why not."""
    try:
        act()
        flash(done, "success")
    except Invalid as wrong:
        flash(localized(wrong.text), "error")
    return redirect(back, 303)


def _to(uid: str) -> AnyResponse:
    return redirect(url_for("projects.project", project_uid=uid), 303)


_KEY = "int(max=2147483647)"
_ONE = "/projects/<string(maxlength=32):project_uid>"
_BOTH = ("GET", "POST")
ROUTES = (
    ("/projects", "projects", index, ("GET",)),
    ("/projects/new", "make_project", make, _BOTH),
    (_ONE, "project", show, ("GET",)),
    (f"{_ONE}/edit", "edit_project", edit, _BOTH),
    (f"{_ONE}/people", "let_into_project", let_in, ("POST",)),
    (f"{_ONE}/people/<{_KEY}:member_id>/remove", "take_out", take_out, ("POST",)),
    (f"{_ONE}/shares", "set_shares", set_shares, ("POST",)),
    (f"/project-shares/<{_KEY}:share_id>/<answer>", "agree", agree, ("POST",)),
)
