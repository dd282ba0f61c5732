"""What feeds tell, and to whom."""

from datetime import UTC, timedelta

import icalendar
import pytest
from sqlalchemy import delete, update

from app.accounts.models import RoleGrant, RoleName, User
from app.catalog import faces
from app.catalog.models import Technique
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.interval import Interval
from app.domain.maintenance import Condition, Result, Severity
from app.reservations import deciding, faults
from app.reservations import services as reservations
from app.reservations.faults import Decision
from app.reservations.maintenance import Work
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours

SECRETS = ("김미나", "세포막 영상", "mina")


def reserve(user, instrument, interval=None, **fields):
    fields.setdefault("purpose", "세포막 영상")
    request = BookingRequest(instrument.slug, interval or hours(1, 3), **fields)
    return reservations.request_reservation(user, request, now=NOW)


def placed(user, instrument, interval, **fields):
    """A reservation as it is found in the table, wherever in time."""
    fields.setdefault("status", Status.CONFIRMED)
    return factories.save(
        Reservation(
            uid=f"{interval.start:%Y%m%d%H%M}".ljust(32, "0"),
            instrument_id=instrument.id,
            holder_id=user.id,
            starts_at=interval.start,
            ends_at=interval.end,
            exclusive=True,
            purpose="",
            mode="self_operated",
            requested_at=NOW,
            updated_at=NOW,
            shown_at=NOW,
            **fields,
        )
    )


def sequence(events):
    (event,) = events
    return int(event["SEQUENCE"])


def text_of(client, path):
    """The feed unfolded."""
    return client.get(path).data.replace(b"\r\n ", b"").decode()


# One's own


def test_a_reservation_is_in_its_holders_calendar_at_its_instant(
    mina, microscope, subscribe, events
):
    made = reserve(mina, microscope)

    (event,) = events(subscribe(mina))

    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (
        made.interval.start,
        made.interval.end,
    )
    assert str(event["DTSTART"].params["TZID"]) == "Asia/Seoul"
    assert event["UID"] == f"{made.uid}@dure.example"
    assert event["SUMMARY"] == "공초점 현미경"
    assert event["STATUS"] == "CONFIRMED"
    assert event["URL"] == f"http://localhost/reservations/{made.uid}"
    assert "목적: 세포막 영상" in event["DESCRIPTION"]


def test_the_calendar_speaks_its_owners_language(theo, microscope, subscribe, client, events):
    reserve(theo, microscope)
    path = subscribe(theo)

    assert "NAME:My reservations · Dure\r\n" in text_of(client, path)
    assert events(path)[0]["SUMMARY"] == "Microscope"


def test_what_awaits_approval_is_tentative_and_says_so(mina, subscribe, events):
    scanner = factories.instrument(name_ko="스캐너", booking={"approval": "each"})
    reserve(mina, scanner)

    (event,) = events(subscribe(mina))

    assert (event["STATUS"], event["SUMMARY"]) == ("TENTATIVE", "[승인 대기] 스캐너")


def test_nobody_elses_reservation_is_in_it(mina, jun, microscope, subscribe, events):
    reserve(jun, microscope)

    assert events(subscribe(mina)) == []


def test_place_techniques_and_contact_are_told(mina, subscribe, events):
    core = factories.facility(
        name_ko="바이오코어", location_ko="E6-1, 101호", email="core@kaist.example"
    )
    confocal = factories.save(Technique(slug="confocal", name_ko="공초점", name_en="Confocal"))
    scanner = factories.instrument(facility=core, techniques=[confocal])
    reserve(mina, scanner)

    (event,) = events(subscribe(mina))

    assert event["LOCATION"] == "E6-1, 101호, 바이오코어, 한국과학기술원"
    assert [str(c) for c in event["CATEGORIES"].cats] == ["공초점"]
    assert "문의: core@kaist.example" in event["DESCRIPTION"]


def test_each_event_stands_in_the_zone_of_its_facility(mina, microscope, subscribe, events):
    berlin = factories.instrument(facility=factories.facility(timezone="Europe/Berlin"))
    reserve(mina, microscope, hours(1, 3))
    reserve(mina, berlin, hours(5, 6))

    first, second = events(subscribe(mina))

    assert first["DTSTART"].params["TZID"] == "Asia/Seoul"
    assert second["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert second.start.astimezone(UTC) == hours(5, 6).start


# Sequence


def test_the_sequence_rises_when_a_reservation_moves(mina, microscope, subscribe, events):
    made, path = reserve(mina, microscope, hours(2, 4)), subscribe(mina)
    before = events(path)

    reservations.change_reservation(mina, made.uid, Change(hours(5, 7)), now=hours(0, 1).end)

    after = events(path)
    assert sequence(after) == sequence(before) + 1
    assert after[0]["LAST-MODIFIED"].dt == after[0]["DTSTAMP"].dt == NOW + timedelta(hours=1)
    assert after[0]["UID"] == before[0]["UID"]
    assert after[0].start.astimezone(UTC) == hours(5, 7).start


def test_the_sequence_rises_when_the_instrument_is_renamed(mina, microscope, subscribe, events):
    reserve(mina, microscope)
    path = subscribe(mina)
    before = events(path)

    with transaction():
        microscope.name_ko = "새 현미경"
        faces.changed([microscope.id], now=NOW + timedelta(hours=1))

    after = events(path)
    assert sequence(after) == sequence(before) + 1
    assert after[0]["SUMMARY"] == "새 현미경"
    assert after[0]["LAST-MODIFIED"].dt == NOW + timedelta(hours=1)


def test_the_sequence_stays_when_others_reserve(mina, jun, microscope, subscribe, client):
    reserve(mina, microscope)
    path = subscribe(mina)
    before = client.get(path).data

    reserve(jun, microscope, hours(5, 7))

    assert client.get(path).data == before


# Cancelled


def test_a_cancelled_reservation_disappears(mina, microscope, subscribe, events):
    made, path = reserve(mina, microscope), subscribe(mina)

    reservations.cancel_reservation(mina, made.uid, now=NOW)

    assert events(path) == []


def test_a_feed_that_keeps_them_shows_a_cancelled_one_marked_and_free(
    mina, microscope, subscribe, events
):
    made, path = reserve(mina, microscope), subscribe(mina, cancelled="keep")
    before = events(path)

    reservations.cancel_reservation(mina, made.uid, now=NOW)

    (event,) = events(path)
    assert (event["STATUS"], event["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert event["SUMMARY"] == "[취소] 공초점 현미경"
    assert int(event["SEQUENCE"]) == sequence(before) + 1


@pytest.mark.parametrize(("days", "shown"), [(0, 1), (30, 1), (31, 0)])
def test_cancelled_ones_are_kept_for_30_days(
    mina, microscope, subscribe, events, fixed_hour, days, shown
):
    made = reserve(mina, microscope, hours(24 * 40, 24 * 40 + 1))
    reservations.cancel_reservation(mina, made.uid, now=NOW)
    path = subscribe(mina, cancelled="keep")

    fixed_hour.move_to(NOW + timedelta(days=days))

    assert len(events(path)) == shown


# The window


@pytest.mark.parametrize(
    ("interval", "shown"),
    [
        # It is 2 March in Seoul: the window opens on 1 January, 15:00 UTC the day before.
        (Interval(NOW - timedelta(days=61), NOW - timedelta(days=60, hours=18)), 0),
        (Interval(NOW - timedelta(days=61), NOW - timedelta(days=60, hours=17)), 1),
        (Interval(NOW + timedelta(days=400, hours=5), NOW + timedelta(days=400, hours=6)), 1),
        (Interval(NOW + timedelta(days=400, hours=6), NOW + timedelta(days=400, hours=7)), 0),
    ],
)
def test_the_window_ends_at_midnight_60_days_back_and_400_ahead(
    mina, microscope, subscribe, events, interval, shown
):
    placed(mina, microscope, interval)
    with transaction():
        microscope.longest_hold = timedelta(days=2)

    assert len(events(subscribe(mina))) == shown
    assert len(events(subscribe(mina, "instrument", microscope.slug))) == shown


# Of instruments, facilities, institutions


@pytest.mark.parametrize("kind", ["instrument", "facility", "institution"])
def test_who_does_not_manage_it_learns_only_institution_and_technique(
    mina, theo, microscope, subscribe, client, kind
):
    reserve(mina, microscope)
    of = {
        "instrument": microscope.slug,
        "facility": microscope.facility.slug,
        "institution": "kaist",
    }[kind]

    text = text_of(client, subscribe(theo, kind, of))

    assert "SUMMARY:Microscope · busy (KAIST)\r\n" in text
    assert not any(secret in text for secret in SECRETS)
    assert "/reservations/" not in text


def test_whether_a_busy_time_awaits_approval_is_not_told(mina, theo, subscribe, events):
    scanner = factories.instrument(name_en="Scanner", booking={"approval": "each"})
    reserve(mina, scanner)

    (event,) = events(subscribe(theo, "instrument", scanner.slug))

    assert (event["STATUS"], event["SUMMARY"]) == ("CONFIRMED", "Scanner · busy (KAIST)")


@pytest.mark.parametrize("kind", ["instrument", "facility", "institution"])
def test_who_manages_it_learns_who_and_what_for(
    mina, sora, ada, microscope, subscribe, client, kind
):
    reserve(mina, microscope)
    of = {
        "instrument": microscope.slug,
        "facility": microscope.facility.slug,
        "institution": "kaist",
    }[kind]

    for manager in (sora, ada):
        text = text_of(client, subscribe(manager, kind, of))
        assert "김미나" in text
        assert "세포막 영상" in text


def test_a_manager_of_another_facility_learns_nothing_more(mina, microscope, subscribe, client):
    other = factories.user(manages=factories.facility())
    reserve(mina, microscope)

    text = text_of(client, subscribe(other, "institution", "kaist"))

    assert "사용 중" in text
    assert not any(secret in text for secret in SECRETS)


def test_a_feed_of_busy_times_tells_no_more_to_a_manager_either(
    mina, sora, microscope, subscribe, client
):
    reserve(mina, microscope)

    text = text_of(client, subscribe(sora, "instrument", microscope.slug, detail="busy"))

    assert "사용 중" in text
    assert not any(secret in text for secret in SECRETS)


def test_ones_own_reservation_in_an_instruments_feed_is_told_in_full(
    mina, jun, microscope, subscribe, events
):
    reserve(mina, microscope, hours(1, 3))
    reserve(jun, microscope, hours(5, 7))

    mine, other = events(subscribe(mina, "instrument", microscope.slug))

    assert mine["SUMMARY"] == "공초점 현미경 · 김미나"
    assert other["SUMMARY"] == "공초점 현미경 · 사용 중 (한국과학기술원)"


def test_a_right_that_is_lost_empties_names_from_the_feed_at_the_next_poll(
    mina, sora, microscope, subscribe, client
):
    reserve(mina, microscope)
    path = subscribe(sora, "instrument", microscope.slug)
    before = client.get(path)

    with transaction():
        db.session.execute(delete(RoleGrant).where(RoleGrant.user_id == sora.id))

    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "세포막 영상" not in after.text


@pytest.mark.parametrize("kind", ["mine", "instrument", "facility", "institution", "approvals"])
def test_of_somebody_who_is_switched_off_the_calendar_is_empty_and_whole(
    sora, microscope, subscribe, client, events, kind
):
    reserve(sora, microscope)
    factories.blackout(microscope, hours(5, 6))
    of = {
        "instrument": microscope.slug,
        "facility": microscope.facility.slug,
        "institution": "kaist",
    }.get(kind)
    path = subscribe(sora, kind, of)
    before = client.get(path)
    with transaction():
        db.session.execute(update(User).where(User.id == sora.id).values(active=False))

    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert events(path) == []


# Blackouts


def test_a_blackout_is_in_the_calendars_of_its_instrument_and_facility(
    theo, microscope, subscribe, events
):
    factories.blackout(microscope, hours(1, 3), reason_en="New laser")
    factories.blackout(microscope, hours(5, 6), facility_id=microscope.facility_id, kind="closure")
    factories.blackout(microscope, hours(8, 9), lifted_at=NOW)
    place = microscope.facility.name_en

    def told(kind, of):
        return [str(event["SUMMARY"]) for event in events(subscribe(theo, kind, of))]

    assert told("instrument", microscope.slug) == [
        "Microscope · Maintenance",
        "Microscope · Closure",
    ]
    wide = ["Microscope · Maintenance", f"{place} · Closure"]
    assert told("facility", microscope.facility.slug) == wide
    assert told("institution", "kaist") == wide
    assert told("mine", None) == []


def test_a_blackout_of_another_instrument_is_not_in_it(theo, microscope, subscribe, events):
    factories.blackout(factories.instrument(), hours(1, 3))

    assert events(subscribe(theo, "instrument", microscope.slug)) == []


def test_out_of_order_without_a_known_end_is_told_until_it_is_closed(
    mina, sora, theo, microscope, subscribe, client, events
):
    paths = [
        subscribe(theo, "instrument", microscope.slug),
        subscribe(theo, "institution", "kaist"),
    ]
    tags = [{client.get(path).headers["ETag"]} for path in paths]

    def told():
        for path, seen in zip(paths, tags, strict=True):
            tag = client.get(path).headers["ETag"]
            assert tag not in seen, "apps must fetch it anew"
            seen.add(tag)
        return [[str(event["SUMMARY"]) for event in events(path)] for path in paths]

    fault = faults.report_fault(
        mina, microscope.slug, severity=Severity.OUT_OF_ORDER, description="x", now=NOW
    )
    faults.decide_fault(
        sora, microscope.slug, fault.id, Decision(severity=Severity.OUT_OF_ORDER), now=NOW
    )
    assert told() == [["Microscope · Out of order"]] * 2
    (event,) = events(paths[0])
    assert event["DTSTART"].dt == NOW
    assert event["DTEND"].dt > NOW + timedelta(days=399)
    work = Work(
        person_in_charge="박소라",
        happened_at=NOW,
        condition=Condition.MALFUNCTION,
        content="x",
        result=Result.RUNNING,
    )
    faults.close_fault(sora, microscope.slug, fault.id, work, now=NOW)
    assert told() == [[], []]


# Approvals


def test_what_awaits_my_approval_is_only_that(mina, jun, subscribe, events):
    scanner = factories.instrument(name_ko="스캐너", booking={"approval": "each"})
    sora = factories.user(manages=scanner.facility)
    first = reserve(mina, scanner, hours(1, 3))
    reserve(jun, scanner, hours(5, 7))
    deciding.approve_reservation(sora, first.uid, now=NOW)

    assert [str(e["SUMMARY"]) for e in events(subscribe(sora, "approvals"))] == [
        "[승인 대기] 스캐너 · 이준"
    ]
    assert events(subscribe(mina, "approvals")) == []


def test_approving_empties_the_list_at_the_next_poll(mina, subscribe, client):
    scanner = factories.instrument(booking={"approval": "each"})
    sora = factories.user(manages=scanner.facility)
    made = reserve(mina, scanner)
    path = subscribe(sora, "approvals")
    before = client.get(path)

    deciding.approve_reservation(sora, made.uid, now=NOW)

    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert b"BEGIN:VEVENT" not in after.data


def test_an_administrator_of_the_institution_sees_its_facilities(
    mina, microscope, subscribe, client
):
    admin = factories.user(administers=microscope.facility.institution)
    reserve(mina, microscope)

    assert "김미나" in text_of(client, subscribe(admin, "institution", "kaist"))
    assert admin.grants[0].role is RoleName.INSTITUTION_ADMINISTRATOR


# Hostile input that was stored


def test_a_purpose_that_tries_to_break_out_stays_one_event(mina, microscope, subscribe, client):
    evil = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:evil"
    reserve(mina, microscope, purpose=evil)

    parsed = icalendar.Calendar.from_ical(client.get(subscribe(mina)).data)

    (event,) = parsed.walk("VEVENT")
    assert "END:VEVENT" in event["DESCRIPTION"]


def test_what_is_reserved_along_is_named_and_no_event_of_its_own_in_my_feed(
    mina, subscribe, events
):
    place = factories.facility()
    room = factories.instrument(name_ko="준비실", facility=place)
    reserve(mina, factories.instrument(facility=place, needs=[room.slug]))

    (event,) = events(subscribe(mina))
    assert "함께 예약: 준비실" in event["DESCRIPTION"]
    assert len(events(subscribe(mina, "instrument", room.slug))) == 1
