"""What the HTTP API takes and gives of commissions."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.functional_validators import model_validator
from pydantic.json_schema import SkipJsonSchema

from app.domain.commission import CommissionState
from app.domain.interval import Interval
from app.domain.notation import iso_duration
from app.domain.quote import Quote
from app.reservations.commission_models import Commission
from app.reservations.commissions import Order
from app.reservations.json_values import (
    Answers,
    Input,
    Instant,
    Length,
    Note,
    Purpose,
    Reason,
    Samples,
    ShareIn,
    SharesIn,
    Slug,
    shares_of,
)
from app.reservations.placing import Placement
from app.reservations.quote_schemas import PriceOut
from app.reservations.schemas import GroupOut, Limit


def _day_text(value: object) -> object:
    if not isinstance(value, str) or len(value) != len("2026-12-01"):
        raise ValueError("must be a day such as 2026-12-01")
    return value


Day = Annotated[date, BeforeValidator(_day_text)]
_EARLIEST = Field(description="Not before this day, by the calendar of the facility.")
_WISHED = Field(description="The day by which it would best be done.")
_DURATION = Field(description="How long it may take, as far as one knows.", examples=["PT4H"])


class CommissionIn(Input):
    """An analysis for the facility's staff to do, at a time that its manager finds."""

    instrument: Annotated[Slug, Field(description="Slug.")]
    purpose: Annotated[Purpose, Field(description="What for; seen by who manages it.")]
    samples: Annotated[Samples, Field(description="How many.")]
    earliest_on: Annotated[Day | SkipJsonSchema[None], _EARLIEST] = None
    wished_by: Annotated[Day | SkipJsonSchema[None], _WISHED] = None
    duration: Annotated[Length | SkipJsonSchema[None], _DURATION] = None
    note: Annotated[Note, Field(description="For who manages the instrument.")] = ""
    answers: Annotated[Answers, Field(description="As for a reservation.")] = {}
    group: Annotated[
        Annotated[int, Field(ge=1, lt=2**31)] | SkipJsonSchema[None],
        Field(description="The id of your research group; left out: your first one, if any."),
    ] = None
    shares: Annotated[SharesIn, Field(description="As for a reservation.")] = []
    project: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{0,32}$"),
        Field(description="As for a reservation."),
    ] = ""
    holder: Annotated[
        str,
        StringConstraints(max_length=254),
        Field(description="The e-mail address of the person it is for, as for a reservation."),
    ] = ""

    def to_order(self) -> Order:
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return Order(**said | {"shares": shares_of(self.shares)})


class CommissionPatch(Input):
    """What is to become of a commission that waits; what is left out stays."""

    purpose: Purpose | SkipJsonSchema[None] = None
    samples: Samples | SkipJsonSchema[None] = None
    earliest_on: Annotated[Day | None, _EARLIEST] = None
    wished_by: Annotated[Day | None, _WISHED] = None
    duration: Annotated[Length | None, _DURATION] = None
    note: Note | SkipJsonSchema[None] = None
    answers: Answers | SkipJsonSchema[None] = None
    shares: SharesIn | SkipJsonSchema[None] = None

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _something(self) -> "CommissionPatch":
        if not self.model_fields_set:
            raise ValueError("name at least one field to change")
        without = {"earliest_on", "wished_by", "duration"}  # null takes these away
        said = self.model_fields_set - without
        if empty := sorted(name for name in said if getattr(self, name) is None):
            raise ValueError(f"leave out what is to stay; null is no value for {empty[0]}")
        return self

    def changes(self) -> dict[str, Any]:
        said = {name: getattr(self, name) for name in self.model_fields_set}
        if self.shares is not None:
            said["shares"] = shares_of(self.shares)
        return said


class PlacementIn(Input):
    """When it is done, and by whom."""

    starts_at: Annotated[Instant, Field(description="From this instant on.")]
    duration: Annotated[Length, Field(description="For how long.", examples=["PT4H"])]
    operator: Annotated[
        str,
        StringConstraints(max_length=254),
        Field(description="The address of an operator who is free; left out: whose turn it is."),
    ] = ""
    override: Annotated[
        Reason, Field(description="A reason to set the facility's own rules aside.")
    ] = ""

    def to_placement(self) -> Placement:
        interval = Interval(self.starts_at, self.starts_at + self.duration)
        return Placement(interval, self.operator, self.override)


class CommissionQuery(Input):
    mine: Annotated[
        Literal["0", "1"], Field(description="1: only mine; 0: also those that I manage.")
    ] = "0"
    state: Annotated[
        CommissionState | SkipJsonSchema[None], Field(description="In this state.")
    ] = None
    instrument: Annotated[Slug | SkipJsonSchema[None], Field(description="On this one.")] = None
    limit: Limit = 50
    cursor: Annotated[
        Annotated[int, Field(ge=0, lt=2**31)] | SkipJsonSchema[None],
        Field(description="`next` of the page before."),
    ] = None


class CommissionOut(BaseModel):
    """A commission as its holder and the facility's managers see it."""

    uid: str
    instrument: str
    state: CommissionState
    version: int
    holder: str
    asked_by: str | None = None  # who asked for it for the holder
    institution: str | None
    group: GroupOut | None = None
    purpose: str
    samples: int
    earliest_on: date | None
    wished_by: date | None
    duration: str | None
    note: str
    answers: dict[str, str] = {}
    shares: list[ShareIn] = []
    estimate: PriceOut | None = None  # while it waits, as far as it is known without a time
    unpriced: str | None = None  # why there is no estimate
    reason: str
    asked_at: datetime
    updated_at: datetime
    decided_at: datetime | None
    reservation: str | None = None  # the uid of what it became
    links: dict[str, str]


class CommissionListOut(BaseModel):
    items: list[CommissionOut]
    next: str | None


def commission_out(
    found: Commission, links: dict[str, str], estimate: tuple[Quote | None, str | None]
) -> CommissionOut:
    """The JSON of a commission; instants in UTC."""
    group, (quote, unpriced) = found.group, estimate
    return CommissionOut.model_validate(
        {
            "uid": found.uid,
            "instrument": found.instrument.slug,
            "state": found.state,
            "version": found.version,
            "holder": found.holder.name,
            "asked_by": found.asked_by.name if found.asked_by else None,
            "institution": found.institution.slug if found.institution else None,
            "group": group and {"id": group.id, "name": {"ko": group.name_ko, "en": group.name_en}},
            "purpose": found.purpose,
            "samples": found.samples,
            "earliest_on": found.earliest_on,
            "wished_by": found.wished_by,
            "duration": iso_duration(found.duration) if found.duration else None,
            "note": found.note,
            "answers": found.answers,
            "shares": [
                {"account": each["account"], "percent": each["percent"]} for each in found.shares
            ],
            "estimate": quote.as_json() if quote else None,
            "unpriced": unpriced,
            "reason": found.decision_reason,
            "asked_at": found.asked_at,
            "updated_at": found.updated_at,
            "decided_at": found.decided_at,
            "reservation": found.reservation.uid if found.reservation else None,
            "links": links,
        }
    )
