"""HTTP API of faults and closures: reported by anyone, dealt with by managers."""

from datetime import date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from app import clock
from app.accounts.access import Action, may
from app.accounts.current import current
from app.catalog.health import open_faults
from app.catalog.models import Blackout, BlackoutKind, Fault, Instrument
from app.catalog.queries import instrument_by_slug, scope_of
from app.domain.maintenance import Condition, Result, Severity
from app.domain.repetition import Every
from app.reservations import closures, faults
from app.reservations.closures import Closure, facility_by_slug
from app.reservations.json_values import Input, Instant, Slug, plain
from app.reservations.maintenance import Work
from app.reservations.schemas import TimeOut, interval_of
from app.web.rights import open_to
from app.web.told import told

bp = APIBlueprint("health-api", __name__, url_prefix="/api/v1", tag="Faults and closures")


def _text(most: int, least: int = 0) -> Any:
    bounds = StringConstraints(strip_whitespace=True, min_length=least, max_length=most)
    return Annotated[str, bounds, AfterValidator(plain)]


Won = Annotated[int, Field(ge=0, le=10**13, strict=True)]


class FaultIn(Input):
    """What is wrong."""

    severity: Annotated[Severity, Field(description="Whether it can still be used.")]
    description: Annotated[
        _text(2000, 1),  # type: ignore[valid-type]
        Field(description="What you did, what happened, and what the instrument shows."),
    ]


class FaultOut(BaseModel):
    id: int
    instrument: str
    severity: Severity
    description: str
    reported_by: str | None = Field(
        description="Null to those who neither reported nor deal with it."
    )
    reported_at: datetime
    out_since: datetime | None = Field(description="Out of order since then; null: usable.")
    out_until: datetime | None = Field(description="Null: nobody knows, or usable.")
    closed_at: datetime | None
    photos: list[str] = Field(description="Where each can be read.")


class FaultListOut(BaseModel):
    items: list[FaultOut]
    next: str | None = None


class WorkIn(Input):
    """What was found and done: a line of the maintenance log."""

    happened_at: Annotated[Instant, Field(description="When the work was done.")]
    person_in_charge: Annotated[_text(100, 1), Field(description="By name.")]  # type: ignore[valid-type]
    repairer: Annotated[
        _text(200),  # type: ignore[valid-type]
        Field(description="A company or a person, if somebody repaired it."),
    ] = ""
    condition: Annotated[Condition, Field(description="How it was found.")]
    content: Annotated[_text(4000, 1), Field(description="What was found and done.")]  # type: ignore[valid-type]
    result: Annotated[
        Result, Field(description="How the work left it; out of order: the fault stands.")
    ]
    cost: Annotated[Won | SkipJsonSchema[None], Field(description="Won.")] = None

    def to_work(self) -> Work:
        return Work(**self.model_dump())


class ClosureIn(Input):
    """A time to close, of one instrument or of the whole facility."""

    instrument: Annotated[
        Slug | SkipJsonSchema[None], Field(description="Slug; left out, the whole facility.")
    ] = None
    kind: Annotated[BlackoutKind, Field(description="Why.")] = BlackoutKind.MAINTENANCE
    starts_at: Annotated[Instant, Field(description="From this instant on.")]
    ends_at: Annotated[Instant, Field(description="Until before this one.")]
    reason_ko: Annotated[_text(300), Field(description="Everyone can read it.")] = ""  # type: ignore[valid-type]
    reason_en: Annotated[_text(300), Field(description="Everyone can read it.")] = ""  # type: ignore[valid-type]
    every: Annotated[Every | SkipJsonSchema[None], Field(description="Comes again so often …")] = (
        None
    )
    last_day: Annotated[date | SkipJsonSchema[None], Field(description="… until this day.")] = None

    def to_closure(self, instrument_id: int | None) -> Closure:
        return Closure(
            interval=interval_of(self.starts_at, self.ends_at),
            kind=self.kind,
            instrument_id=instrument_id,
            reason_ko=self.reason_ko,
            reason_en=self.reason_en,
            every=self.every,
            until=self.last_day,
        )


class ClosureOut(TimeOut):
    id: int
    instrument: str | None = Field(description="Slug; null: the whole facility.")
    kind: BlackoutKind
    reason_ko: str
    reason_en: str
    every: Every | None


class ClosureListOut(BaseModel):
    items: list[ClosureOut]
    next: str | None = None


_REPORT = {"severity": "out_of_order", "description": "The laser does not start."}
_WORK = {
    "happened_at": "2026-12-02T15:00:00+09:00",
    "person_in_charge": "Sora Park",
    "repairer": "Laser Service Co.",
    "condition": "malfunction",
    "content": "Power supply replaced.",
    "result": "running",
    "cost": 450000,
}
FAULT = {
    "id": 12,
    "instrument": "kaist-biocore-confocal",
    **_REPORT,
    "reported_by": "Mina Kim",
    "reported_at": "2026-12-01T01:00:00Z",
    "out_since": "2026-12-01T01:00:00Z",
    "out_until": None,
    "closed_at": None,
    "photos": ["/api/v1/faults/12/photos/5d4f0a3c9be84d1f8a62f7a1c0e3b944"],
}
_CLOSING = {
    "instrument": "kaist-biocore-confocal",
    "kind": "maintenance",
    "starts_at": "2026-12-07T09:00:00+09:00",
    "ends_at": "2026-12-07T12:00:00+09:00",
    "reason_ko": "정기 점검",
    "reason_en": "Regular maintenance",
}
_CLOSED = {
    **_CLOSING,
    "id": 40,
    "starts_at": "2026-12-07T00:00:00Z",
    "ends_at": "2026-12-07T03:00:00Z",
    "every": None,
}


@bp.get("/instruments/<slug>/faults")
@open_to(Action.REPORT_FAULT)
@bp.output(FaultListOut, example={"items": [FAULT], "next": None})
def faults_of(slug: str) -> dict[str, Any]:
    """Faults of an instrument that stand, the worst first."""
    instrument = instrument_by_slug(slug)
    return {
        "items": [fault_told(each, instrument) for each in open_faults(instrument)],
        "next": None,
    }


@bp.post("/instruments/<slug>/faults")
@open_to(Action.REPORT_FAULT)
@bp.input(FaultIn, arg_name="body", example=_REPORT)
@bp.output(FaultOut, status_code=201, example=FAULT)
@told("not-allowed")
def report_fault(slug: str, body: FaultIn) -> Response:
    """Report a fault: the managers are told by mail."""
    made = faults.report_fault(
        current(),
        slug,
        severity=body.severity,
        description=body.description,
        now=clock.now(),
    )
    return _made(fault_told(made, made.instrument), 201)


@bp.post("/faults/<int(max=2147483647):fault_id>/close")
@open_to(Action.HANDLE_FAULT)
@bp.input(WorkIn, arg_name="body", example=_WORK)
@bp.output(FaultOut, example={**FAULT, "closed_at": "2026-12-02T06:00:00Z"})
@told("not-allowed", "wrong-state")
def close_fault(fault_id: int, body: WorkIn) -> Response:
    """Write what was done into the maintenance log, and open the instrument again."""
    user, slug = current(), faults.slug_of(fault_id)
    done = faults.close_fault(user, slug, fault_id, body.to_work(), now=clock.now())
    return _made(fault_told(done, done.instrument), 200)


@bp.get("/facilities/<slug>/closures")
@open_to(Action.CLOSE_TIME)
@bp.output(ClosureListOut, example={"items": [_CLOSED], "next": None})
@told("not-allowed")
def closures_of(slug: str) -> Response:
    """What closes a facility or one of its instruments now or later, nearest first."""
    facility = facility_by_slug(slug, user=current())
    return _made(_closures(closures.closures_of(facility, now=clock.now())), 200)


@bp.post("/facilities/<slug>/closures")
@open_to(Action.CLOSE_TIME)
@bp.input(ClosureIn, arg_name="body", example=_CLOSING)
@bp.output(ClosureListOut, status_code=201, example={"items": [_CLOSED], "next": None})
@told("not-allowed", "wrong-state")
def close_time(slug: str, body: ClosureIn) -> Response:
    """Close an instrument, or the whole facility, for a time to come, once or repeatedly.

    What is reserved then is never pushed aside: a 409 names it in `reserved`. Cancel or move
    it, then ask again.
    """
    user = current()
    facility = facility_by_slug(slug, user=user)
    instrument_id = instrument_by_slug(body.instrument).id if body.instrument else None
    wanted = body.to_closure(instrument_id)
    return _made(_closures(closures.close_time(user, facility, wanted, now=clock.now())), 201)


@bp.delete("/closures/<int(max=2147483647):blackout_id>")
@open_to(Action.CLOSE_TIME)
@bp.output({}, status_code=204)
@told("not-allowed", "wrong-state")
def reopen(blackout_id: int) -> tuple[str, int]:
    """Lift a closure before its end: what is left of the time can be reserved."""
    user = current()
    facility = closures.facility_of(blackout_id)
    closures.reopen(user, facility, blackout_id, now=clock.now())
    return "", 204


def fault_told(fault: Fault, instrument: Instrument) -> dict[str, Any]:
    known = may(current(), Action.HANDLE_FAULT, scope_of(instrument))
    known = known or fault.reported_by_id == current().id
    told = FaultOut(
        id=fault.id,
        instrument=instrument.slug,
        severity=fault.severity,
        description=fault.description,
        reported_by=fault.reported_by.name if known else None,
        reported_at=fault.reported_at,
        out_since=fault.out_since,
        out_until=fault.blackout.ends_at if fault.blackout else None,
        closed_at=fault.closed_at,
        photos=[f"/api/v1/faults/{fault.id}/photos/{each.file.uid}" for each in fault.photos],
    )
    return told.model_dump(mode="json")


def _closures(found: Any) -> dict[str, Any]:
    """The JSON of closures; instruments are named by one statement."""
    slugs = closures.slugs_of([each.instrument_id for each in found if each.instrument_id])
    return {"items": [_closure(each, slugs) for each in found], "next": None}


def _closure(blackout: Blackout, slugs: dict[int, str]) -> dict[str, Any]:
    told = ClosureOut(
        id=blackout.id,
        instrument=slugs[blackout.instrument_id] if blackout.instrument_id else None,
        kind=blackout.kind,
        reason_ko=blackout.reason_ko,
        reason_en=blackout.reason_en,
        every=blackout.rule.every if blackout.rule else None,
        **TimeOut.of(blackout.interval),
    )
    return told.model_dump(mode="json")


def _made(body: dict[str, Any], status: int) -> Response:
    return make_response(jsonify(body), status)
