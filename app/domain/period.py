"""Lengths of time counted by the calendar: two years, six months, thirty days."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from app.domain.errors import Text

_WRITTEN = re.compile(r"P([0-9]{1,3})([YMWD])")
_MONTHS = {"Y": 12, "M": 1}
_DAYS = {"W": 7, "D": 1}


@dataclass(frozen=True, slots=True)
class Period:
    """So many months or days; none of either stands for no end at all."""

    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """A period of one unit in ISO 8601: P2Y, P6M, P2W, P30D. Raises `ValueError`."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError("is not a period: write “P2Y”, “P6M”, “P30D”")
        number, unit = int(found[1]), found[2]
        return cls(number * _MONTHS.get(unit, 0), number * _DAYS.get(unit, 0))

    def __bool__(self) -> bool:
        return bool(self.months or self.days)

    def __str__(self) -> str:
        if self.months:
            return f"P{self.months}M" if self.months % 12 else f"P{self.months // 12}Y"
        return f"P{self.days}D"

    def after(self, day: date) -> date:
        """The same day of a later month, or its last where that month is shorter."""
        year, month = divmod(day.year * 12 + day.month - 1 + self.months, 12)
        last = monthrange(year, month + 1)[1]
        return date(year, month + 1, min(day.day, last)) + timedelta(days=self.days)

    def in_words(self) -> Text:
        """2년, 2 years."""
        if not self:
            return Text("제한 없음", "no limit")
        if self.months:
            years = self.months // 12
            number, ko, en = (
                (self.months, "개월", "month") if self.months % 12 else (years, "년", "year")
            )
        else:
            number, ko, en = self.days, "일", "day"
        return Text(f"{number}{ko}", f"{number} {en}{'' if number == 1 else 's'}")


NO_END = Period()
