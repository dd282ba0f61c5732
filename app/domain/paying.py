"""Funding accounts as booking sees them: whether one is asked for, and what each may pay."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class AccountsAsked(StrEnum):
    """Whether a reservation says which funding accounts pay for it."""

    OFF = "off"
    ASKED = "asked"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Agreed:
    """The holder of an account agreed to pay a share of a project of the person's."""

    first: date
    last: date
    single: bool = False  # for the next reservation alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is known of an account that somebody wants to charge."""

    starts_on: date
    ends_on: date
    closed: bool = False
    remaining: int | None = None  # won; none: no limit is known
    modes: AbstractSet[str] = frozenset()  # that it pays for; none named: all
    let: bool = False  # the person holds it, or its holder lets them charge it
    agreed: tuple[Agreed, ...] = ()

    def may_be_charged(self, first: date, last: date, *, before: int) -> bool:
        """By the person, for a use on these days, with so many others asked for together."""
        return self.let or any(
            each.first <= first and last <= each.last and not (each.single and before)
            for each in self.agreed
        )

    def once(self, first: date, last: date) -> bool:
        """Whether nothing but a consent to a single reservation lets the person charge it."""
        standing = any(
            each.first <= first and last <= each.last and not each.single for each in self.agreed
        )
        return not self.let and not standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """The accounts that a request names, by their numbers, and what they would pay for."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    due: int | None = None  # of the quote, once funds have given; none: no price is known
    due_before: int = 0  # of other dates of the same series
    dates_before: int = 0


NOT_CHARGED = Charged()
