"""Reads of the reservations that are charged, each with what was charged and decided of it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from app.accounts.models import Institution, User
from app.billing.models import Charge, ChargeDecision
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.interval import Interval
from app.rates.queries import LONGEST
from app.reservations.models import Reservation

#: So far back is looked for what has come late or was used otherwise than it was charged.
LOOK_BACK = timedelta(days=400)

_LATEST = (
    select(Charge.reservation_id, func.max(Charge.number).label("number"))
    .group_by(Charge.reservation_id)
    .subquery()
)
_DECISION = (
    select(
        ChargeDecision.reservation_id,
        func.max(ChargeDecision.id).label("id"),
    )
    .group_by(ChargeDecision.reservation_id)
    .subquery()
)
_posted = aliased(Charge)
_decided = aliased(ChargeDecision)

_READ = (
    select(
        Reservation.id,
        Reservation.instrument_id,
        Reservation.uid,
        Reservation.version,
        Reservation.status,
        Reservation.starts_at,
        Reservation.ends_at,
        Reservation.reserved_from,
        Reservation.reserved_until,
        Reservation.used_from,
        Reservation.used_until,
        Reservation.ended_at,
        Reservation.given_up,
        Reservation.mode,
        Reservation.samples,
        Reservation.quote,
        cast(Reservation.charging, Text).label("charging"),
        Reservation.shares,
        Reservation.institution_id,
        Reservation.holder_id,
        User.name.label("holder"),
        Instrument.slug.label("instrument"),
        Instrument.name_ko,
        Instrument.name_en,
        Instrument.registration_number,
        Instrument.facility_id,
        Facility.timezone,
        _posted.id.label("charge_id"),
        _posted.number.label("charge_number"),
        _posted.of_version,
        _posted.decision_id.label("charged_decision_id"),
        _decided.id.label("decision_id"),
        _decided.net.label("decided_net"),
        _decided.reason.label("decided_reason"),
    )
    .join(Instrument, Instrument.id == Reservation.instrument_id)
    .join(Facility, Facility.id == Instrument.facility_id)
    .join(User, User.id == Reservation.holder_id)
    .outerjoin(_LATEST, _LATEST.c.reservation_id == Reservation.id)
    .outerjoin(
        _posted,
        and_(
            _posted.reservation_id == Reservation.id,
            _posted.number == _LATEST.c.number,
        ),
    )
    .outerjoin(_DECISION, _DECISION.c.reservation_id == Reservation.id)
    .outerjoin(_decided, _decided.id == _DECISION.c.id)
    .order_by(Reservation.starts_at, Reservation.id)
)


_USED = or_(
    Reservation.status == Status.COMPLETED,
    and_(Reservation.status == Status.CONFIRMED, Reservation.no_show_at.is_(None)),
)
#: What was reserved along costs nothing of its own.
_ALONE = or_(Reservation.bundle.is_(None), Reservation.bundle == Reservation.uid)


def uses_of(instrument_ids: Iterable[int], month: Interval, now: datetime) -> Sequence[Any]:
    """Rows of the uses of some instruments that ended within the month, charged or not."""
    return db.session.execute(
        _READ.where(
            Reservation.instrument_id.in_(sorted(instrument_ids)),
            Reservation.starts_at > month.start - LONGEST,
            Reservation.ends_at > month.start,
            Reservation.ends_at <= min(month.end, now),
            _USED,
            _ALONE,
        )
    ).all()


def over(supplier: Institution, month: Interval, now: datetime) -> Iterator[Row[Any]]:
    """Rows of what was over by the end of the month and was not charged, or not as it is now."""
    return iter(db.session.execute(_over(supplier, month, now)))


def _over(supplier: Institution, month: Interval, now: datetime) -> Select[*tuple[Any, ...]]:
    until = min(month.end, now)
    used = and_(_USED, Reservation.ends_at <= until)
    ended = and_(
        or_(
            Reservation.status == Status.NO_SHOW,
            and_(Reservation.status == Status.CANCELLED, Reservation.given_up),
        ),
        Reservation.ended_at < until,
    )
    changed = or_(
        _posted.id.is_(None),
        _posted.of_version != Reservation.version,
        func.coalesce(_posted.decision_id, 0) != func.coalesce(_decided.id, 0),
    )
    posted = _posted.id.is_not(None)
    return _READ.where(
        Facility.institution_id == supplier.id,
        _ALONE,
        _near(month),
        or_(used, ended, posted),
        changed,
    )


def _near(month: Interval) -> ColumnElement[bool]:
    """Not too long ago; or somebody has decided on it, however long ago it was."""
    decided = select(ChargeDecision.reservation_id)
    return or_(Reservation.starts_at > month.start - LOOK_BACK, Reservation.id.in_(decided))


def row_of(reservation_id: int) -> Any:
    """The row of one reservation, charged or not."""
    return db.session.execute(_READ.where(Reservation.id == reservation_id)).one()
