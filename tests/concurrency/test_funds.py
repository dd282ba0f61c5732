"""Eight people at once on eight instruments, and a fund for three uses: it gives just three."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import Invalid
from app.programmes import holding
from app.programmes.models import FundHold
from app.reservations import services
from tests import factories
from tests.concurrency.racing import RACERS, race
from tests.factories import NOW, hours
from tests.programmes.conftest import fund_of
from tests.rates.conftest import set_card

pytestmark = pytest.mark.race

ROUNDS = 5
PART = 7_000  # of 10,000 won an hour


@pytest.fixture
def stage(app, sora, microscope, ada):
    """Eight people and instruments; for each round a fund of its own day."""
    city = factories.institution(slug="daejeon")
    set_card(sora, microscope, 10_000, of="facility")
    for n in range(RACERS):
        factories.user(f"racer-{n}")
        factories.instrument(slug=f"racing-{n}", facility=microscope.facility)
    for n in range(ROUNDS):
        day = (NOW + timedelta(days=n + 1)).date()
        fund_of(ada, city, f"round-{n}", starts_on=day, ends_on=day, cap_whole=3 * PART + PART // 2)


@pytest.fixture
def start(app):
    def begin(**options):
        return race(reserve, rounds=ROUNDS, **options)

    return begin


def reserve(number, racer, most=None):
    user = db.session.scalars(select(User).where(User.email == f"racer-{racer}@example.org")).one()
    at = 24 * number + 24
    asked = BookingRequest(f"racing-{racer}", hours(at, at + 1), purpose="imaging", most=most)
    try:
        return services.request_reservation(user, asked, now=NOW).quote["fund"][0]["amount"]
    except Invalid as dearer:
        return "most" in dearer.fields


def reserve_as_shown(number, racer):
    """Each was shown what the fund gives to whoever is first."""
    return reserve(number, racer, most=10_000 - PART)


def held():
    """What each fund holds."""
    rows = db.session.execute(select(func.sum(FundHold.amount)).group_by(FundHold.fund_id))
    return sorted(rows.scalars())


def test_a_fund_gives_no_more_than_it_has(stage, start):
    rounds = start()

    told = [sorted((each.said for each in outcomes), reverse=True) for outcomes in rounds]
    assert told == [[PART] * 3 + [PART // 2] + [0] * 4] * ROUNDS
    assert held() == [3 * PART + PART // 2] * ROUNDS


def test_nobody_pays_more_than_they_were_shown(stage):
    rounds = race(reserve_as_shown, rounds=ROUNDS)

    told = [sorted(each.said for each in outcomes) for outcomes in rounds]
    assert told == [[True] * 5 + [PART] * 3] * ROUNDS
    assert held() == [3 * PART] * ROUNDS


def take_turns_away():
    """Control: what is spent is read before anybody's turn begins."""
    read = holding.Purse.read_spent

    def slowly(purse, *args):
        read(purse, *args)
        time.sleep(0.05)

    holding._take_turn = lambda _fund: None  # noqa: SLF001 – the control takes a guard away
    holding.Purse.read_spent = slowly


def test_without_taking_turns_it_would(stage, start, database_url):
    """If this fails, the tests above prove nothing."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite lets one write at a time, whatever they take turns on")
    start(prepare=take_turns_away)

    assert max(held()) > 3 * PART + PART // 2
