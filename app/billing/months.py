"""Calendar months as they are closed: by local midnight where the instance is at home."""

import re
from calendar import monthrange
from datetime import date, datetime, time

from app.accounts.today import home_zone
from app.domain.errors import Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import first_instant

_WRITTEN = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


def month_of(text: str) -> date:
    """The first day of a month written 2026-11. Raises `Invalid`."""
    found = _WRITTEN.fullmatch(text.strip())
    try:
        if found and 2000 <= int(found[1]) <= 9998:
            return date(int(found[1]), int(found[2]), 1)
    except ValueError:
        pass
    wrong = Text(
        "달은 2026-11처럼 적어 주세요.",
        "Write the month like 2026-11.",
    )
    raise Invalid(wrong, {"month": wrong})


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def interval_of(month: date) -> Interval:
    """From midnight of its first day to midnight behind its last."""
    edges = (datetime.combine(day, time()) for day in (month, next_month(month)))
    start, end = (first_instant(edge, home_zone()) for edge in edges)
    return Interval(start, end)
