"""Calendar apps fetch a feed from a real server, and hold what the database holds."""

import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app.calendars import services as calendars
from app.calendars.models import Cancelled, Feed, FeedKind
from app.calendars.services import FeedRequest
from app.db import db
from app.domain.approval import HOLDING, Status
from app.domain.booking import BookingRequest
from app.reservations import services as reservations
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours

pytestmark = pytest.mark.interop

BIN = Path(sys.executable).parent
SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What apps read does not depend on the kind of database: tests/calendars tries both."""
    return sqlite_url


@pytest.fixture(autouse=True)
def fixed_hour() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def serve(app: Flask) -> Iterator[str]:
    """Dure on a port of this machine; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Run a client with a home of its own; what it prints."""
    home = tmp_path / "home"
    home.mkdir()

    def command(name: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [BIN / name, *map(str, arguments)],
            env={
                "HOME": str(home),
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "TZ": "Asia/Seoul",
                "PYTHONWARNINGS": "ignore",
            },
            input="y\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return command


def address(serve, user, kind="mine", of=None, cancelled="omit"):
    request = FeedRequest(FeedKind(kind), of, cancelled=Cancelled(cancelled))
    _feed, secret = calendars.make_feed(user, request, now=NOW)
    return f"{serve}/calendars/{secret}.ics"


def reserve(user, instrument, start, end, **fields):
    fields.setdefault("purpose", "세포막 영상; a,b\\c 🔬\n둘째 줄")
    request = BookingRequest(instrument.slug, hours(start, end), **fields)
    return reservations.request_reservation(user, request, now=NOW)


@pytest.fixture
def busy_months(mina, microscope):
    """Reservations as life makes them; titles in Hangul and with a picture."""
    berlin = factories.instrument(
        name_ko="베를린 분광기, 2호; \\ 🔬", facility=factories.facility(timezone="Europe/Berlin")
    )
    asked = factories.instrument(name_ko="승인 장비", booking={"approval": "each"})
    made = [reserve(mina, microscope, 1 + 30 * n, 3 + 30 * n) for n in range(20)]
    made.append(reserve(mina, microscope, 5.5, 6.5))  # past midnight in Seoul
    made.append(reserve(mina, microscope, 15, 17))
    made += [reserve(mina, berlin, 24 * day, 24 * day + 4) for day in (20, 26, 27, 28, 40)]
    made.append(reserve(mina, asked, 50, 52))
    gone = reserve(mina, microscope, 80, 81)
    reservations.cancel_reservation(mina, gone.uid, now=NOW)
    return made


def held() -> dict[str, tuple[datetime, datetime, Status]]:
    """What the database says: by UID, from when to when, in which state."""
    db.session.rollback()
    rows = db.session.scalars(select(Reservation).where(Reservation.status.in_(HOLDING)))
    return {
        f"{row.uid}@dure.example": (row.interval.start, row.interval.end, row.status)
        for row in rows
    }


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        octets: bytes = answer.read()
    return octets


def instants(events) -> dict[str, tuple[datetime, datetime]]:
    return {
        str(event["UID"]): (event.start.astimezone(UTC), event.end.astimezone(UTC))
        for event in events
    }


# recurring-ical-events


def test_recurring_ical_events_reads_what_the_database_holds(serve, mina, busy_months):
    parsed = icalendar.Calendar.from_ical(fetched(address(serve, mina)))

    found = recurring_ical_events.of(parsed).between(
        NOW - timedelta(days=60), NOW + timedelta(days=400)
    )

    expected = held()
    assert len(expected) == len(busy_months)
    assert instants(found) == {uid: row[:2] for uid, row in expected.items()}
    assert {str(e["UID"]): str(e["STATUS"]) for e in found} == {
        uid: "TENTATIVE" if status is Status.PENDING else "CONFIRMED"
        for uid, (_start, _end, status) in expected.items()
    }


# khal


def khal(run, tmp_path, octets):
    """What khal lists after importing a feed: UID → start, end, title, state."""
    source, config = tmp_path / "feed.ics", tmp_path / "khal.conf"
    source.write_bytes(octets)
    config.write_text(
        f"""
[calendars]
[[dure]]
path = {tmp_path / "khal"}
[default]
default_calendar = dure
[sqlite]
path = {tmp_path / "khal.db"}
[locale]
local_timezone = Asia/Seoul
default_timezone = Asia/Seoul
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
""",
        encoding="utf-8",
    )
    (tmp_path / "khal").mkdir(exist_ok=True)
    run("khal", "-c", config, "import", "--batch", "-a", "dure", source)
    line = "{uid}|{start-long-full}|{end-long-full}|{title}|{status}"
    listed = run(
        "khal", "-c", config, "list", "--day-format", "", "--format", line, "2026-01-01", "500d"
    )
    found = {}
    for each in filter(None, listed.splitlines()):
        uid, start, end, title, status = each.split("|")
        found[uid] = (_local(start), _local(end), title, status.strip())
    return found


def _local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SEOUL).astimezone(UTC)


def test_khal_imports_what_the_database_holds(serve, mina, busy_months, run, tmp_path):
    found = khal(run, tmp_path, fetched(address(serve, mina)))

    expected = held()
    assert {uid: row[:2] for uid, row in found.items()} == {
        uid: row[:2] for uid, row in expected.items()
    }
    titles = {row[2] for row in found.values()}
    assert titles == {"공초점 현미경", "베를린 분광기, 2호; \\ 🔬", "[승인 대기] 승인 장비"}


def test_khal_shows_a_kept_cancelled_one_as_such(serve, mina, microscope, run, tmp_path):
    made = reserve(mina, microscope, 1, 3)
    reservations.cancel_reservation(mina, made.uid, now=NOW)

    found = khal(run, tmp_path, fetched(address(serve, mina, cancelled="keep")))

    ((_start, _end, title, status),) = found.values()
    assert title == "[취소] 공초점 현미경"
    assert "CANCELLED" in status.upper()


# vdirsyncer


class Subscriber:
    """vdirsyncer as it keeps a folder equal to a feed.

    It names what comes by HTTP after its content: one that changed is one gone and one new.
    """

    def __init__(self, run, folder: Path, url: str) -> None:
        self.run, self.items = run, folder / "items"
        self.config = folder / "vdirsyncer.conf"
        self.items.mkdir()
        self.config.write_text(
            f"""
[general]
status_path = "{folder / "status"}"
[pair dure]
a = "feed"
b = "folder"
collections = null
conflict_resolution = "a wins"
[storage feed]
type = "http"
url = "{url}"
[storage folder]
type = "filesystem"
path = "{self.items}"
fileext = ".ics"
""",
            encoding="utf-8",
        )
        run("vdirsyncer", "-c", self.config, "discover")

    def sync(self) -> tuple[int, int]:
        """Fetch; how many files are gone and how many are new. The others are untouched."""
        before = self._files()
        self.run("vdirsyncer", "-c", self.config, "sync")
        after = self._files()
        assert all(after[name] == before[name] for name in before.keys() & after.keys())
        return len(before.keys() - after.keys()), len(after.keys() - before.keys())

    def _files(self) -> dict[str, tuple[bytes, int]]:
        return {
            path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in self.items.iterdir()
        }

    def events(self) -> list[icalendar.Event]:
        return [
            event
            for content, _changed in self._files().values()
            for event in icalendar.Calendar.from_ical(content).walk("VEVENT")
        ]


def times(events) -> list[tuple[datetime, datetime]]:
    return sorted((event.start.astimezone(UTC), event.end.astimezone(UTC)) for event in events)


def times_held() -> list[tuple[datetime, datetime]]:
    return sorted(row[:2] for row in held().values())


@pytest.fixture
def subscriber(serve, mina, run, tmp_path):
    return Subscriber(run, tmp_path, address(serve, mina))


def test_vdirsyncer_holds_what_the_database_holds_and_a_second_sync_changes_nothing(
    busy_months, subscriber
):
    assert subscriber.sync() == (0, len(busy_months))
    assert times(subscriber.events()) == times_held()

    assert subscriber.sync() == (0, 0)


def test_after_a_move_exactly_one_file_changes(mina, busy_months, subscriber):
    subscriber.sync()

    moved = busy_months[3]
    reservations.change_reservation(
        mina, moved.uid, Change(hours(24 * 60, 24 * 60 + 2)), now=NOW + timedelta(minutes=1)
    )

    assert subscriber.sync() == (1, 1)
    assert times(subscriber.events()) == times_held()
    assert subscriber.sync() == (0, 0)


def test_after_a_cancel_it_is_gone(mina, busy_months, subscriber):
    subscriber.sync()

    reservations.cancel_reservation(mina, busy_months[3].uid, now=NOW)

    assert subscriber.sync() == (1, 0)
    assert len(times_held()) == len(busy_months) - 1
    assert times(subscriber.events()) == times_held()


def test_an_instruments_feed_with_a_blackout_syncs_too(
    serve, theo, mina, microscope, run, tmp_path
):
    reserve(mina, microscope, 1, 3)
    factories.blackout(microscope, hours(5, 7))
    subscriber = Subscriber(run, tmp_path, address(serve, theo, "instrument", microscope.slug))

    assert subscriber.sync() == (0, 2)
    assert sorted(str(e["SUMMARY"]) for e in subscriber.events()) == [
        "Microscope · Maintenance",
        "Microscope · busy (KAIST)",
    ]
    assert subscriber.sync() == (0, 0)


def test_the_page_tells_which_app_fetched_the_feed(subscriber, app):
    subscriber.sync()

    db.session.rollback()
    (feed,) = db.session.scalars(select(Feed))
    assert feed.fetched_by == "vdirsyncer"
