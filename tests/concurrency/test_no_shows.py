"""No-shows on several instruments at the same moment are counted together."""

import pytest
from sqlalchemy import func, select

from app.accounts.models import Suspension, User
from app.db import db, transaction
from app.domain.booking import BookingRequest
from app.reservations import services, steps, use
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import race
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 20
RACERS = 4


def person(number):
    return db.session.scalars(select(User).where(User.email == f"late-{number}@example.org")).one()


def give_away(number, racer):
    """Each racer marks the no-show of the same person on an instrument of its own."""
    wanted = select(Reservation).where(Reservation.holder_id == person(number).id)
    made = db.session.scalars(wanted.order_by(Reservation.id)).all()[racer]
    manager = db.session.scalars(select(User).where(User.email == "sora@example.org")).one()
    use.mark_no_show(manager, made.uid, now=NOW.replace(hour=11), reason="empty room")


@pytest.fixture
def start(sora, microscope):
    """Each of `ROUNDS` people misses as many reservations as suspend, at once."""
    facility = microscope.facility
    limit = {"number": RACERS, "within": "P30D", "suspended": "P14D"}
    with transaction():
        facility.booking = {"no_show_limit": limit}
    for number in range(ROUNDS):
        late = factories.user(f"late-{number}")
        for _ in range(RACERS):
            slug = factories.instrument(facility=facility).slug
            request = BookingRequest(slug, hours(1, 3), purpose="own")
            services.request_reservation(late, request, now=NOW)

    def begin(**options):
        race(
            give_away,
            rounds=ROUNDS, racers=RACERS, **options,
        )  # fmt: skip
        return db.session.scalar(select(func.count()).select_from(Suspension))

    return begin


def test_the_last_of_them_suspends_whoever_is_last(start):
    assert start() == ROUNDS


def forget_the_person():
    steps.touch_calendar = lambda _user_id: None


def test_without_the_turn_on_the_person_some_would_go_uncounted(start, database_url):
    """If this fails, the test above proves nothing."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite lets one write at a time, whatever they write")
    assert start(prepare=forget_the_person) < ROUNDS
