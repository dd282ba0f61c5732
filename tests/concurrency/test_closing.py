"""Managers close a time while people reserve it: never both; without the guard it happens."""

import time

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.catalog.models import Blackout, BlackoutKind, Instrument
from app.db import db
from app.domain.approval import HOLDING
from app.domain.booking import BookingRequest
from app.domain.errors import Taken
from app.reservations import closures, services
from app.reservations.closures import Closure
from app.reservations.giving_way import StillReserved
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import RACERS, race
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 40
CONTROL_ROUNDS = 25


def slot(number):
    return hours(2 * number + 1, 2 * number + 3)


def close_or_reserve(slug, number, racer):
    """Half of the racers close the slot of the round, the other half reserve it."""
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    instrument = db.session.scalars(select(Instrument).where(Instrument.slug == slug)).one()
    try:
        if racer % 2:
            request = BookingRequest(slug, slot(number), purpose="race")
            services.request_reservation(user, request, now=NOW)
            return "reserved"
        closure = Closure(
            interval=slot(number), kind=BlackoutKind.MAINTENANCE, instrument_id=instrument.id
        )
        closures.close_time(user, instrument.facility, closure, now=NOW)
        return "closed"
    except (Taken, StillReserved) as refused:
        return type(refused).__name__


def let_go_after_looking():
    """Control: the manager looks who is hit, then gives the turn up before closing."""
    look = closures.reserved_during

    def look_and_let_go(*args, **options):
        found = look(*args, **options)
        db.session.rollback()
        time.sleep(0.05)  # whoever waited for the turn has it now
        db.session.connection(execution_options={"writes": True})
        return found

    closures.reserved_during = look_and_let_go


@pytest.fixture
def racers(app, microscope):
    return [factories.user(f"racer-{n}", manages=microscope.facility) for n in range(RACERS)]


def both():
    """Reservations that lie in a blackout."""
    closed = [each.interval for each in db.session.scalars(select(Blackout))]
    held = db.session.scalars(select(Reservation).where(Reservation.status.in_(HOLDING)))
    return [each for each in held if any(each.interval.overlaps(other) for other in closed)]


def test_a_time_is_closed_or_reserved_and_never_both(racers, microscope, database_url, tmp_path):
    slug = microscope.slug
    rounds = race(
        database_url,
        tmp_path / "instance",
        lambda number, racer: close_or_reserve(slug, number, racer),
        rounds=ROUNDS,
    )

    said = [{outcome.said for outcome in outcomes} for outcomes in rounds]
    assert all(("closed" in each) != ("reserved" in each) for each in said)
    assert both() == []


def test_without_the_turn_it_would_be_both(racers, microscope, database_url, tmp_path):
    """If this fails, the test above proves nothing."""
    slug = microscope.slug
    race(
        database_url,
        tmp_path / "instance",
        lambda number, racer: close_or_reserve(slug, number, racer),
        rounds=CONTROL_ROUNDS,
        prepare=let_go_after_looking,
    )
    assert both() != []
