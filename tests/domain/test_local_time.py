from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.domain.errors import Invalid
from app.domain.local_time import day_interval, day_of, first_instant, to_instant, to_local

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")  # 2026: forward on 8 March, back on 1 November, at 2:00


def test_nine_in_daejeon_is_midnight_utc():
    assert to_instant(datetime(2026, 3, 2, 9), SEOUL) == datetime(2026, 3, 2, tzinfo=UTC)


def test_an_instant_comes_back_in_utc():
    assert to_instant(datetime(2026, 3, 2, 9), SEOUL).tzinfo is UTC


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (datetime(2026, 3, 8, 1, 59), datetime(2026, 3, 8, 6, 59, tzinfo=UTC)),
        (datetime(2026, 3, 8, 3, 0), datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        (datetime(2026, 11, 1, 0, 59), datetime(2026, 11, 1, 4, 59, tzinfo=UTC)),
        (datetime(2026, 11, 1, 2, 0), datetime(2026, 11, 1, 7, 0, tzinfo=UTC)),
    ],
)
def test_times_beside_a_clock_change_are_plain(local, utc):
    assert to_instant(local, NEW_YORK) == utc


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_the_clocks_skip_is_refused_with_one_that_exists(minute):
    with pytest.raises(Invalid) as refused:
        to_instant(datetime(2026, 3, 8, 2, minute), NEW_YORK)
    text = refused.value.text
    for words in (text.ko, text.en):
        assert f"2026-03-08 02:{minute:02}" in words
        assert f"03:{minute:02}" in words
        assert "America/New_York" in words
    assert "skip" in text.en


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_comes_twice_is_refused(minute):
    with pytest.raises(Invalid) as refused:
        to_instant(datetime(2026, 11, 1, 1, minute), NEW_YORK)
    text = refused.value.text
    assert f"2026-11-01 01:{minute:02}" in text.ko
    assert "twice" in text.en
    assert "America/New_York" in text.ko


def test_naming_the_second_of_two_equal_times_by_fold_does_not_help():
    with pytest.raises(Invalid, match="twice"):
        to_instant(datetime(2026, 11, 1, 1, 30, fold=1), NEW_YORK)


def test_hours_that_recur_move_forward_over_a_skipped_time():
    skipped = first_instant(datetime(2026, 3, 8, 2, 30), NEW_YORK)
    assert to_local(skipped, NEW_YORK).hour == 3


def test_hours_that_recur_take_the_first_of_two_equal_times():
    assert first_instant(datetime(2026, 11, 1, 1, 30), NEW_YORK) == datetime(
        2026, 11, 1, 5, 30, tzinfo=UTC
    )


def test_a_local_time_with_a_zone_is_a_mistake():
    with pytest.raises(ValueError, match="naive"):
        to_instant(datetime(2026, 3, 2, tzinfo=UTC), SEOUL)


def test_an_instant_without_a_zone_is_a_mistake():
    with pytest.raises(ValueError, match="time zone"):
        to_local(datetime(2026, 3, 2), SEOUL)


def test_the_day_in_daejeon_begins_at_fifteen_utc():
    assert day_of(datetime(2026, 3, 1, 14, 59, tzinfo=UTC), SEOUL) == date(2026, 3, 1)
    assert day_of(datetime(2026, 3, 1, 15, tzinfo=UTC), SEOUL) == date(2026, 3, 2)
    assert day_interval(date(2026, 3, 2), SEOUL).start == datetime(2026, 3, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 3, 9), 24), (date(2026, 11, 1), 25)]
)
def test_a_day_is_as_long_as_its_clocks_make_it(day, hours):
    assert day_interval(day, NEW_YORK).duration == timedelta(hours=hours)


def test_days_follow_each_other_without_a_gap():
    days = [day_interval(date(2026, 3, 1) + timedelta(days=n), NEW_YORK) for n in range(300)]
    assert all(a.end == b.start for a, b in pairwise(days))
