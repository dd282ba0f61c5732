"""A close that is killed at any point, or run twice at once, is as if it had run once."""

import os
import signal

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError

from app.accounts.access import OPERATOR
from app.accounts.models import Institution
from app.accounts.places import institution_by_slug
from app.billing import closing, queries
from app.billing.models import LedgerPosting, Statement
from app.db import db
from app.domain.errors import WrongState
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH
from tests.concurrency.racing import race, winners

pytestmark = pytest.mark.race

SUPPLIERS = ("kaist", "cnu", "kribb")
#: Each statement is a point to die at, before and after it.
LEAST_POINTS = 50
ROUNDS = 10


@pytest.fixture
def month(confocal, boss, theo, mina, reserve):
    """Three suppliers, each with uses by the people of two institutions."""
    ada = factories.user("ada", site_administrator=True)
    for slug in SUPPLIERS[1:]:
        home = db.session.scalar(
            select(Institution).where(Institution.slug == slug)
        ) or factories.institution(slug=slug)
        other = factories.instrument(
            facility=factories.facility(institution=home), prices=dict(confocal.prices)
        )
        reserve(theo, 10, 12, instrument=other)
        reserve(mina, 12, 15, instrument=other)
    reserve(theo, 1, 3)
    reserve(mina, 4, 5)
    return ada


def close_all(user):
    for slug in SUPPLIERS:
        try:
            closing.close_month(user, slug, MARCH, now=CLOSING)
        except closing.ClosedAlready:
            continue


def die_at(point, do):
    """Do it in a process of its own that kills itself at its n-th point; whether it did."""
    db.session.remove()
    db.engine.dispose()
    child = os.fork()
    if not child:
        passed = iter(range(1, point))

        def perhaps(*_):
            if next(passed, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(db.engine, moment, perhaps)
        try:
            do()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def posted():
    """All that closing wrote, but for the names that chance gives."""
    statements = db.session.execute(
        select(Statement.supplier_id, Statement.payer_id, Statement.number, Statement.net).order_by(
            Statement.supplier_id, Statement.number
        )
    ).all()
    amounts = db.session.execute(
        select(LedgerPosting.account, LedgerPosting.amount).order_by(
            LedgerPosting.account, LedgerPosting.amount
        )
    ).all()
    return statements, amounts


def test_a_close_killed_anywhere_and_run_again_is_as_if_it_ran_once(month):
    ada_id = month.id
    point, kills, written = 1, 0, 0
    while die_at(point, lambda: close_all(db.session.get_one(type(month), ada_id))):
        db.session.rollback()
        assert list(queries.complaints()) == []
        numbers = len(db.session.scalars(select(Statement.number)).all())
        assert numbers in {0, 2, 4, 6}, "a supplier's statements come together or not at all"
        # What was closed before a kill stays closed: the next supplier dies from its start on.
        point = 1 if numbers > written else point + 1
        kills, written = kills + 1, numbers
    assert kills > LEAST_POINTS

    assert list(queries.complaints()) == []
    statements, amounts = posted()
    assert [(number, net) for _, _, number, net in statements] == [
        *((1, 20_000), (2, 10_000)),
        *((1, 20_000), (2, 30_000)),
        *((1, 20_000), (2, 30_000)),
    ]
    assert sum(amount for _, amount in amounts) == 0


def close(_number, _racer):
    try:
        closing.close_month(OPERATOR, "kaist", MARCH, now=CLOSING)
    except WrongState:
        return "too late"
    return "won"


def test_two_who_close_at_once_close_once(month):
    [outcomes] = race(close, rounds=1, racers=4)

    assert winners(outcomes) == 1
    assert len(posted()[0]) == 2


def close_one_of_two_months(number, racer):
    """One closes March, another April, of the same supplier and with the same uses."""
    month, now = ((MARCH, CLOSING), (APRIL, LATER))[racer]
    try:
        closing.close_month(OPERATOR, f"lender-{number}", month, now=now)
    except WrongState:
        return "too late"
    except IntegrityError:
        return "clash"
    return "won"


def take_no_turns():
    """Control: closes of one supplier look at the same uses at once."""
    closing._take_turn = institution_by_slug  # noqa: SLF001


@pytest.fixture
def lenders(confocal, theo, reserve):
    """One for each round, with a use of March."""
    for number in range(ROUNDS):
        home = factories.institution(slug=f"lender-{number}")
        place = factories.facility(institution=home)
        other = factories.instrument(facility=place, prices=dict(confocal.prices))
        reserve(theo, 10 + 2 * number, 12 + 2 * number, instrument=other)


def test_two_who_close_different_months_at_once_charge_nothing_twice(lenders):
    rounds = race(close_one_of_two_months, rounds=ROUNDS, racers=2)

    said = {outcome.said for outcomes in rounds for outcome in outcomes}
    assert said <= {"won", "too late"}
    assert len(posted()[0]) == ROUNDS
    assert list(queries.complaints()) == []


def test_without_turns_two_closes_clash(database_url, lenders):
    """If this fails, the test above proves nothing."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite lets one write at a time, whatever they write")
    rounds = race(
        close_one_of_two_months,
        rounds=ROUNDS,
        racers=2,
        prepare=take_no_turns,
    )

    assert "clash" in {outcome.said for outcomes in rounds for outcome in outcomes}
