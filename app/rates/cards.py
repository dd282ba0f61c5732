"""Between tables and the pure rate cards: what is kept, and what holds where nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from app.accounts.models import InstitutionKind
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.local_time import first_instant
from app.domain.opening_hours import OpeningHours
from app.domain.quote import decimal
from app.domain.rate_card import Discount, Factors, Rate, RateCard, Tax, Terms, Unit

_COMPANIES = frozenset({InstitutionKind.SMALL_COMPANY, InstitutionKind.LARGE_COMPANY})

#: The units of list prices that a quote can count beforehand; plates and runs are known afterwards,
#: and how long a half-day is, the list does not say.
_LISTED = {
    "hour": Unit.HOUR,
    "day": Unit.DAY,
    "session": Unit.SESSION,
    "sample": Unit.SAMPLE,
}


def usual_terms(kind: InstitutionKind) -> Terms:
    """What holds until a supplier says otherwise: companies add VAT and drop nothing."""
    if kind in _COMPANIES:
        return Terms(tax=Tax.TAXABLE, truncation=1)
    return Terms(tax=Tax.EXEMPT, truncation=10)


def listed_card(prices: Mapping[str, Any] | None) -> RateCard | None:
    """The list prices of the catalogue as the card that holds before any other.

    Days count as they begin, hours to the minute, in each mode; a department pays what its
    institution pays.
    """
    if not prices or prices.get("unit") not in _LISTED:
        return None
    priced = tuple(
        (who, prices[_listed(who)])
        for who in AffiliationClass
        if prices.get(_listed(who)) is not None
    )
    return _listed_card(_LISTED[prices["unit"]], priced)


def listed_price(prices: Mapping[str, Any] | None, who: AffiliationClass) -> tuple[int, str] | None:
    """What one unit costs by the list, and which unit, be it one that no quote can count."""
    price = prices.get(_listed(who)) if prices else None
    return (price, prices["unit"]) if prices and price is not None else None


def _listed(who: AffiliationClass) -> str:
    own = who is AffiliationClass.OWN_DEPARTMENT
    return AffiliationClass.OWN_INSTITUTION if own else who


@lru_cache(maxsize=1024)
def _listed_card(unit: Unit, priced: tuple[tuple[AffiliationClass, int], ...]) -> RateCard:
    return RateCard(
        rates=tuple(
            Rate(who=who, mode=mode, unit=unit, price=price, started=unit is Unit.DAY)
            for who, price in priced
            for mode in Mode
        )
    )


def settings_of(card: RateCard) -> dict[str, Any]:
    """All of a card but its rates, as the table keeps it."""
    factors = card.factors
    return {
        "discounts": {who.value: percent for who, percent in card.discounts.items() if percent},
        "extra_discounts": [
            {
                "name": {"ko": each.name.ko, "en": each.name.en},
                "percent": each.percent,
                "hours": each.hours,
                "samples": each.samples,
            }
            for each in card.extra_discounts
        ],
        "factors": {
            "holiday": decimal(factors.holiday),
            "night": decimal(factors.night),
            "night_hours": factors.night_hours.dump() if factors.night_hours else None,
            "off_peak": decimal(factors.off_peak),
        },
        "operator_fee": card.operator_fee,
        "day_hours": card.day_hours,
        "tax": card.tax.value if card.tax else None,
    }


def card_from(settings: Mapping[str, Any], rates: Sequence[Rate]) -> RateCard:
    """A card as `settings_of` wrote it, with its rates."""
    factors = settings["factors"]
    night = factors["night_hours"]
    return RateCard(
        rates=tuple(rates),
        discounts={AffiliationClass(who): n for who, n in settings["discounts"].items()},
        extra_discounts=tuple(
            Discount(Text(**each["name"]), each["percent"], each["hours"], each["samples"])
            for each in settings["extra_discounts"]
        ),
        factors=Factors(
            holiday=Fraction(factors["holiday"]),
            night=Fraction(factors["night"]),
            night_hours=OpeningHours.parse(night) if night else None,
            off_peak=Fraction(factors["off_peak"]),
        ),
        operator_fee=settings["operator_fee"],
        day_hours=settings["day_hours"],
        tax=Tax(settings["tax"]) if settings["tax"] else None,
    )


#: The cards of an instrument in order of their starts; the last one that has begun holds.
Cards = tuple[RateCard, ...]
#: The cards of one thing by the day on which each begins.
Dated = Sequence[tuple[date, RateCard]]


def in_turn(narrowest_first: Sequence[Dated], listed: RateCard | None, zone: ZoneInfo) -> Cards:
    """What holds when: an instrument's own card, else its facility's, else its institution's.

    A card without rates gives way to the wider one; before all of them hold the list prices.
    """
    days = sorted({day for cards in narrowest_first for day, _ in cards})
    found = [listed] if listed else []
    for day in days:
        card = next((card for cards in narrowest_first if (card := dated_on(cards, day))), listed)
        begins = _midnight(day, zone)
        if card is not None or found:
            found.append(replace(card or RateCard(), starts_at=begins))
    return tuple(found)


def dated_on(cards: Dated, day: date) -> RateCard | None:
    """The card of one thing that holds on a day, unless it gives way to the wider ones."""
    begun = [card for first, card in sorted(cards, key=lambda each: each[0]) if first <= day]
    return begun[-1] if begun and begun[-1].rates else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return first_instant(datetime.combine(day, time()), zone)
