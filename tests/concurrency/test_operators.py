"""Eight instruments and one operator: one reservation has them; without the lock several do."""

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.db import db
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import Taken
from app.reservations import duties, services
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import RACERS, race, winners
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS, CONTROL_ROUNDS = 40, 25


def attend(slugs, number, racer):
    """Each asks for another instrument, all for the same time with the same operator."""
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    slot = hours(2 * number + 1, 2 * number + 3)
    request = BookingRequest(slugs[racer], slot, purpose="race", mode=Mode.ASSISTED)
    try:
        services.request_reservation(user, request, now=NOW)
    except Taken as taken:
        return tuple(refusal.code for refusal in taken.refusals)
    return "won"


def forget_the_operators():
    """Control: only the calendars of the instruments are waited for."""
    duties.lock_operators = lambda _: None


@pytest.fixture
def slugs(app):
    for n in range(RACERS):
        factories.user(f"racer-{n}")
    facility = factories.facility(
        booking={"operator": "required", "modes": ["operator_assisted"], "earliest": "P90D"}
    )
    instruments = [factories.instrument(facility=facility) for _ in range(RACERS)]
    found = [each.slug for each in instruments]
    factories.operator(factories.user("operator"), *instruments)
    return found


@pytest.fixture
def start(app, slugs):
    def begin(**options):
        def do(number, racer):
            return attend(slugs, number, racer)

        return race(do, **options)

    return begin


def test_an_operator_attends_one_of_eight(start):
    rounds = start(rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    losers = {o.said for outcomes in rounds for o in outcomes if o.said != "won"}
    assert losers == {("operator-busy",)}
    held = db.session.scalars(select(Reservation.starts_at)).all()
    assert len(set(held)) == len(held) == ROUNDS


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_waiting_for_the_operator_they_would_attend_several(start):
    """On SQLite there is one writer at a time, so that this needs no lock of its own there."""
    rounds = start(rounds=CONTROL_ROUNDS, prepare=forget_the_operators)

    assert max(winners(outcomes) for outcomes in rounds) > 1
