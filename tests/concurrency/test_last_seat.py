"""Eight people on the last seat of a session: one gets it; without taking turns several do."""

import time

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.db import db
from app.training import queries, services
from app.training.models import SignUp, Standing
from tests import factories
from tests.concurrency.racing import RACERS, race
from tests.training.conftest import session

pytestmark = pytest.mark.race

ROUNDS = 20
CONTROL_ROUNDS = 10


@pytest.fixture
def racers(app):
    return [factories.user(f"racer-{n}") for n in range(RACERS)]


@pytest.fixture
def start(app):
    """Start the race on this test's database."""

    def begin(do, **options):
        return race(do, **options)

    return begin


def sign_up(sessions):
    """One racer's try for the session of the round: a seat, or the waitlist."""

    def one(number, racer):
        user = db.session.scalars(
            select(User).where(User.email == f"racer-{racer}@example.org")
        ).one()
        return services.sign_up(user, sessions[number], now=factories.NOW).standing.value

    return one


def seated(ids):
    """How many have a seat, by session."""
    counted = (
        select(func.count())
        .select_from(SignUp)
        .where(SignUp.standing == Standing.SEATED)
        .group_by(SignUp.session_id)
    )
    return sorted(db.session.scalars(counted.where(SignUp.session_id.in_(ids))))


def take_turns_away():
    """Control: the seats are counted before anybody's turn begins."""

    def read_only(session_id):
        found = queries.session_by_id(session_id)
        count = services._count_seated(found)  # noqa: SLF001 – the control takes a guard away
        services._count_seated = lambda _session: count  # noqa: SLF001
        # The turn that was begun is given up, so that all count before anybody writes.
        db.session.rollback()
        time.sleep(0.05)
        db.session.connection(execution_options={"writes": True})
        return queries.session_by_id(session_id)

    services._take_turn = read_only  # noqa: SLF001


def planned(facility, rounds):
    return [session(facility, seats=1).id for _ in range(rounds)]


def test_one_of_eight_gets_the_last_seat_and_seven_wait(racers, microscope, start):
    ids = planned(microscope.facility, ROUNDS)
    rounds = start(sign_up(ids), rounds=ROUNDS)

    told = [sorted(outcome.said for outcome in outcomes) for outcomes in rounds]
    assert told == [["seated", *["waiting"] * (RACERS - 1)]] * ROUNDS
    assert seated(ids) == [1] * ROUNDS


def test_without_taking_turns_several_would_get_it(racers, microscope, start):
    """If this fails, the test above proves nothing."""
    ids = planned(microscope.facility, CONTROL_ROUNDS)
    start(sign_up(ids), rounds=CONTROL_ROUNDS, prepare=take_turns_away)

    assert max(seated(ids)) > 1
