"""Shares of a cost (안분): in percent, or fixed amounts and a rest, over funding accounts.

What is typed becomes a fraction, never a float; a split loses nothing, and always comes out
the same way.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from app.domain.money import Money

#: More accounts than any joint project has; longer lists are a mistake.
MOST_SHARES = 50
#: Digits behind the point: a ten-thousandth of a percent is a won in a million.
DECIMALS = 4
WHOLE = Fraction(100)

_PERCENT = re.compile(rf"[0-9]{{1,3}}(\.[0-9]{{1,{DECIMALS}}})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Share:
    """So many percent for one account. Raises `ValueError` unless above 0 and at most 100."""

    account: str  # its project number
    percent: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.percent <= WHOLE:
            raise ValueError("A share is above 0 and at most 100 percent.")


@dataclass(frozen=True, slots=True)
class Shares:
    """All shares of one cost, and the account to which what cannot be divided goes.

    Raises `ValueError` unless they add up to exactly 100 percent, each account once.
    """

    shares: tuple[Share, ...]
    remainder_to: str

    def __post_init__(self) -> None:
        accounts = [each.account for each in self.shares]
        if not 1 <= len(accounts) <= MOST_SHARES:
            raise ValueError(f"There are 1 to {MOST_SHARES} shares.")
        if len(set(accounts)) < len(accounts):
            raise ValueError("Each account has one share.")
        if self.remainder_to not in accounts:
            raise ValueError("The remainder goes to one of the accounts.")
        if self.total != WHOLE:
            raise ValueError("The shares do not add up to 100 percent.")

    @property
    def total(self) -> Fraction:
        return sum((each.percent for each in self.shares), Fraction())


def parse_percent(text: str) -> Fraction:
    """What was typed, such as “60” or “33.3333”. Raises `ValueError` for anything else.

    Only ASCII digits: other scripts' digits look like numbers and are a mistake.
    """
    typed = text.strip().removesuffix("%").rstrip()
    if not _PERCENT.fullmatch(typed):
        raise ValueError("not a percentage")
    return Fraction(typed)


@lru_cache(maxsize=1024)
def show_percent(percent: Fraction) -> str:
    """As it is typed: without a point where none is needed, and exactly."""
    units = percent * 10**DECIMALS
    if units.denominator != 1:
        raise ValueError("finer than percentages are written")
    whole, behind = divmod(int(units), 10**DECIMALS)
    return f"{whole}.{behind:0{DECIMALS}d}".rstrip("0").rstrip(".")


def split(total: Money, shares: Shares) -> dict[str, Money]:
    """What each account pays of `total`: by largest remainder, sums exactly to it.

    Units left over go to the largest remainders; among equal ones first to the named account.
    """
    accounts = [each.account for each in shares.shares]
    parts = total.split(
        [each.percent for each in shares.shares], remainder_to=accounts.index(shares.remainder_to)
    )
    return dict(zip(accounts, parts, strict=True))


def split_cost(
    net: int, vat: int, percents: Sequence[Fraction], given: Mapping[str, int]
) -> list[tuple[int, int, dict[str, int]]]:
    """Net, VAT and what each fund gives of both, shared out; the first takes the odd won.

    For each payer, in order. They add up to what they came from, and nobody is given more than
    their part. By it a quote tells who pays what, and by it the month close charges.
    """
    nets = [part.amount for part in Money(net).split(percents, remainder_to=0)]
    vats = [part.amount for part in Money(vat).split(percents, remainder_to=0)]
    due = [mine + tax for mine, tax in zip(nets, vats, strict=True)]
    sponsored: list[dict[str, int]] = [{} for _ in percents]
    for fund, amount in given.items():
        for number, part in enumerate(Money(amount).split(due, remainder_to=0)):
            if part:
                sponsored[number][fund] = part.amount
                due[number] -= part.amount
    return list(zip(nets, vats, sponsored, strict=True))


def split_fixed(total: Money, fixed: Mapping[str, Money], rest: Shares) -> dict[str, Money]:
    """First the fixed amounts, in their order and as far as `total` reaches; the rest by shares.

    Raises `ValueError` for a fixed amount below nothing, or a total that is owed back.
    """
    if total.amount < 0 or any(each.amount < 0 for each in fixed.values()):
        raise ValueError("Fixed amounts are taken from a total, both of them nothing or more.")
    parts: dict[str, Money] = {}
    left = total
    for account, amount in fixed.items():
        parts[account] = min(amount, left)
        left -= parts[account]
    for account, part in split(left, rest).items():
        parts[account] = parts.get(account, Money(0, total.currency)) + part
    return parts
