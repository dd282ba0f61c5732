"""Settlement: what institutions owe one another in a month, and the few transfers that clear it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: Up to so many institutions the fewest transfers are found for sure; each more doubles the work.
_EXACT_UP_TO = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Gross:
    """What one institution owes another by its statement, sponsors' parts among it."""

    supplier: str
    payer: str
    net: int
    vat: int = 0
    sponsors: Mapping[str, int] = field(default_factory=dict)  # who pays how much of the total

    @property
    def total(self) -> int:
        return self.net + self.vat

    @property
    def sponsored(self) -> int:
        return sum(self.sponsors.values())


@dataclass(frozen=True, slots=True, order=True)
class Transfer:
    """A payment that clears balances."""

    payer: str
    payee: str
    amount: int


def matrix(rows: Iterable[Gross]) -> list[Gross]:
    """One row for each supplier and payer, by their names; rows that come to nothing stay."""
    merged: defaultdict[tuple[str, str], list[Gross]] = defaultdict(list)
    for row in rows:
        merged[row.supplier, row.payer].append(row)
    return [_sum(supplier, payer, merged[supplier, payer]) for supplier, payer in sorted(merged)]


def _sum(supplier: str, payer: str, rows: Sequence[Gross]) -> Gross:
    if len(rows) == 1 and not rows[0].sponsors:
        return rows[0]
    sponsors: Counter[str] = Counter()
    for row in rows:
        sponsors.update(row.sponsors)
    return Gross(
        supplier=supplier,
        payer=payer,
        net=sum(row.net for row in rows),
        vat=sum(row.vat for row in rows),
        sponsors=dict(sorted(sponsors.items())),
    )


def balances(rows: Iterable[Gross]) -> dict[str, int]:
    """What each institution is to receive (above zero) or to pay; they add up to zero."""
    found: Counter[str] = Counter()
    for row in rows:
        found[row.supplier] += row.total
        found[row.payer] -= row.total - row.sponsored
        for sponsor, amount in row.sponsors.items():
            found[sponsor] -= amount
    return dict(sorted(found.items()))


def transfers(balance: Mapping[str, int]) -> list[Transfer]:
    """The transfers that clear the balances: the fewest among few institutions, else few.

    Never more than one less than there are institutions, and always the same ones. Raises
    `ValueError` where the balances do not add up to zero.
    """
    if sum(balance.values()):
        raise ValueError("The balances do not add up to zero.")
    open_ = {name: amount for name, amount in sorted(balance.items()) if amount}
    found = []
    for group in _closed_groups(open_):
        found += _cleared({name: open_[name] for name in group})
    return sorted(found)


def _closed_groups(open_: Mapping[str, int]) -> list[Sequence[str]]:
    """As many groups as possible that clear among themselves: each saves a transfer."""
    names = list(open_)
    if len(names) > _EXACT_UP_TO:
        return [names]
    sums = [0] * (1 << len(names))
    most = [0] * len(sums)  # how many groups the members of a set can be parted into
    from_ = [0] * len(sums)  # the set without its last member, on the way to that number
    for members in range(1, len(sums)):
        lowest = members & -members
        sums[members] = sums[members ^ lowest] + open_[names[lowest.bit_length() - 1]]
        choices = [members ^ 1 << n for n in range(len(names)) if members >> n & 1]
        from_[members] = max(choices, key=lambda rest: most[rest])
        most[members] = most[from_[members]] + (sums[members] == 0)
    groups: list[Sequence[str]] = []
    members, group = len(sums) - 1, set[str]()
    while members:
        group.add(names[(members ^ from_[members]).bit_length() - 1])
        members = from_[members]
        if sums[members] == 0:
            groups.append(sorted(group))
            group = set()
    return groups


def _cleared(open_: Mapping[str, int]) -> list[Transfer]:
    """Whoever owes most pays whoever is owed most, until nothing is owed."""
    left = dict(open_)
    found = []
    while any(left.values()):
        payer = min(left, key=lambda name: (left[name], name))
        payee = min(left, key=lambda name: (-left[name], name))
        amount = min(-left[payer], left[payee])
        found.append(Transfer(payer, payee, amount))
        left[payer] += amount
        left[payee] -= amount
    return found
