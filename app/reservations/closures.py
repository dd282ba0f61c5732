"""Closing time for maintenance, faults and holidays: blackouts made and lifted by managers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Blackout, BlackoutKind, Facility, Instrument
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.interval import Interval
from app.reservations import offering, queries
from app.reservations.models import Reservation
from app.reservations.turns import lock_calendar

#: What would have to be ended first; what was completed is past and stands in nobody's way.
IN_THE_WAY = (Status.PENDING, Status.CONFIRMED, Status.IN_USE, Status.OFFERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A time to close, of one instrument or of the whole facility, and why."""

    interval: Interval
    kind: BlackoutKind
    instrument_id: int | None = None  # none: everything in the facility
    reason_ko: str = ""
    reason_en: str = ""


class StillReserved(WrongState):
    """Reservations lie in the time to be closed; they have to be moved or cancelled first."""

    def __init__(self, reservations: Sequence[Reservation]) -> None:
        super().__init__(
            Text(
                f"이 시간에 예약 {len(reservations)}건이 있습니다. "
                "먼저 시간을 옮기거나 취소한 뒤 다시 시도해 주세요.",
                f"There are reservations in that time ({len(reservations)}). "
                "Move or cancel them first, then try again.",
            )
        )
        self.reservations = tuple(reservations)


def close_time(user: User, facility: Facility, closure: Closure, *, now: datetime) -> Blackout:
    """Close an instrument, or the whole facility, for a time to come.

    Raises `NotAllowed`, `Invalid` if the time has passed or the instrument is elsewhere, and
    `StillReserved` with what stands in the way.
    """
    with transaction():
        user = queries.person(user.id)
        access.require(user, Action.CLOSE_TIME, scope_of(facility))
        # Who is booking one of them right now is waited for, and seen below.
        instruments = _lock(facility, closure)
        if closure.interval.end <= now:
            past = Text("이미 지난 시간입니다.", "That time has passed.")
            raise Invalid(past, {"ends_at": past})
        if reserved := reserved_during(instruments, closure.interval, now=now):
            raise StillReserved(reserved)
        blackout = Blackout(
            facility_id=None if closure.instrument_id else facility.id,
            instrument_id=closure.instrument_id,
            starts_at=closure.interval.start,
            ends_at=closure.interval.end,
            kind=closure.kind,
            reason_ko=closure.reason_ko.strip(),
            reason_en=closure.reason_en.strip(),
            made_by_id=user.id,
            made_at=now,
        )
        db.session.add(blackout)
        db.session.flush()
        _note("close-time", blackout, facility, user, now)
    return blackout


def reopen(user: User, facility: Facility, blackout_id: int, *, now: datetime) -> Blackout:
    """Lift a blackout before its end; raises `NotFound`, `NotAllowed`, or `WrongState`."""
    with transaction():
        access.require(queries.person(user.id), Action.CLOSE_TIME, scope_of(facility))
        blackout = _of_facility(facility, blackout_id)
        concerned = sorted(_concerned(facility, blackout.instrument_id))
        instruments = [lock_calendar(each) for each in concerned]
        db.session.refresh(blackout)  # Somebody else may have lifted it while we waited.
        if blackout.lifted_at or blackout.ends_at <= now:
            raise WrongState(
                Text("이미 끝난 점검·휴무입니다.", "That closure is over, or was lifted before.")
            )
        blackout.lifted_at = now
        db.session.flush()
        _note("reopen-time", blackout, facility, user, now)
        for instrument in instruments:
            offering.time_freed(instrument, [blackout.interval], now=now)
    return blackout


def _lock(facility: Facility, closure: Closure) -> list[Instrument]:
    """Take turns on every calendar concerned, always in the order of the ids."""
    ids = _concerned(facility, closure.instrument_id)
    if closure.instrument_id and closure.instrument_id not in ids:
        elsewhere = Text("이 시설의 장비가 아닙니다.", "That instrument is not in this facility.")
        raise Invalid(elsewhere, {"instrument": elsewhere})
    return [lock_calendar(each) for each in sorted(ids)]


def _concerned(facility: Facility, instrument_id: int | None) -> list[int]:
    wanted = select(Instrument.id).where(Instrument.facility_id == facility.id)
    if instrument_id:
        wanted = wanted.where(Instrument.id == instrument_id)
    return list(db.session.scalars(wanted))


def _of_facility(facility: Facility, blackout_id: int) -> Blackout:
    found = db.session.get(Blackout, blackout_id, populate_existing=True)
    if found is not None and found.instrument_id:
        instrument = db.session.get(Instrument, found.instrument_id)
        here = instrument is not None and instrument.facility_id == facility.id
    else:
        here = found is not None and found.facility_id == facility.id
    if found is None or not here:
        raise NotFound(Text("해당 점검·휴무를 찾을 수 없습니다.", "There is no such closure."))
    return found


def reserved_during(
    instruments: Sequence[Instrument], during: Interval, *, now: datetime
) -> Sequence[Reservation]:
    """The reservations to come, or going on, that hold any of the instruments within `during`."""
    longest = max((each.longest_hold for each in instruments), default=None)
    if longest is None:
        return []
    return db.session.scalars(
        select(Reservation)
        .where(
            Reservation.instrument_id.in_([each.id for each in instruments]),
            Reservation.status.in_(IN_THE_WAY),
            Reservation.starts_at > during.start - longest,
            Reservation.interval.overlaps(during),
            Reservation.ends_at > now,
        )
        .options(joinedload(Reservation.instrument), joinedload(Reservation.holder))
        .order_by(Reservation.starts_at)
    ).all()


def closures_of(facility: Facility, *, now: datetime) -> Sequence[Blackout]:
    """What closes the facility or one of its instruments now or later, nearest first."""
    own = select(Instrument.id).where(Instrument.facility_id == facility.id)
    return db.session.scalars(
        select(Blackout)
        .where(
            or_(Blackout.facility_id == facility.id, Blackout.instrument_id.in_(own)),
            Blackout.lifted_at.is_(None),
            Blackout.ends_at > now,
        )
        .order_by(Blackout.starts_at)
    ).all()


def facility_by_slug(slug: str, *, user: User) -> Facility:
    """The facility; raises `NotFound`, or `NotAllowed` to those who may not close it."""
    found = db.session.scalar(
        select(Facility).where(Facility.slug == slug).options(joinedload(Facility.institution))
    )
    if found is None:
        raise NotFound(Text("해당 시설을 찾을 수 없습니다.", "There is no such facility."))
    access.require(user, Action.CLOSE_TIME, scope_of(found))
    return found


def instruments_of(facility: Facility) -> Sequence[Instrument]:
    """The facility's instruments that are not retired, in the order of their names."""
    return db.session.scalars(
        select(Instrument)
        .where(Instrument.facility_id == facility.id, Instrument.retired_at.is_(None))
        .order_by(Instrument.name_ko)
    ).all()


def _note(action: str, blackout: Blackout, facility: Facility, user: User, now: datetime) -> None:
    audit.record(
        action,
        "blackout",
        str(blackout.id),
        actor_id=user.id,
        now=now,
        detail={
            "facility": facility.slug,
            "instrument_id": blackout.instrument_id,
            "kind": blackout.kind.value,
            "starts_at": blackout.starts_at.isoformat(),
            "ends_at": blackout.ends_at.isoformat(),
            "reason_ko": blackout.reason_ko,
            "reason_en": blackout.reason_en,
        },
    )
