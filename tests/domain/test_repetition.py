"""Times that come again, by the clocks of a zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.errors import Invalid
from app.domain.interval import Interval
from app.domain.local_time import to_local
from app.domain.repetition import MOST, Every, repeated

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")


def span(zone, day, first, last):
    return Interval(
        datetime.combine(day, datetime.min.time(), zone) + timedelta(hours=first),
        datetime.combine(day, datetime.min.time(), zone) + timedelta(hours=last),
    )


WEDNESDAY = span(SEOUL, date(2026, 3, 4), 9, 12)


def days(found, zone=SEOUL):
    return [to_local(each.start, zone).date() for each in found]


def test_every_wednesday_until_the_last_day_and_on_it():
    found = repeated(WEDNESDAY, Every.WEEK, date(2026, 3, 18), SEOUL)
    assert days(found) == [date(2026, 3, 4), date(2026, 3, 11), date(2026, 3, 18)]
    assert days(repeated(WEDNESDAY, Every.WEEK, date(2026, 3, 17), SEOUL)) == days(found)[:2]


def test_the_clock_shows_the_same_hours_when_it_was_changed():
    first = span(BERLIN, date(2026, 3, 25), 9, 12)
    before, behind = repeated(first, Every.WEEK, date(2026, 4, 1), BERLIN)
    assert behind.start - before.start == timedelta(days=7, hours=-1)
    assert to_local(behind.start, BERLIN).hour == 9
    assert behind.start.tzinfo is UTC


def test_months_that_lack_the_day_are_left_out():
    found = repeated(span(SEOUL, date(2026, 1, 31), 9, 12), Every.MONTH, date(2026, 5, 31), SEOUL)
    assert days(found) == [date(2026, 1, 31), date(2026, 3, 31), date(2026, 5, 31)]


def test_a_month_that_ends_before_the_day_is_not_reached():
    found = repeated(span(SEOUL, date(2026, 11, 20), 9, 12), Every.MONTH, date(2027, 1, 19), SEOUL)
    assert days(found) == [date(2026, 11, 20), date(2026, 12, 20)]


@pytest.mark.parametrize(
    ("first", "until", "field"),
    [
        (WEDNESDAY, date(2026, 3, 3), "last_day"),
        (WEDNESDAY, date(2026, 3, 4) + MOST * timedelta(days=7), "last_day"),
        (Interval(WEDNESDAY.start, WEDNESDAY.start + timedelta(days=8)), date(2026, 4, 4), "every"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(first, until, field):
    with pytest.raises(Invalid) as wrong:
        repeated(first, Every.WEEK, until, SEOUL)
    assert set(wrong.value.fields) == {field}


def test_as_many_as_are_allowed_are_made():
    last = date(2026, 3, 4) + (MOST - 1) * timedelta(days=7)
    assert len(repeated(WEDNESDAY, Every.WEEK, last, SEOUL)) == MOST
