"""Pages of those who administer people."""

from collections.abc import Callable
from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields import SelectChoice

from app import clock
from app.accounts import (
    access,
    administration,
    places,
    queries,
    services,
    suspension_views,
    suspensions,
)
from app.accounts.access import Action
from app.accounts.current import current, current_or_none
from app.accounts.forms import (
    AffiliationForm,
    ButtonForm,
    EndForm,
    Form,
    PersonForm,
    RoleForm,
    SuspensionForm,
    line,
)
from app.accounts.models import Institution, RoleName, User
from app.accounts.roles import ROLE_NAMES
from app.accounts.today import end_of, today
from app.domain.errors import Invalid, NotFound
from app.web import pages
from app.web.problems import status_of
from app.web.rights import open_to

Choices = list[SelectChoice]


def add_to(bp: Blueprint) -> None:
    """Put these pages into the blueprint of the slice."""
    one = "/admin/people/<int:user_id>"
    rules: tuple[tuple[str, str, Callable[..., ResponseReturnValue]], ...] = (
        ("GET", "/admin/people", people),
        ("GET POST", "/admin/people/new", add_person),
        ("GET", one, person),
        ("POST", f"{one}/welcome", send_welcome),
        ("POST", f"{one}/roles", grant_role),
        ("POST", f"{one}/roles/<int:grant_id>/revoke", revoke_role),
        ("POST", f"{one}/affiliations", add_affiliation),
        ("POST", f"{one}/affiliations/<int:affiliation_id>/end", end_affiliation),
        ("POST", f"{one}/suspensions", suspend),
        ("POST", f"{one}/suspensions/<int:suspension_id>/lift", lift_suspension),
        ("POST", f"{one}/switch-off", switch_off),
        ("POST", f"{one}/switch-on", switch_on),
    )
    for methods, rule, view in (*rules, *suspension_views.ROUTES):
        bp.add_url_rule(rule, view_func=view, methods=methods.split())


def _entry() -> pages.Entry | None:
    if access.institutions_administered(current_or_none()) == frozenset():
        return None
    return pages.entry(_("People"), "accounts.people")


pages.NAVIGATION.append((90, _entry))


@open_to(Action.SEE_PEOPLE)
def people() -> ResponseReturnValue:
    actor = _administrator()
    search = line(request.args.get("q"))[:100]
    found = queries.people(
        actor,
        today=today(),
        search=search,
        number=request.args.get("page", 1, type=int),
    )
    return render_template("accounts/people.html", page=found, search=search, role_names=ROLE_NAMES)


@open_to(Action.MANAGE_PEOPLE)
def add_person() -> ResponseReturnValue:
    actor = _administrator()
    form = PersonForm()
    form.institution.choices = _to_be_chosen(_institution_choices(actor))
    if form.validate_on_submit():
        new = services.NewPerson(
            email=form.email.data,
            name=form.name.data,
            language=form.language.data,
            department=form.department.data,
            position=form.position.data,
        )
        institution = places.institution_by_slug(form.institution.data)
        try:
            added = services.add_user(actor, new, institution, now=clock.now(), today=today())
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(_("%(name)s is added and gets a mail.", name=added.name), "success")
            return redirect(url_for(".person", user_id=added.id), 303)
    return render_template("accounts/add_person.html", form=form), status_of(form)


@open_to(Action.SEE_PEOPLE)
def person(user_id: int) -> ResponseReturnValue:
    actor = current()
    return _person_page(actor, queries.person(actor, user_id, today=today()))


@open_to(Action.MANAGE_PEOPLE)
def send_welcome(user_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, _form: Form) -> None:
        services.send_welcome(actor, user, now=clock.now(), today=today())

    return _act(user_id, act, _("The mail is on its way."))


@open_to(Action.GRANT_ROLE)
def grant_role(user_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, form: Form) -> None:
        kind, _colon, slug = (form["of"].data or "").partition(":")
        of: places.Place | Institution | None = None
        if kind == "facility":
            of = places.place_by_slug(slug)
        elif kind == "institution":
            of = places.institution_by_slug(slug)
        role = RoleName(form["role"].data)
        administration.grant_role(actor, user, role, of, now=clock.now(), today=today())

    return _act(user_id, act, _("The role is given."), "role")


@open_to(Action.GRANT_ROLE)
def revoke_role(user_id: int, grant_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, _form: Form) -> None:
        administration.revoke_role(actor, user, grant_id, now=clock.now(), today=today())

    return _act(user_id, act, _("The role is taken back."))


@open_to(Action.MANAGE_PEOPLE)
def add_affiliation(user_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, form: Form) -> None:
        administration.add_affiliation(
            actor,
            user,
            places.institution_by_slug(form["institution"].data),
            department=form["department"].data,
            position=form["position"].data,
            now=clock.now(),
            today=today(),
        )

    return _act(user_id, act, _("The affiliation is added."), "affiliation")


@open_to(Action.MANAGE_PEOPLE)
def end_affiliation(user_id: int, affiliation_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, form: Form) -> None:
        administration.end_affiliation(
            actor,
            user,
            affiliation_id,
            last_day=form["last_day"].data,
            now=clock.now(),
            today=today(),
        )

    return _act(user_id, act, _("The last day is saved."), "end")


@open_to(Action.SUSPEND_PERSON)
def suspend(user_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, form: Form) -> None:
        ends_on: date | None = form["ends_on"].data
        suspensions.suspend(
            actor,
            user,
            reason=form["reason"].data,
            ends_at=end_of(ends_on) if ends_on else None,
            now=clock.now(),
            today=today(),
        )

    return _act(user_id, act, _("The person may not reserve now."), "suspension")


@open_to(Action.SUSPEND_PERSON)
def lift_suspension(user_id: int, suspension_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, _form: Form) -> None:
        suspensions.lift_suspension(actor, user, suspension_id, now=clock.now(), today=today())

    return _act(user_id, act, _("The person may reserve again."))


@open_to(Action.MANAGE_PEOPLE)
def switch_off(user_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, _form: Form) -> None:
        administration.switch_off(actor, user, now=clock.now(), today=today())

    return _act(user_id, act, _("The account is switched off."))


@open_to(Action.MANAGE_PEOPLE)
def switch_on(user_id: int) -> ResponseReturnValue:
    def act(actor: User, user: User, _form: Form) -> None:
        administration.switch_on(actor, user, now=clock.now(), today=today())

    return _act(user_id, act, _("The account is switched on."))


def _administrator() -> User:
    """The person who asks; raises `NotAllowed` unless they administer people somewhere."""
    actor = current()
    if access.institutions_administered(actor) == frozenset():
        access.require(actor, Action.SEE_PEOPLE)
    return actor


def _act(
    user_id: int,
    act: Callable[[User, User, Form], None],
    done: str,
    name: str = "button",
) -> ResponseReturnValue:
    """Do something to a person by a form of their page, and show the page again."""
    actor = current()
    user = queries.person(actor, user_id, today=today())
    form = _forms(actor)[name]
    if form.validate_on_submit():
        try:
            act(actor, user, form)
        except Invalid as wrong:
            form.show(wrong)
        else:
            flash(done, "success")
            try:
                queries.person(actor, user_id, today=today())
            except NotFound:
                return redirect(url_for("accounts.people"), 303)
            return redirect(url_for("accounts.person", user_id=user_id), 303)
    return _person_page(actor, user, **{name: form}), 422


def _forms(actor: User) -> dict[str, Form]:
    """The forms of a person's page, with the choices that the actor's rights allow."""
    roles, affiliation = RoleForm(prefix="role-"), AffiliationForm(prefix="affiliation-")
    for_site = access.may(actor, Action.ADMINISTER_SITE)
    site_roles = {RoleName.SITE_ADMINISTRATOR, RoleName.SPONSOR_OFFICER}
    roles.role.choices = _to_be_chosen(
        [
            SelectChoice(role.value, pages.localized(ROLE_NAMES[role]))
            for role in RoleName
            if for_site or role not in site_roles
        ]
    )
    institutions = _institution_choices(actor)
    roles.of.choices = [
        SelectChoice("", _("The whole site") if for_site else _("Choose …")),
        *(
            SelectChoice(f"facility:{place.slug}", pages.localized(place), optgroup=_("Facilities"))
            for place in places.places(actor)
        ),
        *(
            SelectChoice(f"institution:{one.value}", one.label, optgroup=_("Institutions"))
            for one in institutions
        ),
    ]
    affiliation.institution.choices = _to_be_chosen(institutions)
    return {
        "role": roles,
        "affiliation": affiliation,
        "end": EndForm(),
        "suspension": SuspensionForm(prefix="suspension-"),
        "button": ButtonForm(),
    }


def _institution_choices(actor: User) -> Choices:
    return [
        SelectChoice(found.slug, pages.localized(found)) for found in places.institutions(actor)
    ]


def _to_be_chosen(choices: Choices) -> Choices:
    """The choices with none of them taken beforehand, unless there is only one."""
    return choices if len(choices) == 1 else [SelectChoice("", _("Choose …")), *choices]


def _person_page(actor: User, user: User, **faulty: Form) -> str:
    """The page of a person, with what was typed into a faulty form."""
    scopes = queries.scopes_of(user, today=today())
    forms = {**_forms(actor), **faulty}
    own, found = access.institutions_administered(actor), queries.suspensions_of(user.id)
    return render_template(
        "accounts/person.html",
        person=user,
        forms=forms,
        # What the person is and does elsewhere is not this administrator's to know.
        affiliations=[
            affiliation
            for affiliation in queries.affiliations_of(user)
            if own is None or affiliation.institution_id in own
        ],
        roles=[
            held
            for held in queries.roles_of(user)
            if own is None or held.institution_id is None or held.institution_id in own
        ],
        suspensions=found,
        suspended_at=places.places_by_id([each.facility_id for each in found if each.facility_id]),
        may_manage=any(access.may(actor, Action.MANAGE_PEOPLE, scope) for scope in scopes),
        itself=actor.id == user.id,
        role_names=ROLE_NAMES,
        today=today(),
        now=clock.now(),
    )
