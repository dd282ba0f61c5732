"""What the calendars in the browser ask for: one instrument's times, and those of many at once."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, make_response, render_template, request, url_for
from pydantic_core import to_json

from app import clock
from app.accounts.current import current_or_none
from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import hours_of, policy_of, zone_of
from app.catalog.queries import instrument_by_slug
from app.domain.errors import Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of
from app.reservations import schedule as calendars
from app.reservations.forms import YEARS, parsed_instant, shown_text
from app.reservations.free_times import next_free
from app.reservations.schedule import Busy
from app.reservations.shown import choices, place_of, shown_instruments, shown_versions
from app.web.pages import locale_word, localized
from app.web.rights import PUBLIC, open_to

LONGEST_WINDOW = timedelta(days=62)

#: Whatever depends on the time of day – what has begun – is right again after this long.
_FRESH = timedelta(minutes=5)
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class CalendarFace:
    """What the script of a calendar is told by the page."""

    busy_url: str
    zone: str
    offset: str
    slot_minutes: int
    longest_minutes: int
    open_hours: str
    reserve_url: str


def calendar_of(instrument: Instrument, *, now: datetime) -> CalendarFace:
    """The calendar of an instrument as its page puts it into data attributes."""
    policy, zone = policy_of(instrument), zone_of(instrument)
    return CalendarFace(
        busy_url=url_for("reservations.busy_json", slug=instrument.slug),
        zone=zone.key,
        offset=_offset(now, zone),
        slot_minutes=policy.slot // timedelta(minutes=1),
        longest_minutes=policy.longest // timedelta(minutes=1),
        open_hours=json.dumps(hours_of(instrument).dump()),
        reserve_url=url_for("reservations.reserve", slug=instrument.slug),
    )


def to_form(instrument: Instrument, given: Mapping[str, str]) -> str:
    """The address of the instrument's form, with what was given to fill in."""
    known = {name: given[name] for name in ("start", "end", "like") if name in given}
    return url_for("reservations.reserve", slug=instrument.slug, _external=False, **known)


def _offset(now: datetime, zone: ZoneInfo) -> str:
    """The zone's distance from UTC, as calendars write it: +09:00."""
    return now.astimezone(zone).isoformat()[-6:]


@open_to(PUBLIC)
def busy_json(slug: str) -> Response:
    """When an instrument is not free; 304 after one indexed read if nothing has changed."""
    window, viewer, now = _window(), current_or_none(), clock.now()
    mark = calendars.mark(slug)
    tag = _tag(mark, window, viewer, now)
    if mark and request.if_none_match.contains_weak(tag):
        return _unchanged(tag)
    instrument = instrument_by_slug(slug)
    zone = zone_of(instrument)
    found, language = calendars.busy([instrument], window, viewer, now=now), locale_word()
    rows = [_event(n, each, zone, language) for n, each in enumerate(found)]
    rows += [
        {"id": f"closed-{n}", "kind": "closed", **_bounds(each, zone)}
        for n, each in enumerate(calendars.closed(instrument, window))
    ]
    return _tagged(_json(events=rows, version=instrument.calendar_version), tag)


@open_to(PUBLIC)
def free_fragment(slug: str) -> str:
    """The next free slots, as links to the form."""
    instrument = instrument_by_slug(slug)
    return render_template(
        "reservations/_free.html",
        instrument=instrument,
        zone=zone_of(instrument),
        slots=next_free(instrument, current_or_none(), now=clock.now()),
    )


@open_to(PUBLIC)
def schedule() -> str:
    """The timeline of many instruments, with a list of the same beside it."""
    now, viewer = clock.now(), current_or_none()
    zone: ZoneInfo = current_app.config["SETTINGS"].timezone
    day = _day(request.args.get("date")) or day_of(now, zone)
    days = 7 if request.args.get("span") == "week" else 1
    first = day - timedelta(days=day.weekday()) if days == 7 else day
    during = Interval(day_interval(first, zone).start, _midnight(first, days, zone))
    filters = _filters()
    place = place_of(filters, _asked_page())
    instruments = shown_instruments(filters, place)
    busy = calendars.busy(instruments, during, viewer, now=now)
    words = {**filters, "page": str(place.number)}
    return render_template(
        "reservations/schedule.html",
        place=place,
        instruments=instruments,
        choices=choices(),
        by_instrument=_by_instrument(busy),
        during=during,
        last=during.end - timedelta(minutes=1),
        day=day,
        days=days,
        earlier=(first - timedelta(days=days)).isoformat(),
        later=(first + timedelta(days=days)).isoformat(),
        today=day_of(now, zone),
        zone=zone,
        offset=_offset(now, zone),
        url=url_for("reservations.schedule_busy", _external=False, **words),
    )


@open_to(PUBLIC)
def schedule_busy() -> Response:
    """What the timeline shows, in as many statements for one instrument as for sixty."""
    window, viewer, now = _window(), current_or_none(), clock.now()
    zone: ZoneInfo = current_app.config["SETTINGS"].timezone
    filters = _filters()
    place = place_of(filters, _asked_page())
    versions = shown_versions(filters, place)
    tag = _tag((versions, calendars.catalog_version()), window, viewer, now)
    if request.if_none_match.contains_weak(tag):
        return _unchanged(tag)
    instruments = shown_instruments(filters, place)
    language = locale_word()
    rows = [
        {**_event(n, each, zone, language), "resourceId": str(each.instrument_id)}
        for n, each in enumerate(calendars.busy(instruments, window, viewer, now=now))
    ]
    rows += [
        {
            "id": f"closed-{instrument.id}-{n}",
            "kind": "closed",
            "resourceId": str(instrument.id),
            **_bounds(each, zone),
        }
        for instrument in instruments
        for n, each in enumerate(calendars.closed(instrument, window))
    ]
    resources = [
        {
            "id": str(each.id),
            "title": localized(each),
            "facility": localized(each.facility),
            "institution": localized(each.facility.institution),
            "url": f"{request.script_root}/instruments/{each.slug}",
            "reserve_url": url_for("reservations.reserve", slug=each.slug),
        }
        for each in instruments
    ]
    return _tagged(_json(resources=resources, events=rows), tag)


ROUTES = (
    ("/instruments/<slug>/busy", busy_json, ("GET",)),
    ("/instruments/<slug>/free", free_fragment, ("GET",)),
    ("/schedule", schedule, ("GET",)),
    ("/schedule/busy", schedule_busy, ("GET",)),
)


def _json(**said: object) -> Response:
    """A thousand events are written faster so than by Flask."""
    return Response(to_json(said), mimetype="application/json")


@lru_cache(maxsize=4096)  # The same few hours, over and over.
def instant(moment: datetime, zone: ZoneInfo) -> str:
    """By the clocks of `zone`, with the offset: the script shows the digits as they are."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def _bounds(interval: Interval, zone: ZoneInfo) -> dict[str, str]:
    return {"start": instant(interval.start, zone), "end": instant(interval.end, zone)}


def _event(number: int, busy: Busy, zone: ZoneInfo, language: str) -> dict[str, Any]:
    title = busy.title.in_(language)
    if busy.purpose:
        title = busy.purpose if busy.mine else f"{title} · {busy.purpose}"
    row: dict[str, Any] = {
        "id": busy.uid or f"{busy.kind}-{number}",
        "kind": busy.kind,
        "title": title,
        **_bounds(busy.interval, zone),
    }
    if busy.uid:
        row |= {
            "url": url_for("reservations.show", uid=busy.uid),
            "status": busy.status.value if busy.status else None,
            "mine": busy.mine,
            "editable": busy.editable,
            "version": busy.version,
        }
    if busy.editable:
        row["move_url"] = url_for("reservations.move", uid=busy.uid)
    return row


def _window() -> Interval:
    """The window asked for; raises `Invalid` if it is missing, upside down or too long."""
    start, end = (parsed_instant(request.args.get(name)) for name in ("start", "end"))
    if start is None or end is None or not timedelta() < end - start <= LONGEST_WINDOW:
        raise Invalid(
            Text(
                "start와 end를 RFC 3339 시각으로, 62일 이내로 보내세요.",
                "Send start and end in RFC 3339, no more than 62 days apart.",
            )
        )
    return Interval(start, end)


def _tag(mark: Any, window: Interval, viewer: User | None, now: datetime) -> str:
    """Changes with the calendar, and with who asks for what in which language."""
    fresh = int(now.timestamp() // _FRESH.total_seconds())
    told = (mark, window, viewer.id if viewer else None, locale_word(), fresh)
    return sha256(repr(told).encode()).hexdigest()[:32]


def _unchanged(tag: str) -> Response:
    return _tagged(make_response("", 304), tag)


def _tagged(answer: Response, tag: str) -> Response:
    answer.set_etag(tag, weak=True)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.update(("Cookie", "Accept-Language"))
    return answer


def _by_instrument(found: list[Busy]) -> dict[int, list[Busy]]:
    grouped: dict[int, list[Busy]] = {}
    for each in found:
        grouped.setdefault(each.instrument_id, []).append(each)
    return grouped


def _filters() -> dict[str, str]:
    names = ("q", "institution", "facility", "technique")
    return {name: text for name in names if (text := shown_text(request.args.get(name)))}


def _asked_page() -> int:
    page = request.args.get("page", "1")
    return int(page) if _NUMBER.fullmatch(page) else 1


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _midnight(first: date, days: int, zone: ZoneInfo) -> datetime:
    return day_interval(first + timedelta(days=days - 1), zone).end
