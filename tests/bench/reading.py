"""Reads: calendars of a week, the catalogue's search, free slots, feeds."""

import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta

from flask.testing import FlaskClient

from app import clock
from app.calendars import services as calendars
from app.calendars.models import FeedKind
from app.calendars.services import FeedRequest
from app.catalog.filters import Filter
from app.catalog.search import search
from app.db import db
from app.domain.interval import Interval
from app.domain.opening_hours import OpeningHours
from app.domain.wish import Wish
from app.reservations import fake, queries
from app.reservations.availability import Search, Wanted
from tests.bench.measure import Goal, Line, Timing, timed
from tests.bench.stage import Heard, Stage, count, listening

_DAY = timedelta(days=1)

#: As every browser asks.
PACKED = {"Accept-Encoding": "gzip"}


def weeks(stage: Stage) -> Iterator[Line]:
    """What the calendar of one instrument, and the timeline of fifty, ask for."""
    client = stage.app.test_client()
    start = stage.now.replace(hour=0, minute=0, second=0, microsecond=0)
    window = {"start": start.isoformat(), "end": (start + 7 * _DAY).isoformat()}

    def get(path: str, **query: str) -> Callable[[int], object]:
        def work(_: int) -> None:
            asked = window | query
            assert client.get(path, query_string=asked, headers=PACKED).status_code == 200

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
    yield _schedule(stage, client, size)


def _schedule(stage: Stage, client: FlaskClient, events: int) -> Line:
    """The whole page of those fifty for a week, as a browser asks for it."""
    asked = {"facility": "load-1-facility-1", "span": "week"}

    def get(_: int) -> int:
        answer = client.get("/schedule", query_string=asked, headers=PACKED)
        assert answer.status_code == 200
        return len(answer.data)

    page = get(0)
    mine = timed(get)
    return Line(
        f"/schedule of {fake.INSTRUMENTS_PER_FACILITY} instruments, the page of a week",
        stage.database,
        mine,
        said=f"{page / 1000:.1f} kB, with its events {(page + events) / 1000:.1f} kB",
        goals=[Goal("< 150 kB over the wire", page + events < 150_000)],
    )


def _beside(
    stage: Stage, client: FlaskClient, work: Callable[[int], object]
) -> tuple[Timing, Timing, int, int, int]:
    """The timing, that of the bare statements, how many, size over the wire, and events."""
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
    assert answers[0].headers["Content-Encoding"] == "gzip"
    return mine, raw, count(statements), len(data), gzip.decompress(data).count(b'"kind"')


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


def availability(stage: Stage) -> Iterator[Line]:
    """Who is free in five working days: easily found, and with every hold looked at in vain."""
    working = OpeningHours.parse({"mon-fri": ["09:00-18:00"]})
    within = Interval(stage.now + _DAY, stage.now + 8 * _DAY)
    yield _who_is_free(stage, "2 h", Wish(timedelta(hours=2), within, working), least=50)
    whole_day = Wish(timedelta(hours=8), within, working)
    yield _who_is_free(stage, "8 h, all of them", whole_day, least=0, limit=100_000)


def _who_is_free(stage: Stage, said: str, wish: Wish, *, least: int, limit: int = 50) -> Line:
    with stage.app.app_context():
        wanted = Wanted(wish=wish, among=Filter(institution=_institutions(stage)))
        person = queries.person(stage.user(1).id)

        def look(_: int) -> Search:
            search = Search(wanted, person, clock.now())
            assert least <= len(search.slots(limit=limit))
            return search

        with listening(stage.app) as heard:
            instruments = look(0).instruments
        mine = timed(look, times=10)
        db.session.remove()
    statements = reads(heard)
    raw = timed(lambda _: stage.raw.replay(statements), times=10)
    of_reservations = sum("FROM reservation" in statement for statement, _ in statements)
    return Line(
        f"{said} on any of {instruments:,} in 5 working days",
        stage.database,
        mine,
        raw,
        f"{of_reservations} reads of reservations, {count(statements)} statements",
        [
            *([Goal("≤ 60 ms CPU", mine.cpu50 <= 60)] if least else []),
            Goal("one read", of_reservations == 1),
        ],
    )


def _institutions(stage: Stage) -> tuple[str, ...]:
    """Those of the load, whatever else was filled in meanwhile."""
    return tuple(f"load-{stage.load.seed}-{n}" for n in range(1, fake.INSTITUTIONS + 1))


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
