"""Eight people on one slot: one gets it, on either database; without the guards several do."""

from collections import Counter

import pytest
from sqlalchemy import inspect, select, text

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db, transaction
from app.domain.approval import HOLDING
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Taken
from app.domain.interval import fullest
from app.reservations import services
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.concurrency.racing import RACERS, race, winners
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 100
CONTROL_ROUNDS = 25


def slot(number):
    return hours(2 * number + 1, 2 * number + 3)


def reserve(slug, number, racer):
    """One racer's try: "won", or what stood in the way and how many other times are offered."""
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    request = BookingRequest(slug, slot(number), purpose="race")
    try:
        services.request_reservation(user, request, now=NOW)
    except Taken as taken:
        return ("taken", len(taken.taken), len(taken.alternatives))
    return "won"


def move(number, racer):
    """Every racer moves the one reservation that they have onto the slot of the round."""
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    own = db.session.scalars(select(Reservation).where(Reservation.holder_id == user.id)).one()
    try:
        services.change_reservation(user, own.uid, Change(slot(number)), now=NOW)
    except Taken:
        return "taken"
    return "won"


def take_lock_away():
    """Control: the check is made, then the turn is given up before the insert."""
    judge = services._refuse  # noqa: SLF001 – the control takes a guard away

    def judge_and_let_go(*asked):
        aside = judge(*asked)
        db.session.rollback()
        db.session.connection(execution_options={"writes": True})
        return aside

    services._refuse = judge_and_let_go  # noqa: SLF001


def take_net_away():
    with transaction():
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("ALTER TABLE reservation DROP CONSTRAINT one_at_a_time"))
        else:
            db.session.execute(text("DROP TRIGGER one_at_a_time_insert"))
            db.session.execute(text("DROP TRIGGER one_at_a_time_update"))


@pytest.fixture
def racers(app):
    return [factories.user(f"racer-{n}") for n in range(RACERS)]


@pytest.fixture
def start(app):
    """Start the race on this test's database."""

    def begin(do, **options):
        return race(do, **options)

    return begin


def overbooked(instrument):
    """Reservations that hold the instrument beyond its capacity, at any instant."""
    key = inspect(instrument).identity[0]  # the race has closed the session it came from
    held = [
        r.interval
        for r in db.session.scalars(
            select(Reservation).where(
                Reservation.instrument_id == key, Reservation.status.in_(HOLDING)
            )
        )
    ]
    room = db.session.get(Instrument, key).capacity
    return [interval for interval in held if fullest(held, interval) > room]


def test_one_of_eight_gets_the_slot_and_seven_learn_what_stands_there(racers, microscope, start):
    slug = microscope.slug
    rounds = start(lambda number, racer: reserve(slug, number, racer), rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    losers = Counter(o.said for outcomes in rounds for o in outcomes if o.said != "won")
    assert losers == {("taken", 1, 3): (RACERS - 1) * ROUNDS}
    assert overbooked(microscope) == []


def test_three_of_eight_get_into_a_room_for_three(racers, app, start):
    room = factories.instrument(capacity=3)
    rounds = start(lambda number, racer: reserve(room.slug, number, racer), rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [3] * ROUNDS
    assert overbooked(room) == []


def with_own_reservations(racers, instrument):
    """Each racer holds a time of their own, later than all slots of the race."""
    for n, racer in enumerate(racers):
        later = 2 * (ROUNDS + n) + 1
        request = BookingRequest(instrument.slug, hours(later, later + 2), purpose="own")
        services.request_reservation(racer, request, now=NOW)


def test_one_of_eight_moves_onto_the_slot(racers, microscope, start):
    with_own_reservations(racers, microscope)
    rounds = start(move, rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert overbooked(microscope) == []


def test_the_net_of_the_database_alone_keeps_holds_apart(racers, microscope, start):
    """With the lock gone, the second insert is refused by the database and told as taken."""
    slug = microscope.slug
    rounds = start(
        lambda number, racer: reserve(slug, number, racer),
        rounds=CONTROL_ROUNDS,
        prepare=take_lock_away,
    )

    assert [winners(outcomes) for outcomes in rounds] == [1] * CONTROL_ROUNDS
    assert overbooked(microscope) == []


def test_without_lock_and_net_several_would_win(racers, microscope, start):
    """If this fails, the tests above prove nothing."""
    take_net_away()
    slug = microscope.slug
    rounds = start(
        lambda number, racer: reserve(slug, number, racer),
        rounds=CONTROL_ROUNDS,
        prepare=take_lock_away,
    )

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert overbooked(microscope) != []


def test_without_lock_more_than_three_would_get_into_a_room_for_three(racers, app, start):
    """No net lies beneath a room for several: the lock alone counts who is in it."""
    room = factories.instrument(capacity=3)
    rounds = start(
        lambda number, racer: reserve(room.slug, number, racer),
        rounds=CONTROL_ROUNDS,
        prepare=take_lock_away,
    )

    assert max(winners(outcomes) for outcomes in rounds) > 3


def test_without_lock_and_net_several_would_move_there(racers, microscope, start):
    """If this fails, the test of moving proves nothing."""
    with_own_reservations(racers, microscope)
    take_net_away()
    rounds = start(move, rounds=CONTROL_ROUNDS, prepare=take_lock_away)

    # What overlapped has moved on by the end, so the winners of a round are counted.
    assert max(winners(outcomes) for outcomes in rounds) > 1


def be_somewhere(slugs, number, racer):
    """One person asks for another instrument in each of eight windows at once."""
    user = db.session.scalars(select(User).where(User.email == "racer-0@example.org")).one()
    request = BookingRequest(slugs[racer], slot(number), purpose="race")
    try:
        services.request_reservation(user, request, now=NOW)
    except BookingRefused as refused:
        return tuple(refusal.code for refusal in refused.refusals)
    return "won"


def forget_the_person():
    """Control: only the calendars of the instruments are waited for."""
    services.take_person = lambda *_: None


@pytest.fixture
def alone(racers):
    """Eight instruments, each of which refuses whoever is somewhere else meanwhile."""
    return [factories.instrument(booking={"two_places": "refuse"}).slug for _ in range(RACERS)]


def test_nobody_is_in_two_places_at_once(alone, start):
    rounds = start(lambda number, racer: be_somewhere(alone, number, racer), rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    losers = {o.said for outcomes in rounds for o in outcomes if o.said != "won"}
    assert losers == {("in-two-places",)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_waiting_for_the_person_they_would_be_in_several(alone, start):
    """On SQLite there is one writer at a time, so that this needs no lock of its own there."""
    rounds = start(
        lambda number, racer: be_somewhere(alone, number, racer),
        rounds=CONTROL_ROUNDS,
        prepare=forget_the_person,
    )

    assert max(winners(outcomes) for outcomes in rounds) > 1
