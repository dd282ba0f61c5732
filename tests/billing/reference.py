"""Billing once more, slow and plain, to hold the fast one against: quarter by quarter of an hour,
subset by subset; in Korea, where no clock is ever changed, and for what the tests draw only.
"""

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from itertools import combinations

from app.domain.rate_card import Tax, Unit

TICK = timedelta(minutes=15)
HOUR = timedelta(hours=1) // TICK
KOREA = timedelta(hours=9)


def net_of(use, cards, holidays, truncation):
    """What a use costs: each quarter of an hour by the card that holds in it."""
    start, end = use.interval.start, use.interval.end
    cost, first = Fraction(0), None
    for tick in range((end - start) // TICK):
        now = start + tick * TICK
        card = [each for each in cards if each.starts_at is None or each.starts_at <= now][-1]
        first = first or card
        rates = [rate for rate in card.rates if rate.who is use.who and rate.mode is use.mode]
        worth = sum(rate.price * units_of(tick, rate, use, card.day_hours) for rate in rates)
        off = card.discounts.get(use.who, 0)
        cost += worth * factor_at(now + KOREA, card.factors, holidays) * (100 - off) / 100
    rates = [rate for rate in first.rates if rate.who is use.who and rate.mode is use.mode]
    cost = max(cost, sum(rate.minimum for rate in rates))
    if use.operator:
        cost += first.operator_fee * Fraction((end - start) // TICK, HOUR)
    cost += sum(each.price * each.quantity for each in use.added)
    won = int(cost)
    return won - won % truncation


def units_of(tick, rate, use, day_hours):
    """How many units a quarter stands for; a unit is spread evenly over its part of the use."""
    ticks = (use.interval.end - use.interval.start) // TICK
    match rate.unit:
        case Unit.SESSION:
            return Fraction(1, ticks)
        case Unit.SAMPLE:
            return Fraction(use.samples, ticks)
        case Unit.HOUR:
            length = HOUR
        case Unit.HALF_DAY:
            length = HOUR * day_hours // 2
        case Unit.DAY:
            length = HOUR * day_hours
    if not rate.started:
        return Fraction(1, length)
    begun = tick // length * length
    return Fraction(1, min(length, ticks - begun))


def factor_at(local, factors, holidays):
    if local.date() in holidays and factors.holiday != 1:
        return factors.holiday
    if factors.night != 1 and (local.hour >= 22 or local.hour < 6):
        return factors.night
    return 1


def vat_of(net, terms):
    return int(Fraction(net * terms.vat_percent, 100)) if terms.tax is Tax.TAXABLE else 0


def split(amount, weights):
    """Of all ways to hand out the won left over, the first that is dropped least."""
    exact = [amount * weight / Fraction(sum(weights)) for weight in weights]
    whole = [int(each) for each in exact]
    dropped = [each - won for each, won in zip(exact, whole, strict=True)]
    ways = combinations(range(len(weights)), amount - sum(whole))
    lucky = max(ways, key=lambda way: sum(dropped[number] for number in way))
    return [won + (number in lucky) for number, won in enumerate(whole)]


def granted(cost, funds, person, paid):
    """What each fund pays of a cost; `paid` lists all that they paid: fund, person, amount."""
    found, left = {}, cost
    for fund in funds:
        mine = [amount for slug, who, amount in paid if slug == fund.slug and who == person]
        all_ = [amount for slug, _, amount in paid if slug == fund.slug]
        may = [int(Fraction(cost * fund.percent, 100)), left]
        for cap, used in (
            (fund.caps.use, 0),
            (fund.caps.person, sum(mine)),
            (fund.caps.whole, sum(all_)),
        ):
            if cap is not None:
                may.append(cap - used)
        found[fund.slug] = max(0, min(may))
        left -= found[fund.slug]
    return found


def fewest_transfers(balance):
    """One less than there are institutions in each group that clears among itself; the least."""
    names = [name for name, amount in balance.items() if amount]
    if not names:
        return 0
    first, *others = names
    counts = []
    for number in range(1, len(names)):
        for with_ in combinations(others, number):
            if not sum(balance[name] for name in (first, *with_)):
                rest = {n: a for n, a in balance.items() if n not in (first, *with_)}
                counts.append(number + fewest_transfers(rest))
    return min(counts)


def owed(bills):
    """Who is to receive how much, bill by bill: supplier, payer, total, by sponsor."""
    found = Counter()
    for supplier, payer, total, sponsors in bills:
        found[supplier] += total
        found[payer] -= total
        for sponsor, amount in sponsors.items():
            found[payer] += amount
            found[sponsor] -= amount
    return found
