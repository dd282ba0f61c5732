"""What a sync finds different, in words."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between files and tables, and what becomes of it."""

    what: str  # new, changed, kept, retired, returned, renamed, manager
    kind: str  # institution, facility, instrument, technique
    slug: str
    field: str = ""
    before: Any = None
    after: Any = None

    @property
    def kept(self) -> bool:
        """Whether nothing was done, as somebody had changed it in the browser."""
        return self.what == "kept"

    def __str__(self) -> str:
        match self.what:
            case "changed":
                return f"{self.slug}: {self.field} {_shown(self.before)} → {_shown(self.after)}"
            case "kept":
                return (
                    f"kept: {self.slug}: {self.field} is {_shown(self.before)}, as changed "
                    f"in the browser; the file says {_shown(self.after)}"
                )
            case "renamed":
                return f"renamed {self.kind} {self.before} → {self.slug}"
            case "manager":
                return f"{self.slug}: {self.after} manages it now"
            case "retired" if self.after:
                return f"retired {self.kind} {self.slug}, with {self.after} future reservations"
            case _:
                return f"{self.what} {self.kind} {self.slug}"


def _shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    text = str(value)
    return f"“{text[:120]}…”" if len(text) > 121 else f"“{text}”"


class SyncRefused(Exception):
    """The files cannot be taken as they are; `problems` says why, all of it at once."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
