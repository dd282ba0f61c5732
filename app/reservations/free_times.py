"""Free time ahead: the next slots of one instrument, and which instruments are free today."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import affiliation_class, open_spans, policy_of, zone_of
from app.catalog.queries import instrument_by_slug
from app.db import db
from app.domain.availability import free_slots, free_spans, suggested_slots
from app.domain.booking import AffiliationClass, UseScope, UseState
from app.domain.errors import FreeSlot
from app.domain.interval import Interval, common
from app.domain.linked import together
from app.domain.local_time import day_interval, day_of
from app.reservations import queries
from app.reservations.availability import closed_by
from app.reservations.schedule import holds

#: As far ahead as free times are looked for where booking is open for longer.
AHEAD = timedelta(days=60)
_HOUR = timedelta(hours=1)
_OWN = frozenset({AffiliationClass.OWN_DEPARTMENT, AffiliationClass.OWN_INSTITUTION})
#: What holds the instruments and what closes them, by their ids.
InTheWay = tuple[Mapping[int, list[Interval]], Mapping[int, list[Interval]]]
_OFFERED = frozenset({UseState.IN_USE, UseState.LOW_USE})


def sensible_length(instrument: Instrument) -> timedelta:
    """An hour, or as near to it as the instrument allows, in whole slots."""
    policy = policy_of(instrument)
    length = min(max(policy.shortest, _HOUR), policy.longest)
    return -(-length // policy.slot) * policy.slot


def next_free(
    instrument: Instrument, viewer: User | None, *, now: datetime, count: int = 6
) -> list[Interval]:
    """The next slots that `viewer` could reserve, by day if there are any, spread over days."""
    if not offered_to(instrument, viewer, now=now):
        return []
    policy = policy_of(instrument)
    ahead = min(policy.earliest, AHEAD)
    during = Interval(now, now + ahead + policy.longest)
    spans = queries.free_for(instrument, viewer, during, now=now)
    return suggested_slots(
        spans,
        sensible_length(instrument),
        policy.slot,
        zone_of(instrument),
        now=now,
        until=now + policy.earliest,
        count=count,
    )


def offered_to(instrument: Instrument, viewer: User | None, *, now: datetime) -> bool:
    """Whether the instrument is in use, and not for its own institution alone."""
    if not _is_offered(instrument):
        return False
    if instrument.use_scope is not UseScope.PRIVATE_USE:
        return True
    if viewer is None or not viewer.is_authenticated:
        return False
    day = day_of(now, zone_of(instrument))
    return affiliation_class(viewer, instrument.facility, day) in _OWN


def _is_offered(instrument: Instrument) -> bool:
    gone = instrument.retired_at or instrument.facility.retired_at
    return not (gone or instrument.out_of_order_since) and instrument.use_state in _OFFERED


def free_today(now: datetime) -> set[int]:
    """The ids of the instruments that have a slot left today; three statements in all."""
    instruments = _offered()
    around = Interval(now, now + timedelta(days=1))
    held = holds(instruments, around)
    closed = closed_by(instruments, around)
    known = {each.slug: each for each in instruments}
    needs = {each.slug: each.needs for each in instruments}
    found = set()
    for instrument in instruments:
        slugs = [instrument.slug, *together(instrument.needs, needs)] if instrument.needs else []
        if not known.keys() >= set(slugs):
            continue  # Something that it needs is not in use.
        along = [known[slug] for slug in slugs[1:]]
        if _slot_left(instrument, along, (held, closed), now=now):
            found.add(instrument.id)
    return found


def _offered() -> Sequence[Instrument]:
    """All instruments in use, with no more than what hours and policy ask about."""
    return db.session.scalars(
        select(Instrument)
        .join(Instrument.facility)
        .where(
            Instrument.retired_at.is_(None),
            Instrument.out_of_order_since.is_(None),
            Facility.retired_at.is_(None),
            Instrument.use_state.in_(_OFFERED),
        )
        .options(
            contains_eager(Instrument.facility).load_only(
                Facility.booking,
                Facility.opening_hours,
                Facility.timezone,
                Facility.holidays,
                Facility.extra_holidays,
                Facility.skipped_holidays,
            )
        )
    ).all()


def _slot_left(
    instrument: Instrument, along: Sequence[Instrument], in_the_way: InTheWay, *, now: datetime
) -> bool:
    policy, zone = policy_of(instrument), zone_of(instrument)
    midnight = day_interval(day_of(now, zone), zone).end
    first = now + policy.latest
    if first >= midnight:
        return False
    # A slot that starts today may run past midnight.
    today = Interval(first, min(midnight + policy.shortest, now + timedelta(days=1)))
    spans = _free_on(instrument, today, in_the_way)
    for each in along:
        spans = list(common(spans, _free_on(each, today, in_the_way)))
    found = free_slots(spans, policy.shortest, policy.slot, zone, now=first, limit=1)
    return bool(found) and found[0].start < midnight


def _free_on(instrument: Instrument, today: Interval, in_the_way: InTheWay) -> list[Interval]:
    policy, (held, closed) = policy_of(instrument), in_the_way
    return free_spans(
        open_spans(instrument, today),
        held[instrument.id],
        closed[instrument.id],
        instrument.capacity,
        setup=policy.setup,
        cleanup=policy.cleanup,
    )


def with_instruments(found: Sequence[FreeSlot]) -> list[tuple[FreeSlot, Instrument]]:
    """Free slots together with the instruments that they are of."""
    known: dict[str, Instrument] = {}
    for slot in found:
        if slot.instrument not in known:
            known[slot.instrument] = instrument_by_slug(slot.instrument)
    return [(slot, known[slot.instrument]) for slot in found]
