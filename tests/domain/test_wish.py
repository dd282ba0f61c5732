"""Times that fulfil a wish: those, and only those, that the rules of booking allow."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.approval import ApprovalMode
from app.domain.availability import free_spans, whole_slots
from app.domain.booking import BookingFacts, BookingRequest, Mode, Policy, refusals
from app.domain.interval import Interval, merged
from app.domain.opening_hours import ALWAYS_OPEN, OpeningHours
from app.domain.wish import Timetable, Wish, first_of_each_day, side_by_side, wished_slots

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def span(start: float, end: float) -> Interval:
    return Interval(NOW + timedelta(hours=start), NOW + timedelta(hours=end))


def hours(length: float) -> timedelta:
    return timedelta(hours=length)


NEW_YORK = ZoneInfo("America/New_York")
WORKING = OpeningHours.parse({"mon-fri": ["09:00-18:00"]})
NIGHTS = OpeningHours.parse({"mon-fri": ["18:00-09:00"]})
HALVES = OpeningHours.parse({"daily": ["00:00-06:00", "06:00-09:00", "09:00-10:20", "13:00-24:00"]})


def policy(same_day=None, fixed_slots=None, **changed):
    minutes = {"slot": 30, "shortest": 30, "longest": 480, "earliest": 90 * 1440, "latest": 0}
    minutes |= changed
    return Policy(
        **{name: timedelta(minutes=count) for name, count in minutes.items()},
        same_day=same_day,
        fixed_slots=fixed_slots,
        approval=ApprovalMode.OPEN,
        free_cancel=timedelta(0),
        modes=frozenset({Mode.SELF_OPERATED}),
    )


def wished(wish, *, rules=None, now=NOW, zone=SEOUL, opened=None, held=(), closed=(), **more):
    rules, room = rules or policy(), more.get("room", 1)
    spans = wish.of([wish.within] if opened is None else opened, zone)
    free = free_spans(spans, held, closed, room, setup=rules.setup, cleanup=rules.cleanup)
    timetable = Timetable(rules, zone, free, more.get("fixed", ()), more.get("until"))
    return wished_slots(timetable, wish, now=now)


def local(slots, zone=SEOUL):
    return [f"{slot.start.astimezone(zone):%a %H:%M}" for slot in slots]


def test_a_wish_for_working_hours_is_met_within_them():
    # It is Monday, 18:00 in Daejeon.
    wish = Wish(hours(8), span(0, 48), WORKING)
    assert local(wished(wish)) == ["Tue 09:00", "Tue 09:30", "Tue 10:00", "Wed 09:00", "Wed 09:30",
                                   "Wed 10:00"]  # fmt: skip


def test_a_night_belongs_to_the_day_on_which_it_begins():
    # Friday's night runs into Saturday; Sunday's, into Monday, was not asked for.
    friday = span(4 * 24 - 1, 7 * 24 + 16)
    starts = local(wished(Wish(hours(8), friday, NIGHTS)))
    assert starts[0] == "Fri 18:00"
    assert starts[-1] == "Tue 01:00"
    assert "Sat 01:00" in starts
    assert not any(each.startswith("Sun") or each == "Mon 01:00" for each in starts)


def test_a_duration_that_the_instrument_does_not_allow_has_no_slot():
    within = span(0, 48)
    exact = policy(shortest=60, longest=120)
    assert [
        any(wished(Wish(timedelta(minutes=minutes), within), rules=exact))
        for minutes in (29, 30, 31, 120, 121)
    ] == [False, False, True, True, False]


def test_of_each_day_the_first_and_after_it_those_that_do_not_overlap():
    slots = list(wished(Wish(hours(2), span(0, 30), WORKING)))
    assert local(first_of_each_day(slots, SEOUL)) == ["Tue 09:00"]
    assert local(side_by_side(slots)) == ["Tue 09:00", "Tue 11:00", "Tue 13:00", "Tue 15:00"]


def test_fixed_slots_behind_a_reservation_are_found_though_the_window_closes_after_them():
    # 18:00 on Monday; booking is open for a day, and a reservation parts the time into two.
    rules = policy(fixed_slots=HALVES, earliest=1440, longest=1440)
    wish = Wish(hours(1), span(0, 48))
    fixed = HALVES.ranges(span(0, 48), SEOUL)
    found = local(wished(wish, rules=rules, held=[span(4, 9)], fixed=fixed))
    assert found == ["Tue 06:00", "Tue 09:00", "Tue 13:00"]


def pieces(most, longest):
    """Spans on the quarters of an hour, from ten hours ago on; they meet, nest and overlap."""
    quarter = st.tuples(st.integers(-40, 200), st.integers(1, longest))
    return st.lists(quarter, max_size=most)


@st.composite
def situations(draw):
    """An instrument, its calendar, and a wish."""
    spring = datetime(2026, 3, 7, 20, tzinfo=UTC)  # the clocks of New York change in 11 hours
    zone, now = draw(st.sampled_from([(SEOUL, NOW), (NEW_YORK, spring)]))

    def intervals(found):
        return [Interval(now + 15 * s * MINUTE, now + 15 * (s + n) * MINUTE) for s, n in found]

    latest = draw(st.sampled_from([0, 0, 45, 600]))
    start = draw(st.integers(-120, 900))
    daily = OpeningHours.parse({"daily": ["00:30-02:45", "08:10-24:00"]})
    return {
        "zone": zone,
        "now": now,
        "policy": policy(
            slot=draw(st.sampled_from([10, 20, 30, 30, 60, 240])),
            shortest=draw(st.sampled_from([10, 60])),
            longest=draw(st.sampled_from([120, 480, 1440])),
            latest=latest,
            earliest=latest + draw(st.sampled_from([0, 300, 1440, 9000])),
            setup=draw(st.sampled_from([0, 0, 15])),
            cleanup=draw(st.sampled_from([0, 0, 40])),
            same_day=draw(st.sampled_from([None, None, None, time(6, 30)])),
            fixed_slots=draw(st.sampled_from([None, None, None, HALVES])),
        ),
        "until": draw(st.sampled_from([None, None, now + hours(20)])),
        "opening": draw(st.sampled_from([ALWAYS_OPEN, ALWAYS_OPEN, daily, WORKING, NIGHTS])),
        "held": intervals(draw(pieces(8, 60))),
        "blackouts": intervals(draw(pieces(2, 30))),
        "capacity": draw(st.integers(1, 3)),
        "wish": Wish(
            draw(st.sampled_from([5, 10, 30, 60, 90, 120, 360])) * MINUTE,
            Interval(now + start * MINUTE, now + (start + draw(st.integers(60, 2400))) * MINUTE),
            draw(st.sampled_from([None, None, WORKING, NIGHTS])),
        ),
    }


@settings(max_examples=200, deadline=None)
@given(situations())
def test_the_times_found_are_those_that_the_rules_of_booking_allow(at):
    """Beside it a slow and plain way: ask the rules about every minute."""
    wish, zone, now, rules = at["wish"], at["zone"], at["now"], at["policy"]
    wide = Interval(wish.within.start - 3 * hours(24), wish.within.end + 3 * hours(24))
    opened = at["opening"].open_intervals(wide, zone)
    wanted = wish.hours.open_intervals(wide, zone) if wish.hours else [wide]
    facts = BookingFacts(
        now=now,
        zone=zone,
        policy=rules,
        open_hours=tuple(merged(opened)),
        blackouts=tuple(at["blackouts"]),
        held=tuple(at["held"]),
        capacity=at["capacity"],
        access_until=at["until"],
        fixed_slots=tuple(HALVES.ranges(wide, zone)) if rules.fixed_slots else (),
    )
    start, expected = wish.within.start, []
    while start < wish.within.end:
        slot = Interval(start, start + length_from(start, wish, facts))
        asked = wish.within.contains(slot) and any(each.contains(slot) for each in wanted)
        if asked and not refusals(BookingRequest("any", slot), facts):
            expected.append(slot)
        start += MINUTE

    found = wished(
        wish,
        opened=at["opening"].open_intervals(wish.within, zone),
        now=now,
        zone=zone,
        held=at["held"],
        rules=rules,
        closed=at["blackouts"],
        room=at["capacity"],
        fixed=facts.fixed_slots,
        until=at["until"],
    )
    assert list(found) == expected


def length_from(start, wish, facts):
    """Whole slots; of fixed ones as many as it takes, or some length that the rules refuse."""
    if facts.policy.fixed_slots is None:
        return whole_slots(wish.duration, facts.policy.slot)
    least = max(wish.duration, facts.policy.shortest)
    ends = {slot.start: slot.end for slot in facts.fixed_slots}
    end = start
    while end - start < least and end in ends:
        end = ends[end]
    return end - start if end - start >= least else MINUTE
