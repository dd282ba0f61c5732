"""A quote: what a use will cost, line by line in whole won, with VAT; kept with its reservation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any, Self

from app.domain.booking_facts import Mode
from app.domain.errors import Text
from app.domain.pieces import Times, When
from app.domain.pricing import ExactLine, Item, Use, exact_lines
from app.domain.rate_card import RateCard, Tax, Terms, Unit, card_at
from app.domain.shares import WHOLE, Share, show_percent, split_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a quote: `net` is what it adds to the net amount; discounts are below zero."""

    item: Item
    net: int
    name: Text | None = None  # of an added service or consumable
    mode: Mode | None = None
    unit: Unit | None = None
    quantity: str | None = None  # to four places; `net` was computed from the exact one
    unit_price: int | None = None
    when: When = When.PLAIN
    factor: str = "1"
    percent: str | None = None  # of a discount
    day: date | None = None

    def as_json(self) -> dict[str, Any]:
        said = {name: getattr(self, name) for name in self.__slots__}
        said["name"] = {"ko": self.name.ko, "en": self.name.en} if self.name else None
        said["day"] = self.day.isoformat() if self.day else None
        return {key: value for key, value in said.items() if value is not None}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        read: dict[str, Any] = dict(said)
        for key, kind in (("item", Item), ("mode", Mode), ("unit", Unit), ("when", When)):
            if read.get(key):
                read[key] = kind(read[key])
        if read.get("name"):
            read["name"] = Text(**read["name"])
        if read.get("day"):
            read["day"] = date.fromisoformat(read["day"])
        return cls(**read)


@dataclass(frozen=True, slots=True)
class Paid:
    """What one funding account pays of the total."""

    account: str
    percent: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a sponsor fund gives of the total, and what is left of it for such a use."""

    fund: str
    sponsor: str  # the institution whose fund it is
    name: Text
    percent: int
    amount: int  # nothing: it would pay, but has nothing left
    left: int | None = None  # none: it has no limit

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        return cls(**{**said, "name": Text(**said["name"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a use costs; its lines add up to its net amount, and that and VAT to its total."""

    lines: tuple[Line, ...]
    tax: Tax
    vat: int = 0
    shares: tuple[Paid, ...] = ()
    funds: tuple[Given, ...] = ()

    def paid_by(self, shares: Sequence[Share]) -> Self:
        """With what each account pays of what is due; the first takes the odd won."""
        if sum(each.percent for each in shares) != WHOLE:
            return self
        given = {each.fund: each.amount for each in self.funds if each.amount}
        parts = split_cost(self.net, self.vat, [each.percent for each in shares], given)
        paid = [
            Paid(each.account, show_percent(each.percent), net + vat - sum(by.values()))
            for each, (net, vat, by) in zip(shares, parts, strict=True)
        ]
        return replace(self, shares=tuple(paid))

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def total(self) -> int:
        return self.net + self.vat

    @property
    def due(self) -> int:
        """What is left to pay once the funds have given their parts."""
        return self.total - sum(each.amount for each in self.funds)

    def as_json(self) -> dict[str, Any]:
        return {
            "net": self.net,
            "vat": self.vat,
            "total": self.total,
            "currency": "KRW",
            "tax": self.tax.value,
            "lines": [line.as_json() for line in self.lines],
            "shares": [asdict(each) for each in self.shares],
            "fund": [each.as_json() for each in self.funds] or None,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        lines = tuple(Line.from_json(line) for line in said["lines"])
        shares = tuple(Paid(**each) for each in said["shares"])
        funds = tuple(Given.from_json(each) for each in said.get("fund") or ())
        return cls(lines=lines, tax=Tax(said["tax"]), vat=said["vat"], shares=shares, funds=funds)


def quote(use: Use, cards: Sequence[RateCard], times: Times, terms: Terms) -> Quote:
    """What `use` costs by the cards in force. Raises `Unpriced` where that is not known before."""
    lines = rounded(exact_lines(use, cards, times))
    net = sum(line.net for line in lines)
    if cut := net - dropped_below(net, terms.truncation):
        lines.append(Line(item=Item.TRUNCATION, net=-cut))
    card = card_at(cards, use.interval.start)
    tax = (card and card.tax) or terms.tax
    return Quote(lines=tuple(lines), tax=tax, vat=vat_of(net - cut, tax, terms.vat_percent))


def dropped_below(amount: int, step: int) -> int:
    """The amount without what is below `step` won (절사); towards zero."""
    return amount // step * step if amount >= 0 else -(-amount // step * step)


def vat_of(net: int, tax: Tax, percent: int) -> int:
    """VAT of a net amount; a part of a won is dropped."""
    return dropped_below(net * percent, 100) // 100 if tax is Tax.TAXABLE else 0


def rounded(lines: Iterable[ExactLine]) -> list[Line]:
    """The lines in whole won, adding up to their exact sum without its part of a won.

    Rounded once, by the running sum: each line is less than a won from what it comes to
    exactly, and one that comes to whole won stays as it is.
    """
    lines = list(lines)
    sums = [Fraction(0)]
    for line in lines:
        sums.append(sums[-1] + line.exact)
    nets = [floor(after) - floor(before) for before, after in pairwise(sums)]
    return [_line(line, net) for line, net in zip(lines, nets, strict=True)]


def _line(line: ExactLine, net: int) -> Line:
    return Line(
        item=line.item,
        net=net,
        name=line.name,
        mode=line.mode,
        unit=line.unit,
        quantity=None if line.quantity is None else decimal(line.quantity),
        unit_price=line.unit_price,
        when=line.when,
        factor=decimal(line.factor),
        percent=None if line.percent is None else decimal(line.percent),
        day=line.day,
    )


def decimal(number: Fraction) -> str:
    """The number to four places at most: 1.5, 0.3333, 12."""
    shown = f"{number.numerator * 10_000 // number.denominator:05}"
    return f"{shown[:-4]}.{shown[-4:]}".rstrip("0").rstrip(".")
