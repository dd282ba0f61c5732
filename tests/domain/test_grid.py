from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.domain.grid import (
    checked_slot,
    following,
    is_on_grid,
    next_on_grid,
    preceding,
    previous_on_grid,
)

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks change by half an hour
HALF_HOUR = timedelta(minutes=30)

#: The clock changes of 2026, forward and back, in UTC.
CHANGES = [
    (NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 4, 4, 15, tzinfo=UTC)),
    (LORD_HOWE, datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
]


@pytest.mark.parametrize("minutes", [1, 10, 30, 60, 1440])
def test_a_slot_divides_the_day(minutes):
    assert checked_slot(timedelta(minutes=minutes)) == timedelta(minutes=minutes)


@pytest.mark.parametrize("minutes", [0, -30, 7, 50, 2880])
def test_a_slot_that_does_not_divide_the_day_is_refused(minutes):
    with pytest.raises(ValueError, match="divides the day"):
        checked_slot(timedelta(minutes=minutes))


def test_the_grid_counts_from_local_midnight():
    daily = timedelta(days=1)
    assert is_on_grid(datetime(2026, 3, 1, 15, tzinfo=UTC), daily, SEOUL)
    assert not is_on_grid(datetime(2026, 3, 1, 15, tzinfo=UTC), daily, ZoneInfo("UTC"))


def test_a_second_past_the_grid_is_off_it():
    assert not is_on_grid(datetime(2026, 3, 2, 9, 30, 1, tzinfo=UTC), HALF_HOUR, SEOUL)


def test_an_instant_on_the_grid_is_its_own_neighbour():
    instant = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert next_on_grid(instant, HALF_HOUR, SEOUL) == instant
    assert previous_on_grid(instant, HALF_HOUR, SEOUL) == instant


def around(change: datetime, minutes: int) -> list[datetime]:
    """An instant each few minutes, from a day and a half before `change` to as long after it."""
    first = change - timedelta(hours=36)
    return [first + n * timedelta(minutes=minutes) for n in range(72 * 60 // minutes)]


@pytest.mark.parametrize(("zone", "change"), CHANGES, ids=[str(c[1].date()) for c in CHANGES])
@pytest.mark.parametrize("minutes", [10, 30, 60, 120, 1440])
def test_no_line_of_the_grid_is_skipped_when_the_clocks_change(zone, change, minutes):
    slot = timedelta(minutes=minutes)
    instants = around(change, 5)
    lines = [instant for instant in instants if is_on_grid(instant, slot, zone)]
    for before, line in pairwise(lines):
        assert following(before, slot, zone) == line
        assert preceding(line, slot, zone) == before
    for instant in instants:
        if lines[0] <= instant <= lines[-1]:
            at = bisect_left(lines, instant)
            assert next_on_grid(instant, slot, zone) == lines[at]
            assert previous_on_grid(instant, slot, zone) == lines[bisect_right(lines, instant) - 1]
