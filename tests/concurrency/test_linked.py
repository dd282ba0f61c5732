"""Two instruments that share a room: whoever takes one, takes the room, and never half of it."""

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import HOLDING
from app.domain.booking import BookingRequest
from app.domain.errors import Taken
from app.reservations import offering, services, turns
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import RACERS, race, winners
from tests.concurrency.test_reserving import (
    overbooked,
    slot,
    take_lock_away,
    take_net_away,
)
from tests.concurrency.test_waitlist import NET, wait_for

pytestmark = pytest.mark.race

ROUNDS = 40
CONTROL_ROUNDS = 20


def reserve(slugs, number, racer):
    """Half of the racers want the one, half the other; all need the room."""
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    request = BookingRequest(slugs[racer % len(slugs)], slot(number), purpose="race")
    try:
        services.request_reservation(user, request, now=factories.NOW)
    except Taken:
        return "taken"
    return "won"


def offer_or_reserve(number, racer):
    """Half of the racers reserve the one, and half offer another to somebody who waits."""
    if racer % 2 == 0:
        return reserve(("second",), number, racer)
    wanted = select(Instrument.id).where(Instrument.slug == f"waited-{number}")
    waited = db.session.scalars(wanted).one()
    try:
        return "won" if offering.offer_on(waited, now=factories.NOW) else "nothing"
    except NET:
        return "net"


def lock_the_main_alone():
    """Control: only the instrument that was asked for takes its turn.

    SQLite lets one write at a time, whatever is locked: there the turn is given up instead.
    """
    if db.engine.dialect.name == "sqlite":
        take_lock_away()
        return
    one_by_one = turns.lock_calendars

    def only(ids, interval=None):
        found = {key: db.session.get(Instrument, key) for key in ids}
        mains = [key for key, each in found.items() if each.needs]
        return {**found, **one_by_one(mains, interval)}

    turns.lock_calendars = offering.lock_calendars = only


@pytest.fixture
def two_that_share_a_room(app):
    """The room's id lies between theirs, so that the order of locks is put to the test."""
    for n in range(RACERS):
        factories.user(f"racer-{n}")
    place = factories.facility()
    first = factories.instrument(slug="first", facility=place, needs=["room"])
    room = factories.instrument(slug="room", facility=place)
    second = factories.instrument(slug="second", facility=place, needs=["room"])
    return first, room, second


def half_done():
    """Main reservations that stand without their companion, or the other way round."""
    rows = db.session.scalars(select(Reservation).where(Reservation.status.in_(HOLDING))).all()
    mains = {row.uid for row in rows if not row.is_companion}
    return mains ^ {row.bundle for row in rows if row.is_companion}


@pytest.fixture
def start(app):
    def begin(**options):
        return race(
            lambda number, racer: reserve(("first", "second"), number, racer),
            **options,
        )

    return begin


def test_one_of_two_gets_the_room_and_nothing_is_half_done(two_that_share_a_room, start):
    rounds = start(rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert all(overbooked(each) == [] for each in two_that_share_a_room)
    assert half_done() == set()


def test_a_room_is_offered_with_the_one_or_reserved_with_the_other(two_that_share_a_room):
    _, room, second = two_that_share_a_room
    waiting_for(room, CONTROL_ROUNDS)
    rounds = race(offer_or_reserve, rounds=CONTROL_ROUNDS)

    assert "net" not in {each.said for outcomes in rounds for each in outcomes}
    assert [winners(outcomes) for outcomes in rounds] == [1] * CONTROL_ROUNDS
    assert overbooked(room) == overbooked(second) == []
    assert half_done() == set()


def test_if_only_the_main_one_took_its_turn_it_would_be_both(two_that_share_a_room):
    """If this fails, the test above proves nothing."""
    take_net_away()
    _, room, _ = two_that_share_a_room
    waiting_for(room, CONTROL_ROUNDS)
    race(offer_or_reserve, rounds=CONTROL_ROUNDS, prepare=lock_the_main_alone)

    assert overbooked(room) != []


def waiting_for(room, rounds):
    """For each round somebody who waits for an instrument of their own, and the same room."""
    for number in range(rounds):
        waited = factories.instrument(
            slug=f"waited-{number}", facility=room.facility, needs=[room.slug]
        )
        wait_for(factories.user(f"waits-{number}"), waited, slot(number))


def test_if_only_the_main_one_took_its_turn_the_room_would_be_double_booked(
    two_that_share_a_room, start
):
    """If this fails, the test above proves nothing."""
    take_net_away()
    _, room, _ = two_that_share_a_room
    rounds = start(rounds=CONTROL_ROUNDS, prepare=lock_the_main_alone)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert overbooked(room) != []
