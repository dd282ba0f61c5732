"""HTTP API of those who take part in a reservation."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response
from pydantic import BaseModel, Field, StringConstraints

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.queries import comparable
from app.reservations import participants, queries
from app.reservations.json_values import Input
from app.web.rights import open_to
from app.web.told import told

bp = APIBlueprint("participant-api", __name__, url_prefix="/api/v1", tag="Reservations")


class ParticipantIn(Input):
    """Somebody by address."""

    email: Annotated[
        str,
        StringConstraints(min_length=3, max_length=254),
        Field(description="Whoever has the account with it sees the reservation."),
    ]


class ParticipantOut(BaseModel):
    email: str
    added_at: datetime


class ParticipantListOut(BaseModel):
    items: list[ParticipantOut]


_ONE = {"email": "jun@kaist.example", "added_at": "2026-12-01T01:00:00Z"}


@bp.get("/reservations/<uid>/participants")
@open_to(Action.SEE_RESERVATION)
@bp.output(ParticipantListOut, example={"items": [_ONE]})
@told("not-found")
def listing(uid: str) -> dict[str, Any]:
    """Who takes part in a reservation."""
    found = participants.of(queries.by_uid(uid, viewer=current()))
    return {"items": [{"email": each.email, "added_at": each.added_at} for each in found]}


@bp.post("/reservations/<uid>/participants")
@open_to(Action.CHANGE_RESERVATION)
@bp.input(ParticipantIn, arg_name="body", example={"email": "jun@kaist.example"})
@bp.output(ParticipantOut, status_code=201, example=_ONE)
@told("not-allowed", "wrong-state")
def add(uid: str, body: ParticipantIn) -> Response:
    """Let somebody take part: they see the reservation and are told what becomes of it."""
    made = participants.add(current(), uid, body.email, now=clock.now())
    out = ParticipantOut(email=made.email, added_at=made.added_at)
    return make_response(jsonify(out.model_dump(mode="json")), 201)


@bp.delete("/reservations/<uid>/participants/<email>")
@open_to(Action.SEE_RESERVATION)
@bp.output({}, status_code=204)
@told("not-allowed", "not-found")
def remove(uid: str, email: str) -> tuple[str, int]:
    """Take somebody off, or oneself."""
    participants.remove(current(), uid, comparable(email), now=clock.now())
    return "", 204
