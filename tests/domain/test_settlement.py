from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.settlement import Gross, Transfer, balances, matrix, transfers

names = st.sampled_from(["cnu", "kaist", "kribb", "kriss", "yeje", "city"])
won = st.integers(-(10**9), 10**9)


@st.composite
def gross(draw):
    sponsors = draw(st.dictionaries(names, st.integers(0, 10**6), max_size=2))
    return Gross(
        supplier=draw(names), payer=draw(names), net=draw(won), vat=draw(won), sponsors=sponsors
    )


@st.composite
def zero_sums(draw, most=9):
    """Balances small enough that some institutions clear among themselves."""
    amounts = draw(st.lists(st.integers(-4, 4), min_size=1, max_size=most - 1))
    return {f"i{n}": amount for n, amount in enumerate([*amounts, -sum(amounts)])}


def applied(balance, found):
    left = dict(balance)
    for each in found:
        left[each.payer] += each.amount
        left[each.payee] -= each.amount
    return left


def fewest(balance):
    """How few transfers could do, by parting the institutions in every way."""
    open_ = {name: amount for name, amount in balance.items() if amount}
    ways = [max(0, len(open_) - 1)]
    for size in range(2, len(open_) // 2 + 1):
        for group in combinations(sorted(open_), size):
            if not sum(open_[name] for name in group):
                rest = {name: amount for name, amount in open_.items() if name not in group}
                ways.append(size - 1 + fewest(rest))
    return min(ways)


def test_a_month_of_three_institutions():
    """CNU owes KAIST 700,000, KAIST owes KRIBB 200,000: two transfers clear it."""
    rows = [
        Gross(supplier="kaist", payer="cnu", net=700_000),
        Gross(supplier="kribb", payer="kaist", net=200_000),
    ]

    assert balances(rows) == {"cnu": -700_000, "kaist": 500_000, "kribb": 200_000}
    assert transfers(balances(rows)) == [
        Transfer("cnu", "kaist", 500_000),
        Transfer("cnu", "kribb", 200_000),
    ]


def test_the_sponsor_pays_its_part_instead_of_the_payer():
    row = Gross(supplier="yeje", payer="cnu", net=100_000, vat=10_000, sponsors={"city": 60_000})

    assert balances([row]) == {"city": -60_000, "cnu": -50_000, "yeje": 110_000}


def test_pairs_that_are_even_are_settled_between_themselves():
    assert transfers({"a": -5, "b": 3, "c": 5, "d": -3}) == [
        Transfer("a", "c", 5),
        Transfer("d", "b", 3),
    ]


def test_the_matrix_keeps_what_was_owed_both_ways():
    rows = [
        Gross(supplier="cnu", payer="kaist", net=1, sponsors={"city": 1}),
        Gross(supplier="kaist", payer="cnu", net=5),
        Gross(supplier="cnu", payer="kaist", net=2, vat=1, sponsors={"city": 2}),
    ]

    assert matrix(rows) == [
        Gross(supplier="cnu", payer="kaist", net=3, vat=1, sponsors={"city": 3}),
        Gross(supplier="kaist", payer="cnu", net=5),
    ]


def test_balances_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="zero"):
        transfers({"a": -5, "b": 4})


@given(st.lists(gross(), max_size=20))
def test_settlement_loses_and_makes_nothing(rows):
    balance = balances(rows)

    assert sum(balance.values()) == 0
    assert balances(matrix(rows)) == balance
    assert not any(applied(balance, transfers(balance)).values())


@given(zero_sums())
def test_there_are_as_few_transfers_as_can_be(balance):
    found = transfers(balance)

    assert len(found) == fewest(balance)
    assert not any(applied(balance, found).values())
    assert all(each.amount > 0 for each in found)


@given(zero_sums(most=40), st.randoms())
def test_many_institutions_clear_too_and_always_the_same_way(balance, chance):
    shuffled = list(balance.items())
    chance.shuffle(shuffled)
    found = transfers(balance)

    assert found == transfers(dict(shuffled))
    assert len(found) < max(2, len(balance))
    assert not any(applied(balance, found).values())
