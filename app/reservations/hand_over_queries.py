"""Reads of what is offered to be taken over: of a reservation, and to a person."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.errors import NotFound, Text
from app.domain.hand_over import HandOverEnd
from app.domain.interval import Interval
from app.reservations.hand_over_models import HandOver
from app.reservations.models import Reservation

OPEN = HandOver.outcome.is_(None)
#: What may be taken over: nobody uses it yet, and it has not ended.
TAKEABLE = (Status.PENDING, Status.CONFIRMED)


def open_of(reservation: Reservation, *, now: datetime) -> HandOver | None:
    """What may be taken over of it."""
    found = unended(reservation)
    return found if found and is_open(found, now=now) else None


def unended(reservation: Reservation) -> HandOver | None:
    return db.session.scalars(
        select(HandOver).where(HandOver.reservation_id == reservation.id, OPEN)
    ).one_or_none()


def offered_to(uid: str, user: User) -> HandOver:
    """The latest offer of a reservation to the person, open or not; raises `NotFound`."""
    found = db.session.scalar(
        _whole()
        .where(Reservation.uid == uid, HandOver.email == user.email)
        .order_by(HandOver.id.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(
            Text(
                "넘겨받을 예약이 없습니다. 메일을 받은 계정으로 로그인했는지 확인해 주세요.",
                "There is nothing to take over. Make sure that you are signed in with the address "
                "to which the mail went.",
            )
        )
    return found


def all_to(user: User, *, now: datetime) -> Sequence[HandOver]:
    """What the person may take over now, nearest first."""
    return db.session.scalars(
        _whole()
        .where(
            OPEN,
            HandOver.email == user.email,
            Reservation.starts_at > now,
            Reservation.status.in_(TAKEABLE),
            Reservation.starts_at == HandOver.starts_at,
            Reservation.ends_at == HandOver.ends_at,
        )
        .order_by(Reservation.starts_at)
    ).all()


def is_open(hand_over: HandOver, *, now: datetime) -> bool:
    """Whether it may still be taken."""
    return hand_over.outcome is None and ended(hand_over, now) is None


def ended(found: HandOver, now: datetime) -> HandOverEnd | None:
    """How an offer has ended by itself: its reservation is gone, lies elsewhere, or began."""
    reservation = found.reservation
    offered = Interval(found.starts_at, found.ends_at)
    if reservation.status not in TAKEABLE or reservation.interval != offered:
        return HandOverEnd.WITHDRAWN
    return HandOverEnd.EXPIRED if reservation.interval.start <= now else None


def _whole() -> Select[HandOver]:
    return (
        select(HandOver)
        .join(HandOver.reservation)
        .options(
            joinedload(HandOver.offered_by),
            contains_eager(HandOver.reservation).options(
                joinedload(Reservation.holder),
                joinedload(Reservation.instrument)
                .joinedload(Instrument.facility)
                .joinedload(Facility.institution),
            ),
        )
        .execution_options(populate_existing=True)
    )
