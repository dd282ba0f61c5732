"""The month close of many charges, and the settlement of many institutions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import bindparam, event, insert, select, update

from app.accounts.access import OPERATOR
from app.accounts.models import Institution, InstitutionKind
from app.billing import closing, queries
from app.billing.models import Statement
from app.billing.months import interval_of, last_day, month_before
from app.catalog.models import Facility, Instrument
from app.db import db, table_of, transaction
from app.domain.approval import Status
from app.domain.booking import Mode
from app.domain.interval import Interval
from app.rates.queries import tariff_of
from app.reservations.fake import Load
from app.reservations.models import Reservation
from tests.bench.measure import Goal, Line, Timing, timed
from tests.bench.stage import Heard, Stage

_SEED = 401
_MINUTE = timedelta(minutes=1)
#: What the close adds; rows of other tables, such as the audit's, are not counted as its own.
_POSTED = re.compile(
    r"INSERT INTO (ledger_entry|ledger_posting|charge|statement|statement_line)\b", re.ASCII
)
_NUMBERED = ("ledger_entry", "charge", "statement")
_INSTITUTIONS = 200


def month(stage: Stage, charges: int) -> Iterator[Line]:
    """A supplier closes a month; half of the uses are priced by what was used of them."""
    cost = []
    for seed, wanted in ((_SEED, charges // 10), (_SEED + 1, charges)):
        closed = month_before(stage.now.date().replace(day=1))
        _uses(stage, seed, closed, wanted)
        mine, raw = _close(stage, f"load-{seed}-1", closed, wanted)
        # PostgreSQL's work is not this process's: what passes is compared.
        in_all = [each.cpu50 if stage.database == "SQLite" else each.p50 for each in (mine, raw)]
        cost.append(in_all[0] / wanted)
        said = f"{cost[-1] * 1000:.0f} µs a charge, {in_all[0] / in_all[1]:.1f}× the inserts"
        if len(cost) == 2:
            said += f", {cost[1] / cost[0]:.2f}× that of a tenth as many"
        yield Line(
            f"closing {wanted:,} charges (raw: their inserts)",
            stage.database,
            mine,
            raw,
            said,
            [Goal("≤ 8×", in_all[0] <= 8 * in_all[1])] if wanted == charges else (),
        )


def _uses(stage: Stage, seed: int, month_: date, charges: int) -> None:
    """Reservations of one supplier's instruments, over by the end of the month, with quotes."""
    stage.fill(Load(-(-charges // 500), charges * 2, 60, seed))
    ours = select(Instrument.id).where(Instrument.slug.startswith(f"load-{seed}-"))
    with stage.app.app_context(), transaction():
        supplier = select(Institution.id).where(Institution.slug == f"load-{seed}-1")
        db.session.execute(
            update(Facility)
            .where(Facility.slug.startswith(f"load-{seed}-"))
            .values(institution_id=supplier.scalar_subquery())
        )
        classes = ("own_institution", "partner", "other_academic")
        prices = {"unit": "hour"} | dict.fromkeys(classes, 12_000)
        db.session.execute(update(Instrument).where(Instrument.id.in_(ours)).values(prices=prices))
        over = db.session.execute(
            select(Reservation.id, Reservation.starts_at, Reservation.ends_at)
            .where(
                Reservation.instrument_id.in_(ours),
                Reservation.status == Status.COMPLETED,
                Reservation.ends_at <= interval_of(month_).end,
            )
            .order_by(Reservation.ends_at.desc())
        ).all()
        assert len(over) >= charges, f"{len(over)} uses do not make {charges} charges"
        instrument = db.session.get_one(Instrument, db.session.scalar(ours.limit(1)))
        _quote(stage, instrument, stage.user(1, seed), over[:charges])
        unpriced = [each.id for each in over[charges:]]
        table = table_of(Reservation)
        if unpriced:
            db.session.connection().execute(
                update(table).where(table.c.id == bindparam("key")).values(status=Status.CANCELLED),
                [{"key": each} for each in unpriced],
            )
    stage.settle()


def _quote(stage: Stage, instrument: Instrument, holder: Any, uses: Any) -> None:
    """As each would have been quoted; every second was left ten minutes early."""
    tariff = tariff_of(instrument, holder, now=stage.now)
    known: dict[timedelta, dict[str, Any]] = {}
    wanted = []
    for number, (key, start, end) in enumerate(uses):
        if end - start not in known:
            known[end - start] = tariff.kept(Interval(start, end), Mode.SELF_OPERATED)
        early = (start, end - 10 * _MINUTE) if number % 2 else (None, None)
        wanted.append({"key": key, **known[end - start], "came": early[0], "went": early[1]})
    table = table_of(Reservation)
    db.session.connection().execute(
        update(table)
        .where(table.c.id == bindparam("key"))
        .values(
            quote=bindparam("quote"),
            charging=bindparam("charging"),
            used_from=bindparam("came"),
            used_until=bindparam("went"),
        ),
        wanted,
    )


class _Undone(Exception):
    """Takes back what was closed, so that it can be closed again."""


def _close(stage: Stage, supplier: str, month_: date, charges: int) -> tuple[Timing, Timing]:
    """Closing, and the inserts that were heard from it by the bare driver; each time undone."""
    heard: Heard = []

    def close(_: int) -> None:
        with suppress(_Undone):
            closing.close_month(OPERATOR, supplier, month_, now=stage.now)

    times = 3 if charges > 10_000 else 5
    with stage.app.app_context(), _undoing():
        ids = {name: _next_id(stage, name) for name in _NUMBERED}
        with _hearing(heard):
            close(0)
        db.session.remove()
        mine = timed(close, times=times, warm=0, after=db.session.remove)
    made = sum(len(rows) for said, rows in heard if "INTO statement_line" in said)
    assert made >= charges, f"{made} lines for {charges} charges"
    raw = timed(lambda _: stage.raw.undone(heard, ids), times=times, warm=1)
    return mine, raw


@contextmanager
def _undoing() -> Iterator[None]:
    """Let no transaction end well."""

    def undo(_session: Any) -> None:
        raise _Undone

    event.listen(db.session, "before_commit", undo)
    try:
        yield
    finally:
        event.remove(db.session, "before_commit", undo)


@contextmanager
def _hearing(heard: Heard) -> Iterator[None]:
    """The rows that are added within."""

    def hear(_connection: Any, _cursor: Any, said: str, rows: Any, *_: Any) -> None:
        if _POSTED.match(said):
            heard.append((said, rows))

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)


def _next_id(stage: Stage, table: str) -> int:
    """Which id a row of PostgreSQL would get now: rows heard later refer to it."""
    if stage.database == "SQLite":
        return 0
    found = db.session.connection().exec_driver_sql(
        f"SELECT last_value + is_called::int FROM {table}_id_seq"
    )
    return int(found.scalar_one())


def settlement(stage: Stage) -> Line:
    """Who owes whom in a month, netted, beside the sums of the bare driver."""
    # Long ago: what is reserved here and not closed yet would be priced for it, too.
    closed = date(stage.now.year - 4, 1, 1)
    with stage.app.app_context():
        with transaction():
            _statements(stage, closed)

        def settle(_: int) -> int:
            found = queries.settlement_of(closed, now=stage.now)
            assert sum(found.balances.values()) == 0
            db.session.expunge_all()
            return len(found.transfers)

        transfers = settle(0)
        mine = timed(settle, times=10)
        db.session.remove()
    sums = (
        "SELECT supplier_id, payer_id, sum(net), sum(vat), sum(sponsored) FROM statement "
        f"WHERE month = '{closed}' GROUP BY supplier_id, payer_id"
    )
    raw = timed(lambda _: stage.raw.do(sums), times=10)
    pairs = _INSTITUTIONS * (_INSTITUTIONS - 1)
    return Line(
        f"settlement of {_INSTITUTIONS} institutions, {pairs:,} statements (raw: their sums)",
        stage.database,
        mine,
        raw,
        f"{transfers} transfers",
    )


def _statements(stage: Stage, month_: date) -> None:
    """One from each to each other."""
    rng = Random(_SEED)
    slugs = [f"bench-{number:03}" for number in range(_INSTITUTIONS)]
    db.session.execute(
        insert(Institution),
        [
            {
                "slug": slug,
                "name_ko": slug,
                "name_en": slug,
                "kind": InstitutionKind.UNIVERSITY,
                "illustrative": True,
            }
            for slug in slugs
        ],
    )
    ids = db.session.scalars(
        select(Institution.id).where(Institution.slug.in_(slugs)).order_by(Institution.id)
    ).all()
    dated = last_day(month_)
    db.session.execute(
        insert(Statement),
        [
            {
                "uid": f"{rng.getrandbits(128):032x}",
                "supplier_id": supplier,
                "payer_id": payer,
                "month": month_,
                "year": month_.year,
                "number": number,
                "dated": dated,
                "due_on": dated,
                "net": rng.randrange(10**7),
                "vat": rng.randrange(10**6),
                "sponsored": 0,
                "parties": {},
                "issued_at": stage.now,
            }
            for supplier in ids
            for number, payer in enumerate((each for each in ids if each != supplier), 1)
        ],
    )
