"""Quotas, gaps, shares, fixed slots, buffers, permits and answers: one step around each edge."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.booking import (
    RULES,
    AffiliationClass,
    Mode,
    TwoPlaces,
    conflicts,
    refusals,
    warnings,
)
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.opening_hours import OpeningHours
from app.domain.permits import Permit, PermitKind, Question, QuestionKind
from app.domain.quota import Counted, Owner, Quota, Whose, Within, time_within
from tests.domain.test_booking import FACTS, HOUR, NOW, POLICY, SEOUL, asked, codes, only, refused

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
#: Tuesday 3 March 2026, midnight in Daejeon.
TUESDAY = datetime(2026, 3, 3, tzinfo=SEOUL)


def at(start: float, end: float, day: int = 0) -> Interval:
    """Hours of the clock on the day so many days after that Tuesday."""
    return Interval(TUESDAY + day * DAY + start * HOUR, TUESDAY + day * DAY + end * HOUR)


def held(*spans: Interval, person=True, institution=True, of_owner=False) -> tuple[Counted, ...]:
    return tuple(Counted(span, person, institution, of_owner) for span in spans)


def quota(within: Within, per: Whose = Whose.PERSON, **limit) -> dict:
    return {"quotas": (Quota(per=per, within=within, **limit),), "longest": 24 * HOUR}


# Hours a day


@pytest.mark.parametrize(("end", "found"), [(12, []), (12.5, ["max-per-day"])])
def test_the_hours_of_a_day_may_be_used_up_and_not_exceeded(end, found):
    policy = quota(Within.DAY, hours=4 * HOUR)
    assert codes(asked(at(10, end)), policy=policy, counted=held(at(14, 16))) == found


def test_what_others_hold_does_not_count_for_a_person():
    policy = quota(Within.DAY, hours=2 * HOUR)
    others = held(at(14, 18), person=False)
    assert codes(asked(at(10, 12)), policy=policy, counted=others) == []


@pytest.mark.parametrize(("hours", "found"), [(1.5, ["max-per-day"]), (2, [])])
def test_a_reservation_over_midnight_counts_in_each_day_for_its_part(hours, found):
    policy = quota(Within.DAY, hours=hours * HOUR)
    assert codes(asked(at(22, 26)), policy=policy) == found


def test_the_part_after_midnight_meets_what_is_held_on_that_day():
    policy = quota(Within.DAY, hours=3 * HOUR)
    refusal = only(refused(asked(at(22, 26)), policy=policy, counted=held(at(9, 11, day=1))))
    assert refusal.code == "max-per-day"
    assert "Wed 4 Mar" in refusal.reason.en
    assert "1 hour." in refusal.reason.en
    assert refusal.limit == "PT3H"


def test_the_day_is_that_of_the_facility():
    policy = quota(Within.DAY, hours=2 * HOUR)
    early, late = at(7, 9), at(10, 12)  # One day in Daejeon, two in UTC.
    assert codes(asked(late), policy=policy, counted=held(early)) == ["max-per-day"]
    in_utc = {"zone": ZoneInfo("UTC"), "policy": policy, "counted": held(early)}
    assert codes(asked(late), **in_utc) == []


# Weeks and months


@pytest.mark.parametrize(("day", "found"), [(5, ["max-per-week"]), (6, [])])
def test_a_week_ends_with_sunday(day, found):
    """Held on Wednesday; Sunday is of the same week and Monday of the next."""
    policy = quota(Within.WEEK, hours=3 * HOUR)
    wanted = asked(at(10, 12, day=day))
    assert codes(wanted, policy=policy, counted=held(at(10, 12, day=1))) == found


def test_a_reservation_from_sunday_to_monday_counts_in_both_weeks():
    policy = quota(Within.WEEK, hours=3 * HOUR)
    over_midnight = asked(at(22, 26, day=5))
    assert codes(over_midnight, policy=policy) == []
    assert codes(over_midnight, policy=policy, counted=held(at(9, 11, day=6))) == ["max-per-week"]


@pytest.mark.parametrize(("day", "found"), [(28, ["max-per-month"]), (29, [])])
def test_a_month_ends_with_its_last_day(day, found):
    policy = quota(Within.MONTH, number=1) | {"earliest": 60 * DAY}
    wanted = asked(at(10, 12, day=day))  # 31 March, 1 April
    assert codes(wanted, policy=policy, counted=held(at(10, 12))) == found


# Ahead


@pytest.mark.parametrize(("number", "found"), [(2, ["max-open"]), (3, [])])
def test_reservations_ahead_are_counted_and_ended_ones_are_not(number, found):
    policy = quota(Within.AHEAD, number=number)
    spans = held(at(9, 10), at(9, 10, day=9), Interval(NOW - 2 * HOUR, NOW))
    assert codes(asked(at(12, 13)), policy=policy, counted=spans) == found


@pytest.mark.parametrize(("hours", "found"), [(5, ["max-hours-ahead"]), (5.5, [])])
def test_of_a_running_reservation_only_the_rest_is_ahead(hours, found):
    running = Interval(NOW - HOUR, NOW + 1.5 * HOUR)
    policy = quota(Within.AHEAD, hours=hours * HOUR)
    counted = held(running, at(9, 11))
    assert codes(asked(at(12, 14)), policy=policy, counted=counted) == found


# Peaks, institutions, the owner's share


@pytest.mark.parametrize(("start", "found"), [(8, []), (7.5, ["peak-share"])])
def test_only_the_hours_in_the_peak_count_for_it(start, found):
    """The peak lies from 18 to 09, over midnight."""
    policy = quota(Within.DAY, hours=HOUR, peak=True)
    policy["peak"] = OpeningHours.parse({"daily": ["18:00-09:00"]})
    peak = (at(-6, 9), at(18, 33))
    assert codes(asked(at(start, start + 3)), policy=policy, peak=peak) == found


def test_what_is_held_outside_the_peak_leaves_it_alone():
    policy = quota(Within.DAY, hours=HOUR, peak=True)
    policy["peak"] = OpeningHours.parse({"daily": ["09:00-18:00"]})
    facts = {"peak": (at(9, 18),), "counted": held(at(6, 9))}
    assert codes(asked(at(9, 10)), policy=policy, **facts) == []
    assert codes(asked(at(9, 10.5)), policy=policy, **facts) == ["peak-share"]


@pytest.mark.parametrize(("same", "found"), [(True, ["institution-quota"]), (False, [])])
def test_an_institution_is_counted_over_all_its_people(same, found):
    policy = quota(Within.WEEK, Whose.INSTITUTION, hours=3 * HOUR)
    colleagues = held(at(9, 11), person=False, institution=same)
    assert codes(asked(at(12, 14)), policy=policy, counted=colleagues) == found


@pytest.mark.parametrize(("end", "found"), [(13, []), (13.5, ["group-quota"])])
def test_a_group_is_counted_over_all_its_people(end, found):
    policy = quota(Within.WEEK, Whose.GROUP, hours=3 * HOUR)
    of_group = (Counted(at(9, 11), False, False, of_owner=False, same_group=True),)
    others = held(at(14, 18), institution=True)
    wanted = asked(at(12, end))
    assert codes(wanted, policy=policy, counted=of_group + others) == found


def test_peak_hours_of_a_group_are_counted_apart():
    policy = quota(Within.DAY, Whose.GROUP, hours=HOUR, peak=True)
    policy["peak"] = OpeningHours.parse({"daily": ["09:00-18:00"]})
    of_group = (Counted(at(6, 9), False, False, of_owner=False, same_group=True),)
    facts = {"peak": (at(9, 18),), "counted": of_group, "policy": policy}
    assert codes(asked(at(9, 10)), **facts) == []
    assert codes(asked(at(9, 10.5)), **facts) == ["peak-share"]


@pytest.mark.parametrize(("held_until", "found"), [(12, []), (12.5, ["owner-share"])])
def test_others_leave_the_owner_its_share_of_the_week(held_until, found):
    """Open for ten hours that week, half of them the owner's: five are for others."""
    facts = {"open_hours": (at(9, 19),), "counted": held(at(9, held_until), person=False)}
    wanted = asked(at(14, 16))
    assert codes(wanted, policy={"owner_share": 50}, **facts) == found


@pytest.mark.parametrize(
    ("who", "found"),
    [
        (AffiliationClass.OWN_DEPARTMENT, []),
        (AffiliationClass.OWN_INSTITUTION, ["owner-share"]),
        (AffiliationClass.PARTNER, ["owner-share"]),
    ],
)
def test_a_share_of_the_department_is_kept_from_its_own_institution_too(who, found):
    facts = {"open_hours": (at(9, 19),), "counted": held(at(9, 14), person=False)}
    policy = {"owner_share": 50, "owner": Owner.DEPARTMENT}
    assert codes(asked(at(14, 16)), policy=policy, affiliation=who, **facts) == found


def test_the_owner_may_use_all_and_what_it_uses_leaves_others_their_part():
    facts = {"open_hours": (at(9, 19),), "policy": {"owner_share": 50}}
    of_owner = held(at(9, 14), person=False, of_owner=True)
    assert codes(asked(at(14, 16)), counted=of_owner, **facts) == []
    own = AffiliationClass.OWN_INSTITUTION
    others = held(at(9, 14), person=False)
    assert codes(asked(at(14, 16)), counted=others, affiliation=own, **facts) == []


# Gaps and two places


@pytest.mark.parametrize(
    ("start", "found"),
    [(12, []), (12.5, ["gap-too-small"]), (13.5, ["gap-too-small"]), (14, [])],
    ids=["at once", "half an hour", "almost", "far enough"],
)
def test_own_reservations_touch_or_keep_apart(start, found):
    policy = {"gap": 2 * HOUR}
    own = held(at(10, 12))
    assert codes(asked(at(start, start + 1)), policy=policy, counted=own) == found
    others = held(at(10, 12), person=False)
    assert codes(asked(at(start, start + 1)), policy=policy, counted=others) == []


def test_the_gap_counts_before_a_reservation_too():
    own = held(at(14, 15))
    assert codes(asked(at(12, 13)), policy={"gap": 2 * HOUR}, counted=own) == ["gap-too-small"]


@pytest.mark.parametrize(
    ("two_places", "refusals_found", "warned"),
    [("allow", [], 0), ("warn", [], 1), ("refuse", ["in-two-places"], 0)],
)
def test_two_places_at_once_are_allowed_warned_of_or_refused(two_places, refusals_found, warned):
    facts = replace(
        FACTS,
        policy=replace(POLICY, two_places=TwoPlaces(two_places)),
        elsewhere=(at(9, 11),),
    )
    wanted = asked(at(10, 12))
    assert [refusal.code for refusal in refusals(wanted, facts)] == refusals_found
    assert len(warnings(wanted, facts)) == warned


def test_who_hands_in_samples_may_be_elsewhere_meanwhile():
    commissioned = asked(at(13, 14), mode=Mode.COMMISSIONED)
    modes = frozenset(Mode)
    rules = {"gap": 2 * HOUR, "two_places": TwoPlaces.REFUSE, "modes": modes}
    own, elsewhere = held(at(10, 12)), (at(13, 15),)
    found = codes(asked(at(13, 14)), policy=rules, counted=own, elsewhere=elsewhere)
    assert found == ["gap-too-small", "in-two-places"]
    assert codes(commissioned, policy=rules, counted=own, elsewhere=elsewhere) == []
    handed_in = [replace(each, present=False) for each in own]
    assert codes(asked(at(13, 14)), policy=rules, counted=handed_in) == []
    warned = replace(FACTS, elsewhere=elsewhere)
    assert (len(warnings(asked(at(13, 14)), warned)), warnings(commissioned, warned)) == (1, [])


# Fixed slots and the running day

HALVES = OpeningHours.parse({"daily": ["09:00-13:00", "13:00-18:00"]})
SLOTS = (at(9, 13), at(13, 18), at(9, 13, day=1), at(13, 18, day=1))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (at(9, 13), []),
        (at(13, 18), []),
        (at(9, 18), []),
        (at(9, 12), ["outside-fixed-slots"]),
        (at(10, 13), ["outside-fixed-slots"]),
        (at(13, 33), ["outside-fixed-slots"]),
        (at(9, 13, day=2), ["outside-fixed-slots"]),
    ],
)
def test_fixed_slots_are_taken_whole(wanted, found):
    policy = {"fixed_slots": HALVES, "longest": 24 * HOUR}
    assert codes(asked(wanted), policy=policy, fixed_slots=SLOTS) == found


def test_a_fixed_slot_need_not_fall_on_the_grid():
    slots = (at(9.25, 11.25),)
    policy = {"fixed_slots": HALVES}
    assert codes(asked(slots[0]), policy=policy, fixed_slots=slots) == []


def test_days_from_nine_to_nine_follow_each_other():
    days = (at(9, 33), at(33, 57))
    policy = {"fixed_slots": OpeningHours.parse({"daily": ["09:00-09:00"]}), "longest": 48 * HOUR}
    assert codes(asked(at(9, 57)), policy=policy, fixed_slots=days) == []
    assert codes(asked(at(12, 36)), policy=policy, fixed_slots=days) == ["outside-fixed-slots"]


@pytest.mark.parametrize(
    ("hour", "wanted", "found"),
    [
        (8.5, at(8.5, 9), []),
        (8.5, at(8.5, 9.5), ["same-day-only"]),
        (8.5, at(9, 10), ["same-day-only"]),
        (9, at(9, 10), []),
        (9, at(32, 33), []),
        (9, at(32, 34), ["same-day-only"]),
        (25, at(32, 33), []),
    ],
)
def test_the_running_day_begins_at_its_hour(hour, wanted, found):
    """As at the NMR of KAIST's chemistry: 09:00 to 09:00 (nmrchem.kaist.ac.kr/policy)."""
    facts = replace(
        FACTS,
        now=TUESDAY + hour * HOUR,
        policy=replace(POLICY, same_day=time(9), latest=0 * HOUR, shortest=30 * MINUTE),
    )
    assert [refusal.code for refusal in refusals(asked(wanted), facts)] == found


# Setting up and cleaning up


@pytest.mark.parametrize(
    ("other", "found"),
    [(at(8, 9.5), []), (at(8, 10), ["taken"]), (at(12.5, 14), []), (at(12, 14), ["taken"])],
)
def test_setting_up_and_cleaning_up_keep_others_away(other, found):
    """Ten minutes before and twenty behind: half an hour between two, on either side."""
    policy = {"setup": 10 * MINUTE, "cleanup": 20 * MINUTE}
    assert codes(asked(at(10, 12)), policy=policy, held=(other,)) == found


def test_exactly_the_time_of_both_is_enough_and_a_minute_less_is_not():
    policy = {"setup": 10 * MINUTE, "cleanup": 20 * MINUTE, "slot": MINUTE}
    other = Interval(at(8, 9).start, at(9, 10).end - 30 * MINUTE)
    later = Interval(other.start, other.end + MINUTE)
    assert codes(asked(at(10, 12)), policy=policy, held=(other,)) == []
    assert codes(asked(at(10, 12)), policy=policy, held=(later,)) == ["taken"]


def test_a_closure_is_kept_clear_of_by_both():
    policy = {"setup": 10 * MINUTE, "cleanup": 20 * MINUTE, "slot": MINUTE}
    closed = Interval(at(8, 9).start, at(10, 12).start - 9 * MINUTE)
    assert codes(asked(at(10, 12)), policy=policy, blackouts=(closed,)) == ["blackout"]


def test_places_are_counted_with_what_stands_around_them():
    policy = {"cleanup": 30 * MINUTE}
    two = (at(8, 10), at(9, 10))
    assert codes(asked(at(10, 11)), policy=policy, held=two, capacity=2) == ["capacity-full"]
    assert codes(asked(at(10.5, 11.5)), policy=policy, held=two, capacity=2) == []


def test_nested_reservations_are_counted_at_each_instant():
    nested = (at(9, 17), at(10, 12), at(10.5, 11))
    assert codes(asked(at(11, 13)), held=nested, capacity=3) == []
    assert codes(asked(at(10.5, 13)), held=nested, capacity=3) == ["capacity-full"]


@given(
    starts=st.lists(st.integers(0, 40), max_size=6),
    wanted=st.integers(0, 40),
    setup=st.integers(0, 3),
    cleanup=st.integers(0, 3),
    capacity=st.integers(1, 3),
)
def test_a_conflict_is_told_exactly_when_a_rule_refuses(starts, wanted, setup, cleanup, capacity):
    facts = replace(
        FACTS,
        policy=replace(POLICY, setup=setup * 10 * MINUTE, cleanup=cleanup * 10 * MINUTE),
        held=tuple(at(start / 2, start / 2 + 1) for start in starts),
        capacity=capacity,
    )
    request = asked(at(wanted / 2, wanted / 2 + 1))
    refused_for = {refusal.code for refusal in refusals(request, facts)}
    assert bool(refused_for & {"taken", "capacity-full"}) == bool(conflicts(request, facts))


# Permits and answers

IACUC = {"permits": (Permit(PermitKind.IACUC),)}


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({}, ["permit-missing"]),
        ({"iacuc": "  "}, ["permit-missing"]),
        ({"iacuc": "KA2026-11"}, ["permit-missing"]),
        ({"iacuc": "KA2026-11", "iacuc_until": "next year"}, ["permit-missing"]),
        ({"iacuc": "KA2026-11", "iacuc_until": "2026-03-02"}, ["permit-expired"]),
        ({"iacuc": "KA2026-11", "iacuc_until": "2026-03-03"}, []),
    ],
)
def test_a_permit_has_a_number_and_lasts_until_the_day(answers, found):
    assert codes(asked(at(10, 12), answers=answers), policy=IACUC) == found


def test_a_permit_that_is_not_required_may_be_left_out_but_not_be_expired():
    policy = {"permits": (Permit(PermitKind.LMO, required=False),)}
    assert codes(asked(at(10, 12)), policy=policy) == []
    expired = {"lmo": "LML-26", "lmo_until": "2026-01-01"}
    assert codes(asked(at(10, 12), answers=expired), policy=policy) == ["permit-expired"]


QUESTIONS = (
    Question("medium", Text("배지", "Medium"), required=True),
    Question("cells", Text("세포 수", "Cells"), QuestionKind.NUMBER),
    Question("stain", Text("염색", "Stain"), QuestionKind.CHOICE, options=("DAPI", "H&E")),
    Question("sheet", Text("시료 정보서", "Sample sheet"), QuestionKind.FILE),
)


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({}, "medium"),
        ({"medium": "DMEM"}, None),
        ({"medium": "DMEM", "cells": "many"}, "cells"),
        ({"medium": "DMEM", "cells": "1²"}, "cells"),
        ({"medium": "DMEM", "cells": "-1.5"}, None),
        ({"medium": "DMEM", "stain": "Golgi"}, "stain"),
        ({"medium": "DMEM", "stain": "H&E"}, None),
        ({"medium": 'C:\\ and "quotes"'}, None),
        ({"medium": "DMEM", "sheet": "sheet.pdf"}, "sheet"),
        ({"medium": "DMEM", "sheet": "0f" * 16}, None),
    ],
)
def test_questions_are_answered_as_they_ask(answers, field):
    found = refused(asked(at(10, 12), answers=answers), policy={"questions": QUESTIONS})
    assert [refusal.field for refusal in found] == ([f"answers.{field}"] if field else [])


# The settings


NONSENSE = {
    "a quota of nothing": lambda: Quota(per=Whose.PERSON, within=Within.DAY),
    "hours and number": lambda: Quota(per=Whose.PERSON, within=Within.DAY, hours=HOUR, number=1),
    "a number of the peak": lambda: Quota(per=Whose.PERSON, within=Within.DAY, number=1, peak=True),
    "less than no hours": lambda: Quota(per=Whose.PERSON, within=Within.DAY, hours=-HOUR),
    "a key with a mark": lambda: Question("Key!", Text("가", "a")),
    "a choice of nothing": lambda: Question("key", Text("가", "a"), QuestionKind.CHOICE),
    "setting up backwards": lambda: replace(POLICY, setup=-HOUR),
    "more than all": lambda: replace(POLICY, owner_share=101),
    "no peak to count": lambda: replace(
        POLICY, quotas=(Quota(per=Whose.PERSON, within=Within.DAY, hours=HOUR, peak=True),)
    ),
}


@pytest.mark.parametrize("case", list(NONSENSE))
def test_settings_that_make_no_sense_are_refused(case):
    with pytest.raises(ValueError, match=r"\w"):
        NONSENSE[case]()


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 90)), max_size=5))
def test_the_days_of_a_quota_add_up_to_the_whole(spans):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    held_spans = [Interval(start + a * HOUR, start + (a + b) * HOUR) for a, b in spans]
    days = [Interval(start + n * DAY, start + (n + 1) * DAY) for n in range(8)]
    in_days = sum((time_within(held_spans, day) for day in days), timedelta())
    assert in_days == sum((span.duration for span in held_spans), timedelta())


def test_every_rule_is_asked_once():
    assert len(set(RULES)) == len(RULES)
