"""Times at which people of the demonstration would reserve: by hours, rules and habit."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from app.catalog.models import Instrument
from app.catalog.policy import open_spans, policy_of, zone_of
from app.domain.booking import Policy
from app.domain.grid import next_on_grid, previous_on_grid
from app.domain.interval import Interval, without

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_SELDOM = 0.03
_USUAL_HOURS = (1, 1, 1.5, 2, 2, 2, 3, 4)
_LONG_RUN_HOURS = (2, 4, 6, 12, 24)


def lane(
    instrument: Instrument,
    during: Interval,
    closed: Collection[Interval],
    *,
    busyness: float,
    rng: Random,
) -> Iterator[Interval]:
    """One after another: on the grid, within hours, around what is `closed`.

    `busyness` is the chance that somebody begins at a free hour of a weekday's afternoon.
    """
    policy, zone = policy_of(instrument), zone_of(instrument)
    lengths = _lengths(policy)
    hop = policy.slot * max(1, _HOUR // policy.slot)
    for span in without(open_spans(instrument, during), closed):
        line = next_on_grid(span.start, policy.slot, zone)
        while line + policy.shortest <= span.end:
            habit = _habit(line, zone, policy)
            if rng.random() < busyness * habit:
                end = previous_on_grid(min(line + rng.choice(lengths), span.end), policy.slot, zone)
                if policy.shortest <= end - line <= policy.longest:
                    yield Interval(line, end)
                    line = end
                    continue
            line = next_on_grid(line + (hop if habit > _SELDOM else 2 * hop), policy.slot, zone)


def _lengths(policy: Policy) -> list[timedelta]:
    """Usual lengths as the policy allows them, in whole slots."""
    if policy.shortest > 4 * _HOUR:
        wanted = [policy.shortest * times for times in (1, 1, 2, 3)]
    elif policy.longest >= _DAY:
        wanted = [_HOUR * hours for hours in _LONG_RUN_HOURS]
    else:
        wanted = [_HOUR * hours for hours in _USUAL_HOURS]
    return [
        min(max(length // policy.slot * policy.slot, policy.shortest), policy.longest)
        for length in wanted
    ]


def _habit(instant: datetime, zone: ZoneInfo, policy: Policy) -> float:
    """How readily people begin at that hour, from 0 to 1: weekday office hours, seldom at night."""
    local = instant.astimezone(zone)
    if policy.shortest > 4 * _HOUR:
        return 0.4 if local.weekday() < 5 else 0.1
    if local.weekday() >= 5:
        return 0.12 if 9 <= local.hour < 19 else _SELDOM
    if 9 <= local.hour < 18:
        return 0.4 if local.hour == 12 else 1.0
    if 18 <= local.hour < 22:
        return 0.3
    return 0.3 if local.hour == 8 else _SELDOM
