"""Reads of operators: who they are, and their time around a reservation."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.accounts.models import Absence, User
from app.catalog.booking_settings import LONGEST_RESERVATION
from app.catalog.models import Facility, Instrument
from app.catalog.policy import holidays_of, policy_of, zone_of
from app.db import db
from app.domain.approval import HOLDING
from app.domain.interval import Interval, without
from app.domain.local_time import day_interval
from app.domain.opening_hours import OpeningHours
from app.domain.operators import AHEAD, Duty, OperatorNeeded
from app.domain.quota import Within, spans_of
from app.reservations.models import Reservation
from app.reservations.operator_models import Operator, operator_instrument

_DAY = timedelta(days=1)


def lock_operators(instrument_ids: Collection[int]) -> None:
    """Let nobody else have the operators of these instruments attend anything meanwhile.

    An operator serves several instruments, whose calendars are not ours. Behind all calendars
    and in the order of ids, as everyone does: nobody waits for ever. SQLite has one writer.
    """
    theirs = (
        select(Operator.user_id)
        .join(operator_instrument, operator_instrument.c.operator_id == Operator.id)
        .where(operator_instrument.c.instrument_id.in_(instrument_ids))
    )
    # All rows of a person, who may be an operator of several facilities.
    db.session.execute(
        select(Operator.id)
        .where(Operator.user_id.in_(theirs))
        .order_by(Operator.id)
        .with_for_update()
    ).all()


def plans_operators(instrument: Instrument) -> bool:
    """Whether Dure assigns operators to some of its uses."""
    return policy_of(instrument).operator is not OperatorNeeded.OFF


def around(
    instrument: Instrument, interval: Interval, *, besides: Collection[int] = ()
) -> tuple[Duty, ...]:
    """The operators of the instrument with their time around `interval`; nothing if none is asked.

    From the beginning of its week, as it counts whose turn it is, to where a free time is
    looked for. `besides` are the ids of reservations that are being moved.
    """
    if not plans_operators(instrument):
        return ()
    zone = zone_of(instrument)
    weeks = spans_of(Within.WEEK, interval, zone)
    span = Interval(weeks[0].start, max(weeks[-1].end, interval.end + AHEAD))
    return of_instruments({instrument.id: instrument.facility}, span, besides).get(
        instrument.id, ()
    )


def of_instruments(
    facilities: Mapping[int, Facility], span: Interval, besides: Collection[int] = ()
) -> Mapping[int, tuple[Duty, ...]]:
    """The operators of instruments, by the ids of those; three statements, however many."""
    rows = db.session.execute(
        select(operator_instrument.c.instrument_id, Operator.user_id, User.name, Operator.hours)
        .join(Operator, Operator.id == operator_instrument.c.operator_id)
        .join(User, User.id == Operator.user_id)
        .where(
            operator_instrument.c.instrument_id.in_(facilities),
            Operator.ended_at.is_(None),
            User.active,
        )
        .order_by(Operator.id)
    ).all()
    ids = {row.user_id for row in rows}
    if not ids:
        return {}
    times = _Times(ids, span, besides)
    found: defaultdict[int, list[Duty]] = defaultdict(list)
    for row in rows:
        found[row.instrument_id].append(times.of(row, facilities[row.instrument_id]))
    return {each: tuple(duties) for each, duties in found.items()}


class _Times:
    """When some operators are there, and what they attend."""

    def __init__(self, ids: Collection[int], span: Interval, besides: Collection[int]) -> None:
        self.span = span
        self.absent = _absences(ids, span)
        self.attended = _attended(ids, span, besides)
        self._known: dict[tuple[int, int], Duty] = {}

    def of(self, row: Any, facility: Facility) -> Duty:
        """Hours, holidays and days of absence are by the clocks of the facility."""
        key = (row.user_id, facility.id)
        if key not in self._known:
            zone, hours = ZoneInfo(facility.timezone), OpeningHours.parse(row.hours)
            closed = holidays_of(facility, self.span)
            there = hours.open_intervals(self.span, zone, closed)
            away = [
                Interval(day_interval(first, zone).start, day_interval(last, zone).end)
                for first, last in self.absent[row.user_id]
            ]
            attends = tuple(self.attended[row.user_id])
            self._known[key] = Duty(row.user_id, row.name, tuple(without(there, away)), attends)
        return self._known[key]


def _absences(ids: Iterable[int], span: Interval) -> defaultdict[int, list[tuple[date, date]]]:
    """The days on which people are away, and perhaps one more at either end: zones differ."""
    found: defaultdict[int, list[tuple[date, date]]] = defaultdict(list)
    rows = db.session.execute(
        select(Absence.user_id, Absence.first_day, Absence.last_day).where(
            Absence.user_id.in_(ids),
            Absence.withdrawn_at.is_(None),
            Absence.last_day >= span.start.date() - _DAY,
            Absence.first_day <= span.end.date() + _DAY,
        )
    )
    for user_id, first, last in rows:
        found[user_id].append((first, last))
    return found


def _attended(
    ids: Iterable[int], span: Interval, besides: Collection[int]
) -> defaultdict[int, list[Interval]]:
    """What they attend, on whatever instrument."""
    found: defaultdict[int, list[Interval]] = defaultdict(list)
    rows = db.session.execute(
        select(
            Reservation.operator_id, Reservation.starts_at, Reservation.ends_at, Reservation.id
        ).where(
            Reservation.operator_id.in_(ids),
            Reservation.status.in_(sorted(HOLDING)),
            Reservation.starts_at > span.start - LONGEST_RESERVATION,
            Reservation.starts_at < span.end,
            Reservation.ends_at > span.start,
        )
    )
    for user_id, start, end, id_ in rows:
        if user_id is not None and id_ not in besides:
            found[user_id].append(Interval(start, end))
    return found


def attends(operator_id: int, interval: Interval, besides: int | None = None) -> bool:
    """Whether the person attends another reservation in that time, wherever."""
    found = _attended([operator_id], interval, [besides] if besides else ())
    return bool(found[operator_id])


def named_at(facility: Facility) -> Sequence[Operator]:
    """Whom a facility has named, by name, with their instruments."""
    return db.session.scalars(
        select(Operator)
        .join(Operator.user)
        .where(Operator.facility_id == facility.id, Operator.ended_at.is_(None))
        .order_by(User.name, Operator.id)
        .execution_options(populate_existing=True)
    ).all()


def people_at(instrument_id: int) -> Sequence[User]:
    """Who operates an instrument, by name."""
    return db.session.scalars(
        select(User)
        .join(Operator, Operator.user_id == User.id)
        .join(operator_instrument, operator_instrument.c.operator_id == Operator.id)
        .where(
            operator_instrument.c.instrument_id == instrument_id,
            Operator.ended_at.is_(None),
            User.active,
        )
        .order_by(User.name, User.id)
    ).all()


def posts_of(user: User) -> Sequence[Operator]:
    """Where the person is an operator."""
    return db.session.scalars(
        select(Operator)
        .where(Operator.user_id == user.id, Operator.ended_at.is_(None))
        .order_by(Operator.id)
    ).all()
