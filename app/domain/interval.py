"""Half-open spans of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Self, TypeVar


@dataclass(frozen=True, order=True, slots=True)
class Interval:
    """From `start` up to, but not including, `end`; both aware.

    Raises `ValueError` if an end is naive or the interval is empty.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("An interval needs instants with a time zone.")
        if self.start >= self.end:
            raise ValueError("An interval must end after it starts.")

    @property
    def duration(self) -> timedelta:
        return self.end - self.start

    def overlaps(self, other: Self) -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, other: Self) -> bool:
        return self.start <= other.start and other.end <= self.end

    def joined(self, other: "Interval | None") -> "Interval":
        """The shortest interval that holds both; itself where there is no other."""
        if other is None:
            return self
        return Interval(min(self.start, other.start), max(self.end, other.end))

    def shifted(self, by: timedelta) -> "Interval":
        """The same length of time, later by `by` (earlier if negative)."""
        return Interval(self.start + by, self.end + by)

    def intersection(self, other: "Interval") -> "Interval | None":
        """What both share; None if that is nothing."""
        start = max(self.start, other.start)
        end = min(self.end, other.end)
        return Interval(start, end) if start < end else None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The time covered by any of them: sorted, and touching ones joined."""
    joined: list[Interval] = []
    for interval in sorted(intervals):
        if joined and interval.start <= joined[-1].end:
            if interval.end > joined[-1].end:
                joined[-1] = Interval(joined[-1].start, interval.end)
        else:
            joined.append(interval)
    return joined


def without(spans: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What is left of `spans` after `holes` are cut out of them, sorted and merged."""
    found = gaps(_pairs(merged(spans)), sorted(_pairs(holes)))
    return [Interval(start, end) for start, end in found]


def common(spans: Iterable[Interval], others: Iterable[Interval]) -> Iterator[Interval]:
    """What lies in both, found as asked for; neither overlaps itself, both are in order."""
    left, right = iter(spans), iter(others)
    one, other = next(left, None), next(right, None)
    while one and other:
        if part := one.intersection(other):
            yield part
        if one.end <= other.end:
            one = next(left, None)
        else:
            other = next(right, None)


def _pairs(intervals: Iterable[Interval]) -> Iterator[tuple[datetime, datetime]]:
    return ((each.start, each.end) for each in intervals)


class Ordered(Protocol):
    """An instant, or what sorts as instants do: the text that a database keeps for one."""

    def __lt__(self, other: Any, /) -> bool: ...


At = TypeVar("At", bound=Ordered)


def gaps(spans: Iterable[tuple[At, At]], holes: Iterable[tuple[At, At]]) -> Iterator[tuple[At, At]]:
    """What `holes` leave of `spans`, found as asked for: most readers want the first few.

    Starts and ends, in order of the starts; `spans` do not overlap, `holes` may. Plain pairs,
    as thousands are looked at for each that is found.
    """
    to_come = iter(holes)
    hole = next(to_come, None)
    for start, end in spans:
        while hole is not None and hole[0] < end:
            if start < hole[0]:
                yield start, hole[0]
            if start < hole[1]:
                start = hole[1]  # noqa: PLW2901, what is left of the span
            if not start < end:
                break  # It may reach into the next span, too.
            hole = next(to_come, None)
        if start < end:
            yield start, end


def fullest(intervals: Iterable[Interval], within: Interval) -> int:
    """The greatest number of `intervals` that share one instant of `within`.

    No clipping is needed: spans that each meet `within` and share an instant with one
    another share an instant with `within` too (Helly's theorem on a line).
    """
    near = [each for each in intervals if each.start < within.end and within.start < each.end]
    if len(near) < 2:
        return len(near)
    ends = sorted([each.end for each in near])
    most = present = gone = 0
    for start in sorted([each.start for each in near]):
        while ends[gone] <= start:  # Half-open: whoever ends now is gone before the next comes.
            gone += 1
            present -= 1
        present += 1
        most = max(most, present)
    return most


def at_capacity(intervals: Iterable[Interval], capacity: int) -> list[Interval]:
    """The spans in which `capacity` or more of `intervals` overlap, sorted and merged."""
    if capacity < 1:
        raise ValueError("A capacity is at least 1.")
    events: list[tuple[datetime, int]] = []
    for interval in intervals:
        events.append((interval.start, 1))
        events.append((interval.end, -1))
    events.sort()  # At one instant the ends come first, as spans are half-open.
    full: list[Interval] = []
    present = 0
    since: datetime | None = None
    for instant, step in events:
        present += step
        if since is None and present >= capacity:
            since = instant
            if full and full[-1].end == since:
                since = full.pop().start
        elif since is not None and present < capacity:
            full.append(Interval(since, instant))
            since = None
    return full
