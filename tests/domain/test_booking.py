import inspect
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.approval import ApprovalMode
from app.domain.booking import (
    CODES,
    CONFLICT_CODES,
    RULES,
    AffiliationClass,
    BookingFacts,
    BookingRequest,
    Mode,
    Policy,
    UseScope,
    UseState,
    conflicts,
    extension_refusals,
    is_conflict,
    only_soft,
    refusals,
)
from app.domain.booking_facts import Linked, TwoPlaces
from app.domain.contracts import ContractNeeded
from app.domain.errors import TakenTime, Text
from app.domain.interval import Interval
from app.domain.opening_hours import ALWAYS_OPEN, OpeningHours
from app.domain.operators import OperatorNeeded
from app.domain.paying import AccountsAsked
from app.domain.permits import Permit, PermitKind, Question, QuestionKind
from app.domain.quota import Counted, Quota, Whose, Within
from app.domain.shares import WHOLE, Share
from app.domain.training import Held, Level, Qualification, SafetyKind, TrainingPolicy

#: Monday, 18:00 in Daejeon.
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
SECOND = timedelta(seconds=1)
HALF_HOUR = timedelta(minutes=30)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

POLICY = Policy(
    slot=HALF_HOUR,
    shortest=HOUR,
    longest=4 * HOUR,
    earliest=30 * DAY,
    latest=2 * HOUR,
    approval=ApprovalMode.OPEN,
    free_cancel=HOUR,
    modes=frozenset({Mode.SELF_OPERATED}),
)


def hours(start: float, end: float) -> Interval:
    """From and until, in hours after now."""
    return Interval(NOW + start * HOUR, NOW + end * HOUR)


FACTS = BookingFacts(now=NOW, zone=SEOUL, policy=POLICY, open_hours=(hours(-100, 2000),))


OFFICE = OpeningHours.parse({"daily": "09:00-18:00"})
TRAINED_ONLY = TrainingPolicy(certificate=True, hours=(OFFICE, OFFICE, ALWAYS_OPEN))
SAFE_ONLY = TrainingPolicy(safety=(SafetyKind.RADIATION,))


def holding(level: Level = Level.NIGHT, **fields) -> Qualification:
    """Somebody with one certificate, of a year ago."""
    return Qualification(certificates=(Held(level, date(2025, 3, 2), **fields),))


def asked(interval: Interval | None = None, **fields) -> BookingRequest:
    return BookingRequest("confocal", interval or hours(12, 14), **fields)


def refused(request: BookingRequest | None = None, *, policy=None, **facts):
    known = replace(FACTS, policy=replace(POLICY, **policy or {}), **facts)
    return refusals(request or asked(), known)


def codes(request: BookingRequest | None = None, **facts) -> list[str]:
    return [refusal.code for refusal in refused(request, **facts)]


def only(found):
    (refusal,) = found
    return refusal


NIGHTS = OpeningHours.parse({"daily": ["18:00-09:00"]})
MEDIUM = Question("medium", Text("배지", "Medium"), required=True)


def mine(*spans: Interval) -> tuple[Counted, ...]:
    return tuple(Counted(span, True, True, False) for span in spans)


def over(within: Within, **limit) -> dict:
    return {"policy": {"quotas": (Quota(per=Whose.PERSON, within=within, **limit),)}}


def beside(*, accessory: bool = False, **facts) -> Linked:
    """What would be reserved along: idle, unless it is said what else is wrong with it."""
    known = replace(FACTS, **facts or {"use_state": UseState.IDLE})
    return Linked("prep-room", Text("준비실", "Preparation room"), known, accessory)


#: One way to break each rule, and what has to be changed.
BROKEN = {
    "in-the-past": (lambda: refused(asked(hours(-2, 0))), "starts_at"),
    "off-grid": (lambda: refused(asked(hours(12.25, 14))), "starts_at"),
    "shortest": (lambda: refused(asked(hours(12, 12.5))), "ends_at"),
    "longest": (lambda: refused(asked(hours(12, 17))), "ends_at"),
    "too-soon": (lambda: refused(asked(hours(1, 3))), "starts_at"),
    "too-far-ahead": (lambda: refused(asked(hours(721, 723))), "starts_at"),
    "outside-opening-hours": (lambda: refused(open_hours=(hours(13, 20),)), "starts_at"),
    "blackout": (lambda: refused(blackouts=(hours(13, 20),)), "starts_at"),
    "taken": (lambda: refused(held=(hours(13, 15),)), "starts_at"),
    "capacity-full": (lambda: refused(held=(hours(13, 15),) * 2, capacity=2), "starts_at"),
    "not-in-use": (lambda: refused(use_state=UseState.IDLE), "instrument"),
    "instrument-faulty": (lambda: refused(faulty_since=NOW - HOUR), "instrument"),
    "use-scope": (lambda: refused(use_scope=UseScope.PRIVATE_USE), "instrument"),
    "mode-not-offered": (lambda: refused(asked(mode=Mode.COMMISSIONED)), "mode"),
    "suspended": (lambda: refused(suspended=True), None),
    "access-ended": (lambda: refused(access_until=NOW + 13 * HOUR), "starts_at"),
    "overdue": (
        lambda: refused(
            policy={"refuse_overdue_after": 30}, overdue_since=NOW.date() - timedelta(days=30)
        ),
        "instrument",
    ),
    "contract-missing": (
        lambda: refused(policy={"contract": ContractNeeded.OUTSIDE}),
        "instrument",
    ),
    "account-missing": (
        lambda: refused(policy={"account": AccountsAsked.REQUIRED}),
        "shares",
    ),
    "account-not-allowed": (
        lambda: refused(asked(shares=(Share("NOBODYS", WHOLE),))),
        "shares",
    ),
    "outside-fixed-slots": (
        lambda: refused(policy={"fixed_slots": NIGHTS}, fixed_slots=(hours(13, 15),)),
        "starts_at",
    ),
    "same-day-only": (lambda: refused(policy={"same_day": time(5)}), "starts_at"),
    "gap-too-small": (
        lambda: refused(policy={"gap": 2 * HOUR}, counted=mine(hours(10, 11))),
        "starts_at",
    ),
    "max-per-day": (lambda: refused(**over(Within.DAY, hours=HOUR)), "starts_at"),
    "max-per-week": (lambda: refused(**over(Within.WEEK, hours=HOUR)), "starts_at"),
    "max-per-month": (lambda: refused(**over(Within.MONTH, number=0)), "starts_at"),
    "max-open": (lambda: refused(**over(Within.AHEAD, number=0)), "starts_at"),
    "max-hours-ahead": (lambda: refused(**over(Within.AHEAD, hours=HOUR)), "starts_at"),
    "peak-share": (
        lambda: refused(
            policy={
                "peak": NIGHTS,
                "quotas": (Quota(per=Whose.PERSON, within=Within.DAY, hours=HOUR, peak=True),),
            },
            peak=(hours(12, 14),),
        ),
        "starts_at",
    ),
    "group-quota": (
        lambda: refused(policy={"quotas": (Quota(per=Whose.GROUP, within=Within.DAY, number=0),)}),
        "starts_at",
    ),
    "institution-quota": (
        lambda: refused(
            policy={"quotas": (Quota(per=Whose.INSTITUTION, within=Within.DAY, number=0),)}
        ),
        "starts_at",
    ),
    "owner-share": (lambda: refused(policy={"owner_share": 100}), "starts_at"),
    "in-two-places": (
        lambda: refused(policy={"two_places": TwoPlaces.REFUSE}, elsewhere=(hours(13, 16),)),
        "starts_at",
    ),
    "operator-busy": (
        lambda: refused(
            asked(mode=Mode.ASSISTED),
            policy={"operator": OperatorNeeded.REQUIRED, "modes": frozenset({Mode.ASSISTED})},
        ),
        "starts_at",
    ),
    "permit-missing": (
        lambda: refused(policy={"permits": (Permit(PermitKind.IRB),)}),
        "answers.irb",
    ),
    "permit-expired": (
        lambda: refused(
            asked(answers={"irb": "KH-2026-11", "irb_until": "2026-03-02"}),
            policy={"permits": (Permit(PermitKind.IRB),)},
        ),
        "answers.irb_until",
    ),
    "answer-missing": (lambda: refused(policy={"questions": (MEDIUM,)}), "answers.medium"),
    "not-qualified": (lambda: refused(training=TRAINED_ONLY), "instrument"),
    "certificate-expired": (
        lambda: refused(training=TRAINED_ONLY, qualification=holding(expires_on=date(2026, 3, 2))),
        "instrument",
    ),
    "safety-training-expired": (lambda: refused(training=SAFE_ONLY), "instrument"),
    "needs-linked-instrument": (lambda: refused(linked=(beside(),)), "instrument"),
    "accessory-taken": (
        lambda: refused(linked=(beside(accessory=True, held=(hours(13, 15),)),)),
        "starts_at",
    ),
    "level-hours": (
        lambda: refused(training=TRAINED_ONLY, qualification=holding(Level.DAYTIME)),
        "starts_at",
    ),
}


def test_a_plain_request_is_granted():
    assert codes() == []


def test_every_code_is_broken_somewhere_here():
    assert set(BROKEN) == set(CODES)
    assert len(RULES) == len(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_rule_refuses_alone_and_names_the_field(code):
    broken, field = BROKEN[code]
    refusal = only(broken())
    assert (refusal.code, refusal.field) == (code, field)


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_and_reason_is_given_in_both_languages(code):
    for text in (CODES[code], only(BROKEN[code][0]()).reason):
        assert any("가" <= letter <= "힣" for letter in text.ko)
        assert not any("가" <= letter <= "힣" for letter in text.en)
        assert text.ko.endswith(".")
        assert text.en.endswith(".")


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_reason_says_what_to_do(code):
    reason = only(BROKEN[code][0]()).reason
    assert any(word in reason.en for word in ("Choose", "Let it end", "Book at least", "ask"))
    assert "주세요" in reason.ko


def test_every_reason_is_given_at_once():
    assert codes(
        asked(hours(13.25, 13.5), mode=Mode.COMMISSIONED),
        held=(hours(13, 14),),
        blackouts=(hours(10, 14),),
        suspended=True,
    ) == ["suspended", "mode-not-offered", "off-grid", "shortest", "blackout", "taken"]


def test_what_others_do_is_a_conflict_and_what_the_rules_say_is_not():
    assert {"taken", "capacity-full", "blackout"} == CONFLICT_CODES
    assert set(CODES) > CONFLICT_CODES


def test_rules_are_plain_functions_of_a_request_and_facts():
    assert all(len(inspect.signature(rule).parameters) == 2 for rule in RULES)


# The clock


@pytest.mark.parametrize(("seconds", "found"), [(-1, ["in-the-past"]), (0, []), (1, [])])
def test_a_reservation_starts_now_or_later(seconds, found):
    start = NOW + seconds * SECOND
    request = asked(Interval(start, start + 2 * HOUR))
    assert codes(request, policy={"slot": SECOND, "latest": 0 * HOUR}) == found


@pytest.mark.parametrize(("seconds", "found"), [(-1, ["too-soon"]), (0, []), (1, [])])
def test_the_notice_is_kept_to_the_second(seconds, found):
    start = NOW + 2 * HOUR + seconds * SECOND
    assert codes(asked(Interval(start, start + HOUR)), policy={"slot": SECOND}) == found


@pytest.mark.parametrize(("seconds", "found"), [(-1, []), (0, []), (1, ["too-far-ahead"])])
def test_the_booking_window_opens_to_the_second(seconds, found):
    start = NOW + 30 * DAY + seconds * SECOND
    assert codes(asked(Interval(start, start + HOUR)), policy={"slot": SECOND}) == found


def test_the_first_time_that_keeps_the_notice_is_offered_on_the_grid():
    now = NOW + timedelta(minutes=10)  # 18:10 in Daejeon, so 20:10 is the first, and 20:30 the grid
    refusal = only(refused(asked(hours(1, 3)), now=now))
    assert "3월 2일(월) 20:30" in refusal.reason.ko
    assert refusal.limit == "PT2H"


def test_who_comes_too_early_hears_when_booking_opens():
    refusal = only(refused(asked(hours(721, 723))))
    assert "come back at Mon 2 Mar 19:00" in refusal.reason.en
    assert "Wed 1 Apr 18:00" in refusal.reason.en
    assert refusal.limit == "P30D"


# The grid and the length


@pytest.mark.parametrize(("minutes", "found"), [(29, ["off-grid"]), (30, []), (31, ["off-grid"])])
def test_a_start_falls_on_the_grid(minutes, found):
    start = NOW + 12 * HOUR + minutes * 60 * SECOND
    assert codes(asked(Interval(start, NOW + 15 * HOUR))) == found


@pytest.mark.parametrize(("minutes", "found"), [(29, ["off-grid"]), (30, []), (31, ["off-grid"])])
def test_an_end_falls_on_the_grid(minutes, found):
    end = NOW + 14 * HOUR + minutes * 60 * SECOND
    assert codes(asked(Interval(NOW + 12 * HOUR, end))) == found


def test_an_end_off_the_grid_is_named_as_such():
    refusal = only(refused(asked(hours(12, 13.75))))
    assert refusal.field == "ends_at"
    assert "07:30" in refusal.reason.ko
    assert "08:00" in refusal.reason.en
    assert refusal.limit == "PT30M"


def test_the_grid_counts_from_midnight_in_the_facility_not_in_utc():
    from_midnight = asked(Interval(NOW + 6 * HOUR, NOW + 30 * HOUR))
    whole_days = {"slot": DAY, "longest": DAY}
    assert codes(from_midnight, policy=whole_days) == []
    assert codes(from_midnight, policy=whole_days, zone=ZoneInfo("UTC")) == ["off-grid"]


@pytest.mark.parametrize(("seconds", "found"), [(-1, ["shortest"]), (0, []), (1, [])])
def test_the_shortest_length_is_allowed_and_nothing_below(seconds, found):
    request = asked(Interval(NOW + 12 * HOUR, NOW + 13 * HOUR + seconds * SECOND))
    assert codes(request, policy={"slot": SECOND}) == found


@pytest.mark.parametrize(("seconds", "found"), [(-1, []), (0, []), (1, ["longest"])])
def test_the_longest_length_is_allowed_and_nothing_above(seconds, found):
    request = asked(Interval(NOW + 12 * HOUR, NOW + 16 * HOUR + seconds * SECOND))
    assert codes(request, policy={"slot": SECOND}) == found


def test_a_length_is_refused_with_the_end_that_would_do():
    too_long = only(refused(asked(hours(12, 17))))
    assert "3월 3일(화) 10:00" in too_long.reason.ko
    assert "4시간" in too_long.reason.ko
    too_short = only(refused(asked(hours(12, 12.5))))
    assert "Tue 3 Mar 07:00" in too_short.reason.en


# Opening hours and blackouts


@pytest.mark.parametrize(
    ("opened", "found"),
    [
        ((hours(11.5, 14.5),), []),
        ((hours(12, 14),), []),
        ((hours(12.5, 14),), ["outside-opening-hours"]),
        ((hours(12, 13.5),), ["outside-opening-hours"]),
        ((hours(11, 13), hours(13.5, 20)), ["outside-opening-hours"]),
        ((), ["outside-opening-hours"]),
    ],
    ids=["within", "exactly", "opens later", "closes earlier", "a lunch break", "closed"],
)
def test_a_reservation_lies_within_one_open_span(opened, found):
    assert codes(open_hours=opened) == found


def test_who_comes_out_of_hours_hears_when_it_is_open():
    refusal = only(refused(open_hours=(hours(15, 24),)))
    assert "3월 3일(화) 09:00–18:00" in refusal.reason.ko
    assert refusal.limit == "2026-03-03T00:00:00Z/2026-03-03T09:00:00Z"


def test_who_comes_on_a_closed_day_hears_to_choose_another():
    refusal = only(refused(open_hours=(hours(39, 48),)))
    assert "closed on Tue 3 Mar" in refusal.reason.en
    assert refusal.limit is None


@pytest.mark.parametrize(
    ("blackout", "found"),
    [
        (hours(10, 12), []),
        (hours(10, 12.001), ["blackout"]),
        (hours(13, 13.5), ["blackout"]),
        (hours(13.999, 20), ["blackout"]),
        (hours(14, 20), []),
    ],
    ids=["just before", "into the start", "within", "into the end", "just after"],
)
def test_a_blackout_is_never_overlapped(blackout, found):
    assert codes(blackouts=(blackout,)) == found


# Other reservations


@pytest.mark.parametrize(
    ("held", "found"),
    [
        (hours(10, 12), []),
        (hours(10, 12.001), ["taken"]),
        (hours(13, 13.5), ["taken"]),
        (hours(13.999, 20), ["taken"]),
        (hours(14, 20), []),
    ],
    ids=["just before", "into the start", "within", "into the end", "just after"],
)
def test_back_to_back_is_granted_and_an_overlap_is_not(held, found):
    assert codes(held=(held,)) == found


def test_neighbours_are_told_as_one_taken_time():
    refusal = only(refused(held=(hours(13, 13.5), hours(12, 13))))
    assert "3월 3일(화) 06:00–07:30" in refusal.reason.ko


@pytest.mark.parametrize(("others", "found"), [(1, []), (2, []), (3, ["capacity-full"])])
def test_as_many_as_fit_are_granted(others, found):
    assert codes(held=(hours(13, 15),) * others, capacity=3) == found


def test_reservations_that_follow_each_other_take_one_place_only():
    follow = (hours(12, 12.5), hours(12.5, 13), hours(13, 14))
    assert codes(held=follow, capacity=2) == []


def test_a_full_facility_says_how_many_fit_and_when_it_is_full():
    refusal = only(refused(held=(hours(12, 13), hours(12.5, 14)), capacity=2))
    assert refusal.limit == "2"
    assert "Tue 3 Mar 06:30–07:00" in refusal.reason.en


def test_what_stands_in_the_way_is_told_earliest_first():
    facts = replace(FACTS, held=(hours(13.5, 15), hours(14, 16)), blackouts=(hours(11, 13),))
    assert conflicts(asked(), facts) == [
        TakenTime(hours(11, 13), "blackout"),
        TakenTime(hours(13.5, 15), "reservation"),
    ]


def test_in_a_facility_only_full_times_stand_in_the_way():
    facts = replace(FACTS, held=(hours(12, 13), hours(12.5, 14)), capacity=2)
    assert conflicts(asked(), facts) == [TakenTime(hours(12.5, 13), "reservation")]


# The instrument and the person


@pytest.mark.parametrize(
    ("state", "found"),
    [("in_use", []), ("low_use", []), ("idle", ["not-in-use"]), ("disused", ["not-in-use"])],
)
def test_only_an_instrument_in_use_is_booked(state, found):
    assert codes(use_state=UseState(state)) == found


def test_a_retired_instrument_is_not_booked():
    assert "no longer offered" in only(refused(retired=True)).reason.en


@pytest.mark.parametrize("affiliation", list(AffiliationClass))
def test_private_use_is_for_the_institution_that_owns_it(affiliation):
    own = affiliation in {"own_department", "own_institution"}
    found = codes(affiliation=affiliation, use_scope=UseScope.PRIVATE_USE)
    assert found == ([] if own else ["use-scope"])


@pytest.mark.parametrize("scope", [UseScope.PUBLIC_USE_SERVICE, UseScope.JOINT_USE])
@pytest.mark.parametrize("affiliation", list(AffiliationClass))
def test_joint_use_is_for_everybody(affiliation, scope):
    assert codes(affiliation=affiliation, use_scope=scope) == []


def test_the_modes_on_offer_are_named():
    refusal = only(refused(asked(mode=Mode.COMMISSIONED)))
    assert "분석의뢰" in refusal.reason.ko
    assert "직접사용" in refusal.reason.ko


@pytest.mark.parametrize(("seconds", "found"), [(-1, []), (0, []), (1, ["suspended"])])
def test_a_suspension_ends_when_it_says(seconds, found):
    assert codes(suspended=True, suspended_until=NOW + seconds * SECOND) == found


def test_a_suspension_says_why_and_until_when():
    refusal = only(
        refused(
            suspended=True,
            suspended_until=NOW + DAY,
            suspension_reason=Text("노쇼 3회", "no-show × 3"),
        )
    )
    assert "3월 3일(화) 18:00" in refusal.reason.ko
    assert "no-show × 3" in refusal.reason.en
    assert refusal.limit == "2026-03-03T09:00:00Z"


# The settings


@pytest.mark.parametrize(("seconds", "free"), [(-1, True), (0, True), (1, False)])
def test_cancelling_is_free_until_the_hour_that_the_policy_says(seconds, free):
    at = NOW + 11 * HOUR + seconds * SECOND  # an hour before the start
    assert POLICY.free_to_cancel(hours(12, 14), now=at) is free


@pytest.mark.parametrize(
    "settings",
    [
        {"slot": 7 * HOUR},
        {"shortest": 5 * HOUR},
        {"shortest": 0 * HOUR},
        {"latest": 31 * DAY},
        {"latest": -HOUR},
        {"free_cancel": -HOUR},
        {"modes": frozenset()},
    ],
    ids=str,
)
def test_settings_that_contradict_each_other_are_refused(settings):
    with pytest.raises(ValueError, match=r"\w"):
        replace(POLICY, **settings)


def test_what_is_reserved_along_does_not_say_when_and_how_long():
    """Grid, lengths and notice are asked of the main instrument alone."""
    strict = replace(POLICY, slot=HOUR, shortest=3 * HOUR, latest=10 * DAY, earliest=20 * DAY)
    assert codes(linked=(beside(policy=strict),)) == []


def test_a_needed_instrument_is_named_with_every_reason_and_what_stands_in_the_way():
    shut = beside(held=(hours(13, 15),), open_hours=(hours(13, 20),))
    facts = replace(FACTS, linked=(shut,))
    refusal = only(refusals(asked(), facts))

    assert (refusal.code, refusal.limit) == ("needs-linked-instrument", "prep-room")
    assert "Preparation room" in refusal.reason.en
    assert "already reserved" in refusal.reason.en
    assert "opening hours" in refusal.reason.en.lower()
    assert conflicts(asked(), facts) == [TakenTime(hours(13, 15), "reservation")]


def test_only_what_others_hold_makes_it_a_conflict():
    taken, idle = beside(held=(hours(13, 15),)), beside()
    assert is_conflict(only(refused(linked=(taken,))))
    assert not is_conflict(only(refused(linked=(idle,))))
    assert not is_conflict(only(refused(linked=(taken, idle))))


ONE_HOUR_A_DAY = (Quota(per=Whose.PERSON, within=Within.DAY, hours=HOUR),)


@pytest.mark.parametrize(
    ("policy", "because"),
    [
        ({"quotas": ONE_HOUR_A_DAY}, "max-per-day"),
        ({"permits": (Permit(PermitKind.IRB),)}, "permit-missing"),
        ({"questions": (MEDIUM,)}, "answer-missing"),
        ({"contract": ContractNeeded.OUTSIDE}, "contract-missing"),
        ({"refuse_overdue_after": 30}, "overdue"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_reserved_along_is_judged_by_rules_of_its_own(policy, because):
    facts = {"overdue_since": date(2026, 1, 1)} if because == "overdue" else {}
    refusal = only(refused(linked=(beside(policy=replace(POLICY, **policy), **facts),)))

    assert (refusal.code, refusal.because) == ("needs-linked-instrument", (because,))
    assert "Preparation room" in refusal.reason.en
    assert only_soft([refusal]) == only_soft([replace(refusal, code=because, because=())])


def test_an_answer_is_for_all_that_ask_or_for_one_alone():
    dish = replace(MEDIUM, kind=QuestionKind.CHOICE, options=("agar", "broth"))
    linked = (beside(policy=replace(POLICY, questions=(dish,))),)
    assert only(refused(linked=linked)).field == "answers.prep-room.medium"
    assert codes(asked(answers={"medium": "agar"}), linked=linked) == []

    # The main instrument asks something else by the same key.
    both = {"policy": {"questions": (MEDIUM,)}, "linked": linked}
    assert codes(asked(answers={"medium": "milk"}), **both) == ["needs-linked-instrument"]
    answers = {"medium": "milk", "prep-room.medium": "broth"}
    assert codes(asked(answers=answers), **both) == []


def test_who_goes_on_is_not_asked_again_what_is_asked_along():
    asking = beside(policy=replace(POLICY, questions=(MEDIUM,)))
    assert extension_refusals(asked(), replace(FACTS, linked=(asking,))) == []

    full = beside(accessory=True, policy=replace(POLICY, quotas=ONE_HOUR_A_DAY))
    refusal = only(extension_refusals(asked(), replace(FACTS, linked=(full,))))
    assert refusal.because == ("max-per-day",)
