from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.interval import Interval, merged
from app.domain.opening_hours import ALWAYS_OPEN, OpeningHours

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 3, 2, tzinfo=SEOUL)
OFFICE = OpeningHours.parse({"mon-fri": ["09:00-18:00"], "sat": ["09:00-13:00"]})
NIGHTS = OpeningHours.parse({"mon-fri": ["18:00-09:00"]})
MINUTE = timedelta(minutes=1)


def local(day: int, hour: float, zone: ZoneInfo = SEOUL) -> datetime:
    """The hour of a day in March 2026; the second is a Monday."""
    midnight = datetime(2026, 3, day, tzinfo=zone)
    return (midnight + timedelta(hours=hour)).astimezone(UTC)


def span(day: int, start: float, end: float) -> Interval:
    return Interval(local(day, start), local(day, end))


def week_of(hours: OpeningHours, *holidays: date) -> list[Interval]:
    return hours.open_intervals(Interval(local(2, 0), local(9, 0)), SEOUL, holidays)


@st.composite
def opening_hours(draw) -> OpeningHours:
    """Any week without overlaps: the edges of ranges, drawn around the whole week."""
    edges = sorted(draw(st.sets(st.integers(0, 7 * 1440 - 1), max_size=24)))
    edges += [edges[0] + 7 * 1440] if edges else []
    pairs = list(pairwise(edges))[draw(st.integers(0, 1)) :: draw(st.integers(1, 2))]
    weekly = [[] for _ in range(7)]
    for start, end in pairs:
        day, minute = divmod(start, 1440)
        weekly[day].append((minute, min(minute + end - start, minute + 1440)))
    holiday = sorted(draw(st.sets(st.integers(0, 1439), max_size=4)))
    evens = list(zip(holiday[::2], holiday[1::2], strict=False))
    return OpeningHours(tuple(map(tuple, weekly)), tuple(evens))


days_of_march = st.sets(st.integers(1, 10).map(lambda day: date(2026, 3, day)), max_size=3)


def is_open_at(hours: OpeningHours, minute: datetime, holidays) -> bool:
    """The slow, obvious reference, without a zone: is any range of today or yesterday on?"""
    for back in (0, 1):
        day = minute.date() - timedelta(days=back)
        ranges = hours.holiday if day in holidays else hours.weekly[day.weekday()]
        now = minute.hour * 60 + minute.minute + back * 1440
        if any(start <= now < end for start, end in ranges):
            return True
    return False


def minutes_of(intervals) -> set[datetime]:
    found = set()
    for each in intervals:
        minute = each.start
        while minute < each.end:
            found.add(minute)
            minute += MINUTE
    return found


@settings(max_examples=40)
@given(opening_hours(), days_of_march, st.integers(0, 1440), st.integers(1, 3 * 1440))
def test_open_time_is_what_a_look_at_every_minute_finds(hours, holidays, first, length):
    start = MONDAY.astimezone(UTC) + timedelta(days=4) + first * MINUTE  # Friday, over the weekend
    during = Interval(start, start + length * MINUTE)
    found = hours.open_intervals(during, SEOUL, holidays)
    expected = {
        minute
        for minute in minutes_of([during])
        if is_open_at(hours, minute.astimezone(SEOUL), holidays)
    }
    assert minutes_of(found) == expected
    assert found == merged(found)


@given(opening_hours())
def test_hours_are_read_back_as_they_were_written(hours):
    assert OpeningHours.parse(hours.dump()) == hours


def test_an_office_is_open_on_weekdays_and_on_saturday_morning():
    assert week_of(OFFICE) == [*(span(day, 9, 18) for day in range(2, 7)), span(7, 9, 13)]


def test_a_night_runs_into_the_next_day():
    assert week_of(NIGHTS)[0] == span(2, 18, 33)
    assert week_of(NIGHTS)[-1] == span(6, 18, 33)


def test_the_night_before_the_first_day_is_seen():
    tuesday_morning = span(3, 0, 12)
    assert NIGHTS.open_intervals(tuesday_morning, SEOUL) == [span(3, 0, 9)]


def test_nights_beside_days_are_one_open_span():
    hours = OpeningHours.parse({"sat": ["09:00-18:00", "18:00-09:00"], "sun": ["09:00-12:00"]})
    assert week_of(hours) == [span(7, 9, 36)]


def test_a_sunday_night_runs_into_monday():
    hours = OpeningHours.parse({"sun": ["20:00-06:00"]})
    assert week_of(hours) == [span(2, 0, 6), span(8, 20, 24)]


def test_a_holiday_is_closed_unless_it_has_hours_of_its_own():
    tuesday = date(2026, 3, 3)
    assert span(3, 9, 18) not in week_of(OFFICE, tuesday)
    with_hours = OpeningHours.parse({"daily": ["09:00-18:00"], "holiday": ["10:00-12:00"]})
    assert span(3, 10, 12) in week_of(with_hours, tuesday)


def test_a_night_that_began_before_a_holiday_goes_on():
    assert week_of(NIGHTS, date(2026, 3, 4))[:2] == [span(2, 18, 33), span(3, 18, 33)]


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [(9, 18, True), (8.99, 18, False), (9, 18.01, False), (12, 13, True), (19, 20, False)],
)
def test_hours_cover_what_lies_wholly_within(start, end, covered):
    assert OFFICE.covers(span(2, start, end), SEOUL) is covered


def test_always_open_covers_a_week_with_holidays():
    week = Interval(local(2, 0), local(9, 0))
    assert ALWAYS_OPEN.covers(week, SEOUL, {date(2026, 3, 4)})


def test_hours_keep_to_the_wall_clock_when_the_clocks_change():
    hours = OpeningHours.parse({"daily": ["09:00-18:00"]})
    weekend = Interval(local(7, 0, NEW_YORK), local(8, 24, NEW_YORK))
    saturday, sunday = hours.open_intervals(weekend, NEW_YORK)
    assert saturday.start == datetime(2026, 3, 7, 14, tzinfo=UTC)
    assert sunday.start == datetime(2026, 3, 8, 13, tzinfo=UTC)


def test_a_night_over_a_clock_change_is_an_hour_shorter():
    hours = OpeningHours.parse({"sat": ["22:00-06:00"]})
    (night,) = hours.open_intervals(
        Interval(local(7, 0, NEW_YORK), local(8, 24, NEW_YORK)), NEW_YORK
    )
    assert night.duration == timedelta(hours=7)


def test_an_opening_that_the_clocks_skip_moves_forward():
    hours = OpeningHours.parse({"sun": ["02:30-05:00"]})
    (opened,) = hours.open_intervals(
        Interval(local(8, 0, NEW_YORK), local(8, 24, NEW_YORK)), NEW_YORK
    )
    assert opened.start.astimezone(NEW_YORK).hour == 3


def test_a_range_that_the_clocks_turn_around_is_not_open():
    hours = OpeningHours.parse({"sun": ["02:45-03:15"]})
    sunday = Interval(local(8, 0, NEW_YORK), local(8, 24, NEW_YORK))
    assert hours.open_intervals(sunday, NEW_YORK) == []


def test_an_end_not_after_its_start_is_on_the_next_day():
    assert OpeningHours.parse({"mon": ["09:00-09:00"]}).weekly[0] == ((540, 1980),)


@pytest.mark.parametrize("value", [["24h"], "24h", ["00:00-24:00"], ["00:00-00:00"]])
def test_a_whole_day_may_be_written_in_several_ways(value):
    assert OpeningHours.parse({"mon": value}).weekly[0] == ((0, 1440),)


def test_midnight_at_the_end_may_be_written_as_24():
    assert OpeningHours.parse({"mon": ["18:00-24:00"]}).weekly[0] == ((1080, 1440),)


def test_a_run_of_days_may_go_over_the_weekend():
    hours = OpeningHours.parse({"sat-mon": ["10:00-12:00"]})
    assert [bool(day) for day in hours.weekly] == [True, *[False] * 4, True, True]


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ({"monday": []}, "monday"),
        ({"mon-": []}, "mon-"),
        ({"mon-xyz": []}, "mon-xyz"),
        ({1: []}, "1"),
        ({"mon": None}, "mon"),
        ({"mon": 9}, "mon"),
        ({"mon": ["9-18"]}, "9-18"),
        ({"mon": ["09:00-25:00"]}, "09:00-25:00"),
        ({"mon": ["24:00-25:00"]}, "24:00-25:00"),
        ({"mon": ["09:00-24:01"]}, "09:00-24:01"),
        ({"mon": ["09:60-10:00"]}, "09:60-10:00"),
        ({"mon": ["09:00-18:00\n"]}, "09:00-18:00"),
        ({"mon": [540]}, "540"),
        ({"mon-fri": ["09:00-18:00"], "wed": []}, "“wed” is given twice.*“mon-fri”.*“wed”"),
        ({"daily": [], "sun": []}, "“sun” is given twice"),
        ({"mon": ["09:00-12:00", "11:00-18:00"]}, "“mon” and “mon” overlap at 11:00"),
        ({"mon": ["18:00-09:00"], "tue": ["08:00-12:00"]}, "“mon” and “tue” overlap at 08:00"),
        ({"sun": ["18:00-09:00"], "mon": ["08:00-12:00"]}, "“sun” and “mon” overlap at 08:00"),
        ({"holiday": ["09:00-12:00", "11:00-18:00"]}, "“holiday” overlap at 11:00"),
    ],
)
def test_a_mistake_is_named(mapping, why):
    with pytest.raises(ValueError, match=why):
        OpeningHours.parse(mapping)


@pytest.mark.parametrize(
    "weekly",
    [((),) * 6, (((0, 0),), *[()] * 6), (((-1, 5),), *[()] * 6), (((60, 1501),), *[()] * 6)],
    ids=["six days", "empty", "before midnight", "longer than a day"],
)
def test_a_week_that_is_none_is_refused(weekly):
    with pytest.raises(ValueError, match=r"seven days|no range"):
        OpeningHours(weekly)


def test_hours_are_dumped_in_runs_of_days():
    assert OFFICE.dump() == {"mon-fri": ["09:00-18:00"], "sat": ["09:00-13:00"]}
    assert ALWAYS_OPEN.dump() == {"daily": ["24h"], "holiday": ["24h"]}


def test_hours_are_said_in_korean():
    assert OFFICE.in_words("ko") == [
        ("월–금", "09:00–18:00"),
        ("토", "09:00–13:00"),
        ("일", "휴무"),
        ("공휴일", "휴무"),
    ]
    assert ALWAYS_OPEN.in_words("ko") == [("매일", "24시간"), ("공휴일", "24시간")]


def test_hours_are_said_in_english():
    assert NIGHTS.in_words("en")[:2] == [
        ("Mon–Fri", "18:00–09:00 the next day"),
        ("Sat–Sun", "Closed"),
    ]
    two = OpeningHours.parse({"daily": ["09:00-12:00", "18:00-24:00"]})
    assert two.in_words("en")[0] == ("Daily", "09:00–12:00, 18:00–24:00")
