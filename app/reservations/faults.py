"""Faults: reported by anyone, decided by managers, closed with a line in the maintenance log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Blackout, BlackoutKind, Fault, Instrument
from app.catalog.policy import policy_of
from app.catalog.queries import instrument_by_slug, instrument_id_of, scope_of
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.interval import Interval
from app.domain.maintenance import Result, Severity
from app.mail import outbox
from app.reservations import linked, queries
from app.reservations.closures import reserved_during
from app.reservations.fault_photos import NO_FAULT, Pictures, attach, drawn_anew, found
from app.reservations.giving_way import Answer, make_way
from app.reservations.maintenance import Work, add_entry
from app.reservations.models import Reservation
from app.reservations.notices import WayGiven, managers_of
from app.reservations.turns import lock_calendar, lock_calendars

#: Nobody reserves further ahead.
_EVER = timedelta(days=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a manager makes of a fault; out of order without `until`: nobody knows until when."""

    severity: Severity
    until: datetime | None = None


def report_fault(
    user: User,
    slug: str,
    *,
    severity: Severity,
    description: str,
    now: datetime,
    pictures: Pictures | None = None,
) -> Fault:
    """Tell the managers what is wrong; closes the instrument at once where the facility says so.

    Raises `NotAllowed`, and `Invalid` at `description` or `photos`.
    """
    instrument_id = instrument_id_of(slug)
    pictures = drawn_anew(user, slug, pictures) if pictures else None
    with transaction():
        instrument, user = lock_calendar(instrument_id), queries.person(user.id)
        access.require(user, Action.REPORT_FAULT, scope_of(instrument))
        if not description.strip():
            missing = Text("무엇이 잘못되었는지 적어 주세요.", "Say what is wrong.")
            raise Invalid(missing, {"description": missing})
        stops = severity is Severity.OUT_OF_ORDER and policy_of(instrument).fault_stops
        fault = Fault(
            instrument_id=instrument.id,
            severity=severity,
            description=description.strip(),
            reported_by_id=user.id,
            reported_at=now,
            out_since=now if stops else None,
        )
        db.session.add(fault)
        db.session.flush()
        _settle(instrument)
        said: dict[str, object] = {"severity": severity.value, "description": fault.description}
        said["stops"] = stops
        if pictures:
            attach(fault, pictures, user, now=now)
            said["photos"] = [each.file.sha256 for each in fault.photos]
        _note("report-fault", fault, instrument, user, now, said)
        for manager in managers_of(instrument.facility_id):
            _tell(manager, "fault_reported", fault, instrument, now, reporter=user, stopped=stops)
    return fault


def decide_fault(
    user: User,
    slug: str,
    fault_id: int,
    decision: Decision,
    *,
    now: datetime,
    answers: Mapping[str, Answer] | None = None,
    reason: str = "",
) -> Fault:
    """Confirm a fault: usable all the same, or out of order until a time, or until it is closed.

    What is reserved meanwhile gives way as for a closure; without an end it may also stay.
    Raises `NotAllowed`, `WrongState` once it is closed, `Invalid`, `StillReserved` and
    `CannotGiveWay`.
    """
    instrument_id = instrument_id_of(slug)
    ids = {instrument_id, *linked.bundled_with([instrument_id], now=now)}
    with transaction():
        instrument, user = lock_calendars(ids)[instrument_id], queries.person(user.id)
        fault = _open(instrument, fault_id, user)
        _lift(fault, now)
        hit: Sequence[Reservation] = ()
        fault.severity = decision.severity
        fault.confirmed_at, fault.confirmed_by_id = fault.confirmed_at or now, user.id
        if decision.severity is Severity.OUT_OF_ORDER:
            fault.out_since = fault.out_since or now
            during, hit = _hit(instrument, decision, now)
            linked.check_ours(hit, ids)
            if decision.until:
                fault.blackout = _close(instrument, during, user, now)
        else:
            fault.out_since = None
        db.session.flush()
        _settle(instrument)
        why = WayGiven(BlackoutKind.FAULT, reason.strip())
        make_way(hit, answers or {}, user, why, now=now, may_keep=decision.until is None)
        said = {
            "severity": decision.severity.value,
            "until": decision.until.isoformat() if decision.until else None,
        }
        _note("decide-fault", fault, instrument, user, now, said)
    return fault


def close_fault(user: User, slug: str, fault_id: int, work: Work, *, now: datetime) -> Fault:
    """Write what was done into the maintenance log, and open the instrument again.

    Work that leaves it out of order is logged, and the fault stands.
    """
    instrument_id = instrument_id_of(slug)
    with transaction():
        instrument, user = lock_calendar(instrument_id), queries.person(user.id)
        fault = _open(instrument, fault_id, user)
        add_entry(instrument, work, user, now=now, fault=fault)
        if work.result is Result.OUT_OF_ORDER:
            return fault
        _lift(fault, now)
        fault.closed_at, fault.closed_by_id = now, user.id
        db.session.flush()
        _settle(instrument)
        _note("close-fault", fault, instrument, user, now, {})
        if fault.reported_by_id != user.id:
            _tell(fault.reported_by, "fault_closed", fault, instrument, now)
    return fault


def fault_of(user: User, slug: str, fault_id: int) -> tuple[Instrument, Fault]:
    """A fault with its instrument, for those who deal with it."""
    instrument = instrument_by_slug(slug)
    access.require(user, Action.HANDLE_FAULT, scope_of(instrument))
    return instrument, found(instrument, fault_id)


def slug_of(fault_id: int) -> str:
    """The instrument of a fault; raises `NotFound`."""
    slug = db.session.scalar(
        select(Instrument.slug)
        .join(Fault, Fault.instrument_id == Instrument.id)
        .where(Fault.id == fault_id)
    )
    if slug is None:
        raise NotFound(NO_FAULT)
    return slug


def _open(instrument: Instrument, fault_id: int, user: User) -> Fault:
    access.require(user, Action.HANDLE_FAULT, scope_of(instrument))
    fault = found(instrument, fault_id)
    if fault.closed_at is not None:
        raise WrongState(Text("이미 처리된 고장입니다.", "That fault has been dealt with."))
    return fault


def _hit(
    instrument: Instrument, decision: Decision, now: datetime
) -> tuple[Interval, list[Reservation]]:
    """From when on it is closed, and who is hit; who is at it right now is left to finish."""
    if decision.until is not None and decision.until <= now:
        past = Text("이미 지난 시각입니다.", "That time has passed.")
        raise Invalid(past, {"until": past})
    during = Interval(now, decision.until or now + _EVER)
    found = reserved_during([instrument], [during], now=now)
    if decision.until is not None:
        used = [each.ends_at for each in found if each.status is Status.IN_USE]
        start = max([now, *used])
        if start >= decision.until:
            using = Text(
                "그때까지 사용 중인 예약이 있습니다. 더 늦은 시각을 고르거나 비워 두세요.",
                "Somebody is using it until then. Choose a later time, or none.",
            )
            raise Invalid(using, {"until": using})
        during = Interval(start, decision.until)
    hit = [
        each
        for each in found
        if each.status is not Status.IN_USE and each.interval.overlaps(during)
    ]
    return during, hit


def _close(instrument: Instrument, during: Interval, user: User, now: datetime) -> Blackout:
    return Blackout(
        instrument_id=instrument.id,
        starts_at=during.start,
        ends_at=during.end,
        kind=BlackoutKind.FAULT,
        made_by_id=user.id,
        made_at=now,
    )


def _lift(fault: Fault, now: datetime) -> None:
    """What a fault closed is open again."""
    blackout = fault.blackout
    if blackout is not None and blackout.lifted_at is None and blackout.ends_at > now:
        blackout.lifted_at = now
    fault.blackout = None


def _settle(instrument: Instrument) -> None:
    """Out of order since the first of the faults that say so, and of which no end is known."""
    instrument.out_of_order_since = db.session.scalar(
        select(Fault.out_since)
        .where(
            Fault.instrument_id == instrument.id,
            Fault.closed_at.is_(None),
            Fault.out_since.is_not(None),
            Fault.blackout_id.is_(None),
        )
        .order_by(Fault.out_since)
        .limit(1)
    )
    db.session.flush()


def _tell(
    reader: User,
    template: str,
    fault: Fault,
    instrument: Instrument,
    now: datetime,
    *,
    reporter: User | None = None,
    stopped: bool = False,
) -> None:
    outbox.enqueue(
        template,
        to=reader.email,
        language=reader.language,
        key=f"{template}-{fault.id}-{reader.id}",
        particulars={
            "reader": reader.name,
            "reporter": reporter.name if reporter else None,
            "instrument": {"ko": instrument.name_ko, "en": instrument.name_en},
            "slug": instrument.slug,
            "fault": fault.id,
            "severity": fault.severity.value,
            "description": fault.description,
            "reported_at": fault.reported_at.isoformat(),
            "zone": instrument.facility.timezone,
            "stopped": stopped,
        },
        now=now,
    )


def _note(
    action: str,
    fault: Fault,
    instrument: Instrument,
    user: User,
    now: datetime,
    detail: Mapping[str, object],
) -> None:
    audit.record(
        action,
        "fault",
        str(fault.id),
        actor_id=user.id,
        now=now,
        detail={"instrument": instrument.slug, **detail},
    )
