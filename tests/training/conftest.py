"""Sessions and certificates, and an instrument for trained people only."""

import itertools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.db import transaction
from app.domain.training import Level
from app.training.models import Certificate, TrainingSession
from tests import factories
from tests.factories import NOW, hours

_serial = itertools.count(1)


@pytest.fixture
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages, too, believe that it is 2 March 2026."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def nmr(microscope: Instrument) -> Instrument:
    """An instrument of Sora's facility that only people with a certificate may work."""
    return factories.instrument(
        slug="nmr",
        name_ko="핵자기공명분광기",
        name_en="NMR spectrometer",
        facility=microscope.facility,
        booking={"certificate": "required", "certificate_validity": "P2Y"},
    )


def session(facility: Facility, *, starts: float = 48, **fields: Any) -> TrainingSession:
    """A session of two hours, `starts` hours from now, for everything in the facility."""
    n = next(_serial)
    during = hours(starts, starts + 2)
    fields.setdefault("title_ko", f"이용 교육 {n}")
    fields.setdefault("title_en", f"Session {n}")
    fields.setdefault("trainer", "박소라")
    fields.setdefault("place", "E7 1123")
    fields.setdefault("seats", 2)
    fields.setdefault("level", Level.NIGHT)
    fields.setdefault("sign_up_until", during.start)
    return factories.save(
        TrainingSession(
            facility_id=facility.id,
            starts_at=during.start,
            ends_at=during.end,
            made_at=NOW - timedelta(days=9),
            **fields,
        )
    )


def certificate(user: User, of: Instrument | Facility, **fields: Any) -> Certificate:
    """A certificate for an instrument, or for all of a facility, given a year ago."""
    instrument = of if isinstance(of, Instrument) else None
    fields.setdefault("level", Level.NIGHT)
    fields.setdefault("granted_on", date(2025, 3, 2))
    return factories.save(
        Certificate(
            user_id=user.id,
            facility_id=of.facility_id if isinstance(of, Instrument) else of.id,
            instrument_id=instrument.id if instrument and "technique_id" not in fields else None,
            granted_at=NOW - timedelta(days=365),
            **fields,
        )
    )


@pytest.fixture
def people(app: Any) -> Callable[[int], list[User]]:
    return lambda count: [factories.user() for _ in range(count)]


def change(row: Any, **fields: Any) -> None:
    """Give a row other values; set before the transaction they would be forgotten with it."""
    with transaction():
        for name, value in fields.items():
            setattr(row, name, value)
