from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.subsidy import Caps, Fund, Spent, sponsored

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
DAY = date(2026, 3, 2)
TRAINEE = {"institution": frozenset({"cnu"}), "cohort": frozenset({"2026", "evening"})}


def fund(percent=60, slug="city", **fields):
    return Fund(
        slug=slug,
        percent=percent,
        first=fields.pop("first", FIRST),
        last=fields.pop("last", LAST),
        only=fields.pop("only", {}),
        caps=Caps(**fields),
    )


def paid(cost, *funds, on=DAY, spent=None):
    found = sponsored(cost, [(each, spent or Spent()) for each in funds], TRAINEE, on)
    return [each.amount for each in found]


def test_a_fund_pays_its_part_and_drops_what_is_below_a_won():
    assert paid(100_000, fund(60)) == [60_000]
    assert paid(33, fund(50)) == [16]


@pytest.mark.parametrize(
    ("cap", "spent", "amount"),
    [
        ({"use": 50_000}, {}, 50_000),
        ({"person": 100_000}, {"person": 70_000}, 30_000),
        ({"period": 100_000}, {"period": 40_001}, 59_999),
        ({"whole": 100_000}, {"whole": 40_000}, 60_000),
        ({"whole": 100_000}, {"whole": 100_000}, 0),
        ({"whole": 100_000}, {"whole": 120_000}, 0),  # lowered since
        ({"person": 10_000, "whole": 5_000}, {}, 5_000),
    ],
)
def test_no_cap_is_exceeded(cap, spent, amount):
    assert paid(100_000, fund(**cap), spent=Spent(**spent)) == [amount]


def test_an_empty_fund_says_so():
    (found,) = sponsored(1000, [(fund(whole=5), Spent(whole=5))], TRAINEE, DAY)

    assert found.amount == 0
    assert found.why_not
    assert "has been used" in found.why_not.en


@pytest.mark.parametrize(
    ("day", "amount"),
    [(date(2025, 12, 31), 0), (FIRST, 600), (LAST, 600), (date(2027, 1, 1), 0)],
)
def test_a_fund_pays_from_its_first_day_to_its_last(day, amount):
    assert paid(1000, fund(), on=day) == [amount]


@pytest.mark.parametrize(
    ("only", "amount"),
    [
        ({}, 600),
        ({"institution": frozenset({"cnu", "kaist"})}, 600),
        ({"institution": frozenset({"cnu"}), "cohort": frozenset({"2025"})}, 0),
        ({"instrument": frozenset({"sem"})}, 0),  # of which nothing is known
    ],
)
def test_a_fund_is_for_those_of_whom_one_value_of_each_kind_is_true(only, amount):
    assert paid(1000, fund(only=only)) == [amount]


def test_the_second_fund_pays_of_what_the_first_one_left():
    assert paid(100_000, fund(75), fund(50, "association")) == [75_000, 25_000]
    assert paid(100_000, fund(50, "association"), fund(75)) == [50_000, 50_000]
    assert paid(100_000, fund(75, use=10_000), fund(50, "association")) == [10_000, 50_000]


def test_what_is_paid_back_is_not_sponsored_anew():
    with pytest.raises(ValueError, match="undo"):
        paid(-1, fund())


won = st.integers(0, 10**8)
cap = st.none() | st.integers(0, 10**6)


@given(
    won,
    st.lists(
        st.tuples(
            st.builds(fund, st.integers(1, 100), use=cap, person=cap, period=cap, whole=cap),
            st.builds(Spent, person=won, period=won, whole=won),
        ),
        max_size=4,
    ),
)
def test_funds_never_pay_more_than_the_cost_nor_than_a_cap(cost, funds):
    found = sponsored(cost, funds, TRAINEE, DAY)

    assert 0 <= sum(each.amount for each in found) <= cost
    for each, (given_, spent) in zip(found, funds, strict=True):
        assert each.amount <= cost * given_.percent / 100
        for most, used in (
            (given_.caps.use, 0),
            (given_.caps.person, spent.person),
            (given_.caps.period, spent.period),
            (given_.caps.whole, spent.whole),
        ):
            assert most is None or each.amount <= max(0, most - used)
