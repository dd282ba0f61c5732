"""What became of a reservation that its holder wanted somebody else to take over."""

from enum import StrEnum


class HandOverEnd(StrEnum):
    """How an offer to take a reservation over ended."""

    TAKEN = "taken"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # also where the reservation itself is no longer there to take
    EXPIRED = "expired"  # it began
