"""Which funding accounts may pay for a use: each reason, its limit, and how it is put right."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from app.domain.booking import Mode, refusals
from app.domain.money import Money
from app.domain.paying import Account, AccountsAsked, Agreed, Charged
from app.domain.pricing import Item
from app.domain.quote import Line, Quote
from app.domain.rate_card import Tax
from app.domain.shares import Share
from tests.domain.test_booking import FACTS, POLICY, asked

DAYS = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
OWN = Account(**DAYS, let=True)


def pay(**percents):
    return tuple(Share(number, Fraction(percent)) for number, percent in percents.items())


def judged(account=OWN, *, shares=None, due=None, dates=0, before=0, **request):
    charged = Charged(accounts={"A": account}, due=due, due_before=before, dates_before=dates)
    policy = replace(POLICY, account=AccountsAsked.REQUIRED, modes=frozenset(Mode))
    facts = replace(FACTS, charged=charged, policy=policy)
    request = asked(shares=shares or pay(A=100), **request)
    return [(each.code, each.limit) for each in refusals(request, facts)]


def test_an_account_of_ones_own_pays():
    assert judged() == []


@pytest.mark.parametrize("percent", ["99.99", "50"])
def test_less_than_all_is_no_payment(percent):
    assert judged(shares=pay(A=percent)) == [("account-missing", "100")]


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"ends_on": date(2026, 3, 2)}, "2026-03-02"),
        ({"starts_on": date(2026, 3, 4)}, "2026-03-04"),
        ({"closed": True}, "2026-12-31"),
        ({"modes": frozenset({"commissioned"})}, "commissioned"),
        ({"let": False}, "A"),
        ({"let": False, "agreed": (Agreed(date(2026, 1, 1), date(2026, 3, 1)),)}, "A"),
    ],
)
def test_an_account_that_does_not_fit_is_named(fields, limit):
    assert judged(replace(OWN, **fields)) == [("account-not-allowed", limit)]


def test_a_budget_covers_its_part_to_the_won():
    account = replace(OWN, remaining=1_000)
    assert judged(account, due=1_000) == []
    assert judged(account, due=1_001) == [("account-not-allowed", "1000")]
    assert judged(account, due=1_000, before=1, dates=1) == [("account-not-allowed", "1000")]
    halves = judged(account, due=2_000, shares=pay(A=50, B=50))
    assert halves == [("account-not-allowed", "B")], "A covers its half; B is unknown"


def test_a_consent_to_one_reservation_covers_one_date():
    once = replace(OWN, let=False, agreed=(Agreed(date(2026, 1, 1), date(2026, 12, 31), True),))
    assert judged(once) == []
    assert judged(once, dates=1) == [("account-not-allowed", "A")]
    standing = replace(once, agreed=(Agreed(date(2026, 1, 1), date(2026, 12, 31)),))
    assert judged(standing, dates=1) == []
    assert once.once(date(2026, 3, 2), date(2026, 3, 2))
    assert not standing.once(date(2026, 3, 2), date(2026, 3, 2))


def test_of_strangers_accounts_nothing_is_told():
    """Not even whether there are any."""
    empty = replace(OWN, let=False, remaining=0, closed=True)
    policy = replace(POLICY, account=AccountsAsked.REQUIRED)
    request = asked(shares=pay(A=100))
    known = replace(FACTS, policy=policy, charged=Charged(accounts={"A": empty}))
    unknown = replace(FACTS, policy=policy)
    assert refusals(request, known) == refusals(request, unknown) != []


def test_what_accounts_pay_adds_up_to_the_total_and_is_kept():
    quote = Quote(lines=(Line(item=Item.USE, net=10_001),), tax=Tax.TAXABLE, vat=1_000)
    paid = quote.paid_by(pay(A="33.3333", B="33.3333", C="33.3334"))
    assert sum(each.amount for each in paid.shares) == paid.total == Money(11_001).amount
    assert Quote.from_json(paid.as_json()) == paid
    assert quote.paid_by(pay(A=60)) == quote, "nobody pays part of a fee"


def test_days_are_those_of_the_place_of_the_instrument():
    """There it is the third of March already."""
    third = {"starts_on": date(2026, 3, 3), "ends_on": date(2026, 3, 3)}
    assert judged(replace(OWN, **third)) == []
