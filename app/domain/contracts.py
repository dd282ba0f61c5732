"""Contracts of use (이용 계약): who must have signed one with a facility before they use it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ContractNeeded(StrEnum):
    """Whose institution must have signed a contract of use with the facility."""

    OFF = "off"
    COMPANIES = "companies"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract of a person's institution with a facility; both days count."""

    number: str
    valid_from: date
    valid_until: date | None = None

    def covers(self, first: date, last: date) -> bool:
        return self.valid_from <= first and (self.valid_until is None or last <= self.valid_until)


def covered(contracts: Iterable[Contract], first: date, last: date) -> bool:
    """Whether one of them covers a use from one day to another."""
    return any(each.covers(first, last) for each in contracts)


def latest(contracts: Sequence[Contract]) -> Contract | None:
    """The one that reaches furthest."""
    return max(contracts, key=lambda each: each.valid_until or date.max, default=None)
