"""The usage log (운영일지): filled from the reservations, written and corrected by managers.

A line is what its reservation says until somebody corrects it; the correction is kept beside the
reservation, and what was there before, with the reason, in the audit trail.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import Affiliation, InstitutionKind, RoleGrant, RoleName, User
from app.audit import services as audit
from app.audit.models import AuditRow
from app.catalog.models import Instrument
from app.catalog.policy import affiliation_class, zone_of
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Stale, Text
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.usage import (
    OrganisationClass,
    OrganisationType,
    Origin,
    UseType,
    organisation_class,
)
from app.domain.use import LONGEST_USE
from app.reservations import queries
from app.reservations.models import Reservation, UsageEntry
from app.reservations.turns import lock_calendar, touch_calendar

_TYPES: Mapping[InstitutionKind, OrganisationType] = MappingProxyType(
    {
        InstitutionKind.UNIVERSITY: OrganisationType.UNIVERSITY,
        InstitutionKind.GOVERNMENT_INSTITUTE: OrganisationType.GOVERNMENT_INSTITUTE,
        InstitutionKind.PUBLIC_INSTITUTE: OrganisationType.PUBLIC_INSTITUTE,
        InstitutionKind.HOSPITAL: OrganisationType.PUBLIC_INSTITUTE,
        InstitutionKind.CITY: OrganisationType.PUBLIC_INSTITUTE,
        InstitutionKind.SMALL_COMPANY: OrganisationType.COMPANY,
        InstitutionKind.LARGE_COMPANY: OrganisationType.COMPANY,
        InstitutionKind.ASSOCIATION: OrganisationType.COMPANY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a line says, and what a manager may write or correct."""

    interval: Interval
    user_name: str
    organisation: str
    organisation_class: OrganisationClass
    organisation_type: OrganisationType
    use_type: UseType
    samples: int
    fee: int | None = None
    note: str = ""
    origin: Origin = Origin.RESERVATION

    def as_detail(self) -> dict[str, Any]:
        """What the trail keeps of it."""
        start, end = self.interval.start.isoformat(), self.interval.end.isoformat()
        names = ("user_name", "organisation", "samples", "fee", "note")
        words = ("organisation_class", "organisation_type", "use_type")
        return {
            "starts_at": start,
            "ends_at": end,
            **{name: getattr(self, name) for name in names},
            **{name: getattr(self, name).value for name in words},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the log: what it says, who says so, and how often that was corrected."""

    uid: str  # of the reservation, or of the entry where there is none
    said: Said
    writer: str
    version: int  # 0: as the reservation has it
    measured: bool  # checked in and out, or written by somebody; else as reserved


def log_of(instrument: Instrument, month: Interval, *, now: datetime) -> list[Line]:
    """The lines of a month, which is from midnight to midnight in the facility's zone."""
    written = [_line_of_entry(entry) for entry in _entries(instrument, month)]
    used = [_line(each) for each in _used(instrument, month, now)]
    lines = [line for line in (*written, *used) if month.start <= line.said.interval.start]
    lines = [line for line in lines if line.said.interval.start < month.end]
    return sorted(lines, key=lambda line: (line.said.interval, line.uid))


def line_of(user: User, instrument: Instrument, uid: str, *, now: datetime) -> Line:
    """One line, for who keeps the log; raises `NotAllowed` and `NotFound`."""
    access.require(user, Action.KEEP_USAGE_LOG, scope_of(instrument))
    entry, reservation = _found(instrument, uid, now)
    return _line_of_entry(entry) if entry else _line(_known(reservation))


def write_line(user: User, instrument: Instrument, said: Said, *, now: datetime) -> UsageEntry:
    """Write walk-in or own use into the log, after the fact."""
    instrument_id, user_id = instrument.id, user.id
    with transaction():
        instrument = lock_calendar(instrument_id)
        user = queries.person(user_id)
        access.require(user, Action.KEEP_USAGE_LOG, scope_of(instrument))
        _must_make_sense(said, now)
        if said.origin is Origin.RESERVATION:
            said = replace(said, origin=Origin.WALK_IN)
        entry = UsageEntry(uid=uuid.uuid4().hex, instrument_id=instrument.id, version=1)
        _fill(entry, said, user, now)
        db.session.add(entry)
        db.session.flush()
        detail = {"instrument": instrument.slug, **said.as_detail()}
        audit.record("write-usage", "usage", entry.uid, actor_id=user.id, now=now, detail=detail)
    return entry


def correct_line(
    user: User,
    instrument: Instrument,
    uid: str,
    said: Said,
    *,
    reason: str,
    version: int,
    now: datetime,
) -> UsageEntry:
    """Say what a line should have said; what it said before stays in the trail, with the reason.

    Times and samples of a reservation's line become those of its use: what is charged by use
    follows the log. Raises `Stale` if somebody else corrected it since `version`.
    """
    if not reason.strip():
        missing = Text("고치는 사유를 적어 주세요.", "Say why you correct it.")
        raise Invalid(missing, {"reason": missing})
    instrument_id, user_id = instrument.id, user.id
    with transaction():
        instrument = lock_calendar(instrument_id)
        user = queries.person(user_id)
        access.require(user, Action.KEEP_USAGE_LOG, scope_of(instrument))
        entry, reservation = _found(instrument, uid, now)
        before = _line_of_entry(entry) if entry else _line(_known(reservation))
        if before.version != version:
            raise Stale(
                Text(
                    "그사이 다른 사람이 이 기록을 고쳤습니다. 새로 고친 뒤 다시 시도해 주세요.",
                    "Somebody corrected this line meanwhile. Reload it and try again.",
                )
            )
        _must_make_sense(said, now)
        said = replace(said, origin=before.said.origin)
        if entry is None:
            entry = UsageEntry(uid=uuid.uuid4().hex, instrument_id=instrument.id, version=0)
            entry.reservation_id = _known(reservation).id
            db.session.add(entry)
        _fill(entry, said, user, now)
        entry.version = version + 1
        if reservation is not None:
            reservation.used_from, reservation.used_until = said.interval.start, said.interval.end
            reservation.samples = said.samples
            reservation.version += 1
            reservation.updated_at = now
            touch_calendar(reservation.holder_id)
        db.session.flush()
        was, became = before.said.as_detail(), said.as_detail()
        changes = {name: [was[name], became[name]] for name in was if was[name] != became[name]}
        audit.record(
            "correct-usage",
            "reservation" if reservation is not None else "usage",
            uid,
            actor_id=user.id,
            now=now,
            detail={"reason": reason.strip(), "changes": changes},
        )
    return entry


def corrections(uid: str) -> Sequence[tuple[AuditRow, str]]:
    """What was written and corrected of a line and by whom, latest first."""
    rows = db.session.execute(
        select(AuditRow, User.name)
        .outerjoin(User, User.id == AuditRow.actor_id)
        .where(
            AuditRow.kind.in_(("reservation", "usage")),
            AuditRow.subject == uid,
            AuditRow.action.in_(("write-usage", "correct-usage")),
        )
        .order_by(AuditRow.id.desc())
    )
    return [(row, name or "") for row, name in rows]


def in_charge(instrument: Instrument) -> list[str]:
    """Who is in charge of an instrument: the managers of its facility, by name."""
    return list(
        db.session.scalars(
            select(User.name)
            .join(RoleGrant, RoleGrant.user_id == User.id)
            .where(
                RoleGrant.role == RoleName.FACILITY_MANAGER,
                RoleGrant.facility_id == instrument.facility_id,
                User.active,
            )
            .order_by(User.name)
        )
    )


def usual_use(instrument: Instrument) -> UseType:
    """What an instrument is mostly used for, until somebody says otherwise."""
    purposes = set(instrument.purposes or ())
    if instrument.classification == "data-processing":
        return UseType.COMPUTING
    if not purposes or purposes & {"test", "analysis", "measurement"}:
        return UseType.MEASUREMENT
    if "production" in purposes:
        return UseType.PRODUCTION
    return UseType.EDUCATION if "education" in purposes else UseType.OTHER


def _entries(instrument: Instrument, month: Interval) -> Sequence[UsageEntry]:
    return db.session.scalars(
        select(UsageEntry)
        .where(
            UsageEntry.instrument_id == instrument.id,
            UsageEntry.starts_at >= month.start,
            UsageEntry.starts_at < month.end,
        )
        .options(joinedload(UsageEntry.writer), joinedload(UsageEntry.reservation))
    ).all()


def _is_used(now: datetime) -> Any:
    """Ended by somebody; or over, where nobody says when they come and go."""
    return or_(
        Reservation.status == Status.COMPLETED,
        and_(Reservation.status == Status.CONFIRMED, Reservation.ends_at <= now),
    )


_WITH_ALL = (
    joinedload(Reservation.holder)
    .joinedload(User.affiliations)
    .joinedload(Affiliation.institution),
    joinedload(Reservation.institution),
)


def _used(instrument: Instrument, month: Interval, now: datetime) -> Sequence[Reservation]:
    """What was used and nobody has corrected, a little beyond the month on its first side."""
    return (
        db.session.scalars(
            select(Reservation)
            .join(Reservation.instrument)
            .outerjoin(UsageEntry, UsageEntry.reservation_id == Reservation.id)
            .where(
                Reservation.instrument_id == instrument.id,
                Reservation.starts_at > month.start - instrument.longest_hold,
                Reservation.starts_at < month.end,
                _is_used(now),
                UsageEntry.id.is_(None),
            )
            .options(
                contains_eager(Reservation.instrument).joinedload(Instrument.facility), *_WITH_ALL
            )
        )
        .unique()
        .all()
    )


def _found(
    instrument: Instrument, uid: str, now: datetime
) -> tuple[UsageEntry | None, Reservation | None]:
    """The entry, the reservation, or both, of a line of this instrument's log."""
    reservation = (
        db.session.scalars(
            select(Reservation)
            .where(
                Reservation.uid == uid,
                Reservation.instrument_id == instrument.id,
                _is_used(now),
            )
            .options(joinedload(Reservation.instrument).joinedload(Instrument.facility), *_WITH_ALL)
        )
        .unique()
        .one_or_none()
    )
    whose = (
        UsageEntry.reservation_id == reservation.id
        if reservation is not None
        else and_(UsageEntry.uid == uid, UsageEntry.reservation_id.is_(None))
    )
    entry = db.session.scalar(
        select(UsageEntry)
        .where(whose, UsageEntry.instrument_id == instrument.id)
        .options(joinedload(UsageEntry.writer), joinedload(UsageEntry.reservation))
    )
    if entry is None and reservation is None:
        raise NotFound(
            Text("운영일지에 그런 기록이 없습니다.", "There is no such line in the usage log.")
        )
    return entry, reservation


def _known(reservation: Reservation | None) -> Reservation:
    assert reservation is not None
    return reservation


def _line(reservation: Reservation) -> Line:
    """What a reservation says of its use."""
    instrument, holder = reservation.instrument, reservation.holder
    interval = reservation.used or reservation.reserved
    stands = affiliation_class(
        holder, instrument.facility, day_of(interval.start, zone_of(instrument))
    )
    institution = reservation.institution
    quote = reservation.quote or {}
    said = Said(
        interval=interval,
        user_name=holder.name,
        organisation=institution.name_ko if institution else "",
        organisation_class=organisation_class(stands),
        organisation_type=_TYPES[institution.kind] if institution else OrganisationType.UNIVERSITY,
        use_type=usual_use(instrument),
        samples=reservation.samples or 1,
        fee=quote.get("total"),
    )
    return Line(
        uid=reservation.uid,
        said=said,
        writer=holder.name,
        version=0,
        measured=reservation.used is not None,
    )


def _line_of_entry(entry: UsageEntry) -> Line:
    said = Said(
        interval=entry.interval,
        user_name=entry.user_name,
        organisation=entry.organisation,
        organisation_class=entry.organisation_class,
        organisation_type=entry.organisation_type,
        use_type=entry.use_type,
        samples=entry.samples,
        fee=entry.fee,
        note=entry.note,
        origin=entry.origin,
    )
    return Line(
        uid=entry.reservation.uid if entry.reservation else entry.uid,
        said=said,
        writer=entry.writer.name,
        version=entry.version,
        measured=True,
    )


def _fill(entry: UsageEntry, said: Said, user: User, now: datetime) -> None:
    entry.interval = said.interval
    for name in ("user_name", "organisation", "samples", "fee", "note", "origin"):
        setattr(entry, name, getattr(said, name))
    for name in ("organisation_class", "organisation_type", "use_type"):
        setattr(entry, name, getattr(said, name))
    entry.writer_id, entry.written_at = user.id, now


def _must_make_sense(said: Said, now: datetime) -> None:
    if said.interval.end > now:
        wrong = Text(
            "아직 끝나지 않은 사용은 적을 수 없습니다.", "Only a use that is over can be written."
        )
        raise Invalid(wrong, {"ends_at": wrong})
    if said.interval.duration > LONGEST_USE:
        wrong = Text("한 번의 사용은 31일을 넘을 수 없습니다.", "A use lasts at most 31 days.")
        raise Invalid(wrong, {"ends_at": wrong})
