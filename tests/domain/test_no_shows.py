"""How many no-shows suspend, and which still count."""

from datetime import timedelta

import pytest

from app.domain.no_shows import NoShowLimit, limit_in_words, why_suspended
from tests.factories import NOW

DAY = timedelta(days=1)
LIMIT = NoShowLimit(3, 30 * DAY, 14 * DAY)


@pytest.mark.parametrize(
    ("days_ago", "reached"),
    [
        ((1, 2), False),
        ((1, 2, 3), True),
        ((0, 1, 2, 3), True),
        ((1, 2, 29.99), True),
        ((1, 2, 30), False),
        ((-1, 1, 2), False),
    ],
)
def test_so_many_within_so_long_reach_the_limit(days_ago, reached):
    assert LIMIT.reached([NOW - ago * DAY for ago in days_ago], now=NOW) is reached


@pytest.mark.parametrize("wrong", [(0, DAY, DAY), (1, 0 * DAY, DAY), (1, DAY, 0 * DAY)])
def test_a_limit_counts_something_for_a_while(wrong):
    with pytest.raises(ValueError, match=r"."):
        NoShowLimit(*wrong)


def test_rule_and_reason_are_told_in_both_languages():
    assert limit_in_words(LIMIT).en == (
        "3 no-shows within 30 days: no reservations at this facility for 14 days"
    )
    assert why_suspended(1, DAY).en == "1 no-show within 1 day at this facility"
    assert why_suspended(3, 30 * DAY).ko == "이 시설에서 30일 안에 미사용(노쇼) 3회"
