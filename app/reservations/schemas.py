"""What the HTTP API takes and gives: typed JSON in, domain values out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from app.domain.approval import Status
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import Invalid, TakenTime, Text
from app.domain.interval import Interval
from app.domain.quote import Quote
from app.domain.rate_card import Tax
from app.domain.recurrence import Recurrence
from app.domain.series import OnConflict, Verdict
from app.reservations.json_values import (
    Answers,
    Input,
    Instant,
    Note,
    Purpose,
    Reason,
    Samples,
    ShareIn,
    SharesIn,
    Slug,
    TriedPurpose,
    shares_of,
)
from app.reservations.linked import companions
from app.reservations.models import Reservation
from app.reservations.question_schemas import QuestionOut, questions_out
from app.reservations.quote_schemas import GivenOut, LineOut, PaidOut, PriceOut
from app.reservations.series import Repeat, Which
from app.reservations.stage_schemas import StageOut, stages_out


def interval_of(start: datetime, end: datetime, *, field: str = "ends_at") -> Interval:
    """The interval of two instants; raises `Invalid` for `field` if it ends before it starts."""
    if start >= end:
        wrong = Text("종료는 시작보다 뒤여야 합니다.", "The end must come after the start.")
        raise Invalid(wrong, {field: wrong})
    return Interval(start, end)


class RepeatIn(Input):
    """A rule by which the reservation repeats, up to 200 dates within a year."""

    rrule: Annotated[
        str,
        StringConstraints(min_length=1, max_length=200),
        Field(
            description="RRULE of RFC 5545: FREQ daily, weekly or monthly, with COUNT or UNTIL, "
            "INTERVAL, BYDAY, BYMONTHDAY and WKST; by the local clock of the facility.",
            examples=["FREQ=WEEKLY;COUNT=4"],
        ),
    ]
    on_conflict: Annotated[
        OnConflict,
        Field(
            description="Where a date is refused: `fail` reserves none, `skip` leaves it out, "
            "`shift` moves it to the nearest free time."
        ),
    ] = OnConflict.FAIL

    def to_repeat(self) -> Repeat:
        return Repeat(Recurrence.parse(self.rrule), self.on_conflict)


class ReservationIn(Input):
    """A wish for an instrument at a time."""

    instrument: Annotated[Slug, Field(description="Slug.")]
    starts_at: Annotated[Instant, Field(description="From this instant on.")]
    ends_at: Annotated[Instant, Field(description="Until before this one.")]
    purpose: Annotated[Purpose, Field(description="What for; seen by who manages it.")]
    mode: Annotated[Mode, Field(description="Who works the instrument.")] = Mode.SELF_OPERATED
    samples: Annotated[Samples | None, Field(description="How many.")] = None
    note: Annotated[Note, Field(description="For who manages the instrument.")] = ""
    answers: Annotated[
        Answers,
        Field(
            description="Permits (`irb`, `irb_until`) and what the facility asks, by its keys; "
            "`slug.key` for one instrument alone of those that are reserved together. What is "
            "asked as a `file` is answered with the uid of one that was handed in to `/files`.",
            examples=[{"irb": "KH-2026-11", "irb_until": "2026-12-31"}],
        ),
    ] = {}
    group: Annotated[
        Annotated[int, Field(ge=1, lt=2**31)] | SkipJsonSchema[None],
        Field(description="The id of your research group; left out: your first one, if any."),
    ] = None
    accessories: Annotated[
        list[Slug],
        Field(max_length=20, description="Slugs of accessories to be reserved along."),
    ] = []
    shares: Annotated[
        SharesIn,
        Field(description="Which funding accounts pay; the first takes the odd won."),
    ] = []
    project: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{0,32}$"),
        Field(description="The uid of a project whose default shares pay, in place of `shares`."),
    ] = ""
    fund: Annotated[
        Slug | Literal[""],
        Field(
            description="A sponsor fund that you count on: without anything from it nothing is "
            "reserved. All funds that fit give in their order, named or not."
        ),
    ] = ""
    override: Annotated[
        Reason,
        Field(description="A manager's reason to set the facility's own rules aside."),
    ] = ""
    holder: Annotated[
        str,
        StringConstraints(max_length=254),
        Field(
            description="The e-mail address of the person it is for, if that is somebody else: "
            "one who lets the caller reserve for them, or anyone for a manager."
        ),
    ] = ""
    repeat: Annotated[
        RepeatIn | SkipJsonSchema[None], Field(description="For a series of reservations.")
    ] = None

    def to_request(self) -> BookingRequest:
        return BookingRequest(
            self.instrument,
            interval_of(self.starts_at, self.ends_at),
            purpose=self.purpose,
            mode=self.mode,
            samples=self.samples,
            note=self.note,
            answers=self.answers,
            holder=self.holder,
            group=self.group,
            accessories=tuple(dict.fromkeys(self.accessories)),
            shares=shares_of(self.shares),
            project=self.project,
            fund=self.fund,
        )


class QuoteIn(ReservationIn):
    """A reservation that is only tried."""

    purpose: TriedPurpose = ""


OF_SERIES = Field(
    description="Of a series: `this` reservation, this and all `later` ones, or `all` to come."
)


class ReservationPatch(Input):
    """What is to become of a reservation; what is left out stays."""

    starts_at: Instant | SkipJsonSchema[None] = None
    ends_at: Instant | SkipJsonSchema[None] = None
    purpose: Purpose | SkipJsonSchema[None] = None
    samples: Samples | SkipJsonSchema[None] = None
    note: Note | SkipJsonSchema[None] = None
    answers: Answers | SkipJsonSchema[None] = None
    shares: SharesIn | SkipJsonSchema[None] = None
    override: Reason = ""
    of_series: Annotated[Which, OF_SERIES] = Which.THIS

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _something(self) -> "ReservationPatch":
        if not self.model_fields_set - {"override", "of_series"}:
            raise ValueError("name at least one field to change")
        if empty := sorted(n for n in self.model_fields_set if getattr(self, n) is None):
            raise ValueError(f"leave out what is to stay; null is no value for {empty[0]}")
        return self

    def interval(self, present: Interval) -> Interval | None:
        """The new time, the end that was not given taken from the present one."""
        if self.starts_at is None and self.ends_at is None:
            return None
        return interval_of(self.starts_at or present.start, self.ends_at or present.end)


class ReasonIn(Input):
    reason: Reason = ""


class CancelIn(ReasonIn):
    of_series: Annotated[Which, OF_SERIES] = Which.THIS


class CheckInIn(ReasonIn):
    """Coming: why, if for somebody else; the code, where the instrument's screen shows one."""

    code: Annotated[
        str,
        StringConstraints(max_length=100),
        Field(description="Of the instrument's screen, where checking in is possible only there."),
    ] = ""


class CheckOutIn(ReasonIn):
    """Going: why, if for somebody else; how many samples it was in the end."""

    samples: Annotated[Samples | SkipJsonSchema[None], Field(description="How many it was.")] = None


class ExtendIn(ReasonIn):
    """Going on longer: until when; why, if for somebody else."""

    ends_at: Annotated[Instant, Field(description="Until before this instant.")]


FROM = Field(description="From this instant on.", examples=["2026-12-01T00:00:00+09:00"])
UNTIL = Field(description="Until before this one.", examples=["2026-12-08T00:00:00+09:00"])
Limit = Annotated[int, Field(ge=1, le=200, description="At most so many.")]


class BusyQuery(Input):
    start: Annotated[Instant, FROM]
    end: Annotated[Instant, UNTIL]


class ListQuery(Input):
    mine: Annotated[
        Literal["0", "1"], Field(description="1: only mine; 0: also those that I manage.")
    ] = "0"
    operating: Annotated[
        Literal["0", "1"], Field(description="1: those that I attend as an operator.")
    ] = "0"
    instrument: Annotated[Slug | SkipJsonSchema[None], Field(description="Slug.")] = None
    start: Annotated[Instant | SkipJsonSchema[None], FROM] = None
    end: Annotated[Instant | SkipJsonSchema[None], UNTIL] = None
    status: Annotated[Status | SkipJsonSchema[None], Field(description="In this state.")] = None
    limit: Limit = 50
    cursor: Annotated[
        Annotated[int, Field(ge=0, lt=2**62)] | SkipJsonSchema[None],
        Field(description="`next` of the page before."),
    ] = None


class TimeOut(BaseModel):
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, interval: Interval) -> dict[str, datetime]:
        return {"starts_at": interval.start, "ends_at": interval.end}


class BusyItemOut(TimeOut):
    kind: Literal["reservation", "blackout"]
    title: str
    mine: bool
    uid: str | None = None
    status: str | None = None


class BusyListOut(BaseModel):
    items: list[BusyItemOut]
    version: int


class RefusalOut(BaseModel):
    code: str
    reason: str
    limit: str | None = None
    field: str | None = None


class TakenOut(TimeOut):
    kind: Literal["reservation", "blackout"]


class OccurrenceOut(TimeOut):
    """One date of a series: the time at which it stands, or would if it is refused."""

    asked_at: datetime  # the start by the rule
    verdict: Literal["free", "shifted", "refused"]
    refusals: list[RefusalOut] = []  # why not at the time asked for
    total: int | None = None  # what it costs, won with VAT; null where that is not known
    uid: str | None = None
    status: Status | None = None


class QuoteOut(BaseModel):
    """What a reservation would become. Amounts are null where the price is not known beforehand.

    Of a series the amounts are those of all dates together, and each date tells its own total.
    """

    instrument: str
    starts_at: datetime
    ends_at: datetime
    status: Status | None
    net: int | None = None
    vat: int | None = None
    total: int | None = None
    currency: str = "KRW"
    tax: Tax | None = None
    lines: list[LineOut] = []
    shares: list[PaidOut] = []
    fund: list[GivenOut] | None = None
    unpriced: str | None = None  # why the price is not known
    refusals: list[RefusalOut]
    taken: list[TakenOut]
    warnings: list[str] = []
    may_override: bool = False  # by the caller, with a reason
    occurrences: list[OccurrenceOut] = []  # of a series


class GroupOut(BaseModel):
    """A research group."""

    id: int
    name: dict[str, str]


class CompanionOut(BaseModel):
    """What was reserved along, and does as the main reservation does."""

    uid: str
    instrument: str


class ReservationOut(BaseModel):
    """A reservation as its holder and its managers see it.

    `starts_at` and `ends_at` are the time that is held: who comes early or ends early moves them,
    while `reserved_from` and `reserved_until` stay as reserved, and extended.
    """

    uid: str
    instrument: str
    starts_at: datetime
    ends_at: datetime
    status: Status
    version: int
    series: str | None = None
    holder: str
    reserved_by: str | None = None  # who reserved it for the holder
    institution: str | None
    group: GroupOut | None = None
    purpose: str
    mode: Mode
    operator: str | None = None  # who works the instrument for the holder, or beside them
    samples: int | None
    note: str
    reason: str
    quote: PriceOut | None  # null where the price is not known beforehand
    charge: dict[str, Any] | None = None
    answers: dict[str, str] = {}
    shares: list[ShareIn] = []
    refusals_overridden: list[str] = []
    override_reason: str = ""
    reserved_from: datetime
    reserved_until: datetime
    used_from: datetime | None
    used_until: datetime | None
    requested_at: datetime
    updated_at: datetime
    companions: list[CompanionOut] = []
    main: str | None = None  # of a companion: the uid of the reservation that it follows
    stages: list[StageOut] = []  # who has to agree, one after the other; empty: nobody
    decide_by: datetime | None = None  # when a request that waits is overdue
    questions: list[QuestionOut] = []  # what its holder was asked before it is decided
    answer_by: datetime | None = None  # until when the holder may answer; no decide_by meanwhile
    links: dict[str, str]


class ReservationMadeOut(ReservationOut):
    """A new reservation; of a series the first, with what became of each date."""

    occurrences: list[OccurrenceOut] = []


class ReservationListOut(BaseModel):
    items: list[ReservationOut]
    next: str | None


def reservation_out(reservation: Reservation, links: dict[str, str]) -> dict[str, Any]:
    """The JSON of a reservation; instants in UTC."""
    institution, reserved = reservation.institution, reservation.reserved
    group = reservation.group
    return {
        "uid": reservation.uid,
        "instrument": reservation.instrument.slug,
        **TimeOut.of(reservation.interval),
        "status": reservation.status,
        "version": reservation.version,
        "series": reservation.series.uid if reservation.series else None,
        "holder": reservation.holder.name,
        "reserved_by": reservation.reserved_by.name if reservation.reserved_by else None,
        "institution": institution.slug if institution else None,
        "group": group and {"id": group.id, "name": {"ko": group.name_ko, "en": group.name_en}},
        "purpose": reservation.purpose,
        "mode": reservation.mode,
        "operator": reservation.operator.name if reservation.operator else None,
        "samples": reservation.samples,
        "note": reservation.note,
        "reason": reservation.decision_reason,
        "quote": reservation.quote,
        "answers": reservation.answers,
        "shares": [
            {"account": each["account"], "percent": each["percent"]} for each in reservation.shares
        ],
        "refusals_overridden": reservation.refusals_overridden,
        "override_reason": reservation.override_reason,
        "reserved_from": reserved.start,
        "reserved_until": reserved.end,
        "used_from": reservation.used_from,
        "used_until": reservation.used_until,
        "requested_at": reservation.requested_at,
        "updated_at": reservation.updated_at,
        "companions": [
            {"uid": each.uid, "instrument": each.instrument.slug}
            for each in companions(reservation)
        ],
        "main": reservation.bundle if reservation.is_companion else None,
        "stages": stages_out(reservation),
        "decide_by": reservation.decide_by if reservation.status is Status.PENDING else None,
        "questions": questions_out(reservation),
        "answer_by": reservation.answer_by,
        "links": links,
    }


def taken_out(taken: TakenTime) -> dict[str, Any]:
    return {"kind": taken.kind, **TimeOut.of(taken.interval)}


def occurrence_out(
    verdict: Verdict, refusals: list[dict[str, Any]], quote: Quote | None
) -> dict[str, Any]:
    """A date that was only tried."""
    return {
        **TimeOut.of(verdict.interval or verdict.occurrence.interval),
        "asked_at": verdict.occurrence.interval.start,
        "verdict": verdict.word,
        "refusals": refusals,
        "total": quote.total if quote else None,
    }


def occurrences_out(made: Sequence[Reservation], language: str) -> list[dict[str, Any]]:
    """What became of each date of a series, those that were left out among them, in order."""
    found: list[dict[str, Any]] = [
        {
            **TimeOut.of(each.interval),
            "asked_at": each.original_start or each.starts_at,
            "verdict": "free" if each.original_start in (None, each.starts_at) else "shifted",
            "total": each.quote["total"] if each.quote else None,
            "uid": each.uid,
            "status": each.status,
        }
        for each in made
    ]
    for skipped in made[0].series.skipped if made and made[0].series else ():
        start, end = (datetime.fromisoformat(skipped[each]) for each in ("starts_at", "ends_at"))
        found.append(
            {
                **TimeOut.of(Interval(start, end)),
                "asked_at": start,
                "verdict": "refused",
                "refusals": [
                    {**each, "reason": Text(**each["reason"]).in_(language)}
                    for each in skipped["refusals"]
                ],
            }
        )
    return sorted(found, key=lambda each: each["asked_at"])
