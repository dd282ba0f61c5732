"""Instruments as the HTTP API gives them out."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.catalog.filters import FACETS, Filter
from app.catalog.models import Instrument
from app.catalog.policy import hours_of, settings_of


class Both(BaseModel):
    """A text in both languages; empty where nothing is said."""

    ko: str
    en: str


class Named(BaseModel):
    """A thing that is named by its slug."""

    slug: str
    name: Both


class InstrumentOut(BaseModel):
    """What the catalogue says of an instrument, in short."""

    slug: str
    name: Both
    kind: str
    institution: Named
    facility: Named
    techniques: list[Named]
    classification: str
    use_scope: str
    use_state: str
    maker: str | None
    model: str | None
    registration_number: str | None
    location: Both
    timezone: str = Field(description="The zone of its opening hours and slots.")
    capacity: int = Field(description="How many reservations it holds at once.")
    booking: dict[str, Any] = Field(description="The rules in force; lengths of time in ISO 8601.")
    prices: dict[str, Any] | None = Field(description="List prices, net, in whole won.")
    illustrative: bool = Field(description="An invented example.")
    booking_illustrative: bool = Field(description="Real, but hours and rules are examples.")
    retired: bool
    links: dict[str, str]


class DocumentOut(BaseModel):
    """A manual or form that lies elsewhere."""

    title: Both
    url: str


class InstrumentWholeOut(InstrumentOut):
    """All that the catalogue says of an instrument."""

    opening_hours: dict[str, list[str]]
    private_use_reason: Both
    asset_number: str | None
    model_example: str | None
    purposes: list[str]
    acquired_on: date | None
    acquisition_cost: int | None = Field(description="In won.")
    features: Both
    capability: Both
    examples: Both
    safety: Both
    note: Both
    website: str | None
    documents: list[DocumentOut]
    contact: dict[str, str]
    sources: list[str]
    needs: list[str] = Field(description="Slugs of what is always reserved along with it.")
    accessories: list[str] = Field(description="Slugs of what may be chosen along with it.")


class InstrumentListOut(BaseModel):
    """Some instruments, by slug, and where to go on."""

    items: list[InstrumentOut]
    next: str | None = Field(description="The cursor of the next page; none: this was the last.")


class InstrumentQuery(BaseModel):
    """What is looked for; several values of one word are joined by commas."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=200, description="Words, all of which must be there.")] = ""
    institution: Annotated[str, Field(max_length=1000, description="Slugs of institutions.")] = ""
    facility: Annotated[str, Field(max_length=1000, description="Slugs of facilities.")] = ""
    technique: Annotated[str, Field(max_length=1000, description="Slugs of techniques.")] = ""
    classification: Annotated[
        str,
        Field(
            max_length=1000,
            description="Words of the national classification, such as optical-electron-imaging.",
        ),
    ] = ""
    use_scope: Annotated[
        str, Field(max_length=1000, description="public_use_service, joint_use or private_use.")
    ] = ""
    limit: Annotated[int, Field(ge=1, le=200, description="At most so many.")] = 50
    cursor: Annotated[
        str, Field(max_length=200, description="“next” of the page before this one.")
    ] = ""

    def to_filter(self) -> Filter:
        facets: dict[str, Any] = {
            facet: tuple(value for value in getattr(self, facet).split(",") if value)
            for facet in FACETS
        }
        return Filter(q=self.q, **facets)


def _both(thing: Any, field: str) -> dict[str, str]:
    return {
        "ko": getattr(thing, f"{field}_ko") or "",
        "en": getattr(thing, f"{field}_en") or "",
    }


def _named(thing: Any) -> dict[str, Any]:
    return {"slug": thing.slug, "name": _both(thing, "name")}


def instrument_out(instrument: Instrument, links: dict[str, str]) -> dict[str, Any]:
    """The fields of `InstrumentOut`."""
    facility = instrument.facility
    own = instrument.location_ko or instrument.location_en
    return {
        **_named(instrument),
        "kind": instrument.kind.value,
        "institution": _named(facility.institution),
        "facility": _named(facility),
        "techniques": [_named(technique) for technique in instrument.techniques],
        "classification": instrument.classification,
        "use_scope": instrument.use_scope.value,
        "use_state": instrument.use_state.value,
        "maker": instrument.maker,
        "model": instrument.model,
        "registration_number": instrument.registration_number,
        "location": _both(instrument if own else facility, "location"),
        "timezone": facility.timezone,
        "capacity": instrument.capacity,
        "booking": settings_of(instrument),
        "prices": instrument.prices,
        "illustrative": instrument.illustrative,
        "booking_illustrative": instrument.booking_illustrative or facility.booking_illustrative,
        "retired": bool(instrument.retired_at or facility.retired_at),
        "links": links,
    }


def whole_out(instrument: Instrument, links: dict[str, str]) -> dict[str, Any]:
    """The fields of `InstrumentWholeOut`."""
    facility = instrument.facility
    texts = ("private_use_reason", "features", "capability", "examples", "safety", "note")
    contact = {"email": facility.email, "phone": facility.phone} | instrument.contact
    return {
        **instrument_out(instrument, links),
        **{field: _both(instrument, field) for field in texts},
        "opening_hours": hours_of(instrument).dump(),
        "needs": instrument.needs,
        "accessories": instrument.accessories,
        "asset_number": instrument.asset_number,
        "model_example": instrument.model_example,
        "purposes": instrument.purposes,
        "acquired_on": instrument.acquired_on,
        "acquisition_cost": instrument.acquisition_cost,
        "website": instrument.website,
        "documents": [
            {"title": {"ko": d["title_ko"], "en": d["title_en"]}, "url": d["url"]}
            for d in instrument.documents
        ],
        "contact": {name: value for name, value in contact.items() if value},
        "sources": instrument.sources,
    }
