"""Use cases of certificates and safety training: given and taken back by managers, with why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.accounts.queries import user_by_email
from app.audit import services as audit
from app.catalog.models import Facility, Instrument, Technique
from app.catalog.policy import training_of
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.local_time import day_of
from app.domain.training import Level, SafetyKind, rank
from app.training import notices
from app.training.models import Certificate, SafetyTraining, TrainingSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A certificate as a manager gives it by hand."""

    email: str
    level: Level
    reason: str
    instrument: Instrument | None = None  # none, and no technique: all of the facility
    technique: Technique | None = None
    expires_on: date | None = None  # none: by the settings


def grant(user: User, facility: Facility, wanted: Grant, *, now: datetime) -> Certificate:
    """Give somebody a certificate without a session, with the reason; they are told.

    Raises `NotAllowed`, or `Invalid` if there is no such person, no reason, or the end is past.
    """
    with transaction():
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(facility))
        holder = _holder(wanted.email)
        reason = _said(wanted.reason)
        if wanted.expires_on and wanted.expires_on < day_of(now, ZoneInfo(facility.timezone)):
            raise _invalid("expires_on", "이미 지난 날입니다.", "That day has passed.")
        made = issue(
            holder,
            facility,
            (wanted.instrument, wanted.technique),
            wanted.level,
            by=user,
            reason=reason,
            expires_on=wanted.expires_on,
            now=now,
        )
        notices.granted([made], now=now)
    return made


def issue(  # noqa: PLR0913 – a certificate says as much
    holder: User,
    facility: Facility,
    of: tuple[Instrument | None, Technique | None],
    level: Level,
    *,
    by: User,
    reason: str = "",
    session: TrainingSession | None = None,
    expires_on: date | None = None,
    now: datetime,
) -> Certificate:
    """Write a certificate in the caller's transaction; it replaces those that reach no further."""
    instrument, technique = of
    today = day_of(now, ZoneInfo(facility.timezone))
    validity = training_of(instrument or facility).validity
    same = (
        Certificate.user_id == holder.id,
        Certificate.facility_id == facility.id,
        Certificate.instrument_id.is_not_distinct_from(instrument.id if instrument else None),
        Certificate.technique_id.is_not_distinct_from(technique.id if technique else None),
        Certificate.withdrawn_at.is_(None),
        Certificate.replaced_at.is_(None),
        Certificate.level.in_([each for each in Level if rank(each) <= rank(level)]),
    )
    db.session.execute(
        update(Certificate).where(*same).values(replaced_at=now),
        execution_options={"synchronize_session": False},
    )
    made = Certificate(
        user=holder,
        facility=facility,
        instrument=instrument,
        technique=technique,
        level=level,
        granted_at=now,
        granted_on=today,
        granted_by_id=by.id,
        reason=reason,
        session_id=session.id if session else None,
        expires_on=expires_on or (validity.after(today) if validity else None),
    )
    db.session.add(made)
    db.session.flush()
    detail = {
        "of": {
            "instrument": instrument and instrument.slug,
            "technique": technique and technique.slug,
        },
        "level": level.value,
        "session": session.id if session else None,
        "expires_on": made.expires_on.isoformat() if made.expires_on else None,
    }
    _note("grant-certificate", made, by, now, {**detail, "reason": reason})
    return made


def withdraw(user: User, certificate_id: int, *, reason: str, now: datetime) -> Certificate:
    """Take a certificate back, with a reason that its holder is told."""
    with transaction():
        found = _by_id(certificate_id)
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(found.facility))
        take_back([found], _said(reason), by=user, now=now)
    return found


def take_back(certificates: Sequence[Certificate], reason: str, *, by: User, now: datetime) -> None:
    """Withdraw certificates in the caller's transaction; raises `WrongState` for one that is."""
    for each in certificates:
        if each.withdrawn_at:
            raise WrongState(
                Text("이미 회수된 수료증입니다.", "That certificate was withdrawn before.")
            )
        each.withdrawn_at, each.withdrawn_by_id, each.withdrawn_reason = now, by.id, reason
        _note("withdraw-certificate", each, by, now, {"reason": reason})
        notices.withdrawn(each, now=now)
    db.session.flush()


def of_session(session: TrainingSession, holder_id: int) -> Sequence[Certificate]:
    """What somebody got by passing the session and still holds."""
    return db.session.scalars(
        select(Certificate)
        .where(
            Certificate.session_id == session.id,
            Certificate.user_id == holder_id,
            Certificate.withdrawn_at.is_(None),
        )
        .options(joinedload(Certificate.user), joinedload(Certificate.facility))
    ).all()


def record_safety(
    user: User,
    facility: Facility,
    *,
    email: str,
    kind: SafetyKind,
    done_on: date,
    valid_until: date | None,
    now: datetime,
) -> SafetyTraining:
    """Note that somebody has had a safety training; it counts at every facility."""
    with transaction():
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(facility))
        holder = _holder(email)
        if done_on > day_of(now, ZoneInfo(facility.timezone)):
            raise _invalid("done_on", "아직 오지 않은 날입니다.", "That day is still to come.")
        if valid_until and valid_until < done_on:
            raise _invalid(
                "valid_until", "받은 날보다 앞섭니다.", "This lies before the day of the training."
            )
        made = SafetyTraining(
            user=holder,
            kind=kind,
            done_on=done_on,
            valid_until=valid_until,
            facility_id=facility.id,
            recorded_by_id=user.id,
            recorded_at=now,
        )
        db.session.add(made)
        db.session.flush()
        audit.record(
            "record-safety-training",
            "safety-training",
            str(made.id),
            actor_id=user.id,
            now=now,
            detail=_visible(made),
        )
    return made


def forget_safety(user: User, facility: Facility, record_id: int, *, now: datetime) -> None:
    """Take a record of this facility back that was a mistake; the audit keeps what it said."""
    with transaction():
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(facility))
        found = db.session.get(SafetyTraining, record_id, populate_existing=True)
        if found is None or found.facility_id != facility.id:
            raise NotFound(Text("해당 기록을 찾을 수 없습니다.", "There is no such record."))
        audit.record(
            "forget-safety-training",
            "safety-training",
            str(found.id),
            actor_id=user.id,
            now=now,
            detail=_visible(found),
        )
        db.session.execute(
            delete(SafetyTraining).where(SafetyTraining.id == record_id),
            execution_options={"synchronize_session": False},
        )
        db.session.expunge(found)


def present(user: User) -> User:
    """The user as the database has them now, rights and all."""
    return (
        db.session.scalars(
            select(User)
            .where(User.id == user.id)
            .options(joinedload(User.grants))
            .execution_options(populate_existing=True)
        )
        .unique()
        .one()
    )


def _holder(email: str) -> User:
    found = user_by_email(email) if email.strip() else None
    if found is None or not found.active:
        raise _invalid(
            "email",
            "이 이메일 주소의 계정이 없습니다.",
            "Nobody with this e-mail address has an account.",
        )
    return found


def _by_id(certificate_id: int) -> Certificate:
    found = db.session.scalar(
        select(Certificate)
        .where(Certificate.id == certificate_id)
        .options(
            joinedload(Certificate.user),
            joinedload(Certificate.facility),
            joinedload(Certificate.instrument),
            joinedload(Certificate.technique),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(Text("해당 수료증을 찾을 수 없습니다.", "There is no such certificate."))
    return found


def _said(reason: str) -> str:
    if not reason.strip():
        raise _invalid("reason", "사유를 적어 주세요.", "Say why.")
    return reason.strip()


def _invalid(field: str, ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {field: text})


def _visible(record: SafetyTraining) -> dict[str, object]:
    return {
        "user": record.user_id,
        "kind": record.kind.value,
        "done_on": record.done_on.isoformat(),
        "valid_until": record.valid_until.isoformat() if record.valid_until else None,
        "facility": record.facility_id,
    }


def _note(
    action: str, certificate: Certificate, by: User, now: datetime, detail: dict[str, object]
) -> None:
    audit.record(
        action,
        "certificate",
        str(certificate.id),
        actor_id=by.id,
        now=now,
        detail={"user": certificate.user_id, "facility": certificate.facility.slug, **detail},
    )
