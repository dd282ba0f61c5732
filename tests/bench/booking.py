"""One reservation: the overlap check, the use case, the HTTP API, the form."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from app import clock
from app.catalog.models import Instrument
from app.catalog.queries import instrument_by_slug
from app.db import db, transaction
from app.domain.approval import HOLDING
from app.domain.booking import BookingRequest
from app.domain.errors import Taken
from app.domain.interval import Interval
from app.domain.recurrence import MOST, Recurrence
from app.reservations import fake, queries, services
from app.reservations.models import Reservation
from app.reservations.series import Repeat, request_series
from tests.bench.measure import Goal, Line, Timing, timed
from tests.bench.stage import Heard, Stage, count, listening

#: NEMO-CE's CPU, MRBS's latency for the same work (see targets.md).
NEMO_CPU, MRBS_P50 = 23.0, 9.9
LIMITS = {"SQLite": 1.5, "PostgreSQL": 2.5}
_SEED = 101
_HOUR = timedelta(hours=1)


def overlap(stage: Stage, sizes: list[int]) -> Iterator[Line]:
    """The check for overlaps on one instrument with ever longer history."""
    first: float | None = None
    for seed, size in enumerate(sizes, _SEED):
        stage.fill(fake.Load(1, size, 20, seed))
    stage.settle()
    for seed, size in enumerate(sizes, _SEED):
        # At many hours, as one of them may lie beside more reservations than another.
        checks = [_checks(stage, f"load-{seed}-1", hour) for hour in range(20, 70)]
        raw = timed(lambda n, all_=checks: stage.raw.replay(all_[n % len(all_)][1]), times=50)
        mine = timed(
            lambda n, all_=checks: stage.raw.replay(all_[n % len(all_)][0]), times=2000, warm=200
        )
        # PostgreSQL's work is not this process's: its time is what passes.
        cost = mine.cpu50 if stage.database == "SQLite" else mine.p50
        first = first or cost
        growth = cost / first
        yield Line(
            f"overlap check on {size:,} rows (raw: naive)",
            stage.database,
            mine,
            raw,
            f"{growth:.2f}× the shortest history; naive p50 {raw.p50:.3f} ms",
            [Goal("flat within 1.3×", growth <= 1.3)],
        )


def _checks(stage: Stage, slug: str, hours: int) -> tuple[Heard, Heard]:
    """The statement of the use case, and one that looks at the whole history."""
    start = stage.now + timedelta(hours=hours)
    with stage.app.app_context():
        instrument = instrument_by_slug(slug)
        during = Interval(start, start + timedelta(hours=1))
        with listening(stage.app) as heard:
            queries.booking_facts(instrument, stage.user(1), during, now=stage.now)
        naive = select(Reservation.id).where(
            Reservation.instrument_id == instrument.id,
            Reservation.status.in_(HOLDING),
            Reservation.interval.overlaps(during),
        )
        with listening(stage.app) as heard_naive:
            db.session.execute(naive)
        db.session.remove()
    checks = [each for each in heard if "UNION ALL" in each[0]]
    return checks[:1], [each for each in heard_naive if each[0].startswith("SELECT")]


def use_case(stage: Stage, times: int) -> tuple[Line, Timing]:
    """One reservation with all rules, audit and outbox, beside its bare statements."""
    warm = 10
    wanted = [stage.free_hour() for _ in range(times + warm)]
    transcripts: list[Heard] = []
    with stage.app.app_context():
        user = stage.user(1)

        def reserve(number: int) -> None:
            slug, interval = wanted[number]
            services.request_reservation(
                user, BookingRequest(slug, interval, purpose="bench"), now=clock.now()
            )

        mine = timed(reserve, times=times, warm=warm, after=db.session.expunge_all)
        # Once more with an ear to it, and undone, so that the bare driver can do the same.
        for _ in range(30 + warm):
            wanted.append(stage.free_hour())
            with listening(stage.app) as heard:
                reserve(len(wanted) - 1)
            transcripts.append(heard)
            db.session.expunge_all()
        db.session.remove()
    last = "SELECT max(id) FROM reservation"
    stage.raw.do(
        f"DELETE FROM reservation WHERE id > ({last}) - {len(transcripts)}",
        "DELETE FROM outgoing_mail",
    )
    raw = timed(lambda number: stage.raw.replay(transcripts[number]), times=30, warm=warm)
    issued, limit = count(transcripts[-1]), LIMITS[stage.database]
    line = Line(
        "reservation, use case",
        stage.database,
        mine,
        raw,
        f"{issued} statements",
        [
            Goal(f"≤ {limit} ms CPU", mine.cpu50 <= limit),
            Goal("≤ 12 statements", issued <= 12),
        ],
    )
    return line, mine


def refusal(stage: Stage, times: int) -> Line:
    """What the one who comes second costs: what is taken, and three times nearby."""
    with stage.app.app_context():
        user = stage.user(1)
        slug, interval = stage.free_hour()
        request = BookingRequest(slug, interval, purpose="bench")
        services.request_reservation(user, request, now=clock.now())

        def refuse(_: int) -> None:
            with suppress(Taken):
                services.request_reservation(user, request, now=clock.now())
                raise AssertionError("it was taken")

        mine = timed(refuse, times=times, after=db.session.expunge_all)
        with listening(stage.app) as heard:
            refuse(0)
        db.session.remove()
    said = f"{count(heard)} statements"
    return Line("refusal with alternatives, use case", stage.database, mine, None, said)


def series(stage: Stage, times: int) -> Line:
    """The most dates that one request may ask for, each judged, priced and written."""
    seed = 451
    stage.fill(fake.Load(times + 1, 0, 2, seed))
    start = stage.now.replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=2)
    repeat = Repeat(Recurrence.parse(f"FREQ=DAILY;COUNT={MOST}"))
    with stage.app.app_context():
        with transaction():
            ours = Instrument.slug.startswith(f"load-{seed}-")
            booking = db.session.scalars(select(Instrument.booking).where(ours)).first()
            year = {"booking": {**(booking or {}), "earliest": "P400D"}}
            db.session.execute(update(Instrument).where(ours).values(year))
        user = stage.user(1, seed)

        def reserve(number: int) -> None:
            slug, interval = f"load-{seed}-{number + 1}", Interval(start, start + _HOUR)
            asked = BookingRequest(slug, interval, purpose="bench")
            request_series(user, asked, repeat, now=clock.now())

        mine = timed(reserve, times=times, warm=1, after=db.session.expunge_all)
        db.session.remove()
    said = f"{mine.p50 / MOST:.2f} ms a date"
    goal = Goal("< 1 s", mine.p50 < 1_000)
    return Line(f"a series of {MOST} dates", stage.database, mine, said=said, goals=[goal])


def api(stage: Stage, times: int, bare: Timing) -> Line:
    """One reservation through the HTTP API."""
    warm = 10
    wanted = [stage.free_hour() for _ in range(times + warm)]
    client = stage.app.test_client()
    headers = {"Authorization": f"Bearer {stage.token(2)}"}

    def reserve(number: int) -> None:
        answer = client.post("/api/v1/reservations", json=body(*wanted[number]), headers=headers)
        assert answer.status_code == 201, answer.text

    mine = timed(reserve, times=times, warm=warm)
    return Line(
        "reservation, HTTP API (test client)",
        stage.database,
        mine,
        None,
        f"{mine.cpu50 / bare.cpu50:.1f}× the use case",
        [
            Goal("≤ 2.5× the use case's CPU", mine.cpu50 <= 2.5 * bare.cpu50),
            *_peers(mine),
        ],
    )


def form(stage: Stage, times: int, bare: Timing) -> Line:
    """One reservation through the form, with session and CSRF token."""
    warm = 10
    wanted = [stage.free_hour() for _ in range(times + warm)]
    with stage.app.app_context():
        uniquifier = stage.user(3).fs_uniquifier
        db.session.remove()
    client = stage.app.test_client()
    with client.session_transaction() as session:
        session.update(_user_id=uniquifier, _fresh=True)
    page = client.get(f"/instruments/{wanted[0][0]}/reserve")
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, "the form has no CSRF token"
    zone = stage.app.config["SETTINGS"].timezone

    def reserve(number: int) -> None:
        slug, interval = wanted[number]
        answer = client.post(
            f"/instruments/{slug}/reserve",
            data={
                "csrf_token": found[1],
                "starts_at": f"{interval.start.astimezone(zone):%Y-%m-%dT%H:%M}",
                "ends_at": f"{interval.end.astimezone(zone):%Y-%m-%dT%H:%M}",
                "purpose": "bench",
                "mode": "self_operated",
            },
        )
        assert answer.status_code == 303, answer.text

    mine = timed(reserve, times=times, warm=warm)
    return Line(
        "reservation, form (test client)",
        stage.database,
        mine,
        None,
        f"{mine.cpu50 / bare.cpu50:.1f}× the use case",
        [Goal("≤ 4× the use case's CPU", mine.cpu50 <= 4 * bare.cpu50), *_peers(mine)],
    )


def body(slug: str, interval: Interval) -> dict[str, Any]:
    return {
        "instrument": slug,
        "starts_at": interval.start.isoformat(),
        "ends_at": interval.end.isoformat(),
        "purpose": "bench",
    }


def _peers(mine: Timing) -> list[Goal]:
    return [
        Goal("≤ ⅛ of NEMO-CE's CPU", mine.cpu50 <= NEMO_CPU / 8),
        Goal("p50 ≤ ½ of MRBS's", mine.p50 <= MRBS_P50 / 2),
    ]
