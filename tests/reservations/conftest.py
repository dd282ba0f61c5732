"""Pages of reservations at the fixed now, and short words for what people do on them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from app import clock
from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.interval import Interval
from app.reservations import services
from app.reservations.models import Reservation
from tests import factories
from tests.factories import NOW

SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages, too, believe that it is 2 March 2026."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def guarded(microscope: Instrument) -> Instrument:
    """An instrument of the same facility, each reservation of which Sora approves."""
    return factories.instrument(
        slug="guarded",
        name_ko="질량분석기",
        name_en="Mass spectrometer",
        facility=microscope.facility,
        booking={"approval": "each"},
    )


@pytest.fixture
def room(microscope: Instrument) -> Instrument:
    return factories.instrument(
        slug="room", name_ko="준비실", name_en="Preparation room", facility=microscope.facility
    )


@pytest.fixture
def heater(microscope: Instrument) -> Instrument:
    return factories.instrument(
        slug="heater",
        name_ko="가열 스테이지",
        name_en="Heating stage",
        facility=microscope.facility,
    )


@pytest.fixture
def scope(room: Instrument, heater: Instrument) -> Instrument:
    """It needs the room, and offers the heating stage."""
    return factories.instrument(
        slug="scope",
        name_ko="전자현미경",
        name_en="Electron microscope",
        facility=room.facility,
        needs=["room"],
        accessories=["heater"],
        booking={"check_in": "required"},
    )


def booked(user: User, instrument: Instrument, interval: Interval, **fields: Any) -> Reservation:
    fields.setdefault("purpose", "막단백질 영상")
    request = BookingRequest(instrument.slug, interval, **fields)
    return services.request_reservation(user, request, now=NOW)


def all_of(made: Reservation) -> dict[str, tuple[Interval, Status]]:
    """What stands of a reservation and its companions, as the database has it."""
    rows = db.session.scalars(
        select(Reservation)
        .where((Reservation.bundle == made.uid) | (Reservation.uid == made.uid))
        .execution_options(populate_existing=True)
    )
    return {each.instrument.slug: (each.interval, each.status) for each in rows}


def refused_codes(refused: Any) -> list[str]:
    return [refusal.code for refusal in refused.value.refusals]


def typed(start: float, end: float, *, zone: ZoneInfo = SEOUL, **fields: str) -> dict[str, str]:
    """What somebody types who wants `start` to `end` hours from now."""
    first, last = (NOW + timedelta(hours=each) for each in (start, end))
    return {
        "starts_at": f"{first.astimezone(zone):%Y-%m-%dT%H:%M}",
        "ends_at": f"{last.astimezone(zone):%Y-%m-%dT%H:%M}",
        "purpose": "세포막 관찰",
        **fields,
    }


def window(days: int = 7) -> dict[str, str]:
    """The address of a calendar's question."""
    return {"start": NOW.isoformat(), "end": (NOW + timedelta(days=days)).isoformat()}


def statements(work: Callable[[], Any]) -> int:
    """How many statements `work` sends to the database, those of transactions aside."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)
