"""How single values are written in the contributed files, and how they are checked."""

import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from app.domain.opening_hours import OpeningHours
from app.domain.period import Period

_DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,3})W|(?:(?P<days>[0-9]{1,4})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,4})H)?(?:(?P<minutes>[0-9]{1,5})M)?)?)"
)


def duration(text: object) -> timedelta:
    """A span written in ISO 8601 as weeks, days, hours and minutes: “PT30M”, “P1DT12H”, “P2W”.

    Raises ValueError for anything else, years, months and seconds among it.
    """
    if isinstance(text, timedelta):
        return text
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or text == "P":
        raise ValueError("is not a duration: write “PT30M”, “PT8H”, “P14D”")
    return timedelta(**{unit: int(count) for unit, count in found.groupdict().items() if count})


def duration_text(span: timedelta) -> str:
    """The shortest writing that `duration` reads back: “PT24H” for a day, as people count it."""
    minutes = span // timedelta(minutes=1)
    if minutes and minutes % 1440 == 0 and minutes > 1440:
        return f"P{minutes // 1440}D"
    hours, rest = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours or not rest else "") + (f"{rest}M" if rest else "")


def _mail_address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError as wrong:
        raise ValueError(f"“{text}” is not an e-mail address") from wrong


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host = None
    blank = any(character.isspace() for character in text)
    if not host or blank or parts.scheme not in ("http", "https") or parts.username:
        raise ValueError(f"“{text}” is not a web address that starts with http:// or https://")
    return text


def _source(text: str) -> str:
    """A source is a reference in words, or a web address and perhaps a remark after it."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", text):
        _web_address(text.split()[0])
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise ValueError(f"“{text}” is not a time zone: write “Asia/Seoul”") from wrong
    return text


def _period(text: str) -> str:
    """A period as it is kept: its shortest writing."""
    return str(Period.parse(text))


def _hours(mapping: dict[str, Any]) -> dict[str, list[str]]:
    """Each day with its list of ranges; a single range may stand without its list."""
    listed: dict[str, list[str]] = {}
    for days, given in mapping.items():
        ranges = given if isinstance(given, list) else [given]
        if not all(isinstance(text, str) for text in ranges):
            raise ValueError(f"“{days}” must be ranges in quotes, such as [“09:00-18:00”]")
        listed[days] = ranges
    OpeningHours.parse(listed)
    if not any(listed.values()):
        raise ValueError("is never open: give at least one day with hours")
    return listed


def _sized(longest: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", min_length=2, max_length=64)
]
Line = Annotated[str, _sized(200)]
Prose = Annotated[str, _sized(5000)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
MailAddress = Annotated[str, _sized(254), AfterValidator(_mail_address)]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{5,24}[0-9]$")]
WebAddress = Annotated[
    str,
    _sized(500),
    AfterValidator(_web_address),
    WithJsonSchema({"type": "string", "format": "uri"}),
]
Source = Annotated[str, _sized(500), AfterValidator(_source)]
Zone = Annotated[str, _sized(64), AfterValidator(_zone)]
Won = Annotated[int, Field(ge=0, le=10**13)]
Hours = Annotated[
    dict[str, Any],
    AfterValidator(_hours),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["array", "string"], "items": {"type": "string"}},
        }
    ),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    # Editors read patterns as JavaScript does, which names groups otherwise.
    WithJsonSchema({"type": "string", "pattern": r"^P(\d+W|\d+D|(\d+D)?T(\d+H(\d+M)?|\d+M))$"}),
]


PeriodText = Annotated[
    str,
    AfterValidator(_period),
    WithJsonSchema({"type": "string", "pattern": r"^P\d{1,3}[YMWD]$"}),
]


class Written(BaseModel):
    """A mapping in a file: no unknown fields, nothing guessed from a value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Names(Written):
    """A name in both languages."""

    ko: Line = Field(description="In Korean.")
    en: Line = Field(description="In English.")
