"""Free slots of several instruments, by one read of what holds them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from app.catalog import queries as catalog
from app.catalog.models import Instrument
from app.catalog.policy import open_spans, policy_of, zone_of
from app.domain import availability
from app.domain.booking import UseState
from app.domain.errors import FreeSlot
from app.domain.interval import Interval
from app.reservations import schedule

_BOOKABLE = (UseState.IN_USE, UseState.LOW_USE)


def free_slots(
    instruments: Sequence[Instrument],
    duration: timedelta,
    within: Interval,
    *,
    now: datetime,
    limit: int,
) -> list[FreeSlot]:
    """Slots of `duration` that the rules of time allow, earliest first, `limit` in all.

    Whose they may become – use scope, suspension – is for the booking itself.
    """
    open_now = [
        i
        for i in instruments
        if not (i.retired_at or i.facility.retired_at) and i.use_state in _BOOKABLE
    ]
    # Merged while they are found: most instruments never have to look for a second slot.
    found = merge(*_slots_of_each(open_now, duration, within, now))
    return [FreeSlot(slug, slot) for _, slug, slot in islice(found, limit)]


def _slots_of_each(
    instruments: Sequence[Instrument], duration: timedelta, within: Interval, now: datetime
) -> Iterator[Iterator[tuple[datetime, str, Interval]]]:
    held = schedule.holds(instruments, within)
    closed = closed_by(instruments, within)
    for instrument in instruments:
        policy = policy_of(instrument)
        if not policy.shortest <= duration <= policy.longest:
            continue
        first = max(within.start, now + policy.latest)
        last = min(within.end, now + policy.earliest + duration)
        if first + duration > last:
            continue
        spans = availability.free_spans(
            open_spans(instrument, Interval(first, last)),
            held[instrument.id],
            closed[instrument.id],
            instrument.capacity,
            setup=policy.setup,
            cleanup=policy.cleanup,
        )
        slots = availability.slots_within(
            spans, duration, policy.slot, zone_of(instrument), now=now
        )
        yield _named(instrument.slug, slots)


def _named(slug: str, slots: Iterable[Interval]) -> Iterator[tuple[datetime, str, Interval]]:
    """Each with what it is sorted by among the slots of others."""
    return ((slot.start, slug, slot) for slot in slots)


def closed_by(
    instruments: Sequence[Instrument], during: Interval
) -> defaultdict[int, list[Interval]]:
    """The blackouts of each of the instruments or its facility, by one statement."""
    closed: defaultdict[int, list[Interval]] = defaultdict(list)
    found = catalog.blackouts(instruments, during)
    for instrument in instruments:
        closed[instrument.id] = [
            blackout.interval
            for blackout in found
            if blackout.instrument_id == instrument.id
            or blackout.facility_id == instrument.facility_id
        ]
    return closed
