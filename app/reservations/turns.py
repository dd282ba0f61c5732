"""Taking turns on an instrument's calendar, and telling its readers that it changed."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import bindparam, case, select, update

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.db import Seconds, db, table_of
from app.domain.errors import NotFound, Text
from app.domain.interval import Interval
from app.reservations import duties, queries
from app.reservations.linked import Along, along, of_bundles
from app.reservations.models import Reservation

_instrument = table_of(Instrument)
_user = table_of(User)
_longest = bindparam("longest", type_=Seconds())
_TAKE_TURN = (
    update(_instrument)
    .where(_instrument.c.id == bindparam("instrument"))
    .values(
        calendar_version=_instrument.c.calendar_version + 1,
        longest_hold=case(
            (_instrument.c.longest_hold < _longest, _longest), else_=_instrument.c.longest_hold
        ),
    )
)
_READ = (
    select(Instrument)
    .join(Instrument.facility)
    .join(Facility.institution)
    .where(Instrument.id == bindparam("instrument"))
    .options(queries.WITH_FACILITY)
    .execution_options(populate_existing=True)
)
_TOUCH = (
    update(_user)
    .where(_user.c.id == bindparam("user"))
    .values(calendar_version=_user.c.calendar_version + 1)
)


def lock_calendar(instrument_id: int, interval: Interval | None = None) -> Instrument:
    """Let nobody else change the instrument's calendar until this transaction ends.

    A write, not `SELECT … FOR UPDATE`, because SQLite ignores the latter. The longest hold
    grows with it, before the hold is placed: reads may rely on it at every instant.
    """
    return lock_calendars([instrument_id], interval)[instrument_id]


def take_turn(instrument_id: int, interval: Interval | None) -> Instrument:
    """On the one calendar; see `lock_calendar`, which also sees to its operators."""
    longest = interval.duration if interval else timedelta(0)
    db.session.connection().execute(_TAKE_TURN, {"instrument": instrument_id, "longest": longest})
    found = db.session.scalar(_READ, {"instrument": instrument_id})
    if found is None:
        raise NotFound(Text("해당 장비를 찾을 수 없습니다.", "There is no such instrument."))
    return found


def lock_calendars(ids: Collection[int], interval: Interval | None = None) -> dict[int, Instrument]:
    """The same of several, in the order of ids, as everyone does: nobody waits for ever.

    Behind them those of their operators, who may be wanted on other instruments at this moment.
    """
    locked = {each: take_turn(each, interval) for each in sorted(ids)}
    attended = [each.id for each in locked.values() if duties.plans_operators(each)]
    if attended:
        duties.lock_operators(attended)
    return locked


def lock_together(
    instrument_id: int,
    ids: Collection[int],
    interval: Interval,
    accessories: Collection[str] = (),
) -> tuple[Instrument, tuple[Along, ...]]:
    """Take turns on an instrument and all that is reserved along; `ids` were read before."""
    locked = lock_calendars(ids, interval)
    known = {each.slug: each for each in locked.values()}
    instrument = locked[instrument_id]
    return instrument, along(instrument, accessories, known)


def lock_reserved(before: Reservation, interval: Interval | None = None) -> Instrument:
    """Take turns on all that a reservation holds, with what was reserved along; its instrument."""
    return lock_calendars(of_bundles([before]), interval)[before.instrument_id]


def touch_calendar(user_id: int) -> None:
    """Let the feeds of a person see that something of theirs changed."""
    db.session.connection().execute(_TOUCH, {"user": user_id})
