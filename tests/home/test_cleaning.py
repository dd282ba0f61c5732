"""What is over is forgotten, what was promised is kept."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from app.accounts.jobs import forget_visits
from app.accounts.models import User, Visit
from app.db import db
from app.reservations.jobs import forget_idempotency_keys
from app.reservations.models import IdempotencyKey
from tests import factories
from tests.conftest import NOW

HOUR = timedelta(hours=1)


def test_visits_are_forgotten_once_they_are_over(app: Flask) -> None:
    factories.save(Visit(key="over", count=3, expires_at=NOW - timedelta(seconds=1)))
    factories.save(Visit(key="counts", count=3, expires_at=NOW + timedelta(seconds=1)))

    forget_visits(NOW)
    forget_visits(NOW)

    assert db.session.scalars(select(Visit.key)).all() == ["counts"]


def test_idempotency_keys_are_kept_for_a_day_at_least(mina: User) -> None:
    for hours in (23, 25, 27):
        factories.save(
            IdempotencyKey(
                user_id=mina.id,
                key=str(hours),
                body_digest="0" * 64,
                reservation_uid="a",
                made_at=NOW - hours * HOUR,
            )
        )

    forget_idempotency_keys(NOW)

    assert set(db.session.scalars(select(IdempotencyKey.key))) == {"23", "25"}
