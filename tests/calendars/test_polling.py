"""Polls: cheap when nothing is new, whole or not at all, and silent about the secret."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import icalendar
import pytest
from sqlalchemy import event, select, text

from app.calendars import services
from app.calendars.models import Feed
from app.calendars.subscribers import app_of
from app.db import db, transaction
from app.domain.booking import BookingRequest
from app.reservations import services as reservations
from tests import factories
from tests.factories import NOW, hours

GOOGLE = "Google-Calendar-Importer; +https://developers.google.com/"
APPLE = "macOS/15.1 (24B83) dataaccessd/1.0"


def reserve(user, instrument, interval=None):
    request = BookingRequest(instrument.slug, interval or hours(1, 3), purpose="영상")
    return reservations.request_reservation(user, request, now=NOW)


def only_feed():
    db.session.rollback()
    return db.session.scalars(select(Feed)).one()


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are sent to the database within."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_others):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_fetch_has_all_that_apps_need_to_ask_again(mina, microscope, subscribe, client):
    reserve(mina, microscope)

    answer = client.get(subscribe(mina))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, max-age=0, must-revalidate"
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Last-Modified"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.content_length == len(answer.data)
    assert "Content-Encoding" not in answer.headers


def test_the_file_is_called_after_the_calendar(mina, subscribe, client):
    disposition = client.get(subscribe(mina)).headers["Content-Disposition"]

    assert disposition == (
        "inline; filename=\"dure.ics\"; filename*=UTF-8''%EB%82%B4%20%EC%98%88%EC%95%BD.ics"
    )


def test_a_name_cannot_add_a_header(mina, subscribe, client):
    answer = client.get(subscribe(mina, name='x"\r\nSet-Cookie: a=b; /../'))

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_no_cookie_is_set_and_none_is_needed(mina, subscribe, client):
    assert "Set-Cookie" not in client.get(subscribe(mina)).headers


def test_compression_is_not_done_unasked_nor_asked(mina, subscribe, client):
    answer = client.get(subscribe(mina), headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("kind", ["mine", "instrument"])
def test_a_poll_with_nothing_new_is_one_read_and_no_text(
    mina, microscope, subscribe, client, monkeypatch, kind
):
    reserve(mina, microscope)
    path = subscribe(mina, kind, microscope.slug if kind == "instrument" else None)
    first = client.get(path)
    monkeypatch.setattr("app.calendars.poll.render", None)

    with statements() as sent:
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert again.data == b""
    assert [s.split()[0] for s in sent if "FROM feed" in s] == ["SELECT"]
    assert len([s for s in sent if not s.startswith(("BEGIN", "ROLLBACK"))]) == 1
    for header in ("ETag", "Cache-Control"):
        assert again.headers[header] == first.headers[header]


@pytest.mark.parametrize(("kind", "reads"), [("facility", 2), ("institution", 2), ("approvals", 3)])
def test_of_many_instruments_their_versions_are_summed(
    mina, sora, microscope, subscribe, client, kind, reads
):
    reserve(mina, microscope)
    of = {"facility": microscope.facility.slug, "institution": "kaist"}.get(kind)
    path = subscribe(sora, kind, of)
    first = client.get(path)

    with statements() as sent:
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert len([s for s in sent if not s.startswith(("BEGIN", "ROLLBACK"))]) == reads


def test_a_fetch_costs_the_same_reads_however_many_events(
    mina, sora, microscope, subscribe, client
):
    path = subscribe(sora, "facility", microscope.facility.slug)
    counts = []
    for n in range(2):
        for k in range(4):
            reserve(mina, microscope, hours(1 + 10 * n + 2 * k, 2 + 10 * n + 2 * k))
        with statements() as sent:
            assert client.get(path).data.count(b"BEGIN:VEVENT") == 4 * (n + 1)
        counts.append(len(sent))

    assert counts[0] >= counts[1]  # the first is noted, too


@pytest.mark.parametrize("kind", ["mine", "instrument", "facility", "institution"])
def test_after_a_change_the_same_question_gets_the_new_calendar(
    mina, microscope, subscribe, client, kind
):
    of = {
        "instrument": microscope.slug,
        "facility": microscope.facility.slug,
        "institution": "kaist",
    }.get(kind)
    path = subscribe(mina, kind, of)
    first = client.get(path)

    reserve(mina, microscope)

    second = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert b"BEGIN:VEVENT" in second.data
    assert second.headers["ETag"] != first.headers["ETag"]


def test_the_same_calendar_has_the_same_bytes_hours_later(
    mina, microscope, subscribe, client, fixed_hour
):
    reserve(mina, microscope)
    path = subscribe(mina)
    first = client.get(path)

    fixed_hour.move_to(NOW + timedelta(hours=5))

    second = client.get(path)
    assert (second.data, second.headers["ETag"]) == (first.data, first.headers["ETag"])


def test_the_next_day_is_asked_anew_because_the_window_has_moved(
    mina, subscribe, client, fixed_hour
):
    path = subscribe(mina)
    first = client.get(path)

    fixed_hour.move_to(NOW + timedelta(hours=6))  # midnight in Daejeon

    assert client.get(path).headers["ETag"] != first.headers["ETag"]


def test_another_name_is_another_text(mina, subscribe, client):
    path = subscribe(mina)
    first = client.get(path)
    services.rename_feed(mina, only_feed().id, "현미경", now=NOW)

    second = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert second.status_code == 200
    assert "X-WR-CALNAME:현미경 · Dure\r\n" in second.text


@pytest.mark.parametrize("written", ['W/"{}"', '"x", "{}"', "*"])
def test_the_tag_is_known_again_as_proxies_write_it(mina, subscribe, client, written):
    path = subscribe(mina)
    tag = client.get(path).headers["ETag"].strip('"')

    answer = client.get(path, headers={"If-None-Match": written.format(tag)})

    assert answer.status_code == 304


def test_who_goes_by_dates_alone_is_told_of_every_change(mina, microscope, subscribe, client):
    path = subscribe(mina)
    dates = {"If-Modified-Since": client.get(path).headers["Last-Modified"]}
    assert client.get(path, headers=dates).status_code == 304

    reserve(mina, microscope)  # within the same second

    changed = client.get(path, headers=dates)
    assert changed.status_code == 200
    # Another device has fetched it meanwhile.
    assert client.get(path, headers=dates).status_code == 200
    dates = {"If-Modified-Since": changed.headers["Last-Modified"]}
    assert client.get(path, headers=dates).status_code == 304


def test_head_says_what_get_would_without_the_text(mina, microscope, subscribe, client):
    reserve(mina, microscope)
    path = subscribe(mina)

    asked, fetched = client.head(path), client.get(path)

    assert asked.status_code == 200
    assert asked.data == b""
    for header in ("ETag", "Last-Modified", "Content-Type", "Content-Disposition"):
        assert asked.headers[header] == fetched.headers[header]
    assert client.head(path, headers={"If-None-Match": asked.headers["ETag"]}).status_code == 304


def test_unknown_mistyped_and_revoked_are_answered_alike(mina, subscribe, client):
    revoked = subscribe(mina)
    services.revoke_feed(mina, only_feed().id, now=NOW)

    answers = [
        client.get(path)
        for path in (
            revoked,
            "/calendars/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.ics",
            "/calendars/x.ics",
            "/calendars/a/b.ics",
            "/calendars/%ff%20.ics",
            "/calendars/" + "x" * 5000 + ".ics",
        )
    ]

    told = {
        (a.status_code, a.data, a.headers["Content-Type"], a.headers["Cache-Control"])
        for a in answers
    }
    assert told == {(404, b"There is no such calendar.\n", "text/plain; charset=utf-8", "no-store")}


def test_a_new_address_replaces_the_old_one(mina, subscribe, client):
    old = subscribe(mina)

    _feed, secret = services.rotate_feed(mina, only_feed().id, now=NOW)

    assert client.get(old).status_code == 404
    assert client.get(f"/calendars/{secret}.ics").status_code == 200


def test_a_fault_is_503_and_says_when_to_come_back(mina, subscribe, client):
    path = subscribe(mina)
    with transaction():
        db.session.execute(text("ALTER TABLE feed RENAME TO feed_away"))

    answer = client.get(path)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300")
    assert b"VCALENDAR" not in answer.data


def test_a_fault_while_the_text_is_made_is_503_too(
    mina, microscope, subscribe, client, monkeypatch
):
    reserve(mina, microscope)
    path = subscribe(mina)
    monkeypatch.setattr("app.calendars.feed._event", None)

    assert client.get(path).status_code == 503


def test_the_secret_is_in_no_log_not_even_of_a_fault(mina, subscribe, client, caplog):
    path = subscribe(mina)
    secret = path.removeprefix("/calendars/").removesuffix(".ics")
    caplog.set_level(logging.DEBUG)
    client.get(path)
    with transaction():
        db.session.execute(text("ALTER TABLE feed RENAME TO feed_away"))
    client.get(path)

    assert "a feed could not be made" in caplog.text
    assert secret not in caplog.text
    assert not any(secret in str(record.__dict__) for record in caplog.records)


def test_a_secret_has_192_bits_and_is_kept_as_a_hash(mina, subscribe):
    path = subscribe(mina)
    secret = path.removeprefix("/calendars/").removesuffix(".ics")

    assert len(secret) == 32
    kept = only_feed()
    assert not any(secret in str(value) for value in vars(kept).values())
    assert secret.startswith(kept.beginning)


def test_who_fetched_it_when_is_remembered_once_an_hour(mina, subscribe, client, fixed_hour):
    path = subscribe(mina)

    def fetch(minutes, agent):
        fixed_hour.move_to(NOW + timedelta(minutes=minutes))
        client.get(path, headers={"User-Agent": agent})
        return only_feed().fetched_by, only_feed().fetched_at - NOW

    assert fetch(0, GOOGLE) == ("Google Calendar", timedelta(0))
    assert fetch(59, APPLE) == ("Google Calendar", timedelta(0))
    assert fetch(60, APPLE) == ("Apple Calendar", timedelta(hours=1))


def test_a_fetch_that_cannot_be_noted_is_answered_all_the_same(
    mina, microscope, subscribe, client, monkeypatch
):
    reserve(mina, microscope)
    path = subscribe(mina)

    def fails(*_arguments, **_others):
        raise RuntimeError("read-only disk")

    monkeypatch.setattr("app.calendars.services.note_fetch", fails)

    assert icalendar.Calendar.from_ical(client.get(path).data).walk("VEVENT")


@pytest.mark.parametrize(
    ("agent", "app"),
    [
        (GOOGLE, "Google Calendar"),
        (APPLE, "Apple Calendar"),
        ("iOS/18.0 (22A3354) dataaccessd/1.0", "Apple Calendar"),
        ("Microsoft.Exchange/15.20 (Windows NT 10.0; Win64; x64)", "Outlook"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko Thunderbird/153.0", "Thunderbird"),
        ("vdirsyncer/0.21.0", "vdirsyncer"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Web browser"),
        ("curl/8.1", "curl"),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_the_app_is_told_from_what_it_says_of_itself(agent, app):
    assert app_of(agent) == app


def test_a_large_calendar_is_sent_in_pieces_and_whole(
    mina, microscope, subscribe, client, monkeypatch
):
    """Also where the database has been let go before the last piece is made."""
    path = subscribe(mina, "instrument", microscope.slug)
    for n in range(20):
        reserve(mina, microscope, hours(1 + 2 * n, 2 + 2 * n))
    factories.blackout(microscope, hours(100, 101))
    monkeypatch.setattr("app.calendars.views.HELD_PIECES", 1)
    monkeypatch.setattr("app.calendars.feed.PIECE", 1000)

    answer = client.get(path)

    assert answer.content_length is None
    assert answer.data.endswith(b"END:VCALENDAR\r\n")
    assert answer.data.count(b"BEGIN:VEVENT") == 21


@pytest.mark.parametrize("path", ["/calendars//x.ics", "/calendars/%00.ics"])
def test_no_address_is_ever_redirected(app, client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert "Location" not in answer.headers
