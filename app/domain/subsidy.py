"""Sponsor funds: what part of a cost a sponsor pays, for whom, up to where, until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.domain.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that a fund pays, in won; None: no limit of that kind."""

    use: int | None = None
    person: int | None = None
    period: int | None = None  # within one of the fund's periods, such as a month
    whole: int | None = None

    def __post_init__(self) -> None:
        caps = (self.use, self.person, self.period, self.whole)
        if any(cap is not None and cap < 0 for cap in caps):
            raise ValueError("A cap is not negative.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a fund has paid already, to this person, in this period and in all."""

    person: int = 0
    period: int = 0
    whole: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """A sponsor's money. `only` names, by kind of fact, the values of which one must be true.

    `{"institution": {"cnu", "kaist"}, "cohort": {"2026"}}` is for the people of those two who
    are in that cohort; no kinds, no conditions.
    """

    slug: str
    percent: int
    caps: Caps = Caps()
    first: date
    last: date  # the last day, by the local day on which the use begins
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise ValueError("A fund pays a percentage above zero.")
        if self.last < self.first:
            raise ValueError("A fund ends after it begins.")


@dataclass(frozen=True, slots=True)
class Sponsored:
    """What a fund pays of a cost, or why it pays nothing."""

    fund: str
    amount: int
    why_not: Text | None = None
    #: Of its caps, once it has paid; none: it has no limit.
    left: int | None = field(default=None, compare=False)


#: What is true of a use, by kind: its person's institutions, cohorts, the instrument's facility.
Facts = Mapping[str, frozenset[str]]


def sponsored(
    cost: int, funds: Sequence[tuple[Fund, Spent]], facts: Facts, on: date
) -> list[Sponsored]:
    """What each fund pays, in the order given; a later one pays of what is left.

    The percentage is of the whole cost, a part of a won is dropped: never do funds pay more
    than the cost.
    """
    if cost < 0:
        raise ValueError("What is paid back was sponsored when it was charged: undo that.")
    found, left = [], cost
    for fund, spent in funds:
        if why_not := reason_against(fund, facts, on):
            found.append(Sponsored(fund.slug, 0, why_not))
            continue
        room = _room(fund.caps, spent)
        amount = min(cost * fund.percent // 100, left, *room)
        why_not = None if amount or not left else _EMPTY
        rest = min(_room(fund.caps, spent, of_uses=False), default=None)
        after = None if rest is None else rest - amount
        found.append(Sponsored(fund.slug, amount, why_not, after))
        left -= amount
    return found


def reason_against(fund: Fund, facts: Facts, on: date) -> Text | None:
    """Why a fund does not pay for such a use on such a day, however much it has."""
    if on < fund.first:
        return Text(
            f"{fund.first}부터 쓸 수 있는 지원금입니다.", f"The fund pays from {fund.first} on."
        )
    if on > fund.last:
        return Text(
            f"{fund.last}에 사용 기한이 끝난 지원금입니다.", f"The fund paid until {fund.last}."
        )
    if any(values.isdisjoint(facts.get(kind, ())) for kind, values in fund.only.items()):
        return Text("지원 대상이 아닙니다.", "You or this use are not among those it is for.")
    return None


_EMPTY = Text("지원 한도를 모두 썼습니다.", "All that the fund may pay has been used.")


def _room(caps: Caps, spent: Spent, *, of_uses: bool = True) -> list[int]:
    """How much each cap still leaves; a cap lowered below what was spent leaves nothing."""
    limits = (
        (caps.use if of_uses else None, 0),
        (caps.person, spent.person),
        (caps.period, spent.period),
        (caps.whole, spent.whole),
    )
    return [max(0, cap - used) for cap, used in limits if cap is not None]
