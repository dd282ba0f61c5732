from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ageing import Age, age, aged

TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("late", "found"),
    [
        (-1, Age.NOT_DUE),
        (0, Age.NOT_DUE),
        (1, Age.UP_TO_30),
        (30, Age.UP_TO_30),
        (31, Age.UP_TO_90),
        (90, Age.UP_TO_90),
        (91, Age.UP_TO_180),
        (180, Age.UP_TO_180),
        (181, Age.OLDER),
    ],
)
def test_a_debt_ages_the_day_after_each_limit(late, found):
    assert age(TODAY - timedelta(days=late), TODAY) is found


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.dates(date(2020, 1, 1)), st.integers(-99, 99)))
)
def test_ageing_loses_no_won(rows):
    assert sum(each.total for each in aged(rows, TODAY).values()) == sum(row[2] for row in rows)
