"""What a manager answers for each reservation that is hit, in fields named after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.approval import Status
from app.domain.errors import Invalid
from app.domain.interval import Interval
from app.domain.local_time import to_instant, to_local
from app.reservations.forms import YEARS, seen_version
from app.reservations.giving_way import Answer, CannotGiveWay, Way, suggestions
from app.reservations.models import Reservation
from app.web.pages import localized

_TYPED = "%Y-%m-%dT%H:%M"
_WAY, _START, _VERSION = "way-", "start-", "version-"
FOR_ALL = "for_all"


def answers_of(typed: Mapping[str, str], zone: ZoneInfo) -> dict[str, Answer]:
    """The answers by uid; one that makes no sense is left out, and asked for again."""
    found = {}
    for name in typed:
        uid = name.removeprefix(_VERSION)
        version = seen_version(typed[name])
        way = typed.get(FOR_ALL) or typed.get(_WAY + uid)
        if uid != name and way in tuple(Way) and version is not None:
            found[uid] = Answer(Way(way), version, _instant(typed.get(_START + uid, ""), zone))
    return found


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        local = datetime.strptime(text, _TYPED)  # noqa: DTZ007 – by the clocks of the zone
        return to_instant(local, zone) if local.year in YEARS else None
    except (ValueError, Invalid):
        return None


@dataclass(frozen=True, slots=True)
class HitLine:
    """One reservation that is hit, and what is typed or suggested for it."""

    reservation: Reservation
    ways: tuple[Way, ...]  # those that can be chosen
    way: Way | None
    start: str  # as the field shows it
    suggestion: Interval | None
    errors: tuple[str, ...] = ()


def lines(
    hit: Sequence[Reservation],
    typed: Mapping[str, str],
    zone: ZoneInfo,
    *,
    closed: Sequence[Interval],
    now: datetime,
    refused: CannotGiveWay | None = None,
    may_keep: bool = False,
) -> list[HitLine]:
    """All that are hit, earliest first; without `closed` there is nowhere to move to."""
    suggested = suggestions(hit, closed, now=now) if closed else {}
    return [
        _line(each, typed, zone, suggested.get(each.uid), refused, (bool(closed), may_keep), now)
        for each in hit
    ]


def _line(
    reservation: Reservation,
    typed: Mapping[str, str],
    zone: ZoneInfo,
    suggestion: Interval | None,
    refused: CannotGiveWay | None,
    offered: tuple[bool, bool],
    now: datetime,
) -> HitLine:
    uid, (may_move, may_keep) = reservation.uid, offered
    used, begun = reservation.status is Status.IN_USE, reservation.interval.start <= now
    ways = tuple(
        way
        for way, possible in (
            (Way.KEEP, may_keep),
            (Way.MOVE, may_move and not begun),
            (Way.CANCEL, not used),
        )
        if possible
    )
    # What was typed for an older version of it was meant for another time.
    fresh = seen_version(typed.get(_VERSION + uid, "")) == reservation.version
    chosen = typed.get(_WAY + uid) if fresh else None
    start = typed.get(_START + uid, "") if fresh else ""
    if not start and suggestion:
        start = to_local(suggestion.start, zone).strftime(_TYPED)
    default = Way.MOVE if suggestion else next((way for way in ways if way is not Way.MOVE), None)
    errors: tuple[str, ...] = ()
    if refused is not None and refused.uid == uid:
        errors = tuple(localized(refusal.reason) for refusal in refused.refusals)
    return HitLine(
        reservation,
        ways,
        Way(chosen) if chosen in ways else default,
        start,
        suggestion,
        errors,
    )
