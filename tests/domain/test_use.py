"""Checking in and out at the edges: one step before, at, and after each limit."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain import use
from app.domain.errors import WrongState
from app.domain.use import CheckIn, UsePolicy
from tests.factories import NOW, hours

SEOUL = ZoneInfo("Asia/Seoul")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
RESERVED = hours(1, 3)
ASKED = UsePolicy(check_in=CheckIn.ASKED)
REQUIRED = UsePolicy(check_in=CheckIn.REQUIRED)


def admitted(policy, now, *, manages=False, interval=RESERVED):
    missed_at = use.no_show_at(policy, interval)
    try:
        use.may_check_in(policy, interval, missed_at, now=now, zone=SEOUL, manages=manages)
    except WrongState:
        return False
    return True


@pytest.mark.parametrize(
    ("after_start", "allowed"),
    [
        (-10 * MINUTE - SECOND, False),
        (-10 * MINUTE, True),
        (2 * 60 * MINUTE - SECOND, True),
        (2 * 60 * MINUTE, False),
    ],
)
def test_one_may_check_in_from_a_little_before_the_start_until_the_end(after_start, allowed):
    assert admitted(ASKED, RESERVED.start + after_start) is allowed


@pytest.mark.parametrize(
    ("after_start", "holder", "manager"),
    [
        (30 * MINUTE - SECOND, True, True),
        (30 * MINUTE, False, True),
        (120 * MINUTE - SECOND, False, True),
        (120 * MINUTE, False, False),
        (-11 * MINUTE, False, False),
    ],
)
def test_where_it_is_required_only_a_manager_may_after_the_grace_time(after_start, holder, manager):
    now = RESERVED.start + after_start
    assert admitted(REQUIRED, now) is holder
    assert admitted(REQUIRED, now, manages=True) is manager


def test_where_nobody_checks_in_nobody_can():
    assert not admitted(UsePolicy(), RESERVED.start)
    assert not admitted(UsePolicy(), RESERVED.start, manages=True)


def test_nobody_is_a_no_show_unless_checking_in_is_required():
    assert use.no_show_at(UsePolicy(), RESERVED) is None
    assert use.no_show_at(ASKED, RESERVED) is None
    assert use.no_show_at(REQUIRED, RESERVED) == RESERVED.start + 30 * MINUTE


def test_a_reservation_shorter_than_the_grace_time_is_missed_when_it_ends():
    short = hours(1, 1.25)
    assert use.no_show_at(REQUIRED, short) == short.end


@pytest.mark.parametrize(
    ("moment", "begins", "ends"),
    [(0, 0, 0), (1, 0, 60), (59, 0, 60), (60, 60, 60), (61, 60, 120)],
)
def test_used_times_are_whole_minutes_that_cover_the_use(moment, begins, ends):
    at = NOW + timedelta(seconds=moment)
    assert use.began(at) == NOW + timedelta(seconds=begins)
    assert use.ended(at) == NOW + timedelta(seconds=ends)


@pytest.mark.parametrize(
    ("after_end", "counted"),
    [
        (-60 * MINUTE, -60 * MINUTE),
        (-SECOND, timedelta(0)),
        (5 * MINUTE, 5 * MINUTE),
        (30 * MINUTE - SECOND, 30 * MINUTE),
        (30 * MINUTE, timedelta(0)),  # forgotten: the time reserved counts
        (300 * MINUTE, timedelta(0)),
    ],
)
def test_who_is_late_used_it_longer_and_who_forgot_did_not(after_end, counted):
    now = RESERVED.end + after_end
    assert use.used_until(ASKED, RESERVED, RESERVED.start, now=now) == RESERVED.end + counted


def test_a_use_lasts_at_least_a_minute():
    assert use.used_until(ASKED, RESERVED, NOW, now=NOW) == NOW + MINUTE


def test_what_is_left_is_freed_and_nothing_more_is_held_than_before():
    assert use.hold_after(RESERVED, hours(1, 2).end) == hours(1, 2)
    assert use.hold_after(RESERVED, hours(1, 4).end) == RESERVED


@pytest.mark.parametrize(
    "wrong",
    [
        {"check_in_early": -SECOND},
        {"check_in_early": timedelta(hours=24) + SECOND},
        {"no_show_after": timedelta(0)},
        {"check_out_after": -SECOND},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        UsePolicy(**wrong)
