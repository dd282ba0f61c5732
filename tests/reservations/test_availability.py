"""Who is free: nothing is offered that the booking itself would refuse, and nothing kept back."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from app.accounts.models import Suspension, User
from app.catalog.filters import Filter
from app.catalog.models import FormerSlug
from app.catalog.policy import policy_of
from app.contracts.models import UseContract
from app.db import db, transaction
from app.domain.availability import whole_slots
from app.domain.booking import BookingRequest, Mode, UseScope, UseState
from app.domain.errors import NotFound
from app.domain.interval import Interval
from app.domain.opening_hours import OpeningHours
from app.domain.rate_card import Factors
from app.domain.training import Level
from app.domain.wish import Wish, hours_asked
from app.reservations import deciding, services
from app.reservations.availability import Search, Wanted
from tests import factories
from tests.factories import NOW, hours
from tests.rates.conftest import set_card
from tests.reservations.conftest import booked, statements
from tests.training.conftest import certificate

HOUR = timedelta(hours=1)


def search(viewer=None, *, duration=HOUR, within=None, times=None, **fields):
    wish = Wish(duration, within or hours(0, 24), times)
    return Search(Wanted(wish=wish, **fields), viewer, NOW)


def free(viewer=None, **fields):
    return {offer.instrument.slug for offer in search(viewer, **fields).slots(limit=200)}


@pytest.mark.parametrize("gone", ["instrument", "facility", "idle"])
def test_what_nobody_can_reserve_any_more_is_not_offered(app, microscope, gone):
    factories.instrument(slug="lasting")
    assert free() == {"microscope", "lasting"}
    with transaction():
        match gone:
            case "instrument":
                microscope.retired_at = NOW
            case "facility":
                microscope.facility.retired_at = NOW
            case _:
                microscope.use_state = UseState.IDLE

    assert free() == {"lasting"}


@pytest.fixture
def mixed(mina, jun, microscope):
    """Instruments of all kinds, with what makes their time hard to find."""
    office = {"mon-fri": ["09:00-12:30", "13:10-18:00"]}
    place = factories.facility(opening_hours=office, holidays="KR")
    narrow = factories.instrument(
        slug="narrow",
        facility=place,
        booking={"slot": "PT20M", "shortest": "PT40M", "longest": "PT2H", "latest": "PT15H"},
    )
    soon = factories.instrument(slug="soon", facility=place, booking={"earliest": "P2D"})
    nights = factories.instrument(
        slug="nights",
        opening_hours={"daily": ["18:00-09:00"]},
        booking={"setup": "PT30M", "cleanup": "PT1H"},
    )
    room = factories.instrument(slug="room", facility=place, capacity=2)
    days = factories.instrument(
        slug="days", booking={"slot": "P1D", "shortest": "P1D", "longest": "P7D"}
    )
    booked(jun, microscope, hours(1, 3))
    booked(jun, microscope, hours(3.5, 6))
    booked(jun, narrow, hours(20, 21))
    booked(jun, room, hours(16, 18))
    booked(mina, room, hours(17, 18.5))
    booked(mina, nights, hours(9, 10))
    factories.blackout(nights, hours(2, 4))
    factories.blackout(narrow, hours(40, 41), facility_id=place.id)
    return {
        each.slug: policy_of(each).slot for each in (microscope, narrow, soon, nights, room, days)
    }


@pytest.mark.parametrize("duration", [HOUR, timedelta(days=1)])
def test_what_is_offered_is_what_may_be_booked(mixed, mina, duration):
    within = hours(-1, 48)
    offers = search(mina, duration=duration, within=within).slots(limit=100_000)
    offered = {(offer.instrument.slug, offer.interval) for offer in offers}
    possible = set()
    for slug, slot in mixed.items():
        start, length = within.start, whole_slots(duration, slot)
        while start + length <= within.end:
            tried = Interval(start, start + length)
            if services.try_reservation(mina, BookingRequest(slug, tried), now=NOW).status:
                possible.add((slug, tried))
            start += min(slot, HOUR / 2)
    assert offered == possible
    # An hour on an instrument that is let by the day becomes a day.
    assert {slug for slug, _ in offered} == (set(mixed) if duration == HOUR else {"days"})


@pytest.fixture
def limited(mina, jun, microscope):
    """Instruments on which what people hold, have learned or signed may stand in the way."""
    own, peak = microscope.facility, {"daily": ["09:00-18:00"]}

    def ruled(slug, *, facility=own, **booking):
        return factories.instrument(slug=slug, facility=facility, booking=booking)

    at_cnu = factories.facility(institution_id=factories.cnu().id)
    with_department = factories.facility(department_ko="생명과학과")
    colleague = factories.user("colleague")
    with transaction():
        colleague.affiliations[0].department = "생명과학과"
    rules = {
        "daily": {"quotas": [{"per": "person", "within": "day", "hours": "PT3H"}]},
        "weekly": {"quotas": [{"per": "person", "within": "week", "number": 1}]},
        "monthly": {"quotas": [{"per": "institution", "within": "month", "hours": "PT6H"}]},
        "open": {"quotas": [{"per": "person", "within": "ahead", "number": 1}]},
        "ahead": {"quotas": [{"per": "person", "within": "ahead", "hours": "PT4H"}]},
        "peak": {
            "quotas": [{"per": "person", "within": "day", "hours": "PT2H30M", "peak": True}],
            "peak": peak,
        },
        "apart": {"gap": "PT3H"},
        "one-place": {"two_places": "refuse"},
    }
    made = [ruled(slug, **booking) for slug, booking in rules.items()]
    for instrument in made:
        if instrument.slug not in ("open", "one-place"):
            booked(mina, instrument, hours(16, 18))
            booked(jun, instrument, hours(20, 21))
    # Far outside the time looked at, and yet counted.
    booked(mina, made[3], hours(24 * 30, 24 * 30 + 1))
    made += [
        ruled("shared", facility=at_cnu, owner_share=97),
        ruled("ours", facility=with_department, owner_share=97, owner="department"),
        ruled("used-up", facility=with_department, owner_share=97, owner="department"),
        ruled("signed", facility=at_cnu, contract="outside"),
        ruled("trained", certificate="required"),
        ruled("safe", safety_training=["radiation"]),
        ruled("served", certificate="required", modes=["self_operated", "commissioned"]),
    ]
    booked(mina, made[-7], hours(14, 17))
    booked(colleague, made[-6], hours(14, 17))
    booked(jun, made[-6], hours(17, 20))
    booked(jun, made[-5], hours(14, 19))
    factories.save(
        UseContract(
            facility_id=at_cnu.id, institution_id=own.institution_id, number="K-1",
            valid_from=date(2026, 3, 3), valid_until=date(2026, 3, 3),
            recorded_by_id=jun.id, recorded_at=NOW,
        )
    )  # fmt: skip
    certificate(mina, made[-3], level=Level.ASSISTED, expires_on=date(2026, 3, 3))
    return [instrument.slug for instrument in made]


@pytest.mark.parametrize("only_qualified", [True, False])
def test_what_is_offered_to_a_person_is_what_they_may_book(limited, mina, only_qualified):
    within = hours(0, 48)
    found = search(mina, within=within, only_qualified=only_qualified).slots(limit=100_000)
    offered = {(offer.instrument.slug, offer.interval, *offer.lacking) for offer in found}
    possible, learn = set(), {"not-qualified", "certificate-expired", "safety-training-expired"}
    for slug in limited:
        for half in range(48 * 2 - 1):
            tried = hours(half / 2, half / 2 + 1)
            itself = [Mode.SELF_OPERATED]
            modes = [Mode.COMMISSIONED] if slug == "served" and not only_qualified else itself
            asked = BookingRequest(slug, tried, mode=modes[0])
            trial = services.try_reservation(mina, asked, now=NOW)
            lacking = [each.code for each in trial.refusals]
            if not (lacking if only_qualified else set(lacking) - learn):
                possible.add((slug, tried, *lacking))
    assert offered - {each for each in offered if each[0] == "microscope"} == possible
    gone = {"open"} | ({"safe", "served"} if only_qualified else set())
    assert {slug for slug, *_ in possible} == set(limited) - gone - {"weekly", "used-up"}


def test_slots_come_earliest_first_and_those_of_one_day_side_by_side(mina, microscope):
    factories.instrument(slug="second")
    booked(mina, microscope, hours(0, 2))
    found = search(within=hours(0, 30)).days(limit=9, more=2)

    assert [(each.instrument.slug, each.interval, each.more) for each in found] == [
        ("second", hours(0, 1), [hours(1, 2), hours(2, 3)]),
        ("microscope", hours(2, 3), [hours(3, 4), hours(4, 5)]),
        ("microscope", hours(6, 7), [hours(7, 8), hours(8, 9)]),
        ("second", hours(6, 7), [hours(7, 8), hours(8, 9)]),
    ]
    again = search(within=hours(0, 30)).days(limit=9, after=found[1].place)
    assert [each.interval for each in again] == [hours(6, 7), hours(6, 7)]


def test_the_night_before_is_looked_at_too(app, microscope):
    """At 18:00, the hours from 09 to 18 are over, and those from 18 to 09 begin."""
    day = search(times=hours_asked((), "09:00-18:00")).slots(limit=1)
    night = search(times=hours_asked((), "18:00-09:00")).slots(limit=1)
    assert day[0].interval.start == NOW + timedelta(hours=15)
    assert night[0].interval.start == NOW


class TestForWhom:
    def test_what_is_for_its_own_institution_is_offered_to_it_alone(self, mina, theo):
        factories.instrument(slug="private", use_scope=UseScope.PRIVATE_USE)
        assert "private" in free(mina)
        assert "private" not in free(theo) | free(None)
        assert search(theo).left_out == {"use-scope": 1}

    def test_only_the_modes_asked_for(self, app, microscope):
        factories.instrument(slug="served", booking={"modes": ["commissioned"]})
        assert free() == {"microscope", "served"}
        assert free(mode=Mode.COMMISSIONED) == {"served"}
        assert free(mode=Mode.SELF_OPERATED) == {"microscope"}

    def test_who_approves_or_was_approved_once_needs_no_approval(self, mina, sora, microscope):
        once = factories.instrument(
            slug="once", facility=microscope.facility, booking={"approval": "once"}
        )
        free_of_it = {"without_approval": True}
        assert free(mina, **free_of_it) == {"microscope"}
        assert free(sora, **free_of_it) == {"microscope", "once"}
        asked = booked(mina, once, hours(1, 2))
        deciding.approve_reservation(sora, asked.uid, now=NOW)
        assert free(mina, **free_of_it) == {"microscope", "once"}

    def test_the_price_is_the_callers_own(self, mina, theo, microscope):
        with transaction():
            microscope.prices = {"unit": "hour", "own_institution": 1_000, "partner": 3_001}
        half = timedelta(minutes=30)
        assert search(mina, duration=half).slots(limit=1)[0].price == 500
        assert search(theo, duration=half).slots(limit=1)[0].price == 1_500
        assert search(None, duration=half).slots(limit=1)[0].price is None
        assert free(theo, duration=half, most=1_499) == set()
        assert free(theo, duration=half, most=1_500) == {"microscope"}

    @pytest.mark.parametrize(("unit", "price"), [("day", 2_000), ("sample", None)])
    def test_days_cost_as_they_begin_and_samples_are_counted_later(
        self, mina, microscope, unit, price
    ):
        with transaction():
            microscope.booking = {**microscope.booking, "longest": "P3D"}
            microscope.prices = {"unit": unit, "own_institution": 1_000}
        found = search(mina, duration=timedelta(hours=25), within=hours(0, 48)).slots(limit=1)
        assert (found[0].price, found[0].unit) == (price, (1_000, unit))

    def test_where_prices_differ_by_the_hour_only_times_that_are_cheap_enough_are_found(
        self, mina, sora, microscope
    ):
        """It is 18:00 in Daejeon: the day's price until 22:00, half of it at night."""
        night = Factors(
            night=Fraction(1, 2), night_hours=OpeningHours.parse({"daily": ["22:00-06:00"]})
        )
        rates = set_card(sora, microscope, 10_000, factors=night)

        assert rates.instrument_id == microscope.id
        assert search(mina, within=hours(0, 9)).slots(limit=1)[0].price == 10_000
        cheap = search(mina, within=hours(0, 9), most=5_000).slots(limit=1)[0]
        assert (cheap.interval.start, cheap.price) == (NOW + timedelta(hours=4), 5_000)

    def test_a_suspension_is_told(self, mina, microscope):
        assert search(mina).suspension is None
        factories.save(Suspension(user_id=mina.id, reason="rules", starts_at=NOW))
        assert search(mina).suspension is not None


class TestAmongWhich:
    def test_a_renamed_instrument_is_found_by_its_old_name(self, app, microscope):
        factories.save(FormerSlug(kind="instrument", slug="old", now="microscope"))
        assert free(instruments=("old",)) == {"microscope"}

    def test_an_unknown_instrument_is_said_to_be_unknown(self, app, microscope):
        with pytest.raises(NotFound):
            search(instruments=("microscope", "nothing"))

    def test_words_are_those_of_the_catalogue(self, app, microscope):
        factories.instrument(slug="other", name_ko="원심분리기")
        assert free(among=Filter(q="공초점")) == {"microscope"}


def test_as_many_statements_for_one_instrument_as_for_all(mina, app):
    for number in range(30):
        place = factories.facility()
        made = factories.instrument(slug=f"many-{number}", facility=place)
        booked(mina, made, hours(1, 3))

    def ask(**fields):
        db.session.rollback()
        db.session.expunge_all()
        viewer = db.session.get_one(User, mina.id)
        assert viewer.affiliations[0].institution
        assert viewer.grants == []
        wanted = Wanted(wish=Wish(HOUR, hours(0, 24)), **fields)
        return statements(lambda: Search(wanted, viewer, NOW).slots(limit=50))

    assert ask(among=Filter(q="many-1")) == ask() == 8
