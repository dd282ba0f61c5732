"""HTTP API of faults and closures: reported by anyone, dealt with by managers."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, make_response

from app import clock
from app.accounts.access import Action, may
from app.accounts.current import current
from app.catalog.health import open_faults
from app.catalog.models import Blackout, Fault, Instrument
from app.catalog.queries import instrument_by_slug, scope_of
from app.reservations import closures, faults
from app.reservations.closures import facility_by_slug
from app.reservations.health_schemas import (
    ClosureIn,
    ClosureListOut,
    ClosureOut,
    DecisionIn,
    FaultIn,
    FaultListOut,
    FaultOut,
    WorkIn,
)
from app.reservations.schemas import TimeOut
from app.web.rights import open_to
from app.web.told import told

bp = APIBlueprint("health-api", __name__, url_prefix="/api/v1", tag="Faults and closures")

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
_WAYS = {
    "reserved": {
        "0b9cf6e1d0f54d8f8c1f2a3b4c5d6e7f": {
            "way": "move",
            "version": 1,
            "starts_at": "2026-12-08T09:00:00+09:00",
        }
    },
    "reason": "The laser is repaired.",
}
_DECIDING = {"severity": "out_of_order", "until": "2026-12-05T09:00:00+09:00", **_WAYS}
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


@bp.post("/faults/<int(max=2147483647):fault_id>/decide")
@open_to(Action.HANDLE_FAULT)
@bp.input(DecisionIn, arg_name="body", example=_DECIDING)
@bp.output(FaultOut, example={**FAULT, "out_until": "2026-12-05T00:00:00Z"})
@told("not-allowed", "wrong-state", "refused")
def decide_fault(fault_id: int, body: DecisionIn) -> Response:
    """Say whether the instrument can be used with the fault, and until when it cannot.

    What is reserved meanwhile is dealt with as for a closure; without an end it may also be kept,
    and its holder is told that it is in doubt.
    """
    decided = faults.decide_fault(
        current(),
        faults.slug_of(fault_id),
        fault_id,
        body.to_decision(),
        now=clock.now(),
        answers=body.answers,
        reason=body.reason,
    )
    return _made(fault_told(decided, decided.instrument), 200)


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
@bp.input(ClosureIn, arg_name="body", example={**_CLOSING, **_WAYS})
@bp.output(ClosureListOut, status_code=201, example={"items": [_CLOSED], "next": None})
@told("not-allowed", "wrong-state", "refused")
def close_time(slug: str, body: ClosureIn) -> Response:
    """Close an instrument, or the whole facility, for a time to come, once or repeatedly.

    What is reserved then is never pushed aside: a 409 names it in `reserved`. Ask again with what
    becomes of each: all is done at once, or nothing, and each holder gets one mail.
    """
    user = current()
    facility = facility_by_slug(slug, user=user)
    instrument_id = instrument_by_slug(body.instrument).id if body.instrument else None
    made = closures.close_time(
        user,
        facility,
        body.to_closure(instrument_id),
        now=clock.now(),
        answers=body.answers,
        reason=body.reason,
    )
    return _made(_closures(made), 201)


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
