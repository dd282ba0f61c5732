"""Feeds as text: what is put in comes out again, in lines that every app can read."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given
from hypothesis import strategies as st

from app.calendars.feed import Calendar, Event, clean, render
from app.domain.interval import Interval
from tests.factories import NOW, hours

SEOUL = ZoneInfo("Asia/Seoul")
HALF_HOUR = timedelta(minutes=30)
WINDOW = Interval(NOW - timedelta(days=60), NOW + timedelta(days=400))

SMALL = """\
BEGIN:VCALENDAR
PRODID:-//Dure//Calendar feed//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
NAME:내 예약 · Dure
X-WR-CALNAME:내 예약 · Dure
X-WR-TIMEZONE:Asia/Seoul
REFRESH-INTERVAL;VALUE=DURATION:PT1H
X-PUBLISHED-TTL:PT1H
BEGIN:VTIMEZONE
TZID:Asia/Seoul
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0900
TZOFFSETTO:+0900
TZNAME:KST
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:abc@dure.example
DTSTAMP:20260302T090000Z
DTSTART;TZID=Asia/Seoul:20260302T190000
DTEND;TZID=Asia/Seoul:20260302T210000
CREATED:20260302T080000Z
LAST-MODIFIED:20260302T090000Z
SEQUENCE:3
STATUS:CONFIRMED
SUMMARY:공초점 현미경
LOCATION:E6-1\\, 101호
DESCRIPTION:목적: 세포막\\; 영상\\nhttps://dure.example/reservations/a
 bc
CATEGORIES:공초점,a\\,b
URL:https://dure.example/reservations/abc
ORGANIZER:mailto:dure@dure.example
CLASS:PUBLIC
TRANSP:OPAQUE
END:VEVENT
END:VCALENDAR
"""


def calendar(**fields):
    fields.setdefault("name", "내 예약 · Dure")
    fields.setdefault("zone", SEOUL)
    fields.setdefault("organizer", "dure@dure.example")
    fields.setdefault("window", WINDOW)
    return Calendar(**fields)


def event(**fields):
    fields.setdefault("uid", "abc@dure.example")
    fields.setdefault("interval", hours(1, 3))
    fields.setdefault("zone", SEOUL)
    fields.setdefault("created", NOW - timedelta(hours=1))
    fields.setdefault("modified", NOW)
    fields.setdefault("sequence", 3)
    fields.setdefault("status", "CONFIRMED")
    fields.setdefault("summary", "공초점 현미경")
    return Event(**fields)


def written(*events, **fields):
    return b"".join(render(calendar(**fields), events))


def read(octets):
    return icalendar.Calendar.from_ical(octets)


def test_a_small_feed_is_these_bytes_and_no_others():
    octets = written(
        event(
            location="E6-1, 101호",
            description="목적: 세포막; 영상\nhttps://dure.example/reservations/abc",
            url="https://dure.example/reservations/abc",
            categories=("공초점", "a,b"),
        )
    )

    assert octets.decode() == SMALL.replace("\n", "\r\n")


def test_an_empty_feed_is_a_whole_calendar():
    parsed = read(written())

    assert [c.name for c in parsed.subcomponents] == ["VTIMEZONE"]


@given(st.text(), st.text(min_size=1), st.text(), st.lists(st.text(min_size=1), min_size=1))
def test_every_text_comes_back_as_it_was(summary, location, description, categories):
    parsed = read(
        written(
            event(
                summary=summary,
                location=location,
                description=description,
                categories=tuple(categories),
            )
        )
    )

    (back,) = parsed.walk("VEVENT")
    assert str(back["SUMMARY"]) == clean(summary)
    assert str(back["LOCATION"]) == clean(location)
    assert str(back.get("DESCRIPTION", "")) == clean(description)
    assert [str(each) for each in back["CATEGORIES"].cats] == [clean(c) for c in categories]
    assert len(parsed.walk("VEVENT")) == 1


HOSTILE = st.text(st.sampled_from("a가🔬\r\n\t ;,:\\\"'\x00\x0b\x1c\x7f\x85\u2028\ufeff\ud800E"))


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_text_breaks_a_line_or_begins_one(summary, description, url, name):
    octets = written(
        event(summary=summary, description=description, url=url, uid=url + "x"), name=name
    )

    lines = octets.split(b"\r\n")
    assert lines.pop() == b""
    for line in lines:
        assert len(line) <= 75
        line.decode()  # no character is in two parts
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)
        assert re.match(rb"[A-Z-]+[:;]| ", line)
    whole = re.sub(rb"\r\n ", b"", octets)
    assert whole.count(b"BEGIN:VEVENT\r\n") == 1
    assert octets == b"".join(
        render(
            calendar(name=name),
            [event(summary=summary, description=description, url=url, uid=url + "x")],
        )
    )


def test_typed_line_ends_cannot_add_an_event():
    evil = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\nSUMMARY:evil"

    parsed = read(written(event(summary=evil, url=evil, uid=evil, location=evil)))

    assert len(parsed.walk("VEVENT")) == 1


def test_a_long_line_is_folded_between_characters_at_75_octets():
    octets = written(event(summary="가" * 60 + "🔬" * 20))

    lines = octets.split(b"\r\n")
    assert max(map(len, lines)) in {73, 74, 75}
    assert all(line.decode() for line in lines[:-1])


def test_what_was_cancelled_leaves_the_time_free():
    assert b"STATUS:CANCELLED\r\n" in written(event(status="CANCELLED"))
    assert b"TRANSP:TRANSPARENT\r\n" in written(event(status="CANCELLED"))
    assert b"TRANSP:OPAQUE\r\n" in written(event(status="TENTATIVE"))


@pytest.mark.parametrize(
    "zone",
    [
        "Asia/Seoul",
        "America/New_York",
        "Europe/Berlin",
        "UTC",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
    ],
)
def test_the_zone_that_is_sent_along_gives_every_time_its_instant(zone):
    """Read by the VTIMEZONE alone, under a name that no library knows."""
    zone = ZoneInfo(zone)
    year = datetime(2026, 1, 1, tzinfo=UTC)
    starts = [year + timedelta(hours=25 * n) for n in range(350)]
    for month, day in ((3, 8), (3, 29), (4, 4), (10, 3), (10, 25), (11, 1)):  # clocks change
        starts += [datetime(2026, month, day, tzinfo=UTC) + n * HALF_HOUR for n in range(48)]
    events = [
        event(uid=f"{n}@x", zone=zone, interval=Interval(start, start + timedelta(hours=1)))
        for n, start in enumerate(starts)
    ]
    octets = written(*events, zones=frozenset({zone})).replace(
        zone.key.encode(), b"Nowhere/" + zone.key.encode().replace(b"/", b"-")
    )

    parsed = read(octets)

    assert [e.start.astimezone(UTC) for e in parsed.walk("VEVENT")] == starts
    assert [e.end.astimezone(UTC) - timedelta(hours=1) for e in parsed.walk("VEVENT")] == starts


def test_only_what_the_window_needs_is_said_of_a_zone():
    octets = written(zones=frozenset({ZoneInfo("America/New_York")}))

    assert octets.count(b"BEGIN:VTIMEZONE") == 2
    assert octets.count(b"BEGIN:DAYLIGHT") == 4  # 2025 to 2028
    assert b"COMMENT" not in octets


def test_recurring_ical_events_finds_the_event_at_its_instant():
    found = recurring_ical_events.of(read(written(event()))).between(NOW, NOW + timedelta(days=1))

    assert [(e.start.astimezone(UTC), str(e["SUMMARY"])) for e in found] == [
        (hours(1, 3).start, "공초점 현미경")
    ]


def test_a_large_feed_comes_in_pieces():
    pieces = list(render(calendar(), (event(uid=f"{n}@x") for n in range(2000))))

    assert len(pieces) > 5
    assert max(map(len, pieces)) < 70_000
    assert len(read(b"".join(pieces)).walk("VEVENT")) == 2000
