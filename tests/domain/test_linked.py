from hypothesis import given
from hypothesis import strategies as st

from app.domain.interval import Interval, common
from app.domain.linked import circle, together
from tests.domain.test_booking import hours

NEEDS = {"a": ["b"], "b": ["c"], "d": ["a", "c"]}


def test_what_is_needed_by_what_is_needed_comes_along():
    assert together(["d"], NEEDS) == ["d", "a", "c", "b"]


def test_a_circle_is_told_with_its_way_and_walked_once():
    round_ = {**NEEDS, "c": ["a"]}
    assert circle("a", NEEDS) == []
    assert circle("a", round_) == ["a", "b", "c", "a"]
    assert circle("d", round_) == []
    assert together(["d"], round_) == ["d", "a", "c", "b"]


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=8)


def apart(pairs) -> list[Interval]:
    """Spans in order that do not overlap."""
    found: list[Interval] = []
    for start, length in sorted(pairs):
        if not found or found[-1].end <= hours(start, start + 1).start:
            found.append(hours(start, start + length))
    return found


@given(SPANS, SPANS)
def test_common_time_is_what_lies_in_both(left, right):
    one, other = apart(left), apart(right)
    found = list(common(one, other))
    for hour in range(50):
        tick = hours(hour, hour + 1)
        assert any(each.contains(tick) for each in found) == (
            any(each.contains(tick) for each in one) and any(each.contains(tick) for each in other)
        )
