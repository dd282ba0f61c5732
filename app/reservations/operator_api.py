"""HTTP API of operators: who attends a reservation."""

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field, StringConstraints

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.reservations import attendance, examples, operators
from app.reservations.answers import answer
from app.reservations.json_values import Input
from app.reservations.schemas import ReservationOut
from app.web.rights import open_to
from app.web.told import ETAG, told

bp = APIBlueprint("operator-api", __name__, url_prefix="/api/v1", tag="Reservations")


class OperatorIn(Input):
    """Who attends it."""

    email: Annotated[
        str,
        StringConstraints(max_length=254),
        Field(description="An operator of the instrument who is free; left out: whose turn it is."),
    ] = ""


@bp.post("/reservations/<uid>/operator")
@open_to(Action.KEEP_OPERATORS)
@bp.input(OperatorIn, arg_name="body", example={"email": "operator@kaist.example"})
@bp.output(ReservationOut, example=examples.RESERVATION)
@told("not-allowed", "wrong-state", gives=[ETAG])
def choose(uid: str, body: OperatorIn) -> Response:
    """Have another operator attend it, who is told by mail."""
    return answer(operators.choose(current(), uid, body.email, now=clock.now()))


@bp.post("/reservations/<uid>/hand-over")
@open_to(Action.HAND_OVER)
@bp.output(ReservationOut, example=examples.RESERVATION)
@told("not-allowed", "wrong-state", gives=[ETAG])
def hand_over(uid: str) -> Response:
    """Let another operator attend what one cannot; where none is free, the managers are told."""
    done, _ = attendance.hand_over(current(), uid, now=clock.now())
    return answer(done)
