from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.interval import Interval, at_capacity, fullest, merged, without

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(hour: int) -> datetime:
    return NOW + timedelta(hours=hour)


def span(start: int, end: int) -> Interval:
    return Interval(at(start), at(end))


spans = st.builds(
    lambda start, length: span(start, start + length), st.integers(0, 40), st.integers(1, 12)
)
some_spans = st.lists(spans, max_size=12)


def hours_of(intervals) -> set[int]:
    """The slow, obvious reference: every hour that lies in one of the intervals."""
    return {h for h in range(60) for each in intervals if each.start <= at(h) < each.end}


def present(intervals, hour: int) -> int:
    return sum(each.start <= at(hour) < each.end for each in intervals)


def are_sorted_and_apart(intervals) -> bool:
    return all(a.end < b.start for a, b in pairwise(intervals))


def test_an_interval_ends_after_it_starts():
    with pytest.raises(ValueError, match="end after it starts"):
        span(3, 3)


def test_an_interval_refuses_times_without_a_zone():
    with pytest.raises(ValueError, match="time zone"):
        Interval(datetime(2026, 3, 2), datetime(2026, 3, 3))


def test_back_to_back_intervals_do_not_overlap():
    assert not span(1, 2).overlaps(span(2, 3))
    assert span(1, 3).overlaps(span(2, 3))


def test_an_interval_contains_itself_and_nothing_longer():
    assert span(1, 3).contains(span(1, 3))
    assert not span(1, 3).contains(span(1, 4))


def test_a_shifted_interval_keeps_its_length():
    assert span(1, 3).shifted(timedelta(hours=2)) == span(3, 5)
    assert span(1, 3).shifted(timedelta(hours=-1)) == span(0, 2)


def test_touching_intervals_share_nothing():
    assert span(1, 2).intersection(span(2, 3)) is None


@given(spans, spans)
def test_an_intersection_is_what_both_share(one, other):
    shared = one.intersection(other)
    assert hours_of([shared] if shared else []) == hours_of([one]) & hours_of([other])
    assert (shared is not None) == one.overlaps(other)


def test_touching_intervals_are_merged_into_one():
    assert merged([span(2, 3), span(1, 2)]) == [span(1, 3)]


@given(some_spans)
def test_merging_covers_the_same_time_in_sorted_pieces_that_do_not_touch(intervals):
    result = merged(intervals)
    assert hours_of(result) == hours_of(intervals)
    assert are_sorted_and_apart(result)


@given(some_spans, some_spans)
def test_what_is_left_lies_in_the_spans_and_in_no_hole(intervals, holes):
    result = without(intervals, holes)
    assert hours_of(result) == hours_of(intervals) - hours_of(holes)
    assert result == sorted(result)


def test_a_hole_that_covers_two_spans_is_cut_from_both():
    assert without([span(0, 3), span(4, 7)], [span(2, 5)]) == [span(0, 2), span(5, 7)]


@given(some_spans, spans)
def test_the_fullest_instant_is_counted_exactly(intervals, within):
    counts = [present(intervals, h) for h in hours_of([within])]
    assert fullest(intervals, within) == max(counts)


def test_reservations_that_miss_each_other_are_not_added_up():
    assert fullest([span(0, 2), span(2, 4), span(4, 6)], span(0, 6)) == 1


def test_nobody_is_at_the_fullest_instant_of_an_empty_calendar():
    assert fullest([], span(0, 1)) == 0


@given(some_spans, st.integers(1, 4))
def test_at_capacity_is_where_so_many_overlap(intervals, capacity):
    result = at_capacity(intervals, capacity)
    assert hours_of(result) == {h for h in range(60) if present(intervals, h) >= capacity}
    assert are_sorted_and_apart(result)


def test_a_full_time_goes_on_when_one_leaves_as_another_comes():
    assert at_capacity([span(0, 2), span(2, 4)], 1) == [span(0, 4)]


def test_a_capacity_below_one_makes_no_sense():
    with pytest.raises(ValueError, match="at least 1"):
        at_capacity([], 0)
