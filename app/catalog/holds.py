"""What future reservations hold of an instrument, asked from below.

Reservations are a slice above the catalogue, which may not import their model. That an instrument
must not be retired, nor made too small, under the people who reserved it is a rule of the
catalogue all the same, so the table is asked by its name.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import column, func, select, table

from app.db import UtcDateTime, db
from app.domain.approval import HOLDING
from app.domain.interval import Interval, fullest

_reservation = table(
    "reservation",
    column("instrument_id"),
    column("status"),
    column("starts_at", UtcDateTime()),
    column("ends_at", UtcDateTime()),
)


def future(instrument_ids: Collection[int], now: datetime) -> dict[int, int]:
    """The number of reservations not yet over, by instrument; those without any are left out."""
    held = _reservation.c
    counted = db.session.execute(
        select(held.instrument_id, func.count())
        .where(
            held.instrument_id.in_(instrument_ids),
            held.status.in_([status.value for status in HOLDING]),
            held.ends_at > now,
        )
        .group_by(held.instrument_id)
    )
    return {row[0]: row[1] for row in counted}


def most_at_once(instrument_id: int, now: datetime) -> int:
    """How many reservations not yet over share one instant: no capacity may be less."""
    held = _reservation.c
    spans = [
        Interval(*row)
        for row in db.session.execute(
            select(held.starts_at, held.ends_at).where(
                held.instrument_id == instrument_id,
                held.status.in_([status.value for status in HOLDING]),
                held.ends_at > now,
            )
        )
    ]
    return fullest(spans, Interval(now, datetime.max.replace(tzinfo=UTC)))
