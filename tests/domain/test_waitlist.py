"""Who is offered what, in which order, and for how long."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.approval import (
    BY_MANAGER,
    ApprovalMode,
    ForWhom,
    Status,
    after_offer,
    stages_left,
)
from app.domain.booking_facts import Mode, Policy
from app.domain.errors import WrongState
from app.domain.interval import Interval
from app.domain.opening_hours import OpeningHours
from app.domain.waitlist import (
    LEAST_TO_ANSWER,
    Waiting,
    fitting,
    hours_of_days,
    in_order,
    offer_until,
    offers,
    worth_telling,
)

SEOUL = ZoneInfo("Asia/Seoul")
#: A Monday, nine o'clock in the morning in Daejeon.
MORNING = datetime(2026, 3, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(hours: float) -> datetime:
    return MORNING + timedelta(hours=hours)


def span(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def policy(**fields) -> Policy:
    values = {
        "slot": HOUR / 2,
        "shortest": HOUR / 2,
        "longest": 8 * HOUR,
        "earliest": 30 * DAY,
        "latest": timedelta(),
        "approval": ApprovalMode.OPEN,
        "free_cancel": DAY,
        "modes": frozenset({Mode.SELF_OPERATED}),
    }
    return Policy(**{**values, **fields})


def waiting(key: int = 1, asked: float = 0, length: float = 2, within=None, **fields) -> Waiting:
    return Waiting(
        key=key,
        asked_at=at(asked),
        duration=length * HOUR,
        within=within or span(24, 26),
        **fields,
    )


def test_who_asked_first_comes_first_and_of_two_at_once_the_lower_key():
    first, second, third = waiting(3, asked=-2), waiting(1, asked=-1), waiting(2, asked=-1)
    assert in_order([third, first, second]) == [first, second, third]


def test_who_may_not_have_it_is_passed_over():
    one, two = waiting(1), waiting(2)
    found = offers([one, two], lambda _: [span(24, 26)], lambda who, _: who.key != 1)
    assert list(found) == [(two, span(24, 26))]


def test_who_may_not_have_the_first_time_gets_the_next():
    wish = waiting(within=span(24, 40))
    found = offers([wish], lambda _: [span(24, 26), span(26, 28)], lambda _, s: s != span(24, 26))
    assert list(found) == [(wish, span(26, 28))]


def test_the_next_is_asked_about_only_when_the_one_before_has_the_time():
    free = [span(24, 26)]
    given = []
    for who, slot in offers([waiting(1), waiting(2)], lambda _: list(free), lambda *_: True):
        given.append((who.key, slot))
        free.remove(slot)
    assert given == [(1, span(24, 26))]


def times(wish: Waiting, *free: Interval, now=MORNING, **settings) -> list[Interval]:
    return list(fitting(wish, free, policy(**settings), SEOUL, now=now))


@pytest.mark.parametrize(
    ("free", "fits"),
    [(span(24, 26), True), (span(20, 30), True), (span(24, 25.5), False), (span(24.5, 26), False)],
)
def test_an_exact_slot_fits_only_where_all_of_it_is_free(free, fits):
    assert times(waiting(), free) == ([span(24, 26)] if fits else [])


def test_a_wish_takes_the_earliest_time_within_its_while():
    wish = waiting(within=span(24, 33))
    assert times(wish, span(20, 25), span(28, 40))[0] == span(28, 30)


def test_a_wish_keeps_to_its_hours_and_days():
    """From 9 to 18 on weekdays: Saturday and Sunday, and the evening, are free in vain."""
    week = waiting(
        within=span(4 * 24 + 6, 7 * 24 + 4),  # Friday 15:00 to Monday 13:00
        hours=OpeningHours.parse({"mon-fri": ["09:00-18:00"]}),
    )
    found = times(week, span(0, 240))
    assert found[0] == span(4 * 24 + 6, 4 * 24 + 8)
    assert found[-1] == span(7 * 24 + 2, 7 * 24 + 4)
    assert {each.start.astimezone(SEOUL).strftime("%a") for each in found} == {"Fri", "Mon"}


def test_what_was_offered_and_not_taken_is_not_offered_again():
    wish = waiting(within=span(24, 30), passed_over=(span(24, 26),))
    assert times(wish, span(24, 30))[0] == span(26, 28)


def test_nothing_is_offered_that_nobody_has_time_to_take():
    exact = waiting(within=span(24, 26))
    last = at(24) - LEAST_TO_ANSWER
    assert times(exact, span(24, 26), now=last) == [span(24, 26)]
    assert times(exact, span(24, 26), now=last + timedelta(seconds=1)) == []
    assert times(exact, span(24, 26), now=last, latest=HOUR) == []


@pytest.mark.parametrize(
    ("now", "starts", "until"),
    [
        (0, 48, 2),  # in the morning: two hours
        (10, 48, 24),  # 19:00: an hour today, and one from 08:00 on
        (13, 48, 25),  # 22:00: the night does not count
        (11, 48, 25),  # 20:00: the day is over
        (20, 48, 25),  # 05:00 the next morning
        (0, 1, 1),  # never beyond the start
        (13, 23.5, 23.5),  # freed at night, for half past eight
    ],
)
def test_an_offer_stands_for_two_hours_of_the_day(now, starts, until):
    assert offer_until(span(starts, starts + 2), policy(), SEOUL, now=at(now)) == at(until)


def test_an_offer_ends_when_it_can_be_reserved_no_more():
    slot, hour = span(3, 5), policy(latest=2 * HOUR)
    assert offer_until(slot, hour, SEOUL, now=at(0)) == at(1)


def test_an_offer_stands_as_long_as_the_facility_says():
    long = policy(offer_hold=15 * HOUR)  # eleven hours until 20:00, four from 08:00 on
    assert offer_until(span(96, 98), long, SEOUL, now=at(0)) == at(27)
    with pytest.raises(ValueError, match="offer"):
        policy(offer_hold=timedelta())


def test_hours_and_days_are_written_as_opening_hours_are():
    assert hours_of_days([], "") is None
    assert hours_of_days(["mon"], "") == {"mon": ["24h"]}
    assert hours_of_days(["tue"], "09:00-18:00") == {"tue": ["09:00-18:00"]}
    assert len(hours_of_days([], "18:00-09:00") or {}) == 7
    with pytest.raises(ValueError, match="range"):
        hours_of_days([], "9-18")


def told(*free: Interval, **fields) -> list[Interval]:
    values = {"shortest": HOUR, "days_ahead": 7, "hours": None, "zone": SEOUL, "now": MORNING}
    return worth_telling(free, **{**values, **fields})


def test_one_is_told_of_what_is_long_enough_and_near_enough():
    assert told(span(2, 3), span(5, 5.5)) == [span(2, 3)]
    assert told(span(24, 26), days_ahead=1) == []
    assert told(span(23, 26), days_ahead=1) == [span(23, 24)]


def test_one_is_told_of_the_hours_that_one_named():
    office = OpeningHours.parse({"mon-fri": ["09:00-18:00"]})
    assert told(span(8, 12), hours=office) == [span(8, 9)]
    assert told(span(8.5, 12), hours=office) == []


@pytest.mark.parametrize(
    ("mode", "may_approve", "became"),
    [("open", False, "confirmed"), ("each", False, "pending"), ("each", True, "confirmed")],
)
def test_an_offer_that_is_taken_begins_as_a_reservation_does(mode, may_approve, became):
    own = set(BY_MANAGER) if may_approve else set()
    left = stages_left(ApprovalMode(mode), BY_MANAGER, frozenset(ForWhom), own=own)
    taken = after_offer(Status.OFFERED, left)
    assert taken == became


def test_what_is_no_offer_cannot_be_taken():
    for status in set(Status) - {Status.OFFERED}:
        with pytest.raises(WrongState):
            after_offer(status, ())
