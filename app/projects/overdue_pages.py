"""The page on which a supplier says which institutions owe it money."""

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import DateField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from app import clock
from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.current import current
from app.accounts.forms import ButtonForm, Form, line
from app.accounts.models import Institution
from app.accounts.places import institution_by_slug
from app.accounts.today import today
from app.domain.errors import Invalid, WrongState
from app.projects import overdue, queries
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

_INVALID = KINDS["invalid"].status


class OverdueForm(Form):
    """Who owes, since when, for what."""

    payer = SelectField(_l("Institution"), [InputRequired(_l("Choose one."))])
    since = DateField(_l("Overdue since"), [InputRequired(_l("Fill this in."))])
    reason = StringField(
        _l("Reason"),
        [InputRequired(_l("Fill this in.")), Length(max=300, message=_l("This is too long."))],
        filters=[line],
        description=_l("Its people are shown this when they are refused, such as “Bill 2026-03”."),
    )


@open_to(Action.MARK_OVERDUE)
def show(slug: str) -> str | AnyResponse | tuple[str, int]:
    """Which institutions owe this one; another may be marked."""
    user, supplier = current(), institution_by_slug(slug)
    access.require(user, Action.MARK_OVERDUE, Scope(institution_id=supplier.id))
    form = OverdueForm()
    payers = {each.slug: each for each in queries.all_institutions() if each.slug != slug}
    form.payer.choices = [
        SelectChoice("", gettext("Choose …")),
        *(SelectChoice(key, localized(each)) for key, each in payers.items()),
    ]
    if request.method == "GET":
        return _page(supplier, form)
    if form.validate():
        try:
            overdue.mark(
                user,
                supplier,
                payers[form.payer.data],
                since=form.since.data,
                reason=form.reason.data,
                now=clock.now(),
                today=today(),
            )
        except Invalid as wrong:
            form.show(wrong)
        except WrongState as wrong:
            form.form_errors.append(localized(wrong.text))
        else:
            flash(gettext("Marked as overdue."), "success")
            return redirect(url_for("projects.overdue", slug=slug), 303)
    return _page(institution_by_slug(slug), form), _INVALID


def _page(supplier: Institution, form: OverdueForm) -> str:
    return render_template(
        "projects/overdue.html",
        institution=supplier,
        marks=overdue.marks_of(supplier),
        form=form,
        button=ButtonForm(formdata=None),
    )


@open_to(Action.MARK_OVERDUE)
def lift(slug: str, mark_id: int) -> AnyResponse:
    """The debt is settled."""
    overdue.lift(current(), institution_by_slug(slug), mark_id, now=clock.now())
    flash(gettext("Lifted: its people may reserve again."), "success")
    return redirect(url_for("projects.overdue", slug=slug), 303)


ROUTES = (
    ("/institutions/<slug>/overdue", "overdue", show, ("GET", "POST")),
    (
        "/institutions/<slug>/overdue/<int(max=2147483647):mark_id>/lift",
        "lift_overdue",
        lift,
        ("POST",),
    ),
)
