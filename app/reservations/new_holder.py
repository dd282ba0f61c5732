"""Making a reservation another person's: as they would ask for it, at their price.

What was said or agreed to for who held it before is theirs, and does not come with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, update

from app.accounts.models import User
from app.catalog.policy import affiliation_on, zone_of
from app.db import db
from app.domain import approval
from app.domain.booking import BookingRequest
from app.domain.local_time import day_of
from app.domain.shares import Share
from app.reservations import linked, paying, queries, stages
from app.reservations.models import Participant, Reservation
from app.reservations.services import accessories_of, left_of_all, requote


@dataclass(frozen=True, slots=True)
class Terms:
    """What the new holder says for themself: their answers, and which of their accounts pay."""

    answers: Mapping[str, str] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()


NOTHING_SAID = Terms()


def request_of(reservation: Reservation, terms: Terms, user: User, now: datetime) -> BookingRequest:
    """The reservation as its new holder would ask for it."""
    instrument = reservation.instrument
    return BookingRequest(
        instrument.slug,
        reservation.interval,
        purpose=reservation.purpose,
        mode=reservation.mode,
        samples=reservation.samples,
        answers=dict(terms.answers),
        shares=terms.shares,
        group=queries.group_for(user, None, instrument, now=now),
        accessories=accessories_of(reservation),
    )


def give(reservation: Reservation, user: User, request: BookingRequest, now: datetime) -> None:
    """Let it be the new holder's, with all that was reserved along; the calendars are ours."""
    instrument, companions = reservation.instrument, linked.companions(reservation)
    affiliation = affiliation_on(user, day_of(now, zone_of(instrument)))
    for each in (reservation, *companions):
        each.holder, each.reserved_by = user, None
        each.institution_id = affiliation.institution_id if affiliation else None
        each.group_id = request.group
        # Its series stays with who asked for it.
        each.series_id, each.original_start = None, None
    linked.answer(reservation, companions, request.answers)
    reservation.note = reservation.decision_reason = reservation.override_reason = ""
    reservation.decided_at = reservation.decided_by_id = None
    reservation.refusals_overridden = []
    reservation.shares, reservation.given_up = paying.kept(request), False
    requote([reservation], now)
    left = left_of_all([instrument, *(each.instrument for each in companions)], user, now, by=user)
    reservation.status = approval.after_change(reservation.status, left)
    stages.forget(reservation)
    stages.begin([reservation], left, now)
    _no_longer_takes_part(user, reservation)
    db.session.flush()
    for each in (reservation, *companions):
        db.session.expire(each, ["institution", "group", "series", "decided_by"])


def _no_longer_takes_part(user: User, reservation: Reservation) -> None:
    """Whoever holds it needs not take part; what their feed counted of it is made up for."""
    took_part = delete(Participant).where(
        Participant.reservation_id == reservation.id, Participant.email == user.email
    )
    if db.session.scalars(took_part.returning(Participant.id)).all():
        db.session.execute(
            update(User)
            .where(User.id == user.id)
            .values(calendar_version=User.calendar_version + reservation.version + 1)
            .execution_options(synchronize_session=False)
        )
