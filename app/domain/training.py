"""What people must have learned to work an instrument, and what they have: levels, certificates.

Only those who work an instrument themselves need any of it: whoever hands samples in does not.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from app.domain.errors import Text
from app.domain.interval import Interval, merged
from app.domain.opening_hours import ALWAYS_OPEN, OpeningHours
from app.domain.period import NO_END, Period


class Level(StrEnum):
    """How far a certificate (수료증) reaches; a higher level includes those before it."""

    ASSISTED = "assisted"
    DAYTIME = "daytime"
    NIGHT = "night"


class SafetyKind(StrEnum):
    """Kinds of safety training (안전교육), taken apart from the training for an instrument."""

    LABORATORY = "laboratory"
    BIOLOGICAL = "biological"
    CHEMICAL = "chemical"
    RADIATION = "radiation"


LEVEL_NAMES: Mapping[Level, Text] = MappingProxyType(
    {
        Level.ASSISTED: Text("보조 이용", "Assisted use"),
        Level.DAYTIME: Text("주간 이용", "Daytime use"),
        Level.NIGHT: Text("야간 이용", "Night use"),
    }
)

SAFETY_NAMES: Mapping[SafetyKind, Text] = MappingProxyType(
    {
        SafetyKind.LABORATORY: Text("연구실 안전교육", "Laboratory safety training"),
        SafetyKind.BIOLOGICAL: Text("생물안전 교육", "Biosafety training"),
        SafetyKind.CHEMICAL: Text("화학물질 안전교육", "Chemical safety training"),
        SafetyKind.RADIATION: Text("방사선 안전교육", "Radiation safety training"),
    }
)

_LEVELS = tuple(Level)


def rank(level: Level) -> int:
    """Higher for a level that reaches further."""
    return _LEVELS.index(level)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPolicy:
    """What an instrument asks of those who work it themselves."""

    certificate: bool = False
    validity: Period = NO_END  # how long a certificate holds from the day on which it is given
    unused: Period = NO_END  # it is lost after so long without use
    safety: tuple[SafetyKind, ...] = ()
    safety_validity: Period = NO_END  # how long ago a safety training may lie at most
    #: When people of each level may work there, in the order of the levels.
    hours: tuple[OpeningHours, ...] = (ALWAYS_OPEN,) * len(_LEVELS)

    @property
    def asks_nothing(self) -> bool:
        return not (self.certificate or self.safety)


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate that a person holds, and when they last used what it opens."""

    level: Level
    granted_on: date
    expires_on: date | None = None  # the last day on which it holds
    used_on: date | None = None

    def lost_after(self, unused: Period) -> date | None:
        """The last day on which the next use may begin, if it is lost unused."""
        if not unused:
            return None
        return unused.after(max(self.granted_on, self.used_on or self.granted_on))

    def ends_on(self, unused: Period) -> date | None:
        """The last day on which it holds unless it is used before; None: it has no end."""
        ends = [day for day in (self.expires_on, self.lost_after(unused)) if day]
        return min(ends, default=None)

    def holds(self, first: date, last: date, unused: Period) -> bool:
        """Whether it opens a use from one day to another: to be used in time renews it."""
        lost_after = self.lost_after(unused)
        return (self.expires_on is None or last <= self.expires_on) and (
            lost_after is None or first <= lost_after
        )


@dataclass(frozen=True, slots=True)
class SafetyRecord:
    """A safety training that a person has had."""

    kind: SafetyKind
    done_on: date
    valid_until: date | None = None  # the last day

    def ends_on(self, validity: Period) -> date | None:
        ends = [self.valid_until, validity.after(self.done_on) if validity else None]
        return min((day for day in ends if day), default=None)


@dataclass(frozen=True, slots=True)
class NextSession:
    """The next training session (이용 교육) that somebody could go to."""

    title: Text
    starts_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """What a person has learned, as far as one instrument asks about it."""

    exempt: bool = False  # from certificates: who manages an instrument trains the others
    certificates: tuple[Held, ...] = ()
    safety: tuple[SafetyRecord, ...] = ()
    next_session: NextSession | None = None


NO_TRAINING = TrainingPolicy()
UNTRAINED = Qualification()


def hours_of_levels(
    levels: Iterable[Level],
    policy: TrainingPolicy,
    during: Interval,
    zone: ZoneInfo,
    holidays: Collection[date] = (),
) -> list[Interval]:
    """When somebody of these levels, and so of all lower ones, may work there; merged."""
    highest = max(map(rank, levels), default=-1)
    return merged(
        span
        for hours in policy.hours[: highest + 1]
        for span in hours.open_intervals(during, zone, holidays)
    )
