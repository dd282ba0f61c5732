from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from app.domain.availability import free_slots, free_spans, nearest_slots, suggested_slots
from app.domain.grid import is_on_grid
from app.domain.interval import Interval

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


def span(start: float, end: float) -> Interval:
    return Interval(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


def hours(length: float) -> timedelta:
    return timedelta(hours=length)


def slots(spans, length=1.0, limit=100, now=NOW):
    return free_slots(spans, hours(length), HALF_HOUR, SEOUL, now=now, limit=limit)


def nearest(wanted, spans, count=3, not_before=NOW):
    return nearest_slots(wanted, spans, HALF_HOUR, SEOUL, not_before=not_before, count=count)


def test_free_is_what_is_open_and_neither_reserved_nor_closed():
    assert free_spans([span(0, 9)], [span(1, 2)], [span(4, 5)], 1) == [
        span(0, 1),
        span(2, 4),
        span(5, 9),
    ]


def test_with_room_for_two_one_reservation_takes_nothing():
    held = [span(1, 3), span(2, 4)]
    assert free_spans([span(0, 9)], held, [], 2) == [span(0, 2), span(3, 9)]


def test_a_blackout_closes_every_place():
    assert free_spans([span(0, 3)], [], [span(1, 2)], 5) == [span(0, 1), span(2, 3)]


def test_slots_start_on_the_grid_and_end_in_time():
    assert slots([span(0.25, 2)]) == [span(0.5, 1.5), span(1, 2)]


def test_no_slot_starts_before_now():
    assert slots([span(-3, 1.5)]) == [span(0, 1), span(0.5, 1.5)]


def test_a_span_too_short_has_no_slot():
    assert slots([span(0, 0.9)]) == []
    assert slots([span(0, 1)]) == [span(0, 1)]


def test_only_as_many_slots_are_found_as_are_asked_for():
    assert slots([span(4, 6), span(0, 1)], limit=2) == [span(0, 1), span(4, 5)]


def test_an_odd_length_is_rounded_up_to_the_grid():
    assert slots([span(0, 1)], length=0.75) == [span(0, 1)]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 200)), max_size=5),
    st.integers(1, 5),
)
def test_slots_are_those_that_a_look_at_every_minute_finds(pieces, halves):
    spans = free_spans(
        [Interval(NOW + s * MINUTE, NOW + (s + n) * MINUTE) for s, n in pieces], [], [], 1
    )
    every_minute = (NOW + m * MINUTE for m in range(900))
    expected = [
        slot
        for start in every_minute
        if is_on_grid(start, HALF_HOUR, SEOUL)
        and any(s.contains(slot := Interval(start, start + halves * HALF_HOUR)) for s in spans)
    ]
    assert slots(spans, halves / 2) == expected


def test_the_nearest_slots_come_nearest_first_and_the_earlier_of_two():
    assert nearest(span(4, 5), [span(0, 4), span(5, 9)]) == [
        span(3, 4),
        span(5, 6),
        span(2.5, 3.5),
    ]


def test_the_wanted_time_itself_is_no_alternative():
    assert nearest(span(4, 5), [span(3.5, 5.5)]) == [span(3.5, 4.5), span(4.5, 5.5)]


def test_a_wanted_time_that_is_free_takes_no_place_among_the_alternatives():
    assert nearest(span(4, 5), [span(4, 9)]) == [span(4.5, 5.5), span(5, 6), span(5.5, 6.5)]


def test_an_alternative_never_lies_before_what_may_be_booked():
    assert nearest(span(4, 5), [span(0, 4), span(8, 9)], not_before=NOW + hours(3)) == [
        span(3, 4),
        span(8, 9),
    ]


def test_a_full_calendar_has_no_alternative():
    assert nearest(span(4, 5), []) == []


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=6),
    st.integers(0, 1000),
    st.integers(1, 4),
    st.integers(0, 500),
    st.integers(1, 4),
)
def test_alternatives_are_the_nearest_of_all_free_slots(pieces, start, halves, earliest, count):
    spans = free_spans(
        [Interval(NOW + s * MINUTE, NOW + (s + n) * MINUTE) for s, n in pieces], [], [], 1
    )
    wanted = Interval(NOW + start * MINUTE, NOW + start * MINUTE + halves * HALF_HOUR)
    not_before = NOW + earliest * MINUTE
    free = slots(spans, halves / 2, now=not_before)
    expected = sorted(
        (slot for slot in free if slot != wanted),
        key=lambda slot: (abs(slot.start - wanted.start), slot.start),
    )
    assert nearest(wanted, spans, count, not_before) == expected[:count]


def test_a_slot_that_would_end_off_the_grid_after_a_clock_change_is_not_offered():
    new_york = ZoneInfo("America/New_York")  # 8 March 2026 has 23 hours there
    day = timedelta(days=1)
    midnight = datetime(2026, 3, 7, 5, tzinfo=UTC)
    spans = [Interval(midnight, midnight + 4 * day)]
    found = free_slots(spans, day, day, new_york, now=midnight, limit=9)
    assert [slot.start.astimezone(new_york).day for slot in found] == [7, 9, 10]


def suggested(spans, length=1.0, count=6, until=14 * 24.0):
    found = suggested_slots(
        spans,
        hours(length),
        HALF_HOUR,
        SEOUL,
        now=NOW,
        until=NOW + hours(until),
        count=count,
    )
    return [f"{each.start.astimezone(SEOUL):%d %H:%M}" for each in found]


def test_what_is_open_at_night_is_suggested_by_day_and_over_several_days():
    assert suggested([span(0, 100)], count=5) == [
        "03 09:00",
        "03 10:00",
        "04 09:00",
        "04 10:00",
        "05 09:00",
    ]


def test_the_day_ends_before_18_for_a_start():
    assert suggested([span(23, 100)], count=2) == ["03 17:00", "04 09:00"]
    assert suggested([span(23.5, 26)], count=2) == ["03 17:30"]
    assert suggested([span(24, 26)]) == ["03 18:00", "03 19:00"]  # there is nothing else


def test_nights_are_suggested_only_where_no_day_is_left():
    nights = [span(5, 10), span(29, 34)]
    assert suggested(nights, count=4) == ["02 23:00", "03 00:00", "03 01:00", "04 00:00"]
    assert suggested([*nights, span(40, 41)]) == ["04 10:00"]


def test_a_long_slot_begins_by_day_and_may_end_at_night():
    assert suggested([span(0, 100)], length=20, count=2) == ["03 09:00", "04 09:00"]
    assert suggested([span(0, 100)], length=30, count=2) == ["03 09:00", "04 15:00"]


def test_nothing_is_suggested_that_starts_after_booking_ends():
    assert suggested([span(0, 100)], until=15) == ["03 09:00"]
    assert suggested([span(0, 100)], until=1) == ["02 18:00", "02 19:00"]


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.integers(1, 400)).map(
            lambda each: Interval(NOW + each[0] * MINUTE, NOW + (each[0] + each[1]) * MINUTE)
        ),
        max_size=6,
    ),
    st.floats(0.5, 6),
)
def test_suggestions_are_free_apart_and_few_on_a_day(spans, length):
    spans = free_spans(spans, [], [], 1)
    found = suggested_slots(
        spans, hours(length), HALF_HOUR, SEOUL,
        now=NOW, until=NOW + hours(1000), count=6,
    )  # fmt: skip
    assert all(any(each.contains(slot) for each in spans) for slot in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    days = [slot.start.astimezone(SEOUL).date() for slot in found]
    assert all(days.count(day) <= 2 for day in days)
