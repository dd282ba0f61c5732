"""The rules of reserving as facility and instrument files give them, and what they add up to."""

from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.catalog.notations import ClockTime, Duration, Hours, Line, Names, PeriodText, Written
from app.domain.approval import Approver, ForWhom
from app.domain.approval_rules import Overdue, Reapproval
from app.domain.booking import TwoPlaces
from app.domain.charge import ChargeBy
from app.domain.contracts import ContractNeeded
from app.domain.operators import OperatorNeeded
from app.domain.paying import AccountsAsked
from app.domain.permits import PermitKind, QuestionKind, until_key
from app.domain.quota import Owner, Whose, Within
from app.domain.use import LONGEST_EARLY

LONGEST_RESERVATION = timedelta(days=31)
_KEYS_OF_PERMITS = {*PermitKind, *map(until_key, PermitKind)}


class QuotaSetting(Written):
    """How much may be held at most; either hours or a number of reservations."""

    per: Literal[tuple(Whose)] = Field(description="Whose reservations are added up.")  # type: ignore[valid-type]
    within: Literal[tuple(Within)] = Field(  # type: ignore[valid-type]
        description="A calendar day, week or month; “ahead”: all that has not ended yet."
    )
    hours: Duration | None = Field(None, description="At most so much time.")
    number: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        None, description="At most so many reservations."
    )
    peak: bool = Field(False, description="Only the hours named by “peak” count.")

    @model_validator(mode="after")
    def _limits_one_thing(self) -> Self:
        if (self.hours is None) == (self.number is None):
            raise ValueError("needs either “hours” or “number”")
        if self.peak and self.hours is None:
            raise ValueError("counts “hours” in the peak, not reservations")
        if self.peak and self.within == "ahead":
            raise ValueError("counts peak hours “within” a day, week or month")
        return self


class PermitSetting(Written):
    """A permit whose number and expiry are asked for at booking."""

    kind: Literal[tuple(PermitKind)] = Field(description="Which.")  # type: ignore[valid-type]
    required: bool = Field(True, description="Whether one may book without.")


class QuestionSetting(Written):
    """Something that the facility asks at booking; answers are kept with the reservation."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")] = Field(
        description="A short name that never changes; answers are kept under it."
    )
    label: Names = Field(description="The question.")
    kind: Literal[tuple(QuestionKind)] = Field("text", description="What is answered.")  # type: ignore[valid-type]
    required: bool = Field(False, description="Whether it must be answered.")
    options: list[Line] = Field(default_factory=list, description="The answers of a choice.")

    @model_validator(mode="after")
    def _offers_what_can_be_chosen(self) -> Self:
        if (self.kind == "choice") != bool(self.options):
            raise ValueError("“options” belong to a choice, and a choice needs them")
        return self


class NoShowLimitSetting(Written):
    """Who does not come so often may not reserve at the facility for a while."""

    number: Annotated[int, Field(ge=1, le=100)] = Field(description="So many no-shows …")
    within: Duration = Field(description="… that began within so long, such as P30D, …")
    suspended: Duration = Field(description="… suspend a person for so long, such as P14D.")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if not (self.within and self.suspended):
            raise ValueError("needs “within” and “suspended” longer than nothing")
        return self


class CancelFeeSetting(Written):
    """What it costs to give up a confirmed reservation late."""

    within: Duration = Field(description="Less than so long before the start, such as PT24H.")
    percent: Annotated[int, Field(ge=1, le=100)] = Field(description="Percent of the quote.")


class StageSetting(Written):
    """Somebody who has to agree to a reservation."""

    by: Literal[tuple(Approver)] = Field(description="Who agrees.")  # type: ignore[valid-type]
    whom: Literal[tuple(ForWhom)] = Field(  # type: ignore[valid-type]
        "everyone", description="Whose reservations it is for."
    )
    every: bool = Field(False, description="All of them have to agree, not any one.")


class BookingSettings(Written):
    """The rules of reserving; what is left out comes from the facility, then from Dure."""

    slot: Duration | None = Field(None, description="Reservations start and end on this grid.")
    shortest: Duration | None = Field(None, description="The shortest reservation.")
    longest: Duration | None = Field(None, description="The longest reservation, at most P31D.")
    earliest: Duration | None = Field(None, description="How far ahead one may reserve.")
    latest: Duration | None = Field(None, description="The notice needed before the start.")
    approval: Literal["open", "each", "once"] | None = Field(
        None, description="Nobody approves; a manager approves each, or the first of a person."
    )
    approval_stages: Annotated[list[StageSetting], Field(min_length=1, max_length=3)] | None = (
        Field(None, description="Who approves, one after the other.")
    )
    reapproval: Literal[tuple(Reapproval)] | None = Field(  # type: ignore[valid-type]
        None, description="Whether a change is approved anew."
    )
    approval_deadline: Duration | None = Field(
        None, description="How long a request may wait, at most until it begins; PT0H: that long."
    )
    approval_overdue: Literal[tuple(Overdue)] | None = Field(  # type: ignore[valid-type]
        None, description="It is turned down then, or those above are asked."
    )
    free_cancel: Duration | None = Field(
        None, description="Until how long before the start cancelling costs nothing."
    )
    modes: (
        Annotated[
            list[Literal["self_operated", "operator_assisted", "commissioned"]],
            Field(min_length=1, max_length=3),
        ]
        | None
    ) = Field(None, description="The user works on it, an operator does beside them, or for them.")
    operator: Literal[tuple(OperatorNeeded)] | None = Field(  # type: ignore[valid-type]
        None, description="Whether an operator is assigned where the staff works it or helps."
    )
    check_in: Literal["off", "asked", "required"] | None = Field(
        None, description="Nobody checks in; people may; who does not is a no-show."
    )
    check_in_at: Literal["anywhere", "instrument"] | None = Field(
        None, description="Anywhere, or by the code that the screen at the instrument shows."
    )
    check_in_early: Duration | None = Field(
        None, description="How long before the start one may check in, at most PT24H."
    )
    no_show_after: Duration | None = Field(
        None, description="How long after the start a required check-in is waited for."
    )
    check_out_after: Duration | None = Field(
        None, description="How long after its end a use that nobody ended is closed."
    )
    setup: Duration | None = Field(
        None, description="Kept free before each reservation, not part of it."
    )
    cleanup: Duration | None = Field(
        None, description="Kept free behind each reservation, not part of it."
    )
    fixed_slots: Hours | None = Field(
        None, description="It is given out in these parts of the day only, such as half-days."
    )
    same_day: ClockTime | None = Field(
        None, description="Booked for the running day only, which begins at this hour: “09:00”."
    )
    gap: Duration | None = Field(
        None, description="Between two reservations of a person, unless one follows the other."
    )
    quotas: list[QuotaSetting] | None = Field(None, description="What may be held at most.")
    peak: Hours | None = Field(None, description="The hours that quotas of the peak count.")
    owner_share: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="Percent of each week's hours that only its owner may hold."
    )
    owner: Literal[tuple(Owner)] | None = Field(  # type: ignore[valid-type]
        None,
        description="For whom that is kept: the institution, or the department of the facility.",
    )
    two_places: Literal[tuple(TwoPlaces)] | None = Field(  # type: ignore[valid-type]
        None, description="What to do if a person has reserved another instrument meanwhile."
    )
    refuse_overdue_after: Annotated[int, Field(ge=0, le=3650)] | None = Field(
        None,
        description="After so many days people of an institution that has not paid are refused.",
    )
    contract: Literal[tuple(ContractNeeded)] | None = Field(  # type: ignore[valid-type]
        None, description="Whose institution must first sign a contract of use with the facility."
    )
    account: Literal[tuple(AccountsAsked)] | None = Field(  # type: ignore[valid-type]
        None, description="Whether a reservation says which funding accounts pay for it."
    )
    permits: list[PermitSetting] | None = Field(None, description="Permits that are asked for.")
    questions: Annotated[list[QuestionSetting], Field(max_length=20)] | None = Field(
        None, description="Questions that are asked at booking."
    )
    certificate: Literal["none", "required"] | None = Field(
        None, description="Whether only those with a certificate may work on it themselves."
    )
    certificate_validity: PeriodText | None = Field(
        None, description="How long a new certificate holds, such as P2Y; P0D: without end."
    )
    certificate_unused: PeriodText | None = Field(
        None, description="After how long without use a certificate is lost; P0D: never."
    )
    assisted_hours: Hours | None = Field(None, description="When the level “assisted” may use it.")
    daytime_hours: Hours | None = Field(
        None, description="When the level “daytime” may use it, beside the hours of “assisted”."
    )
    night_hours: Hours | None = Field(
        None, description="When the level “night” may use it, beside the hours of “daytime”."
    )
    safety_training: (
        Annotated[
            list[Literal["none", "laboratory", "biological", "chemical", "radiation"]],
            Field(min_length=1, max_length=4),
        ]
        | None
    ) = Field(None, description="Safety training without which nobody may work on it.")
    safety_validity: PeriodText | None = Field(
        None, description="How long ago a safety training may lie, such as P1Y; P0D: as recorded."
    )
    no_show_limit: NoShowLimitSetting | None = Field(
        None, description="Of a facility only: after how many no-shows a person is suspended."
    )
    offer_hold: Duration | None = Field(
        None, description="How long freed time is held for who waits for it; nights do not count."
    )

    fault_stops: bool | None = Field(
        None,
        description="A report of “out of order” closes it at once, before a manager has seen it.",
    )

    charge_by: Literal[tuple(ChargeBy)] | None = Field(  # type: ignore[valid-type]
        None, description="The time that is charged; used: where people check in and out."
    )
    credit_early: bool | None = Field(
        None, description="Of what is charged as reserved, time released early is given back."
    )
    charge_around: bool | None = Field(
        None, description="Setting up and cleaning up around a reservation is charged, too."
    )
    cancel_fees: Annotated[list[CancelFeeSetting], Field(max_length=5)] | None = Field(
        None, description="What it costs to give up a confirmed reservation late."
    )
    no_show_fee: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="What a no-show costs, in percent of the quote."
    )

    def over(self, base: Self) -> Self:
        """These settings, and those of `base` where these say nothing."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return base.model_copy(update={n: value for n, value in said.items() if value is not None})

    def contradictions(self) -> list[tuple[str, str]]:
        """Field and complaint for all that does not fit together; what is left out fits."""
        slot, shortest, longest = self.slot, self.shortest, self.longest
        found: list[tuple[str, str]] = []
        if slot is not None and not slot:
            return [("slot", "“slot” must be longer than nothing")]
        for name, span in (("shortest", shortest), ("longest", longest)):
            if span is not None and not span:
                found.append((name, f"“{name}” must be longer than nothing"))
            elif span is not None and slot is not None and span % slot:
                found.append((name, f"“{name}” must be a multiple of “slot”"))
        if shortest is not None and longest is not None and shortest > longest:
            found.append(("longest", "“longest” must not be shorter than “shortest”"))
        if longest is not None and longest > LONGEST_RESERVATION:
            found.append(("longest", "“longest” must not exceed P31D"))
        if self.offer_hold is not None and not self.offer_hold:
            found.append(("offer_hold", "“offer_hold” must be longer than nothing"))
        if self.latest is not None and self.earliest is not None and self.latest >= self.earliest:
            found.append(("latest", "“latest” must be shorter than “earliest”"))
        return [*found, *self._of_use(), *self._of_lists()]

    def _of_use(self) -> Iterator[tuple[str, str]]:
        if self.check_in_early is not None and self.check_in_early > LONGEST_EARLY:
            yield "check_in_early", "“check_in_early” must not exceed PT24H"
        if self.no_show_after is not None and not self.no_show_after:
            yield "no_show_after", "“no_show_after” must be longer than nothing"

    def _of_lists(self) -> Iterator[tuple[str, str]]:
        fees = [fee.within for fee in self.cancel_fees or ()]
        if len(set(fees)) < len(fees) or not all(fees):
            yield "cancel_fees", "“cancel_fees” need a “within” each, longer than nothing"
        if fees and self.free_cancel is not None and max(fees) > self.free_cancel:
            yield "cancel_fees", "“cancel_fees” begin when “free_cancel” ends, or later"
        if self.peak is None and any(quota.peak for quota in self.quotas or ()):
            yield "quotas", "“quotas” count peak hours, but “peak” names none"
        keys = [question.key for question in self.questions or ()]
        if len(set(keys)) < len(keys) or set(keys) & _KEYS_OF_PERMITS:
            yield "questions", "“questions” need keys of their own, each used once"
        stages = [stage.by for stage in self.approval_stages or ()]
        if len(set(stages)) < len(stages):
            yield "approval_stages", "“approval_stages” name the same approvers twice"
        safety = self.safety_training or []
        if "none" in safety and len(safety) > 1:
            yield "safety_training", "“none” in “safety_training” stands alone"


#: What holds where neither instrument nor facility says anything.
DEFAULT_BOOKING = BookingSettings(
    slot=timedelta(minutes=30),
    shortest=timedelta(minutes=30),
    longest=timedelta(hours=8),
    earliest=timedelta(days=30),
    latest=timedelta(0),
    approval="open",
    reapproval="if_it_matters",
    approval_deadline=timedelta(0),
    approval_overdue="release",
    approval_stages=[StageSetting(by="facility_manager")],
    free_cancel=timedelta(hours=24),
    modes=["self_operated"],
    operator="off",
    check_in="off",
    check_in_at="anywhere",
    check_in_early=timedelta(minutes=10),
    no_show_after=timedelta(minutes=30),
    check_out_after=timedelta(minutes=30),
    setup=timedelta(0),
    cleanup=timedelta(0),
    gap=timedelta(0),
    quotas=[],
    owner_share=0,
    owner="institution",
    two_places="warn",
    contract="off",
    account="off",
    permits=[],
    questions=[],
    certificate="none",
    certificate_validity="P0D",
    certificate_unused="P0D",
    assisted_hours={"mon-fri": ["09:00-18:00"]},
    daytime_hours={"daily": ["09:00-18:00"], "holiday": ["09:00-18:00"]},
    night_hours={"daily": ["18:00-09:00"], "holiday": ["18:00-09:00"]},
    safety_training=["none"],
    safety_validity="P0D",
    offer_hold=timedelta(hours=2),
    fault_stops=False,
    charge_by="used",
    credit_early=False,
    charge_around=False,
    cancel_fees=[],
    no_show_fee=0,
)


def effective_booking(*overrides: BookingSettings | None) -> BookingSettings:
    """All settings, later `overrides` (facility, then instrument) before earlier ones."""
    given = [settings for settings in overrides if settings is not None]
    return reduce(lambda base, settings: settings.over(base), given, DEFAULT_BOOKING)
