"""Telling whoever asked for it when time frees on an instrument."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import zone_of
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.interval import Interval, merged
from app.domain.opening_hours import OpeningHours
from app.domain.waitlist import worth_telling
from app.reservations import notices, queries, watch_links
from app.reservations.models import FreedTime, TimeWatch

#: How long it is remembered that people were told.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Of which freed time somebody wants to be told."""

    shortest: timedelta
    days_ahead: int
    hours: dict[str, list[str]] | None = None  # as opening hours are written


def watch_of(user: User, instrument: Instrument) -> TimeWatch | None:
    return db.session.scalar(
        select(TimeWatch).where(
            TimeWatch.user_id == user.id, TimeWatch.instrument_id == instrument.id
        )
    )


def watch(user: User, instrument: Instrument, wanted: Watch, *, now: datetime) -> None:
    """Tell the person from now on; what they said before is replaced."""
    with transaction():
        user = queries.person(user.id)
        access.require(user, Action.RESERVE, scope_of(instrument))
        _forget(user, instrument)
        db.session.add(
            TimeWatch(
                user_id=user.id,
                instrument_id=instrument.id,
                shortest=wanted.shortest,
                days_ahead=wanted.days_ahead,
                hours=wanted.hours,
                made_at=now,
            )
        )


def stop_watching(user: User, instrument: Instrument) -> None:
    with transaction():
        _forget(user, instrument)


def stop_by_link(secret: str) -> None:
    """Whoever has the mail stops it, signed in or not."""
    with transaction():
        db.session.delete(watch_links.watch_by(secret))


def _forget(user: User, instrument: Instrument) -> None:
    db.session.execute(
        delete(TimeWatch).where(
            TimeWatch.user_id == user.id, TimeWatch.instrument_id == instrument.id
        )
    )


def tell(now: datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Tell of time that has become free and still is; how many mails were written.

    Each freed span is dealt with once, and all of an instrument in one mail: what is offered to
    somebody on the waitlist is not free, and becomes a freed span of its own if nobody takes it.
    """
    told = 0
    untold = select(FreedTime.instrument_id).where(FreedTime.told_at.is_(None)).distinct()
    for each in db.session.scalars(untold.order_by(FreedTime.instrument_id)).all():
        if stopping():
            break
        with transaction():
            claimed = db.session.execute(
                update(FreedTime)
                .where(FreedTime.instrument_id == each, FreedTime.told_at.is_(None))
                .values(told_at=now)
                .returning(FreedTime.id, FreedTime.starts_at, FreedTime.ends_at)
            ).all()
            if claimed:  # Not by another worker meanwhile.
                spans = [Interval(max(start, now), end) for _, start, end in claimed if end > now]
                told += _tell_of(each, merged(spans), str(max(row.id for row in claimed)), now)
    _clean_up(now)
    return told


def _tell_of(instrument_id: int, freed: Sequence[Interval], key: str, now: datetime) -> int:
    instrument = db.session.scalars(
        select(Instrument)
        .where(Instrument.id == instrument_id)
        .options(joinedload(Instrument.facility).joinedload(Facility.institution))
    ).one()
    still = [span for each in freed for span in queries.free_around(instrument, each, now=now)]
    told = 0
    for watch in _watches(instrument) if still else ():
        parts = worth_telling(
            still,
            shortest=watch.shortest,
            days_ahead=watch.days_ahead,
            hours=OpeningHours.parse(watch.hours) if watch.hours else None,
            zone=zone_of(instrument),
            now=now,
        )
        if parts and watch.user.active:
            notices.time_freed(watch, instrument, parts, key=key, now=now)
            told += 1
    return told


def _watches(instrument: Instrument) -> Sequence[TimeWatch]:
    return db.session.scalars(
        select(TimeWatch)
        .where(TimeWatch.instrument_id == instrument.id)
        .options(joinedload(TimeWatch.user))
    ).all()


def _clean_up(now: datetime) -> None:
    old = FreedTime.told_at < now - _KEPT
    if db.session.scalar(select(FreedTime.id).where(old).limit(1)) is None:
        return
    with transaction():
        db.session.execute(delete(FreedTime).where(old))
