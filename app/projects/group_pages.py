"""Pages of research groups: mine and my institution's, one group, its people."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields import SelectChoice

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.forms import ButtonForm, line
from app.accounts.models import User
from app.accounts.today import today
from app.domain.errors import Invalid, NotFound, WrongState
from app.projects import groups, queries
from app.projects.forms import GroupForm, InviteForm, LastDayForm, WhyForm
from app.projects.groups import GroupPlan
from app.projects.models import ResearchGroup
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

Page = str | AnyResponse | tuple[str, int]

_INVALID = KINDS["invalid"].status


@open_to(SIGNED_IN)
def index() -> str:
    """My groups, invitations to me, and the groups of my institution."""
    user, day = current(), today()
    search = line(request.args.get("q"))[:100]
    return render_template(
        "projects/groups.html",
        mine=queries.groups_of(user.id, today=day),
        ways_in=queries.ways_into(user),
        page=queries.directory(
            user, today=day, search=search, number=request.args.get("page", 1, type=int)
        ),
        institutions=queries.institutions_of_groups(user, today=day),
        may_ask=lambda group: queries.may_ask(user, group, today=day),
        may_lead=lambda group: queries.may_lead(user, group),
        search=search,
        form=ButtonForm(formdata=None),
    )


@open_to(Action.MAKE_GROUP)
def make() -> Page:
    """A new group."""
    user, form = current(), GroupForm()
    places = queries.institutions_of_groups(user, today=today())
    form.institution.choices = [SelectChoice(each.slug, localized(each)) for each in places]
    if form.validate_on_submit():
        (institution,) = [each for each in places if each.slug == form.institution.data]
        try:
            made = groups.make_group(user, institution, _plan(form), now=clock.now(), today=today())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("The group is made: invite its people."), "success")
            return _to(made)
    status = _INVALID if request.method == "POST" else 200
    return render_template("projects/group_edit.html", form=form, group=None), status


def _plan(form: GroupForm) -> GroupPlan:
    return GroupPlan(
        name_ko=form.name_ko.data, name_en=form.name_en.data, leader=form.leader.data or ""
    )


@open_to(Action.SEE_GROUP)
def show(group_id: int) -> Page:
    """One group with its people, for those in it and those who administer it."""
    return _group_page(group_id)


def _group_page(group_id: int, faulty: InviteForm | None = None) -> str:
    user, group, day = current(), queries.group_by_id(group_id), today()
    if not access.may(user, Action.SEE_GROUP, queries.scope_of_group(group, today=day)):
        raise NotFound(queries.NO_GROUP)
    return render_template(
        "projects/group.html",
        group=group,
        people=queries.people_in(group),
        may_lead=queries.may_lead(user, group) and not group.closed_at,
        leads=group.leader_id == user.id,
        invite=faulty or InviteForm(formdata=None),
        form=ButtonForm(formdata=None),
        today=day,
    )


@open_to(Action.LEAD_GROUP)
def edit(group_id: int) -> Page:
    """What the group is called, and who leads it."""
    user, group = _led(group_id)
    form = GroupForm()
    form.institution.choices = [SelectChoice(group.institution.slug, localized(group.institution))]
    if request.method == "GET":
        form.name_ko.data, form.name_en.data = group.name_ko, group.name_en
        form.leader.data = group.leader.email
        return render_template("projects/group_edit.html", form=form, group=group)
    if form.validate():
        try:
            groups.change_group(user, group_id, _plan(form), now=clock.now(), today=today())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("Saved."), "success")
            return _to(group)
    again = queries.group_by_id(group_id)
    return render_template("projects/group_edit.html", form=form, group=again), _INVALID


def _led(group_id: int) -> tuple[User, ResearchGroup]:
    """Who asks, and the group; as if there were none for those who do not lead it."""
    user, group = current(), queries.group_by_id(group_id)
    if not queries.may_lead(user, group):
        raise NotFound(queries.NO_GROUP)
    return user, group


@open_to(Action.LEAD_GROUP)
def invite(group_id: int) -> Page:
    """Invite somebody by their address."""
    user, _ = _led(group_id)
    form = InviteForm()
    if form.validate_on_submit():
        try:
            groups.invite(user, group_id, form.email.data, now=clock.now(), today=today())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(gettext("Invited: whoever has the account with this address is told."), "success")
            return redirect(url_for("projects.group", group_id=group_id), 303)
    return _group_page(group_id, form), _INVALID


@open_to(Action.LEAD_GROUP)
def close(group_id: int) -> AnyResponse:
    """End the group."""
    user, _ = _led(group_id)
    return _do(
        lambda: groups.close_group(user, group_id, now=clock.now()),
        gettext("The group is closed."),
        url_for("projects.groups"),
    )


@open_to(Action.JOIN_GROUP)
def ask(group_id: int) -> AnyResponse:
    """Ask to be let in."""
    user = current()
    return _do(
        lambda: groups.ask_to_join(user, group_id, now=clock.now(), today=today()),
        gettext("The PI is asked, and you are told the answer by mail."),
        url_for("projects.groups"),
    )


@open_to(Action.JOIN_GROUP)
def leave(group_id: int) -> AnyResponse:
    """Leave, or take back one's request."""
    user = current()
    return _do(
        lambda: groups.leave(user, group_id, now=clock.now(), today=today()),
        gettext("You are no longer in the group."),
        url_for("projects.groups"),
    )


@open_to(Action.JOIN_GROUP)
def accept(membership_id: int) -> AnyResponse:
    """Accept an invitation."""
    return _answer(membership_id, accept=True)


@open_to(Action.JOIN_GROUP)
def decline(membership_id: int) -> AnyResponse:
    """Decline an invitation."""
    return _answer(membership_id, accept=False)


def _answer(membership_id: int, *, accept: bool) -> AnyResponse:
    user = current()
    done = gettext("You are in the group now.") if accept else gettext("Declined.")
    return _do(
        lambda: groups.answer_invitation(
            user, membership_id, accept=accept, now=clock.now(), today=today()
        ),
        done,
        url_for("projects.groups"),
    )


@open_to(Action.LEAD_GROUP)
def let_in(group_id: int, membership_id: int) -> AnyResponse:
    """Let in somebody who asked."""
    return _change(
        group_id, membership_id, gettext("They are in the group now, and are told."), accept=True
    )


@open_to(Action.LEAD_GROUP)
def turn_down(group_id: int, membership_id: int) -> AnyResponse:
    """Decline somebody's request."""
    return _change(group_id, membership_id, gettext("Declined, and they are told."), accept=False)


def _change(group_id: int, membership_id: int, done: str, *, accept: bool) -> AnyResponse:
    user, reason = current(), _reason()
    return _do(
        lambda: groups.decide(
            user, membership_id, accept=accept, reason=reason, now=clock.now(), today=today()
        ),
        done,
        url_for("projects.group", group_id=group_id),
    )


def _reason() -> str:
    """The reason as typed; the use case asks for one where it must not be missing."""
    form = WhyForm()
    form.validate()
    return str(form.reason.data or "")[:500]


@open_to(Action.LEAD_GROUP)
def remove(group_id: int, membership_id: int) -> AnyResponse:
    """Take somebody out, or an invitation back."""
    user, reason = current(), _reason()
    return _do(
        lambda: groups.remove(user, membership_id, reason=reason, now=clock.now(), today=today()),
        gettext("Done."),
        url_for("projects.group", group_id=group_id),
    )


@open_to(Action.LEAD_GROUP)
def set_last_day(group_id: int, membership_id: int) -> AnyResponse:
    """Say until when somebody belongs to the group."""
    user, form = current(), LastDayForm()
    back = url_for("projects.group", group_id=group_id)
    if not form.validate():
        flash(gettext("Write the day like 2026-12-31."), "error")
        return redirect(back, 303)
    day = form.last_day.data
    return _do(
        lambda: groups.set_last_day(user, membership_id, day, now=clock.now()),
        gettext("Saved."),
        back,
    )


def _do(act: Callable[[], object], done: str, back: str) -> AnyResponse:
    """Do it and say so, or why not."""
    try:
        act()
        flash(done, "success")
    except (Invalid, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(back, 303)


def _to(group: ResearchGroup) -> AnyResponse:
    return redirect(url_for("projects.group", group_id=group.id), 303)


_KEY = "int(max=2147483647)"
_ONE = f"/groups/<{_KEY}:group_id>"
_INVITATION = f"/groups/invitations/<{_KEY}:membership_id>"
_PERSON = f"{_ONE}/people/<{_KEY}:membership_id>"
_BOTH = ("GET", "POST")
_POST = ("POST",)
ROUTES = (
    ("/groups", "groups", index, ("GET",)),
    ("/groups/new", "make_group", make, _BOTH),
    (_ONE, "group", show, ("GET",)),
    (f"{_ONE}/edit", "edit_group", edit, _BOTH),
    (f"{_ONE}/invite", "invite", invite, _POST),
    (f"{_ONE}/close", "close_group", close, _POST),
    (f"{_ONE}/ask", "ask_to_join", ask, _POST),
    (f"{_ONE}/leave", "leave_group", leave, _POST),
    (f"{_INVITATION}/accept", "accept", accept, _POST),
    (f"{_INVITATION}/decline", "decline", decline, _POST),
    (f"{_PERSON}/let-in", "let_in", let_in, _POST),
    (f"{_PERSON}/turn-down", "turn_down", turn_down, _POST),
    (f"{_PERSON}/remove", "remove", remove, _POST),
    (f"{_PERSON}/last-day", "set_last_day", set_last_day, _POST),
)
