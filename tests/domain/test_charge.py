from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.charge import (
    CancelFee,
    ChargeBy,
    ChargePolicy,
    Payer,
    Promised,
    entry,
    part_of,
    parts,
    set_to,
    taken,
)
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.ledger import totals
from app.domain.pricing import Item
from app.domain.quote import Given, Line, Quote
from app.domain.rate_card import Tax
from app.domain.shares import Share

DAY = date(2026, 11, 3)
TEN = datetime(2026, 11, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWO_HOURS = Interval(TEN, TEN + 2 * HOUR)

won = st.integers(0, 10**12)


@st.composite
def payers(draw):
    """Accounts whose percentages add up to 100."""
    cuts = draw(st.lists(st.integers(1, 999_999), unique=True, max_size=6))
    edges = [0, *sorted(cuts), 1_000_000]
    shares = [Fraction(b - a, 10_000) for a, b in pairwise(edges)]
    return [
        Payer(
            draw(st.sampled_from(["cnu", "kaist"])), share, draw(st.sampled_from([f"A-{n}", None]))
        )
        for n, share in enumerate(shares)
    ]


@st.composite
def promises(draw):
    slugs = draw(st.lists(st.sampled_from(["city", "ministry", "own"]), unique=True))
    return [Promised(s, "daejeon", draw(st.integers(1, 100)), draw(won)) for s in slugs]


def quote_of(net, tax=Tax.EXEMPT, vat=0):
    return Quote(lines=(Line(item=Item.USE, net=net),), tax=tax, vat=vat)


@given(won, won, payers(), promises())
def test_no_won_is_lost_or_made_between_payers_and_funds(net, vat, paying, promised):
    found = parts(net, vat, paying, promised)

    assert sum(part.net for part in found) == net
    assert sum(part.vat for part in found) == vat
    paid = taken(net + vat, promised)
    assert sum(part.due for part in found) + sum(paid.values()) == net + vat
    for fund, amount in paid.items():
        assert sum(part.sponsored.get(fund, 0) for part in found) == amount
    assert all(part.due >= 0 for part in found)


@given(won, promises())
def test_a_fund_pays_neither_beyond_what_it_held_nor_beyond_its_percentage(total, promised):
    paid = taken(total, promised)

    assert sum(paid.values()) <= total
    for each in promised:
        assert paid.get(each.fund, 0) <= min(each.amount, total * each.percent // 100)


@given(st.integers(1, 10**12), won, payers(), promises())
def test_the_entry_of_a_charge_balances_and_is_undone_by_its_reversal(net, vat, paying, promised):
    made = entry(("r1", "use/1"), DAY, "kaist", parts(net, vat, paying, promised))

    found = totals([made])
    assert found["income:kaist"] == net
    assert found.get("vat:kaist", 0) == vat
    assert not any(totals([made, made.reversed("use/1/undone", DAY)]).values())
    back = entry(
        ("r1", "back"), DAY, "kaist", [p.negated() for p in parts(net, vat, paying, promised)]
    )
    assert totals([back]) == {name: -amount for name, amount in found.items()}


def test_a_trainee_of_two_accounts_whose_fund_is_nearly_empty():
    """100,000 won at 60/40; the fund would pay half and holds 30,001."""
    paying = [Payer("kaist", Fraction(60), "K-1"), Payer("cnu", Fraction(40), "C-1")]

    first, second = parts(100_000, 0, paying, [Promised("city", "daejeon", 50, 30_001)])

    assert (first.net, first.sponsored, first.due) == (60_000, {"city": 18_001}, 41_999)
    assert (second.net, second.sponsored, second.due) == (40_000, {"city": 12_000}, 28_000)


def test_setting_up_and_cleaning_up_are_billed_only_where_that_is_set():
    around = ChargePolicy(setup=timedelta(minutes=15), cleanup=timedelta(minutes=30))
    billed = around.billed(TWO_HOURS)
    assert (TWO_HOURS.start - billed.start, billed.end - TWO_HOURS.end) == (
        timedelta(minutes=15),
        timedelta(minutes=30),
    )
    assert ChargePolicy().billed(TWO_HOURS) == TWO_HOURS


@pytest.mark.parametrize(
    ("by", "used", "charged"),
    [
        (ChargeBy.RESERVED, Interval(TEN, TEN + HOUR), TWO_HOURS),
        (ChargeBy.USED, Interval(TEN, TEN + HOUR), Interval(TEN, TEN + HOUR)),
        (ChargeBy.USED, None, TWO_HOURS),
        (ChargeBy.LONGER, Interval(TEN, TEN + HOUR), TWO_HOURS),
        (ChargeBy.LONGER, Interval(TEN, TEN + 3 * HOUR), Interval(TEN, TEN + 3 * HOUR)),
        (ChargeBy.LONGER, None, TWO_HOURS),
    ],
)
def test_time_is_charged_as_reserved_as_used_or_the_longer(by, used, charged):
    assert ChargePolicy(by=by).charged(TWO_HOURS, TWO_HOURS, used) == charged


def test_what_was_released_early_is_given_back_only_by_policy():
    left = Interval(TEN, TEN + HOUR)
    by = ChargeBy.RESERVED

    assert ChargePolicy(by=by).charged(TWO_HOURS, left, left) == TWO_HOURS
    assert ChargePolicy(by=by, credit_early=True).charged(TWO_HOURS, left, left) == left


@pytest.mark.parametrize(
    ("notice", "percent"),
    [(25 * HOUR, 0), (24 * HOUR, 0), (24 * HOUR - timedelta(seconds=1), 50), (HOUR, 50),
     (HOUR - timedelta(seconds=1), 100), (-HOUR, 100)],
)  # fmt: skip
def test_the_later_one_cancels_the_more_it_costs(notice, percent):
    policy = ChargePolicy(cancel_fees=(CancelFee(24 * HOUR, 50), CancelFee(HOUR, 100)))

    assert policy.cancel_percent(TEN, TEN - notice) == percent


def test_a_fee_is_a_part_of_the_net_amount_and_taxed_as_it():
    fee = part_of(quote_of(99_999, Tax.TAXABLE, 9_999), 50, Item.NO_SHOW, 10, DAY)

    assert (fee.net, fee.vat, fee.lines[0].percent) == (49_999, 4_999, "50")


def test_an_adjustment_is_a_line_that_tells_the_difference():
    waived = set_to(quote_of(88_000, Tax.TAXABLE, 8_800), 0, 10)

    assert (waived.net, waived.vat, waived.lines[-1].net) == (0, 0, -88_000)


def test_a_fee_beyond_the_whole_is_no_policy():
    with pytest.raises(ValueError, match="percent"):
        ChargePolicy(no_show_percent=101)


@given(
    net=st.integers(0, 10**7),
    vat=st.integers(0, 10**6),
    weights=st.lists(st.integers(1, 9_999), min_size=1, max_size=5),
    funds=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 10**6)), max_size=3),
)
def test_who_pays_what_is_posted_as_it_was_told(net, vat, weights, funds):
    """A quote and the close share a cost out alike, to the won."""
    whole = sum(weights)
    rounded = [Fraction(each * 10**6 // whole, 10**4) for each in weights[1:]]
    percents = [100 - sum(rounded), *rounded]
    promised = [Promised(f"f{n}", "city", each, most) for n, (each, most) in enumerate(funds)]
    given_ = taken(net + vat, promised)
    names = Text("지원금", "Fund")
    quoted = Quote(
        lines=(Line(item=Item.USE, net=net),),
        tax=Tax.TAXABLE,
        vat=vat,
        funds=tuple(
            Given(fund=fund, sponsor="city", name=names, percent=1, amount=amount)
            for fund, amount in given_.items()
        ),
    )
    payers = [Payer("kaist", each, f"A{n}") for n, each in enumerate(percents) if each]
    told = quoted.paid_by([Share(each.account, each.percent) for each in payers]).shares
    posted = parts(net, vat, payers, promised)
    assert [each.amount for each in told] == [each.due for each in posted]
