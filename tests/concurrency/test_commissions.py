"""Managers who place the same commission at once: it becomes one reservation."""

import time

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.db import db
from app.domain.errors import WrongState
from app.mail.models import OutgoingMail
from app.reservations import commissions, placing
from app.reservations.commission_models import Commission
from app.reservations.commissions import Order
from app.reservations.models import Reservation
from app.reservations.placing import Placement
from tests import factories
from tests.concurrency.racing import race, winners
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 20
CONTROL_ROUNDS = 10
RACERS = 4


def place(number, racer):
    """Each at a time of their own: nothing but its state keeps the second one from it."""
    manager = db.session.scalars(
        select(User).where(User.email == f"racer-{racer}@example.org")
    ).one()
    found = db.session.scalars(select(Commission).where(Commission.purpose == str(number))).one()
    start = 2 + 10 * number + 2 * racer
    try:
        placing.place(manager, found.uid, Placement(hours(start, start + 1)), now=NOW)
    except WrongState:
        return "too late"
    return "won"


def judge_before_the_turn():
    """Control: where it stands is read, then the turn is given up before the reservation."""
    step = placing.step

    def step_and_let_go(*asked):
        found = step(*asked)
        uid = found.uid
        db.session.rollback()
        time.sleep(0.05)  # SQLite's waiters poll: without a pause none would get its turn.
        db.session.connection(execution_options={"writes": True})
        found = db.session.scalars(select(Commission).where(Commission.uid == uid)).one()
        found.state = "placed"
        return found

    placing.step = step_and_let_go
    # A mail's key is a net of its own, which would stop the second one loudly.
    placing.commission_notices.placed = lambda *_, **__: None


@pytest.fixture
def waiting(microscope, mina):
    """One commission for each round."""
    lab = factories.instrument(facility=microscope.facility, booking={"modes": ["commissioned"]})
    for number in range(RACERS):
        factories.user(f"racer-{number}", manages=microscope.facility)
    for number in range(ROUNDS):
        order = Order(instrument=lab.slug, purpose=str(number), samples=1)
        commissions.ask(mina, order, now=NOW)


@pytest.fixture
def start(app):
    def begin(**options):
        return race(place, racers=RACERS, **options)

    return begin


def made():
    return db.session.scalar(select(func.count(Reservation.id)))


def test_of_all_who_place_it_at_once_one_does(waiting, start):
    rounds = start(rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert made() == ROUNDS
    told = select(func.count(OutgoingMail.id)).where(OutgoingMail.template == "commission_told")
    assert db.session.scalar(told) == 2 * ROUNDS  # asked for, and placed once


def test_without_turns_it_would_become_several(waiting, start):
    """If this fails, the test above proves nothing."""
    rounds = start(rounds=CONTROL_ROUNDS, prepare=judge_before_the_turn)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert made() > CONTROL_ROUNDS
