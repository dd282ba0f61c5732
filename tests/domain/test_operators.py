"""Whose turn it is among operators, and when one is free next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.booking import Mode, refusals
from app.domain.interval import Interval
from app.domain.operator_rules import operator_for
from app.domain.operators import Duty, OperatorNeeded, first_free, in_turn, next_free, resumed
from tests.domain.test_booking import FACTS, HALF_HOUR, HOUR, POLICY, SEOUL, asked, hours

REQUIRED = replace(
    POLICY, operator=OperatorNeeded.REQUIRED, modes=frozenset(Mode), longest=10 * HOUR
)


def duty(key: int, *attends: Interval, there=((-100, 500),), name="") -> Duty:
    return Duty(key, name or f"Operator {key}", tuple(hours(*each) for each in there), attends)


def judged(*duties: Duty, mode=Mode.ASSISTED, policy=REQUIRED, interval=None):
    facts = replace(FACTS, policy=policy, operators=duties)
    return refusals(asked(interval or hours(12, 14), mode=mode), facts)


def test_one_operator_has_to_be_free_over_the_whole_time():
    half = duty(1, hours(13, 15))
    other_half = duty(2, hours(10, 13))
    assert [each.code for each in judged(half, other_half)] == ["operator-busy"]
    assert judged(half, other_half, duty(3)) == []


def test_back_to_back_is_free_and_a_moment_more_is_not():
    assert judged(duty(1, hours(10, 12), hours(14, 16))) == []
    over = Interval(hours(10, 12).start, hours(10, 12).end + timedelta(seconds=1))
    assert [each.code for each in judged(duty(1, over))] == ["operator-busy"]


def test_who_works_it_alone_needs_no_operator_and_what_is_only_asked_refuses_nobody():
    assert judged(mode=Mode.SELF_OPERATED) == []
    assert judged(policy=replace(REQUIRED, operator=OperatorNeeded.ASKED)) == []
    assert [each.code for each in judged(mode=Mode.COMMISSIONED)] == ["operator-busy"]


def test_the_next_time_at_which_one_is_free_is_told():
    (refusal,) = judged(duty(1, hours(10, 15)), duty(2, hours(11, 14.25)))
    assert refusal.limit == "2026-03-02T23:30:00Z"
    assert "3월 3일(화) 08:30부터" in refusal.reason.ko
    assert refusal.of_others


def test_nobody_who_is_not_there_is_told_as_taken_by_others():
    (refusal,) = judged(duty(1, there=((0, 13),)))
    assert not refusal.of_others
    assert refusal.limit is None
    assert "ask the facility's manager" in refusal.reason.en


def test_a_time_has_to_fit_as_a_whole_between_what_is_attended():
    busy = [duty(1, hours(11, 15), hours(16, 20))]
    assert next_free(busy, hours(12, 14), HALF_HOUR, SEOUL) == hours(20, 22).start
    assert next_free(busy, hours(12, 13), HALF_HOUR, SEOUL) == hours(15, 16).start


def test_who_attends_least_in_that_week_is_first_then_by_name():
    busy = duty(1, hours(1, 3), name="가")
    last_week = duty(2, hours(-90, -80), name="나")
    same = duty(3, name="다")
    assert first_free([busy, same, last_week], hours(12, 14), SEOUL) == last_week
    assert first_free([busy, same], hours(12, 14), SEOUL) == same
    assert first_free([busy], hours(2, 4), SEOUL) is None


def test_the_week_is_that_of_the_facility():
    # 15:00 UTC on Sunday is Monday in Seoul: what lies before belongs to the week before there.
    sunday = datetime(2026, 3, 1, 14, tzinfo=UTC)
    attended = Interval(sunday, sunday + HOUR)
    one, other = duty(1, attended, name="가"), duty(2, name="나")
    assert first_free([one, other], hours(12, 14), SEOUL) == one
    wanted = Interval(sunday - 3 * HOUR, sunday - 2 * HOUR)
    assert first_free([one, other], wanted, SEOUL) == other


def test_the_dates_of_a_series_are_shared_out():
    found = in_turn([duty(1), duty(2)], [(hours(n, n + 2), None) for n in (1, 25, 49)], SEOUL)
    assert found == [1, 2, 1]


def test_whoever_attends_it_stays_while_they_are_free():
    facts = replace(FACTS, policy=REQUIRED, operators=(duty(1), duty(2, hours(20, 30))))
    request = asked(hours(12, 14), mode=Mode.ASSISTED)
    assert operator_for(request, facts, present=2) == 2
    assert operator_for(request, facts, present=9) == 1
    assert operator_for(asked(hours(21, 23), mode=Mode.ASSISTED), facts, present=2) == 1


def test_a_search_goes_on_where_one_may_be_free():
    busy = [duty(1, hours(11, 15), there=((0, 24),))]
    assert resumed(busy, hours(15, 17)) is None
    assert resumed(busy, hours(12, 14)) == hours(15, 16).start
    assert resumed(busy, hours(23, 25)) > hours(900, 901).start


@pytest.mark.parametrize("zone", ["Asia/Seoul", "Europe/Berlin"])
def test_a_free_start_lies_on_the_grid_of_the_facility(zone):
    until = Interval(hours(10, 11).start, hours(12, 13).start + timedelta(minutes=10))
    start = next_free([duty(1, until)], hours(11, 12), HALF_HOUR, ZoneInfo(zone))
    assert start == hours(12.5, 13).start
