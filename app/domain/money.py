"""Amounts of money: whole numbers of a currency's smallest unit, never a float."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import total_ordering
from typing import Self


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole units of `currency` (won have no smaller unit).

    Raises `TypeError` for an amount that is not a whole number, `ValueError` where two
    currencies meet.
    """

    amount: int
    currency: str = "KRW"

    def __post_init__(self) -> None:
        if not _is_whole(self.amount):
            raise TypeError(f"An amount of money is a whole number, not {self.amount!r}.")

    def __add__(self, other: Self) -> "Money":
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Self) -> "Money":
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Self) -> bool:
        self._same_currency(other)
        return self.amount < other.amount

    def __bool__(self) -> bool:
        return self.amount != 0

    def split(
        self, weights: Sequence[int | Fraction], remainder_to: int | None = None
    ) -> "list[Money]":
        """Parts in proportion to `weights` that add up exactly to the whole.

        Each part is rounded down and the units left over go to the largest remainders; among
        equal ones first to the part number `remainder_to`, then to the earliest. What is owed
        back splits as what was owed: `(-money).split(…)` is each part of `money` negated.

        Raises `TypeError` for a weight that is a float, `ValueError` for a negative weight,
        for weights that add up to nothing and for a `remainder_to` that is none of the parts.
        """
        total = _checked_total(weights, remainder_to)
        if self.amount < 0:
            return [-part for part in (-self).split(weights, remainder_to)]
        exact = [Fraction(self.amount) * weight / total for weight in weights]
        parts = [int(share) for share in exact]  # Rounds down: no share is negative.
        by_claim = sorted(
            range(len(parts)),
            key=lambda i: (parts[i] - exact[i], i != remainder_to, i),
        )
        for i in by_claim[: self.amount - sum(parts)]:
            parts[i] += 1
        return [Money(part, self.currency) for part in parts]

    def _same_currency(self, other: Self) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _checked_total(weights: Sequence[int | Fraction], remainder_to: int | None) -> Fraction:
    for weight in weights:
        if not (_is_whole(weight) or isinstance(weight, Fraction)):
            raise TypeError(f"A weight is a whole number or a fraction, not {weight!r}.")
        if weight < 0:
            raise ValueError("A weight cannot be negative.")
    total = Fraction(sum(weights))
    if not total:
        raise ValueError("At least one weight must be above zero.")
    if remainder_to is not None and not 0 <= remainder_to < len(weights):
        raise ValueError(f"There is no part number {remainder_to}.")
    return total
