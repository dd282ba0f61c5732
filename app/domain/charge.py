"""What is charged in the end, for use, late cancellations and no-shows, and who pays it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from app.domain.interval import Interval
from app.domain.ledger import Entry, Key, Posting
from app.domain.pricing import Item
from app.domain.quote import Line, Quote, decimal, vat_of
from app.domain.shares import split_cost


class ChargeBy(StrEnum):
    """The time that is charged: as reserved, as used, or the longer of the two."""

    RESERVED = "reserved"
    USED = "used"
    LONGER = "longer"


class ChargeKind(StrEnum):
    """What is charged for."""

    USE = "use"
    LATE_CANCELLATION = "late-cancellation"
    NO_SHOW = "no-show"


@dataclass(frozen=True, slots=True)
class CancelFee:
    """Cancelling less than `within` before the start costs `percent` of the quote."""

    within: timedelta
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePolicy:
    """How a facility charges. Raises `ValueError` for what is no percentage."""

    by: ChargeBy = ChargeBy.USED
    cancel_fees: tuple[CancelFee, ...] = ()
    no_show_percent: int = 0
    credit_early: bool = False  # who charges by the time reserved gives back what was released
    #: Setting up before and cleaning up behind a use, where they are charged as part of it.
    setup: timedelta = timedelta()
    cleanup: timedelta = timedelta()

    def __post_init__(self) -> None:
        percents = (self.no_show_percent, *(fee.percent for fee in self.cancel_fees))
        if not all(0 <= percent <= 100 for percent in percents):
            raise ValueError("A fee is 0 to 100 percent of the quote.")

    def cancel_percent(self, start: datetime, cancelled_at: datetime) -> int:
        """What cancelling costs, in percent of the quote: the most of the fees that apply."""
        notice = start - cancelled_at
        return max((fee.percent for fee in self.cancel_fees if notice < fee.within), default=0)

    def charged(self, reserved: Interval, held: Interval, used: Interval | None) -> Interval:
        """The time to charge, where `held` is what was left of it after it was released early.

        Where nobody checked in and out the time reserved is charged.
        """
        if self.by is ChargeBy.USED and used:
            return used
        if self.by is ChargeBy.LONGER and used and used.duration > reserved.duration:
            return used
        if self.credit_early and reserved.start < held.end < reserved.end:
            return Interval(reserved.start, held.end)
        return reserved

    def billed(self, time: Interval) -> Interval:
        """That time with what is charged around it."""
        if not self.setup and not self.cleanup:
            return time
        return Interval(time.start - self.setup, time.end + self.cleanup)


def part_of(quote: Quote, percent: int, item: Item, vat_percent: int, day: date) -> Quote:
    """So many percent of the net amount as a fee of one line; a part of a won is dropped."""
    net = quote.net * percent // 100
    line = Line(item=item, net=net, percent=decimal(Fraction(percent)), day=day)
    return Quote(lines=(line,), tax=quote.tax, vat=vat_of(net, quote.tax, vat_percent))


def set_to(quote: Quote, net: int, vat_percent: int) -> Quote:
    """The same, brought to another net amount by a line that says how much was taken or added."""
    line = Line(item=Item.ADJUSTMENT, net=net - quote.net)
    return Quote(lines=(*quote.lines, line), tax=quote.tax, vat=vat_of(net, quote.tax, vat_percent))


@dataclass(frozen=True, slots=True)
class Payer:
    """A funding account, or an institution where no account is named; and its percentage."""

    institution: str
    percent: Fraction
    account: str | None = None

    @property
    def ledger_account(self) -> str:
        return f"account:{self.account}" if self.account else f"institution:{self.institution}"


@dataclass(frozen=True, slots=True)
class Promised:
    """What a fund holds for a use, and how much of the cost it may be at most."""

    fund: str
    sponsor: str  # the institution whose fund it is
    percent: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one payer is charged; `sponsored` is paid by funds, by their slugs."""

    payer: Payer
    net: int
    vat: int
    sponsored: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.net + self.vat

    @property
    def due(self) -> int:
        return self.total - sum(self.sponsored.values())

    def negated(self) -> "Part":
        """What takes it back."""
        back = {fund: -amount for fund, amount in self.sponsored.items()}
        return Part(payer=self.payer, net=-self.net, vat=-self.vat, sponsored=back)


def taken(total: int, promised: Sequence[Promised]) -> dict[str, int]:
    """What each fund pays in the end: its percentage, never more than it held, in turn."""
    found: dict[str, int] = {}
    left = total
    for each in promised:
        found[each.fund] = max(0, min(each.amount, total * each.percent // 100, left))
        left -= found[each.fund]
    return {fund: amount for fund, amount in found.items() if amount}


def parts(
    net: int, vat: int, payers: Sequence[Payer], promised: Sequence[Promised] = ()
) -> list[Part]:
    """Net, VAT and each fund's money shared over the payers, the first of whom takes the odd won.

    They add up to what they came from, and no part is sponsored beyond itself.
    """
    given = taken(net + vat, promised)
    if len(payers) == 1:
        return [Part(payer=payers[0], net=net, vat=vat, sponsored=given)]
    found = split_cost(net, vat, [payer.percent for payer in payers], given)
    return [
        Part(payer=payer, net=mine, vat=tax, sponsored=by)
        for payer, (mine, tax, by) in zip(payers, found, strict=True)
    ]


def entry(key: Key, day: date, supplier: str, charged: Sequence[Part]) -> Entry:
    """The ledger's entry: the supplier receives net and VAT, accounts and funds owe them."""
    found: dict[str, int] = {}

    def add(account: str, amount: int) -> None:
        found[account] = found.get(account, 0) + amount

    for part in charged:
        add(f"income:{supplier}", part.net)
        add(f"vat:{supplier}", part.vat)
        add(part.payer.ledger_account, -part.due)
        for fund, amount in part.sponsored.items():
            add(f"fund:{fund}", -amount)
    return Entry(
        key, day, tuple(Posting(name, found[name]) for name in sorted(found) if found[name])
    )
