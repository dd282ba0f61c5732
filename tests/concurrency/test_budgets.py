"""Eight people at once on eight instruments, and a budget for three uses: just three are held."""

import time

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused
from app.projects import budgets, funding
from app.projects.models import AccountHold
from app.reservations import services
from tests import factories
from tests.concurrency.racing import RACERS, race
from tests.factories import NOW, hours
from tests.projects.test_projects import account_of
from tests.reservations.test_paying import pay

pytestmark = pytest.mark.race

ROUNDS = 5
PRICE = 10_000
BUDGET = 3 * PRICE + PRICE // 2


@pytest.fixture
def stage(app, mina, microscope):
    """Eight people and instruments; for each round an account of its own that all may charge."""
    prices = {"unit": "hour", "own_institution": PRICE}
    racers = [factories.user(f"racer-{n}", institution=factories.kaist()) for n in range(RACERS)]
    for n in range(RACERS):
        factories.instrument(slug=f"racing-{n}", facility=microscope.facility, prices=prices)
    for n in range(ROUNDS):
        account = account_of(mina, f"R-{n}", budget=BUDGET)
        for each in racers:
            funding.let_charge(mina, account.id, each.email, now=NOW)


def reserve(number, racer):
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    at = 24 * number + 24
    asked = BookingRequest(
        f"racing-{racer}", hours(at, at + 1), purpose="imaging", shares=pay(**{f"R_{number}": 100})
    )
    try:
        services.request_reservation(user, asked, now=NOW)
    except BookingRefused as refused:
        return [each.code for each in refused.refusals]
    return []


def held():
    """What each account holds."""
    rows = db.session.execute(select(func.sum(AccountHold.amount)).group_by(AccountHold.account_id))
    return sorted(map(int, rows.scalars()))


def test_no_more_is_reserved_than_a_budget_covers(stage):
    rounds = race(reserve, rounds=ROUNDS)

    told = [sorted(each.said for each in outcomes) for outcomes in rounds]
    assert told == [[[]] * 3 + [["account-not-allowed"]] * 5] * ROUNDS
    assert held() == [3 * PRICE] * ROUNDS


def take_turns_away():
    """Control: nobody waits for whoever holds of the same account."""
    read = budgets.committed_of

    def slowly(*args):
        time.sleep(0.05)
        return read(*args)

    budgets._take_turn = lambda _account: None  # noqa: SLF001 – the control takes a guard away
    budgets.committed_of = slowly


def test_without_taking_turns_more_would_be(stage, database_url):
    """If this fails, the test above proves nothing."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite lets one write at a time, whatever they take turns on")
    race(reserve, rounds=ROUNDS, prepare=take_turns_away)

    assert max(held()) > BUDGET
