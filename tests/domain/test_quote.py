"""Worked examples that one can follow with pencil and paper, and the laws behind them."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import to_local
from app.domain.opening_hours import OpeningHours
from app.domain.pieces import Times, When
from app.domain.pricing import Added, Item, Use
from app.domain.quote import Quote, quote
from app.domain.rate_card import (
    Discount,
    Factors,
    Rate,
    RateCard,
    Tax,
    Terms,
    Unit,
    Unpriced,
    reference_price,
)

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")
PARTNER, COMPANY = AffiliationClass.PARTNER, AffiliationClass.SMALL_COMPANY
EXACT = Terms(truncation=1)
MON_FRI = OpeningHours.parse({"mon-fri": ["09:00-18:00"]})


def at(text, zone=SEOUL):
    """2 March 2026 is a Monday."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone).astimezone(UTC)


def rate(price, unit=Unit.HOUR, who=PARTNER, **fields):
    return Rate(
        who=who, mode=fields.pop("mode", Mode.SELF_OPERATED), unit=unit, price=price, **fields
    )


def card(*rates, **fields):
    return RateCard(rates=rates, **fields)


def use(start, end, zone=SEOUL, **fields):
    fields.setdefault("who", PARTNER)
    return Use(interval=Interval(at(start, zone), at(end, zone)), **fields)


def priced(asked, *cards, terms=EXACT, **times):
    times.setdefault("zone", SEOUL)
    return quote(asked, cards, Times(**times), terms)


def told(found):
    return [(line.quantity, line.unit_price, line.net) for line in found.lines]


def test_past_midnight_each_day_pays_its_own_hours():
    """22:30 to 01:00 at 30,000 won: 1.5 h on Monday, 1 h on Tuesday."""
    found = priced(use("03-02 22:30", "03-03 01:00"), card(rate(30_000)))

    assert told(found) == [("1.5", 30_000, 45_000), ("1", 30_000, 30_000)]
    assert [line.day for line in found.lines] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert (found.net, found.vat, found.total) == (75_000, 0, 75_000)


def test_past_a_change_of_rates_each_part_pays_its_own_rate():
    """23:00 to 02:00 where 30,000 won become 36,000 at midnight: 1 h and 2 h."""
    new = card(rate(36_000), starts_at=at("03-03 00:00"))

    found = priced(use("03-02 23:00", "03-03 02:00"), card(rate(30_000)), new)

    assert told(found) == [("1", 30_000, 30_000), ("2", 36_000, 72_000)]


def test_a_started_hour_is_paid_whole_at_the_rates_that_held_in_it():
    """23:30 to 00:15 is one started hour: 30 of 45 minutes at 30,000, 15 at 36,000."""
    old, new = rate(30_000, started=True), rate(36_000, started=True)

    found = priced(
        use("03-02 23:30", "03-03 00:15"), card(old), card(new, starts_at=at("03-03 00:00"))
    )

    assert [line.net for line in found.lines] == [20_000, 12_000]


def test_a_company_pays_ten_percent_vat_of_the_net_amount():
    """2 h at 80,000 won: net 160,000, VAT 16,000, total 176,000."""
    found = priced(
        use("03-02 10:00", "03-02 12:00", who=COMPANY),
        card(rate(80_000, who=COMPANY)),
        terms=Terms(tax=Tax.TAXABLE),
    )

    assert (found.net, found.vat, found.total) == (160_000, 16_000, 176_000)


@pytest.mark.parametrize("tax", [Tax.EXEMPT, Tax.OUT_OF_SCOPE])
def test_an_academic_supplier_that_is_exempt_adds_no_vat(tax):
    found = priced(use("03-02 10:00", "03-02 12:00"), card(rate(80_000)), terms=Terms(tax=tax))

    assert (found.vat, found.total, found.tax) == (0, 160_000, tax)


def test_a_card_may_be_taxed_otherwise_than_its_supplier():
    found = priced(use("03-02 10:00", "03-02 11:00"), card(rate(1000), tax=Tax.TAXABLE))

    assert (found.tax, found.vat) == (Tax.TAXABLE, 100)


def test_what_is_below_ten_won_is_dropped_from_the_net_amount_before_vat():
    """50 min at 12,345 won are 10,287.5: 10,287 whole won, 10,280 net, VAT 1,028."""
    found = priced(
        use("03-02 10:00", "03-02 10:50"),
        card(rate(12_345)),
        terms=Terms(tax=Tax.TAXABLE, truncation=10),
    )

    assert [(line.item, line.net) for line in found.lines] == [
        (Item.USE, 10_287),
        (Item.TRUNCATION, -7),
    ]
    assert (found.net, found.vat, found.total) == (10_280, 1_028, 11_308)


@pytest.mark.parametrize(
    ("step", "net"), [(1, 45_678), (10, 45_670), (100, 45_600), (1000, 45_000)]
)
def test_the_supplier_says_what_is_dropped(step, net):
    found = priced(
        use("03-02 10:00", "03-02 11:00"), card(rate(45_678)), terms=Terms(truncation=step)
    )

    assert found.net == net


def test_outside_the_peak_hours_each_part_has_its_factor():
    """16:00 to 20:00, peak until 18:00: 2 h whole, 2 h at half the price."""
    half = card(rate(20_000), factors=Factors(off_peak=Fraction(1, 2)))

    found = priced(use("03-02 16:00", "03-02 20:00"), half, peak=MON_FRI)

    assert [(line.when, line.quantity, line.factor, line.net) for line in found.lines] == [
        (When.PLAIN, "2", "1", 40_000),
        (When.OFF_PEAK, "2", "0.5", 20_000),
    ]


def test_one_factor_at_a_time_the_holiday_s_before_the_night_s():
    """Monday 21:00 to Tuesday 01:00, night from 22:00 at 1.5, Tuesday a holiday at 2."""
    factors = Factors(
        night=Fraction(3, 2),
        night_hours=OpeningHours.parse({"daily": ["22:00-06:00"]}),
        holiday=Fraction(2),
    )

    found = priced(
        use("03-02 21:00", "03-03 01:00"),
        card(rate(10_000), factors=factors),
        holidays=frozenset({date(2026, 3, 3)}),
    )

    assert [(line.when, line.net) for line in found.lines] == [
        (When.PLAIN, 10_000),
        (When.NIGHT, 30_000),
        (When.HOLIDAY, 20_000),
    ]


def test_discounts_multiply_and_only_the_highest_extra_one_counts():
    """70 % of the list price, and for 8 hours half of that: 35 % of 8 × 10,000."""
    member = card(
        rate(10_000),
        discounts={PARTNER: 30},
        extra_discounts=(
            Discount(Text("장시간", "Long use"), 50, hours=8),
            Discount(Text("반일", "Half a day"), 20, hours=4),
        ),
    )

    long = priced(use("03-02 09:00", "03-02 17:00"), member)
    short = priced(use("03-02 09:00", "03-02 11:00"), member)

    assert [(line.item, line.net) for line in long.lines] == [
        (Item.USE, 80_000),
        (Item.DISCOUNT, -52_000),
    ]
    assert long.lines[1].percent == "65"
    assert short.net == 14_000


def test_operator_services_and_consumables_are_never_discounted():
    free = card(rate(10_000), discounts={PARTNER: 100}, operator_fee=20_000)
    grids = Added(Text("그리드", "Grids"), 5_000, 3, Item.CONSUMABLE)

    found = priced(use("03-02 09:00", "03-02 10:30", operator=True, added=(grids,)), free)

    assert [(line.item, line.net) for line in found.lines] == [
        (Item.USE, 15_000),
        (Item.DISCOUNT, -15_000),
        (Item.OPERATOR, 30_000),
        (Item.CONSUMABLE, 15_000),
    ]


def test_the_minimum_charge_fills_up_what_is_missing_after_discounts():
    found = priced(
        use("03-02 09:00", "03-02 09:30"),
        card(rate(20_000, minimum=15_000), discounts={PARTNER: 10}),
    )

    assert [line.net for line in found.lines] == [10_000, -1_000, 6_000]
    assert found.net == 15_000


def test_a_fee_a_session_and_one_an_hour_add_up():
    found = priced(use("03-02 09:00", "03-02 11:00"), card(rate(20_000, Unit.SESSION), rate(5_000)))

    assert told(found) == [("1", 20_000, 20_000), ("2", 5_000, 10_000)]


def test_samples_are_paid_by_their_number():
    by_sample = card(rate(7_000, Unit.SAMPLE, mode=Mode.COMMISSIONED))

    found = priced(use("03-02 09:00", "03-02 11:00", mode=Mode.COMMISSIONED, samples=4), by_sample)

    assert told(found) == [("4", 7_000, 28_000)]
    with pytest.raises(Unpriced, match="number of samples"):
        priced(use("03-02 09:00", "03-02 11:00", mode=Mode.COMMISSIONED), by_sample)


@pytest.mark.parametrize(
    ("unit", "end", "quantity"),
    [
        (Unit.DAY, "03-02 09:30", "1"),
        (Unit.DAY, "03-03 09:00", "1"),
        (Unit.DAY, "03-03 09:01", "2"),
        (Unit.HALF_DAY, "03-02 21:00", "1"),
        (Unit.HALF_DAY, "03-02 21:01", "2"),
        (Unit.HOUR, "03-02 10:00", "1"),
        (Unit.HOUR, "03-02 10:01", "2"),
    ],
)
def test_a_unit_that_has_begun_is_paid_whole(unit, end, quantity):
    found = priced(use("03-02 09:00", end), card(rate(100, unit, started=True)))

    assert [line.quantity for line in found.lines] == [quantity]


def test_a_day_may_be_as_long_as_the_working_day():
    """09:00 to 18:00 is one day of 9 h, and two half-days of 4.5 h."""
    whole = card(rate(90_000, Unit.DAY, started=True), day_hours=9)
    half = card(rate(50_000, Unit.HALF_DAY, started=True), day_hours=9)

    assert priced(use("03-02 09:00", "03-02 18:00"), whole).net == 90_000
    assert priced(use("03-02 09:00", "03-02 18:00"), half).net == 100_000


def test_hours_are_elapsed_time_when_clocks_change():
    """Berlin, 29 March: from 01:00 to 04:00 only two hours pass; on 25 October it is four."""
    hourly = card(rate(10_000))

    spring = priced(use("03-29 01:00", "03-29 04:00", BERLIN), hourly, zone=BERLIN)
    autumn = priced(use("10-25 01:00", "10-25 04:00", BERLIN), hourly, zone=BERLIN)

    assert (spring.net, autumn.net) == (20_000, 40_000)


def test_a_day_of_25_hours_is_one_day():
    daily = card(rate(100_000, Unit.DAY, started=True))

    found = priced(use("10-25 00:00", "10-26 00:00", BERLIN), daily, zone=BERLIN)

    assert found.net == 100_000


def test_where_nothing_is_set_the_fee_is_not_known():
    asked = use("03-02 09:00", "03-02 11:00")

    for cards in ([], [card(rate(1, who=COMPANY))], [card(rate(1), starts_at=at("03-02 10:00"))]):
        with pytest.raises(Unpriced):
            priced(asked, *cards)


def test_the_guideline_proposes_a_price_in_thousands_of_won():
    assert reference_price(500_000_000) == 30_000
    assert reference_price(500_000_000, yearly_hours=2_000) == 15_000
    assert reference_price(500_000_000, yearly_hours=999) == 30_000
    assert reference_price(47_000_000) == 2_000  # 2,820 without what is below 1,000


def test_the_classes_without_a_price_are_found():
    holes = card(rate(1), rate(2, who=COMPANY)).holes()

    assert holes[Mode.SELF_OPERATED, Unit.HOUR] == tuple(
        who for who in AffiliationClass if who not in (PARTNER, COMPANY)
    )


def test_a_card_with_two_rates_for_the_same_is_refused():
    with pytest.raises(ValueError, match="two rates"):
        card(rate(1), rate(2))


def test_a_quote_is_kept_and_read_as_it_was():
    found = priced(
        use("03-02 23:00", "03-03 01:20", added=(Added(Text("필터", "Filter"), 300),)),
        card(rate(30_001), discounts={PARTNER: 30}),
        terms=Terms(tax=Tax.TAXABLE),
    )

    assert Quote.from_json(found.as_json()) == found
    assert found.as_json()["net"] == sum(line["net"] for line in found.as_json()["lines"])


prices = st.integers(0, 300_000)
factors = st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(3, 2), Fraction(13, 10)])


@st.composite
def cards_in_force(draw):
    """One to three cards, the later ones beginning during the use."""
    starts = [None, *sorted(draw(st.sets(st.integers(-10, 60), max_size=2)))]
    return [
        card(
            rate(
                draw(prices), started=draw(st.booleans()), minimum=draw(st.sampled_from([0, 9_999]))
            ),
            starts_at=None if hour is None else at("03-02 09:00") + timedelta(hours=hour),
            discounts={PARTNER: draw(st.integers(0, 100))},
            factors=Factors(
                holiday=draw(factors),
                night=draw(factors),
                night_hours=OpeningHours.parse({"daily": ["22:00-06:00"]}),
                off_peak=draw(factors),
            ),
        )
        for hour in starts
    ]


@st.composite
def uses(draw):
    start = at("03-02 09:00") + timedelta(minutes=10 * draw(st.integers(0, 200)))
    length = timedelta(minutes=10 * draw(st.integers(1, 300)))
    return Use(interval=Interval(start, start + length), who=PARTNER)


TIMES = Times(zone=SEOUL, holidays=frozenset({date(2026, 3, 3)}), peak=MON_FRI)


def by_the_minute(asked, cards):
    """The same, slowly: every ten minutes look up the card, the hour and the day."""
    tick, start, end = timedelta(minutes=10), asked.interval.start, asked.interval.end
    total = Fraction(0)
    least = None
    for n in range((end - start) // tick):
        moment = start + n * tick
        held = [each for each in cards if each.starts_at is None or each.starts_at <= moment][-1]
        local = to_local(moment, SEOUL)
        if local.date() == date(2026, 3, 3) and held.factors.holiday != 1:
            factor = held.factors.holiday
        elif (local.hour >= 22 or local.hour < 6) and held.factors.night != 1:
            factor = held.factors.night
        elif local.weekday() > 4 or not 9 <= local.hour < 18 or local.date() == date(2026, 3, 3):
            factor = held.factors.off_peak
        else:
            factor = Fraction(1)
        (one,) = held.rates
        begun = n // 6  # which hour since the start this is, and how much of it is used
        in_hour = min(6, (end - start) // tick - begun * 6)
        hours = Fraction(1, in_hour) if one.started else Fraction(1, 6)
        total += hours * one.price * factor * (100 - held.discounts[PARTNER]) / 100
        least = one.minimum if least is None else least
    return max(total, Fraction(least))


@given(uses(), cards_in_force())
def test_a_quote_is_what_a_slow_count_comes_to(asked, cards):
    assert quote(asked, cards, TIMES, EXACT).net == floor(by_the_minute(asked, cards))


@given(uses(), cards_in_force(), st.sampled_from([1, 10, 100, 1000]), st.sampled_from(Tax))
def test_no_quote_loses_or_makes_a_won(asked, cards, step, tax):
    found = quote(asked, cards, TIMES, Terms(tax=tax, truncation=step))

    assert found.net == sum(line.net for line in found.lines)
    assert found.net % step == 0
    assert 0 <= floor(by_the_minute(asked, cards)) - found.net < step
    assert found.total == found.net + (found.net // 10 if tax is Tax.TAXABLE else 0)


@given(uses(), prices, st.integers(0, 50), st.booleans())
def test_a_new_card_with_the_same_rates_changes_nothing(asked, price, hour, started):
    same = rate(price, started=started)
    later = card(same, starts_at=asked.interval.start + timedelta(hours=hour))

    assert (
        quote(asked, [card(same), later], TIMES, EXACT).net
        == quote(asked, [card(same)], TIMES, EXACT).net
    )
