"""Administrators who act at the same moment: nobody is left out, nothing is given twice."""

import threading

import pytest
from sqlalchemy import delete, func, select, update

from app.accounts import administration, places
from app.accounts.models import RoleGrant, RoleName, User, Visit
from app.accounts.throttle import VisitStorage
from app.catalog.models import BlackoutKind, Facility
from app.db import db, transaction
from app.domain.errors import WrongState
from app.reservations import closures
from app.reservations.closures import Closure
from tests import factories
from tests.factories import NOW, hours

pytestmark = pytest.mark.race

ROUNDS = 10
WHEN = {"now": NOW, "today": NOW.date()}


def together(app, *works):
    """What each of the works met, done at the same instant in threads of their own."""
    told, barrier = [None] * len(works), threading.Barrier(len(works))

    def run(place, work):
        with app.app_context():
            barrier.wait(60)
            try:
                work()
                told[place] = "done"
            except WrongState:
                told[place] = "refused"
            except Exception as failed:  # noqa: BLE001 – told, whatever it is
                told[place] = repr(failed)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    db.session.rollback()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(map(str, told))


@pytest.fixture
def two(app, ada):
    """The ids of the two people who administer the site."""
    return ada.id, factories.user("bea", site_administrator=True).id


def switch_off(actor, of):
    def work():
        actor_now, user = db.session.get(User, actor), db.session.get(User, of)
        administration.switch_off(actor_now, user, **WHEN)

    return work


def revoke(actor, of):
    def work():
        actor_now, user = db.session.get(User, actor), db.session.get(User, of)
        (grant,) = db.session.scalars(select(RoleGrant.id).where(RoleGrant.user_id == of))
        administration.revoke_role(actor_now, user, grant, **WHEN)

    return work


def test_two_who_switch_each_other_off_do_not_both_succeed(app, two):
    for _ in range(ROUNDS):
        with transaction():
            db.session.execute(update(User).values(active=True))
        assert "done" in together(app, switch_off(*two), switch_off(*reversed(two)))
        left = select(func.count()).where(User.active, User.id.in_(two))
        assert db.session.scalar(left) == 1


def test_two_who_take_each_others_role_do_not_both_succeed(app, two):
    for _ in range(ROUNDS):
        with transaction():
            db.session.execute(delete(RoleGrant))
            for each in two:
                grant = RoleGrant(user_id=each, role=RoleName.SITE_ADMINISTRATOR, granted_at=NOW)
                db.session.add(grant)
        assert "done" in together(app, revoke(*two), revoke(*reversed(two)))
        assert db.session.scalar(select(func.count()).select_from(RoleGrant)) == 1


def test_a_role_given_by_several_at_once_is_given_once(app, ada, mina, microscope):
    place = places.place_by_slug(microscope.facility.slug)
    actor, of = ada.id, mina.id

    def give():
        actor_now, user = db.session.get(User, actor), db.session.get(User, of)
        administration.grant_role(actor_now, user, RoleName.FACILITY_MANAGER, place, **WHEN)

    for _ in range(ROUNDS):
        with transaction():
            db.session.execute(delete(RoleGrant).where(RoleGrant.user_id == of))
        assert together(app, *[give] * 4) == ["done"] * 4
        given = select(func.count()).where(RoleGrant.user_id == of)
        assert db.session.scalar(given) == 1


def test_a_closure_is_lifted_once(app, sora, microscope):
    facility, manager = microscope.facility.id, sora.id
    for number in range(ROUNDS):
        closure = Closure(interval=hours(1 + number, 2 + number), kind=BlackoutKind.FAULT)
        (made,) = closures.close_time(sora, microscope.facility, closure, now=NOW)
        closed = made.id

        def lift(closed=closed):
            here, user = db.session.get(Facility, facility), db.session.get(User, manager)
            closures.reopen(user, here, closed, now=NOW)

        assert together(app, lift, lift, lift) == ["done", "refused", "refused"]


def test_attempts_of_many_after_a_quiet_time_do_not_wait_for_each_other(app):
    """Each counts its own row anew and forgets those that are over, the others' among them."""
    keys = [f"account-{n}" for n in range(6)]

    def attempt(key):
        return lambda: VisitStorage.incr(object.__new__(VisitStorage), key, 60)

    for _ in range(4 * ROUNDS):
        with transaction():
            db.session.execute(delete(Visit))
            for key in keys:
                db.session.add(Visit(key=key, count=3, expires_at=NOW))
        db.session.expunge_all()
        assert together(app, *map(attempt, keys)) == ["done"] * len(keys)
