"""Values as the HTTP API writes them: instants, durations and text in JSON and addresses."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from app.domain.errors import Invalid, Text
from app.domain.shares import MOST_SHARES, Share, parse_percent, show_percent

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")
#: Instants beyond these years overflow when they are moved by a policy or into a zone.
_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def _instant_text(value: object) -> object:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be an instant with offset, such as 2026-12-01T10:00:00+09:00")
    return value


def _in_our_time(value: datetime) -> datetime:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return value.astimezone(UTC)


def plain(value: str) -> str:
    """The text, if it has no control characters."""
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value):
        raise ValueError("must not contain control characters")
    return value


def _percent_text(value: str) -> str:
    try:
        return show_percent(Share("", parse_percent(value)).percent)
    except ValueError:
        raise ValueError(
            "must be a percentage above 0 and up to 100, such as 60 or 33.3333"
        ) from None


def _length_text(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("P"):
        raise ValueError("must be a duration such as PT2H")
    return value


Instant = Annotated[
    datetime,
    AfterValidator(_in_our_time),
    BeforeValidator(_instant_text),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Length = Annotated[
    timedelta,
    Field(gt=timedelta(0), le=timedelta(days=366)),
    BeforeValidator(_length_text),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
Purpose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(plain),
]
TriedPurpose = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(plain)
]
Note = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=5000), AfterValidator(plain)
]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(plain)
]
_ANSWER_KEY = StringConstraints(pattern=r"^([a-z0-9-]{1,96}\.)?[a-z][a-z0-9_]{0,40}$")
#: Permits and what the facility asks, by its keys, or `slug.key` for what is reserved along; a
#: reservation keeps them as they were given. A file is named by its uid.
Answers = Annotated[
    dict[Annotated[str, _ANSWER_KEY], Reason],
    Field(max_length=40),
]
#: Above 0 and up to 100, with up to four decimals, in ASCII digits.
Percent = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=8),
    AfterValidator(_percent_text),
    Field(description="Above 0 and up to 100.", examples=["60", "33.3333"]),
]
AccountNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(plain),
    Field(description="Project number of a funding account.", examples=["RS-2026-00012"]),
]
Samples = Annotated[int, Field(ge=1, le=100_000, strict=True)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=96)]


class Input(BaseModel):
    """What comes in: names that are not known are refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class ShareIn(Input):
    """What one funding account pays."""

    account: AccountNumber
    percent: Percent


#: Which accounts pay; the first takes the odd won.
SharesIn = Annotated[list[ShareIn], Field(max_length=MOST_SHARES)]


def shares_of(given: Sequence[ShareIn]) -> tuple[Share, ...]:
    """Each account once; raises `Invalid`."""
    if len({each.account for each in given}) < len(given):
        text = Text(
            "같은 계정을 두 번 적었습니다. 계정마다 비율을 한 번만 적어 주세요.",
            "An account is named twice. Give each account one percentage.",
        )
        raise Invalid(text, {"shares": text})
    return tuple(Share(each.account, parse_percent(each.percent)) for each in given)
