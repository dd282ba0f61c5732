"""What must be learned: the edges of certificates, of levels' hours and of safety training."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain import booking
from app.domain.approval import ApprovalMode
from app.domain.booking import BookingFacts, BookingRequest, Mode, Policy
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.opening_hours import OpeningHours
from app.domain.period import Period
from app.domain.training import (
    Held,
    Level,
    NextSession,
    Qualification,
    SafetyKind,
    SafetyRecord,
    TrainingPolicy,
    hours_of_levels,
)

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)  # Monday, 18:00 in Daejeon
MINUTE = timedelta(minutes=1)
TWO_YEARS = Period.parse("P2Y")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL).astimezone(UTC)


def between(start: str, end: str) -> Interval:
    return Interval(at(start), at(end))


ASSISTED = OpeningHours.parse({"mon-fri": "09:00-18:00"})
DAYTIME = OpeningHours.parse({"daily": "09:00-18:00", "holiday": "09:00-18:00"})
NIGHT = OpeningHours.parse({"daily": "18:00-09:00", "holiday": "18:00-09:00"})
TRAINED = TrainingPolicy(certificate=True, hours=(ASSISTED, DAYTIME, NIGHT))
POLICY = Policy(
    slot=MINUTE,
    shortest=MINUTE,
    longest=timedelta(days=3),
    earliest=timedelta(days=2000),
    latest=timedelta(0),
    approval=ApprovalMode.OPEN,
    free_cancel=timedelta(0),
    modes=frozenset(Mode),
)
FACTS = BookingFacts(
    now=NOW,
    zone=SEOUL,
    policy=POLICY,
    open_hours=(Interval(NOW, NOW + timedelta(days=3000)),),
    training=TRAINED,
)


def codes(interval: Interval, *held: Held, mode: Mode = Mode.SELF_OPERATED, **facts) -> list[str]:
    return [refusal.code for refusal in refused(interval, *held, mode=mode, **facts)]


def refused(interval: Interval, *held: Held, mode: Mode = Mode.SELF_OPERATED, **facts):
    facts.setdefault("qualification", Qualification(certificates=held))
    return booking.refusals(BookingRequest("nmr", interval, mode=mode), replace(FACTS, **facts))


def held(level: Level = Level.NIGHT, granted: str = "2025-03-02", **fields) -> Held:
    return Held(level, date.fromisoformat(granted), **fields)


TUESDAY = between("2026-03-03T10:00", "2026-03-03T12:00")


class TestWhoIsQualified:
    def test_nobody_without_a_certificate(self):
        assert codes(TUESDAY) == ["not-qualified"]

    def test_whoever_holds_one(self):
        assert codes(TUESDAY, held()) == []

    def test_whoever_trains_others(self):
        assert codes(TUESDAY, qualification=Qualification(exempt=True)) == []

    def test_everyone_where_none_is_asked_for(self):
        assert codes(TUESDAY, training=TrainingPolicy()) == []

    def test_whoever_hands_samples_in(self):
        assert codes(TUESDAY, mode=Mode.COMMISSIONED) == []

    def test_the_refusal_names_the_next_session(self):
        session = NextSession(Text("NMR 기초", "NMR basics"), at("2026-03-10T14:00"))
        (refusal,) = refused(TUESDAY, qualification=Qualification(next_session=session))
        assert "3월 10일(화) 14:00" in refusal.reason.ko
        assert "NMR 기초" in refusal.reason.ko
        assert "NMR basics" in refusal.reason.en
        assert "sign up" in refusal.reason.en

    def test_without_a_session_it_says_whom_to_ask(self):
        (refusal,) = refused(TUESDAY)
        assert "ask the facility's manager" in refusal.reason.en


class TestExpiry:
    @pytest.mark.parametrize(
        ("expires", "found"),
        [("2026-03-02", ["certificate-expired"]), ("2026-03-03", []), ("2026-03-04", [])],
    )
    def test_a_certificate_holds_on_its_last_day_and_not_after(self, expires, found):
        assert codes(TUESDAY, held(expires_on=date.fromisoformat(expires))) == found

    def test_it_must_hold_to_the_end_of_the_use(self):
        over_midnight = between("2026-03-03T23:00", "2026-03-04T00:01")
        to_midnight = between("2026-03-03T23:00", "2026-03-04T00:00")
        last_day = held(expires_on=date(2026, 3, 3))
        assert codes(over_midnight, last_day) == ["certificate-expired"]
        assert codes(to_midnight, last_day) == []

    def test_the_day_is_that_of_the_facility(self):
        """Half past midnight in Daejeon is still the day before in UTC."""
        early = between("2026-03-04T00:30", "2026-03-04T01:00")
        assert codes(early, held(expires_on=date(2026, 3, 3))) == ["certificate-expired"]

    def test_one_that_holds_is_enough(self):
        assert codes(TUESDAY, held(expires_on=date(2026, 1, 1)), held()) == []

    def test_the_refusal_says_until_when(self):
        (refusal,) = refused(TUESDAY, held(expires_on=date(2026, 3, 2)))
        assert refusal.limit == "2026-03-02"
        assert "3월 2일(월)까지만" in refusal.reason.ko

    @pytest.mark.parametrize(
        ("granted", "used", "found"),
        [
            ("2024-03-03", None, []),
            ("2024-03-02", None, ["certificate-expired"]),
            ("2020-01-01", "2024-03-03", []),
            ("2020-01-01", "2024-03-02", ["certificate-expired"]),
            ("2024-03-03", "2023-01-01", []),
        ],
        ids=["to the day", "a day late", "used to the day", "used too long ago", "used before"],
    )
    def test_two_years_unused_and_it_is_lost(self, granted, used, found):
        unused = replace(TRAINED, unused=TWO_YEARS)
        certificate = held(granted=granted, used_on=date.fromisoformat(used) if used else None)
        assert codes(TUESDAY, certificate, training=unused) == found

    def test_a_use_that_begins_in_time_renews_it(self):
        unused = replace(TRAINED, unused=TWO_YEARS)
        over_midnight = between("2026-03-03T23:00", "2026-03-04T01:00")
        assert codes(over_midnight, held(granted="2024-03-03"), training=unused) == []

    def test_the_earlier_of_both_ends_counts(self):
        certificate = held(granted="2024-03-03", expires_on=date(2026, 1, 31))
        assert certificate.ends_on(TWO_YEARS) == date(2026, 1, 31)
        assert certificate.ends_on(Period()) == date(2026, 1, 31)
        assert held(granted="2024-03-03").ends_on(TWO_YEARS) == date(2026, 3, 3)
        assert held().ends_on(Period()) is None


class TestLevels:
    """09–18 as a day range and 18–09 as a night range, which runs over midnight."""

    @pytest.mark.parametrize(
        ("start", "end", "found"),
        [
            ("2026-03-03T09:00", "2026-03-03T18:00", []),
            ("2026-03-03T08:59", "2026-03-03T12:00", ["level-hours"]),
            ("2026-03-03T12:00", "2026-03-03T18:01", ["level-hours"]),
            ("2026-03-03T18:00", "2026-03-03T19:00", ["level-hours"]),
            ("2026-03-03T12:00", "2026-03-04T12:00", ["level-hours"]),
            ("2026-03-08T09:00", "2026-03-08T18:00", []),
        ],
        ids=["exactly", "too early", "too late", "evening", "two days", "Sunday"],
    )
    def test_daytime_is_a_day_range(self, start, end, found):
        assert codes(between(start, end), held(Level.DAYTIME)) == found

    @pytest.mark.parametrize(
        ("start", "end", "found"),
        [
            ("2026-03-03T18:00", "2026-03-04T09:00", []),
            ("2026-03-03T17:59", "2026-03-03T20:00", ["level-hours"]),
            ("2026-03-04T01:00", "2026-03-04T09:01", ["level-hours"]),
            ("2026-03-04T00:00", "2026-03-04T00:01", []),
            ("2026-03-03T23:59", "2026-03-04T00:01", []),
            ("2026-03-07T22:00", "2026-03-08T03:00", []),
            ("2026-03-08T22:00", "2026-03-09T09:00", []),
            ("2026-03-03T18:00", "2026-03-04T18:00", ["level-hours"]),
        ],
        ids=[
            *("exactly", "a minute early", "a minute long", "after midnight", "over midnight"),
            *("Saturday into Sunday", "Sunday into Monday", "a whole day"),
        ],
    )
    def test_a_night_range_runs_over_midnight_on_every_day(self, start, end, found):
        only_nights = replace(TRAINED, hours=(NIGHT,) * 3)
        assert codes(between(start, end), held(), training=only_nights) == found

    def test_sunday_beside_saturday(self):
        """Hours of Saturday night end on Sunday morning, and no Sunday night follows."""
        saturday = OpeningHours.parse({"sat": "18:00-09:00"})
        weekend = replace(TRAINED, hours=(saturday,) * 3)
        into_sunday = between("2026-03-07T20:00", "2026-03-08T09:00")
        assert codes(into_sunday, held(), training=weekend) == []
        for start, end in (
            ("2026-03-08T09:00", "2026-03-08T10:00"),
            ("2026-03-08T20:00", "2026-03-08T21:00"),
            ("2026-03-07T08:00", "2026-03-07T09:00"),
        ):
            assert codes(between(start, end), held(), training=weekend) == ["level-hours"]

    def test_a_higher_level_includes_the_lower_ones(self):
        whole_day = between("2026-03-03T08:00", "2026-03-04T10:00")
        assert codes(whole_day, held(Level.NIGHT)) == []
        assert codes(whole_day, held(Level.DAYTIME)) == ["level-hours"]

    def test_assisted_use_ends_with_the_week_and_on_holidays(self):
        sunday = between("2026-03-08T10:00", "2026-03-08T11:00")
        assert codes(TUESDAY, held(Level.ASSISTED)) == []
        assert codes(sunday, held(Level.ASSISTED)) == ["level-hours"]
        holiday = frozenset({date(2026, 3, 3)})
        assert codes(TUESDAY, held(Level.ASSISTED), holidays=holiday) == ["level-hours"]
        assert codes(TUESDAY, held(Level.DAYTIME), holidays=holiday) == []

    def test_an_expired_higher_level_does_not_count(self):
        evening = between("2026-03-03T19:00", "2026-03-03T20:00")
        expired = held(Level.NIGHT, expires_on=date(2026, 3, 1))
        assert codes(evening, expired, held(Level.DAYTIME)) == ["level-hours"]

    def test_who_manages_works_at_any_hour(self):
        evening = between("2026-03-03T19:00", "2026-03-03T20:00")
        assert codes(evening, qualification=Qualification(exempt=True)) == []

    def test_the_refusal_names_the_hours(self):
        (refusal,) = refused(between("2026-03-03T19:00", "2026-03-03T20:00"), held(Level.DAYTIME))
        assert "3월 3일(화) 09:00–18:00" in refusal.reason.ko
        assert "daytime use" in refusal.reason.en
        assert refusal.limit == "2026-03-03T00:00:00Z/2026-03-03T09:00:00Z"

    def test_nobody_without_a_level_has_hours(self):
        assert hours_of_levels([], TRAINED, TUESDAY, SEOUL) == []


class TestSafety:
    RADIATION = replace(TrainingPolicy(), safety=(SafetyKind.RADIATION,))
    YEARLY = replace(RADIATION, safety_validity=Period.parse("P1Y"))

    @staticmethod
    def learned(kind=SafetyKind.RADIATION, done="2025-03-03", until=None) -> Qualification:
        until = date.fromisoformat(until) if until else None
        return Qualification(safety=(SafetyRecord(kind, date.fromisoformat(done), until),))

    def test_it_is_needed_where_it_is_asked_for(self):
        assert codes(TUESDAY, training=self.RADIATION) == ["safety-training-expired"]
        other = self.learned(SafetyKind.BIOLOGICAL)
        found = codes(TUESDAY, training=self.RADIATION, qualification=other)
        assert found == ["safety-training-expired"]
        assert codes(TUESDAY, training=self.RADIATION, qualification=self.learned()) == []

    @pytest.mark.parametrize(
        ("until", "found"),
        [("2026-03-02", ["safety-training-expired"]), ("2026-03-03", []), (None, [])],
    )
    def test_it_counts_until_its_last_day(self, until, found):
        learned = self.learned(until=until)
        assert codes(TUESDAY, training=self.RADIATION, qualification=learned) == found

    @pytest.mark.parametrize(
        ("done", "found"), [("2025-03-02", ["safety-training-expired"]), ("2025-03-03", [])]
    )
    def test_it_may_not_lie_too_far_back(self, done, found):
        learned = self.learned(done=done)
        assert codes(TUESDAY, training=self.YEARLY, qualification=learned) == found

    def test_the_later_of_two_counts(self):
        both = Qualification(
            safety=(
                *self.learned(until="2026-01-01").safety,
                *self.learned(done="2026-02-01").safety,
            )
        )
        assert codes(TUESDAY, training=self.YEARLY, qualification=both) == []

    def test_managers_need_it_too(self):
        exempt = Qualification(exempt=True)
        found = codes(TUESDAY, training=self.RADIATION, qualification=exempt)
        assert found == ["safety-training-expired"]

    def test_whoever_hands_samples_in_needs_none(self):
        assert codes(TUESDAY, training=self.RADIATION, mode=Mode.COMMISSIONED) == []

    def test_each_kind_that_is_missing_is_named(self):
        both = replace(self.RADIATION, safety=(SafetyKind.RADIATION, SafetyKind.BIOLOGICAL))
        (refusal,) = refused(TUESDAY, training=both, qualification=self.learned(until="2026-03-02"))
        assert "방사선 안전교육(3월 2일(월)까지)" in refusal.reason.ko
        assert "biosafety training" in refusal.reason.en
        assert refusal.limit == "2026-03-02"
