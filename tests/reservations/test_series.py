"""Series: each date by the same rules, all within every quota, written or refused as a whole."""

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.audit.models import AuditRow
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, NotAllowed, NotFound, Taken, WrongState
from app.domain.interval import Interval
from app.domain.recurrence import Recurrence
from app.domain.series import OnConflict
from app.mail import rendering
from app.mail.models import OutgoingMail
from app.reservations import deciding, queries, series, services
from app.reservations.models import Reservation, Series
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, statements

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
FOUR_WEEKS = "FREQ=WEEKLY;COUNT=4"


def repeated(user, instrument, rule=FOUR_WEEKS, on_conflict=OnConflict.FAIL, at=None, **more):
    request = BookingRequest(instrument.slug, at or hours(1, 3), purpose="막단백질 영상")
    repeat = Repeat(Recurrence.parse(rule), on_conflict)
    return series.request_series(user, request, repeat, now=NOW, **more)


def starts(reservation) -> list[datetime]:
    return [each.starts_at for each in series.members_of(reservation)]


def weeks(*numbers, at=1) -> list[datetime]:
    return [NOW + timedelta(hours=at) + WEEK * n for n in numbers]


def refused(work) -> list[str]:
    with pytest.raises(BookingRefused) as found:
        work()
    return [refusal.code for refusal in found.value.refusals]


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def mails() -> list[OutgoingMail]:
    return list(db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def quota(**limit):
    return {"longest": "PT8H", "quotas": [{"per": "person", **limit}]}


# Asking


def test_a_series_is_reserved_at_every_date_with_one_mail(mina, microscope):
    first = repeated(mina, microscope)

    assert starts(first) == weeks(0, 1, 2, 3)
    assert {each.status for each in series.members_of(first)} == {Status.CONFIRMED}
    assert [mail.template for mail in mails()] == ["series_told"]
    assert count(AuditRow) == 4


def test_a_date_that_is_taken_refuses_all_and_leaves_no_trace(mina, jun, microscope):
    booked(jun, microscope, Interval(weeks(2)[0], weeks(2)[0] + DAY / 12))
    with pytest.raises(Taken) as found:
        repeated(mina, microscope)

    (refusal,) = found.value.refusals
    assert refusal.reason.en.startswith("Mon 16 Mar: It is already reserved")
    assert len(found.value.taken) == 1
    assert found.value.alternatives
    assert (count(Reservation), count(Series), len(mails())) == (1, 0, 1)


def test_a_date_that_is_taken_is_left_out_and_told(mina, jun, microscope):
    booked(jun, microscope, Interval(weeks(2)[0], weeks(2)[0] + DAY / 12))
    first = repeated(mina, microscope, on_conflict=OnConflict.SKIP)

    assert starts(first) == weeks(0, 1, 3)
    (skipped,) = first.series.skipped
    assert skipped["refusals"][0]["code"] == "taken"
    assert mails()[-1].particulars["skipped"] == [skipped]


def test_a_date_that_is_taken_is_shifted_to_the_nearest_free_time(mina, jun, microscope):
    booked(jun, microscope, Interval(weeks(2)[0], weeks(2)[0] + DAY / 12))
    first = repeated(mina, microscope, on_conflict=OnConflict.SHIFT)

    shifted = series.members_of(first)[2]
    assert shifted.starts_at == weeks(2, at=-1)[0]
    assert shifted.original_start == weeks(2)[0]
    assert starts(first)[:2] + starts(first)[3:] == weeks(0, 1, 3)


def test_dates_are_not_shifted_onto_later_ones_of_the_same_series(mina, jun, microscope):
    start = NOW + DAY + timedelta(hours=1)
    booked(jun, microscope, Interval(start, start + timedelta(hours=8)))
    first = repeated(mina, microscope, "FREQ=DAILY;COUNT=3", OnConflict.SHIFT, at=hours(1, 9))
    held = [each.interval for each in series.members_of(first)]
    assert len(held) == 3
    assert not any(a.overlaps(b) for a in held for b in held if a != b)


def test_a_date_that_finds_no_place_refuses_the_series_that_would_shift(mina, microscope):
    factories.blackout(microscope, Interval(NOW + WEEK - 4 * DAY, NOW + WEEK + 5 * DAY))
    assert "blackout" in refused(lambda: repeated(mina, microscope, on_conflict=OnConflict.SHIFT))


def test_nothing_is_reserved_where_every_date_is_left_out(mina, microscope):
    factories.blackout(microscope, Interval(NOW, NOW + 60 * DAY))
    assert "blackout" in refused(lambda: repeated(mina, microscope, on_conflict=OnConflict.SKIP))
    assert count(Series) == 0


def test_a_closed_holiday_is_left_out(mina, app):
    """5 May 2026, Children's Day, is a Tuesday."""
    place = factories.facility(
        holidays="KR", opening_hours={"daily": ["09:00-18:00"], "holiday": []}
    )
    instrument = factories.instrument(facility=place)
    begins = datetime.fromisoformat("2026-04-28T10:00+09:00")
    at = Interval(begins, begins + timedelta(hours=2))
    first = repeated(mina, instrument, on_conflict=OnConflict.SKIP, at=at)

    assert [each.starts_at.day for each in series.members_of(first)] == [28, 12, 19]
    assert first.series.skipped[0]["refusals"][0]["code"] == "outside-opening-hours"


def test_a_reason_that_holds_for_every_date_is_given_once(mina, app):
    instrument = factories.instrument(booking={"permits": [{"kind": "irb"}]})
    assert refused(lambda: repeated(mina, instrument)) == ["permit-missing"]


def test_a_date_beyond_the_window_is_refused(mina, microscope):
    rule = "FREQ=MONTHLY;COUNT=5"
    assert refused(lambda: repeated(mina, microscope, rule)) == ["too-far-ahead"] * 2
    assert len(starts(repeated(mina, microscope, rule, OnConflict.SKIP))) == 3


# Quotas


@pytest.mark.parametrize(
    ("limit", "at", "code"),
    [
        # From 21 to 3 o'clock: each day has the end of one and the beginning of the next.
        ({"within": "day", "hours": "PT4H"}, hours(3, 9), "max-per-day"),
        ({"within": "week", "number": 2}, hours(1, 3), "max-per-week"),
        ({"within": "month", "hours": "PT4H"}, hours(1, 3), "max-per-month"),
        ({"within": "ahead", "number": 2}, hours(1, 3), "max-open"),
        ({"within": "ahead", "hours": "PT4H"}, hours(1, 3), "max-hours-ahead"),
    ],
)
def test_a_series_does_not_defeat_a_quota(mina, app, limit, at, code):
    """Each of the three dates alone would be within it."""
    instrument = factories.instrument(booking=quota(**limit))
    assert code in refused(lambda: repeated(mina, instrument, "FREQ=DAILY;COUNT=3", at=at))
    booked(mina, instrument, at)


def test_what_a_quota_leaves_of_a_series_is_reserved_and_no_more(mina, app):
    instrument = factories.instrument(booking=quota(within="week", hours="PT4H"))
    first = repeated(mina, instrument, "FREQ=DAILY;COUNT=8", OnConflict.SKIP)

    # Monday, Tuesday, and Monday of the next week.
    assert starts(first) == [NOW + timedelta(hours=1) + DAY * n for n in (0, 1, 7)]
    assert refused(lambda: booked(mina, instrument, hours(50, 51))) == ["max-per-week"]


def test_a_gap_holds_between_the_dates_of_a_series(mina, app):
    instrument = factories.instrument(booking={"gap": "PT20H", "longest": "PT8H"})
    assert "gap-too-small" in refused(
        lambda: repeated(mina, instrument, "FREQ=DAILY;COUNT=2", at=hours(1, 8))
    )


def test_dates_that_overlap_each_other_are_taken(mina, app):
    instrument = factories.instrument(booking={"longest": "PT30H"})
    with pytest.raises(Taken):
        repeated(mina, instrument, "FREQ=DAILY;COUNT=2", at=hours(1, 27))


# The rest of a request


def test_the_same_key_gives_the_same_series(mina, microscope):
    once = services.Once("key", b"body")
    first = repeated(mina, microscope, once=once)
    assert repeated(mina, microscope, once=once).uid == first.uid
    assert count(Series) == 1


def test_a_series_that_needs_approval_waits_as_one_mail_to_each_manager(mina, sora, guarded):
    first = repeated(mina, guarded)

    assert {each.status for each in series.members_of(first)} == {Status.PENDING}
    assert sorted(mail.template for mail in mails()) == ["series_awaits", "series_told"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_mails_name_every_date_and_those_left_out(mina, jun, sora, guarded, language):
    with transaction():
        mina.language = sora.language = language
    start = weeks(2)[0]
    booked(jun, guarded, Interval(start, start + DAY / 12))
    first = repeated(mina, guarded, on_conflict=OnConflict.SKIP)
    series.cancel_series(mina, first.uid, Which.ALL, now=NOW, reason="장비 고장")

    told = [mail for mail in mails() if mail.template.startswith("series_")]
    texts = [rendering.message(mail).get_body(("plain",)).get_content() for mail in told]
    assert len(texts) == 3
    day = "2026년 3월 23일" if language == "ko" else "23 Mar 2026"
    assert all(day in text for text in texts)
    assert "장비 고장" in texts[-1]


def test_a_manager_sets_rules_aside_for_the_dates_that_need_it(sora, microscope):
    first = repeated(sora, microscope, "FREQ=MONTHLY;COUNT=5", override="long study")
    aside = [each.refusals_overridden for each in series.members_of(first)]
    assert aside == [[], [], [], ["too-far-ahead"], ["too-far-ahead"]]


def test_an_override_without_the_right_is_refused(mina, microscope):
    with pytest.raises(NotAllowed):
        repeated(mina, microscope, override="because")


def test_a_preview_says_the_same_and_writes_nothing(mina, jun, microscope):
    booked(jun, microscope, Interval(weeks(2)[0], weeks(2)[0] + DAY / 12))
    request = BookingRequest(microscope.slug, hours(1, 3))
    rule = Recurrence.parse(FOUR_WEEKS)
    words = {
        way: [v.word for v in series.try_series(mina, request, Repeat(rule, way), now=NOW).verdicts]
        for way in OnConflict
    }
    assert words["skip"] == words["fail"] == ["free", "free", "refused", "free"]
    assert words["shift"] == ["free", "free", "shifted", "free"]
    assert count(Series) == 0


def test_two_hundred_dates_take_less_than_a_second_and_few_statements(mina, microscope):
    with transaction():
        many = quota(within="week", hours="PT40H")
        microscope.booking = {**microscope.booking, "earliest": "P365D", **many}
    began = time.perf_counter()
    sent = statements(lambda: repeated(mina, microscope, "FREQ=DAILY;COUNT=200"))
    took = time.perf_counter() - began

    assert count(Reservation) == 200
    assert sent < 25
    if db.engine.dialect.name == "sqlite":
        assert took < 1


# Changing and cancelling


@pytest.mark.parametrize(
    ("which", "moved"), [(Which.THIS, [1]), (Which.LATER, [1, 2, 3]), (Which.ALL, [0, 1, 2, 3])]
)
def test_this_this_and_later_or_all_are_moved(mina, microscope, which, moved):
    second = series.members_of(repeated(mina, microscope))[1]
    to = Interval(second.starts_at + DAY, second.ends_at + DAY + timedelta(hours=1))

    series.change_series(mina, second.uid, which, Change(to), now=NOW)
    members = series.members_of(second)
    for number, each in enumerate(members):
        by = DAY if number in moved else timedelta()
        assert each.starts_at == weeks(number)[0] + by
        assert each.version == (2 if number in moved else 1)
    assert [mail.template for mail in mails()] == ["series_told", "series_told"]
    assert len(mails()[-1].particulars["dates"]) == len(moved)


def test_dates_move_onto_the_places_of_one_another(mina, microscope):
    first = repeated(mina, microscope, "FREQ=DAILY;COUNT=5")
    for by in (DAY, -DAY):
        uid = series.members_of(first)[2].uid
        present = queries.by_uid(uid, viewer=mina)
        to = Interval(present.starts_at + by, present.ends_at + by)
        series.change_series(mina, uid, Which.ALL, Change(to), now=NOW)
    assert starts(first) == [NOW + timedelta(hours=1) + DAY * n for n in range(5)]


def test_one_date_that_is_taken_leaves_all_where_they_are(mina, jun, microscope):
    first = repeated(mina, microscope)
    booked(jun, microscope, Interval(weeks(2, at=4)[0], weeks(2, at=5)[0]))
    with pytest.raises(Taken) as found:
        series.change_series(mina, first.uid, Which.ALL, Change(hours(4, 6)), now=NOW)

    assert found.value.refusals[0].reason.en.startswith("Mon 16 Mar")
    assert starts(first) == weeks(0, 1, 2, 3)


def test_a_moved_series_counts_once_in_its_quota(mina, app):
    instrument = factories.instrument(booking=quota(within="week", hours="PT2H"))
    first = repeated(mina, instrument)
    series.change_series(mina, first.uid, Which.ALL, Change(hours(2, 4)), now=NOW)
    longer = Change(hours(2, 5))
    assert set(
        refused(lambda: series.change_series(mina, first.uid, Which.ALL, longer, now=NOW))
    ) == {"max-per-week"}


def test_words_are_changed_without_moving(mina, microscope):
    first = repeated(mina, microscope)
    series.change_series(mina, first.uid, Which.ALL, Change(purpose="새 목적"), now=NOW)
    assert {each.purpose for each in series.members_of(first)} == {"새 목적"}
    assert starts(first) == weeks(0, 1, 2, 3)


def test_a_changed_series_that_needs_approval_waits_again(mina, sora, guarded):
    first = repeated(mina, guarded)
    for each in series.members_of(first):
        deciding.approve_reservation(sora, each.uid, now=NOW)
    series.change_series(mina, first.uid, Which.ALL, Change(hours(2, 4)), now=NOW)
    assert {each.status for each in series.members_of(first)} == {Status.PENDING}


@pytest.mark.parametrize(
    ("which", "gone"), [(Which.THIS, [1]), (Which.LATER, [1, 2, 3]), (Which.ALL, [0, 1, 2, 3])]
)
def test_this_this_and_later_or_all_are_cancelled(mina, microscope, which, gone):
    second = series.members_of(repeated(mina, microscope))[1]
    series.cancel_series(mina, second.uid, which, now=NOW, reason="sick")

    members = series.members_of(second)
    found = [n for n, each in enumerate(members) if each.status is Status.CANCELLED]
    assert found == gone
    assert [mail.template for mail in mails()] == ["series_told", "series_told"]


def test_what_has_begun_stays_when_the_rest_is_cancelled(mina, microscope):
    first = repeated(mina, microscope)
    second = series.members_of(first)[1]
    later = NOW + timedelta(hours=2)
    series.cancel_series(mina, second.uid, Which.ALL, now=later)
    assert series.members_of(first)[0].status is Status.CONFIRMED
    with pytest.raises(WrongState):
        series.cancel_series(mina, first.uid, Which.ALL, now=later)


def test_strangers_neither_change_nor_cancel(mina, jun, microscope):
    first = repeated(mina, microscope)
    for work in (
        lambda: series.cancel_series(jun, first.uid, Which.ALL, now=NOW),
        lambda: series.change_series(jun, first.uid, Which.ALL, Change(hours(4, 6)), now=NOW),
    ):
        with pytest.raises(NotFound):
            work()


def test_a_reservation_alone_is_changed_as_such(mina, microscope):
    made = booked(mina, microscope, hours(1, 3))
    series.change_series(mina, made.uid, Which.ALL, Change(hours(2, 4)), now=NOW)
    assert queries.by_uid(made.uid, viewer=mina).starts_at == NOW + timedelta(hours=2)
