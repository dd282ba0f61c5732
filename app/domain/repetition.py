"""Times that come again: each week or each month until a day, by the clocks of one zone."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import first_instant, to_local

#: As many times as one rule may make.
MOST = 200
_WEEK = timedelta(days=7)


class Every(StrEnum):
    """How often something comes again."""

    WEEK = "week"
    MONTH = "month"


def repeated(first: Interval, every: Every, until: date, zone: ZoneInfo) -> list[Interval]:
    """`first` and all that follow it up to the day `until`, at the same hours of the clock.

    Months that lack the day are left out (RFC 5545, section 3.3.10). Raises `Invalid` if the
    times would overlap one another, are too many, or if `until` lies before the first.
    """
    start, end = (to_local(each, zone).replace(tzinfo=None) for each in (first.start, first.end))
    length = end - start
    if until < start.date():
        before = Text(
            "반복 마지막 날이 첫 시간보다 앞섭니다. 더 늦은 날짜를 골라 주세요.",
            "The repetition ends before it begins. Choose a later day.",
        )
        raise Invalid(before, {"last_day": before})
    found: list[Interval] = []
    for day in _days(start.date(), every, until):
        local = datetime.combine(day, start.time())
        begins, ends = first_instant(local, zone), first_instant(local + length, zone)
        if found and begins < found[-1].end:
            long = Text(
                "반복되는 시간이 서로 겹칩니다. 더 짧게 하거나 반복을 빼 주세요.",
                "The times would overlap one another. Make them shorter, or do not repeat them.",
            )
            raise Invalid(long, {"every": long})
        if len(found) == MOST:
            many = Text(
                f"한 번에 {MOST}회까지 만들 수 있습니다. 더 이른 마지막 날을 골라 주세요.",
                f"At most {MOST} times can be made at once. Choose an earlier last day.",
            )
            raise Invalid(many, {"last_day": many})
        found.append(Interval(begins, ends))
    return found


def _days(first: date, every: Every, until: date) -> Iterator[date]:
    if every is Every.WEEK:
        day = first
        while day <= until:
            yield day
            day += _WEEK
        return
    year, month = first.year, first.month
    while (year, month) <= (until.year, until.month):
        if first.day <= monthrange(year, month)[1]:
            day = date(year, month, first.day)
            if day <= until:
                yield day
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
