"""Recurrence: days that come again by a rule (RFC 5545, in part), at the same local time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import first_instant, to_instant, to_local

#: At most so many dates, and no later than so long after the first one.
MOST = 200
FURTHEST = timedelta(days=366)

#: The field that a faulty rule is told of.
FIELD = "repeat.rrule"

_DAY = timedelta(days=1)
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KO = "월화수목금토일"
_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_BY_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[0-9]{1,4}")
_UNTIL = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z)?)?")
_ORDINALS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        1: ("첫째", "first"),
        2: ("둘째", "second"),
        3: ("셋째", "third"),
        4: ("넷째", "fourth"),
        5: ("다섯째", "fifth"),
        -1: ("마지막", "last"),
    }
)


class Frequency(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


#: Every so many of it, and once each.
_EVERY: Mapping[Frequency, tuple[Text, Text]] = MappingProxyType(
    {
        Frequency.DAILY: (Text("매일", "every day"), Text("{}일마다", "every {} days")),
        Frequency.WEEKLY: (Text("매주", "every week"), Text("{}주마다", "every {} weeks")),
        Frequency.MONTHLY: (Text("매월", "every month"), Text("{}개월마다", "every {} months")),
    }
)


@dataclass(frozen=True, slots=True, order=True)
class ByDay:
    """A day of the week, 0 for Monday; in a month perhaps its n-th, from the end if negative."""

    weekday: int
    nth: int | None = None

    def __str__(self) -> str:
        return f"{self.nth or ''}{_CODES[self.weekday]}"


@dataclass(frozen=True, slots=True)
class Until:
    """The last day, or the last instant, at which a date may begin."""

    day: date
    instant: datetime | None = None  # aware in UTC, or naive by the local clock

    def admits(self, local: datetime, zone: ZoneInfo) -> bool:
        if self.instant is None:
            return local.date() <= self.day
        if self.instant.tzinfo is None:
            return local <= self.instant
        return first_instant(local, zone) <= self.instant

    def __str__(self) -> str:
        if self.instant is None:
            return f"{self.day:%Y%m%d}"
        return f"{self.instant:%Y%m%dT%H%M%S}" + ("Z" if self.instant.tzinfo else "")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a series; `wrong` where the local clock does not show its time just once."""

    day: date
    interval: Interval
    wrong: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A rule by which a day comes again. Raises `Invalid`, which says what is wrong with it."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: Until | None = None
    by_day: tuple[ByDay, ...] = ()
    by_month_day: tuple[int, ...] = ()
    week_start: int = 0

    def __post_init__(self) -> None:
        if (self.count is None) == (self.until is None):
            _refuse(
                "몇 번 또는 언제까지 반복할지(COUNT와 UNTIL 중 하나만) 정해 주세요.",
                "Say how often or until when it repeats: one of COUNT and UNTIL, not both.",
            )
        if self.count is not None and not 1 <= self.count <= MOST:
            _refuse(
                f"반복 횟수(COUNT)는 1~{MOST}회입니다.",
                f"It repeats 1 to {MOST} times (COUNT).",
            )
        if not 1 <= self.interval <= FURTHEST.days:
            _refuse(
                f"반복 간격(INTERVAL)은 1~{FURTHEST.days}입니다.",
                f"INTERVAL is a number from 1 to {FURTHEST.days}.",
            )
        monthly = self.frequency is Frequency.MONTHLY
        if not monthly and (self.by_month_day or any(each.nth for each in self.by_day)):
            _refuse(
                "BYMONTHDAY와 ‘2TU’ 같은 순서는 매월(FREQ=MONTHLY) 반복에만 쓸 수 있습니다.",
                "BYMONTHDAY, and days such as 2TU, go with FREQ=MONTHLY only.",
            )

    @classmethod
    def parse(cls, text: str) -> "Recurrence":
        """From an RRULE such as `FREQ=WEEKLY;BYDAY=TU;COUNT=4`."""
        parts = _parts(text)
        try:
            frequency = Frequency(parts.pop("FREQ", "").lower())
        except ValueError:
            _refuse(
                "FREQ는 DAILY, WEEKLY, MONTHLY 중 하나여야 합니다.",
                "FREQ is one of DAILY, WEEKLY and MONTHLY.",
            )
        rule = cls(
            frequency=frequency,
            interval=_number("INTERVAL", parts.pop("INTERVAL", "1")),
            count=_number("COUNT", parts.pop("COUNT")) if "COUNT" in parts else None,
            until=_until(parts.pop("UNTIL")) if "UNTIL" in parts else None,
            by_day=_by_day(parts.pop("BYDAY")) if "BYDAY" in parts else (),
            by_month_day=_by_month_day(parts.pop("BYMONTHDAY")) if "BYMONTHDAY" in parts else (),
            week_start=_week_start(parts.pop("WKST", "MO")),
        )
        for name in parts:
            _refuse(
                f"지원하지 않는 항목입니다: {name}. FREQ, INTERVAL, COUNT, UNTIL, BYDAY, "
                "BYMONTHDAY, WKST를 쓸 수 있습니다.",
                f"{name} is not supported. Use FREQ, INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY "
                "and WKST.",
            )
        return rule

    def __str__(self) -> str:
        parts = [f"FREQ={self.frequency.upper()}"]
        if self.interval != 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.by_day:
            parts.append("BYDAY=" + ",".join(map(str, self.by_day)))
        if self.by_month_day:
            parts.append("BYMONTHDAY=" + ",".join(map(str, self.by_month_day)))
        if self.week_start:
            parts.append(f"WKST={_CODES[self.week_start]}")
        parts.append(f"COUNT={self.count}" if self.count else f"UNTIL={self.until}")
        return ";".join(parts)

    def occurrences(self, first: Interval, zone: ZoneInfo) -> list[Occurrence]:
        """The dates from `first` on, each at the same time of the clock in `zone`.

        Raises `Invalid` if `first` is none of them, or if they are too many or reach too far.
        """
        start = to_local(first.start, zone).replace(tzinfo=None, fold=0)
        length = local_length(first, zone)
        if not self._admits(start.date(), start, zone):
            _refuse(
                "마지막 날짜(UNTIL)가 첫 날짜보다 앞섭니다.",
                "UNTIL lies before the first date.",
            )
        days = list(self._bounded(start, zone))
        if not days or days[0] != start.date():
            _refuse(
                f"첫 날짜({start:%Y-%m-%d}, {_KO[start.weekday()]}요일)가 반복 규칙에 맞지 "
                "않습니다. 그날을 반복에 넣거나 시작 날짜를 바꿔 주세요.",
                f"The first date, {_EN[start.weekday()]} {start:%Y-%m-%d}, does not fit the rule. "
                "Let the rule have that day, or start on another.",
            )
        if len(days) < (self.count or 0) or self._reaches_too_far(start):
            _refuse(
                "반복은 첫 날짜부터 1년까지입니다. 횟수를 줄이거나 마지막 날짜를 당겨 주세요.",
                "A series lasts a year at most. Let it have fewer dates or end earlier.",
            )
        return [_occurrence(day, start, length, zone, first) for day in days]

    def in_words(self) -> Text:
        """매주 화요일, 4회 · every week on Tuesday, 4 times."""
        one, many = _EVERY[self.frequency]
        every = one if self.interval == 1 else many
        ko, en = every.ko.format(self.interval), every.en.format(self.interval)
        days = [(_day_ko(each), _day_en(each)) for each in self.by_day]
        days += [_month_day(day) for day in self.by_month_day]
        if days:
            ko += " " + "·".join(each for each, _ in days)
            en += " on " + ", ".join(each for _, each in days)
        if self.count is not None:
            times = "once" if self.count == 1 else f"{self.count} times"
            return Text(f"{ko}, {self.count}회", f"{en}, {times}")
        assert self.until
        day = self.until.day.isoformat()
        return Text(f"{ko}, {day}까지", f"{en}, until {day}")

    def _bounded(self, start: datetime, zone: ZoneInfo) -> Iterator[date]:
        """The days from `start` on, as far as count, `until`, a year and the most allow."""
        last = start.date() + FURTHEST
        for number, day in enumerate(self._days(start.date())):
            if number == self.count or day > last or not self._admits(day, start, zone):
                return
            if number == MOST:
                _refuse(
                    f"한 번에 {MOST}회까지만 반복할 수 있습니다. 더 일찍 끝내 주세요.",
                    f"A series has {MOST} dates at most. Let it end earlier.",
                )
            yield day

    def _admits(self, day: date, start: datetime, zone: ZoneInfo) -> bool:
        return self.until is None or self.until.admits(datetime.combine(day, start.time()), zone)

    def _reaches_too_far(self, start: datetime) -> bool:
        return self.until is not None and self.until.day > start.date() + FURTHEST

    def _days(self, first: date) -> Iterator[date]:
        """The days of the rule from `first` on; they end where nothing can follow for a year."""
        if self.frequency is Frequency.DAILY:
            wanted = {each.weekday for each in self.by_day} or set(range(7))
            step = _DAY * self.interval
            every = (first + step * n for n in range(FURTHEST.days // self.interval + 2))
            yield from (day for day in every if day.weekday() in wanted)
        elif self.frequency is Frequency.WEEKLY:
            week = first - _DAY * ((first.weekday() - self.week_start) % 7)
            wanted = {each.weekday for each in self.by_day} or {first.weekday()}
            for n in range(FURTHEST.days // 7 + 2):
                days = (week + _DAY * (7 * self.interval * n + i) for i in range(7))
                yield from (day for day in days if day >= first and day.weekday() in wanted)
        else:
            for n in range(FURTHEST.days // 28 + 2):
                month = first.year * 12 + first.month - 1 + n * self.interval
                found = self._days_of_month(month // 12, month % 12 + 1, first.day)
                yield from (day for day in found if day >= first)

    def _days_of_month(self, year: int, month: int, day_of_first: int) -> Iterator[date]:
        """A month that lacks the day, as February lacks the 30th, has none."""
        start = date(year, month, 1)
        length = ((start + _DAY * 31).replace(day=1) - start).days
        by_month_day = self.by_month_day or (() if self.by_day else (day_of_first,))
        wanted = {day if day > 0 else length + 1 + day for day in by_month_day}
        for number in range(1, length + 1):
            day = start.replace(day=number)
            if wanted and number not in wanted:
                continue
            if not self.by_day or any(_is_nth(each, day, length) for each in self.by_day):
                yield day


def _is_nth(each: ByDay, day: date, length: int) -> bool:
    if day.weekday() != each.weekday:
        return False
    if each.nth is None:
        return True
    from_start, from_end = (day.day - 1) // 7 + 1, (length - day.day) // 7 + 1
    return from_start == each.nth or -from_end == each.nth


def local_shift(old: datetime, new: datetime, zone: ZoneInfo) -> timedelta:
    """How far the local clock has to be turned from one instant to another, back if negative."""
    was, becomes = (to_local(each, zone).replace(tzinfo=None) for each in (old, new))
    return becomes - was


def local_length(interval: Interval, zone: ZoneInfo) -> timedelta:
    """How long it is by the local clock, which may show the same time twice."""
    length = local_shift(interval.start, interval.end, zone)
    return length if length > timedelta() else interval.duration


def moved(interval: Interval, *, by: timedelta, length: timedelta, zone: ZoneInfo) -> Occurrence:
    """A date moved `by` so much of the local clock, and so long by it then."""
    local = to_local(interval.start, zone).replace(tzinfo=None, fold=0) + by
    return _by_the_clock(local, length, zone)


def _by_the_clock(local: datetime, length: timedelta, zone: ZoneInfo) -> Occurrence:
    try:
        interval = Interval(to_instant(local, zone), to_instant(local + length, zone))
    except Invalid as changed:
        begins = first_instant(local, zone)
        return Occurrence(local.date(), Interval(begins, begins + length), changed.text)
    return Occurrence(local.date(), interval)


def _occurrence(
    day: date, start: datetime, length: timedelta, zone: ZoneInfo, first: Interval
) -> Occurrence:
    if day == start.date():
        return Occurrence(day, first)  # Given as instants: those are meant, even in a doubled hour.
    return _by_the_clock(datetime.combine(day, start.time()), length, zone)


def _refuse(ko: str, en: str) -> NoReturn:
    text = Text(ko, en)
    raise Invalid(text, {FIELD: text})


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not name.isascii() or not name.isalpha() or not value or name in parts:
            _refuse(
                "반복 규칙을 읽을 수 없습니다. FREQ=WEEKLY;COUNT=4처럼 써 주세요.",
                "The rule cannot be read. Write it like FREQ=WEEKLY;COUNT=4, each part once.",
            )
        parts[name] = value
    return parts


def _number(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        _refuse(f"{name}에는 숫자를 써 주세요.", f"{name} is a whole number.")
    return int(text)


def _until(text: str) -> Until:
    match = _UNTIL.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day = datetime.strptime(match[1], "%Y%m%d").date()  # noqa: DTZ007 – a date, no instant
        if match[2] is None:
            return Until(day)
        clock = datetime.strptime(match[2], "%H%M%S").time()  # noqa: DTZ007 – made aware below
        instant = datetime.combine(day, clock, UTC if match[3] else None)
    except ValueError:
        _refuse(
            "UNTIL은 20261231 또는 20261231T145959Z처럼 써 주세요.",
            "Write UNTIL like 20261231 or 20261231T145959Z.",
        )
    return Until(day, instant)


def _by_day(text: str) -> tuple[ByDay, ...]:
    found = [_BY_DAY.fullmatch(each) for each in text.split(",")]
    if not all(found):
        _refuse(
            "BYDAY에는 MO,TU,WE,TH,FR,SA,SU를 쉼표로 이어 써 주세요.",
            "BYDAY is a list of MO, TU, WE, TH, FR, SA and SU with commas between them.",
        )
    days = {ByDay(_CODES.index(each[2]), int(each[1] or 0) or None) for each in found if each}
    return tuple(sorted(days, key=lambda each: (each.weekday, each.nth or 0)))


def _by_month_day(text: str) -> tuple[int, ...]:
    days = {int(each) for each in text.split(",") if re.fullmatch(r"-?[0-9]{1,2}", each)}
    if len(days) != len(text.split(",")) or not all(1 <= abs(day) <= 31 for day in days):
        _refuse(
            "BYMONTHDAY에는 1~31을 쉼표로 이어, 월말부터 셀 때는 -1처럼 써 주세요.",
            "BYMONTHDAY is a list of days from 1 to 31, or -1 for the last, each once.",
        )
    return tuple(sorted(days))


def _week_start(text: str) -> int:
    if text not in _CODES:
        _refuse("WKST에는 MO나 SU 같은 요일을 써 주세요.", "WKST is a day such as MO or SU.")
    return _CODES.index(text)


def _day_ko(each: ByDay) -> str:
    return (_nth(each.nth, 0) + " " if each.nth else "") + f"{_KO[each.weekday]}요일"


def _day_en(each: ByDay) -> str:
    return (f"the {_nth(each.nth, 1)} " if each.nth else "") + _EN[each.weekday]


def _nth(number: int, language: int) -> str:
    if number in _ORDINALS:
        return _ORDINALS[number][language]
    of_end = _ORDINALS[-number][language]
    return (f"끝에서 {of_end}", f"{of_end} to last")[language]


def _month_day(day: int) -> tuple[str, str]:
    if day > 0:
        return f"{day}일", f"day {day}"
    if day == -1:
        return "마지막 날", "the last day"
    return f"끝에서 {-day}일째", f"day {-day} from the end"
