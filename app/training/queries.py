"""Reads of training: sessions, who comes, certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.accounts.models import User
from app.catalog.models import Facility, Instrument, Technique, instrument_technique
from app.catalog.policy import training_of
from app.db import db
from app.domain.errors import NotFound, Text
from app.domain.local_time import day_of
from app.domain.training import Held
from app.training.models import (
    Certificate,
    Result,
    SafetyTraining,
    SignUp,
    Standing,
    TrainingCover,
    TrainingSession,
)
from app.training.qualification import LAST_USE, STANDING, is_about, local_day, of_technique

# Sessions


@dataclass(frozen=True, slots=True)
class Filled:
    """A session, how many come and wait, and where the reader stands."""

    session: TrainingSession
    seated: int
    waiting: int
    own: SignUp | None = None

    @property
    def free(self) -> int:
        return max(0, self.session.seats - self.seated)


_WHOLE = (
    joinedload(TrainingSession.facility).joinedload(Facility.institution),
    selectinload(TrainingSession.covers).joinedload(TrainingCover.instrument),
    selectinload(TrainingSession.covers).joinedload(TrainingCover.technique),
)


def session_by_id(session_id: int) -> TrainingSession:
    """The session; raises `NotFound`."""
    found = db.session.scalar(
        select(TrainingSession).where(TrainingSession.id == session_id).options(*_WHOLE)
    )
    if found is None:
        raise NotFound(
            Text(
                "해당 이용 교육을 찾을 수 없습니다. ‘이용 교육’ 화면에서 찾아보세요.",
                "There is no such training session. Look for it under “Training”.",
            )
        )
    return found


def coming(
    user: User, *, now: datetime, filters: Mapping[str, str], limit: int = 100
) -> list[Filled]:
    """Sessions that are not over nor cancelled, nearest first; filtered by slugs and words."""
    wanted = (
        select(TrainingSession)
        .join(TrainingSession.facility)
        .where(TrainingSession.ends_at > now, TrainingSession.cancelled_at.is_(None))
        .options(*_WHOLE)
        .order_by(TrainingSession.starts_at, TrainingSession.id)
        .limit(limit)
    )
    for word in filters.get("q", "").split()[:8]:
        wanted = wanted.where(
            or_(
                TrainingSession.title_ko.icontains(word, autoescape=True),
                TrainingSession.title_en.icontains(word, autoescape=True),
                Facility.name_ko.icontains(word, autoescape=True),
                Facility.name_en.icontains(word, autoescape=True),
            )
        )
    if facility := filters.get("facility"):
        wanted = wanted.where(Facility.slug == facility)
    about = _instruments_of(filters)
    if about is not None:
        wanted = wanted.where(about)
    return filled(db.session.scalars(wanted).all(), user)


def _instruments_of(filters: Mapping[str, str]) -> ColumnElement[bool] | None:
    """Condition: the session covers an instrument that is asked for, or one of a technique."""
    instrument = aliased(Instrument)
    asked: list[ColumnElement[bool]] = []
    if slug := filters.get("instrument"):
        asked.append(instrument.slug == slug)
    if slug := filters.get("technique"):
        technique = select(Technique.id).where(Technique.slug == slug).scalar_subquery()
        asked.append(of_technique(instrument, technique))
    return exists().where(is_about(instrument), *asked) if asked else None


def sessions_of(facility: Facility, user: User, *, limit: int = 100) -> list[Filled]:
    """All sessions of a facility, the latest first."""
    found = db.session.scalars(
        select(TrainingSession)
        .where(TrainingSession.facility_id == facility.id)
        .options(*_WHOLE)
        .order_by(TrainingSession.starts_at.desc())
        .limit(limit)
    ).all()
    return filled(found, user)


def filled(sessions: Sequence[TrainingSession], user: User) -> list[Filled]:
    """The sessions with who comes; two statements however many they are."""
    ids = [session.id for session in sessions]
    if not ids:
        return []
    counted = {
        row[0]: (int(row[1]), int(row[2]))
        for row in db.session.execute(
            select(
                SignUp.session_id,
                func.sum(case((SignUp.standing == Standing.SEATED, 1), else_=0)),
                func.sum(case((SignUp.standing == Standing.WAITING, 1), else_=0)),
            )
            .where(SignUp.session_id.in_(ids))
            .group_by(SignUp.session_id)
        )
    }
    own = {
        each.session_id: each
        for each in db.session.scalars(
            select(SignUp).where(
                SignUp.session_id.in_(ids),
                SignUp.user_id == user.id,
                SignUp.standing != Standing.WITHDRAWN,
            )
        )
    }
    return [
        Filled(session, *counted.get(session.id, (0, 0)), own.get(session.id))
        for session in sessions
    ]


def roster(session: TrainingSession) -> Sequence[SignUp]:
    """Who has a seat and who waits, each in the order in which they came."""
    return db.session.scalars(
        select(SignUp)
        .where(SignUp.session_id == session.id, SignUp.standing != Standing.WITHDRAWN)
        .options(joinedload(SignUp.user).selectinload(User.affiliations))
        .order_by(SignUp.standing, SignUp.turn, SignUp.id)
    ).all()


def taken_part(user: User, *, limit: int = 50) -> Sequence[SignUp]:
    """Sessions with a result for the person, the latest first."""
    return db.session.scalars(
        select(SignUp)
        .join(SignUp.session)
        .where(SignUp.user_id == user.id, SignUp.result.is_not(None))
        .options(
            joinedload(SignUp.session)
            .joinedload(TrainingSession.facility)
            .joinedload(Facility.institution)
        )
        .order_by(TrainingSession.starts_at.desc())
        .limit(limit)
    ).all()


def count_of(session: TrainingSession, result: Result) -> int:
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(SignUp)
            .where(SignUp.session_id == session.id, SignUp.result == result)
        )
        or 0
    )


# Certificates


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate with the last day on which it holds, if it is not used before."""

    certificate: Certificate
    ends_on: date | None
    over: bool
    used_on: date | None


def certificates(*where: Any, now: datetime) -> list[Shown]:
    """Certificates with their ends by what their instrument or facility says; one statement."""
    rows = db.session.execute(
        select(Certificate, LAST_USE.label("used_at"))
        .join(Certificate.user)
        .where(*where)
        .options(
            joinedload(Certificate.user),
            joinedload(Certificate.granted_by),
            joinedload(Certificate.facility).joinedload(Facility.institution),
            joinedload(Certificate.instrument).joinedload(Instrument.facility),
            joinedload(Certificate.technique),
        )
        .order_by(User.name, Certificate.id),
        {"now": now},
    ).all()
    return [_shown(certificate, used_at, now) for certificate, used_at in rows]


def _shown(certificate: Certificate, used_at: datetime | None, now: datetime) -> Shown:
    zone = ZoneInfo(certificate.facility.timezone)
    unused = training_of(certificate.instrument or certificate.facility).unused
    used_on = local_day(used_at, zone)
    held = Held(certificate.level, certificate.granted_on, certificate.expires_on, used_on)
    ends_on = held.ends_on(unused)
    return Shown(certificate, ends_on, ends_on is not None and ends_on < day_of(now, zone), used_on)


def certificates_of(user: User, *, now: datetime) -> list[Shown]:
    """What the person holds, over or not, and what was withdrawn from them."""
    return certificates(Certificate.user_id == user.id, Certificate.replaced_at.is_(None), now=now)


def qualified_on(instrument: Instrument, *, now: datetime) -> list[Shown]:
    """Certificates that open the instrument, or would if they were not over, by name."""
    # An instrument's own values, not its columns: the certificate's facility decides.
    techniques = select(instrument_technique.c.technique_id).where(
        instrument_technique.c.instrument_id == instrument.id
    )
    return certificates(
        STANDING,
        Certificate.facility_id == instrument.facility_id,
        or_(Certificate.instrument_id.is_(None), Certificate.instrument_id == instrument.id),
        or_(Certificate.technique_id.is_(None), Certificate.technique_id.in_(techniques)),
        now=now,
    )


def safety_of(user: User) -> Sequence[SafetyTraining]:
    """The person's safety training, the latest first."""
    return db.session.scalars(
        select(SafetyTraining)
        .where(SafetyTraining.user_id == user.id)
        .order_by(SafetyTraining.done_on.desc(), SafetyTraining.id.desc())
    ).all()


def safety_recorded_at(facility: Facility, *, limit: int = 100) -> Sequence[SafetyTraining]:
    """What this facility recorded, the latest first."""
    return db.session.scalars(
        select(SafetyTraining)
        .where(SafetyTraining.facility_id == facility.id)
        .options(joinedload(SafetyTraining.user))
        .order_by(SafetyTraining.id.desc())
        .limit(limit)
    ).all()


def techniques_of(facility: Facility) -> Sequence[Technique]:
    """The techniques that the facility's instruments offer, by their Korean names."""
    offered = (
        select(instrument_technique.c.technique_id)
        .join(Instrument, Instrument.id == instrument_technique.c.instrument_id)
        .where(Instrument.facility_id == facility.id, Instrument.retired_at.is_(None))
    )
    return db.session.scalars(
        select(Technique).where(Technique.id.in_(offered)).order_by(Technique.name_ko)
    ).all()


def choices(*, now: datetime) -> dict[str, Sequence[Any]]:
    """Facilities and techniques for which a session is to come."""
    to_come = and_(TrainingSession.ends_at > now, TrainingSession.cancelled_at.is_(None))
    instrument = aliased(Instrument)
    covered = (
        select(instrument_technique.c.technique_id)
        .join(instrument, instrument.id == instrument_technique.c.instrument_id)
        .join(TrainingSession, is_about(instrument))
        .where(to_come)
    )
    return {
        "facilities": db.session.scalars(
            select(Facility)
            .where(Facility.id.in_(select(TrainingSession.facility_id).where(to_come)))
            .order_by(Facility.name_ko)
        ).all(),
        "techniques": db.session.scalars(
            select(Technique).where(Technique.id.in_(covered)).order_by(Technique.name_ko)
        ).all(),
    }


def managed_by(user: User) -> Sequence[Facility]:
    """The facilities that the person manages, by their Korean names."""
    ids = {grant.facility_id for grant in user.grants if grant.facility_id}
    if not ids:
        return []
    return db.session.scalars(
        select(Facility).where(Facility.id.in_(ids)).order_by(Facility.name_ko)
    ).all()
