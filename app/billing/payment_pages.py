"""The page of what is still to be paid, by its age."""

from flask import render_template

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.current import current
from app.accounts.places import institution_by_slug
from app.accounts.today import today
from app.billing import payments, queries
from app.web.rights import open_to


@open_to(Action.SEE_STATEMENTS)
def ageing(slug: str) -> str:
    """What is owed to an institution, by age, and what it owes."""
    user, institution = current(), institution_by_slug(slug)
    scope = Scope(institution_id=institution.id)
    access.require(user, Action.SEE_STATEMENTS, scope)
    day = today()
    owed = payments.open_of(institution, as_supplier=True, today=day)
    return render_template(
        "billing/ageing.html",
        institution=institution,
        owed=owed,
        aged=payments.by_age(owed, day),
        owing=payments.open_of(institution, as_supplier=False, today=day),
        names=queries.institution_names(),
        lends=any(each.id == institution.id for each in queries.lenders()),
        may_mark=access.may(user, Action.MARK_OVERDUE, scope),
    )


ROUTES = (("GET", "/institutions/<slug>/billing/ageing", ageing),)
