"""Instruments that need each other: what is reserved together with what."""

from collections.abc import Iterable, Mapping, Sequence


def together(first: Iterable[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """All of `first` with what they need, and what that needs, each once, nearest first."""
    found: dict[str, None] = {}
    coming = list(first)
    while coming:
        found |= dict.fromkeys(coming)
        coming = [need for each in coming for need in needs.get(each, ()) if need not in found]
    return list(found)


def circle(slug: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The way on which `slug` would come to need itself; empty if there is none."""
    ways = [[slug, need] for need in needs.get(slug, ())]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == slug:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways += [[*way, need] for need in needs.get(way[-1], ())]
    return []
