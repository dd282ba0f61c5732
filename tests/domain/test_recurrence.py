"""Dates that come again: as iCalendar means them, on the clock of the place, and never too many."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.errors import Invalid
from app.domain.interval import Interval
from app.domain.recurrence import MOST, Recurrence

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")  # clocks change on 29 March and 25 October 2026


def local(zone, year, month, day, hour=10, minute=0, length=2.0) -> Interval:
    start = datetime(year, month, day, hour, minute, tzinfo=zone).astimezone(UTC)
    return Interval(start, start + timedelta(hours=length))


TUESDAY = local(SEOUL, 2026, 3, 3)


def days(rule: str, first: Interval = TUESDAY, zone: ZoneInfo = SEOUL) -> list[str]:
    found = Recurrence.parse(rule).occurrences(first, zone)
    return [f"{each.day:%m-%d}" for each in found]


def refused(rule: str, first: Interval = TUESDAY) -> str:
    with pytest.raises(Invalid) as wrong:
        Recurrence.parse(rule).occurrences(first, SEOUL)
    assert list(wrong.value.fields) == ["repeat.rrule"]
    return wrong.value.text.en


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("FREQ=DAILY;COUNT=3", ["03-03", "03-04", "03-05"]),
        ("FREQ=DAILY;INTERVAL=3;UNTIL=20260309", ["03-03", "03-06", "03-09"]),
        ("FREQ=DAILY;BYDAY=TU,FR;COUNT=3", ["03-03", "03-06", "03-10"]),
        ("FREQ=WEEKLY;COUNT=3", ["03-03", "03-10", "03-17"]),
        ("rrule:freq=weekly;count=1;", ["03-03"]),
        ("FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4", ["03-03", "03-09", "03-10", "03-16"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;COUNT=3", ["03-03", "03-16", "03-17"]),
        ("FREQ=MONTHLY;COUNT=3", ["03-03", "04-03", "05-03"]),
        ("FREQ=MONTHLY;BYDAY=1TU;COUNT=3", ["03-03", "04-07", "05-05"]),
        ("FREQ=MONTHLY;BYMONTHDAY=3,-1;COUNT=4", ["03-03", "03-31", "04-03", "04-30"]),
    ],
)
def test_days_come_again_by_the_rule(rule, found):
    assert days(rule) == found


def test_a_month_without_the_day_is_passed_over():
    assert days("FREQ=MONTHLY;COUNT=3", local(SEOUL, 2026, 1, 31)) == ["01-31", "03-31", "05-31"]


def test_the_last_friday_is_counted_from_the_end():
    friday = local(SEOUL, 2026, 1, 30)
    assert days("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", friday) == ["01-30", "02-27", "03-27"]


def test_the_days_are_those_of_the_facility_not_of_utc():
    """Tuesday 08:00 in Daejeon is still Monday in UTC."""
    early = local(SEOUL, 2026, 3, 3, hour=8)
    assert days("FREQ=WEEKLY;BYDAY=TU;COUNT=2", early) == ["03-03", "03-10"]


@pytest.mark.parametrize(
    ("until", "found"),
    [
        ("20260309", 1),
        ("20260310", 2),
        ("20260310T005959Z", 1),
        ("20260310T010000Z", 2),  # 10:00 in Daejeon
        ("20260310T095959", 1),
        ("20260310T100000", 2),
    ],
)
def test_the_end_of_a_series_may_be_a_day_an_instant_or_a_local_time(until, found):
    assert len(days(f"FREQ=WEEKLY;UNTIL={until}")) == found


# Clock changes


def occurrences(rule: str, first: Interval):
    return Recurrence.parse(rule).occurrences(first, BERLIN)


def test_the_local_clock_stays_when_the_offset_changes():
    found = occurrences("FREQ=DAILY;COUNT=3", local(BERLIN, 2026, 3, 28))
    assert [each.interval.start.hour for each in found] == [9, 8, 8]
    assert {each.interval.duration for each in found} == {timedelta(hours=2)}


def test_a_time_that_the_clocks_skip_is_a_date_with_a_verdict():
    found = occurrences("FREQ=DAILY;COUNT=3", local(BERLIN, 2026, 3, 28, hour=2, minute=30))
    assert [bool(each.wrong) for each in found] == [False, True, False]
    assert "skip" in found[1].wrong.en
    assert found[1].day == date(2026, 3, 29)


def test_a_time_that_comes_twice_is_a_date_with_a_verdict():
    found = occurrences("FREQ=DAILY;COUNT=3", local(BERLIN, 2026, 10, 24, hour=2, minute=30))
    assert [bool(each.wrong) for each in found] == [False, True, False]
    assert "twice" in found[1].wrong.en


def test_an_end_within_the_skipped_hour_is_wrong_too():
    found = occurrences("FREQ=DAILY;COUNT=2", local(BERLIN, 2026, 3, 28, hour=0, minute=30))
    assert [bool(each.wrong) for each in found] == [False, True]


def test_a_first_date_given_as_instants_is_meant_even_in_the_doubled_hour():
    first = Interval(
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)
    )
    found = occurrences("FREQ=DAILY;COUNT=2", first)
    assert found[0].interval == first
    assert not found[0].wrong


# What is wrong with a rule


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "cannot be read"),
        ("every tuesday", "cannot be read"),
        ("FREQ=WEEKLY;COUNT=2;COUNT=3", "cannot be read"),
        ("FREQ=WEEKLY;COUNT=", "cannot be read"),
        ("COUNT=2", "FREQ is one of"),
        ("FREQ=YEARLY;COUNT=2", "FREQ is one of"),
        ("FREQ=WEEKLY", "how often or until when"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20260401", "not both"),
        ("FREQ=WEEKLY;COUNT=two", "COUNT is a whole number"),
        ("FREQ=WEEKLY;COUNT=-1", "COUNT is a whole number"),
        ("FREQ=WEEKLY;COUNT=0", "1 to 200"),
        ("FREQ=WEEKLY;COUNT=2;INTERVAL=0", "INTERVAL"),
        ("FREQ=WEEKLY;COUNT=2;INTERVAL=367", "INTERVAL"),
        ("FREQ=WEEKLY;UNTIL=soon", "20261231"),
        ("FREQ=WEEKLY;UNTIL=20260231", "20261231"),
        ("FREQ=WEEKLY;UNTIL=20260303T250000Z", "20261231"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=TUESDAY", "BYDAY"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=2TU", "FREQ=MONTHLY only"),
        ("FREQ=WEEKLY;COUNT=2;BYMONTHDAY=3", "FREQ=MONTHLY only"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=0", "from 1 to 31"),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=32", "from 1 to 31"),
        ("FREQ=WEEKLY;COUNT=2;BYHOUR=10", "BYHOUR is not supported"),
        ("FREQ=WEEKLY;COUNT=2;WKST=XX", "WKST"),
        ("FREQ=WEEKLY;UNTIL=20260302", "before the first date"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=WE", "Tuesday 2026-03-03, does not fit"),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=2TU", "does not fit"),
    ],
)
def test_a_faulty_rule_is_told_what_is_wrong(rule, says):
    assert says in refused(rule)


def test_two_hundred_dates_are_the_most():
    assert len(days(f"FREQ=DAILY;COUNT={MOST}")) == MOST
    assert len(days("FREQ=DAILY;UNTIL=20260918")) == MOST
    assert "200 dates at most" in refused("FREQ=DAILY;UNTIL=20260919")
    assert "1 to 200" in refused(f"FREQ=DAILY;COUNT={MOST + 1}")


def test_a_year_is_the_longest():
    assert len(days("FREQ=MONTHLY;COUNT=13")) == 13
    assert "a year at most" in refused("FREQ=MONTHLY;COUNT=14")
    assert len(days("FREQ=MONTHLY;UNTIL=20270304")) == 13
    assert "a year at most" in refused("FREQ=MONTHLY;UNTIL=20270305")


@pytest.mark.parametrize(
    ("rule", "en", "ko"),
    [
        ("FREQ=DAILY;COUNT=1", "every day, once", "매일, 1회"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;COUNT=4",
            "every 2 weeks on Monday, Tuesday, 4 times",
            "2주마다 월요일·화요일, 4회",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260630",
            "every month on the last Friday, until 2026-06-30",
            "매월 마지막 금요일, 2026-06-30까지",
        ),
    ],
)
def test_a_rule_is_told_in_words(rule, en, ko):
    words = Recurrence.parse(rule).in_words()
    assert (words.en, words.ko) == (en, ko)


# Against another expander


@st.composite
def rules(draw) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 5))}"]
    codes = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
    if frequency == "MONTHLY":
        codes = st.builds("{}{}".format, st.sampled_from(["1", "2", "4", "5", "-1", "-2"]), codes)
        numbers = st.integers(1, 31) | st.integers(-31, -1)
        if found := draw(st.lists(numbers, max_size=3, unique=True)):
            parts.append("BYMONTHDAY=" + ",".join(map(str, found)))
    if found := draw(st.lists(codes, max_size=3, unique=True)):
        parts.append("BYDAY=" + ",".join(found))
    if frequency == "WEEKLY":
        parts.append(f"WKST={draw(st.sampled_from(['MO', 'SU', 'WE']))}")
    return ";".join(parts)


@given(rules(), st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_the_days_are_those_of_dateutil(rule, first):
    start = datetime(first.year, first.month, first.day, 10)
    limit = start + timedelta(days=300)
    ours = Recurrence.parse(f"{rule};COUNT=1")._days(first)  # noqa: SLF001 – all days of the rule
    ours = [day for day in ours if day <= limit.date()]
    assume(ours)  # dateutil looks on for thousands of years where nothing follows
    theirs = rrulestr(f"{rule};UNTIL={limit:%Y%m%dT%H%M%S}", dtstart=start)
    assert ours == [each.date() for each in theirs]


@given(rules(), st.integers(1, 200))
def test_a_rule_is_written_as_it_is_read(rule, count):
    parsed = Recurrence.parse(f"{rule};COUNT={count}")
    assert Recurrence.parse(str(parsed)) == parsed
