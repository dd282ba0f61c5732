"""What the HTTP API reads and answers of faults and closures."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from app.catalog.models import BlackoutKind
from app.domain.maintenance import Condition, Result, Severity
from app.domain.repetition import Every
from app.reservations.closures import Closure
from app.reservations.faults import Decision
from app.reservations.giving_way import Answer, Way
from app.reservations.json_values import Input, Instant, Slug, plain
from app.reservations.maintenance import Work
from app.reservations.schemas import TimeOut, interval_of


def _text(most: int, least: int = 0) -> Any:
    bounds = StringConstraints(strip_whitespace=True, min_length=least, max_length=most)
    return Annotated[str, bounds, AfterValidator(plain)]


Won = Annotated[int, Field(ge=0, le=10**13, strict=True)]


class FaultIn(Input):
    """What is wrong."""

    severity: Annotated[Severity, Field(description="Whether it can still be used.")]
    description: Annotated[
        _text(2000, 1),  # type: ignore[valid-type]
        Field(description="What you did, what happened, and what the instrument shows."),
    ]


class FaultOut(BaseModel):
    id: int
    instrument: str
    severity: Severity
    description: str
    reported_by: str | None = Field(
        description="Null to those who neither reported nor deal with it."
    )
    reported_at: datetime
    out_since: datetime | None = Field(description="Out of order since then; null: usable.")
    out_until: datetime | None = Field(description="Null: nobody knows, or usable.")
    closed_at: datetime | None
    photos: list[str] = Field(description="Where each can be read.")


class FaultListOut(BaseModel):
    items: list[FaultOut]
    next: str | None = None


class WorkIn(Input):
    """What was found and done: a line of the maintenance log."""

    happened_at: Annotated[Instant, Field(description="When the work was done.")]
    person_in_charge: Annotated[_text(100, 1), Field(description="By name.")]  # type: ignore[valid-type]
    repairer: Annotated[
        _text(200),  # type: ignore[valid-type]
        Field(description="A company or a person, if somebody repaired it."),
    ] = ""
    condition: Annotated[Condition, Field(description="How it was found.")]
    content: Annotated[_text(4000, 1), Field(description="What was found and done.")]  # type: ignore[valid-type]
    result: Annotated[
        Result, Field(description="How the work left it; out of order: the fault stands.")
    ]
    cost: Annotated[Won | SkipJsonSchema[None], Field(description="Won.")] = None

    def to_work(self) -> Work:
        return Work(**self.model_dump())


class WayIn(Input):
    """What becomes of one reservation that lies in the time."""

    way: Annotated[Way, Field(description="`keep` only where nobody knows until when.")]
    version: Annotated[
        int, Field(ge=1, strict=True, description="As `reserved` of the refusal told it.")
    ]
    starts_at: Annotated[
        Instant | SkipJsonSchema[None], Field(description="`move`: where to; it keeps its length.")
    ] = None


class GivingWay(Input):
    """What becomes of what is reserved then, and what its holders are told."""

    reserved: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")], WayIn],
        Field(max_length=1000, description="By uid, for each that a 409 named in `reserved`."),
    ] = {}
    reason: Annotated[_text(500), Field(description="Stands in the mail to each holder.")] = ""  # type: ignore[valid-type]

    @property
    def answers(self) -> Mapping[str, Answer]:
        return {
            uid: Answer(each.way, each.version, each.starts_at)
            for uid, each in self.reserved.items()
        }


class DecisionIn(GivingWay):
    """What a manager makes of a fault."""

    severity: Annotated[Severity, Field(description="Whether it can still be used.")]
    until: Annotated[
        Instant | SkipJsonSchema[None],
        Field(description="Out of order until then; left out: nobody knows."),
    ] = None

    def to_decision(self) -> Decision:
        return Decision(severity=self.severity, until=self.until)


class ClosureIn(GivingWay):
    """A time to close, of one instrument or of the whole facility."""

    instrument: Annotated[
        Slug | SkipJsonSchema[None], Field(description="Slug; left out, the whole facility.")
    ] = None
    kind: Annotated[BlackoutKind, Field(description="Why.")] = BlackoutKind.MAINTENANCE
    starts_at: Annotated[Instant, Field(description="From this instant on.")]
    ends_at: Annotated[Instant, Field(description="Until before this one.")]
    reason_ko: Annotated[_text(300), Field(description="Everyone can read it.")] = ""  # type: ignore[valid-type]
    reason_en: Annotated[_text(300), Field(description="Everyone can read it.")] = ""  # type: ignore[valid-type]
    every: Annotated[Every | SkipJsonSchema[None], Field(description="Comes again so often …")] = (
        None
    )
    last_day: Annotated[date | SkipJsonSchema[None], Field(description="… until this day.")] = None

    def to_closure(self, instrument_id: int | None) -> Closure:
        return Closure(
            interval=interval_of(self.starts_at, self.ends_at),
            kind=self.kind,
            instrument_id=instrument_id,
            reason_ko=self.reason_ko,
            reason_en=self.reason_en,
            every=self.every,
            until=self.last_day,
        )


class ClosureOut(TimeOut):
    id: int
    instrument: str | None = Field(description="Slug; null: the whole facility.")
    kind: BlackoutKind
    reason_ko: str
    reason_en: str
    every: Every | None


class ClosureListOut(BaseModel):
    items: list[ClosureOut]
    next: str | None = None
