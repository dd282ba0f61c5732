"""Faults and the maintenance log of the demonstration: what was repaired, and what is wrong now."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.accounts.models import User
from app.catalog.models import BlackoutKind, Fault, Instrument, MaintenanceEntry
from app.db import db
from app.domain.errors import Text
from app.domain.maintenance import Condition, Result, Severity
from app.home.demo_reservations import Researcher

_DAY = timedelta(days=1)

#: What people report, that can be used all the same: each of the first instruments has one.
_REPORTS = (
    Text("시료대가 왼쪽으로 움직일 때 소리가 납니다.", "The stage makes a noise moving left."),
    Text("모니터 하나가 가끔 꺼집니다.", "One of the screens goes dark now and then."),
    Text(
        "파란색 레이저 출력이 평소보다 약합니다. 다른 파장은 정상입니다.",
        "The blue laser is weaker than usual; the other lines are fine.",
    ),
)
_REPAIRS = (
    Text("냉각수 호스 교체, 누수 없음 확인", "Coolant hose replaced, no leak any more"),
    Text("전원부 교체 뒤 시험 운전", "Power supply replaced, test run done"),
)
_EVERY = 11  # of the instruments, in their order


def ail(
    instruments: Sequence[Instrument],
    managers: Mapping[int, User],
    researchers: Sequence[Researcher],
    blackouts: Sequence[Mapping[str, Any]],
    now: datetime,
) -> None:
    """Log each maintenance that was, and let a few instruments have a fault that stands."""
    by_id = {instrument.id: instrument for instrument in instruments}
    for number, row in enumerate(blackouts):
        instrument = by_id[row["instrument_id"]]
        if row["ends_at"] <= now:
            db.session.add(_entry(number, row, instrument, managers[instrument.facility_id]))
    for number, said in enumerate(_REPORTS):
        instrument = instruments[(number + 1) * _EVERY % len(instruments)]
        who = researchers[number % len(researchers)].user
        at = now - (number + 1) * _DAY
        db.session.add(
            Fault(
                instrument_id=instrument.id,
                severity=Severity.USABLE,
                description=said.in_(who.language),
                reported_by_id=who.id,
                reported_at=at,
                # The latest has not been looked at yet.
                confirmed_at=at + timedelta(hours=3) if number else None,
                confirmed_by_id=managers[instrument.facility_id].id if number else None,
            )
        )
    db.session.flush()


def _entry(
    number: int, row: Mapping[str, Any], instrument: Instrument, manager: User
) -> MaintenanceEntry:
    fault = row["kind"] is BlackoutKind.FAULT
    planned = Text(row["reason_ko"], row["reason_en"])
    content = _REPAIRS[number % len(_REPAIRS)] if fault else planned
    return MaintenanceEntry(
        instrument_id=instrument.id,
        registration_number=instrument.registration_number,
        person_in_charge=manager.name,
        writer_id=manager.id,
        repairer=Text("제조사 서비스팀", "Service of the maker").in_(manager.language)
        if fault
        else "",
        happened_at=row["ends_at"],
        condition=Condition.MALFUNCTION if fault else Condition.NORMAL,
        content=content.in_(manager.language),
        result=Result.RUNNING,
        cost=(3 + number % 7) * 120_000 if fault else None,
        written_at=row["ends_at"],
    )
