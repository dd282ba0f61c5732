"""What operators attend: their desk, their absences, and what nobody can attend any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, exists, select

from app.accounts import absences, access
from app.accounts.access import Action
from app.accounts.acts import record
from app.accounts.models import Absence, User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import policy_of
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.booking import OPERATED
from app.domain.interval import Interval
from app.domain.operator_rules import asks_operator
from app.domain.operators import Duty
from app.reservations import attendance_notices, duties, notices, operators, queries
from app.reservations.linked import MAIN
from app.reservations.models import Reservation
from app.reservations.operator_models import Operator
from app.reservations.steps import again, attend, note, touch
from app.reservations.turns import lock_reserved

_MOST = 500


@dataclass(frozen=True, slots=True)
class Attended:
    """A reservation to come, and whether whoever attends it can."""

    reservation: Reservation
    can: bool


def is_operator(user: User) -> bool:
    """Whether some facility has named the person."""
    named = select(exists().where(Operator.user_id == user.id, Operator.ended_at.is_(None)))
    return bool(db.session.scalar(named))


def coming(user: User, *, now: datetime) -> list[Attended]:
    """What the person attends from now on, the nearest first."""
    return _with_duties(_coming(Reservation.operator_id == user.id, now))


def unsettled(facility: Facility, *, now: datetime) -> list[Attended]:
    """What lies ahead at a facility that nobody attends, or somebody who cannot."""
    found = _coming(
        Reservation.instrument_id.in_(
            select(Instrument.id).where(Instrument.facility_id == facility.id)
        )
        & Reservation.mode.in_(sorted(OPERATED)),
        now,
    )
    planned = [each for each in found if asks_operator(policy_of(each.instrument), each.mode)]
    return [each for each in _with_duties(planned) if not each.can]


def _coming(which: ColumnElement[bool], now: datetime) -> Sequence[Reservation]:
    return db.session.scalars(
        queries.whole()
        .where(
            which, MAIN, Reservation.ends_at > now, Reservation.status.in_(sorted(operators.OPEN))
        )
        .order_by(Reservation.starts_at, Reservation.id)
        .limit(_MOST)
    ).all()


def _with_duties(found: Sequence[Reservation]) -> list[Attended]:
    """Each with whether its operator is there then; three statements for all."""
    if not found:
        return []
    span = Interval(min(each.starts_at for each in found), max(each.ends_at for each in found))
    known = duties.of_instruments(
        {each.instrument_id: each.instrument.facility for each in found}, span
    )
    return [Attended(each, _can(each, known)) for each in found]


def _can(reservation: Reservation, known: Mapping[int, Sequence[Duty]]) -> bool:
    return any(
        each.key == reservation.operator_id and each.works(reservation.interval)
        for each in known.get(reservation.instrument_id, ())
    )


def enter_absence(
    user: User, operator: Operator, first_day: date, last_day: date, *, now: datetime, today: date
) -> list[Attended]:
    """An operator is away; by themself or their facility's manager. What they cannot attend then.

    Raises `NotAllowed`, and `Invalid` for days that are over or in the wrong order.
    """
    person, user_id = operator.user, user.id
    with transaction():
        # Whoever is just being given something to attend waits, or is seen here.
        duties.lock_operators([each.id for each in operator.instruments])
        user = queries.person(user_id)
        if user.id != person.id:
            access.require(user, Action.KEEP_OPERATORS, scope_of(operator.facility))
        absences.check_days(person, first_day, last_day, today=today)
        db.session.add(
            Absence(user_id=person.id, first_day=first_day, last_day=last_day, entered_at=now)
        )
        days = {"first_day": first_day.isoformat(), "last_day": last_day.isoformat()}
        record("enter-absence", person, user, now, deputy=None, **days)
    return [each for each in coming(person, now=now) if not each.can]


def hand_over(user: User, uid: str, *, now: datetime) -> tuple[Reservation, bool]:
    """Let whose turn it is attend it instead; where nobody is free, the managers are told.

    The reservation, and whether another attends it now.

    By the operator themself, or who manages the instrument.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.HAND_OVER)
        attended = reservation.operator
        found = operators.next_in_turn(reservation, now, besides=reservation.operator_id)
        if found is None:
            for manager in notices.managers_of(reservation.instrument.facility_id):
                if manager.id != user.id:  # Who tries it themself reads it on the page.
                    attendance_notices.missing(reservation, manager, now=now)
            note("miss-operator", reservation, user, now, {})
            return reservation, False
        attend(reservation, found)
        touch(reservation, now)
        names = [each.name if each else None for each in (attended, reservation.operator)]
        note("choose-operator", reservation, user, now, {"operator": names})
        attendance_notices.changed(reservation, attended, by=user, now=now)
    return reservation, True
