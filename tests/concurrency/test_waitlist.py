"""Eight at one freed time: one is offered it, or has reserved it; one answer to an offer counts."""

import time
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db, transaction
from app.domain.approval import HOLDING, Status
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import BookingRefused, Taken, WrongState
from app.domain.waitlist import Outcome, WaitState
from app.reservations import offering, services, waitlist
from app.reservations.models import Offer, Reservation, Wait
from tests import factories
from tests.concurrency.racing import RACERS, race, winners
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 20
CONTROL_ROUNDS = 15
SLOT = hours(24, 26)
#: What the database says to who got past the lock; PostgreSQL's constraint may also deadlock.
NET = (IntegrityError, OperationalError)


def person(name):
    return db.session.scalars(select(User).where(User.email == f"{name}@example.org")).one()


def instrument_of(number):
    return db.session.scalars(select(Instrument).where(Instrument.slug == f"race-{number}")).one()


def wait_for(user, instrument, interval=SLOT):
    with transaction():
        db.session.add(
            Wait(
                uid=uuid.uuid4().hex,
                user_id=user.id,
                state=WaitState.WAITING,
                interval=interval,
                duration=interval.duration,
                purpose="race",
                mode=Mode.SELF_OPERATED,
                asked_at=NOW,
                over_at=interval.start,
                instruments=[db.session.get_one(Instrument, instrument.id)],
            )
        )


@pytest.fixture
def start(app):
    def begin(do, **options):
        return race(do, **options)

    return begin


@pytest.fixture
def stage(app):
    """An instrument for each round, free, with two who wait for the same time of it."""
    facility = factories.facility()
    people = [factories.user(f"waits-{n}") for n in range(2)]
    for n in range(RACERS):
        factories.user(f"racer-{n}")
    for number in range(ROUNDS):
        instrument = factories.instrument(slug=f"race-{number}", facility=facility)
        for each in people:
            wait_for(each, instrument)


@pytest.fixture
def offered(stage):
    """The same, each offered to the first, each for a minute longer than the one before."""
    for number in range(ROUNDS):
        assert offering.offer_on(instrument_of(number).id, now=NOW) == 1
    with transaction():
        for number, offer in enumerate(db.session.scalars(select(Offer).order_by(Offer.id))):
            offer.expires_at = expiry(number)


def expiry(number):
    return NOW + timedelta(minutes=number + 1)


def offer(number, _racer):
    """A worker's round on the instrument."""
    try:
        made = offering.offer_on(instrument_of(number).id, now=NOW)
    except NET:
        return "net"
    return "won" if made else "nothing"


def offer_or_reserve(number, racer):
    if racer % 2:
        return offer(number, racer)
    request = BookingRequest(f"race-{number}", SLOT, purpose="race")
    try:
        services.request_reservation(person(f"racer-{racer}"), request, now=NOW)
    except Taken:
        return "taken"
    return "won"


def accept_or_expire(number, racer):
    try:
        if racer % 2:
            return "won" if offering.end_offers(expiry(number)) else "nothing"
        return accept(number)
    except NET:  # In the control: the same mail would be written twice.
        return "net"


def accept(number):
    instrument_id = instrument_of(number).id
    uid = db.session.scalar(
        select(Reservation.uid)
        .join(Offer, Offer.reservation_id == Reservation.id)
        .where(Reservation.instrument_id == instrument_id)
        .order_by(Offer.id)
        .limit(1)
    )
    try:
        waitlist.accept(person("waits-0"), uid, now=expiry(number) - timedelta(seconds=1))
    except (WrongState, BookingRefused):
        return "over"
    return "won"


def held(number):
    db.session.rollback()
    instrument_id = instrument_of(number).id
    return db.session.scalars(
        select(Reservation).where(
            Reservation.instrument_id == instrument_id, Reservation.status.in_(HOLDING)
        )
    ).all()


def said(rounds):
    return {outcome.said for outcomes in rounds for outcome in outcomes}


def let_go():
    """Give up the turn, as if nobody had ever taken it, and let the others come in between."""
    db.session.rollback()
    time.sleep(0.01)
    db.session.connection(execution_options={"writes": True})


def take_lock_away():
    """Control: what was judged is done later, when others have had their turn."""

    def claimed(wait_id):
        let_go()
        return db.session.get(Wait, wait_id)

    offering._claimed = claimed  # noqa: SLF001 – the control takes a guard away
    offering.lock_calendars = lambda ids, *_: {
        key: db.session.get_one(Instrument, key) for key in ids
    }
    judge = services._refuse  # noqa: SLF001

    def judge_and_let_go(*asked):
        aside = judge(*asked)
        let_go()
        return aside

    services._refuse = judge_and_let_go  # noqa: SLF001


def trust_what_was_read():
    """Control: the offer is answered as it was read before the turn was given up."""
    read = offering.open_offer

    def open_before(offer_id):
        if read(offer_id) is None:
            return None
        let_go()
        found = db.session.scalars(
            select(Offer)
            .where(Offer.id == offer_id)
            .options(joinedload(Offer.wait), joinedload(Offer.reservation))
        ).one()
        set_committed_value(found, "outcome", None)
        set_committed_value(found.reservation, "status", Status.OFFERED)
        return found

    offering.open_offer = open_before


def take_net_away():
    with transaction():
        db.session.execute(text("DROP INDEX one_open_offer"))
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("ALTER TABLE reservation DROP CONSTRAINT one_at_a_time"))
        else:
            db.session.execute(text("DROP TRIGGER one_at_a_time_insert"))
            db.session.execute(text("DROP TRIGGER one_at_a_time_update"))


def test_eight_workers_offer_a_time_once(stage, start):
    rounds = start(offer, rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert said(rounds) == {"won", "nothing"}
    assert [len(held(number)) for number in range(ROUNDS)] == [1] * ROUNDS
    offers = db.session.scalars(select(Offer).options(joinedload(Offer.wait))).all()
    assert {each.wait.user_id for each in offers} == {person("waits-0").id}


def test_the_net_of_the_database_alone_keeps_offers_apart(stage, start):
    rounds = start(offer, rounds=CONTROL_ROUNDS, prepare=take_lock_away)

    assert [winners(outcomes) for outcomes in rounds] == [1] * CONTROL_ROUNDS
    assert any(outcome.said == "net" for outcomes in rounds for outcome in outcomes)


def test_without_lock_and_net_several_would_offer_it(stage, start):
    """If this fails, the tests above prove nothing."""
    take_net_away()
    rounds = start(offer, rounds=CONTROL_ROUNDS, prepare=take_lock_away)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert max(len(held(number)) for number in range(CONTROL_ROUNDS)) > 1


def test_a_time_is_offered_or_reserved_but_not_both(stage, start):
    rounds = start(offer_or_reserve, rounds=ROUNDS)

    assert "net" not in said(rounds)
    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert [len(held(number)) for number in range(ROUNDS)] == [1] * ROUNDS


def test_without_lock_and_net_it_would_be_both(stage, start):
    """If this fails, the test above proves nothing."""
    take_net_away()
    rounds = start(offer_or_reserve, rounds=CONTROL_ROUNDS, prepare=take_lock_away)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert max(len(held(number)) for number in range(CONTROL_ROUNDS)) > 1


def test_an_offer_is_taken_or_expires_but_not_both(offered, start):
    rounds = start(accept_or_expire, rounds=ROUNDS)

    assert "net" not in said(rounds)
    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    db.session.rollback()
    first = db.session.scalars(select(Offer).order_by(Offer.id).limit(ROUNDS)).all()
    ends = {(each.outcome, each.reservation.status, each.wait.state) for each in first}
    assert ends <= {
        (Outcome.ACCEPTED, Status.CONFIRMED, WaitState.MET),
        (Outcome.EXPIRED, Status.LAPSED, WaitState.EXPIRED),
    }
    assert [len(held(number)) for number in range(ROUNDS)] == [1] * ROUNDS


def test_without_looking_again_it_would_be_both(offered, start):
    """If this fails, the test above proves nothing."""
    take_net_away()
    rounds = start(accept_or_expire, rounds=CONTROL_ROUNDS, prepare=trust_what_was_read)
    assert max(winners(outcomes) for outcomes in rounds) > 1
