"""HTTP API of commissions: ask for an analysis without a time, place it, decline it."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, make_response, url_for

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.commission import CommissionState
from app.domain.quote import Quote
from app.reservations import commission_queries, commissions, examples, placing, queries
from app.reservations.commission_models import Commission
from app.reservations.commission_schemas import (
    CommissionIn,
    CommissionListOut,
    CommissionOut,
    CommissionPatch,
    CommissionQuery,
    PlacementIn,
    commission_out,
)
from app.reservations.schemas import ReasonIn
from app.web.errors import reader_language
from app.web.preconditions import IF_MATCH, version_seen
from app.web.rights import open_to
from app.web.told import ETAG, LOCATION, told

bp = APIBlueprint("commission-api", __name__, url_prefix="/api/v1", tag="Commissions")


@bp.post("/commissions")
@open_to(Action.RESERVE)
@bp.input(CommissionIn, arg_name="body", example=examples.ORDER)
@bp.output(CommissionOut, status_code=201, example=examples.COMMISSION)
@told("not-found", "refused", gives=[ETAG, LOCATION])
def ask(body: CommissionIn) -> Response:
    """Ask for an analysis; the facility's manager finds a time for it."""
    made = commissions.ask(current(), body.to_order(), now=clock.now())
    response = _answer(made, 201)
    response.headers["Location"] = url_for("commission-api.read", uid=made.uid)
    return response


@bp.get("/commissions")
@open_to(Action.RESERVE)
@bp.input(CommissionQuery, location="query", arg_name="query")
@bp.output(CommissionListOut, example=examples.COMMISSIONS)
def listing(query: CommissionQuery) -> Response:
    """My commissions, with `mine=0` also those that I manage; soonest wished for first.

    Their estimates are told by each itself.
    """
    found = commission_queries.listed(
        current(),
        mine=query.mine == "1",
        state=query.state,
        instrument=query.instrument or "",
        after=query.cursor,
        limit=query.limit,
    )
    more = len(found) == query.limit
    seen = [each for each in found if commission_queries.may_see(current(), each)]
    items = [_out(each, (None, None)).model_dump(mode="json") for each in seen]
    return jsonify({"items": items, "next": str(found[-1].id) if more else None})


@bp.get("/commissions/<uid>")
@open_to(Action.SEE_COMMISSION)
@bp.output(CommissionOut, example=examples.COMMISSION)
@told(gives=[ETAG])
def read(uid: str) -> Response:
    """One commission, with its version as ETag."""
    return _answer(commission_queries.by_uid(uid, viewer=current()))


@bp.patch("/commissions/<uid>")
@open_to(Action.CHANGE_COMMISSION)
@bp.input(CommissionPatch, arg_name="body", example={"samples": 16})
@bp.output(CommissionOut, example=examples.COMMISSION)
@told(
    *("not-allowed", "refused", "wrong-state", "stale", "precondition-required"),
    asks=[IF_MATCH],
    gives=[ETAG],
)
def change(uid: str, body: CommissionPatch) -> Response:
    """Ask for something else while it waits, if it is still at the version of If-Match."""
    before, version = commission_queries.by_uid(uid, viewer=current()), version_seen()
    order = commissions.order_of(before, body.changes())
    return _answer(commissions.change(current(), uid, order, now=clock.now(), version=version))


@bp.post("/commissions/<uid>/withdraw")
@open_to(Action.CHANGE_COMMISSION)
@bp.output(CommissionOut, example=examples.COMMISSION)
@told("not-allowed", "wrong-state", gives=[ETAG])
def withdraw(uid: str) -> Response:
    """Ask for it no longer."""
    return _answer(commissions.withdraw(current(), uid, now=clock.now()))


@bp.post("/commissions/<uid>/place")
@open_to(Action.HANDLE_COMMISSION)
@bp.input(PlacementIn, arg_name="body", example=examples.PLACEMENT)
@bp.output(CommissionOut, example=examples.PLACED)
@told("not-allowed", "taken", "refused", "wrong-state", gives=[ETAG])
def place(uid: str, body: PlacementIn) -> Response:
    """Reserve a time for it, by the rules for its holder; refused, it waits on."""
    return _answer(placing.place(current(), uid, body.to_placement(), now=clock.now()))


@bp.post("/commissions/<uid>/decline")
@open_to(Action.HANDLE_COMMISSION)
@bp.input(ReasonIn, arg_name="body", example=examples.REASON)
@bp.output(CommissionOut, example=examples.COMMISSION)
@told("not-allowed", "wrong-state", gives=[ETAG])
def decline(uid: str, body: ReasonIn) -> Response:
    """Say no; the holder is told the reason."""
    return _answer(commissions.decline(current(), uid, body.reason, now=clock.now()))


@bp.post("/commissions/<uid>/return")
@open_to(Action.HANDLE_COMMISSION)
@bp.input(ReasonIn, arg_name="body", example=examples.REASON)
@bp.output(CommissionOut, example=examples.COMMISSION)
@told("not-allowed", "wrong-state", gives=[ETAG])
def return_to_queue(uid: str, body: ReasonIn) -> Response:
    """Let it wait again; the reservation that it became is cancelled if it still stands."""
    return _answer(placing.return_to_queue(current(), uid, body.reason, now=clock.now()))


def _answer(found: Commission, status: int = 200) -> Response:
    estimate: tuple[Quote | None, str | None] = None, None
    if found.state is CommissionState.WAITING:
        quote, unpriced = commissions.estimate(
            found.instrument,
            queries.person(found.holder_id),
            commissions.order_of(found),
            now=clock.now(),
        )
        estimate = quote, unpriced.in_(reader_language()) if unpriced else None
    response = make_response(jsonify(_out(found, estimate).model_dump(mode="json")), status)
    response.headers["ETag"] = f'"{found.version}"'
    return response


def _out(found: Commission, estimate: tuple[Quote | None, str | None]) -> Any:
    here = str(current_app.config["SETTINGS"].public_url)
    links = {"self": here + url_for("commission-api.read", uid=found.uid)}
    if found.reservation:
        own = url_for("reservations-api.read", uid=found.reservation.uid)
        links["reservation"] = here + own
    return commission_out(found, links, estimate)
