"""One takes a reservation over twice, or when its holder cancels it: one of both counts."""

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import NotFound, WrongState
from app.reservations import hand_overs, services
from app.reservations.models import Reservation
from tests.concurrency.racing import race, winners
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 30


def person(name):
    return db.session.scalars(select(User).where(User.email == f"{name}@example.org")).one()


def take_or_cancel(uids, number, racer):
    try:
        if racer:
            services.cancel_reservation(person("mina"), uids[number], now=NOW)
        else:
            hand_overs.take(person("jun"), uids[number], now=NOW)
    except (NotFound, WrongState):
        return "refused"
    return "won"


def take(uids, number, _racer):
    try:
        hand_overs.take(person("jun"), uids[number], now=NOW)
    except (NotFound, WrongState):
        return "refused"
    return "won"


@pytest.fixture
def start(mina, jun, microscope):
    uids = []
    for number in range(ROUNDS):
        span = hours(2 * number + 1, 2 * number + 2)
        request = BookingRequest(microscope.slug, span, purpose="race")
        made = services.request_reservation(mina, request, now=NOW)
        hand_overs.offer(mina, made.uid, jun.email, now=NOW)
        uids.append(made.uid)

    def begin(act=take_or_cancel, **options):
        return race(
            lambda number, racer: act(uids, number, racer),
            rounds=ROUNDS,
            racers=2,
            **options,
        )

    return begin


def taken_and_cancelled():
    """What was taken over and cancelled by who held it before."""
    jun = person("jun").id
    found = select(Reservation).where(
        Reservation.holder_id == jun, Reservation.status == Status.CANCELLED
    )
    return db.session.scalars(found).all()


def test_either_it_is_taken_or_it_is_cancelled(start):
    rounds = start()
    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert taken_and_cancelled() == []


def test_it_is_taken_once(start):
    assert [winners(outcomes) for outcomes in start(take)] == [1] * ROUNDS


def take_no_turn():
    """Control: nobody waits for the other."""
    for module in (hand_overs, services):
        module.lock_reserved = lambda before, _interval=None: db.session.get(
            Instrument, before.instrument_id
        )
    hand_overs.touch_calendar = lambda _user_id: None
    # That no mail goes out twice would stop the second one, too.
    hand_overs.notices.taken = lambda *_, **_now: None
    hand_overs.requested = lambda *_, **_now: None


@pytest.mark.parametrize("act", [take, take_or_cancel])
def test_without_turns_both_would_count(start, database_url, act):
    """If this fails, the tests above prove nothing."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite lets one write at a time, whatever they write")
    assert any(winners(outcomes) > 1 for outcomes in start(act, prepare=take_no_turn))
