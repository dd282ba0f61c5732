import operator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import Money

weights = st.lists(
    st.one_of(st.integers(0, 1000), st.fractions(0, 1000, max_denominator=999)), min_size=1
).filter(sum)
amounts = st.integers(-(10**12), 10**12)


def split(amount, parts, **named):
    return [part.amount for part in Money(amount).split(parts, **named)]


def test_won_are_added_and_taken_away():
    assert Money(700) + Money(300) - Money(1) == Money(999)
    assert -Money(5) == Money(-5)


def test_money_is_ordered_by_its_amount():
    assert max(Money(3), Money(-7), Money(2)) == Money(3)
    assert Money(2) <= Money(2)


def test_no_money_is_false():
    assert not Money(0)
    assert Money(-1)


@pytest.mark.parametrize("amount", [1.0, Decimal(1), Fraction(1, 2), "1", True])
def test_an_amount_that_is_not_whole_is_refused(amount):
    with pytest.raises(TypeError, match="whole number"):
        Money(amount)


@pytest.mark.parametrize("mix", [operator.add, operator.sub, operator.lt, operator.ge])
def test_currencies_do_not_mix(mix):
    with pytest.raises(ValueError, match="do not mix"):
        mix(Money(1, "KRW"), Money(1, "USD"))


def test_equal_remainders_go_to_the_earliest_part():
    assert split(1000, [1, 1, 1]) == [334, 333, 333]
    assert split(1001, [1, 1, 1]) == [334, 334, 333]


def test_equal_remainders_go_to_the_named_part_first():
    assert split(1000, [1, 1, 1], remainder_to=2) == [333, 333, 334]
    assert split(1001, [1, 1, 1], remainder_to=2) == [334, 333, 334]


def test_a_larger_remainder_comes_before_the_named_part():
    assert split(10, [Fraction(64, 10), Fraction(36, 10)], remainder_to=0) == [6, 4]


def test_what_is_paid_back_splits_as_what_was_paid():
    assert split(-1000, [1, 1, 1]) == [-334, -333, -333]


def test_percent_given_as_fractions_are_exact():
    assert split(3, [Fraction(1, 3), Fraction(2, 3)]) == [1, 2]


@given(amounts, weights)
def test_split_loses_nothing(amount, parts):
    assert sum(split(amount, parts)) == amount


@given(amounts, weights)
def test_each_part_is_less_than_one_won_from_its_exact_share(amount, parts):
    exact = [Fraction(amount) * weight / Fraction(sum(parts)) for weight in parts]
    assert all(abs(p - e) < 1 for p, e in zip(split(amount, parts), exact, strict=True))


@given(amounts, weights, st.data())
def test_split_is_the_negative_of_the_split_of_the_negative(amount, parts, data):
    named = data.draw(st.none() | st.integers(0, len(parts) - 1))
    back = split(-amount, parts, remainder_to=named)
    assert split(amount, parts, remainder_to=named) == [-part for part in back]


@given(amounts, weights)
def test_who_weighs_nothing_pays_nothing(amount, parts):
    assert split(amount, [*parts, 0])[-1] == 0


@pytest.mark.parametrize("bad", [[0.5, 0.5], [Decimal(1)], [True]])
def test_a_weight_that_is_not_exact_is_refused(bad):
    with pytest.raises(TypeError, match="whole number or a fraction"):
        Money(10).split(bad)


@pytest.mark.parametrize(
    ("bad", "why"),
    [([], "above zero"), ([0, 0], "above zero"), ([2, -1], "negative"), ([1, -1], "negative")],
)
def test_weights_that_share_nothing_are_refused(bad, why):
    with pytest.raises(ValueError, match=why):
        Money(10).split(bad)


@pytest.mark.parametrize("named", [-1, 2])
def test_the_remainder_goes_to_a_part_that_exists(named):
    with pytest.raises(ValueError, match="no part number"):
        Money(10).split([1, 1], remainder_to=named)
