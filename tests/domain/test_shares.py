"""Shares of a cost: what may be typed, what adds up, and that a split loses nothing."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import Money
from app.domain.shares import (
    Share,
    Shares,
    parse_percent,
    show_percent,
    split,
    split_fixed,
)

amounts = st.integers(-(10**15), 10**15)


@st.composite
def all_shares(draw):
    """Any shares that add up: 100 percent cut at some ten-thousandths."""
    cuts = draw(st.lists(st.integers(1, 999_999), unique=True, max_size=8))
    edges = [0, *sorted(cuts), 1_000_000]
    parts = [end - start for start, end in pairwise(edges)]
    shares = tuple(Share(f"P-{n}", Fraction(part, 10_000)) for n, part in enumerate(parts))
    return Shares(shares, draw(st.sampled_from(shares)).account)


def shares(*percents, to="P-0"):
    return Shares(tuple(Share(f"P-{n}", Fraction(p)) for n, p in enumerate(percents)), to)


def won(parts):
    return [part.amount for part in parts.values()]


@given(amounts, all_shares())
def test_a_split_loses_nothing(total, given_shares):
    assert sum(won(split(Money(total), given_shares))) == total


@given(amounts, all_shares())
def test_no_part_is_a_won_from_its_exact_share(total, given_shares):
    parts = split(Money(total), given_shares)
    for share in given_shares.shares:
        assert abs(parts[share.account].amount - total * share.percent / 100) < 1


@given(amounts, all_shares())
def test_what_is_owed_back_splits_as_what_was_owed(total, given_shares):
    back = split(Money(-total), given_shares)
    assert [-part for part in won(back)] == won(split(Money(total), given_shares))


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**12), max_size=4), all_shares())
def test_fixed_amounts_and_the_rest_lose_nothing(total, fixed, given_shares):
    named = {f"F-{n}": Money(amount) for n, amount in enumerate(fixed)}
    parts = split_fixed(Money(total), named, given_shares)

    assert sum(won(parts)) == total
    assert min(won(parts)) >= 0
    assert all(parts[name].amount <= amount.amount for name, amount in named.items())


@pytest.mark.parametrize(("to", "expected"), [("P-0", [1, 0]), ("P-1", [0, 1])])
def test_a_tie_goes_to_the_named_account(to, expected):
    assert won(split(Money(1), shares(50, 50, to=to))) == expected


def test_a_larger_remainder_comes_before_the_named_account():
    assert won(split(Money(1), shares(40, 60, to="P-0"))) == [0, 1]


@given(st.integers(0, 1_000_000))
def test_a_percentage_is_shown_as_it_is_read(units):
    percent = Fraction(units, 10_000)
    assert parse_percent(show_percent(percent)) == percent


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-1",
        "+1",
        "1e9",
        "1e9%",
        "６０",
        "육십",
        "60,5",
        "33.33333",
        "1000",
        ".5",
        "NaN",
        "0x10",
    ],
)
def test_what_is_no_percentage_is_refused(typed):
    with pytest.raises(ValueError, match="percentage"):
        parse_percent(typed)


@pytest.mark.parametrize(
    "percents",
    [(), ("99.99",), ("60", "40.0001"), ("50",), tuple([Fraction(100, 51)] * 51)],
    ids=["none", "99.99", "over", "half", "too many"],
)
def test_shares_that_do_not_add_up_cannot_be_made(percents):
    with pytest.raises(ValueError, match="shares"):
        shares(*percents)


@pytest.mark.parametrize("percent", [Fraction(0), Fraction(-1), Fraction(101)])
def test_no_share_is_nothing_or_more_than_all(percent):
    with pytest.raises(ValueError, match="share"):
        Share("P-0", percent)


def test_an_account_has_one_share():
    twice = (Share("P-0", Fraction(50)), Share("P-0", Fraction(50)))
    with pytest.raises(ValueError, match="one share"):
        Shares(twice, "P-0")
