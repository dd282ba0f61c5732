"""Pages of reserving: the form beside the calendar, my reservations, one reservation."""

from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current, current_or_none
from app.accounts.models import User
from app.accounts.today import today
from app.catalog.policy import policy_of, zone_of
from app.domain.approval import APPROVER_NAMES, Status, Step, steps_from
from app.domain.booking import CODES, Mode
from app.domain.errors import (
    BookingRefused,
    Invalid,
    Stale,
    Taken,
    Text,
    WrongState,
)
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.operator_rules import asks_operator
from app.domain.paying import AccountsAsked
from app.domain.quote import Quote
from app.domain.recurrence import Recurrence
from app.files.forms import name_drafts, take_drafts
from app.projects import charging
from app.rates.frozen import cancelling_costs
from app.reservations import (
    answer_file_pages,
    answer_files,
    approvers,
    asking,
    attendance,
    bench,
    commission_pages,
    commission_queries,
    deciding,
    desk,
    fault_pages,
    find,
    free_times,
    hand_over_pages,
    hand_over_queries,
    health,
    linked,
    logbook,
    many,
    no_show_pages,
    operating_pages,
    operator_pages,
    operators,
    participant_pages,
    participants,
    proposals,
    queries,
    question_pages,
    questions,
    series,
    services,
    since_approval,
    timeline,
    waiting,
    waitlist,
    waitlist_pages,
)
from app.reservations.answer_fields import MOST_FILES, all_answers_in_words, files_of
from app.reservations.commission_models import Commission
from app.reservations.forms import CancelForm, ChangeForm, parsed_instant, seen_version
from app.reservations.free_times import with_instruments
from app.reservations.history import happenings
from app.reservations.models import Reservation
from app.reservations.series import Which
from app.reservations.services import Change
from app.web import pages, uploads
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import SIGNED_IN, open_to

bp = Blueprint("reservations", __name__, template_folder="templates")

#: What a person may get wrong about a reservation that stands: said on its page, nothing lost.
WRONG = (Invalid, WrongState, Stale)

_PAST_ON_A_PAGE = 30
_TO_COME = 200
#: For so long my list tells what became of an analysis that I asked for.
_NEWS = timedelta(days=14)


@bp.record_once
def _tell_the_catalogue(state: BlueprintSetupState) -> None:
    """The catalogue stands below and asks by name which instruments are free today."""
    state.app.extensions["dure-free-today"] = free_times.free_today


bp.add_app_template_filter(waitlist_pages.hours_waited_for, "wait_hours")


@bp.get("/reservations")
@open_to(SIGNED_IN)
def mine() -> str:
    """My reservations day by day: those to come, or those past, page by page."""
    user, now = current(), clock.now()
    before = parsed_instant(request.args.get("before"))
    past = before is not None or request.args.get("show") == "past"
    limit = _PAST_ON_A_PAGE if past else _TO_COME
    found = queries.of_holder(user, now=now, past=past, limit=limit + 1, before=before)
    shown = found[:limit]
    return render_template(
        "reservations/mine.html",
        days=[
            (rows[0].interval.start, zone_of(rows[0].instrument), rows)
            for rows in (list(rows) for _, rows in groupby(shown, key=_local_day))
        ],
        offers=[] if past else waitlist.offers_to(user, now=now),
        to_take=[] if past else hand_over_queries.all_to(user, now=now),
        waits=[] if past else [(each, waitlist.before(each)) for each in waitlist.waits_of(user)],
        commissions=[] if past else commission_queries.shown_to(user, since=now - _NEWS),
        operates=attendance.is_operator(user),
        of_others=[] if past else queries.with_others(user, now=now),
        past=past,
        older=shown[-1].starts_at if past and len(found) > limit else None,
        before=before,
        now=now,
    )


def _local_day(reservation: Reservation) -> date:
    """The day on which it begins, where the instrument is."""
    return day_of(reservation.interval.start, zone_of(reservation.instrument))


@bp.get("/reservations/<uid>")
@open_to(Action.SEE_RESERVATION)
def show(uid: str) -> str:
    """All about one reservation."""
    reservation = queries.by_uid(uid, viewer=current())
    return _page_of(reservation, _form_of(reservation, current()))


@bp.post("/reservations/<uid>/change")
@open_to(Action.CHANGE_RESERVATION)
@uploads.takes_files(MOST_FILES)
def change(uid: str) -> AnyResponse | tuple[str, int]:
    """Move a reservation, or say something else of it."""
    user = current()
    reservation = queries.by_uid(uid, viewer=user)
    form = _form_of(reservation, user)
    take_drafts(form, user, uploads.folder(), now=clock.now())
    if "take" in request.form:
        form.take(request.form["take"])
        return _page_of(reservation, form), 200
    if not form.validate():
        return _page_of(reservation, form), KINDS["invalid"].status
    try:
        wanted, now = form.to_change(), clock.now()
        if form.which is Which.THIS:
            services.change_reservation(user, uid, wanted, now=now, version=form.seen)
        else:
            series.change_series(user, uid, form.which, wanted, now=now, version=form.seen)
    except BookingRefused as refused:
        form.show(refused.refusals)
        found = refused.alternatives if isinstance(refused, Taken) else ()
        here = [each for each in found if each.instrument == reservation.instrument.slug]
        status = KINDS["taken" if isinstance(refused, Taken) else "refused"].status
        # The use case was rolled back; what the page shows is read anew.
        return _page_of(queries.by_uid(uid, viewer=user), form, here), status
    except WRONG as wrong:
        form.form_errors.append(localized(wrong.text))
        form.version.raw_data = None
        form.version.data = reservation.version
        kind = {Stale: "stale", WrongState: "wrong-state"}.get(type(wrong), "invalid")
        return _page_of(queries.by_uid(uid, viewer=user), form), KINDS[kind].status
    if form.which is Which.THIS:
        flash(gettext("The reservation has been changed."), "success")
    else:
        flash(gettext("The reservations of the series have been changed."), "success")
    # The form's own anchor would otherwise stay, and the message be out of sight above it.
    return redirect(url_for(".show", uid=uid, _anchor="flashes"), 303)


@bp.post("/reservations/<uid>/cancel")
@open_to(Action.CANCEL_RESERVATION)
def cancel(uid: str) -> AnyResponse:
    """Give the time back."""
    form = CancelForm()
    try:
        reason = form.check()
        if form.which is Which.THIS:
            services.cancel_reservation(current(), uid, reason=reason, now=clock.now())
            flash(gettext("The reservation has been cancelled; the time is free again."), "success")
        else:
            series.cancel_series(current(), uid, form.which, reason=reason, now=clock.now())
            flash(gettext("The reservations have been cancelled; the time is free."), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


@bp.patch("/reservations/<uid>/move")
@open_to(Action.CHANGE_RESERVATION)
def move(uid: str) -> Response:
    """Put a reservation elsewhere in its calendar, as dragged; JSON, guarded by If-Match."""
    asked = request.get_json(silent=True)
    asked = asked if isinstance(asked, dict) else {}
    start, end = parsed_instant(asked.get("starts_at")), parsed_instant(asked.get("ends_at"))
    version = seen_version(request.headers.get("If-Match", "").strip('W/"'))
    if start is None or end is None or start >= end or version is None:
        raise Invalid(
            Text("시간이나 버전이 잘못되었습니다.", "The times or the version make no sense.")
        )
    moved = services.change_reservation(
        current(), uid, Change(Interval(start, end)), now=clock.now(), version=version
    )
    answer = jsonify(
        uid=moved.uid,
        starts_at=timeline.instant(moved.interval.start, zone_of(moved.instrument)),
        ends_at=timeline.instant(moved.interval.end, zone_of(moved.instrument)),
        status=moved.status.value,
        version=moved.version,
    )
    answer.headers["ETag"] = f'"{moved.version}"'
    return answer


def _form_of(reservation: Reservation, user: User) -> ChangeForm:
    """Who pays is said by the holder alone: nobody else learns what accounts they may charge."""
    asked = policy_of(reservation.instrument).account is not AccountsAsked.OFF
    if reservation.holder_id != user.id or not (asked or reservation.shares):
        return ChangeForm.of(reservation)
    return ChangeForm.of(reservation, charging.chargeable(user.id, today=today()))


def _page_of(reservation: Reservation, form: ChangeForm, found: Any = ()) -> str:
    user, now = current(), clock.now()
    alone = reservation.is_companion  # Nobody acts on it apart from its main reservation.
    steps = set() if alone else steps_from(reservation.status)
    scope = queries.scope_of_reservation(reservation)
    manages = access.may(user, Action.DECIDE_RESERVATION, scope)
    begun = reservation.interval.start <= now
    policy = policy_of(reservation.instrument)
    decides = deciding.may_decide(user, reservation)
    name_drafts(form, user, answer_files.of(reservation) if form.answers else ())
    beside = linked.companions_of([reservation])
    return render_template(
        "reservations/show.html",
        quote=Quote.from_json(reservation.quote) if reservation.quote else None,
        reservation=reservation,
        instrument=reservation.instrument,
        facility=reservation.instrument.facility,
        zone=zone_of(reservation.instrument),
        form=form,
        policy=policy,
        projects=(),
        reason_form=CancelForm(formdata=None),
        found=with_instruments(found),
        mine=reservation.holder_id == user.id,
        me=user,
        # What was said to the facility, and what was done when, is not for those who take part.
        whole=queries.sees_whole(user, reservation),
        taking_part=participants.of(reservation),
        may_add=participants.may_add(user, reservation),
        may_change=Step.CHANGE in steps
        and not begun
        and access.may(user, Action.CHANGE_RESERVATION, scope),
        handing_over=hand_over_queries.open_of(reservation, now=now) if not begun else None,
        may_cancel=Step.CANCEL in steps
        and (not begun or manages)
        and access.may(user, Action.CANCEL_RESERVATION, scope),
        may_override=access.may(user, Action.OVERRIDE_RULES, scope),
        given=all_answers_in_words(
            reservation, beside, files_of([reservation, *beside[reservation.uid]])
        ),
        codes=CODES,
        may_decide=decides,
        may_ask=decides and questions.may_be_asked(reservation, now),
        proposed_fee=proposals.fee_of(reservation, now),
        changed=since_approval.differences([reservation] if decides else []).get(reservation.id),
        stages=approvers.present(reservation),
        approver_names=APPROVER_NAMES,
        free_until=reservation.interval.start - policy.free_cancel,
        cancel_cost=_cancel_cost(reservation, now)
        if user.id == reservation.holder_id or not manages
        else 0,
        late=not policy.free_to_cancel(reservation.interval, now=now),
        happenings=happenings(reservation, manages=manages),
        now=now,
        companions=linked.companions(reservation),
        main=linked.main_of(reservation) if alone else None,
        order=_order_of(reservation),
        week=timedelta(days=7),
        could_attend=_could_attend(reservation, now),
        **_series_of(reservation),
        **bench.use_of(reservation, user, now=now),
    )


def _order_of(reservation: Reservation) -> Commission | None:
    """The commission that it is the time of, for who may see it."""
    if reservation.mode is not Mode.COMMISSIONED or reservation.is_companion:
        return None
    found = commission_queries.of_reservation(reservation.id)
    return found if found and commission_queries.may_see(current(), found) else None


def _cancel_cost(reservation: Reservation, now: datetime) -> int:
    """What cancelling now would cost the holder; a request that waits costs nothing."""
    if reservation.status is not Status.CONFIRMED:
        return 0
    start = reservation.reserved.start
    return cancelling_costs(reservation.charging, reservation.quote, start, now)


def _could_attend(reservation: Reservation, now: datetime) -> Any:
    """Among whom the reader may choose who attends it."""
    scope = queries.scope_of_reservation(reservation)
    over = reservation.status not in operators.OPEN or reservation.ends_at <= now
    planned = asks_operator(policy_of(reservation.instrument), reservation.mode)
    if over or not planned or reservation.is_companion:
        return ()
    if not access.may(current(), Action.KEEP_OPERATORS, scope):
        return ()
    return operators.candidates(reservation)


def _series_of(reservation: Reservation) -> dict[str, Any]:
    """What the page shows of the series that a reservation belongs to."""
    of = reservation.series
    return {
        "members": series.members_of(reservation),
        "rule": Recurrence.parse(of.rrule).in_words() if of else None,
        "skipped": [
            (
                datetime.fromisoformat(each["starts_at"]),
                [Text(**r["reason"]) for r in each["refusals"]],
            )
            for each in (of.skipped if of else ())
        ],
    }


_ROUTES = (
    *asking.ROUTES,
    *find.ROUTES,
    *timeline.ROUTES,
    *desk.ROUTES,
    *many.ROUTES,
    *bench.ROUTES,
    *no_show_pages.ROUTES,
    *operating_pages.ROUTES,
    *operator_pages.ROUTES,
    *participant_pages.ROUTES,
    *question_pages.ROUTES,
    *hand_over_pages.ROUTES,
    *logbook.ROUTES,
    *waitlist_pages.ROUTES,
    *commission_pages.ROUTES,
    *answer_file_pages.ROUTES,
    *fault_pages.ROUTES,
    *health.ROUTES,
)
for rule, view, methods in _ROUTES:
    bp.add_url_rule(rule, view_func=view, methods=methods)


def _find() -> pages.Entry:
    return pages.entry(gettext("Who is free"), "reservations.find")


def _schedule() -> pages.Entry:
    return pages.entry(gettext("Schedule"), "reservations.schedule")


def _my_reservations() -> pages.Entry | None:
    if current_or_none() is None:
        return None
    return pages.entry(gettext("My reservations"), "reservations.mine")


def _approvals() -> pages.Entry | None:
    user = current_or_none()
    if user is None or not waiting.decides_anything(user):
        return None
    count = waiting.count_awaiting(user)
    # It leads to the commissions, too: the head has no room for a line of their own.
    return pages.entry(
        gettext("Approvals"), "reservations.approvals", badge=count or None, also=("/commissions",)
    )


pages.NAVIGATION += [
    (15, _find),
    (20, _schedule),
    (30, _my_reservations),
    (40, _approvals),
]
