"""How an instrument is and was: faults, maintenance and closures, without names or costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app.catalog.models import Blackout, Facility, Fault, Instrument, MaintenanceEntry
from app.db import db
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.maintenance import CONDITION_NAMES, RESULT_NAMES, SEVERITY_NAMES

_BLACKOUTS = {
    "maintenance": Text("점검", "Maintenance"),
    "closure": Text("휴무", "Closure"),
    "fault": Text("고장", "Out of order"),
}


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One thing in the history of an instrument."""

    at: datetime
    what: Text
    more: Text | None = None
    during: Interval | None = None  # of a closure


def open_faults(instrument: Instrument) -> Sequence[Fault]:
    """Faults that stand, the worst and then the latest first."""
    found = db.session.scalars(
        select(Fault)
        .options(selectinload(Fault.photos))
        .where(Fault.instrument_id == instrument.id, Fault.closed_at.is_(None))
        .order_by(Fault.reported_at.desc())
    ).all()
    return sorted(found, key=lambda fault: fault.out_since is None)


def open_faults_of(facility: Facility) -> Sequence[Fault]:
    """Faults that stand in a facility, oldest first."""
    return db.session.scalars(
        select(Fault)
        .join(Fault.instrument)
        .where(Instrument.facility_id == facility.id, Fault.closed_at.is_(None))
        .order_by(Fault.reported_at)
    ).all()


def health_history(instrument: Instrument, *, now: datetime, limit: int = 20) -> list[HealthLine]:
    """What happened to it until now, latest first."""
    faults = db.session.scalars(
        select(Fault)
        .where(Fault.instrument_id == instrument.id)
        .order_by(Fault.reported_at.desc())
        .limit(limit)
    )
    entries = db.session.scalars(
        select(MaintenanceEntry)
        .where(MaintenanceEntry.instrument_id == instrument.id)
        .order_by(MaintenanceEntry.happened_at.desc())
        .limit(limit)
    )
    closures = db.session.scalars(
        select(Blackout)
        .where(
            or_(
                Blackout.instrument_id == instrument.id,
                Blackout.facility_id == instrument.facility_id,
            ),
            Blackout.starts_at <= now,
            or_(Blackout.lifted_at.is_(None), Blackout.lifted_at > Blackout.starts_at),
        )
        .order_by(Blackout.starts_at.desc())
        .limit(limit)
    )
    lines = [*map(_of_fault, faults), *map(_of_entry, entries), *map(_of_closure, closures)]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def _of_fault(fault: Fault) -> HealthLine:
    name = SEVERITY_NAMES[fault.severity]
    state = Text("처리됨", "dealt with") if fault.closed_at else Text("처리 중", "open")
    what = Text(f"고장 신고({name.ko})", f"Fault reported ({name.en.lower()})")
    return HealthLine(fault.reported_at, what, state)


def _of_entry(entry: MaintenanceEntry) -> HealthLine:
    condition, result = CONDITION_NAMES[entry.condition], RESULT_NAMES[entry.result]
    return HealthLine(
        entry.happened_at,
        Text("유지보수", "Maintenance work"),
        Text(f"상태 {condition.ko}, 결과 {result.ko}", f"found {condition.en}, left {result.en}"),
    )


def _of_closure(blackout: Blackout) -> HealthLine:
    ko, en = blackout.reason_ko, blackout.reason_en
    more = Text(ko or en, en or ko) if ko or en else None
    end = min(blackout.ends_at, blackout.lifted_at or blackout.ends_at)
    during = Interval(blackout.starts_at, end)
    return HealthLine(blackout.starts_at, _BLACKOUTS[blackout.kind.value], more, during)
