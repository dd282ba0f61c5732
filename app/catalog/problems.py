"""What is wrong with contributed files, in words that say what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from app.catalog.contributed import FILES
from app.catalog.marked_yaml import Place


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing to mend; prints as `instruments/kaist/x.yaml:3: “name” is missing`."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class CatalogInvalid(Exception):
    """The folder cannot be taken; `problems` has all that must be mended."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def place_of(error: Any) -> Place:
    """Where in the file a complaint of Pydantic belongs."""
    place: Place = tuple(error["loc"])
    field = error.get("ctx", {}).get("field") if error["type"] == "misplaced" else None
    return (*place, field) if field else place


def wording(error: Any) -> str:
    """A complaint of Pydantic in plain words; `error` is one of `ValidationError.errors()`."""
    kind, ctx = error["type"], error.get("ctx", {})
    name = _field(place_of(error))
    match kind:
        case "missing":
            return f"{name} is missing"
        case "extra_forbidden":
            return f"{name} is not a known field{_suggestion(str(error['loc'][-1]))}"
        case "literal_error":
            return f"{name} must be {_plain(ctx['expected'])}, not {_shown(error['input'])}"
        case "value_error":
            text = str(ctx["error"])
            return f"{name} {text}" if text.startswith("is ") else f"{name}: {text}"
        case "misplaced":
            return f"{name}: {ctx['text']}"
        case "string_type":
            return f"{name} must be text: put {_shown(error['input'])} in quotes"
        case "string_pattern_mismatch":
            return f"{name} is not written as expected: {_shown(error['input'])}"
        case "string_too_short" | "too_short":
            return f"{name} is empty: fill it in or remove it"
        case "model_type" | "dict_type":
            return f"{name} must be a group of fields, each on its own line"
        case "list_type":
            return f"{name} must be a list, each item after “- ”"
        case "bool_type":
            return f"{name} must be true or false, not {_shown(error['input'])}"
        case _:
            return f"{name}: {str(error['msg'])[:1].lower()}{str(error['msg'])[1:]}"


def _field(place: Place) -> str:
    words = [str(part + 1) if isinstance(part, int) else part for part in place]
    return f"“{'.'.join(words)}”" if words else "the file"


def _shown(value: object) -> str:
    text = str(value)
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"


def _plain(expected: str) -> str:
    return expected.replace("'", "")


def _suggestion(name: str) -> str:
    known: set[str] = set()
    for adapter in FILES.values():
        schema = adapter.json_schema()
        for node in (schema, *schema.get("$defs", {}).values()):
            known.update(node.get("properties", {}))
    close = get_close_matches(name, sorted(known), n=1)
    return f": did you mean “{close[0]}”?" if close else ""
