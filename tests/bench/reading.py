"""Reads: calendars of a week, the catalogue's search, free slots, feeds."""

import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from app import clock
from app.calendars import services as calendars
from app.calendars.models import FeedKind
from app.calendars.services import FeedRequest
from app.catalog.filters import Filter
from app.catalog.models import Facility, Instrument
from app.catalog.search import search
from app.db import db
from app.domain.interval import Interval
from app.reservations import fake, queries
from app.reservations.availability import free_slots
from tests.bench.measure import Goal, Line, Timing, timed
from tests.bench.stage import Heard, Stage, count, listening

_DAY = timedelta(days=1)


def weeks(stage: Stage) -> Iterator[Line]:
    """What the calendar of one instrument, and the timeline of fifty, ask for."""
    client = stage.app.test_client()
    start = stage.now.replace(hour=0, minute=0, second=0, microsecond=0)
    window = {"start": start.isoformat(), "end": (start + 7 * _DAY).isoformat()}

    def get(path: str, **query: str) -> Callable[[int], object]:
        def work(_: int) -> None:
            assert client.get(path, query_string=window | query).status_code == 200

        return work

    one = get("/instruments/load-1-1/busy")
    mine, raw, issued, size, _ = _beside(stage, client, one)
    yield Line(
        "week of one instrument, JSON",
        stage.database,
        mine,
        raw,
        f"{issued} statements, {size / 1000:.1f} kB gzip",
        [Goal("≤ 6 ms CPU", mine.cpu50 <= 6)],
    )
    many = get("/schedule/busy", facility="load-1-facility-1")
    mine, raw, of_many, size, events = _beside(stage, client, many)
    yield Line(
        f"week of {fake.INSTRUMENTS_PER_FACILITY} instruments, JSON",
        stage.database,
        mine,
        raw,
        f"{of_many} statements, {events} events, {size / 1000:.1f} kB gzip",
        [
            Goal("≤ 25 ms CPU", mine.cpu50 <= 25),
            Goal("≤ 60 kB gzip", size <= 60_000),
            Goal("statements constant", of_many <= issued + 4),
        ],
    )


def _beside(
    stage: Stage, client: FlaskClient, work: Callable[[int], object]
) -> tuple[Timing, Timing, int, int, int]:
    """The timing, that of the bare statements, how many, gzipped size, and events."""
    answers = []
    with listening(stage.app) as heard:
        remember = client.open

        def open_and_keep(*args: object, **kwargs: object) -> object:
            answers.append(remember(*args, **kwargs))
            return answers[-1]

        client.open = open_and_keep  # type: ignore[method-assign]
        work(0)
        client.open = remember  # type: ignore[method-assign]
    statements = reads(heard)
    raw = timed(lambda _: stage.raw.replay(statements))
    mine = timed(work)
    data = answers[0].data
    return mine, raw, count(statements), len(gzip.compress(data, 6)), data.count(b'"kind"')


def reads(heard: Heard) -> Heard:
    return [each for each in heard if each[0].startswith(("SELECT", "WITH"))]


def catalogue(stage: Stage, instruments: int) -> Line:
    """Two Korean syllables in a large catalogue."""
    with stage.app.app_context():

        def look(_: int) -> None:
            assert search(Filter(q="현미")).page.total

        with listening(stage.app) as heard:
            look(0)
        db.session.remove()
        mine = timed(look, after=db.session.remove)
    statements = reads(heard)
    raw = timed(lambda _: stage.raw.replay(statements))
    return Line(
        f"catalogue search “현미” in {instruments:,}",
        stage.database,
        mine,
        raw,
        f"{count(statements)} statements",
        [Goal("≤ 15 ms CPU", mine.cpu50 <= 15)],
    )


def availability(stage: Stage) -> Line:
    """Two hours on any of the instruments within five working days."""
    with stage.app.app_context():
        instruments = db.session.scalars(
            select(Instrument)
            .join(Instrument.facility)
            .join(Facility.institution)
            .where(Instrument.slug.startswith(f"load-{stage.load.seed}-"))
            .options(queries.WITH_FACILITY)
        ).all()
        within = Interval(stage.now + _DAY, stage.now + 8 * _DAY)

        def look(_: int) -> None:
            found = free_slots(instruments, timedelta(hours=2), within, now=clock.now(), limit=50)
            assert len(found) == 50

        with listening(stage.app) as heard:
            look(0)
        mine = timed(look, times=10)
        db.session.remove()
    statements = reads(heard)
    raw = timed(lambda _: stage.raw.replay(statements), times=10)
    of_reservations = sum("FROM reservation" in statement for statement, _ in statements)
    return Line(
        f"2 h on any of {len(instruments):,} given instruments",
        stage.database,
        mine,
        raw,
        f"{of_reservations} reads of reservations, {count(statements)} statements",
        [Goal("≤ 60 ms CPU", mine.cpu50 <= 60), Goal("one read", of_reservations == 1)],
    )


def feed(stage: Stage, seed: int, reservations: int) -> tuple[list[Line], str]:
    """A person's feed, fetched anew and polled; its address."""
    stage.fill(fake.Load(max(10, reservations // 65), int(reservations / 0.95), 1, seed))
    stage.settle()
    with stage.app.app_context():
        user = stage.user(1, seed)
        _, secret = calendars.make_feed(user, FeedRequest(FeedKind.MINE), now=clock.now())
        db.session.remove()
    path = f"/calendars/{secret}.ics"
    client = stage.app.test_client()
    client.get(path)
    answer = client.get(path)
    events, etag = answer.data.count(b"BEGIN:VEVENT"), answer.headers["ETag"]
    cold = timed(lambda _: client.get(path), times=5, warm=1)
    known = {"If-None-Match": etag}
    assert client.get(path, headers=known).status_code == 304
    poll = timed(lambda _: client.get(path, headers=known), times=200, warm=20)
    with listening(stage.app) as heard:
        client.get(path, headers=known)
    statements = reads(heard)
    raw = timed(lambda _: stage.raw.replay(statements), times=200, warm=20)
    lines = [
        Line(
            f"feed of {events:,} events, whole",
            stage.database,
            cold,
            None,
            f"{len(answer.data) / 1000:.0f} kB",
            [Goal("≤ 2.5 s CPU", cold.cpu50 <= 2500)] if events > 5000 else [],
        ),
        Line(
            f"poll with nothing new, of {events:,} events (test client)",
            stage.database,
            poll,
            raw,
            f"{count(statements)} statements",
            [Goal("≤ 0.8 ms CPU", poll.cpu50 <= 0.8)],
        ),
    ]
    return lines, path
