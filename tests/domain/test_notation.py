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


def test_people_read_the_clocks_of_the_facility():
    assert shown(MORNING, SEOUL) == "2026-03-02 09:30"
    assert shown_span(lasting(hours=1), SEOUL) == "2026-03-02 09:30–10:30"


def test_a_span_until_midnight_ends_at_24():
    assert shown_span(lasting(hours=14, minutes=30), SEOUL) == "2026-03-02 09:30–24:00"


def test_a_span_over_midnight_says_both_days():
    night = shown_span(lasting(hours=15), SEOUL)
    assert night == "2026-03-02 09:30–2026-03-03 00:30"


def test_a_span_until_a_later_midnight_says_both_days():
    days = shown_span(lasting(hours=38, minutes=30), SEOUL)
    assert days == "2026-03-02 09:30–2026-03-04 00:00"


def test_a_long_list_is_cut_short():
    one = lasting(hours=1)
    assert listed([one] * 4, SEOUL).count("09:30") == 4
    assert listed([one] * 5, SEOUL).endswith(", …")
