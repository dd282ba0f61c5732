"""A series of what is reserved along with others: every date takes all of it, or has no place."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.catalog.models import Instrument
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotAllowed, Taken
from app.domain.interval import Interval
from app.domain.recurrence import Recurrence
from app.domain.series import OnConflict
from app.reservations import deciding, series
from app.reservations.models import Reservation
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import all_of, booked, refused_codes, statements, typed

DAY = timedelta(days=1)
FIRST = hours(1, 3)
ALL = {"scope", "room", "heater"}


def on_day(number: int, first: float = 1, last: float = 3) -> Interval:
    return hours(24 * number + first, 24 * number + last)


def asked(
    on_conflict=OnConflict.FAIL,
    rule="FREQ=DAILY;COUNT=3",
    at=FIRST,
    accessories=("heater",),
):
    request = BookingRequest("scope", at, purpose="x", accessories=accessories)
    return request, Repeat(Recurrence.parse(rule), on_conflict)


def repeated(user, on_conflict=OnConflict.FAIL, override="", **more):
    return series.request_series(user, *asked(on_conflict, **more), now=NOW, override=override)


def held(thing: Instrument) -> list[Interval]:
    """What holds an instrument, earliest first."""
    rows = db.session.scalars(
        select(Reservation)
        .where(Reservation.instrument_id == thing.id, Reservation.status == Status.CONFIRMED)
        .order_by(Reservation.starts_at)
        .execution_options(populate_existing=True)
    )
    return [each.interval for each in rows]


@pytest.fixture
def room_taken(jun, room):
    """On the second day, by somebody who wants the room alone."""
    return booked(jun, room, on_day(1))


def test_every_date_holds_all_and_is_a_reservation_of_its_own(mina, scope):
    first = repeated(mina)

    members = series.members_of(first)
    assert [each.interval for each in members] == [on_day(0), on_day(1), on_day(2)]
    for each in members:
        assert all_of(each) == dict.fromkeys(ALL, (each.interval, Status.CONFIRMED))


@pytest.mark.parametrize(
    ("on_conflict", "became"),
    [
        (OnConflict.FAIL, []),
        (OnConflict.SKIP, [on_day(0), on_day(2)]),
        (OnConflict.SHIFT, [on_day(0), on_day(1, -1, 1), on_day(2)]),
    ],
)
def test_a_date_on_which_the_room_is_taken(
    mina, jun, scope, room, heater, room_taken, on_conflict, became
):
    booked(jun, heater, on_day(1, 3, 5))  # So that behind it not all are free.
    tried = series.try_series(mina, *asked(on_conflict), now=NOW)
    refused = tried.verdicts[1].refusals
    assert [each.code for each in refused] == ["needs-linked-instrument"]
    assert "준비실" in refused[0].reason.ko
    assert [v.interval for v in tried.verdicts if v.interval] == (became or [on_day(0), on_day(2)])

    if became:
        assert len(series.members_of(repeated(mina, on_conflict))) == len(became)
    else:
        with pytest.raises(Taken, match=r"Tue 3 Mar.*Preparation room") as found:
            repeated(mina)
        assert [each.interval for each in found.value.taken] == [on_day(1)]
    assert held(scope) == became
    assert sorted([*became, on_day(1)]) == held(room)
    assert sorted([*became, on_day(1, 3, 5)]) == held(heater)


def test_a_series_does_not_defeat_a_quota_of_the_room(mina, room, scope):
    with transaction():
        quota = {"per": "person", "within": "week", "number": 2}
        room.booking = {**room.booking, "quotas": [quota]}
    with pytest.raises(BookingRefused, match=r"Preparation room.*a week") as refused:
        repeated(mina)
    assert refused_codes(refused) == ["needs-linked-instrument"]

    first = repeated(mina, OnConflict.SKIP)
    assert held(room) == held(scope) == [on_day(0), on_day(1)]
    # What is moved does not count against itself.
    series.change_series(mina, first.uid, Which.ALL, Change(on_day(0, 2, 4)), now=NOW)


@pytest.mark.parametrize(
    ("which", "meant"), [(Which.THIS, [1]), (Which.LATER, [1, 2]), (Which.ALL, [0, 1, 2])]
)
def test_this_this_and_later_or_all_take_their_companions_along(
    mina, scope, room, heater, which, meant
):
    second = series.members_of(repeated(mina))[1]
    # This alone where nothing is yet; several by a day, onto the places of one another.
    by = 2 if which is Which.THIS else 1
    series.change_series(mina, second.uid, which, Change(on_day(1 + by)), now=NOW)
    moved = sorted(n + by if n in meant else n for n in range(3))
    for thing in (scope, room, heater):
        assert held(thing) == [on_day(n) for n in moved]

    series.cancel_series(mina, second.uid, which, now=NOW)
    for thing in (scope, room, heater):
        assert held(thing) == [on_day(n) for n in range(3) if n not in meant]


def test_one_date_without_the_room_leaves_all_where_they_are(mina, jun, scope, room):
    first = repeated(mina)
    booked(jun, room, on_day(1, 5, 6))
    with pytest.raises(Taken, match=r"Tue 3 Mar.*Preparation room"):
        series.change_series(mina, first.uid, Which.ALL, Change(hours(4, 6)), now=NOW)
    assert held(scope) == [on_day(0), on_day(1), on_day(2)]


def test_if_the_room_has_to_be_approved_every_date_waits(mina, sora, room, scope):
    with transaction():
        room.booking = {**room.booking, "approval": "each"}
    assert series.try_series(mina, *asked(), now=NOW).status is Status.PENDING
    members = series.members_of(repeated(mina))
    for each in members:
        assert {status for _, status in all_of(each).values()} == {Status.PENDING}
        deciding.approve_reservation(sora, each.uid, now=NOW)
    series.change_series(mina, members[0].uid, Which.ALL, Change(hours(2, 4)), now=NOW)
    for each in members:
        assert set(all_of(each).values()) == {(each.interval, Status.PENDING)}


def test_rules_of_the_room_are_set_aside_by_who_manages_it(sora, room, scope):
    elsewhere = factories.facility()
    with transaction():
        quota = {"per": "person", "within": "week", "number": 2}
        room.booking = {**room.booking, "quotas": [quota]}
        room.facility = elsewhere
    assert not series.try_series(sora, *asked(), now=NOW).may_override
    with pytest.raises(NotAllowed):
        repeated(sora, override="a long run")

    with transaction():
        room.facility = scope.facility
    assert series.try_series(sora, *asked(), now=NOW).may_override
    third = series.members_of(repeated(sora, override="a long run"))[2]
    assert third.refusals_overridden == ["needs-linked-instrument"]


def test_what_cannot_be_chosen_along_refuses_the_series(mina, scope):
    with pytest.raises(Invalid):
        repeated(mina, accessories=("room",))
    with pytest.raises(Invalid):
        series.try_series(mina, *asked(accessories=("room",)), now=NOW)


def test_more_dates_take_no_more_statements(mina, scope):
    few = statements(lambda: repeated(mina, rule="FREQ=DAILY;COUNT=2"))
    many = statements(lambda: repeated(mina, rule="FREQ=DAILY;COUNT=40", at=on_day(3)))
    assert many <= few


def test_the_form_repeats_and_the_check_names_what_refuses_a_date(
    client, fixed_now, mina, scope, room_taken
):
    client.sign_in(mina)
    token = client.form_token("/instruments/scope/reserve")
    sent = {**typed(1, 3), "repeat": "daily", "times": "3", "csrf_token": token}
    page = client.post("/instruments/scope/check", data=sent).text
    assert page.count('data-verdict="free"') == 2
    assert 'data-code="needs-linked-instrument"' in page
    assert "준비실" in page

    sent["on_conflict"] = "skip"
    answer = client.post("/instruments/scope/reserve", data=sent)
    assert answer.status_code == 303
    db.session.rollback()
    assert held(scope) == [on_day(0), on_day(2)]
