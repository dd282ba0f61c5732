"""What a calendar tells of reservations and blackouts, in the language of its reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from app.accounts.access import Scope
from app.calendars.feed import Event
from app.catalog.models import Blackout, BlackoutKind, Facility, Instrument
from app.domain.approval import Status
from app.domain.errors import Text
from app.domain.interval import Interval

_STATUS: Mapping[Status, str] = MappingProxyType(
    {
        Status.PENDING: "TENTATIVE",
        Status.REJECTED: "CANCELLED",
        Status.CANCELLED: "CANCELLED",
        Status.NO_SHOW: "CANCELLED",
        Status.OFFERED: "TENTATIVE",
        Status.LAPSED: "CANCELLED",
    }
)
#: Many apps show the state of an event nowhere: the title says it.
_MARKS: Mapping[Status, Text] = MappingProxyType(
    {
        Status.PENDING: Text("[승인 대기]", "[Pending]"),
        Status.REJECTED: Text("[반려]", "[Rejected]"),
        Status.CANCELLED: Text("[취소]", "[Cancelled]"),
        Status.NO_SHOW: Text("[미사용]", "[No-show]"),
        Status.OFFERED: Text("[대기자에게 제안]", "[Offered]"),
        Status.LAPSED: Text("[취소]", "[Cancelled]"),
    }
)
_ENDED = Text("[취소]", "[Cancelled]")
_BUSY = Text("사용 중", "busy")
_BLACKOUTS: Mapping[BlackoutKind, Text] = MappingProxyType(
    {
        BlackoutKind.MAINTENANCE: Text("점검", "Maintenance"),
        BlackoutKind.CLOSURE: Text("휴무", "Closure"),
        BlackoutKind.FAULT: Text("고장", "Out of order"),
    }
)
_NO_END = Text(
    "언제 복구될지 아직 모릅니다. 복구되면 이 일정은 사라집니다.",
    "Nobody knows yet until when. This event goes when the instrument works again.",
)
_HOLDER = Text("예약자", "Reserved by")
_INSTITUTION = Text("기관", "Institution")
_TECHNIQUE = Text("기법", "Technique")
_PURPOSE = Text("목적", "Purpose")
_CONTACT = Text("문의", "Contact")
_ALONG = Text("함께 예약", "Reserved with it")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose feed it is: their language, and where names and links in it point."""

    user_id: int
    language: str
    public_url: str
    domain: str

    def word(self, text: Text) -> str:
        return text.in_(self.language)

    def of(self, thing: Any, field: str = "name") -> str:
        """A thing's text in the reader's language; the other one where it is missing."""
        first, second = ("ko", "en") if self.language.startswith("ko") else ("en", "ko")
        return str(getattr(thing, f"{field}_{first}") or getattr(thing, f"{field}_{second}") or "")


@dataclass(frozen=True, slots=True)
class Face:
    """What an event shows of the instrument or facility that it is about."""

    name: str
    location: str
    contact: str
    url: str
    zone: ZoneInfo
    techniques: tuple[str, ...]
    version: int
    changed_at: datetime | None
    scope: Scope

    def modified(self, changed_at: datetime) -> datetime:
        """When the event or the face that it shows changed last."""
        return max(changed_at, self.changed_at) if self.changed_at else changed_at


def face_of_instrument(instrument: Instrument, reader: Reader) -> Face:
    facility = instrument.facility
    place = reader.of(instrument, "location") or reader.of(facility, "location")
    contact = instrument.contact or {}
    return Face(
        name=reader.of(instrument),
        location=_joined(", ", place, reader.of(facility), reader.of(facility.institution)),
        contact=_joined(
            ", ", contact.get("email") or facility.email, contact.get("phone") or facility.phone
        ),
        url=f"{reader.public_url}/instruments/{instrument.slug}",
        zone=ZoneInfo(facility.timezone),
        techniques=tuple(filter(None, map(reader.of, instrument.techniques))),
        version=instrument.face_version,
        changed_at=instrument.face_changed_at,
        scope=Scope(institution_id=facility.institution_id, facility_id=facility.id),
    )


def face_of_facility(
    facility: Facility, version: int, changed_at: datetime | None, reader: Reader
) -> Face:
    """A facility changes its face with each of its instruments: the highest version counts."""
    return Face(
        name=reader.of(facility),
        location=_joined(", ", reader.of(facility, "location"), reader.of(facility.institution)),
        contact=_joined(", ", facility.email, facility.phone),
        url=f"{reader.public_url}/facilities/{facility.slug}",
        zone=ZoneInfo(facility.timezone),
        techniques=(),
        version=version,
        changed_at=changed_at,
        scope=Scope(institution_id=facility.institution_id, facility_id=facility.id),
    )


def reservation_event(
    row: Any, face: Face, institution: str, reader: Reader, *, named: bool, along: str = ""
) -> Event:
    """A reservation with its purpose, and with its holder where it may be somebody else's."""
    mark = _MARKS.get(row.status)
    url = f"{reader.public_url}/reservations/{row.uid}"
    holder = _joined(", ", row.holder, institution) if named else ""
    return Event(
        uid=f"{row.uid}@{reader.domain}",
        interval=row.interval,
        zone=face.zone,
        created=row.requested_at,
        modified=face.modified(row.shown_at),
        sequence=row.sequence + face.version,
        status=_STATUS.get(row.status, "CONFIRMED"),
        summary=_joined(
            " ", reader.word(mark) if mark else "", face.name, f"· {row.holder}" if named else ""
        ),
        location=face.location,
        description=_lines(
            reader,
            (_PURPOSE, row.purpose),
            (_ALONG, along),
            (_HOLDER, holder),
            (_CONTACT, face.contact),
            end=url,
        ),
        url=url,
        categories=face.techniques,
    )


def busy_event(row: Any, face: Face, institution: str, reader: Reader) -> Event:
    """That an instrument is in use, by which institution and for what technique; no more.

    Whether it waits for approval, or why it ended, is not for everyone either.
    """
    ended = _STATUS.get(row.status) == "CANCELLED"
    return Event(
        uid=f"{row.uid}@{reader.domain}",
        interval=row.interval,
        zone=face.zone,
        created=row.requested_at,
        modified=face.modified(row.shown_at),
        sequence=row.sequence + face.version,
        status="CANCELLED" if ended else "CONFIRMED",
        summary=_joined(
            " ",
            reader.word(_ENDED) if ended else "",
            face.name,
            f"· {reader.word(_BUSY)}",
            f"({institution})" if institution else "",
        ),
        location=face.location,
        description=_lines(
            reader,
            (_INSTITUTION, institution),
            (_TECHNIQUE, _joined(", ", *face.techniques)),
            (_CONTACT, face.contact),
            end=face.url,
        ),
        url=face.url,
        categories=face.techniques,
    )


def blackout_event(blackout: Blackout, face: Face, reader: Reader) -> Event:
    """A time in which an instrument, or all of a facility, cannot be used."""
    kind = reader.word(_BLACKOUTS[blackout.kind])
    return Event(
        uid=f"blackout-{blackout.id}@{reader.domain}",
        interval=blackout.interval,
        zone=face.zone,
        created=blackout.made_at,
        modified=face.modified(blackout.made_at),
        sequence=face.version,
        status="CONFIRMED",
        summary=f"{face.name} · {kind}",
        location=face.location,
        description=_joined(
            "\n",
            reader.of(blackout, "reason"),
            _lines(reader, (_CONTACT, face.contact), end=face.url),
        ),
        url=face.url,
        categories=(kind,),
    )


def out_of_order_event(instrument_id: int, during: Interval, face: Face, reader: Reader) -> Event:
    """That an instrument cannot be used, as far as the feed goes: nobody knows until when."""
    kind = reader.word(_BLACKOUTS[BlackoutKind.FAULT])
    return Event(
        # Another outage is another event.
        uid=f"out-of-order-{instrument_id}-{int(during.start.timestamp())}@{reader.domain}",
        interval=during,
        zone=face.zone,
        created=during.start,
        modified=face.modified(during.start),
        sequence=face.version,
        status="CONFIRMED",
        summary=f"{face.name} · {kind}",
        location=face.location,
        description=_joined(
            "\n",
            reader.word(_NO_END),
            _lines(reader, (_CONTACT, face.contact), end=face.url),
        ),
        url=face.url,
        categories=(kind,),
    )


def _joined(between: str, *parts: str | None) -> str:
    return between.join(part for part in parts if part)


def _lines(reader: Reader, *told: tuple[Text, str], end: str) -> str:
    """One line each, as far as there is something to say."""
    lines = [f"{reader.word(name)}: {value}" for name, value in told if value]
    return "\n".join((*lines, end))
