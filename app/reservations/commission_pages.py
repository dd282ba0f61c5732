"""Pages of commissions: the order, the manager's queue, and what becomes of one."""

from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.models import User
from app.accounts.today import today
from app.catalog.models import Instrument
from app.catalog.policy import policy_of, zone_of
from app.catalog.queries import instrument_by_slug
from app.domain.approval import Status
from app.domain.booking import Mode
from app.domain.commission import CommissionState, CommissionStep, days_waiting, steps_from
from app.domain.errors import (
    BookingRefused,
    FreeSlot,
    Invalid,
    NotFound,
    Stale,
    Taken,
    Text,
    WrongState,
)
from app.domain.local_time import day_of
from app.files.forms import name_drafts, take_drafts
from app.projects.queries import groups_of
from app.reservations import (
    answer_files,
    commission_queries,
    commissions,
    deputies,
    history,
    linked,
    placing,
    queries,
    timeline,
)
from app.reservations.answer_fields import MOST_FILES, answers_in_words
from app.reservations.commission_forms import OrderForm, PlaceForm
from app.reservations.commission_models import Commission
from app.reservations.default_shares import (
    accounts_to_charge,
    fill_in_at_hand,
    fill_in_project,
    shares_of_projects,
)
from app.reservations.forms import ReasonForm, shown_text
from app.reservations.free_times import with_instruments
from app.web import uploads
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

_SOON = timedelta(days=3)


def takes_commissions(instrument: Instrument) -> bool:
    return Mode.COMMISSIONED in policy_of(instrument).modes


@open_to(Action.RESERVE)
@uploads.takes_files(MOST_FILES)
def order_commission(slug: str) -> AnyResponse | str | tuple[str, int]:
    """Ask for an analysis without a time."""
    user, instrument = current(), instrument_by_slug(slug)
    if not takes_commissions(instrument):
        raise NotFound(
            Text(
                "이 장비는 분석의뢰를 받지 않습니다. 직접 예약해 주세요.",
                "This instrument takes no commissions. Reserve it yourself.",
            )
        )
    accounts = accounts_to_charge(policy_of(instrument), user)
    form = OrderForm.of(
        instrument, _needed(instrument), groups_of(user.id, today=today()), accounts
    )
    if request.method == "GET":
        fill_in_at_hand(form, user, policy_of(instrument))
        return _order_page(form, user)
    take_drafts(form, user, uploads.folder(), now=clock.now())
    if uid := request.form.get("project"):
        fill_in_project(form, user, uid)
        return _order_page(form, user)
    if not form.validate():
        return _order_page(form, user), KINDS["invalid"].status
    try:
        made = commissions.ask(user, form.to_order(), now=clock.now())
    except BookingRefused as refused:
        form.show(refused.refusals)
        return _order_page(form, user), KINDS["refused"].status
    except Invalid as wrong:
        form.refuse(wrong)
        return _order_page(form, user), KINDS["invalid"].status
    flash(gettext("Your order has reached the facility. You are told by mail."), "success")
    return redirect(url_for(".commission", uid=made.uid), 303)


@open_to(Action.RESERVE)
def commission_estimate(slug: str) -> str:
    """What the order as typed so far would cost, as far as that is known without a time."""
    user, instrument = current(), instrument_by_slug(slug)
    form = OrderForm.of(instrument, (), (), ())
    form.validate()
    quote, unpriced = None, None
    if form.samples.data and not form.samples.errors:
        try:
            holder = deputies.holder_of(user, form.holder.data or "", instrument)
        except Invalid:
            return ""
        order = commissions.Order(
            instrument=slug, purpose="", samples=form.samples.data, duration=form.length
        )
        quote, unpriced = commissions.estimate(instrument, holder, order, now=clock.now())
    return render_template("reservations/_estimate.html", quote=quote, unpriced=unpriced)


def _needed(instrument: Instrument) -> list[Instrument]:
    return [each.instrument for each in linked.along(instrument)]


def _order_page(form: OrderForm, user: User, found: Commission | None = None) -> str:
    instrument = form.instrument
    name_drafts(form, user, answer_files.of(found) if found else ())
    return render_template(
        "reservations/commission_order.html",
        form=form,
        found=found,
        projects=shares_of_projects(form, user),
        instrument=instrument,
        facility=instrument.facility,
        policy=policy_of(instrument),
        zone=zone_of(instrument),
        persons=deputies.those_of(user),
        first_day=day_of(clock.now(), zone_of(instrument)).isoformat(),
    )


@open_to(Action.HANDLE_COMMISSION)
def commission_queue() -> str:
    """What waits for the reader to find a time for it."""
    user, now = current(), clock.now()
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    slug = shown_text(request.args.get("instrument"))[:96]
    return render_template(
        "reservations/commissions.html",
        waiting=commission_queries.queue(user, instrument=slug, number=number),
        instruments=commission_queries.instruments_waited_for(user),
        chosen=slug,
        waited=lambda each: days_waiting(each.asked_at, now, zone_of(each.instrument)),
        near=lambda each: _near(each, day_of(now, zone_of(each.instrument))),
    )


def _near(found: Commission, day: Any) -> str:
    """Whether the day that is wished for has passed, or is close."""
    if found.wished_by is None or found.wished_by > day + _SOON:
        return ""
    return "late" if found.wished_by < day else "soon"


@open_to(Action.SEE_COMMISSION)
def commission(uid: str) -> str:
    """All about one."""
    return _page(commission_queries.by_uid(uid, viewer=current()))


def _page(found: Commission, form: PlaceForm | None = None, free: Any = None) -> str:
    user, now, instrument = current(), clock.now(), found.instrument
    scope = commission_queries.scope_of_commission(found)
    waits = found.state is CommissionState.WAITING
    handles = access.may(user, Action.HANDLE_COMMISSION, scope)
    places = handles and waits
    if places and form is None:
        free = placing.free_next(found, placing.length_for(found), now=now)
        form = PlaceForm.of(found, placing.who_could_attend(found))
        if free:
            form.fill_in(free[0])
        free = [FreeSlot(instrument.slug, each) for each in free]
    quote, unpriced = None, None
    if waits:
        holder = queries.person(found.holder_id)
        order = commissions.order_of(found)
        quote, unpriced = commissions.estimate(instrument, holder, order, now=now)
    return render_template(
        "reservations/commission.html",
        found=found,
        instrument=instrument,
        facility=instrument.facility,
        zone=zone_of(instrument),
        handles=handles,
        form=form if places else None,
        free=with_instruments(free or ()),
        calendar=timeline.calendar_of(instrument, now=now) if places else None,
        may_override=places,
        mine=found.holder_id == user.id,
        may_change=waits and access.may(user, Action.CHANGE_COMMISSION, scope),
        may_return=handles and _may_return(found),
        quote=quote,
        unpriced=unpriced,
        given=answers_in_words(found),
        happenings=history.of_commission(found),
    )


def _may_return(found: Commission) -> bool:
    """Placed, and not done: used, or in use."""
    if CommissionStep.RETURN not in steps_from(found.state) or found.reservation is None:
        return False
    return found.reservation.status not in {Status.IN_USE, Status.COMPLETED}


@open_to(Action.HANDLE_COMMISSION)
def place_commission(uid: str) -> AnyResponse | tuple[str, int]:
    """Reserve a time for it."""
    user, now = current(), clock.now()
    found = commission_queries.by_uid(uid, viewer=user)
    access.require(user, Action.HANDLE_COMMISSION, commission_queries.scope_of_commission(found))
    form = PlaceForm.of(found, placing.who_could_attend(found))
    if "take" in request.form:
        form.take(request.form["take"])
        return _page(found, form), 200
    if not form.validate():
        return _page(found, form), KINDS["invalid"].status
    free: Any = ()
    try:
        placing.place(user, uid, form.to_placement(), now=now, version=form.seen)
    except BookingRefused as refused:
        form.show(refused.refusals)
        free = refused.alternatives if isinstance(refused, Taken) else ()
        free = [each for each in free if each.instrument == found.instrument.slug]
        status = "taken" if isinstance(refused, Taken) else "refused"
    except Invalid as wrong:
        form.refuse(wrong)
        status = "invalid"
    except (Stale, WrongState) as wrong:
        flash(localized(wrong.text), "error")
        return redirect(url_for(".commission", uid=uid), 303)
    else:
        name = found.holder.name
        flash(gettext("It has a time; %(name)s is told by mail.", name=name), "success")
        return redirect(url_for(".commission", uid=uid), 303)
    # The use case was rolled back; what the page shows is read anew.
    return _page(commission_queries.by_uid(uid, viewer=user), form, free), KINDS[status].status


@open_to(Action.CHANGE_COMMISSION)
@uploads.takes_files(MOST_FILES)
def change_commission(uid: str) -> AnyResponse | str | tuple[str, int]:
    """Ask for something else while it waits."""
    user = current()
    found = commission_queries.by_uid(uid, viewer=user)
    access.require(user, Action.CHANGE_COMMISSION, commission_queries.scope_of_commission(found))
    if CommissionStep.CHANGE not in steps_from(found.state):
        return redirect(url_for(".commission", uid=uid), 303)
    own = found.holder_id == user.id
    accounts = accounts_to_charge(policy_of(found.instrument), user) if own else None
    form = OrderForm.of_commission(found, _needed(found.instrument), accounts)
    if request.method == "GET":
        return _order_page(form, user, found)
    take_drafts(form, user, uploads.folder(), now=clock.now())
    if project := request.form.get("project"):
        fill_in_project(form, user, project)
        return _order_page(form, user, found)
    status = "invalid"
    if form.validate():
        try:
            order = commissions.order_of(found, form.said())
            commissions.change(user, uid, order, now=clock.now(), version=form.seen)
            flash(gettext("The order has been changed."), "success")
            return redirect(url_for(".commission", uid=uid), 303)
        except BookingRefused as refused:
            form.show(refused.refusals)
            status = "refused"
        except Invalid as wrong:
            form.refuse(wrong)
        except (Stale, WrongState) as wrong:
            flash(localized(wrong.text), "error")
            return redirect(url_for(".commission", uid=uid), 303)
        found = commission_queries.by_uid(uid, viewer=user)
    return _order_page(form, user, found), KINDS[status].status


@open_to(Action.CHANGE_COMMISSION)
def withdraw_commission(uid: str) -> AnyResponse:
    """Ask for it no longer."""
    try:
        commissions.withdraw(current(), uid, now=clock.now())
        flash(gettext("The order has been withdrawn."), "success")
    except WrongState as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".commission", uid=uid), 303)


@open_to(Action.HANDLE_COMMISSION)
def decline_commission(uid: str) -> AnyResponse:
    """Say no, with a reason."""
    form = ReasonForm()
    try:
        commissions.decline(current(), uid, form.check(), now=clock.now())
        flash(gettext("The order has been declined; who asked for it reads why."), "success")
    except (Invalid, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".commission", uid=uid), 303)


@open_to(Action.HANDLE_COMMISSION)
def return_commission(uid: str) -> AnyResponse:
    """Give its time up and let it wait again."""
    form = ReasonForm()
    try:
        placing.return_to_queue(current(), uid, form.check(), now=clock.now())
        flash(gettext("Its time is free again, and the order waits for another one."), "success")
    except (Invalid, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".commission", uid=uid), 303)


_ONE = "/commissions/<uid>"
ROUTES = (
    ("/instruments/<slug>/commission", order_commission, ("GET", "POST")),
    ("/instruments/<slug>/commission/estimate", commission_estimate, ("POST",)),
    ("/commissions", commission_queue, ("GET",)),
    (_ONE, commission, ("GET",)),
    (f"{_ONE}/change", change_commission, ("GET", "POST")),
    (f"{_ONE}/withdraw", withdraw_commission, ("POST",)),
    (f"{_ONE}/place", place_commission, ("POST",)),
    (f"{_ONE}/decline", decline_commission, ("POST",)),
    (f"{_ONE}/return", return_commission, ("POST",)),
)
