"""Operators of the demonstration: two of a facility, who share what its staff works."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app.accounts.models import Absence, User
from app.catalog.models import Instrument
from app.catalog.policy import policy_of, zone_of
from app.db import db
from app.domain.booking import OPERATED
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.operator_rules import asks_operator
from app.domain.operators import in_turn
from app.reservations import duties
from app.reservations.models import Reservation
from app.reservations.operator_models import Operator
from app.reservations.operators import OPEN

FACILITY = "kaist-biocore"
_OPERATORS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "haeun.shin@example.org": {"mon-fri": ["09:00-18:00"]},
    "seoyeon.choi@example.org": {"mon-thu": ["10:00-19:00"], "sat": ["10:00-15:00"]},
}


def attend(
    instruments: Sequence[Instrument],
    managers: Mapping[int, User],
    users: Mapping[str, User],
    now: datetime,
) -> None:
    """Name them, share out what lies ahead, and let one be away next week."""
    theirs = [
        each
        for each in instruments
        if each.facility.slug == FACILITY and policy_of(each).modes & OPERATED
    ]
    people = [users[each] for each in _OPERATORS if each in users]
    if not theirs or not people:
        return
    for person in people:
        db.session.add(
            Operator(
                user_id=person.id,
                facility_id=theirs[0].facility_id,
                hours=dict(_OPERATORS[person.email]),
                instruments=theirs,
                named_at=now - timedelta(days=200),
                named_by_id=managers[theirs[0].facility_id].id,
            )
        )
    db.session.flush()
    _share_out(theirs, now)
    away = day_of(now, zone_of(theirs[0])) + timedelta(days=6)
    db.session.add(
        Absence(
            user_id=people[0].id,
            first_day=away,
            last_day=away + timedelta(days=1),
            entered_at=now,
        )
    )


def _share_out(instruments: Sequence[Instrument], now: datetime) -> None:
    """What lies ahead, one after the other, as if each had just been reserved."""
    ahead = [
        each
        for each in db.session.scalars(
            select(Reservation)
            .where(
                Reservation.instrument_id.in_([each.id for each in instruments]),
                Reservation.status.in_(sorted(OPEN)),
                Reservation.starts_at > now,
            )
            .order_by(Reservation.starts_at, Reservation.id)
        )
        if asks_operator(policy_of(each.instrument), each.mode)
    ]
    if not ahead:
        return
    span = Interval(now - timedelta(days=7), max(each.ends_at for each in ahead))
    first = instruments[0]
    operators = duties.of_instruments({first.id: first.facility}, span).get(first.id, ())
    dates = [(each.interval, None) for each in ahead]
    for each, operator_id in zip(ahead, in_turn(operators, dates, zone_of(first)), strict=True):
        each.operator_id = operator_id
    db.session.flush()
