"""What is asked for when booking, and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.approval import BY_MANAGER, ApprovalMode, Stage
from app.domain.approval_rules import Overdue, Reapproval
from app.domain.contracts import Contract, ContractNeeded
from app.domain.errors import Text
from app.domain.grid import checked_slot
from app.domain.interval import Interval
from app.domain.no_shows import NoShowLimit
from app.domain.opening_hours import OpeningHours
from app.domain.operators import Duty, OperatorNeeded
from app.domain.paying import NOT_CHARGED, AccountsAsked, Charged
from app.domain.permits import Permit, Question
from app.domain.quota import Counted, Owner, Quota
from app.domain.shares import Share
from app.domain.training import NO_TRAINING, UNTRAINED, Qualification, TrainingPolicy

_NONE = timedelta()


class Mode(StrEnum):
    """Who works the instrument: the user, an operator beside them, or its staff alone.

    직접사용, 기술지원, 분석의뢰.
    """

    SELF_OPERATED = "self_operated"
    ASSISTED = "operator_assisted"
    COMMISSIONED = "commissioned"


#: The modes in which an operator works the instrument.
OPERATED = frozenset({Mode.ASSISTED, Mode.COMMISSIONED})


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


#: Who belongs to the institution that owns the instrument.
OWN = frozenset({AffiliationClass.OWN_DEPARTMENT, AffiliationClass.OWN_INSTITUTION})
COMPANIES = frozenset({AffiliationClass.SMALL_COMPANY, AffiliationClass.LARGE_COMPANY})


class TwoPlaces(StrEnum):
    """What is done where a person has reserved another instrument for the same time."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"


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
    holder: str = ""  # the address of whom it is for; empty: whoever asks
    group: int | None = None  # the id of the research group that it is for
    accessories: tuple[str, ...] = ()  # slugs of what is to be reserved along
    shares: tuple[Share, ...] = ()  # of the accounts that pay; the first takes the odd won
    agreed: frozenset[str] = frozenset()  # of them those that agreed to this one already
    project: str = ""  # the uid of the project whose default shares are meant instead
    fund: str = ""  # a sponsor fund that has to give something for it
    most: int | None = None  # won that whoever asks agreed to; none: whatever it costs


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
    reapproval: Reapproval = Reapproval.IF_IT_MATTERS
    approval_deadline: timedelta = _NONE  # after the request; none: it may wait until it begins
    approval_overdue: Overdue = Overdue.RELEASE
    approval_stages: tuple[Stage, ...] = BY_MANAGER  # who agrees, one after the other
    setup: timedelta = _NONE  # before each reservation, closed to others
    cleanup: timedelta = _NONE  # behind each reservation, closed to others
    fixed_slots: OpeningHours | None = None  # given out in these parts of the day only
    same_day: time | None = None  # booked for the running day only, which begins at this hour
    gap: timedelta = _NONE  # between two reservations of the same person
    quotas: tuple[Quota, ...] = ()
    peak: OpeningHours | None = None  # the hours that quotas of the peak count
    owner_share: int = 0  # percent of each week's hours that only the owner may hold
    owner: Owner = Owner.INSTITUTION  # who that is
    two_places: TwoPlaces = TwoPlaces.WARN
    operator: OperatorNeeded = OperatorNeeded.OFF  # where the staff works it, or helps
    refuse_overdue_after: int | None = None  # days after which who has not paid is refused
    contract: ContractNeeded = ContractNeeded.OFF  # whose institution must have signed one
    account: AccountsAsked = AccountsAsked.OFF  # whether it is said which accounts pay
    permits: tuple[Permit, ...] = ()
    questions: tuple[Question, ...] = ()
    offer_hold: timedelta = timedelta(hours=2)  # how long an offer of the waitlist stands, by day
    fault_stops: bool = False  # a report of “out of order” closes it at once
    no_show_limit: NoShowLimit | None = None  # who misses so many may not reserve for a while

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
        if min(self.setup, self.cleanup, self.gap) < _NONE:
            raise ValueError("Setting up, cleaning up and gaps take no less than no time.")
        if self.offer_hold <= _NONE:
            raise ValueError("An offer stands for a while, or nobody could take it.")
        if not 0 <= self.owner_share <= 100:
            raise ValueError("The owner's share is a percentage.")
        if any(quota.peak for quota in self.quotas) and self.peak is None:
            raise ValueError("A quota counts peak hours, but there are none.")

    @property
    def around(self) -> timedelta:
        """How far from another reservation one has to keep."""
        return self.setup + self.cleanup

    @property
    def limits_people(self) -> bool:
        """Whether what a person or an institution already holds may stand in the way."""
        elsewhere = self.two_places is TwoPlaces.REFUSE
        return bool(self.quotas or self.gap or self.owner_share or elsewhere)

    def occupied(self, interval: Interval) -> Interval:
        """The time of a reservation with what it takes to set up and clean up around it."""
        if not self.around:
            return interval
        return Interval(interval.start - self.setup, interval.end + self.cleanup)

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
    counted: tuple[Counted, ...] = ()  # what quotas may count; the request itself left out
    elsewhere: tuple[Interval, ...] = ()  # what the person holds on other instruments meanwhile
    fixed_slots: tuple[Interval, ...] = ()  # those near the request, where there are any
    peak: tuple[Interval, ...] = ()  # the peak hours of the days that quotas count
    access_until: datetime | None = None  # when the last affiliation of the person ends
    capacity: int = 1
    use_scope: UseScope = UseScope.JOINT_USE
    use_state: UseState = UseState.IN_USE
    retired: bool = False
    faulty_since: datetime | None = None  # out of order, and nobody knows until when
    affiliation: AffiliationClass = AffiliationClass.PARTNER
    overdue_since: date | None = None  # what the person's institution owes the facility's
    overdue_reason: str = ""
    contracts: tuple[Contract, ...] = ()  # of the person's institution with the facility
    charged: Charged = NOT_CHARGED  # the accounts that the request names
    contact: str = ""  # of the facility, for who has to ask there
    suspended: bool = False
    suspended_until: datetime | None = None
    suspension_reason: Text | None = None
    training: TrainingPolicy = NO_TRAINING
    qualification: Qualification = UNTRAINED
    holidays: frozenset[date] = frozenset()  # on the days of the request; for the hours of levels
    linked: tuple["Linked", ...] = ()  # what would be reserved along
    operators: tuple[Duty, ...] = ()  # of the instrument, with their time around the request


@dataclass(frozen=True, slots=True)
class Linked:
    """An instrument that is reserved along with another, and what is known about it."""

    slug: str
    name: Text
    facts: BookingFacts
    accessory: bool = False  # chosen by the person; else needed
