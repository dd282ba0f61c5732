"""The maintenance log of an instrument: written by hand, or when a fault is closed."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Fault, Instrument, MaintenanceEntry
from app.catalog.policy import zone_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.db import db, transaction
from app.domain.errors import Invalid, NotFound, Text
from app.domain.local_time import to_local
from app.domain.maintenance import CONDITION_NAMES, RESULT_NAMES, Condition, Result
from app.reservations import queries

#: What a spreadsheet would take for a formula, were it the first letter of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was found and done, in the fields of annex 10."""

    person_in_charge: str
    happened_at: datetime
    condition: Condition
    content: str
    result: Result
    repairer: str = ""
    cost: int | None = None  # won


def write_entry(user: User, slug: str, work: Work, *, now: datetime) -> MaintenanceEntry:
    """Add a line by hand; raises `NotFound`, `NotAllowed`, or `Invalid` for a time to come."""
    with transaction():
        user, instrument = queries.person(user.id), instrument_by_slug(slug)
        access.require(user, Action.KEEP_MAINTENANCE_LOG, scope_of(instrument))
        return add_entry(instrument, work, user, now=now)


def add_entry(
    instrument: Instrument, work: Work, user: User, *, now: datetime, fault: Fault | None = None
) -> MaintenanceEntry:
    """A line of the log, within somebody's transaction."""
    _check(work, now)
    entry = MaintenanceEntry(
        instrument_id=instrument.id,
        fault_id=fault.id if fault else None,
        registration_number=instrument.registration_number,
        writer_id=user.id,
        written_at=now,
        **asdict(work),
    )
    db.session.add(entry)
    db.session.flush()
    _note("write-maintenance", entry, instrument, user, now, {"entry": _said(work)})
    return entry


def correct_entry(
    user: User, slug: str, entry_id: int, work: Work, *, reason: str, now: datetime
) -> MaintenanceEntry:
    """Change a line, with a reason; what it said before stays in the audit trail.

    Raises `NotFound`, `NotAllowed`, or `Invalid` without a reason.
    """
    if not reason.strip():
        missing = Text("고치는 이유를 적어 주세요.", "Say why it is corrected.")
        raise Invalid(missing, {"reason": missing})
    with transaction():
        user, instrument = queries.person(user.id), instrument_by_slug(slug)
        access.require(user, Action.KEEP_MAINTENANCE_LOG, scope_of(instrument))
        entry = entry_of(instrument, entry_id)
        _check(work, now)
        was, becomes = _said(work_of(entry)), _said(work)
        changes = {name: [was[name], becomes[name]] for name in was if was[name] != becomes[name]}
        if not changes:
            return entry
        for name, value in asdict(work).items():
            setattr(entry, name, value)
        entry.corrected_at, entry.corrected_by_id = now, user.id
        entry.correction_reason = reason.strip()
        db.session.flush()
        detail = {"changes": changes, "reason": entry.correction_reason}
        _note("correct-maintenance", entry, instrument, user, now, detail)
    return entry


def log_of(user: User, slug: str) -> tuple[Instrument, Sequence[MaintenanceEntry]]:
    """The instrument and its log, latest first; raises `NotFound`, or `NotAllowed`."""
    instrument = instrument_by_slug(slug)
    access.require(user, Action.KEEP_MAINTENANCE_LOG, scope_of(instrument))
    entries = db.session.scalars(
        select(MaintenanceEntry)
        .where(MaintenanceEntry.instrument_id == instrument.id)
        .options(joinedload(MaintenanceEntry.writer))
        .order_by(MaintenanceEntry.happened_at.desc(), MaintenanceEntry.id.desc())
    ).all()
    return instrument, entries


def entry_of(instrument: Instrument, entry_id: int) -> MaintenanceEntry:
    found = db.session.get(MaintenanceEntry, entry_id)
    if found is None or found.instrument_id != instrument.id:
        raise NotFound(
            Text("해당 유지보수 기록을 찾을 수 없습니다.", "There is no such entry of the log.")
        )
    return found


def work_of(entry: MaintenanceEntry) -> Work:
    """What a line says."""
    return Work(
        person_in_charge=entry.person_in_charge,
        happened_at=entry.happened_at,
        condition=entry.condition,
        content=entry.content,
        result=entry.result,
        repairer=entry.repairer,
        cost=entry.cost,
    )


_HEAD = (
    Text("장비명", "Instrument"),
    Text("장비등록번호", "Registration no."),
    Text("담당자", "Person in charge"),
    Text("작성자", "Writer"),
    Text("수리자", "Repairer"),
    Text("일시", "Date and time"),
    Text("장비상태", "Condition"),
    Text("내용", "Content"),
    Text("처리결과", "Result"),
    Text("비용(원)", "Cost (won)"),
    Text("정정", "Correction"),
)


def as_csv(instrument: Instrument, entries: Sequence[MaintenanceEntry], language: str) -> str:
    """The log for a spreadsheet, in which no text of anybody becomes a formula."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow([head.in_(language) for head in _HEAD])
    zone = zone_of(instrument)
    name = Text(instrument.name_ko, instrument.name_en).in_(language)
    for entry in entries:
        rows.writerow(
            [
                _safe(name),
                _safe(entry.registration_number or ""),
                _safe(entry.person_in_charge),
                _safe(entry.writer.name),
                _safe(entry.repairer),
                f"{to_local(entry.happened_at, zone):%Y-%m-%d %H:%M}",
                CONDITION_NAMES[entry.condition].in_(language),
                _safe(entry.content),
                RESULT_NAMES[entry.result].in_(language),
                "" if entry.cost is None else entry.cost,
                _safe(entry.correction_reason),
            ]
        )
    return written.getvalue()


def _safe(text: str) -> str:
    """The text behind an apostrophe where a spreadsheet would compute it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _check(work: Work, now: datetime) -> None:
    if work.happened_at > now:
        ahead = Text(
            "아직 오지 않은 시각입니다. 실제 작업한 시각을 적어 주세요.",
            "That time has not come yet. Say when the work was done.",
        )
        raise Invalid(ahead, {"happened_at": ahead})


def _said(work: Work) -> dict[str, object]:
    said: dict[str, object] = asdict(work)
    return said | {"happened_at": work.happened_at.isoformat()}


def _note(
    action: str,
    entry: MaintenanceEntry,
    instrument: Instrument,
    user: User,
    now: datetime,
    detail: Mapping[str, object],
) -> None:
    audit.record(
        action,
        "maintenance",
        str(entry.id),
        actor_id=user.id,
        now=now,
        detail={"instrument": instrument.slug, **detail},
    )
