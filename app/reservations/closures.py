"""Closing time for maintenance, faults and holidays: blackouts made and lifted by managers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, load_only

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Blackout, BlackoutKind, BlackoutRule, Facility, Instrument
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.interval import Interval
from app.domain.repetition import Every, repeated
from app.reservations import linked, offering, queries
from app.reservations.giving_way import Answer, make_way
from app.reservations.models import Reservation
from app.reservations.notices import WayGiven
from app.reservations.turns import lock_calendars

#: What would have to be ended first; what was completed is past and stands in nobody's way.
IN_THE_WAY = (Status.PENDING, Status.CONFIRMED, Status.IN_USE, Status.OFFERED)

_NO_CLOSURE = Text("해당 점검·휴무를 찾을 수 없습니다.", "There is no such closure.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A time to close, of one instrument or of the whole facility, and why."""

    interval: Interval
    kind: BlackoutKind
    instrument_id: int | None = None  # none: everything in the facility
    reason_ko: str = ""
    reason_en: str = ""
    every: Every | None = None  # comes again …
    until: date | None = None  # … until this day

    def times(self, zone: ZoneInfo) -> list[Interval]:
        """All that is to be closed, earliest first; raises `Invalid`."""
        if self.every is None:
            return [self.interval]
        if self.until is None:
            missing = Text(
                "언제까지 반복할지 마지막 날을 골라 주세요.", "Choose the last day of repeating."
            )
            raise Invalid(missing, {"last_day": missing})
        return repeated(self.interval, self.every, self.until, zone)


def close_time(
    user: User,
    facility: Facility,
    closure: Closure,
    *,
    now: datetime,
    answers: Mapping[str, Answer] | None = None,
    reason: str = "",
) -> list[Blackout]:
    """Close an instrument, or the whole facility, for a time to come, once or repeatedly.

    `answers` say what becomes of each reservation that lies in it, by uid: all is done in one
    transaction, and each holder gets one mail with `reason`. Raises `NotAllowed`, `Invalid` if
    the time has passed or the instrument is elsewhere, `StillReserved` with what nobody has
    answered for, and `CannotGiveWay` with what may not lie where it was to be moved.
    """
    times = closure.times(ZoneInfo(facility.timezone))
    with transaction():
        user = queries.person(user.id)
        access.require(user, Action.CLOSE_TIME, scope_of(facility))
        # Who is booking one of them right now is waited for, and seen below.
        instruments, locked = _lock(facility, closure, now)
        if times[0].end <= now:
            past = Text("이미 지난 시간입니다.", "That time has passed.")
            raise Invalid(past, {"ends_at": past})
        hit = reserved_during(instruments, times, now=now)
        linked.check_ours(hit, locked)
        rule = _rule(closure, user, now)
        blackouts = [_blackout(facility, closure, each, user, now) for each in times]
        for blackout in blackouts:
            blackout.rule = rule
        db.session.add_all(blackouts)
        db.session.flush()
        make_way(hit, answers or {}, user, WayGiven(closure.kind, reason.strip()), now=now)
        for blackout in blackouts:
            _note("close-time", blackout, facility, user, now)
    return blackouts


def _rule(closure: Closure, user: User, now: datetime) -> BlackoutRule | None:
    if closure.every is None or closure.until is None:
        return None
    return BlackoutRule(every=closure.every, until=closure.until, made_by_id=user.id, made_at=now)


def _blackout(
    facility: Facility, closure: Closure, interval: Interval, user: User, now: datetime
) -> Blackout:
    return Blackout(
        facility_id=None if closure.instrument_id else facility.id,
        instrument_id=closure.instrument_id,
        starts_at=interval.start,
        ends_at=interval.end,
        kind=closure.kind,
        reason_ko=closure.reason_ko.strip(),
        reason_en=closure.reason_en.strip(),
        made_by_id=user.id,
        made_at=now,
    )


def reopen(user: User, facility: Facility, blackout_id: int, *, now: datetime) -> Blackout:
    """Lift a blackout before its end; raises `NotFound`, `NotAllowed`, or `WrongState`."""
    with transaction():
        access.require(queries.person(user.id), Action.CLOSE_TIME, scope_of(facility))
        blackout = _of_facility(facility, blackout_id)
        locked = lock_calendars(_concerned(facility, blackout.instrument_id))
        db.session.refresh(blackout)  # Somebody else may have lifted it while we waited.
        if blackout.lifted_at or blackout.ends_at <= now:
            raise WrongState(
                Text("이미 끝난 점검·휴무입니다.", "That closure is over, or was lifted before.")
            )
        blackout.lifted_at = now
        db.session.flush()
        _note("reopen-time", blackout, facility, user, now)
        for instrument in locked.values():
            offering.time_freed(instrument, [blackout.interval], now=now, ours=locked.keys())
    return blackout


def end_repetition(user: User, facility: Facility, rule_id: int, *, now: datetime) -> int:
    """Lift all that a rule would still close; how many. What has begun stays until its end.

    Raises `NotFound`, `NotAllowed`, or `WrongState` if nothing of it is to come.
    """
    with transaction():
        access.require(queries.person(user.id), Action.CLOSE_TIME, scope_of(facility))
        first = db.session.scalar(select(Blackout).where(Blackout.rule_id == rule_id).limit(1))
        if first is None or first.rule is None:
            raise NotFound(Text("해당 반복을 찾을 수 없습니다.", "There is no such repetition."))
        _of_facility(facility, first.id)
        lock_calendars(_concerned(facility, first.instrument_id))
        coming = db.session.scalars(
            select(Blackout)
            .where(
                Blackout.rule_id == rule_id, Blackout.lifted_at.is_(None), Blackout.starts_at > now
            )
            .execution_options(populate_existing=True)
        ).all()
        if not coming:
            over = Text("이미 끝난 반복입니다.", "That repetition is over, or was ended before.")
            raise WrongState(over)
        first.rule.ended_at = now
        for blackout in coming:
            blackout.lifted_at = now
            _note("reopen-time", blackout, facility, user, now)
        db.session.flush()
    return len(coming)


def _lock(
    facility: Facility, closure: Closure, now: datetime
) -> tuple[list[Instrument], Collection[int]]:
    """Take turns on every calendar concerned, and those of what is reserved together with it.

    The instruments that are concerned, and the ids of all that are locked.
    """
    ids = _concerned(facility, closure.instrument_id)
    if closure.instrument_id and closure.instrument_id not in ids:
        elsewhere = Text("이 시설의 장비가 아닙니다.", "That instrument is not in this facility.")
        raise Invalid(elsewhere, {"instrument": elsewhere})
    locked = lock_calendars({*ids, *linked.bundled_with(ids, now=now)})
    return [locked[each] for each in sorted(ids)], locked.keys()


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
        raise NotFound(_NO_CLOSURE)
    return found


def reserved_during(
    instruments: Sequence[Instrument], times: Sequence[Interval], *, now: datetime
) -> list[Reservation]:
    """The reservations to come, or going on, that hold any of the instruments in `times`.

    For what was reserved along with another, that other: they give way together.
    """
    longest = max((each.longest_hold for each in instruments), default=timedelta())
    if not instruments or not times:
        return []
    # One read of the whole span: repeated closures may be many, reservations ahead are few.
    span = Interval(times[0].start, max(each.end for each in times))
    found = db.session.scalars(
        select(Reservation)
        .where(
            Reservation.instrument_id.in_([each.id for each in instruments]),
            Reservation.status.in_(IN_THE_WAY),
            Reservation.starts_at > span.start - longest,
            Reservation.interval.overlaps(span),
            Reservation.ends_at > now,
        )
        .options(
            joinedload(Reservation.instrument)
            .joinedload(Instrument.facility)
            .joinedload(Facility.institution),
            joinedload(Reservation.holder),
        )
        .order_by(Reservation.starts_at, Reservation.id)
        .execution_options(populate_existing=True)
    ).all()
    hit = [each for each in found if any(each.interval.overlaps(time) for time in times)]
    return linked.mains_of(hit)


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
        .options(joinedload(Blackout.rule))
        .order_by(Blackout.starts_at)
    ).all()


def facility_of(blackout_id: int) -> Facility:
    """The facility in which something is closed; raises `NotFound`."""
    found = db.session.scalar(
        select(Facility)
        .join(Blackout, Blackout.id == blackout_id)
        .outerjoin(Instrument, Instrument.id == Blackout.instrument_id)
        .where(Facility.id == func.coalesce(Blackout.facility_id, Instrument.facility_id))
        .options(joinedload(Facility.institution))
    )
    if found is None:
        raise NotFound(_NO_CLOSURE)
    return found


def slugs_of(ids: Collection[int]) -> dict[int, str]:
    """The slugs of instruments, by id."""
    found = db.session.scalars(
        select(Instrument).where(Instrument.id.in_(ids)).options(load_only(Instrument.slug))
    )
    return {each.id: each.slug for each in found}


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
            "rule_id": blackout.rule_id,
        },
    )
