"""HTTP API of reservations: free and taken times, dry runs, requests, decisions."""

import re
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, request, url_for

from app import clock
from app.accounts.access import Action
from app.accounts.current import current, current_or_none
from app.catalog.queries import instrument_by_slug
from app.domain.errors import Invalid, Text
from app.reservations import (
    deciding,
    examples,
    presence,
    queries,
    schedule,
    series,
    services,
    use,
)
from app.reservations.answers import answer, out
from app.reservations.availability import Search
from app.reservations.free_schemas import (
    AvailabilityQuery,
    FreeListOut,
    cursor_at,
    free_out,
    place_of,
)
from app.reservations.idempotency import Once
from app.reservations.json_values import shares_of
from app.reservations.models import Reservation
from app.reservations.schemas import (
    BusyListOut,
    BusyQuery,
    CancelIn,
    CheckInIn,
    CheckOutIn,
    ExtendIn,
    ListQuery,
    QuoteIn,
    QuoteOut,
    ReasonIn,
    ReservationIn,
    ReservationListOut,
    ReservationMadeOut,
    ReservationOut,
    ReservationPatch,
    TimeOut,
    interval_of,
    occurrence_out,
    occurrences_out,
    taken_out,
)
from app.reservations.series import Repeat, SeriesTrial, Which
from app.reservations.services import Change, Trial
from app.web.errors import as_dict, reader_language
from app.web.preconditions import IF_MATCH, version_seen
from app.web.rights import PUBLIC, open_to
from app.web.told import ETAG, LOCATION, Header, told

bp = APIBlueprint("reservations-api", __name__, url_prefix="/api/v1", tag="Reservations")

LONGEST_WINDOW = timedelta(days=62)

IDEMPOTENCY_KEY = Header(
    "Idempotency-Key",
    "A word of your own for this request: sent again within 24 hours with the same body, it "
    "answers with the reservation that it made; with another body it is refused.",
    "4f8f2c5e-lab-7",
    r"^[!-~]{1,255}$",
)


def _window(start: Any, end: Any) -> Any:
    window = interval_of(start, end, field="end")
    if window.duration > LONGEST_WINDOW:
        days = LONGEST_WINDOW.days
        wrong = Text(f"한 번에 {days}일까지만 물을 수 있습니다.", f"Ask for {days} days at most.")
        raise Invalid(wrong, {"end": wrong})
    return window


@bp.get("/instruments/<slug>/busy")
@open_to(PUBLIC)
@bp.input(BusyQuery, location="query", arg_name="query")
@bp.output(BusyListOut, example=examples.BUSY)
def busy(slug: str, query: BusyQuery) -> dict[str, Any]:
    """Times that are not free, with why; details of others only as far as rights go."""
    instrument = instrument_by_slug(slug)
    window = _window(query.start, query.end)
    rows = schedule.busy([instrument], window, current_or_none(), now=clock.now())
    return {
        "items": [
            {
                **TimeOut.of(row.interval),
                "kind": row.kind,
                "title": row.title.in_(reader_language()),
                "mine": row.mine,
                "uid": row.uid,
                "status": row.status,
            }
            for row in rows
        ],
        "version": instrument.calendar_version,
    }


@bp.get("/availability")
@open_to(PUBLIC)
@bp.input(AvailabilityQuery, location="query", arg_name="query")
@bp.output(FreeListOut, example=examples.FREE)
@told("not-found")
def free(query: AvailabilityQuery) -> dict[str, Any]:
    """Free slots, earliest first, of all instruments that fit or of those named.

    What the caller could not reserve at any time is left out. A duration that is no whole
    number of an instrument's slots is rounded up.
    """
    after = place_of(query.cursor)
    wanted = query.to_wanted(_window(query.start, query.end))
    search = Search(wanted, current_or_none(), clock.now())
    found = search.slots(limit=query.limit + 1, after=after)
    items = found[: query.limit]
    refusals = ["suspended"] if search.suspension else []
    here = current_app.config["SETTINGS"].public_url
    return {
        "items": [free_out(offer, refusals, here) for offer in items],
        "next": cursor_at(items[-1].place) if len(found) > query.limit else None,
    }


@bp.post("/quotes")
@open_to(Action.RESERVE)
@bp.input(QuoteIn, arg_name="body", example=examples.REQUEST)
@bp.output(QuoteOut, example=examples.QUOTE)
@told("not-found")
def quote(body: QuoteIn) -> dict[str, Any]:
    """A dry run: the price line by line, every refusal, and the state it would have."""
    if body.repeat:
        return _quote_of_series(body, body.repeat.to_repeat())
    trial = services.try_reservation(current(), body.to_request(), now=clock.now())
    return _quote(body, trial) | (trial.quote.as_json() if trial.quote else {})


def _quote_of_series(body: QuoteIn, repeat: Repeat) -> dict[str, Any]:
    trial = series.try_series(current(), body.to_request(), repeat, now=clock.now())
    known = [each for each in trial.quotes if each]
    return _quote(body, trial) | {
        "net": sum(each.net for each in known) if known else None,
        "vat": sum(each.vat for each in known) if known else None,
        "total": trial.total,
        "tax": known[0].tax if known else None,
        "occurrences": [
            occurrence_out(verdict, [as_dict(refusal) for refusal in verdict.refusals], quote)
            for verdict, quote in zip_longest(trial.verdicts, trial.quotes)
        ],
    }


def _quote(body: QuoteIn, trial: Trial | SeriesTrial) -> dict[str, Any]:
    return {
        "instrument": body.instrument,
        "starts_at": body.starts_at,
        "ends_at": body.ends_at,
        "status": trial.status,
        "refusals": [as_dict(refusal) for refusal in trial.refusals],
        "taken": [taken_out(taken) for taken in trial.taken],
        "warnings": [text.in_(reader_language()) for text in trial.warnings],
        "may_override": trial.may_override,
        "unpriced": trial.unpriced.in_(reader_language()) if trial.unpriced else None,
    }


@bp.post("/reservations")
@open_to(Action.RESERVE)
@bp.input(ReservationIn, arg_name="body", example=examples.REQUEST)
@bp.output(ReservationMadeOut, status_code=201, example=examples.MADE)
@told("not-found", "taken", "refused", asks=[IDEMPOTENCY_KEY], gives=[ETAG, LOCATION])
def create(body: ReservationIn) -> Response:
    """Reserve an instrument; with an Idempotency-Key the request may be sent again."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not re.fullmatch(r"[!-~]{1,255}", key):
        wrong = Text(
            "Idempotency-Key는 공백 없는 ASCII 255자까지입니다.",
            "An Idempotency-Key is up to 255 ASCII characters without spaces.",
        )
        raise Invalid(wrong, {"Idempotency-Key": wrong})
    once = Once(key, body.model_dump_json().encode()) if key else None
    asked, now, why = body.to_request(), clock.now(), body.override
    if body.repeat:
        made = series.request_series(
            current(), asked, body.repeat.to_repeat(), now=now, once=once, override=why
        )
    else:
        made = services.request_reservation(current(), asked, now=now, once=once, override=why)
    dates = occurrences_out(series.members_of(made), reader_language())
    shown = ReservationMadeOut.model_validate(out(made) | {"occurrences": dates})
    response = answer(made, 201, shown)
    response.headers["Location"] = url_for("reservations-api.read", uid=made.uid)
    return response


@bp.get("/reservations")
@open_to(Action.RESERVE)
@bp.input(ListQuery, location="query", arg_name="query")
@bp.output(ReservationListOut, example=examples.RESERVATIONS)
@told("not-found")
def listing(query: ListQuery) -> dict[str, Any]:
    """My reservations, with `mine=0` also those that I manage; with `operating=1` what I attend."""
    if (query.start is None) != (query.end is None):
        wrong = Text("start와 end를 함께 주세요.", "Give both start and end.")
        raise Invalid(wrong, {"end": wrong})
    during = None
    if query.start and query.end:
        during = interval_of(query.start, query.end, field="end")
    found = queries.listed(
        current(),
        mine=query.mine == "1",
        operating=query.operating == "1",
        instrument_id=instrument_by_slug(query.instrument).id if query.instrument else None,
        during=during,
        status=query.status,
        after=query.cursor,
        limit=query.limit,
    )
    more = len(found) == query.limit
    return {
        "items": [out(reservation) for reservation in found],
        "next": str(found[-1].id) if more else None,
    }


def _charge_of(reservation: Reservation) -> dict[str, Any] | None:
    """What it comes to in the end, as far as the slice above that knows it is there."""
    known = current_app.extensions.get("dure-charge")
    return known(reservation) if known else None


@bp.get("/reservations/<uid>")
@open_to(Action.SEE_RESERVATION)
@bp.output(ReservationOut, example=examples.RESERVATION)
@told(gives=[ETAG])
def read(uid: str) -> Response:
    """One reservation, with its version as ETag.

    What was said to the facility, and who agreed, is left empty for those who only take part.
    """
    user, found = current(), queries.by_uid(uid, viewer=current())
    shown = ReservationOut.model_validate(out(found))
    if not queries.sees_whole(user, found):
        unsaid = {"note": "", "answers": {}, "override_reason": "", "stages": [], "shares": []}
        unsaid["questions"] = []
        shown = shown.model_copy(update=unsaid)
        if shown.quote:
            shown.quote.shares = []
    else:
        shown.charge = _charge_of(found)
    return answer(found, shown=shown)


@bp.patch("/reservations/<uid>")
@open_to(Action.CHANGE_RESERVATION)
@bp.input(ReservationPatch, arg_name="body", example=examples.CHANGE)
@bp.output(ReservationOut, example=examples.CHANGED)
@told(
    *("not-allowed", "taken", "refused", "wrong-state", "stale", "precondition-required"),
    asks=[IF_MATCH],
    gives=[ETAG],
)
def change(uid: str, body: ReservationPatch) -> Response:
    """Move or change a reservation, if it is still at the version of If-Match."""
    present = queries.by_uid(uid, viewer=current())
    wanted = Change(
        body.interval(present.interval),
        body.purpose,
        body.samples,
        body.note,
        body.answers,
        None if body.shares is None else shares_of(body.shares),
        body.override,
    )
    user, now, version = current(), clock.now(), version_seen()
    if body.of_series is Which.THIS:
        done = services.change_reservation(user, uid, wanted, now=now, version=version)
    else:
        done = series.change_series(user, uid, body.of_series, wanted, now=now, version=version)
    return answer(done)


@bp.post("/reservations/<uid>/approve")
@open_to(Action.DECIDE_RESERVATION)
@bp.input(ReasonIn, arg_name="body", example=examples.REASON)
@bp.output(ReservationOut, example=examples.APPROVED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def approve(uid: str, body: ReasonIn) -> Response:
    """Agree to a pending reservation."""
    done = deciding.approve_reservation(current(), uid, reason=body.reason, now=clock.now())
    return answer(done)


@bp.post("/reservations/<uid>/reject")
@open_to(Action.DECIDE_RESERVATION)
@bp.input(ReasonIn, arg_name="body", example=examples.REASON)
@bp.output(ReservationOut, example=examples.REJECTED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def reject(uid: str, body: ReasonIn) -> Response:
    """Turn a pending reservation down; the holder is told the reason."""
    done = deciding.reject_reservation(current(), uid, reason=body.reason, now=clock.now())
    return answer(done)


@bp.post("/reservations/<uid>/cancel")
@open_to(Action.CANCEL_RESERVATION)
@bp.input(CancelIn, arg_name="body", example=examples.REASON)
@bp.output(ReservationOut, example=examples.CANCELLED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def cancel(uid: str, body: CancelIn) -> Response:
    """Give the time back; of a series perhaps that of later dates, too."""
    if body.of_series is not Which.THIS:
        return answer(
            series.cancel_series(
                current(), uid, body.of_series, reason=body.reason, now=clock.now()
            )
        )
    done = services.cancel_reservation(current(), uid, reason=body.reason, now=clock.now())
    return answer(done)


@bp.post("/reservations/<uid>/check-in")
@open_to(Action.USE_RESERVATION)
@bp.input(CheckInIn, arg_name="body", example=examples.COMING)
@bp.output(ReservationOut, example=examples.IN_USE)
@told("not-allowed", "wrong-state", gives=[ETAG])
def check_in(uid: str, body: CheckInIn) -> Response:
    """Begin to use what is reserved."""
    user, now = current(), clock.now()
    reservation = queries.by_uid(uid, viewer=user)
    done = use.check_in(
        user,
        uid,
        reason=body.reason,
        present=presence.is_shown(reservation.instrument, body.code, now=now),
        now=now,
    )
    return answer(done)


@bp.post("/reservations/<uid>/extend")
@open_to(Action.USE_RESERVATION)
@bp.input(ExtendIn, arg_name="body", example=examples.EXTENSION)
@bp.output(ReservationOut, example=examples.EXTENDED)
@told("not-allowed", "taken", "refused", "wrong-state", gives=[ETAG])
def extend(uid: str, body: ExtendIn) -> Response:
    """Go on using it until later, if nobody else has that time."""
    done = use.extend(current(), uid, body.ends_at, reason=body.reason, now=clock.now())
    return answer(done)


@bp.post("/reservations/<uid>/check-out")
@open_to(Action.USE_RESERVATION)
@bp.input(CheckOutIn, arg_name="body", example=examples.GOING)
@bp.output(ReservationOut, example=examples.COMPLETED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def check_out(uid: str, body: CheckOutIn) -> Response:
    """End the use; what is left of the time is free for others at once."""
    done = use.check_out(current(), uid, reason=body.reason, samples=body.samples, now=clock.now())
    return answer(done)
