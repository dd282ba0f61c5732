"""HTTP API of the waitlist: wait for time, see what one waits for, take what is offered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, make_response, url_for
from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.booking import Mode
from app.domain.errors import Invalid, Text
from app.domain.opening_hours import DAYS
from app.domain.waitlist import WaitState, hours_of_days
from app.reservations import waitlist
from app.reservations.json_values import (
    Answers,
    Input,
    Instant,
    Length,
    Note,
    Purpose,
    Samples,
    SharesIn,
    Slug,
    shares_of,
)
from app.reservations.models import Wait
from app.reservations.schemas import TimeOut, interval_of
from app.reservations.waitlist import Wish
from app.web.rights import SIGNED_IN, open_to
from app.web.told import LOCATION, told

bp = APIBlueprint("waitlist-api", __name__, url_prefix="/api/v1", tag="Waitlist")


class WaitIn(Input):
    """Time to wait for: an exact slot, or a `duration` at some time between two instants."""

    instrument: Annotated[Slug | SkipJsonSchema[None], Field(description="Slug.")] = None
    instruments: Annotated[
        list[Slug], Field(max_length=50, description="Slugs: any of these would do.")
    ] = []
    technique: Annotated[
        Slug | SkipJsonSchema[None],
        Field(description="Slug: any instrument that offers it would do."),
    ] = None
    starts_at: Annotated[Instant, Field(description="From this instant on.")]
    ends_at: Annotated[Instant, Field(description="Until before this one.")]
    duration: Annotated[
        Length | SkipJsonSchema[None],
        Field(description="For how long; left out, all of the time.", examples=["PT2H"]),
    ] = None
    hours: Annotated[
        Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] | SkipJsonSchema[None],
        Field(description="Between these hours, by the clocks of the facility."),
    ] = None
    days: Annotated[
        list[Literal[tuple(DAYS)]],  # type: ignore[valid-type]
        Field(max_length=7, description="Only on these days of the week."),
    ] = []
    purpose: Annotated[Purpose, Field(description="What for; seen by who manages it.")]
    mode: Annotated[Mode, Field(description="Who works the instrument.")] = Mode.SELF_OPERATED
    samples: Annotated[Samples | None, Field(description="How many.")] = None
    note: Annotated[Note, Field(description="For who manages the instrument.")] = ""
    answers: Annotated[Answers, Field(description="As for a reservation.")] = {}
    shares: Annotated[SharesIn, Field(description="As for a reservation.")] = []

    @model_validator(mode="after")
    def _one_kind(self) -> "WaitIn":
        if sum(map(bool, (self.instrument, self.instruments, self.technique))) != 1:
            raise ValueError("name one of: instrument, instruments, technique")
        return self

    def to_wish(self) -> Wish:
        try:
            hours = hours_of_days(self.days, self.hours or "")
        except ValueError:
            wrong = Text("09:00-18:00처럼 적어 주세요.", "Write hours as 09:00-18:00.")
            raise Invalid(wrong, {"hours": wrong}) from None
        return Wish(
            within=interval_of(self.starts_at, self.ends_at),
            instruments=[self.instrument] if self.instrument else self.instruments,
            technique=self.technique or "",
            duration=self.duration,
            hours=hours,
            purpose=self.purpose,
            mode=self.mode,
            samples=self.samples,
            note=self.note,
            answers=self.answers,
            shares=shares_of(self.shares),
        )


class OfferOut(TimeOut):
    """Time that is held until `expires_at`; `uid` is that of the reservation that it becomes."""

    uid: str
    instrument: str
    expires_at: datetime


class WaitOut(TimeOut):
    uid: str
    state: WaitState
    instruments: list[str]
    technique: str | None
    duration: str = Field(description="ISO 8601.", examples=["PT7200S"])
    hours: dict[str, list[str]] | None = Field(description="Days to hours; null: at any time.")
    purpose: str
    before: int = Field(description="How many who compete for the time asked earlier.")
    asked_at: datetime
    offer: OfferOut | None
    links: dict[str, str]


class WaitListOut(BaseModel):
    items: list[WaitOut]
    next: str | None = None


class TakenUpOut(BaseModel):
    """The reservation that an offer has become."""

    uid: str
    status: str
    links: dict[str, str]


_UID = "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64"
_WISH: dict[str, Any] = {
    "technique": "confocal-microscopy",
    "starts_at": "2026-12-01T00:00:00+09:00",
    "ends_at": "2026-12-08T00:00:00+09:00",
    "duration": "PT2H",
    "hours": "09:00-18:00",
    "days": ["mon", "tue", "wed", "thu", "fri"],
    "purpose": "membrane imaging",
}
_WAIT: dict[str, Any] = {
    "uid": _UID,
    "state": "waiting",
    "instruments": ["kaist-biocore-confocal"],
    "technique": "confocal-microscopy",
    "starts_at": "2026-11-30T15:00:00Z",
    "ends_at": "2026-12-07T15:00:00Z",
    "duration": "PT7200S",
    "hours": {day: ["09:00-18:00"] for day in DAYS[:5]},
    "purpose": "membrane imaging",
    "before": 0,
    "asked_at": "2026-11-23T09:00:00Z",
    "offer": None,
    "links": {"page": "https://dure.example/reservations"},
}
_TAKEN_UP: dict[str, Any] = {
    "uid": _UID,
    "status": "confirmed",
    "links": {"self": f"https://dure.example/api/v1/reservations/{_UID}"},
}


@bp.post("/waitlist")
@open_to(Action.RESERVE)
@bp.input(WaitIn, arg_name="body", example=_WISH)
@bp.output(WaitOut, status_code=201, example=_WAIT)
@told("not-found", "refused", "wrong-state", gives=[LOCATION])
def ask(body: WaitIn) -> Response:
    """Wait for time. An exact time that is free is answered 409: reserve it."""
    wait = waitlist.ask(current(), body.to_wish(), now=clock.now())
    response = make_response(jsonify(_out(wait)), 201)
    response.headers["Location"] = url_for("waitlist-api.read", uid=wait.uid)
    return response


@bp.get("/waitlist")
@open_to(Action.RESERVE)
@bp.output(WaitListOut, example={"items": [_WAIT], "next": None})
def listing() -> Response:
    """What I wait for, and what is held for me."""
    found = [_out(wait) for wait in waitlist.waits_of(current())]
    return jsonify({"items": found, "next": None})


@bp.get("/waitlist/<uid>")
@open_to(SIGNED_IN)
@bp.output(WaitOut, example=_WAIT)
@told("not-found")
def read(uid: str) -> Response:
    """One wait of mine, also when it is over."""
    return jsonify(_out(waitlist.of_user(uid, current())))


@bp.delete("/waitlist/<uid>")
@open_to(SIGNED_IN)
@bp.output({}, status_code=204)
@told("not-found", "wrong-state")
def withdraw(uid: str) -> tuple[str, int]:
    """Wait no longer; what is held for me goes to the next."""
    waitlist.withdraw(current(), uid, now=clock.now())
    return "", 204


@bp.post("/offers/<uid>/accept")
@open_to(SIGNED_IN)
@bp.output(TakenUpOut, example=_TAKEN_UP)
@told("not-found", "refused", "wrong-state")
def accept(uid: str) -> Response:
    """Take what is held for me."""
    made = waitlist.accept(current(), uid, now=clock.now())
    own = _here() + url_for("reservations-api.read", uid=uid)
    return jsonify({"uid": made.uid, "status": made.status.value, "links": {"self": own}})


@bp.post("/offers/<uid>/decline")
@open_to(SIGNED_IN)
@bp.output({}, status_code=204)
@told("not-found", "wrong-state")
def decline(uid: str) -> tuple[str, int]:
    """Let what is held for me go to the next."""
    waitlist.decline(current(), uid, now=clock.now())
    return "", 204


def _here() -> str:
    return str(current_app.config["SETTINGS"].public_url)


def _out(wait: Wait) -> dict[str, Any]:
    """The JSON of a wait; instants in UTC."""
    offer = waitlist.offer_open(wait)
    held = offer and OfferOut(
        uid=offer.reservation.uid,
        instrument=offer.reservation.instrument.slug,
        expires_at=offer.expires_at,
        **TimeOut.of(offer.reservation.interval),
    )
    links = {"page": _here() + url_for("reservations.mine")}
    if offer:
        links["offer"] = _here() + url_for("reservations.offer", uid=offer.reservation.uid)
    told = WaitOut(
        uid=wait.uid,
        state=wait.state,
        instruments=[instrument.slug for instrument in wait.instruments],
        technique=wait.technique.slug if wait.technique else None,
        duration=f"PT{int(wait.duration.total_seconds())}S",
        hours=wait.hours,
        purpose=wait.purpose,
        before=waitlist.before(wait) if wait.state in waitlist.OPEN else 0,
        asked_at=wait.asked_at,
        offer=held,
        links=links,
        **TimeOut.of(wait.interval),
    )
    return told.model_dump(mode="json")
