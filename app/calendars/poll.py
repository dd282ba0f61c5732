"""One poll of a feed: whether anything is new, and if so, all that is to be told."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.models import User
from app.calendars import events, queries
from app.calendars.events import Face, Reader
from app.calendars.feed import Calendar, Event, render
from app.calendars.models import Detail, Feed, FeedKind
from app.calendars.queries import Polled
from app.catalog.models import Blackout
from app.config import Settings
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of

#: Goes up with every change of what feeds say, so that apps fetch them anew.
FORM = 2
#: So long a cancelled reservation stays visible in feeds that keep them.
CANCELLED_SHOWN = timedelta(days=30)

_NAMES = {
    FeedKind.MINE: Text("내 예약", "My reservations"),
    FeedKind.APPROVALS: Text("승인 대기 예약", "Awaiting my approval"),
}


def etag(polled: Polled, today: date, settings: Settings) -> str:
    """Differs whenever the feed's text may: its settings, its owner's rights, what it shows.

    The day counts because the window moves with it.
    """
    version: object = polled.calendar_version
    if version is None and polled.active:
        version = queries.versions_of_many(polled)
    parts = (
        FORM,
        (polled.id, polled.name, polled.kind.value, polled.detail.value, polled.cancelled.value),
        (polled.active, polled.language, polled.rights),
        (version, polled.catalog_version),
        (today, settings.feed_days_back, settings.feed_days_ahead, settings.timezone.key),
        (settings.public_url, settings.calendar_domain, settings.mail_from),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def today(now: datetime, settings: Settings) -> date:
    """The day on which a poll falls, in the zone of the whole instance."""
    return day_of(now, settings.timezone)


def since(polled: Polled, tag: str, now: datetime) -> datetime:
    """Since when the feed says what it says now, to the second, as far as polls have told.

    Always later than what was told of an earlier text: a date that two texts share would
    hide the second one from clients that go by dates.
    """
    before = polled.changed_at
    if before and polled.etag == tag:
        return before
    now = now.replace(microsecond=0)
    return max(now, before + timedelta(seconds=1)) if before else now


def title(feed: Feed, language: str) -> str:
    """The name of a feed: its owner's choice, else what it is of."""
    if feed.name:
        return feed.name
    if feed.kind in _NAMES:
        return _NAMES[feed.kind].in_(language)
    thing = feed.instrument or feed.facility or feed.institution
    ko, en = (thing.name_ko, thing.name_en) if thing else ("", "")
    return (ko or en) if language.startswith("ko") else (en or ko)


def text(feed: Feed, today: date, settings: Settings) -> Iterator[bytes]:
    """The feed as a calendar, in pieces. All reads are made before the first piece is."""
    zone = settings.timezone
    window = Interval(
        day_interval(today - timedelta(days=settings.feed_days_back), zone).start,
        day_interval(today + timedelta(days=settings.feed_days_ahead), zone).end,
    )
    reader = Reader(feed.user_id, feed.user.language, settings.public_url, settings.calendar_domain)
    kept_since = day_interval(today - CANCELLED_SHOWN, zone).start
    told, zones = _told(feed, window, reader, kept_since) if feed.user.active else (iter(()), set())
    calendar = Calendar(
        name=f"{title(feed, reader.language)} · Dure",
        zone=_own_zone(feed) or zone,
        organizer=parseaddr(settings.mail_from)[1],
        window=window,
        zones=frozenset(zones),
    )
    return render(calendar, told)


def _own_zone(feed: Feed) -> ZoneInfo | None:
    facility = feed.instrument.facility if feed.instrument else feed.facility
    return ZoneInfo(facility.timezone) if facility else None


def _told(
    feed: Feed, window: Interval, reader: Reader, kept_since: datetime
) -> tuple[Iterator[Event], set[ZoneInfo]]:
    """The events, still to be put into words, and the zones that they stand in.

    Only plain values are put into words: the answer may still be on its way when the database
    has been let go.
    """
    rows = queries.shown(feed, window, kept_since=kept_since)
    closed = queries.blackouts(feed, window)
    out = queries.out_of_order(feed, window)
    faces = _faces({row.instrument_id for row in rows} | set(out), feed, closed, reader)
    blackouts = [
        events.blackout_event(blackout, face, reader)
        for blackout, face in _closed_places(feed, closed, faces, reader)
    ]
    blackouts += [
        events.out_of_order_event(id_, Interval(since, window.end), faces[id_], reader)
        for id_, since in out.items()
    ]
    found = queries.institutions({row.institution_id for row in rows} - {None})
    institutions = {id_: reader.of(institution) for id_, institution in found.items()}
    in_full = _in_full(feed, {face.scope for face in faces.values()})
    named = feed.kind is not FeedKind.MINE
    along = {
        uid: ", ".join(map(reader.of, instruments))
        for uid, instruments in queries.reserved_along(rows).items()
    }

    def tell() -> Iterator[Event]:
        for row in rows:
            face, institution = faces[row.instrument_id], institutions.get(row.institution_id, "")
            if in_full(face.scope, row.holder_id):
                told = along.get(row.uid, "")
                yield events.reservation_event(
                    row, face, institution, reader, named=named, along=told
                )
            else:
                yield events.busy_event(row, face, institution, reader)
        yield from blackouts

    return tell(), {face.zone for face in faces.values()} | {event.zone for event in blackouts}


def _in_full(feed: Feed, scopes: set[Scope]) -> Callable[[Scope, int], bool]:
    """Whether the feed's owner may see the details of a reservation; asked once a facility."""
    if feed.detail is Detail.BUSY:
        return lambda _scope, _holder_id: False
    owner: User = feed.user
    owner_id, see = owner.id, Action.SEE_BUSY_DETAILS
    own = access.may(owner, see, Scope(holder_id=owner_id))
    managed = {scope for scope in scopes if access.may(owner, see, scope)}
    return lambda scope, holder_id: scope in managed or (own and holder_id == owner_id)


def _faces(
    ids: set[int], feed: Feed, closed: Sequence[Blackout], reader: Reader
) -> dict[int, Face]:
    """The faces of all instruments that appear in the feed."""
    ids = ids | {blackout.instrument_id for blackout in closed if blackout.instrument_id}
    if feed.kind is FeedKind.INSTRUMENT and feed.instrument_id and closed:
        ids |= {feed.instrument_id}
    return {
        id_: events.face_of_instrument(instrument, reader)
        for id_, instrument in queries.instruments(ids).items()
    }


def _closed_places(
    feed: Feed, closed: Sequence[Blackout], faces: dict[int, Face], reader: Reader
) -> list[tuple[Blackout, Face]]:
    """Each blackout with what it closes; in an instrument's feed that is the instrument."""
    if feed.kind is FeedKind.INSTRUMENT and feed.instrument_id:
        return [(blackout, faces[feed.instrument_id]) for blackout in closed]
    wide = queries.facilities({b.facility_id for b in closed if b.facility_id})
    found = []
    for blackout in closed:
        if blackout.instrument_id:
            found.append((blackout, faces[blackout.instrument_id]))
        elif blackout.facility_id:
            found.append((blackout, events.face_of_facility(*wide[blackout.facility_id], reader)))
    return found
