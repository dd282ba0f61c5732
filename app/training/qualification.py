"""What a person has learned for an instrument: one statement of each booking."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
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
from sqlalchemy.orm import aliased

from app.accounts.access import Action, Scope, may
from app.accounts.models import User
from app.catalog.models import Instrument, instrument_technique
from app.catalog.policy import training_of, zone_of
from app.catalog.queries import scope_of
from app.db import UtcDateTime, db
from app.domain.approval import Status
from app.domain.errors import Text
from app.domain.local_time import day_of
from app.domain.training import Held, Level, NextSession, Qualification, SafetyKind, SafetyRecord
from app.training.models import (
    Certificate,
    SafetyTraining,
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


def of_technique(instrument: Any, technique_id: Any) -> ColumnElement[bool]:
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
            of_technique(instrument, Certificate.technique_id),
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
                    of_technique(instrument, cover.technique_id),
                ),
            ),
        ),
    )


_used = aliased(Instrument)
#: When the holder of a certificate last worked anything that it opens: any of it renews all.
LAST_USE = (
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
        type_coerce(LAST_USE, UtcDateTime()).label("at"),
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
    return learned(user, {each.id: (scope_of(each), zone_of(each)) for each in asking}, now=now)


def learned(
    user: User, asking: Mapping[int, tuple[Scope, ZoneInfo]], *, now: datetime
) -> dict[int, Qualification]:
    """The same for instruments that are known to ask for something: by id, whose and where."""
    if not asking:
        return {}
    wanted = {"user": user.id, "now": now, "instruments": list(asking)}
    rows = db.session.execute(_LEARNED, wanted).all()
    safety = tuple(
        SafetyRecord(SafetyKind(row[2]), row[3], row[4]) for row in rows if row[0] == "safety"
    )
    held, sessions = defaultdict(list), defaultdict(list)
    for kind, id_, word, first, last, at, ko, en in rows:
        if kind == "certificate":
            held[id_].append(Held(Level(word), first, last, local_day(at, asking[id_][1])))
        elif kind == "session":
            sessions[id_].append(NextSession(Text(ko, en), at))
    return {
        id_: Qualification(
            exempt=may(user, Action.TRAIN, scope),
            certificates=tuple(held[id_]),
            safety=safety,
            next_session=min(sessions[id_], key=lambda each: each.starts_at, default=None),
        )
        for id_, (scope, _) in asking.items()
    }


def local_day(instant: datetime | None, zone: ZoneInfo) -> date | None:
    return day_of(instant, zone) if instant else None
