"""The manager's desk: what waits for a decision, and when a facility is closed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.health import open_faults_of
from app.catalog.models import Facility
from app.catalog.policy import zone_of
from app.domain.approval import APPROVER_NAMES
from app.domain.errors import Invalid, NotAllowed, Stale, Text, WrongState
from app.domain.local_time import day_interval, day_of
from app.domain.quota_rules import scope_in_words
from app.reservations import (
    approvers,
    at_a_glance,
    commission_queries,
    deciding,
    hit_fields,
    linked,
    queries,
    questions,
    since_approval,
    waiting,
    waitlist,
)
from app.reservations import closures as closing
from app.reservations.answer_fields import all_answers_in_words, files_of
from app.reservations.closures import facility_by_slug
from app.reservations.forms import ClosureForm, ReasonForm, seen_version, shown_text
from app.reservations.giving_way import CannotGiveWay, StillReserved
from app.reservations.hit_fields import HitLine
from app.reservations.models import Reservation
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

#: What a person may get wrong in deciding: said on the page that they came from.
WRONG = (Invalid, WrongState, Stale)

#: What starts within so many days is marked.
_SOON_DAYS = 3


@open_to(SIGNED_IN)
def approvals() -> str:
    """What waits for the reader's decision, oldest first."""
    user = current()
    if not waiting.decides_anything(user):
        raise NotAllowed(
            Text(
                "결정할 예약이 없습니다. 예약을 승인하는 사람에게만 보이는 화면입니다.",
                "Nothing is yours to decide. This page is for those who approve reservations.",
            )
        )
    facility = shown_text(request.args.get("facility"))
    number = request.args.get("page", 1, type=int)
    found = waiting.waiting(user, facility=facility, number=number)
    beside = linked.companions_of(found.reservations)
    files = files_of(chain(found.reservations, *beside.values()))
    return render_template(
        "reservations/approvals.html",
        waiting=found,
        changed=since_approval.differences(found.reservations),
        glances=at_a_glance.glances(found.reservations, now=clock.now()),
        scope_of_quota=scope_in_words,
        sees=partial(queries.may_see, user),
        desks=waiting.desks(user),
        queues=waitlist.queues(user),
        to_place=commission_queries.count_to_place(user),
        facility=facility,
        nearness=_nearness(clock.now()),
        form=ReasonForm(formdata=None),
        given=partial(all_answers_in_words, beside=beside, known=files),
        stages_of=approvers.present,
        may_ask=partial(questions.may_be_asked, now=clock.now()),
        approver_names=APPROVER_NAMES,
    )


@open_to(Action.DECIDE_RESERVATION)
def approve(uid: str) -> AnyResponse:
    """Agree to a pending reservation."""
    try:
        done = deciding.approve_reservation(current(), uid, now=clock.now(), version=_seen())
        flash(gettext("Approved. %(name)s is told by mail.", name=done.holder.name), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(back_to(uid), 303)


@open_to(Action.DECIDE_RESERVATION)
def reject(uid: str) -> AnyResponse:
    """Turn a pending reservation down, with a reason."""
    try:
        done = deciding.reject_reservation(
            current(), uid, reason=ReasonForm().check(), now=clock.now(), version=_seen()
        )
        flash(gettext("Rejected. %(name)s is told by mail.", name=done.holder.name), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(back_to(uid), 303)


@open_to(Action.CLOSE_TIME)
def closures(slug: str) -> str | AnyResponse | tuple[str, int]:
    """What closes a facility or one of its instruments; more may be added."""
    user = current()
    facility = facility_by_slug(slug, user=user)
    form = ClosureForm(ZoneInfo(facility.timezone))
    form.offer(closing.instruments_of(facility))
    if request.method == "GET":
        return _closures_page(facility, form)
    if not form.validate():
        return _closures_page(facility, form), KINDS["invalid"].status
    try:
        closing.close_time(
            user,
            facility,
            form.to_closure(),
            now=clock.now(),
            answers=hit_fields.answers_of(request.form, form.zone),
            reason=form.message.data or "",
        )
    except StillReserved as reserved:
        form.form_errors.append(localized(reserved.text))
        lines = _hit(form, reserved.hit)
        return _closures_page(facility, form, lines), KINDS["wrong-state"].status
    except CannotGiveWay as refused:
        form.form_errors.append(gettext("A reservation cannot be moved there; see below."))
        lines = _hit(form, refused.hit, refused)
        return _closures_page(facility, form, lines), KINDS["refused"].status
    except WrongState as wrong:
        form.form_errors.append(localized(wrong.text))
        return _closures_page(facility, form), KINDS["wrong-state"].status
    except Invalid as wrong:
        form.refuse(wrong)
        return _closures_page(facility, form), KINDS["invalid"].status
    flash(gettext("Closed. Nobody can reserve that time any more."), "success")
    return redirect(url_for(".closures", slug=slug), 303)


def _hit(
    form: ClosureForm, hit: Sequence[Reservation], refused: CannotGiveWay | None = None
) -> list[HitLine]:
    return hit_fields.lines(
        hit,
        request.form,
        form.zone,
        closed=form.to_closure().times(form.zone),
        now=clock.now(),
        refused=refused,
    )


@open_to(Action.CLOSE_TIME)
def end_repetition(slug: str, rule_id: int) -> AnyResponse:
    """Open all that a rule would still close."""
    user = current()
    try:
        count = closing.end_repetition(
            user, facility_by_slug(slug, user=user), rule_id, now=clock.now()
        )
        flash(gettext("Ended: %(count)s times are open again.", count=count), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".closures", slug=slug), 303)


@open_to(Action.CLOSE_TIME)
def lift(slug: str, blackout_id: int) -> AnyResponse:
    """Open a closed time again."""
    user = current()
    try:
        closing.reopen(user, facility_by_slug(slug, user=user), blackout_id, now=clock.now())
        flash(gettext("Open again: that time can be reserved."), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".closures", slug=slug), 303)


ROUTES = (
    ("/approvals", approvals, ("GET",)),
    ("/reservations/<uid>/approve", approve, ("POST",)),
    ("/reservations/<uid>/reject", reject, ("POST",)),
    ("/facilities/<slug>/closures", closures, ("GET", "POST")),
    ("/facilities/<slug>/closures/<int(max=2147483647):blackout_id>/lift", lift, ("POST",)),
    (
        "/facilities/<slug>/closures/rules/<int(max=2147483647):rule_id>/end",
        end_repetition,
        ("POST",),
    ),
)


def _closures_page(facility: Facility, form: ClosureForm, hit: Sequence[HitLine] = ()) -> str:
    now = clock.now()
    zone = ZoneInfo(facility.timezone)
    return render_template(
        "reservations/closures.html",
        facility=facility,
        form=form,
        zone=zone,
        blackouts=closing.closures_of(facility, now=now),
        instruments={each.id: each for each in closing.instruments_of(facility)},
        hit=hit,
        now=now,
        today=day_interval(day_of(now, zone), zone),
        faults=open_faults_of(facility),
    )


def _nearness(now: datetime) -> Callable[[Reservation], str]:
    """How soon a reservation starts, in a word; none if there is time."""

    def nearness(reservation: Reservation) -> str:
        if reservation.interval.start <= now:
            return "begun"
        zone = zone_of(reservation.instrument)
        days = (day_of(reservation.interval.start, zone) - day_of(now, zone)).days
        return {0: "today", 1: "tomorrow"}.get(days, "soon" if days <= _SOON_DAYS else "")

    return nearness


def _seen() -> int | None:
    """The version that the manager had before them: nobody approves what was moved meanwhile."""
    return seen_version(request.form.get("version", ""))


def back_to(uid: str) -> str:
    """Where a decision was made: on the list of what waits, or on the reservation's page."""
    if request.form.get("back") == "approvals":
        asked = request.form.get
        return url_for(".approvals", facility=asked("facility") or None, page=asked("page") or None)
    return url_for(".show", uid=uid)
