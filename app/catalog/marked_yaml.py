"""YAML as the catalogue accepts it: plain data with the line of every value.

The files come from strangers, so the reader takes text, whole numbers, decimals, true, false and
nothing, in lists and mappings, and no more: no tags, no anchors (which can make a small file
enormous), no depth, no size. “on” and “no” are words here and “18:00” is no number, as in YAML 1.2.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

LARGEST = 256 * 1024  # bytes
DEEPEST = 20

Place = tuple[str | int, ...]

_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the YAML itself, and on which line (the first is 1)."""

    line: int
    text: str


@dataclass(slots=True)
class MarkedYaml:
    """What a file says, where it says it, and what could not be understood."""

    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(raw: bytes) -> MarkedYaml:
    """The content of one file; never raises, whatever the bytes."""
    found = MarkedYaml()
    if len(raw) > LARGEST:
        found.faults.append(Fault(1, f"the file is larger than {LARGEST // 1024} KiB: shorten it"))
        return found
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        found.faults.append(Fault(line, "this is not UTF-8 text: save the file as UTF-8"))
        return found
    _Reading(text, found).run()
    return found


class _Unreadable(Exception):
    """Nothing after this point can be made sense of."""


class _Reading:
    """One pass over the events of one file."""

    def __init__(self, text: str, found: MarkedYaml) -> None:
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.found = found

    def run(self) -> None:
        try:
            self._document()
        except _Unreadable:
            pass
        except yaml.MarkedYAMLError as wrong:
            mark = wrong.problem_mark or wrong.context_mark
            self._fault(mark.line + 1 if mark else 1, f"this is not YAML: {wrong.problem}")
        except (yaml.YAMLError, ValueError, OverflowError) as wrong:
            self._fault(1, f"this is not YAML: {str(wrong).splitlines()[0]}")

    def _document(self) -> None:
        next(self.events)  # the start of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return
        self.found.data = self._value(next(self.events), ())
        next(self.events)  # the end of the document
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._fault(_line(after), "a file holds one document: remove what follows “---”")

    def _fault(self, line: int, text: str) -> None:
        self.found.faults.append(Fault(line, text))

    def _value(self, event: Any, place: Place) -> Any:
        self.found.lines.setdefault(place, _line(event))
        if len(place) > DEEPEST:
            self._fault(_line(event), f"this is nested more than {DEEPEST} deep: simplify it")
            raise _Unreadable
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            self._fault(_line(event), "anchors and aliases are not read: write the value out")
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag:
            self._fault(_line(event), f"tags such as “{event.tag}” are not read: remove it")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(place)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(place)
        return self._scalar(event)

    def _list(self, place: Place) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*place, len(items))))
        return items

    def _mapping(self, place: Place) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._fault(_line(event), "the name of a field must be a plain word")
                raise _Unreadable
            if event.anchor or event.tag:
                self._fault(_line(event), "the name of a field must be a plain word")
            name = self._text(event)
            inner = (*place, name)
            again = name in entries
            if again:
                first = self.found.lines[inner]
                self._fault(_line(event), f"“{name}” is given twice, first on line {first}")
            self.found.lines.setdefault(inner, _line(event))
            value = self._value(next(self.events), inner)
            if not again:
                entries[name] = value
        return entries

    def _scalar(self, event: Any) -> Any:
        if not event.implicit[0]:  # in quotes, or a block of text
            return self._text(event)
        if event.value in _WORDS:
            return _WORDS[event.value]
        if _WHOLE.fullmatch(event.value):
            return int(event.value)
        if _DECIMAL.fullmatch(event.value):
            return float(event.value)
        return self._text(event)

    def _text(self, event: Any) -> str:
        text = unicodedata.normalize("NFC", event.value)
        if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
            self._fault(_line(event), "this text contains a control character: remove it")
            return "?"
        return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
