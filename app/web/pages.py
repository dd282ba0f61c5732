"""What every template may use: language, files, navigation, filters."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_timezone_name
from flask import Flask, current_app, request, session, url_for
from flask_babel import Babel, get_locale, gettext, refresh
from flask_login import current_user
from markdown_it import MarkdownIt
from markupsafe import Markup
from nh3 import clean

from app.domain.errors import Text
from app.domain.interval import Interval

LANGUAGES = ("ko", "en")
BUILD = Path(__file__).parent / "static" / "build"

babel = Babel()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the navigation."""

    label: str
    url: str
    active: bool
    badge: int | None = None


#: Slices add their lines when they are put into the application: functions that give
#: an `Entry` or None, with their place in the order.
NAVIGATION: list[tuple[int, Callable[[], Entry | None]]] = []


#: Slices that keep a chosen language add functions that take it.
LANGUAGE_CHOSEN: list[Callable[[str], None]] = []


def entry(
    label: str, endpoint: str, *, badge: int | None = None, also: tuple[str, ...] = ()
) -> Entry:
    """A line that leads to `endpoint`, marked while one is there or below one of `also`."""
    url = url_for(endpoint)
    places = (url, *(request.script_root + path for path in also))
    here = request.script_root + request.path
    return Entry(label, url, any(f"{here}/".startswith(f"{place}/") for place in places), badge)


def nav_entries() -> list[Entry]:
    lines = (make() for _, make in sorted(NAVIGATION, key=lambda line: line[0]))
    return [line for line in lines if line]


def language() -> str:
    """The reader's language: chosen, else of the account, else of the browser, else the default."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    if current_user and current_user.is_authenticated and current_user.language in LANGUAGES:
        return str(current_user.language)
    return request.accept_languages.best_match(LANGUAGES) or default_language()


def default_language() -> str:
    return str(current_app.config["SETTINGS"].language)


def locale_word() -> str:
    """ "ko" or "en", also outside of a request."""
    locale = get_locale()
    return locale.language if locale else default_language()


@lru_cache(maxsize=1)
def _manifest(_changed: float) -> dict[str, str]:
    manifest: dict[str, str] = json.loads((BUILD / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def asset(name: str) -> str:
    """The address of a bundled file ("js", "css", …)."""
    path = BUILD / "manifest.json"
    if not path.exists():
        return ""
    manifest = _manifest(path.stat().st_mtime)
    return url_for("static", filename=f"build/{manifest[name]}") if name in manifest else ""


def localized(thing: Any, field: str = "name") -> str:
    """The text of a thing in the reader's language; the other one where it is missing."""
    ko_first = locale_word() == "ko"
    if isinstance(thing, Text):
        both = (thing.ko, thing.en)
    elif isinstance(thing, tuple | list):
        both = (thing[0], thing[1])
    elif isinstance(thing, dict):
        both = (
            thing.get("ko") or thing.get(f"{field}_ko", ""),
            thing.get("en") or thing.get(f"{field}_en", ""),
        )
    else:
        both = (getattr(thing, f"{field}_ko", ""), getattr(thing, f"{field}_en", ""))
    first, second = both if ko_first else both[::-1]
    return str(first or second or "")


def _zone(zone: str | ZoneInfo | None) -> ZoneInfo:
    if isinstance(zone, ZoneInfo):
        return zone
    return ZoneInfo(zone) if zone else current_app.config["SETTINGS"].timezone


def zone_name(zone: str | ZoneInfo) -> str:
    """대한민국 시간 · South Korea Time."""
    zone = _zone(zone)
    # The general names of zones without a place, such as UTC, say nothing.
    placeless = "/" not in zone.key or zone.key.startswith("Etc/")
    return str(
        get_timezone_name(
            zone, locale=locale_word(), zone_variant="standard" if placeless else "generic"
        )
    )


def local_date(
    instant: datetime, zone: str | ZoneInfo | None = None, *, now: datetime | None = None
) -> str:
    """2026년 12월 1일 (화) · Tue 1 Dec 2026; without the year if it is that of `now`."""
    local = instant.astimezone(_zone(zone))
    pattern = "y년 M월 d일 (E)" if locale_word() == "ko" else "E d MMM y"
    if now is not None and local.year == now.astimezone(_zone(zone)).year:
        pattern = pattern.removeprefix("y년 ").removesuffix(" y")
    return format_date(local, pattern, locale=locale_word())


def local_time(instant: datetime, zone: str | ZoneInfo | None = None) -> str:
    """The date with the time, 24-hour."""
    local = instant.astimezone(_zone(zone))
    return f"{local_date(instant, zone)} {local:%H:%M}"


def wall_clock(instant: datetime, zone: str | ZoneInfo | None = None) -> str:
    """As a browser's field of a local time wants it."""
    return f"{instant.astimezone(_zone(zone)):%Y-%m-%dT%H:%M}"


def clock_time(instant: datetime, zone: str | ZoneInfo | None = None) -> str:
    return f"{instant.astimezone(_zone(zone)):%H:%M}"


def time_range(interval: Interval, zone: str | ZoneInfo | None = None) -> str:
    """2026년 12월 1일 (화) 10:00–12:00; of the second date only what differs."""
    return f"{local_date(interval.start, zone)} {clock_range(interval, zone)}"


def clock_range(interval: Interval, zone: str | ZoneInfo | None = None) -> str:
    """10:00–12:00, for readers who see the first date; 21:00 – 2일 (수) 01:00 past midnight."""
    start, end = interval.start.astimezone(_zone(zone)), interval.end.astimezone(_zone(zone))
    if start.date() == end.date():
        return f"{start:%H:%M}–{end:%H:%M}"
    if start.year != end.year:
        return f"{start:%H:%M} – {local_time(interval.end, zone)}"
    ko, en = ("d일 (E)", "E d") if start.month == end.month else ("M월 d일 (E)", "E d MMM")
    day = format_date(end, ko if locale_word() == "ko" else en, locale=locale_word())
    return f"{start:%H:%M} – {day} {end:%H:%M}"


def won(amount: int) -> str:
    return f"{amount:,}원" if locale_word() == "ko" else f"₩{amount:,}"


def duration(span: timedelta) -> str:
    """2시간 30분 · 2 h 30 min."""
    minutes = int(span.total_seconds() // 60)
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    ko = locale_word() == "ko"
    units = (
        ((days, "일"), (hours, "시간"), (minutes, "분"))
        if ko
        else ((days, " days" if days != 1 else " day"), (hours, " h"), (minutes, " min"))
    )
    said = " ".join(f"{number}{unit}" for number, unit in units if number)
    return said or gettext("none")


def markdown(text: str) -> Markup:
    """Contributed text as safe HTML."""
    # The text is cleaned of everything but a few harmless tags, hence Markup.
    html = MarkdownIt("commonmark", {"html": False}).render(text or "")
    allowed = {"p", "ul", "ol", "li", "strong", "em", "code", "a", "br", "h3", "h4", "blockquote"}
    return Markup(clean(html, tags=allowed, url_schemes={"http", "https", "mailto"}))  # noqa: S704


def register(app: Flask) -> None:
    """Give the templates their words."""
    babel.init_app(
        app,
        locale_selector=language,
        default_translation_directories=str(Path(__file__).parent / "translations"),
    )
    # A context may outlive a request, as in tests: the next reader has a language of their own.
    app.before_request(refresh)
    app.context_processor(
        lambda: {
            "locale": locale_word(),
            "asset": asset,
            "nav_entries": nav_entries,
            "demo_mode": app.config["SETTINGS"].demo,
        }
    )
    filters: dict[str, Callable[..., Any]] = {
        "localized": localized,
        "zone_name": zone_name,
        "local_date": local_date,
        "local_time": local_time,
        "clock_time": clock_time,
        "wall_clock": wall_clock,
        "time_range": time_range,
        "clock_range": clock_range,
        "won": won,
        "duration": duration,
        "markdown": markdown,
    }
    for name, function in filters.items():
        app.add_template_filter(function, name)
