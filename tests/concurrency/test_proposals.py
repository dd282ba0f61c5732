"""A proposed time is nobody's until it is accepted, and what is decided is decided once."""

import pytest
from sqlalchemy import select

from app.audit.models import AuditRow
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import Taken, WrongState
from app.reservations import deciding, proposals, services
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import race, winners
from tests.concurrency.test_reserving import take_lock_away, take_net_away
from tests.concurrency.test_using import person, slot
from tests.factories import NOW

pytestmark = pytest.mark.race

ROUNDS = 20
CONTROL_ROUNDS = 10
RACERS = 4


def proposed_slot(number):
    return slot(ROUNDS + number)


def accept(number):
    made = db.session.scalars(
        select(Reservation).where(Reservation.purpose == f"round {number}")
    ).one()
    try:
        proposals.accept_time(made.holder, made.uid, now=NOW)
    except (Taken, WrongState):
        return "too late"
    return "won"


def accept_or_reserve(number, racer):
    """The holder takes the proposed time, and the others want it for themselves."""
    if racer == 0:
        return accept(number)
    request = BookingRequest("guarded", proposed_slot(number))
    try:
        services.request_reservation(person(racer), request, now=NOW)
    except Taken:
        return "taken"
    return "won"


def accept_or_approve(number, racer):
    """The holder takes the proposed time, and managers agree to the present one."""
    if racer == 0:
        return accept(number)
    made = db.session.scalars(
        select(Reservation).where(Reservation.purpose == f"round {number}")
    ).one()
    try:
        deciding.approve_reservation(person(racer), made.uid, now=NOW)
    except WrongState:
        return "too late"
    return "won"


@pytest.fixture
def proposed(microscope, mina):
    """For each round a request whose holder is offered another time."""
    guarded = factories.instrument(
        slug="guarded", facility=microscope.facility, booking={"approval": "each"}
    )
    for number in range(RACERS):
        factories.user(f"racer-{number}", manages=microscope.facility)
    for number in range(ROUNDS):
        request = BookingRequest(guarded.slug, slot(number), purpose=f"round {number}")
        made = services.request_reservation(mina, request, now=NOW)
        proposals.propose_time(person(0), made.uid, proposed_slot(number), now=NOW)
    return guarded


@pytest.fixture
def start(app):
    def begin(do, **options):
        return race(do, racers=RACERS, **options)

    return begin


def held_twice():
    """The proposed times that more than one reservation lies on."""
    starts = list(db.session.scalars(select(Reservation.starts_at)))
    return sorted({each for each in starts if starts.count(each) > 1})


def test_of_all_who_want_the_proposed_time_one_has_it(proposed, start):
    rounds = start(accept_or_reserve, rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert held_twice() == []


def test_without_lock_and_net_several_would_have_it(proposed, start):
    """If this fails, the test above proves nothing."""
    take_net_away()
    rounds = start(accept_or_reserve, rounds=CONTROL_ROUNDS, prepare=take_lock_away)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert held_twice() != []


def test_accepted_or_approved_it_is_decided_once(proposed, start):
    rounds = start(accept_or_approve, rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    decided = list(
        db.session.scalars(select(AuditRow.subject).where(AuditRow.action == "approve-reservation"))
    )
    assert len(decided) == len(set(decided)) == ROUNDS
