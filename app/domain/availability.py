"""Free time: what opening hours leave after reservations and blackouts, and slots within it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from app.domain.grid import following, is_on_grid, next_on_grid, preceding, previous_on_grid
from app.domain.interval import Interval, at_capacity, without
from app.domain.local_time import day_of, first_instant, to_local

#: When people who may choose begin: not before the first and not from the second on.
_DAYTIME = (time(9), time(18))
_DAY = timedelta(days=1)


def free_spans(
    open_spans: Iterable[Interval],
    held: Iterable[Interval],
    blackouts: Iterable[Interval],
    capacity: int,
    *,
    setup: timedelta = timedelta(),
    cleanup: timedelta = timedelta(),
) -> list[Interval]:
    """The open time in which one more reservation fits and no blackout lies, sorted and merged.

    `setup` and `cleanup` are kept free around each reservation, the new one among them.
    """
    if not setup and not cleanup:
        return without(open_spans, [*at_capacity(held, capacity), *blackouts])
    occupied = (Interval(each.start - setup, each.end + cleanup) for each in held)
    full = [*at_capacity(occupied, capacity), *blackouts]
    # What the new one needs around itself: it ends so long before, and begins so long behind.
    return without(open_spans, [Interval(each.start - cleanup, each.end + setup) for each in full])


def free_slots(
    spans: Iterable[Interval],
    duration: timedelta,
    slot: timedelta,
    zone: ZoneInfo,
    *,
    now: datetime,
    limit: int,
) -> list[Interval]:
    """The first `limit` of `slots_within`."""
    return list(islice(slots_within(spans, duration, slot, zone, now=now), limit))


def slots_within(
    spans: Iterable[Interval],
    duration: timedelta,
    slot: timedelta,
    zone: ZoneInfo,
    *,
    now: datetime,
) -> Iterator[Interval]:
    """The slots of `duration` within `spans` from `now` on, earliest first, found as asked for.

    They start on the grid and may overlap one another: each is one way to book. A duration
    that is no whole number of slots is rounded up, so that what is offered may be booked.
    """
    length = whole_slots(duration, slot)
    for span in sorted(spans):
        for start in starts_from(max(span.start, now), span, length, slot, zone):
            yield Interval(start, start + length)


def suggested_slots(
    spans: Iterable[Interval],
    duration: timedelta,
    slot: timedelta,
    zone: ZoneInfo,
    *,
    now: datetime,
    until: datetime,
    count: int,
) -> list[Interval]:
    """Up to `count` slots for somebody who has not chosen yet, earliest first.

    They start from `now` to `until` and by day, do not overlap, and are spread over three days or
    more. Only where no slot starts by day are those of the night suggested.
    """
    spans = list(spans)
    length = whole_slots(duration, slot)
    by_day = (
        each
        for each in slots_within(_by_day(spans, length, zone), length, slot, zone, now=now)
        if to_local(each.start, zone).time() < _DAYTIME[1]
    )
    found = _spread(by_day, zone, until, count)
    return found or _spread(slots_within(spans, length, slot, zone, now=now), zone, until, count)


def _by_day(spans: Iterable[Interval], length: timedelta, zone: ZoneInfo) -> Iterator[Interval]:
    """What of `spans` a slot that starts by day can lie in; nights are not walked through."""
    for span in spans:
        day = day_of(span.start, zone)
        while (opens := first_instant(datetime.combine(day, _DAYTIME[0]), zone)) < span.end:
            closes = first_instant(datetime.combine(day, _DAYTIME[1]), zone)
            if part := span.intersection(Interval(opens, closes + length)):
                yield part
            day += _DAY


def _spread(
    slots: Iterable[Interval], zone: ZoneInfo, until: datetime, count: int
) -> list[Interval]:
    """The first `count` slots that do not overlap, at most a third of them on one local day."""
    per_day = -(-count // 3)
    found: list[Interval] = []
    for each in slots:
        if each.start > until or len(found) == count:
            break
        if found and each.start < found[-1].end:
            continue
        day = day_of(each.start, zone)
        if sum(day_of(other.start, zone) == day for other in found) < per_day:
            found.append(each)
    return found


def nearest_slots(
    wanted: Interval,
    spans: Iterable[Interval],
    slot: timedelta,
    zone: ZoneInfo,
    *,
    not_before: datetime,
    count: int = 3,
) -> list[Interval]:
    """The `count` slots as long as `wanted` whose starts are nearest to its start.

    They lie within `spans`, start on the grid and not before `not_before`; nearest first, of
    two equally near the earlier first. `wanted` itself is left out. A length that is no whole
    number of slots is rounded up.
    """
    length = whole_slots(wanted.duration, slot)
    starts: set[datetime] = set()
    for span in spans:
        # One more than asked for each way, because `wanted` itself may be among them.
        later = starts_from(max(span.start, wanted.start, not_before), span, length, slot, zone)
        earlier = _starts_back(min(span.end - length, wanted.start), span, length, slot, zone)
        starts.update(islice(later, count + 1))
        starts.update(start for start in islice(earlier, count + 1) if start >= not_before)
    slots = (Interval(start, start + length) for start in starts)
    by_distance = sorted(
        (each for each in slots if each != wanted),
        key=lambda each: (abs(each.start - wanted.start), each.start),
    )
    return by_distance[:count]


def whole_slots(duration: timedelta, slot: timedelta) -> timedelta:
    """The duration, rounded up to a whole number of slots."""
    return -(-duration // slot) * slot


def starts_from(
    first: datetime, span: Interval, length: timedelta, slot: timedelta, zone: ZoneInfo
) -> Iterator[datetime]:
    """Where a slot may start in `span`, from `first` on."""
    start = next_on_grid(first, slot, zone)
    while start + length <= span.end:
        if is_on_grid(start + length, slot, zone):
            yield start
        start = following(start, slot, zone)


def _starts_back(
    last: datetime, span: Interval, length: timedelta, slot: timedelta, zone: ZoneInfo
) -> Iterator[datetime]:
    """Where a slot may start in `span`, from `last` backwards."""
    start = previous_on_grid(last, slot, zone)
    while start >= span.start:
        if is_on_grid(start + length, slot, zone):
            yield start
        start = preceding(start, slot, zone)
