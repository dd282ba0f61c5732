"""The rules of reserving as facility and instrument files give them, and what they add up to."""

from datetime import timedelta
from functools import reduce
from typing import Annotated, Literal, Self

from pydantic import Field

from app.catalog.notations import Duration, Written

LONGEST_RESERVATION = timedelta(days=31)


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
    free_cancel: Duration | None = Field(
        None, description="Until how long before the start cancelling costs nothing."
    )
    modes: (
        Annotated[list[Literal["self_operated", "commissioned"]], Field(min_length=1, max_length=2)]
        | None
    ) = Field(None, description="The user works on it, or hands samples in.")

    def over(self, base: Self) -> Self:
        """These settings, and those of `base` where these say nothing."""
        return base.model_copy(update=self.model_dump(exclude_none=True, mode="python"))

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
        if self.latest is not None and self.earliest is not None and self.latest >= self.earliest:
            found.append(("latest", "“latest” must be shorter than “earliest”"))
        return found


#: What holds where neither instrument nor facility says anything.
DEFAULT_BOOKING = BookingSettings(
    slot=timedelta(minutes=30),
    shortest=timedelta(minutes=30),
    longest=timedelta(hours=8),
    earliest=timedelta(days=30),
    latest=timedelta(0),
    approval="open",
    free_cancel=timedelta(hours=24),
    modes=["self_operated"],
)


def effective_booking(*overrides: BookingSettings | None) -> BookingSettings:
    """All settings, later `overrides` (facility, then instrument) before earlier ones."""
    given = [settings for settings in overrides if settings is not None]
    return reduce(lambda base, settings: settings.over(base), given, DEFAULT_BOOKING)
