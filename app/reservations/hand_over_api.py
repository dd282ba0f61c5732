"""HTTP API of reservations that are handed over."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response
from pydantic import BaseModel, Field, StringConstraints

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.booking import Mode
from app.domain.errors import NotFound, Text
from app.reservations import answers, hand_over_queries, hand_overs, queries
from app.reservations.examples import RESERVATION
from app.reservations.hand_over_models import HandOver
from app.reservations.json_values import Answers, Input, Reason, SharesIn, shares_of
from app.reservations.new_holder import Terms
from app.reservations.schemas import ReservationOut
from app.web.rights import SIGNED_IN, open_to
from app.web.told import told

bp = APIBlueprint("hand-over-api", __name__, url_prefix="/api/v1", tag="Reservations")


class HandOverIn(Input):
    """To whom, by address."""

    email: Annotated[
        str,
        StringConstraints(min_length=3, max_length=254),
        Field(description="Whoever has the account with it may take the reservation over."),
    ]
    reason: Annotated[
        Reason, Field(description="Needed from whoever does it for the holder, who reads it.")
    ] = ""


class HandOverOut(BaseModel):
    email: str
    offered_at: datetime
    expires_at: Annotated[datetime, Field(description="The reservation begins.")]


class TakeOverIn(Input):
    """What the new holder says for themself."""

    answers: Annotated[
        Answers, Field(description="Their own permits and answers, where the facility asks.")
    ] = {}
    shares: Annotated[
        SharesIn,
        Field(description="Which funding accounts of theirs pay; the first takes the odd won."),
    ] = []


class OfferedOut(BaseModel):
    """What its holder wants me to take over; no more of it than I need to decide."""

    instrument: str
    starts_at: datetime
    ends_at: datetime
    holder: str
    offered_by: str
    reason: str
    purpose: str
    mode: Mode
    samples: int | None


_OFFERED = {
    "instrument": "kaist-biocore-confocal",
    "starts_at": "2026-12-02T01:00:00Z",
    "ends_at": "2026-12-02T03:00:00Z",
    "holder": "김민아",
    "offered_by": "김민아",
    "reason": "",
    "purpose": "membrane imaging",
    "mode": "self_operated",
    "samples": 4,
}
_ONE = {
    "email": "jun@kaist.example",
    "offered_at": "2026-12-01T01:00:00Z",
    "expires_at": "2026-12-02T01:00:00Z",
}


@bp.get("/reservations/<uid>/new-holder")
@open_to(Action.CHANGE_RESERVATION)
@bp.output(HandOverOut, example=_ONE)
@told("not-found")
def read(uid: str) -> dict[str, Any]:
    """To whom a reservation is offered."""
    found = hand_over_queries.open_of(queries.by_uid(uid, viewer=current()), now=clock.now())
    if found is None:
        raise NotFound(
            Text("아무에게도 넘기겠다고 하지 않았습니다.", "It is not offered to anybody.")
        )
    return _out(found)


@bp.post("/reservations/<uid>/new-holder")
@open_to(Action.CHANGE_RESERVATION)
@bp.input(HandOverIn, arg_name="body", example={"email": "jun@kaist.example"})
@bp.output(HandOverOut, status_code=201, example=_ONE)
@told("not-allowed", "wrong-state")
def offer(uid: str, body: HandOverIn) -> Response:
    """Offer a reservation to somebody else; it stays with its holder until they take it."""
    made = hand_overs.offer(current(), uid, body.email, reason=body.reason, now=clock.now())
    return make_response(jsonify(HandOverOut(**_out(made)).model_dump(mode="json")), 201)


@bp.delete("/reservations/<uid>/new-holder")
@open_to(Action.CHANGE_RESERVATION)
@bp.output({}, status_code=204)
@told("not-allowed", "not-found", "wrong-state")
def withdraw(uid: str) -> tuple[str, int]:
    """Offer it no longer."""
    hand_overs.withdraw(current(), uid, now=clock.now())
    return "", 204


@bp.get("/reservations/<uid>/take-over")
@open_to(SIGNED_IN)
@bp.output(OfferedOut, example=_OFFERED)
@told("not-found")
def offered(uid: str) -> dict[str, Any]:
    """What is offered to me; `POST /quotes` tells what it would cost me."""
    found = hand_over_queries.offered_to(uid, current())
    if not hand_over_queries.is_open(found, now=clock.now()):
        raise NotFound(Text("이제 넘겨받을 수 없습니다.", "It can no longer be taken over."))
    reservation = found.reservation
    return {
        "instrument": reservation.instrument.slug,
        "starts_at": found.starts_at,
        "ends_at": found.ends_at,
        "holder": reservation.holder.name,
        "offered_by": found.offered_by.name,
        "reason": found.reason,
        "purpose": reservation.purpose,
        "mode": reservation.mode,
        "samples": reservation.samples,
    }


@bp.post("/reservations/<uid>/take-over")
@open_to(SIGNED_IN)
@bp.input(TakeOverIn, arg_name="body", example={"answers": {}})
@bp.output(ReservationOut, example=RESERVATION)
@told("not-allowed", "not-found", "wrong-state", "refused")
def take(uid: str, body: TakeOverIn) -> Response:
    """Take over what is offered to me, by the rules and at the price that hold for me."""
    terms = Terms(body.answers, shares_of(body.shares))
    return answers.answer(hand_overs.take(current(), uid, terms, now=clock.now()))


@bp.post("/reservations/<uid>/take-over/decline")
@open_to(SIGNED_IN)
@bp.output({}, status_code=204)
@told("not-found", "wrong-state")
def decline(uid: str) -> tuple[str, int]:
    """Do not take over what is offered to me."""
    hand_overs.decline(current(), uid, now=clock.now())
    return "", 204


def _out(hand_over: HandOver) -> dict[str, Any]:
    return {
        "email": hand_over.email,
        "offered_at": hand_over.offered_at,
        "expires_at": hand_over.reservation.interval.start,
    }
