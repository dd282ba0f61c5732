"""A feed as text by RFC 5545 and 7986: the same bytes for the same events.

Written by hand, because a feed of thousands of events must be cheap and its bytes stable:
the library gives each calendar an identity of its own and takes twenty times as long. See
docs/decisions/feeds-by-hand.md.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.calendars.zones import NAMES_OF_UTC, timezone_lines
from app.domain.interval import Interval

PRODUCT = "-//Dure//Calendar feed//EN"
OCTETS_A_LINE = 75
PIECE = 64 * 1024

_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: Control characters, half characters that UTF-8 cannot carry, and the byte order mark.
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_NOT_PLAIN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\\\\;,]")
_NOT_IN_ADDRESS = re.compile("[^!-~]")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing in a calendar, with all that the reader may see of it."""

    uid: str
    interval: Interval
    zone: ZoneInfo
    created: datetime
    modified: datetime
    sequence: int
    status: str  # CONFIRMED, TENTATIVE or CANCELLED
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a feed says of itself."""

    name: str
    zone: ZoneInfo
    organizer: str  # an e-mail address
    window: Interval
    zones: frozenset[ZoneInfo] = frozenset()  # of its events


def clean(text: str) -> str:
    """Text as a calendar can carry it: lines end in \\n, nothing unprintable."""
    return _UNPRINTABLE.sub("", _LINE_END.sub("\n", text))


def render(calendar: Calendar, events: Iterable[Event]) -> Iterator[bytes]:
    """The calendar in pieces of some 64 kB, so that a large one is never held whole."""
    piece = bytearray(_head(calendar))
    organizer = f"ORGANIZER:mailto:{_NOT_IN_ADDRESS.sub('', calendar.organizer)}"
    for event in events:
        piece += _event(event, organizer)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    piece += b"END:VCALENDAR\r\n"
    yield bytes(piece)


def _head(calendar: Calendar) -> bytes:
    name = _escaped(calendar.name)
    lines = [
        "BEGIN:VCALENDAR",
        f"PRODID:{PRODUCT}",
        "VERSION:2.0",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{name}",
        f"X-WR-CALNAME:{name}",
        f"X-WR-TIMEZONE:{calendar.zone.key}",
        # Apple heeds the first, Outlook the second.
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    # In one order, and never without one: a calendar needs a component, even an empty one.
    for zone in sorted({*calendar.zones, calendar.zone}, key=lambda zone: zone.key):
        lines += timezone_lines(zone, calendar.window)
    return b"".join(map(_folded, lines))


def _event(event: Event, organizer: str) -> bytes:
    cancelled = event.status == "CANCELLED"
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_NOT_IN_ADDRESS.sub('', event.uid)}",
        # Not the time of the poll: what is unchanged keeps its bytes.
        f"DTSTAMP:{_utc(event.modified)}",
        *_times(event.interval, event.zone),
        f"CREATED:{_utc(event.created)}",
        f"LAST-MODIFIED:{_utc(event.modified)}",
        f"SEQUENCE:{event.sequence}",
        f"STATUS:{event.status}",
        f"SUMMARY:{_escaped(event.summary)}",
    ]
    if event.location:
        lines.append(f"LOCATION:{_escaped(event.location)}")
    if event.description:
        lines.append(f"DESCRIPTION:{_escaped(event.description)}")
    if event.categories:
        lines.append(f"CATEGORIES:{','.join(map(_escaped, event.categories))}")
    if event.url:
        lines.append(f"URL:{_NOT_IN_ADDRESS.sub('', event.url)}")
    lines += [
        # Clients want an organizer where there is a method, and no attendee.
        organizer,
        # Of a private event some clients show their own subscriber no more than “busy”.
        "CLASS:PUBLIC",
        "TRANSP:TRANSPARENT" if cancelled else "TRANSP:OPAQUE",
        "END:VEVENT",
    ]
    return b"".join(map(_folded, lines))


def _times(interval: Interval, zone: ZoneInfo) -> tuple[str, str]:
    start, end = interval.start.astimezone(zone), interval.end.astimezone(zone)
    # Where the clocks show an hour twice, a local time means the first; UTC is exact.
    if zone.key in NAMES_OF_UTC or start.fold or end.fold:
        return f"DTSTART:{_utc(start)}", f"DTEND:{_utc(end)}"
    return (
        f"DTSTART;TZID={zone.key}:{start:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={zone.key}:{end:%Y%m%dT%H%M%S}",
    )


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Text that cannot leave its line, whatever somebody typed."""
    if not _NOT_PLAIN.search(text):
        return text
    return (
        clean(text)
        .replace("\\", "\\\\")
        .replace(";", "\\;")
        .replace(",", "\\,")
        .replace("\n", "\\n")
    )


def _folded(line: str) -> bytes:
    """The line in parts of at most 75 octets, none of which breaks a character."""
    octets = line.encode()
    if len(octets) <= OCTETS_A_LINE:
        return octets + b"\r\n"
    parts, start, room = [], 0, OCTETS_A_LINE
    while len(octets) - start > room:
        end = start + room
        while octets[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        parts.append(octets[start:end])
        start, room = end, OCTETS_A_LINE - 1  # the space that continues a line counts
    parts.append(octets[start:])
    return b"\r\n ".join(parts) + b"\r\n"
