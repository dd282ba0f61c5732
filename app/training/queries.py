"""Reads of training: what a person may work, sessions, who comes, certificates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    String,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    table,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.accounts.access import Action, may
from app.accounts.models import User
from app.catalog.models import Facility, Instrument, Technique, instrument_technique
from app.catalog.policy import training_of, zone_of
from app.catalog.queries import scope_of
from app.db import UtcDateTime, db
from app.domain.approval import Status
from app.domain.errors import NotFound, Text
from app.domain.local_time import day_of
from app.domain.training import Held, Level, NextSession, Qualification, SafetyKind, SafetyRecord
from app.training.models import (
    Certificate,
    Result,
    SafetyTraining,
    SignUp,
    Standing,
    TrainingCover,
    TrainingSession,
)

#: Reservations stand above this slice: their table is asked by its name.
_reservation = table(
    "reservation",
    column("holder_id"),
    column("instrument_id"),
    column("status"),
    column("ends_at", UtcDateTime()),
)
_USED = [Status.CONFIRMED.value, Status.IN_USE.value, Status.COMPLETED.value]

#: Certificates that open something: neither withdrawn nor replaced.
STANDING = and_(Certificate.withdrawn_at.is_(None), Certificate.replaced_at.is_(None))


def _of_technique(instrument: Any, technique_id: Any) -> ColumnElement[bool]:
    return exists().where(
        instrument_technique.c.instrument_id == instrument.id,
        instrument_technique.c.technique_id == technique_id,
    )


def opens(instrument: Any) -> ColumnElement[bool]:
    """Condition on `Certificate`: it is for this instrument, alone or among others."""
    return and_(
        Certificate.facility_id == instrument.facility_id,
        or_(Certificate.instrument_id.is_(None), Certificate.instrument_id == instrument.id),
        or_(
            Certificate.technique_id.is_(None),
            _of_technique(instrument, Certificate.technique_id),
        ),
    )


def is_about(instrument: Any) -> ColumnElement[bool]:
    """Condition on `TrainingSession`: the instrument is among those that it covers."""
    cover = aliased(TrainingCover)
    any_cover = aliased(TrainingCover)
    return and_(
        TrainingSession.facility_id == instrument.facility_id,
        or_(
            ~exists().where(any_cover.session_id == TrainingSession.id),
            exists().where(
                cover.session_id == TrainingSession.id,
                or_(
                    cover.instrument_id == instrument.id,
                    _of_technique(instrument, cover.technique_id),
                ),
            ),
        ),
    )


_used = aliased(Instrument)
#: When the holder of a certificate last worked anything that it opens: any of it renews all.
_LAST_USE = (
    select(func.max(_reservation.c.ends_at))
    .select_from(_reservation)
    .join(_used, _used.id == _reservation.c.instrument_id)
    .where(
        _reservation.c.holder_id == Certificate.user_id,
        _reservation.c.status.in_(_USED),
        _reservation.c.ends_at <= bindparam("now", type_=UtcDateTime()),
        opens(_used),
    )
    .correlate(Certificate)
    .scalar_subquery()
)

_NO_DAY, _NO_TIME, _NO_WORD = cast(null(), Date), cast(null(), UtcDateTime()), literal("")
_ASKED = Instrument.id.in_(bindparam("instruments", expanding=True))

#: Certificates and safety training of one person, and the sessions to come, for some
#: instruments: built once, one statement of a booking.
_LEARNED: CompoundSelect[Any] = union_all(
    select(
        literal("certificate").label("kind"),
        Instrument.id,
        type_coerce(Certificate.level, String),
        Certificate.granted_on,
        Certificate.expires_on,
        type_coerce(_LAST_USE, UtcDateTime()).label("at"),
        _NO_WORD,
        _NO_WORD,
    )
    .select_from(Certificate)
    .join(Instrument, opens(Instrument))
    .where(Certificate.user_id == bindparam("user"), STANDING, _ASKED),
    select(
        literal("safety"),
        literal(0),
        type_coerce(SafetyTraining.kind, String),
        SafetyTraining.done_on,
        SafetyTraining.valid_until,
        _NO_TIME,
        _NO_WORD,
        _NO_WORD,
    ).where(SafetyTraining.user_id == bindparam("user")),
    select(
        literal("session"),
        Instrument.id,
        _NO_WORD,
        _NO_DAY,
        _NO_DAY,
        TrainingSession.starts_at,
        TrainingSession.title_ko,
        TrainingSession.title_en,
    )
    .select_from(TrainingSession)
    .join(Instrument, is_about(Instrument))
    .where(
        TrainingSession.cancelled_at.is_(None),
        TrainingSession.sign_up_until > bindparam("now", type_=UtcDateTime()),
        TrainingSession.starts_at > bindparam("now", type_=UtcDateTime()),
        _ASKED,
    ),
)


def qualifications(
    user: User, instruments: Iterable[Instrument], *, now: datetime
) -> dict[int, Qualification]:
    """What the person has learned for each instrument that asks for anything; one statement.

    None where none of them does. This is the one place that says who needs no certificate:
    whoever may train others on the instrument.
    """
    asking = [each for each in instruments if not training_of(each).asks_nothing]
    if not asking:
        return {}
    ids = [each.id for each in asking]
    rows = db.session.execute(_LEARNED, {"user": user.id, "now": now, "instruments": ids}).all()
    safety = tuple(
        SafetyRecord(SafetyKind(row[2]), row[3], row[4]) for row in rows if row[0] == "safety"
    )
    return {
        each.id: Qualification(
            exempt=may(user, Action.TRAIN, scope_of(each)),
            certificates=tuple(
                Held(Level(row[2]), row[3], row[4], _day(row[5], zone_of(each)))
                for row in rows
                if row[0] == "certificate" and row[1] == each.id
            ),
            safety=safety,
            next_session=min(
                (
                    NextSession(Text(row[6], row[7]), row[5])
                    for row in rows
                    if row[0] == "session" and row[1] == each.id
                ),
                key=lambda session: session.starts_at,
                default=None,
            ),
        )
        for each in asking
    }


def _day(instant: datetime | None, zone: ZoneInfo) -> date | None:
    return day_of(instant, zone) if instant else None


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
        asked.append(_of_technique(instrument, technique))
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
        select(Certificate, _LAST_USE.label("used_at"))
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
    used_on = _day(used_at, zone)
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
