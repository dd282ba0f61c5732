"""When an instrument may be used: hours by weekday, and on holidays."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from typing import Self
from zoneinfo import ZoneInfo

from app.domain.errors import Text
from app.domain.interval import Interval, merged
from app.domain.local_time import day_of, first_instant

#: From and until, in minutes after local midnight; until may lie on the next day (above 1440).
Range = tuple[int, int]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_MINUTES = 1440
_ALL_DAY: Range = (0, _MINUTES)
_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:(24):(00)|([01]\d|2[0-3]):([0-5]\d))")

_DAILY = Text("매일", "Daily")
_HOLIDAY = Text("공휴일", "Public holidays")
_CLOSED = Text("휴무", "Closed")
_24_HOURS = Text("24시간", "24 hours")
_DAY_NAMES = tuple(
    Text(ko, en)
    for ko, en in zip(
        "월화수목금토일", ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True
    )
)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Hours that recur each week, and the hours of holidays, which replace the weekday's.

    A range belongs to the day on which it starts: Friday 18:00–09:00 runs into Saturday, even
    if Saturday is a holiday. Raises `ValueError` if ranges of the week overlap.
    """

    weekly: tuple[tuple[Range, ...], ...]  # Monday first
    holiday: tuple[Range, ...] = ()  # closed unless said

    def __post_init__(self) -> None:
        if len(self.weekly) != len(DAYS):
            raise ValueError("A week has seven days.")
        weekly = tuple(tuple(sorted(ranges)) for ranges in self.weekly)
        object.__setattr__(self, "weekly", weekly)
        object.__setattr__(self, "holiday", tuple(sorted(self.holiday)))
        for start, end in (each for ranges in (*weekly, self.holiday) for each in ranges):
            if not 0 <= start < _MINUTES or not start < end <= start + _MINUTES:
                raise ValueError(f"{start} to {end} minutes is no range of a day.")
        _refuse_overlaps(weekly, self.holiday)

    @classmethod
    def parse(cls, mapping: Mapping[str, Sequence[str] | str]) -> Self:
        """Hours as written in the catalogue: `{"mon-fri": ["09:00-18:00"], "holiday": []}`.

        A key is a day (mon … sun), a run of days (mon-fri, sat-mon), `daily` or `holiday`; a
        day that no key names is closed. A value lists ranges `HH:MM-HH:MM`; `24:00` is
        midnight, an end not after its start lies on the next day, and `24h` is the whole day.

        Raises `ValueError` that names the bad key or value.
        """
        hours: dict[str, tuple[Range, ...]] = {}
        named_by: dict[str, str] = {}
        for key, value in mapping.items():
            ranges = _parse_ranges(key, value)
            for day in _days_named(key):
                if day in hours:
                    raise ValueError(f"“{day}” is given twice: by “{named_by[day]}” and “{key}”.")
                hours[day], named_by[day] = ranges, key
        return cls(tuple(hours.get(day, ()) for day in DAYS), hours.get("holiday", ()))

    def dump(self) -> dict[str, list[str]]:
        """The shortest mapping that `parse` reads as these same hours; closed days are left out."""
        mapping = {
            _key(first, last): [_dump_range(each) for each in ranges]
            for first, last, ranges in self._runs()
            if ranges
        }
        if self.holiday:
            mapping["holiday"] = [_dump_range(each) for each in self.holiday]
        return mapping

    def open_intervals(
        self, during: Interval, zone: ZoneInfo, holidays: Collection[date] = ()
    ) -> list[Interval]:
        """The open time within `during` in UTC, merged; `holidays` are dates in `zone`."""
        opened = self._opened(during, zone, holidays)
        return [part for span in merged(opened) if (part := span.intersection(during))]

    def ranges(
        self, during: Interval, zone: ZoneInfo, holidays: Collection[date] = ()
    ) -> list[Interval]:
        """Each range that meets `during`, whole and by itself even where it touches the next."""
        opened = self._opened(during, zone, holidays)
        return sorted(span for span in opened if span.overlaps(during))

    def covers(self, interval: Interval, zone: ZoneInfo, holidays: Collection[date] = ()) -> bool:
        """Whether it is open from the start of `interval` to its end."""
        return any(
            span.contains(interval) for span in self.open_intervals(interval, zone, holidays)
        )

    def in_words(self, language: str) -> list[tuple[str, str]]:
        """Lines to show, days and hours: ("월–금", "09:00–18:00"), ("공휴일", "휴무")."""
        lines = [
            (_days_in_words(first, last, language), _hours_in_words(ranges, language))
            for first, last, ranges in self._runs()
        ]
        return [*lines, (_HOLIDAY.in_(language), _hours_in_words(self.holiday, language))]

    def _runs(self) -> Iterator[tuple[int, int, tuple[Range, ...]]]:
        """Neighbouring days with equal hours: first day, last day, their hours."""
        for ranges, days in groupby(range(len(DAYS)), key=lambda day: self.weekly[day]):
            run = list(days)
            yield run[0], run[-1], ranges

    def _opened(
        self, during: Interval, zone: ZoneInfo, holidays: Collection[date]
    ) -> Iterator[Interval]:
        day = day_of(during.start, zone) - _DAY  # Its night hours may run into the first day.
        last = day_of(during.end, zone)
        while day <= last:
            midnight = datetime.combine(day, time())
            for start, end in self.holiday if day in holidays else self.weekly[day.weekday()]:
                opens = first_instant(midnight + timedelta(minutes=start), zone)
                closes = first_instant(midnight + timedelta(minutes=end), zone)
                if opens < closes:  # The clocks may skip a whole range.
                    yield Interval(opens, closes)
            day += _DAY


def _refuse_overlaps(weekly: Iterable[Sequence[Range]], holiday: Sequence[Range]) -> None:
    """Sunday's night runs into Monday; what precedes or follows a holiday is not known here."""
    week = [
        (start + day * _MINUTES, end + day * _MINUTES, DAYS[day])
        for day, ranges in enumerate(weekly)
        for start, end in ranges
    ]
    if week:
        start, end, day = week[0]
        week.append((start + 7 * _MINUTES, end + 7 * _MINUTES, day))
    for (_, end, day), (start, _, next_day) in pairwise(week):
        if start < end:
            raise ValueError(f"The hours of “{day}” and “{next_day}” overlap at {_clock(start)}.")
    for (_, end), (start, _) in pairwise(holiday):
        if start < end:
            raise ValueError(f"The hours of “holiday” overlap at {_clock(start)}.")


def _days_named(key: str) -> tuple[str, ...]:
    if key == "daily":
        return DAYS
    if key == "holiday":
        return ("holiday",)
    first, dash, last = str(key).partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError(
            f"“{key}” is not a day: use mon to sun, a run such as mon-fri, daily or holiday."
        )
    start = DAYS.index(first)
    length = (DAYS.index(last or first) - start) % len(DAYS) + 1
    return tuple(DAYS[(start + i) % len(DAYS)] for i in range(length))


def _parse_ranges(key: str, value: object) -> tuple[Range, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Sequence):
        raise ValueError(f"The hours of “{key}” are a list such as [“09:00-18:00”], not {value!r}.")
    return tuple(_parse_range(key, text) for text in texts)


def _parse_range(key: str, text: object) -> Range:
    if text == "24h":
        return _ALL_DAY
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"“{text}” in “{key}” is no range of hours: write “09:00-18:00” or “24h”.")
    hour, minute, *until = (int(number) for number in match.groups() if number)
    start = hour * 60 + minute
    end = until[0] * 60 + until[1]
    return start, end if start < end else end + _MINUTES


def _dump_range(hours: Range) -> str:
    return "24h" if hours == _ALL_DAY else f"{_clock(hours[0])}-{_until(hours[1])}"


def _clock(minutes: int) -> str:
    hour, minute = divmod(minutes % _MINUTES, 60)
    return f"{hour:02}:{minute:02}"


def _until(end: int) -> str:
    return "24:00" if end == _MINUTES else _clock(end)


def _key(first: int, last: int) -> str:
    if (first, last) == (0, len(DAYS) - 1):
        return "daily"
    return DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"


def _days_in_words(first: int, last: int, language: str) -> str:
    if (first, last) == (0, len(DAYS) - 1):
        return _DAILY.in_(language)
    name, last_name = _DAY_NAMES[first].in_(language), _DAY_NAMES[last].in_(language)
    return name if first == last else f"{name}–{last_name}"


def _hours_in_words(ranges: Sequence[Range], language: str) -> str:
    if not ranges:
        return _CLOSED.in_(language)
    return ", ".join(_range_in_words(each, language) for each in ranges)


def _range_in_words(hours: Range, language: str) -> str:
    start, end = hours
    if hours == _ALL_DAY:
        return _24_HOURS.in_(language)
    if end <= _MINUTES:
        return f"{_clock(start)}–{_until(end)}"
    return Text(
        f"{_clock(start)}–다음 날 {_clock(end)}", f"{_clock(start)}–{_clock(end)} the next day"
    ).in_(language)


ALWAYS_OPEN = OpeningHours(weekly=((_ALL_DAY,),) * len(DAYS), holiday=(_ALL_DAY,))
