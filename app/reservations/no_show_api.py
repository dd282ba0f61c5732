"""HTTP API of managers: nobody came, or somebody had come after all."""

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.reservations import examples, no_shows, use
from app.reservations.answers import answer
from app.reservations.json_values import Input, Instant, Reason, Samples
from app.reservations.no_shows import CameAfterAll
from app.reservations.schemas import ReasonIn, ReservationOut, interval_of
from app.web.rights import open_to
from app.web.told import ETAG, told

bp = APIBlueprint("no-show-api", __name__, url_prefix="/api/v1", tag="Reservations")


class CameIn(Input):
    """From when until when it was used after all, and how one knows."""

    used_from: Annotated[Instant, Field(description="When the use began.")]
    used_until: Annotated[Instant, Field(description="When it was over.")]
    reason: Annotated[Reason, Field(min_length=1, description="How you know; the holder is told.")]
    samples: Annotated[Samples | SkipJsonSchema[None], Field(description="How many it was.")] = None

    def to_came(self) -> CameAfterAll:
        used = interval_of(self.used_from, self.used_until, field="used_until")
        return CameAfterAll(used, self.reason, self.samples)


@bp.post("/reservations/<uid>/no-show")
@open_to(Action.DECIDE_RESERVATION)
@bp.input(ReasonIn, arg_name="body", example=examples.NOBODY_CAME)
@bp.output(ReservationOut, example=examples.NO_SHOW)
@told("not-allowed", "wrong-state", gives=[ETAG])
def no_show(uid: str, body: ReasonIn) -> Response:
    """Say that nobody came; what is left of the time is free for others."""
    return answer(use.mark_no_show(current(), uid, reason=body.reason, now=clock.now()))


@bp.post("/reservations/<uid>/undo-no-show")
@open_to(Action.DECIDE_RESERVATION)
@bp.input(CameIn, arg_name="body", example=examples.CAME)
@bp.output(ReservationOut, example=examples.COMPLETED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def undo_no_show(uid: str, body: CameIn) -> Response:
    """Say that the holder was there after all: it counts as used, and no longer as missed."""
    return answer(no_shows.restore(current(), uid, body.to_came(), now=clock.now()))
