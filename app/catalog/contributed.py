"""What the files of the contributed catalogue may say; loader, schemas and exporter share it.

Values arrive as JSON types (see `marked_yaml`), so that “true” in quotes stays text and a number
without quotes is never taken for a name.
"""

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from app.catalog.booking_settings import BookingSettings
from app.catalog.notations import (
    Colour,
    Hours,
    Line,
    MailAddress,
    Names,
    Phone,
    Prose,
    Slug,
    Source,
    WebAddress,
    Won,
    Written,
    Zone,
)
from app.catalog.vocabulary import CLASSIFICATIONS, PRICE_UNITS

InstitutionKind = Literal[
    "university",
    "government_institute",
    "public_institute",
    "hospital",
    "small_company",
    "large_company",
    "association",
    "city",
]
Purpose = Literal["test", "analysis", "education", "measurement", "production", "other"]


def misplaced(field: str, text: str) -> PydanticCustomError:
    """A complaint about `field` that only the whole entry can raise."""
    return PydanticCustomError("misplaced", "{text}", {"text": text, "field": field})


class Texts(Written):
    """A text in both languages; Markdown is allowed."""

    ko: Prose = Field(description="In Korean.")
    en: Prose = Field(description="In English.")


class Colours(Written):
    """The colour of an institution in calendars and charts."""

    light: Colour = Field(description="On a light page, such as “#1d4ed8”.")
    dark: Colour = Field(description="On a dark page.")


class Contact(Written):
    """Where to ask; a shared address, never somebody's own."""

    email: MailAddress | None = Field(None, description="A shared e-mail address.")
    phone: Phone | None = Field(None, description="A telephone number, such as “042-000-0000”.")


class Document(Written):
    """A manual, form or rule book that lies elsewhere."""

    title: Names = Field(description="What it is.")
    url: WebAddress = Field(description="Where it lies.")


class Acquisition(Written):
    """When the instrument was bought, and for how much."""

    on: date | None = Field(None, description="The day, such as 2024-03-31.")
    cost: Won | None = Field(None, description="In won, tax included.")


class Funding(Written):
    """One of the projects that paid for the instrument."""

    project_number: Line = Field(description="As the ministry writes it.")
    amount: Won = Field(description="In won.")
    weight: Annotated[int, Field(ge=1, le=100)] = Field(description="In percent of the whole.")


class Prices(Written):
    """List prices by who uses the instrument, net, in whole won; for information."""

    unit: Literal[tuple(PRICE_UNITS)] = Field(description="What is counted.")  # type: ignore[valid-type]
    currency: Literal["KRW"] = Field("KRW", description="Always KRW.")
    own_institution: Won | None = Field(None, description="Users of the same institution.")
    partner: Won | None = Field(None, description="Users of the other alliance institutions.")
    other_academic: Won | None = Field(None, description="Other universities and institutes.")
    small_company: Won | None = Field(None, description="Small and medium companies.")
    large_company: Won | None = Field(None, description="Large companies.")
    note: Texts | None = Field(None, description="What is included, what comes on top.")


class _Entry(Written):
    """What every file of the catalogue says of its origin."""

    name: Names = Field(description="The name in both languages.")
    website: WebAddress | None = Field(None, description="The page of the thing itself.")
    sources: list[Source] = Field(
        default_factory=list, description="Where the facts can be read: addresses or references."
    )
    illustrative: bool = Field(
        False, description="True: an invented example, shown as such on its page."
    )
    note: Texts | None = Field(None, description="A caveat that readers must see.")

    @model_validator(mode="after")
    def _says_where_it_comes_from(self) -> Self:
        if not self.sources and not self.illustrative:
            raise misplaced("sources", "needs at least one of “sources”, or “illustrative: true”")
        return self


class InstitutionFile(_Entry):
    """`instruments/<institution>/institution.yaml`; the slug is the name of the folder."""

    kind: InstitutionKind = Field(description="Its kind, which decides on prices later.")
    partner: bool = Field(True, description="Whether it is a party of the alliance.")
    ror: Annotated[str, StringConstraints(pattern=r"^0[a-hj-km-np-tv-z0-9]{6}[0-9]{2}$")] | None = (
        Field(None, description="The nine characters of its ROR number.")
    )
    registration_number: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]{3}-[0-9]{2}-[0-9]{5}$")] | None
    ) = Field(None, description="Business registration number, 000-00-00000.")
    colours: Colours = Field(description="Its colours in calendars and charts.")
    description: Texts | None = Field(None, description="What it is, in a few sentences.")
    former_slugs: list[Slug] = Field(
        default_factory=list, description="Slugs that it had; they lead here for ever."
    )


class FacilityFile(_Entry):
    """`instruments/<institution>/facilities/<slug>.yaml`: a place with hours, rules, managers."""

    description: Texts | None = Field(None, description="What it is for, in a few sentences.")
    department: Names | None = Field(None, description="The department that it belongs to.")
    location: Names = Field(description="Where it is: campus, building, room.")
    campus: Annotated[Line, Field(max_length=100)] | None = Field(
        None, description="The campus, if the institution has several."
    )
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = Field(
        None, description="Degrees north."
    )
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = Field(
        None, description="Degrees east."
    )
    contact: Contact | None = Field(None, description="Where to ask.")
    managers: list[MailAddress] = Field(
        default_factory=list, description="E-mail addresses of the facility managers' accounts."
    )
    timezone: Zone = Field("Asia/Seoul", description="The zone of its hours.")
    opening_hours: Hours = Field(description="Days to hours: mon-fri: [“09:00-18:00”].")
    holidays: Literal["KR", "none"] = Field(
        "KR", description="Whose public holidays close it; “none”: open as on other days."
    )
    extra_holidays: Annotated[list[date], Field(max_length=400)] = Field(
        default_factory=list, description="Holidays of its own besides, such as 2026-10-12."
    )
    skipped_holidays: Annotated[list[date], Field(max_length=400)] = Field(
        default_factory=list, description="Public holidays on which it opens as on other days."
    )
    booking: BookingSettings | None = Field(
        None, description="Rules for its instruments unless they have their own."
    )
    booking_illustrative: bool = Field(
        False, description="True: hours and rules are examples although the facility is real."
    )
    former_slugs: list[Slug] = Field(
        default_factory=list, description="Slugs that it had; they lead here for ever."
    )


class InstrumentFile(_Entry):
    """`instruments/<institution>/<slug>.yaml`: whatever can be reserved."""

    facility: Slug = Field(description="The slug of the facility that runs it.")
    kind: Literal["instrument", "room", "housing", "service"] = Field(
        description="An instrument, a room, places for animals or cells, or a service."
    )
    registration_number: (
        Annotated[str, StringConstraints(pattern=r"^NFEC-[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{6}$")]
        | None
    ) = Field(None, description="Equipment registration number, NFEC-YYYY-MM-NNNNNN.")
    asset_number: Annotated[Line, Field(max_length=64)] | None = Field(
        None, description="The institution's own number."
    )
    maker: Line | None = Field(None, description="Who made it.")
    model: Line | None = Field(None, description="The model.")
    model_example: Line | None = Field(
        None, description="For an invented entry: the class of models meant."
    )
    classification: Literal[tuple(CLASSIFICATIONS)] = Field(  # type: ignore[valid-type]
        description="The main class of the national guideline."
    )
    techniques: Annotated[list[Slug], Field(min_length=1)] = Field(
        description="Slugs from techniques.yaml, the main one first."
    )
    use_scope: Literal["public_use_service", "joint_use", "private_use"] = Field(
        description="Who may use it, as registered."
    )
    private_use_reason: Texts | None = Field(None, description="Why nobody else may use it.")
    use_state: Literal["in_use", "low_use", "idle", "disused"] = Field(
        "in_use", description="How much it is used."
    )
    purposes: list[Purpose] = Field(default_factory=list, description="What it is used for.")
    acquisition: Acquisition | None = Field(None, description="When and for how much.")
    funding: list[Funding] = Field(default_factory=list, description="Projects that paid.")
    location: Names | None = Field(None, description="Its room, if it differs.")
    features: Texts | None = Field(None, description="What it is and does.")
    capability: Texts | None = Field(None, description="What it reaches: ranges, resolution.")
    examples: Texts | None = Field(None, description="What it has been used for.")
    safety: Texts | None = Field(None, description="What to know before touching it.")
    documents: list[Document] = Field(default_factory=list, description="Manuals and forms.")
    opening_hours: Hours | None = Field(None, description="Its own hours, if they differ.")
    booking: BookingSettings | None = Field(None, description="Its own rules, if they differ.")
    booking_illustrative: bool = Field(
        False, description="True: hours, scope and rules are examples although it is real."
    )
    capacity: Annotated[int, Field(ge=1, le=100_000)] = Field(
        1, description="How many reservations it holds at once."
    )
    needs: Annotated[list[Slug], Field(max_length=10)] = Field(
        default_factory=list,
        description="Slugs of the same facility that are always reserved along with it.",
    )
    accessories: Annotated[list[Slug], Field(max_length=20)] = Field(
        default_factory=list,
        description="Slugs of the same facility that one may choose to reserve along with it.",
    )
    prices: Prices | None = Field(None, description="List prices, if they may be told.")
    contact: Contact | None = Field(None, description="Where to ask, if it differs.")
    former_slugs: list[Slug] = Field(
        default_factory=list, description="Slugs that it had; they lead here for ever."
    )

    @model_validator(mode="after")
    def _gives_its_reason(self) -> Self:
        if (self.use_scope == "private_use") != (self.private_use_reason is not None):
            raise misplaced(
                "private_use_reason", "belongs to “use_scope: private_use”, and is needed there"
            )
        return self

    @model_validator(mode="after")
    def _leaves_suspending_to_its_facility(self) -> Self:
        if self.booking is not None and self.booking.no_show_limit is not None:
            raise misplaced("booking.no_show_limit", "is for the whole facility: write it there")
        return self

    @model_validator(mode="after")
    def _is_paid_for_once(self) -> Self:
        if self.funding and sum(part.weight for part in self.funding) != 100:
            raise misplaced("funding", "the weights must sum to 100")
        return self


TECHNIQUES: TypeAdapter[dict[str, Names]] = TypeAdapter(dict[Slug, Names])

FILES: dict[str, TypeAdapter[Any]] = {
    "institution": TypeAdapter(InstitutionFile),
    "facility": TypeAdapter(FacilityFile),
    "instrument": TypeAdapter(InstrumentFile),
    "techniques": TECHNIQUES,
}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of the files of `kind`, a key of `FILES`, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **FILES[kind].json_schema(),
    }


def write_schemas(folder: Path) -> None:
    """Write the schema of every kind of file into `folder`, as `<kind>.json`."""
    for kind in FILES:
        (folder / f"{kind}.json").write_text(schema_text(kind), encoding="utf-8")


def schema_text(kind: str) -> str:
    """The schema file of `kind`, character for character."""
    return json.dumps(schema(kind), ensure_ascii=False, indent=2) + "\n"
