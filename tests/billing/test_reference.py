"""The fast rules and a slow reference agree on random months, to the won.

On a thousand of them here; on as many as `DURE_TEST_MONTHS` says, such as 10000, in a minute.
"""

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import pytest

from app.domain import charge, settlement
from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.charge import ChargeBy, ChargePolicy, Payer, Promised
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.ledger import totals
from app.domain.opening_hours import OpeningHours
from app.domain.pieces import Times
from app.domain.pricing import Added, Item, Use
from app.domain.quote import quote
from app.domain.rate_card import Factors, Rate, RateCard, Tax, Terms, Unit
from app.domain.settlement import Gross
from app.domain.subsidy import Caps, Fund, Spent, sponsored
from tests.billing import reference

MONTHS = int(os.environ.get("DURE_TEST_MONTHS", "1000"))
FIRST = datetime(2026, 2, 28, 15, tzinfo=UTC)  # midnight of 1 March in Korea
DAY, TICK = timedelta(days=1), reference.TICK
INSTITUTIONS = ("cnu", "kaist", "kribb", "maker", "city")
WHO = (AffiliationClass.PARTNER, AffiliationClass.LARGE_COMPANY)
NIGHT = OpeningHours.parse({"daily": ["22:00-06:00"]})
HOLIDAYS = frozenset({date(2026, 3, 1), date(2026, 3, 2)})
TIMES = Times(zone=ZoneInfo("Asia/Seoul"), holidays=HOLIDAYS)


class Month:
    """What is drawn for a month: suppliers with their rates, funds, uses."""

    def __init__(self, seed):
        self.dice = dice = Random(seed)
        self.terms = {
            name: Terms(tax=dice.choice(list(Tax)), truncation=dice.choice((1, 10, 100, 1000)))
            for name in INSTITUTIONS[:4]
        }
        later = FIRST + dice.randrange(1, 28) * DAY
        self.cards = {
            name: [self.card(None, units), self.card(later, units)]
            for name in self.terms
            for units in [dice.sample(list(Unit), dice.choice((1, 1, 2)))]
        }
        self.funds = [self.fund(slug) for slug in ("voucher", "city")[: dice.randrange(3)]]
        self.uses = [self.use() for _ in range(dice.randrange(1, 9))]

    def card(self, start, units):
        dice = self.dice
        rates = [
            Rate(
                who=who,
                mode=Mode.SELF_OPERATED,
                unit=unit,
                price=dice.randrange(0, 90_001),
                minimum=dice.choice((0, 0, 50_000)),
                started=dice.random() < 0.5,
            )
            for who in WHO
            for unit in units
        ]
        night, holiday = (Fraction(dice.choice((10, 10, 13, 15)), 10) for _ in range(2))
        return RateCard(
            starts_at=start,
            rates=tuple(rates),
            discounts={WHO[0]: dice.choice((0, 10, 33))},
            factors=Factors(night=night, night_hours=NIGHT, holiday=holiday),
            operator_fee=20_000,
            day_hours=dice.choice((8, 24)),
        )

    def fund(self, slug):
        dice = self.dice
        caps = Caps(
            use=dice.choice((None, 30_000)),
            person=dice.choice((None, 70_001)),
            whole=dice.choice((None, 100_000)),
        )
        days = {"first": date(2026, 1, 1), "last": date(2026, 12, 31)}
        return Fund(slug=slug, percent=dice.choice((33, 50, 70, 100)), caps=caps, **days)

    def span(self, start):
        return Interval(start, start + self.dice.randrange(1, 50) * TICK)

    def use(self):
        dice = self.dice
        reserved = self.span(FIRST + dice.randrange(0, 31 * 96) * TICK)
        return {
            "supplier": dice.choice(list(self.terms)),
            "person": dice.choice(("mina", "theo")),
            "reserved": reserved,
            "used": self.span(reserved.start) if dice.random() < 0.6 else None,
            "policy": ChargePolicy(by=dice.choice(list(ChargeBy))),
            "fee": dice.choice((None, None, None, 50, 33)),  # who did not come pays so much
            "said": {
                "who": dice.choice(WHO),
                "samples": dice.randrange(1, 40),
                "operator": dice.random() < 0.2,
                "added": (Added(Text("가스", "gas"), 1_234, dice.randrange(1, 4)),)[
                    : dice.randrange(2)
                ],
            },
            "payers": self.payers(),
        }

    def payers(self):
        dice = self.dice
        cuts = sorted(dice.sample(range(1, 10_000), dice.randrange(3)))
        return [
            Payer(dice.choice(INSTITUTIONS[:4]), Fraction(after - before, 100), f"A-{number}")
            for number, (before, after) in enumerate(zip([0, *cuts], [*cuts, 10_000], strict=True))
        ]


def by_the_rules(month):
    """The ledger, the bills and the balances of a month, as the product makes them."""
    entries, bills, spent = [], [], Counter()
    for number, each in enumerate(month.uses):
        supplier, person = each["supplier"], each["person"]
        terms, cards = month.terms[supplier], month.cards[supplier]
        time = each["policy"].charged(each["reserved"], each["reserved"], each["used"])
        if each["fee"]:
            time = each["reserved"]
        found = quote(Use(interval=time, **each["said"]), cards, TIMES, terms)
        if each["fee"]:
            found = charge.part_of(
                found, each["fee"], Item.NO_SHOW, terms.vat_percent, date(2026, 3, 1)
            )
        funds = [
            (fund, Spent(person=spent[fund.slug, person], whole=spent[fund.slug]))
            for fund in month.funds
        ]
        promised = [
            Promised(got.fund, "city", fund.percent, got.amount)
            for got, (fund, _) in zip(
                sponsored(found.total, funds, {}, date(2026, 3, 1)), funds, strict=True
            )
        ]
        for held in promised:
            spent[held.fund, person] += held.amount
            spent[held.fund] += held.amount
        charged = charge.parts(found.net, found.vat, each["payers"], promised)
        bills += [
            Gross(
                supplier=supplier,
                payer=part.payer.institution,
                net=part.net,
                vat=part.vat,
                sponsors={"city": sum(part.sponsored.values())},
            )
            for part in charged
        ]
        if found.total:
            key = f"use-{number}", "use/1"
            entries.append(charge.entry(key, date(2026, 3, 1), supplier, charged))
    return totals(entries), settlement.matrix(bills)


def by_the_reference(month):
    """The same, quarter by quarter of an hour."""
    ledger, bills, paid = Counter(), [], []
    for each in month.uses:
        supplier, terms = each["supplier"], month.terms[each["supplier"]]
        net = reference.net_of(
            Use(interval=time_of(each), **each["said"]),
            month.cards[supplier],
            HOLIDAYS,
            terms.truncation,
        )
        if each["fee"]:
            net = int(Fraction(net * each["fee"], 100))
        vat = reference.vat_of(net, terms)
        grants = reference.granted(net + vat, month.funds, each["person"], paid)
        paid += [(slug, each["person"], amount) for slug, amount in grants.items()]
        percents = [payer.percent for payer in each["payers"]]
        nets, vats = reference.split(net, percents), reference.split(vat, percents)
        due = [mine + tax for mine, tax in zip(nets, vats, strict=True)]
        sponsors = [0] * len(due)
        for slug, amount in grants.items():
            for number, part in enumerate(reference.split(amount, due) if amount else ()):
                due[number] -= part
                sponsors[number] += part
            ledger[f"fund:{slug}"] -= amount
        ledger[f"income:{supplier}"] += net
        ledger[f"vat:{supplier}"] += vat
        for payer, mine, tax, owes, part in zip(
            each["payers"], nets, vats, due, sponsors, strict=True
        ):
            ledger[f"account:{payer.account}"] -= owes
            bills.append((supplier, payer.institution, mine + tax, {"city": part}))
    return ledger, bills


def time_of(each):
    reserved, used = each["reserved"], each["used"]
    if each["fee"] or used is None or each["policy"].by is ChargeBy.RESERVED:
        return reserved
    if each["policy"].by is ChargeBy.USED:
        return used
    return max(reserved, used, key=lambda time: time.end - time.start)


@pytest.mark.slow
def test_the_rules_and_the_reference_agree_on_random_months():
    moved = 0
    for seed in range(MONTHS):
        month = Month(seed)
        ledger, matrix = by_the_rules(month)
        expected, bills = by_the_reference(month)

        assert ledger == {account: amount for account, amount in expected.items() if amount}, seed
        assert {(row.supplier, row.payer): row.total for row in matrix} == bills_of(bills), seed
        balance = settlement.balances(matrix)
        assert balance == dict.fromkeys(balance, 0) | reference.owed(bills), seed
        transfers = settlement.transfers(balance)
        assert len(transfers) == reference.fewest_transfers(balance), seed
        for each in transfers:
            balance[each.payer] += each.amount
            balance[each.payee] -= each.amount
        assert not any(balance.values()), seed
        moved += len(transfers)
    assert moved > MONTHS


def bills_of(bills):
    """What each institution bills another."""
    found = Counter()
    for supplier, payer, total, _ in bills:
        found[supplier, payer] += total
    return dict(found)
