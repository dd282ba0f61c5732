"""What is asked for when booking, and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.approval import ApprovalMode
from app.domain.grid import checked_slot
from app.domain.interval import Interval

_NONE = timedelta()


class Mode(StrEnum):
    """Who works the instrument: the user (직접사용) or its staff (분석의뢰)."""

    SELF_OPERATED = "self_operated"
    COMMISSIONED = "commissioned"


class UseScope(StrEnum):
    """For whom an instrument is there (활용범위; MSIT notice 2026-25)."""

    PUBLIC_USE_SERVICE = "public_use_service"
    JOINT_USE = "joint_use"
    PRIVATE_USE = "private_use"


class UseState(StrEnum):
    """Whether an instrument is being used (활용상태; MSIT notice 2026-25)."""

    IN_USE = "in_use"
    LOW_USE = "low_use"
    IDLE = "idle"
    DISUSED = "disused"


class AffiliationClass(StrEnum):
    """How the user's institution stands to the one that owns the instrument."""

    OWN_DEPARTMENT = "own_department"
    OWN_INSTITUTION = "own_institution"
    PARTNER = "partner"
    OTHER_ACADEMIC = "other_academic"
    SMALL_COMPANY = "small_company"
    LARGE_COMPANY = "large_company"


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What someone asks for, whoever they are and wherever they typed it."""

    instrument: str  # slug
    interval: Interval
    purpose: str = ""
    mode: Mode = Mode.SELF_OPERATED
    samples: int | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The booking settings of one instrument. Raises `ValueError` if they contradict each other."""

    slot: timedelta  # starts and ends fall on multiples of it, counted from local midnight
    shortest: timedelta
    longest: timedelta
    earliest: timedelta  # how far ahead one may book
    latest: timedelta  # how long before the start one must have booked
    approval: ApprovalMode
    free_cancel: timedelta  # cancelling costs nothing until so long before the start
    modes: frozenset[Mode]

    def __post_init__(self) -> None:
        checked_slot(self.slot)
        if not _NONE < self.shortest <= self.longest:
            raise ValueError("The shortest reservation is longer than the longest, or nothing.")
        if not _NONE <= self.latest <= self.earliest:
            raise ValueError("Booking would close before it opens.")
        if self.free_cancel < _NONE:
            raise ValueError("Free cancellation ends before the start, not after it.")
        if not self.modes:
            raise ValueError("At least one mode of use must be offered.")

    def free_to_cancel(self, interval: Interval, *, now: datetime) -> bool:
        """Whether a reservation of `interval` may still be cancelled at `now` at no cost."""
        return now <= interval.start - self.free_cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFacts:
    """All that the rules need to know, read beforehand."""

    now: datetime
    zone: ZoneInfo  # of the facility; local midnight and all times in texts are there
    policy: Policy
    open_hours: tuple[Interval, ...]  # merged spans around the request, holidays considered
    blackouts: tuple[Interval, ...] = ()
    held: tuple[Interval, ...] = ()  # reservations of others that hold the instrument
    capacity: int = 1
    use_scope: UseScope = UseScope.JOINT_USE
    use_state: UseState = UseState.IN_USE
    retired: bool = False
    affiliation: AffiliationClass = AffiliationClass.PARTNER
    suspended: bool = False
    suspended_until: datetime | None = None
    suspension_reason: str | None = None
