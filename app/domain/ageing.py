"""How long what institutions owe one another has been due."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Age(StrEnum):
    """How many days ago something was to be paid."""

    NOT_DUE = "not-due"
    UP_TO_30 = "up-to-30"
    UP_TO_90 = "up-to-90"
    UP_TO_180 = "up-to-180"
    OLDER = "older"


_DAYS = ((0, Age.NOT_DUE), (30, Age.UP_TO_30), (90, Age.UP_TO_90), (180, Age.UP_TO_180))


def days_late(due_on: date, today: date) -> int:
    """None on the day itself: it is late from the day after."""
    return max(0, (today - due_on).days)


#: So many days after a statement was due its payer is reminded, each time once.
REMIND_AFTER = (1, 30, 60, 90, 120, 150, 180)


def reminder_due(late: int) -> int | None:
    """The latest reminder that is due, in days after the due date; None: none is yet."""
    return max((days for days in REMIND_AFTER if days <= late), default=None)


def age(due_on: date, today: date) -> Age:
    late = days_late(due_on, today)
    return next((found for days, found in _DAYS if late <= days), Age.OLDER)


@dataclass(slots=True)
class Aged:
    """What somebody owes, by its age; in won."""

    by_age: dict[Age, int] = field(default_factory=lambda: dict.fromkeys(Age, 0))

    @property
    def total(self) -> int:
        return sum(self.by_age.values())


def aged(owed: Iterable[tuple[str, date, int]], today: date) -> dict[str, Aged]:
    """By debtor, of rows of debtor, due date and amount; debtors by name, nothing left out."""
    found: dict[str, Aged] = {}
    for debtor, due_on, amount in owed:
        found.setdefault(debtor, Aged()).by_age[age(due_on, today)] += amount
    return dict(sorted(found.items()))
