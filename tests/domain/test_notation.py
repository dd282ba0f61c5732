from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.interval import Interval
from app.domain.notation import (
    in_words,
    iso_duration,
    iso_instant,
    iso_span,
    listed,
    shown,
    shown_day,
    shown_span,
)

SEOUL = ZoneInfo("Asia/Seoul")
MORNING = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # 09:30 in Daejeon


def lasting(**length) -> Interval:
    return Interval(MORNING, MORNING + timedelta(**length))


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "PT0S"),
        (timedelta(minutes=30), "PT30M"),
        (timedelta(hours=1, minutes=30), "PT1H30M"),
        (timedelta(days=30), "P30D"),
        (timedelta(days=1, hours=2, seconds=5), "P1DT2H5S"),
    ],
)
def test_a_length_of_time_is_written_in_iso_8601(length, text):
    assert iso_duration(length) == text


def test_a_negative_length_of_time_is_a_mistake():
    with pytest.raises(ValueError, match="not negative"):
        iso_duration(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("length", "ko", "en"),
    [
        (timedelta(minutes=30), "30분", "30 minutes"),
        (timedelta(hours=1, minutes=30), "1시간 30분", "1 hour 30 minutes"),
        (timedelta(days=7), "7일", "7 days"),
        (timedelta(), "0분", "0 minutes"),
    ],
)
def test_a_length_of_time_is_said_in_both_languages(length, ko, en):
    assert (in_words(length).ko, in_words(length).en) == (ko, en)


def test_machines_read_utc():
    assert iso_instant(MORNING.astimezone(SEOUL)) == "2026-03-02T00:30:00Z"
    assert iso_span(lasting(hours=1)) == "2026-03-02T00:30:00Z/2026-03-02T01:30:00Z"


def test_people_read_the_clocks_of_the_facility_in_their_language():
    text = shown(MORNING, SEOUL, MORNING)
    assert (text.ko, text.en) == ("3월 2일(월) 09:30", "Mon 2 Mar 09:30")
    span = shown_span(lasting(hours=1), SEOUL, MORNING)
    assert (span.ko, span.en) == ("3월 2일(월) 09:30–10:30", "Mon 2 Mar 09:30–10:30")


def test_the_year_is_said_where_it_is_not_this_one():
    text = shown(MORNING, SEOUL, datetime(2025, 12, 31, 14, 59, tzinfo=UTC))
    assert (text.ko, text.en) == ("2026년 3월 2일(월) 09:30", "Mon 2 Mar 2026 09:30")


def test_which_year_it_is_the_clocks_of_the_facility_say():
    new_year = datetime(2025, 12, 31, 15, tzinfo=UTC)  # in Daejeon, 2026 has just begun
    assert shown(MORNING, SEOUL, new_year).en == "Mon 2 Mar 09:30"


def test_a_day_is_the_day_of_the_facility():
    assert shown_day(MORNING - timedelta(hours=1), SEOUL, MORNING).en == "Mon 2 Mar"


def test_a_span_until_midnight_ends_at_24():
    span = shown_span(lasting(hours=14, minutes=30), SEOUL, MORNING)
    assert span.ko == "3월 2일(월) 09:30–24:00"


def test_a_span_over_midnight_says_both_days():
    night = shown_span(lasting(hours=15), SEOUL, MORNING)
    assert night.ko == "3월 2일(월) 09:30 – 3월 3일(화) 00:30"
    assert night.en == "Mon 2 Mar 09:30 – Tue 3 Mar 00:30"


def test_a_span_until_a_later_midnight_says_both_days():
    days = shown_span(lasting(hours=38, minutes=30), SEOUL, MORNING)
    assert days.en == "Mon 2 Mar 09:30 – Wed 4 Mar 00:00"


def test_a_long_list_is_cut_short():
    one = lasting(hours=1)
    assert listed([one] * 4, SEOUL, MORNING).ko.count("09:30") == 4
    assert listed([one] * 5, SEOUL, MORNING).en.endswith(", …")
