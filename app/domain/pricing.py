"""What a use costs by the rate cards in force, piece by piece; exact, rounded by the quote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.pieces import HOUR, NO_RATE, Piece, Times, When, cut, quantity_in, share, stretches
from app.domain.rate_card import Rate, RateCard, Unit, Unpriced

_NONE = Fraction(0)


class Item(StrEnum):
    """What a line is for."""

    USE = "use"
    DISCOUNT = "discount"
    MINIMUM = "minimum"  # what is missing to the minimum charge
    OPERATOR = "operator"
    SERVICE = "service"
    CONSUMABLE = "consumable"
    TRUNCATION = "truncation"
    LATE_CANCELLATION = "late-cancellation"
    NO_SHOW = "no-show"
    ADJUSTMENT = "adjustment"  # what somebody in charge took off or added


@dataclass(frozen=True, slots=True)
class Added:
    """A service or a consumable beside the use; never discounted."""

    name: Text
    price: int
    quantity: int = 1
    item: Item = Item.SERVICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What is to be paid for: reserved, or used in the end."""

    interval: Interval
    who: AffiliationClass
    mode: Mode = Mode.SELF_OPERATED
    samples: int | None = None
    operator: bool = False
    added: tuple[Added, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactLine:
    """A line before rounding: quantity × unit price × factor, and what it comes to."""

    item: Item
    exact: Fraction
    name: Text | None = None
    mode: Mode | None = None
    unit: Unit | None = None
    quantity: Fraction | None = None
    unit_price: int | None = None
    when: When = When.PLAIN
    factor: Fraction = Fraction(1)
    percent: Fraction | None = None  # of a discount
    day: date | None = None


def exact_lines(use: Use, cards: Sequence[RateCard], times: Times) -> list[ExactLine]:
    """Every line of the bill, exact. `cards` are in order of their starts.

    Raises `Unpriced` where there is no rate for such a use, or where the number of samples is
    not known.
    """
    pieces = cut(use.interval, cards, times)
    lines: list[ExactLine] = []
    for card in _in_order(pieces):
        lines += _use_lines(use, [each for each in pieces if each.card is card], times.zone)
    if missing := _missing_to_minimum(use, pieces, sum((line.exact for line in lines), _NONE)):
        lines.append(ExactLine(item=Item.MINIMUM, exact=missing))
    if use.operator:
        lines += _operator_lines(pieces)
    lines += [
        ExactLine(
            item=each.item,
            exact=Fraction(each.price * each.quantity),
            name=each.name,
            quantity=Fraction(each.quantity),
            unit_price=each.price,
        )
        for each in use.added
    ]
    return lines


def _in_order(pieces: Sequence[Piece]) -> list[RateCard]:
    cards: list[RateCard] = []
    for piece in pieces:
        if not any(piece.card is card for card in cards):
            cards.append(piece.card)
    return cards


def _use_lines(use: Use, pieces: Sequence[Piece], zone: ZoneInfo) -> list[ExactLine]:
    """What the time of one card comes to, and its discount."""
    card = pieces[0].card
    found: dict[tuple[Rate, date | None, When], Fraction] = {}
    factors: dict[When, Fraction] = {}
    for rate in _rates(use, card):
        counted = stretches(use.interval, rate, use.samples, card.day_hours, zone)
        for piece in pieces:
            # Hours are told day by day; half a day of a daily price would tell nobody anything.
            key = rate, piece.day if rate.unit is Unit.HOUR else None, piece.when
            found[key] = found.get(key, _NONE) + quantity_in(piece.span, counted)
            factors[piece.when] = piece.factor
    lines = [
        ExactLine(
            item=Item.USE,
            exact=quantity * rate.price * factors[when],
            mode=use.mode,
            unit=rate.unit,
            quantity=quantity,
            unit_price=rate.price,
            when=when,
            factor=factors[when],
            day=day,
        )
        for (rate, day, when), quantity in found.items()
    ]
    percent = _discount(use, card)
    if percent and (off := sum((line.exact for line in lines), _NONE) * percent / 100):
        lines.append(ExactLine(item=Item.DISCOUNT, exact=-off, percent=percent))
    return lines


def _rates(use: Use, card: RateCard) -> tuple[Rate, ...]:
    rates = card.rates_of(use.who, use.mode)
    if not rates:
        raise Unpriced(NO_RATE)
    if use.samples is None and any(rate.unit is Unit.SAMPLE for rate in rates):
        raise Unpriced(
            Text(
                "시료 수를 적으면 이용료를 알 수 있습니다.",
                "The fee is known once the number of samples is given.",
            )
        )
    return rates


def _discount(use: Use, card: RateCard) -> Fraction:
    """Base and the highest extra discount multiply: 0.7 × 0.5 leaves 35 %, so 65 % are off."""
    base = card.discounts.get(use.who, 0)
    extra = max(
        (
            each.percent
            for each in card.extra_discounts
            if (each.hours is None or use.interval.duration >= each.hours * HOUR)
            and (each.samples is None or (use.samples or 0) >= each.samples)
        ),
        default=0,
    )
    return 100 - Fraction((100 - base) * (100 - extra), 100) if base or extra else _NONE


def _missing_to_minimum(use: Use, pieces: Sequence[Piece], charged: Fraction) -> Fraction:
    """By the card in force at the start."""
    least = sum(rate.minimum for rate in pieces[0].card.rates_of(use.who, use.mode))
    return max(_NONE, least - charged) if least else _NONE


def _operator_lines(pieces: Sequence[Piece]) -> list[ExactLine]:
    hours: dict[int, Fraction] = {}
    for piece in pieces:
        fee = piece.card.operator_fee
        hours[fee] = hours.get(fee, _NONE) + share(piece.span.duration, HOUR)
    return [
        ExactLine(
            item=Item.OPERATOR,
            exact=quantity * fee,
            unit=Unit.HOUR,
            quantity=quantity,
            unit_price=fee,
        )
        for fee, quantity in hours.items()
    ]
