"""An instrument that costs 10,000 won an hour, and a month in which it is used."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.interval import Interval
from app.projects.models import FundingAccount
from app.reservations import services
from tests import factories
from tests.factories import NOW

MARCH = date(2026, 3, 1)
APRIL = date(2026, 4, 1)
#: The second of April at noon where the institutions are.
CLOSING = datetime(2026, 4, 2, 3, tzinfo=UTC)
#: The second of May.
LATER = datetime(2026, 5, 2, 3, tzinfo=UTC)


@pytest.fixture
def confocal(app):
    """List price 10,000 won an hour for everyone; KAIST lends it."""
    classes = ("own_institution", "partner", "other_academic", "small_company", "large_company")
    prices = {"unit": "hour"} | dict.fromkeys(classes, 10_000)
    return factories.instrument(
        slug="confocal",
        facility=factories.facility(),
        prices=prices,
        registration_number="NFEC-2020-01-000001",
        booking={"free_cancel": "PT24H"},
    )


@pytest.fixture
def boss(confocal):
    """Administers KAIST."""
    return factories.user(
        "boss", institution=factories.kaist(), administers=confocal.facility.institution
    )


@pytest.fixture
def reserve(confocal):
    """A reservation of a person `start` to `end` hours after the fixed now."""

    def make(person, start=1.0, end=3.0, *, shares=(), instrument=confocal, **said):
        interval = factories.hours(start, end)
        request = BookingRequest(instrument.slug, interval, purpose="imaging", **said)
        made = services.request_reservation(person, request, now=NOW)
        change(made, shares=[{"account": a, "percent": p} for a, p in shares])
        return made

    return make


def change(row, **values):
    """Set columns as later use cases would have."""
    with transaction():
        again = db.session.get_one(type(row), row.id)
        for name, value in values.items():
            setattr(again, name, value)


def used(reservation, start, end):
    """Checked in and out so many hours after the fixed now."""
    change(
        reservation,
        status=Status.COMPLETED,
        used_from=NOW + timedelta(hours=start),
        used_until=NOW + timedelta(hours=end),
        version=reservation.version + 1,
    )


def interval(start, end):
    return Interval(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


@pytest.fixture
def accounts(confocal):
    """An account of KAIST and one of CNU."""
    for number, home in (("K-1", factories.kaist()), ("C-1", factories.cnu())):
        holder = factories.user(institution=home)
        factories.save(
            FundingAccount(
                number=number,
                institution_id=home.id,
                holder_id=holder.id,
                name_ko=number,
                name_en=number,
                funder="",
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 12, 31),
                made_at=NOW,
            )
        )
