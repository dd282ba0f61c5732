"""Coming while the time is given away, going while others want it: each hour has one owner."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.models import User
from app.audit.models import AuditRow
from app.db import db
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import Taken, WrongState
from app.domain.interval import Interval
from app.reservations import no_shows, services, use
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import race, winners
from tests.concurrency.test_reserving import overbooked, take_net_away
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 40
CONTROL_ROUNDS = 15
RACERS = 4
SECOND = timedelta(seconds=1)


def slot(number):
    return hours(4 * number + 1, 4 * number + 5)


def middle(number):
    return slot(number).start + timedelta(hours=2)


def person(number):
    return db.session.scalars(select(User).where(User.email == f"racer-{number}@example.org")).one()


def reservation_of(number):
    start = slot(number).start
    return db.session.scalars(
        select(Reservation).where(Reservation.starts_at == start).order_by(Reservation.id)
    ).first()


def come_or_give_away(number, racer):
    """One comes in the last second, the others run the job that gives the time away."""
    made = reservation_of(number)
    if racer == 0:
        try:
            use.check_in(person(0), made.uid, now=made.no_show_at - SECOND)
        except WrongState:
            return "too late"
        return "won"
    try:
        found = use.release_missed(made.no_show_at, lambda: False)
    except IntegrityError:  # in the control: the same mail twice
        return "told already"
    return "won" if found else "nothing to do"


def go_or_reserve(slug, number, racer):
    """One ends early, the others try to reserve what is freed until somebody has it."""
    rest = Interval(middle(number), slot(number).end)
    if racer == 0:
        made = reservation_of(number)
        use.check_in(person(0), made.uid, now=slot(number).start)
        use.check_out(person(0), made.uid, now=middle(number))
        return "left"
    request = BookingRequest(slug, rest, purpose="race")
    for _ in range(500):
        try:
            services.request_reservation(person(racer), request, now=middle(number))
        except Taken as taken:
            if any(each.interval.start >= rest.start for each in taken.taken):
                return "taken"
        else:
            return "won"
    return "never free"


def let_go(reservation):
    """Control: what was read is believed on, though the turn was given up meanwhile."""
    columns = [column.key for column in inspect(Reservation).column_attrs]
    seen = {name: getattr(reservation, name) for name in columns}
    db.session.rollback()
    time.sleep(0.02)
    db.session.connection(execution_options={"writes": True})
    for name, value in seen.items():
        set_committed_value(reservation, name, value)


def take_turns_away():
    say_why, end = use._say_why, no_shows.end  # noqa: SLF001 – the control takes a guard away

    def say_why_and_let_go(reservation, *rest):
        say_why(reservation, *rest)
        let_go(reservation)

    def let_go_and_end(reservation, *rest):
        let_go(reservation)
        end(reservation, *rest)

    use._say_why, no_shows.end = say_why_and_let_go, let_go_and_end  # noqa: SLF001


def take_lock_away():
    """Control: between the check and the insert others have their turn, for long enough."""
    judge = services._refuse  # noqa: SLF001

    def judge_and_let_go(*asked):
        judged = judge(*asked)
        db.session.rollback()
        time.sleep(0.05)
        db.session.connection(execution_options={"writes": True})
        return judged

    services._refuse = judge_and_let_go  # noqa: SLF001


@pytest.fixture
def strict(microscope):
    return factories.instrument(facility=microscope.facility, booking={"check_in": "required"})


@pytest.fixture
def racers(app):
    return [factories.user(f"racer-{n}") for n in range(RACERS)]


@pytest.fixture
def start(app):
    def begin(do, **options):
        return race(do, racers=RACERS, **options)

    return begin


def reserved(racers, instrument, rounds):
    for number in range(rounds):
        request = BookingRequest(instrument.slug, slot(number), purpose="own")
        services.request_reservation(racers[0], request, now=NOW)


def ends():
    """How often each reservation was begun or given away."""
    rows = db.session.execute(
        select(AuditRow.subject, AuditRow.action).where(
            AuditRow.action.in_(("check-in", "mark-no-show"))
        )
    ).all()
    return sorted(subject for subject, _ in rows)


def test_who_comes_in_the_last_second_either_has_the_time_or_has_lost_it(racers, strict, start):
    reserved(racers, strict, ROUNDS)
    rounds = start(come_or_give_away, rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert len(ends()) == len(set(ends())) == ROUNDS
    states = set(db.session.scalars(select(Reservation.status)))
    assert states <= {Status.IN_USE, Status.COMPLETED, Status.NO_SHOW}


def test_without_turns_both_would_have_it(racers, strict, start):
    """If this fails, the test above proves nothing."""
    reserved(racers, strict, CONTROL_ROUNDS)
    rounds = start(come_or_give_away, rounds=CONTROL_ROUNDS, prepare=take_turns_away)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert len(ends()) > len(set(ends()))


def test_what_is_freed_early_goes_to_one_of_those_who_want_it(racers, strict, start):
    reserved(racers, strict, ROUNDS)
    slug = strict.slug
    rounds = start(lambda number, racer: go_or_reserve(slug, number, racer), rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert overbooked(strict) == []


def test_without_lock_and_net_several_would_get_it(racers, strict, start):
    """If this fails, the test above proves nothing."""
    reserved(racers, strict, CONTROL_ROUNDS)
    take_net_away()
    slug = strict.slug
    rounds = start(
        lambda number, racer: go_or_reserve(slug, number, racer),
        rounds=CONTROL_ROUNDS,
        prepare=take_lock_away,
    )

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert overbooked(strict) != []
