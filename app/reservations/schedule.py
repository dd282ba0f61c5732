"""What calendars show: who holds an instrument when, told to each reader by right."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import ColumnElement, String, bindparam, func, select, type_coerce, union_all

from app.accounts.access import Action, Scope, may
from app.accounts.models import Institution, User
from app.catalog.models import Blackout, BlackoutKind, CatalogVersion, Instrument
from app.catalog.policy import affiliation_on, open_spans, zone_of
from app.catalog.queries import blackouts, scope_of
from app.db import db, table_of
from app.domain.approval import Status, Step, steps_from
from app.domain.errors import Text
from app.domain.interval import Interval, without
from app.domain.local_time import day_of
from app.reservations import queries
from app.reservations.models import Reservation

RESERVED = Text("예약됨", "Reserved")
MINE = Text("내 예약", "My reservation")

BLACKOUT_NAMES = {
    BlackoutKind.MAINTENANCE: Text("점검", "Maintenance"),
    BlackoutKind.CLOSURE: Text("휴무", "Closed"),
    BlackoutKind.FAULT: Text("고장", "Out of order"),
}

OUT_OF_ORDER = Text("고장: 복구 시점 미정", "Out of order: no end known")

_CATALOG_VERSION = select(func.max(CatalogVersion.version)).scalar_subquery()

#: Built once: browsers that look at a calendar send it every few seconds.
_MARK = select(Instrument.id, Instrument.calendar_version, _CATALOG_VERSION).where(
    Instrument.slug == bindparam("slug")
)

_DAY = timedelta(days=1)

#: A start and an end as the driver gives them, and what else the row has.
Kept = tuple[Any, ...]

#: Instruments by id, each with the longest hold ever placed on it.
Bounds = Sequence[tuple[int, timedelta]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """A time that is not free on one instrument, in the words that the reader may see."""

    instrument_id: int
    interval: Interval
    kind: str  # "reservation" or "blackout"
    title: Text
    purpose: str = ""
    mine: bool = False
    editable: bool = False
    uid: str | None = None  # of a reservation whose page the reader may open
    status: Status | None = None
    version: int | None = None
    no_end: bool = False  # out of order, and nobody knows until when: the window ends it


def busy(
    instruments: Sequence[Instrument], during: Interval, viewer: User | None, *, now: datetime
) -> list[Busy]:
    """Everything that stands in the way of others within `during`, earliest first.

    A handful of statements, however many instruments and events there are.
    """
    reader = _Reader(viewer, instruments, now)
    found = [reader.tell(row) for row in _held(instruments, during)]
    of_facility = defaultdict(list)
    for instrument in instruments:
        of_facility[instrument.facility_id].append(instrument.id)
    for blackout in blackouts(instruments, during) if instruments else ():
        ids = [blackout.instrument_id] if blackout.instrument_id else None
        found += [
            Busy(
                instrument_id=each,
                interval=blackout.interval,
                kind="blackout",
                title=_why_closed(blackout),
            )
            for each in ids or of_facility[blackout.facility_id or 0]
        ]
    found += [
        Busy(
            instrument_id=each.id,
            interval=Interval(each.out_of_order_since, during.end),
            kind="blackout",
            title=OUT_OF_ORDER,
            no_end=True,
        )
        for each in instruments
        if each.out_of_order_since is not None and each.out_of_order_since < during.end
    ]
    # Plain instants: comparing intervals costs more than all else here, with many events.
    return sorted(
        found, key=lambda each: (each.interval.start, each.interval.end, each.instrument_id)
    )


def closed(instrument: Instrument, during: Interval) -> list[Interval]:
    """The time within `during` in which the instrument does not open."""
    return without([during], open_spans(instrument, during))


def _why_closed(blackout: Blackout) -> Text:
    name = BLACKOUT_NAMES[blackout.kind]
    ko, en = blackout.reason_ko or blackout.reason_en, blackout.reason_en or blackout.reason_ko
    return Text(f"{name.ko}: {ko}" if ko else name.ko, f"{name.en}: {en}" if en else name.en)


class _Reader:
    """What one person may learn of other people's reservations."""

    def __init__(
        self, viewer: User | None, instruments: Iterable[Instrument], now: datetime
    ) -> None:
        self.viewer = viewer if viewer is not None and viewer.is_authenticated else None
        self.now = now
        self.scopes: dict[int, Scope] = {}
        self.managed: set[int] = set()
        self.institution_id: int | None = None
        for instrument in instruments:
            scope = self.scopes[instrument.id] = scope_of(instrument)
            if may(self.viewer, Action.SEE_BUSY_DETAILS, scope):
                self.managed.add(instrument.id)
            if self.viewer and self.institution_id is None:
                affiliation = affiliation_on(self.viewer, day_of(now, zone_of(instrument)))
                self.institution_id = affiliation.institution_id if affiliation else None

    def tell(self, row: Any) -> Busy:
        """The reservation as this reader may see it."""
        mine = self.viewer is not None and row.holder_id == self.viewer.id
        known = mine or row.instrument_id in self.managed
        return Busy(
            instrument_id=row.instrument_id,
            interval=Interval(row.starts_at, row.ends_at),
            kind="reservation",
            title=MINE if mine else self._whose(row, known=known),
            purpose=row.purpose if known else "",
            mine=mine,
            editable=known
            and row.starts_at > self.now
            and Step.CHANGE in steps_from(row.status)
            and self._may_change(row),
            uid=row.uid if known else None,
            status=row.status if known else None,
            version=row.version if known else None,
        )

    def _may_change(self, row: Any) -> bool:
        scope = self.scopes[row.instrument_id]
        of_holder = Scope(scope.institution_id, scope.facility_id, row.holder_id)
        return may(self.viewer, Action.CHANGE_RESERVATION, of_holder)

    def _whose(self, row: Any, *, known: bool) -> Text:
        if self.viewer is None or row.institution_id is None:
            return Text(row.holder, row.holder) if known else RESERVED
        if known or row.institution_id == self.institution_id:
            return Text(row.holder, row.holder)
        return Text(f"{row.institution_ko} 예약", f"Reserved: {row.institution_en}")


def _held(instruments: Sequence[Instrument], during: Interval) -> Sequence[Any]:
    """The reservations that hold any of the instruments, as plain rows of one statement."""
    if not instruments:
        return []
    wanted = (
        select(
            Reservation.instrument_id,
            Reservation.uid,
            Reservation.version,
            Reservation.holder_id,
            Reservation.institution_id,
            Reservation.starts_at,
            Reservation.ends_at,
            Reservation.status,
            Reservation.purpose,
            User.name.label("holder"),
            Institution.name_ko.label("institution_ko"),
            Institution.name_en.label("institution_en"),
        )
        .join(User, User.id == Reservation.holder_id)
        .outerjoin(Institution, Institution.id == Reservation.institution_id)
    )
    # By the connection: a thousand rows need nothing that a session adds to them.
    return db.session.connection().execute(_of_all(wanted, _bounds(instruments), during)).all()


def holds(instruments: Sequence[Instrument], during: Interval) -> defaultdict[int, list[Interval]]:
    """When each of the instruments is held within `during`; one statement."""
    found: defaultdict[int, list[Interval]] = defaultdict(list)
    if instruments:
        plain = select(Reservation.instrument_id, Reservation.starts_at, Reservation.ends_at)
        rows = db.session.execute(_of_all(plain, _bounds(instruments), during))
        for instrument_id, start, end in rows:
            found[instrument_id].append(Interval(start, end))
    return found


def ordered_holds(bounds: Bounds, during: Interval) -> dict[int, list[Kept]]:
    """When each of any number of instruments is held within `during`; one ordered read.

    `bounds`: for each id the longest hold ever placed on that instrument. Instants are as the
    driver gives them, for `instant_of`: of thousands, most are only compared.
    """
    if not bounds:
        return {}
    columns = table_of(Reservation).c
    raw = select(
        _kept(columns.starts_at).label("start"),
        _kept(columns.ends_at).label("end"),
        columns.instrument_id,
    )
    wanted = _of_all(raw, bounds, during).order_by("instrument_id", "start")
    found = db.session.connection().execute(wanted)
    # The driver's own tuples: SQLAlchemy's rows would cost more than all else here.
    rows = found.cursor.fetchall() if found.cursor else ()
    found.close()
    return {id_: list(of_one) for id_, of_one in groupby(rows, itemgetter(2))}


def _kept(instant: ColumnElement[datetime]) -> ColumnElement[Any]:
    """In UTC without saying so: text of SQLite, and what PostgreSQL's driver makes fastest."""
    return type_coerce(instant, String) if _keeps_text() else func.timezone("UTC", instant)


def as_kept(interval: Interval) -> Kept:
    """The interval in the form in which `ordered_holds` gives its own, to be compared with."""
    if _keeps_text():
        text = "%Y-%m-%d %H:%M:%S.%f"
        return interval.start.strftime(text), interval.end.strftime(text)
    return interval.start.replace(tzinfo=None), interval.end.replace(tzinfo=None)


def instant_of(kept: Any) -> datetime:
    """The instant that `ordered_holds` gave."""
    if isinstance(kept, str):
        return datetime.fromisoformat(f"{kept}+00:00")
    return cast("datetime", kept).replace(tzinfo=UTC)


def _keeps_text() -> bool:
    return db.session.get_bind().dialect.name == "sqlite"


def _bounds(instruments: Iterable[Instrument]) -> Bounds:
    return [(instrument.id, instrument.longest_hold) for instrument in instruments]


def _of_all(wanted: Any, bounds: Bounds, during: Interval) -> Any:
    """`wanted` of what holds the instruments, bounded by the longest hold ever placed on them.

    Instruments with holds of like length are asked together: one room let by the month shall
    not make the read of a hundred microscopes walk through a month.
    """
    alike: dict[timedelta, list[int]] = defaultdict(list)
    for instrument_id, longest in bounds:
        alike[_rounded_up(longest)].append(instrument_id)
    parts = [
        wanted.where(
            # Written out, as databases take only so many parameters.
            Reservation.instrument_id.in_(
                bindparam(f"held_{number}", ids, expanding=True, literal_execute=True)
            ),
            queries.HOLDS,
            Reservation.starts_at > during.start - longest,
            Reservation.starts_at < during.end,
            Reservation.ends_at > during.start,
        )
        for number, (longest, ids) in enumerate(alike.items())
    ]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _rounded_up(longest: timedelta) -> timedelta:
    """To 1, 4, 16, 64 … days."""
    bound = _DAY
    while bound < longest:
        bound *= 4
    return bound


def mark(slug: str) -> tuple[int, int, int] | None:
    """What rises with all that an instrument's calendar shows, in one indexed read.

    Its id, its version and the catalogue's; None if there is no such instrument by this name.
    """
    row = db.session.connection().execute(_MARK, {"slug": slug}).first()
    return (row[0], row[1], row[2] or 0) if row else None


def catalog_version() -> int:
    """What rises with every change to the face of an instrument or facility."""
    return db.session.scalar(select(_CATALOG_VERSION)) or 0
