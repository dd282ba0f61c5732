"""Synthetic data: as much as asked, the same each time, and never two at once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby, pairwise

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import HOLDING
from app.domain.booking import BookingRequest
from app.domain.errors import Taken
from app.domain.interval import Interval
from app.reservations import fake, services
from app.reservations.models import Reservation

LOAD = fake.Load(instruments=7, reservations=500, users=11)


def _rows() -> list[tuple[object, ...]]:
    return [
        tuple(row)
        for row in db.session.execute(
            select(
                Reservation.uid,
                Instrument.slug,
                User.email,
                Reservation.starts_at,
                Reservation.ends_at,
                Reservation.status,
                Reservation.purpose,
                Reservation.requested_at,
            )
            .join(Reservation.instrument)
            .join(Reservation.holder)
            .order_by(Reservation.id)
        )
    ]


def _held() -> Iterable[tuple[int, list[Interval]]]:
    rows = db.session.execute(
        select(Reservation.instrument_id, Reservation.starts_at, Reservation.ends_at)
        .where(Reservation.status.in_(HOLDING))
        .order_by(Reservation.instrument_id, Reservation.starts_at)
    )
    for instrument_id, group in groupby(rows, key=lambda row: row[0]):
        yield instrument_id, [Interval(start, end) for _, start, end in group]


def test_as_many_as_asked_and_no_two_at_once(app: Flask, now: datetime):
    steps: list[int] = []
    fake.make(LOAD, now=now, step=steps.append)

    assert sum(steps) == LOAD.reservations
    assert db.session.scalar(select(func.count(Reservation.id))) == LOAD.reservations
    assert db.session.scalar(select(func.count(User.id))) == LOAD.users
    held = dict(_held())
    assert len(held) == LOAD.instruments
    for intervals in held.values():
        assert all(one.end <= other.start for one, other in pairwise(intervals))
        assert intervals[0].start < now < intervals[-1].start


def test_the_longest_hold_is_known(app: Flask, now: datetime):
    fake.make(LOAD, now=now)

    for instrument in db.session.scalars(select(Instrument)):
        spans = [
            row.interval.duration
            for row in db.session.scalars(
                select(Reservation).where(Reservation.instrument_id == instrument.id)
            )
        ]
        assert instrument.longest_hold == max(spans)


def test_holders_are_spread(app: Flask, now: datetime):
    fake.make(LOAD, now=now)
    counts = db.session.scalars(
        select(func.count(Reservation.id)).group_by(Reservation.holder_id)
    ).all()

    assert len(counts) == LOAD.users
    assert max(counts) < 2 * min(counts)


def test_the_same_seed_makes_the_same(app: Flask, now: datetime):
    fake.make(LOAD, now=now)
    before = _rows()
    for table in ("reservation", "instrument_technique", "technique", "instrument", "facility"):
        db.session.execute(text(f"DELETE FROM {table}"))
    for table in ("affiliation", '"user"', "institution"):
        db.session.execute(text(f"DELETE FROM {table}"))
    db.session.commit()
    db.session.expunge_all()
    fake.make(LOAD, now=now)

    assert _rows() == before


def test_another_seed_makes_others(app: Flask, now: datetime):
    fake.make(LOAD, now=now)
    fake.make(fake.Load(7, 500, 11, seed=2), now=now, add=True)

    rows = _rows()
    assert len({row[0] for row in rows}) == 2 * LOAD.reservations
    assert [row[3] for row in rows[:500]] != [row[3] for row in rows[500:]]


def test_the_net_stays_up(app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch):
    """If rows overlapped, the database would refuse them."""
    monkeypatch.setattr(fake.Pattern, "_turns", lambda _self, _number, count: [(0, 0)] * count)
    with pytest.raises(Exception, match="ends_after_start"):
        fake.make(LOAD, now=now)
    monkeypatch.setattr(fake.Pattern, "_turns", lambda _self, _number, count: [(-4, 4)] * count)
    with pytest.raises(Exception, match="one_at_a_time"):
        fake.make(fake.Load(7, 500, 11, seed=2), now=now)


def test_what_is_reserved_can_be_read_and_reserved_around(app: Flask, now: datetime, mina: User):
    fake.make(LOAD, now=now)
    instrument = db.session.scalars(select(Instrument).where(Instrument.slug == "load-1-1")).one()
    taken = next(span for _, spans in _held() for span in spans if span.start > now)
    holder = db.session.scalars(select(User).where(User.email.startswith("load-1-"))).first()
    assert holder is not None

    with pytest.raises(Taken):
        services.request_reservation(holder, BookingRequest(instrument.slug, taken), now=now)


def test_people_who_reserved_are_left_alone(app: Flask, now: datetime):
    fake.make(LOAD, now=now)

    with pytest.raises(fake.NotEmpty):
        fake.make(fake.Load(1, 1, 1, seed=3), now=now)
    with pytest.raises(fake.SeedUsed):
        fake.make(LOAD, now=now, add=True)


def test_the_command_says_how_fast_it_was(app: Flask):
    run = app.test_cli_runner().invoke
    done = run(args=["fake", "--instruments", "3", "--reservations", "60", "--users", "2"])
    again = run(args=["fake", "--instruments", "3", "--reservations", "60", "--users", "2"])

    assert done.exit_code == 0
    assert "3 instruments, 2 people, 60 reservations" in done.stdout
    assert "reservations/s" in done.stdout
    assert again.exit_code == 1
    assert "--add" in again.stderr


@pytest.mark.parametrize("reservations", [0, 1, 3, 8])
def test_few_are_made_as_well(app: Flask, now: datetime, reservations: int):
    fake.make(fake.Load(3, reservations, 2), now=now)

    assert db.session.scalar(select(func.count(Reservation.id))) == reservations
    longest = db.session.scalars(select(Instrument.longest_hold)).all()
    assert (max(longest) > timedelta()) == (reservations > 0)
