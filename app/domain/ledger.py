"""The ledger: entries that balance, are only added, and are undone by others that name them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

#: What an entry is of: a reservation's uid, and the kind of entry. There is one of each.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Posting:
    """An amount on one account, in won: above zero it receives, below zero it owes."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Postings that add up to zero. Raises `ValueError` if they do not."""

    key: Key
    day: date
    postings: tuple[Posting, ...]
    reverses: Key | None = None

    def __post_init__(self) -> None:
        if any(type(posting.amount) is not int for posting in self.postings):
            raise TypeError("A ledger knows whole won only.")
        if off := sum(posting.amount for posting in self.postings):
            raise ValueError(f"The entry {self.key} does not balance: {off:+} won are left over.")
        if not any(posting.amount for posting in self.postings):
            raise ValueError(f"The entry {self.key} moves nothing.")
        if self.reverses == self.key:
            raise ValueError("An entry cannot undo itself.")

    def reversed(self, kind: str, day: date) -> "Entry":
        """The entry that undoes this one, under a kind of its own."""
        back = tuple(Posting(each.account, -each.amount) for each in self.postings)
        return Entry((self.key[0], kind), day, back, self.key)


def totals(entries: Iterable[Entry]) -> Mapping[str, int]:
    """What each account comes to; they add up to zero."""
    found: dict[str, int] = {}
    for entry in entries:
        for posting in entry.postings:
            found[posting.account] = found.get(posting.account, 0) + posting.amount
    return MappingProxyType(found)


def complaints(entries: Iterable[Entry]) -> list[str]:
    """What is wrong with a ledger, in the order in which its entries were added; [] if nothing."""
    found: list[str] = []
    known: dict[Key, Entry] = {}
    undone: set[Key] = set()
    for entry in entries:
        if entry.key in known:
            found.append(f"{entry.key} was posted twice.")
        if entry.reverses is not None:
            found += _wrong_reversal(entry, known.get(entry.reverses), undone)
            undone.add(entry.reverses)
        known.setdefault(entry.key, entry)
    return found


def _wrong_reversal(entry: Entry, original: Entry | None, undone: set[Key]) -> list[str]:
    if original is None:
        return [f"{entry.key} undoes {entry.reverses}, which was not posted before."]
    found = []
    if entry.reverses in undone:
        found.append(f"{entry.reverses} was undone twice, again by {entry.key}.")
    if any(totals([entry, original]).values()):
        found.append(f"{entry.key} does not undo {entry.reverses} to the won.")
    return found
