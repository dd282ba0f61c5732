"""The desk of operators: what they attend, when they are away, and what others attend instead."""

from datetime import date
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import absences
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.today import today
from app.catalog.models import Facility
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.local_time import day_of
from app.reservations import attendance, duties
from app.reservations.operator_forms import AwayForm
from app.reservations.operator_models import Operator
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to


@open_to(SIGNED_IN)
def operating() -> str | AnyResponse | tuple[str, int]:
    """What one attends from now on; one may enter when one is away."""
    user, form, status = current(), AwayForm(), 200
    if request.method == "POST":
        status = KINDS["invalid"].status
        posts = duties.posts_of(user)
        if not posts:
            raise NotFound(
                Text("전담운영인력으로 등록되어 있지 않습니다.", "You are no operator anywhere.")
            )
        if form.validate() and enter(form, posts[0]):
            return redirect(url_for(".operating"), 303)
    page = render_template(
        "reservations/operating.html",
        attended=attendance.coming(user, now=clock.now()),
        posts=duties.posts_of(user),
        absences=absences.of_user(user, today=today()),
        form=form,
    )
    return page, status


def enter(form: AwayForm, operator: Operator) -> bool:
    """Whether the absence was entered; else the form says why not."""
    try:
        hit = attendance.enter_absence(
            current(),
            operator,
            form.first_day.data,
            form.last_day.data,
            now=clock.now(),
            today=day_at(operator.facility),
        )
    except Invalid as wrong:
        form.show(wrong)
        return False
    if hit:
        said = ngettext(
            "The absence is entered. %(num)s reservation cannot be attended then: see below.",
            "The absence is entered. %(num)s reservations cannot be attended then: see below.",
            len(hit),
        )
        flash(said, "warning")
    else:
        flash(gettext("The absence is entered; nothing is to be attended then."), "success")
    return True


def day_at(facility: Facility) -> date:
    return day_of(clock.now(), ZoneInfo(facility.timezone))


@open_to(Action.HAND_OVER)
def hand_over() -> AnyResponse:
    """Let others attend all that was chosen; each by itself, so that one keeps none back."""
    back = redirect(_back(), 303)
    chosen = [each for each in request.form.getlist("uid")[:200] if len(each) == 32]
    if not chosen:
        flash(gettext("Choose at least one reservation."), "error")
    for uid in dict.fromkeys(chosen):
        try:
            done, found = attendance.hand_over(current(), uid, now=clock.now())
        except (NotFound, WrongState) as wrong:
            flash(localized(wrong.text), "error")
            continue
        name = localized(done.instrument)
        if found and done.operator:
            said = gettext("%(what)s: %(name)s attends it now.", what=name, name=done.operator.name)
            flash(said, "success")
        else:
            text = gettext("%(what)s: nobody else is free; the managers were told.", what=name)
            flash(text, "warning")
    return back


def _back() -> str:
    """The desk of a facility, if its slug was sent along; else one's own."""
    slug = request.form.get("facility", "")
    return url_for(".operators_of", slug=slug) if slug else url_for(".operating")


ROUTES = (
    ("/operating", operating, ("GET", "POST")),
    ("/operating/hand-over", hand_over, ("POST",)),
)
