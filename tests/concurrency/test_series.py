"""Four people on one series: one gets all of it, the others none; without guards they clash."""

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import Taken
from app.domain.recurrence import Recurrence
from app.reservations import series
from app.reservations.models import Reservation
from app.reservations.series import Repeat
from tests import factories
from tests.concurrency.racing import race, winners
from tests.concurrency.test_reserving import overbooked, take_net_away
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

RACERS = 4
ROUNDS = 20
DATES = 3
RULE = Recurrence.parse(f"FREQ=DAILY;COUNT={DATES}")


def reserve(slug, number, racer):
    """One racer's try for three days of the round; every second racer wants them an hour later."""
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    start = 24 * (DATES + 1) * number + 1 + racer % 2
    request = BookingRequest(slug, hours(start, start + 2), purpose="race")
    try:
        series.request_series(user, request, Repeat(RULE), now=NOW)
    except Taken as taken:
        return ("taken", len(taken.taken))
    return "won"


def take_lock_away():
    """Control: the verdicts are given, then the turn is given up before the insert."""
    place = series._place  # noqa: SLF001 – the control takes a guard away

    def let_go_and_place(*judged):
        db.session.rollback()
        db.session.connection(execution_options={"writes": True})
        return place(*judged)

    series._place = let_go_and_place  # noqa: SLF001


@pytest.fixture
def start(app):
    """Start the race on this test's database."""
    for n in range(RACERS):
        factories.user(f"racer-{n}")

    def begin(instrument, **options):
        slug = instrument.slug
        return race(
            lambda number, racer: reserve(slug, number, racer),
            rounds=ROUNDS,
            racers=RACERS,
            **options,
        )

    return begin


def held() -> int:
    return len(db.session.scalars(select(Reservation)).all())


def test_one_of_four_gets_the_series_and_nobody_a_part_of_it(microscope, start):
    rounds = start(microscope)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    losers = {o.said for outcomes in rounds for o in outcomes if o.said != "won"}
    assert losers == {("taken", DATES)}
    assert held() == DATES * ROUNDS
    assert overbooked(microscope) == []


def test_the_net_of_the_database_alone_keeps_series_apart(microscope, start):
    """With the lock gone, the second insert is refused as a whole and told as taken."""
    rounds = start(microscope, prepare=take_lock_away)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert held() == DATES * ROUNDS
    assert overbooked(microscope) == []


def test_without_lock_and_net_several_would_get_the_series(microscope, start):
    """If this fails, the tests above prove nothing."""
    take_net_away()
    rounds = start(microscope, prepare=take_lock_away)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert overbooked(microscope) != []
