"""A close that is killed at any point, or run twice at once, is as if it had run once."""

import os
import signal

import pytest
from sqlalchemy import event, select

from app.accounts.access import OPERATOR
from app.accounts.models import Institution
from app.billing import closing, queries
from app.billing.models import LedgerPosting, Statement
from app.db import db
from app.domain.errors import WrongState
from tests import factories
from tests.billing.conftest import CLOSING, MARCH
from tests.concurrency.racing import race, winners

pytestmark = pytest.mark.race

SUPPLIERS = ("kaist", "cnu", "kribb")
#: Each statement is a point to die at, before and after it.
LEAST_POINTS = 50


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
    point = 1
    while die_at(point, lambda: close_all(db.session.get_one(type(month), ada_id))):
        db.session.rollback()
        assert list(queries.complaints()) == []
        numbers = db.session.scalars(select(Statement.number)).all()
        assert len(numbers) in {0, 2, 4, 6}, "a supplier's statements come together or not at all"
        point += 1
    # What was closed before a kill stays closed, so the last, whole run had less to do.
    assert point > LEAST_POINTS

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


def test_two_who_close_at_once_close_once(database_url, tmp_path, month):
    [outcomes] = race(database_url, tmp_path / "instance", close, rounds=1, racers=4)

    assert winners(outcomes) == 1
    assert len(posted()[0]) == 2
