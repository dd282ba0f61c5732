"""What differs between two rate cards, told so that a manager can check it."""

from dataclasses import replace
from fractions import Fraction

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.opening_hours import OpeningHours
from app.domain.rate_card import Discount, Factors, Rate, RateCard, Tax, Unit
from app.domain.rate_changes import differences

PARTNER, LARGE = AffiliationClass.PARTNER, AffiliationClass.LARGE_COMPANY


def card(price=1_000, unit=Unit.HOUR, mode=Mode.SELF_OPERATED, **fields):
    return RateCard(
        rates=(
            Rate(who=PARTNER, mode=mode, unit=unit, price=price),
            Rate(who=LARGE, mode=mode, unit=unit, price=9_000),
        ),
        **fields,
    )


def told(before, after):
    return [(d.what.en, d.before.en, d.after.en) for d in differences(before, after)]


def test_equal_cards_do_not_differ_whatever_the_order_of_their_rates():
    same = card()
    assert told(same, replace(same, rates=same.rates[::-1])) == []


def test_a_price_is_told_with_its_line_its_class_and_both_amounts():
    (found,) = differences(card(), card(12_345))

    assert found.what == Text(
        "직접사용, 시간당: 협약 기관", "self-operated use, per hour: Partners of the alliance"
    )
    assert (found.before.ko, found.after.ko) == ("1,000원", "12,345원")
    assert found.line == (Mode.SELF_OPERATED, Unit.HOUR)


def test_a_line_that_goes_and_one_that_comes_are_told_class_by_class():
    found = told(card(), card(unit=Unit.DAY))

    assert ("self-operated use, per hour: Partners of the alliance", "₩1,000", "none") in found
    assert ("self-operated use, per day: Large companies", "none", "₩9,000") in found
    assert len(found) == 4


def test_against_no_card_all_is_new():
    assert [before for _, before, _ in told(None, card())] == ["none", "none"]


def test_minimum_and_begun_units_are_told_once_for_the_line():
    rates = tuple(replace(rate, minimum=5_000, started=True) for rate in card().rates)

    assert told(card(), RateCard(rates=rates)) == [
        ("self-operated use, per hour: minimum charge", "₩0", "₩5,000"),
        ("self-operated use, per hour: begun units count whole", "no", "yes"),
    ]


def test_all_that_is_not_a_price_is_told_as_well():
    night = OpeningHours.parse({"daily": ["22:00-06:00"], "holiday": ["22:00-06:00"]})
    changed = card(
        discounts={PARTNER: 30},
        extra_discounts=(Discount(Text("장시간", "Long use"), 50, hours=8, samples=3),),
        factors=Factors(
            holiday=Fraction(2), night=Fraction(3, 2), night_hours=night, off_peak=Fraction(1, 2)
        ),
        operator_fee=30_000,
        day_hours=8,
        tax=Tax.TAXABLE,
    )

    assert told(card(), changed) == [
        ("discount: Partners of the alliance", "0 %", "30 %"),
        ("extra discounts", "none", "Long use 50 %, from 8 hours on, from 3 samples on"),
        ("at night", "×1", "22:00-06:00 ×1.5"),
        ("on holidays", "×1", "×2"),
        ("outside the peak hours", "×1", "×0.5"),
        ("operator, per hour", "₩0", "₩30,000"),
        ("hours of a day", "24", "8"),
        ("tax category", "as the supplier", "Taxable"),
    ]
