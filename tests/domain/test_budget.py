"""When holders are warned of a budget, and how far it reaches."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.budget import at_this_pace, reached

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


@pytest.mark.parametrize(
    ("committed", "budget", "percent"),
    [(799, 1_000, 0), (800, 1_000, 80), (999, 1_000, 80), (1_000, 1_000, 100), (1_500, 1_000, 100),
     (0, 0, 100), (-5, 1_000, 0), (8 * 10**15 - 1, 10**16, 0), (8 * 10**15, 10**16, 80)],
)  # fmt: skip
def test_a_warning_comes_at_80_and_at_100_percent_to_the_won(committed, budget, percent):
    assert reached(committed, budget) == percent


@pytest.mark.parametrize(
    ("today", "outlook"),
    [
        (date(2025, 12, 31), None),
        (FIRST, 365_000),
        (date(2026, 3, 14), 5_000),  # the 73rd day, a fifth of the year
        (LAST, 1_000),
        (date(2027, 5, 1), 1_000),
    ],
)
def test_the_pace_is_that_of_the_days_until_today(today, outlook):
    assert at_this_pace(1_000, FIRST, LAST, today) == outlook


def test_an_account_of_one_day_has_its_pace_on_that_day():
    assert at_this_pace(7, FIRST, FIRST, FIRST) == 7


@given(st.integers(0, 10**18), st.dates(FIRST, date(2030, 1, 1)))
def test_the_outlook_is_never_less_than_what_was_spent(spent, today):
    assert at_this_pace(spent, FIRST, LAST, today) >= spent
