"""What one person may take of the free times: those, and only those, that the rules allow them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.booking import BookingFacts, BookingRequest, refusals
from app.domain.booking_facts import AffiliationClass as Who
from app.domain.booking_facts import Mode, TwoPlaces
from app.domain.contracts import Contract, ContractNeeded
from app.domain.interval import Interval, merged, without
from app.domain.opening_hours import OpeningHours
from app.domain.period import Period
from app.domain.quota import Counted, Owner, Quota, Whose, Within
from app.domain.reach import Reach
from app.domain.training import (
    NO_TRAINING,
    Held,
    Level,
    Qualification,
    SafetyKind,
    SafetyRecord,
    TrainingPolicy,
)
from app.domain.wish import Timetable, Wish, wished_slots
from tests.domain.test_wish import HALVES, NEW_YORK, NOW, SEOUL, policy

HALF = timedelta(minutes=30)
DAY = timedelta(days=1)
OFFICE = OpeningHours.parse({"mon-fri": ["09:00-18:00"]})
DAILY = OpeningHours.parse({"daily": ["06:00-22:30"]})
TRAINED = TrainingPolicy(
    certificate=True,
    unused=Period.parse("P1Y"),
    safety=(SafetyKind.RADIATION,),
    hours=(OFFICE, DAILY, OpeningHours.parse({"daily": ["24h"]})),
)
#: Sunday evening in Seoul; the clocks of New York change in the night.
SUNDAY = datetime(2026, 3, 8, 3, tzinfo=UTC)


def quotas():
    hours = st.sampled_from([HALF, 3 * HALF, 8 * HALF, 30 * HALF])
    whose, within = st.sampled_from(list(Whose)), st.sampled_from(list(Within))
    of_hours = st.builds(Quota, per=whose, within=within, hours=hours)
    of_number = st.builds(Quota, per=whose, within=within, number=st.integers(0, 4))
    calendar = st.sampled_from([Within.DAY, Within.WEEK, Within.MONTH])
    of_peak = st.builds(Quota, per=whose, within=calendar, hours=hours, peak=st.just(True))
    return st.lists(of_hours | of_number | of_peak, max_size=3).map(tuple)


@st.composite
def persons(draw):
    """An instrument with all that may stand in a person's way, and what they look for."""
    zone, now = draw(st.sampled_from([(SEOUL, NOW), (SEOUL, SUNDAY), (NEW_YORK, SUNDAY)]))

    def spans(most, first=-200, last=300):
        pairs = st.lists(st.tuples(st.integers(first, last), st.integers(1, 12)), max_size=most)
        return [Interval(now + s * HALF, now + (s + n) * HALF) for s, n in draw(pairs)]

    counted = [Counted(span, *(draw(st.booleans()) for _ in range(5))) for span in spans(8)]
    day = st.integers(-400, 6).map(lambda days: (now + days * DAY).date())
    soon = st.none() | st.integers(-2, 6).map(lambda days: (now + days * DAY).date())
    rules = replace(
        policy(
            slot=draw(st.sampled_from([30, 60])),
            shortest=60,
            longest=480,
            fixed_slots=draw(st.sampled_from([None, None, None, HALVES])),
        ),
        quotas=draw(quotas()),
        peak=OFFICE,
        gap=draw(st.sampled_from([0, 0, 1, 5])) * HALF,
        owner_share=draw(st.sampled_from([0, 0, 60, 95, 100])),
        owner=draw(st.sampled_from(list(Owner))),
        two_places=draw(st.sampled_from(list(TwoPlaces))),
        modes=frozenset(Mode),
        contract=draw(st.sampled_from(list(ContractNeeded))),
    )
    wide = Interval(now - 45 * DAY, now + 60 * DAY)
    held = [each.interval for each in counted]
    return BookingFacts(
        now=now,
        zone=zone,
        policy=rules,
        open_hours=tuple(DAILY.open_intervals(wide, zone)),
        held=tuple(held),
        counted=tuple(counted),
        elsewhere=tuple(spans(3, 0)),
        fixed_slots=tuple(HALVES.ranges(wide, zone)) if rules.fixed_slots else (),
        peak=tuple(OFFICE.open_intervals(wide, zone)),
        capacity=draw(st.integers(1, 2)),
        affiliation=draw(st.sampled_from(list(Who))),
        contracts=tuple(
            Contract("A", first, last)
            for first, last in draw(st.lists(st.tuples(day, soon), max_size=2))
            if last is None or first <= last
        ),
        training=draw(st.sampled_from([NO_TRAINING, TRAINED])),
        qualification=Qualification(
            exempt=draw(st.sampled_from([False, False, True])),
            certificates=tuple(
                draw(st.lists(st.builds(Held, st.sampled_from(list(Level)), day, soon), max_size=2))
            ),
            safety=tuple(
                draw(
                    st.lists(
                        st.builds(SafetyRecord, st.just(SafetyKind.RADIATION), day, soon),
                        max_size=1,
                    )
                )
            ),
        ),
    ), Wish(
        draw(st.sampled_from([1, 2, 5, 9])) * HALF,
        Interval(now + draw(st.integers(0, 60)) * HALF, now + draw(st.integers(61, 300)) * HALF),
    )


LEARNABLE = {"not-qualified", "certificate-expired", "safety-training-expired"}


@pytest.mark.parametrize("only_qualified", [True, False])
@settings(max_examples=200, deadline=None, derandomize=True)
@given(persons(), st.sampled_from([Mode.SELF_OPERATED, Mode.COMMISSIONED]))
def test_the_times_found_for_a_person_are_those_that_all_rules_allow(
    only_qualified, situation, mode
):
    """Beside it the plain way: all rules about every slot."""
    facts, wish = situation
    around = Interval(wish.within.start - DAY, wish.within.end + DAY)
    opened = facts.open_hours
    spans = [part for each in opened if (part := each.intersection(wish.within))]
    full = facts.held if facts.capacity == 1 else crowded(facts)
    free = without(spans, [each for each in full if each.overlaps(around)])
    request = BookingRequest("any", wish.within, mode=mode)
    reach = Reach(facts, request, wish.within.end, only_qualified)
    timetable = Timetable(facts.policy, facts.zone, free, facts.fixed_slots, resume=reach.resume)
    found = [] if reach.never() else list(wished_slots(timetable, wish, now=facts.now))

    expected = []
    for slot in wished_slots(replace(timetable, resume=None), wish, now=facts.now):
        met = tuple(each for each in facts.elsewhere if each.overlaps(slot))
        why = {
            each.code
            for each in refusals(replace(request, interval=slot), replace(facts, elsewhere=met))
        }
        if not (why if only_qualified else why - LEARNABLE):
            expected.append((slot, why))
    assert found == [slot for slot, _ in expected]
    assert [{each.code for each in reach.lacking(slot)} for slot in found] == [
        why for _, why in expected
    ]


def crowded(facts):
    """Where as many are held as there is room for, found the plain way."""
    ticks = sorted({t for each in facts.held for t in (each.start, each.end)})
    return merged(
        Interval(start, end)
        for start, end in pairwise(ticks)
        if sum(each.overlaps(Interval(start, end)) for each in facts.held) >= facts.capacity
    )


def test_a_week_that_is_used_up_is_passed_over_at_once():
    """And not asked about slot by slot, a thousand instruments long."""
    rules = replace(
        policy(longest=480), quotas=(Quota(per=Whose.PERSON, within=Within.WEEK, number=0),)
    )
    asked = []
    within = Interval(NOW, NOW + 20 * DAY)
    facts = BookingFacts(now=NOW, zone=SEOUL, policy=rules, open_hours=(within,))
    reach = Reach(facts, BookingRequest("any", within), within.end)

    def counted(slot):
        asked.append(slot)
        return reach.resume(slot)

    timetable = Timetable(rules, SEOUL, [within], resume=counted)
    assert list(wished_slots(timetable, Wish(2 * HALF, within), now=NOW)) == []
    assert len(asked) == 3


def test_a_shorter_fixed_slot_fits_into_what_is_left_of_the_day():
    """One of three hours does not, and the one of 80 minutes behind it does."""
    quota = Quota(per=Whose.PERSON, within=Within.DAY, hours=3 * HALF)
    rules = replace(policy(fixed_slots=HALVES, longest=1440), quotas=(quota,))
    within = Interval(NOW + 6 * 2 * HALF, NOW + 18 * 2 * HALF)  # Tuesday from midnight to noon
    facts = BookingFacts(now=NOW, zone=SEOUL, policy=rules, open_hours=(within,))
    reach = Reach(facts, BookingRequest("any", within), within.end)
    fixed = tuple(HALVES.ranges(within, SEOUL))
    timetable = Timetable(rules, SEOUL, [within], fixed, resume=reach.resume)
    found = list(wished_slots(timetable, Wish(HALF, within), now=NOW))
    assert [slot.duration for slot in found] == [timedelta(minutes=80)]
