"""Times that could be reserved instead of one that is taken."""

from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select

from app.accounts.models import User
from app.accounts.suspensions import in_force
from app.catalog.models import Facility, Instrument, instrument_technique
from app.catalog.policy import policy_of, zone_of
from app.catalog.queries import instrument_by_slug
from app.db import db
from app.domain import booking
from app.domain.availability import nearest_slots
from app.domain.booking import BookingRequest
from app.domain.errors import FreeSlot
from app.domain.interval import Interval
from app.domain.operator_rules import needs_operator
from app.domain.training import UNTRAINED
from app.reservations import availability, queries, schedule
from app.training.qualification import qualifications

NEAR = timedelta(days=14)
OF_ITS_OWN = 3
OF_ITS_LIKE = 3


def alternatives(request: BookingRequest, user: User, *, now: datetime) -> list[FreeSlot]:
    """The nearest free times of the instrument, then the same time on instruments like it."""
    instrument = instrument_by_slug(request.instrument)
    own = [FreeSlot(instrument.slug, slot) for slot in _nearest(instrument, user, request, now=now)]
    if request.accessories:
        return own  # Others have accessories of their own.
    return own + _on_its_like(instrument, request, user, now=now)


def _nearest(
    instrument: Instrument, user: User, request: BookingRequest, *, now: datetime
) -> list[Interval]:
    wanted = request.interval
    around = Interval(max(wanted.start - NEAR, now), max(wanted.end, now) + NEAR)
    spans = queries.free_for(
        instrument, user, around, now=now, accessories=request.accessories, mode=request.mode
    )
    policy = policy_of(instrument)
    length = min(max(wanted.duration, policy.shortest), policy.longest)
    return nearest_slots(
        Interval(wanted.start, wanted.start + length),
        spans,
        policy.slot,
        zone_of(instrument),
        not_before=now + policy.latest,
        count=OF_ITS_OWN,
    )


def _on_its_like(
    instrument: Instrument, request: BookingRequest, user: User, *, now: datetime
) -> list[FreeSlot]:
    """The wanted time on instruments that share a technique, where all rules allow it."""
    shared = select(instrument_technique.c.technique_id).where(
        instrument_technique.c.instrument_id == instrument.id
    )
    like = db.session.scalars(
        select(Instrument)
        .join(Instrument.facility)
        .join(Facility.institution)
        .where(
            Instrument.id.in_(
                select(instrument_technique.c.instrument_id).where(
                    instrument_technique.c.technique_id.in_(shared)
                )
            ),
            Instrument.id != instrument.id,
            Instrument.retired_at.is_(None),
        )
        .options(queries.WITH_FACILITY)
        .order_by(Instrument.facility_id != instrument.facility_id, Instrument.id)
        .limit(2 * OF_ITS_LIKE)
    ).all()
    wanted = request.interval
    around = max((policy_of(other).around for other in like), default=timedelta())
    near = Interval(wanted.start - around, wanted.end + around)
    held, closed = schedule.holds(like, near), availability.closed_by(like, near)
    suspensions = in_force(user.id, now=now)
    learned = qualifications(user, like, now=now)
    possible = (
        other
        for other in like
        if not booking.refusals(
            request,
            queries.booking_facts(other, user, wanted, now=now)
            if other.needs or needs_operator(policy_of(other), request.mode)
            else queries.facts_of(
                other,
                user,
                wanted,
                (held[other.id], closed[other.id]),
                suspensions,
                now,
                queries.already_held(other, user, wanted, now=now, asked=request),
                learned.get(other.id, UNTRAINED),
            ),
        )
    )
    return [FreeSlot(other.slug, wanted) for other in islice(possible, OF_ITS_LIKE)]
