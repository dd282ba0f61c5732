"""Who is free, in JSON: what is asked, and the slots that are answered."""

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask import url_for
from pydantic import BaseModel, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from app.catalog.filters import Filter
from app.domain.booking import Mode
from app.domain.errors import Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.wish import Wish, hours_asked
from app.reservations.availability import Offer, Place, Wanted
from app.reservations.json_values import Input, Instant, Length
from app.reservations.schemas import FROM, UNTIL, Limit, TimeOut

_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
#: More than any reservation costs, and less than a database's integer.
DEAREST = 10**12

_Slugs = Annotated[str, StringConstraints(max_length=1000)]


class AvailabilityQuery(Input):
    """What must be free; several values of one word are joined by commas."""

    duration: Annotated[Length, Field(description="For how long.", examples=["PT2H"])]
    start: Annotated[Instant, FROM]
    end: Annotated[Instant, UNTIL]
    instrument: Annotated[
        Annotated[
            str,
            StringConstraints(pattern=r"^[a-z0-9-]+(,[a-z0-9-]+)*$", max_length=2000),
        ]
        | SkipJsonSchema[None],
        Field(
            description="Slugs of instruments; left out, any will do.",
            examples=["kaist-biocore-confocal"],
        ),
    ] = None
    q: Annotated[str, Field(max_length=200, description="Words, all of which must be there.")] = ""
    technique: Annotated[_Slugs, Field(description="Slugs of techniques.")] = ""
    institution: Annotated[_Slugs, Field(description="Slugs of institutions.")] = ""
    facility: Annotated[_Slugs, Field(description="Slugs of facilities.")] = ""
    weekdays: Annotated[
        Annotated[str, StringConstraints(pattern=f"^{_DAY}(,{_DAY})*$", max_length=200)]
        | SkipJsonSchema[None],
        Field(description="On these days alone, where the instrument is.", examples=["mon,tue"]),
    ] = None
    hours: Annotated[
        Annotated[str, StringConstraints(pattern=f"^{_CLOCK}-({_CLOCK}|24:00)$")]
        | SkipJsonSchema[None],
        Field(
            description="Within these hours, where the instrument is; 18:00-09:00 is the night "
            "that begins on the day.",
            examples=["09:00-18:00"],
        ),
    ] = None
    mode: Annotated[
        Mode | SkipJsonSchema[None],
        Field(
            description="Only where this mode is offered; where it needs an operator, only "
            "times at which one is free."
        ),
    ] = None
    max_price: Annotated[
        Annotated[int, Field(ge=0, le=DEAREST)] | SkipJsonSchema[None],
        Field(description="In won. What has no known price is still answered."),
    ] = None
    no_approval: Annotated[
        Literal["0", "1"], Field(description="1: only what nobody need approve.")
    ] = "0"
    qualified: Annotated[
        Literal["0", "1"],
        Field(description="1: only what the caller may work themselves without learning more."),
    ] = "0"
    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=300, description="`next` of the page before.")] = ""

    def to_wanted(self, within: Interval) -> Wanted:
        days = self.weekdays.split(",") if self.weekdays else ()
        return Wanted(
            wish=Wish(self.duration, within, hours_asked(days, self.hours or "")),
            among=Filter(
                q=self.q,
                technique=_each(self.technique),
                institution=_each(self.institution),
                facility=_each(self.facility),
            ),
            instruments=_each(self.instrument or ""),
            mode=self.mode,
            most=self.max_price,
            without_approval=self.no_approval == "1",
            only_qualified=self.qualified == "1",
        )


def _each(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in text.split(",") if value))


class UnitPriceOut(BaseModel):
    """What one unit costs the caller."""

    amount: int = Field(description="Net, in whole won.")
    unit: str = Field(description="hour, day, sample …")


class FreeLinksOut(BaseModel):
    reserve: str = Field(description="The form, filled in.")


class FreeOut(TimeOut):
    """A time that the caller could reserve."""

    instrument: str = Field(description="Slug.")
    day: date = Field(description="On which it starts, where the instrument is.")
    institution: str = Field(description="Slug.")
    facility: str = Field(description="Slug.")
    campus: str = Field(description="Where to go; empty if nothing is said.")
    price: int | None = Field(
        description="By the list, for the caller, net, in whole won; null where it is not known."
    )
    unit_price: UnitPriceOut | None
    needs_approval: bool = Field(description="A manager would have to agree.")
    has_limits: bool = Field(
        description="Quotas, gaps or shares apply; for a caller who is known they are counted."
    )
    asks_training: bool = Field(description="Something must have been learned before.")
    lacking: list[str] = Field(
        description="Codes of what the caller has to learn before reserving: “not-qualified”, "
        "“certificate-expired”, “safety-training-expired”. Nothing else would refuse them."
    )
    modes: list[Mode]
    refusals: list[str] = Field(
        description="Codes of what would refuse the caller at any time: “suspended”, or nothing."
    )
    links: FreeLinksOut


class FreeListOut(BaseModel):
    items: list[FreeOut]
    next: str | None = None


def free_out(offer: Offer, refusals: list[str], here: str) -> dict[str, Any]:
    """The fields of `FreeOut`; `here` is the public address of this Dure."""
    facility, slot = offer.instrument.facility, offer.interval
    return {
        "instrument": offer.instrument.slug,
        **TimeOut.of(slot),
        "day": day_of(slot.start, offer.zone),
        "institution": facility.institution.slug,
        "facility": facility.slug,
        "campus": facility.campus,
        "price": offer.price,
        "unit_price": dict(zip(("amount", "unit"), offer.unit, strict=True))
        if offer.unit
        else None,
        "needs_approval": offer.needs_approval,
        "has_limits": offer.has_limits,
        "asks_training": offer.asks_training,
        "lacking": list(offer.lacking),
        "modes": sorted(offer.modes),
        "refusals": refusals,
        "links": {
            "reserve": here
            + url_for(
                "reservations.reserve",
                slug=offer.instrument.slug,
                start=slot.start.isoformat(),
                end=slot.end.isoformat(),
            )
        },
    }


def cursor_at(place: Place) -> str:
    """A word for the place where a page of what was found ends."""
    start, slug = place
    return base64.urlsafe_b64encode(f"{start.isoformat()} {slug}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place | None:
    """The place behind which to go on; raises `Invalid` for what is no cursor of ours."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        start, _, slug = raw.decode("ascii").partition(" ")
        instant = datetime.fromisoformat(start)
        if instant.tzinfo is None:
            raise ValueError("no zone")
    except (binascii.Error, ValueError) as broken:
        wrong = Text(
            "‘cursor’가 올바르지 않습니다. 앞 쪽의 ‘next’를 그대로 쓰세요.",
            "“cursor” is not one of ours: use “next” of the page before as it is.",
        )
        raise Invalid(wrong, {"cursor": wrong}) from broken
    return instant, slug
