"""Who is suspended from a facility by its rule on no-shows; its managers may lift that."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app import clock
from app.accounts import access, places, suspensions
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.forms import LiftForm
from app.domain.errors import Invalid
from app.web.rights import open_to


@open_to(Action.LIFT_SUSPENSION)
def suspended(slug: str) -> ResponseReturnValue:
    place = places.place_by_slug(slug)
    access.require(current(), Action.LIFT_SUSPENSION, place.scope)
    return _page(place, LiftForm(formdata=None))


@open_to(Action.LIFT_SUSPENSION)
def lift(slug: str, suspension_id: int) -> ResponseReturnValue:
    place, form = places.place_by_slug(slug), LiftForm()
    if not form.validate():
        access.require(current(), Action.LIFT_SUSPENSION, place.scope)
        return _page(place, form), 422
    try:
        user = suspensions.lift_at_facility(
            current(), place, suspension_id, reason=form.reason.data, now=clock.now()
        )
    except Invalid as wrong:
        form.show(wrong)
        return _page(place, form), 422
    flash(_("%(name)s may reserve again, and is told by mail.", name=user.name), "success")
    return redirect(url_for(".suspended", slug=slug), 303)


def _page(place: places.Place, form: LiftForm) -> str:
    return render_template(
        "accounts/suspended.html",
        place=place,
        form=form,
        suspensions=suspensions.at_facility(place, now=clock.now()),
    )


ROUTES: tuple[tuple[str, str, Callable[..., ResponseReturnValue]], ...] = (
    ("GET", "/facilities/<slug>/suspensions", suspended),
    ("POST", "/facilities/<slug>/suspensions/<int(max=2147483647):suspension_id>/lift", lift),
)
