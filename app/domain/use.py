"""Using what is reserved: when one may check in, who did not come, when a use is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from app.domain.errors import Text, WrongState
from app.domain.interval import Interval
from app.domain.notation import shown

_NONE = timedelta()
_MINUTE = timedelta(minutes=1)
#: A use that somebody writes down is at most so long.
LONGEST_USE = timedelta(days=31)
LONGEST_EARLY = timedelta(hours=24)


class CheckIn(StrEnum):
    """Whether people say that they have come: never, if they like, or else they are no-shows."""

    OFF = "off"
    ASKED = "asked"
    REQUIRED = "required"


class CheckInPlace(StrEnum):
    """Where one may check in: anywhere, or only in front of the instrument, by its code."""

    ANYWHERE = "anywhere"
    INSTRUMENT = "instrument"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePolicy:
    """The settings of one instrument's use. Raises `ValueError` if they make no sense."""

    check_in: CheckIn = CheckIn.OFF
    check_in_at: CheckInPlace = CheckInPlace.ANYWHERE
    check_in_early: timedelta = timedelta(minutes=10)  # how long before the start one may check in
    no_show_after: timedelta = timedelta(minutes=30)  # counts where checking in is required
    check_out_after: timedelta = timedelta(minutes=30)  # a forgotten use is closed after that

    def __post_init__(self) -> None:
        if not _NONE <= self.check_in_early <= LONGEST_EARLY:
            raise ValueError("One may check in at most a day before the start.")
        if self.no_show_after <= _NONE:
            raise ValueError("Nobody can check in by the very start.")
        if self.check_out_after < _NONE:
            raise ValueError("A use is not forgotten before it ends.")


def began(now: datetime) -> datetime:
    """The minute in which a use that begins `now` begins: used times are whole minutes."""
    return now.replace(second=0, microsecond=0)


def ended(now: datetime) -> datetime:
    """The minute at whose end a use that ends `now` has ended; never the one it began in."""
    minute = began(now)
    return minute if minute == now else minute + _MINUTE


def no_show_at(policy: UsePolicy, interval: Interval) -> datetime | None:
    """When somebody who has not checked in counts as a no-show; None: never by rule."""
    if policy.check_in is not CheckIn.REQUIRED:
        return None
    return min(interval.start + policy.no_show_after, interval.end)


def check_in_times(policy: UsePolicy, interval: Interval, missed_at: datetime | None) -> Interval:
    """From when until when one may check in; `missed_at` is when the time is given to others."""
    return Interval(interval.start - policy.check_in_early, missed_at or interval.end)


def may_check_in(
    policy: UsePolicy,
    interval: Interval,
    missed_at: datetime | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    manages: bool,
) -> None:
    """Raise `WrongState` if one may not check in now. A manager may until the very end."""
    if policy.check_in is CheckIn.OFF:
        raise WrongState(
            Text(
                "이 장비는 사용 시작·종료를 기록하지 않습니다. 예약한 시간에 그대로 사용하세요.",
                "Nobody checks in at this instrument. Just use it in the time that you reserved.",
            )
        )
    times = check_in_times(policy, interval, None if manages else missed_at)
    if now < times.start:
        opens = shown(times.start, zone, now)
        raise WrongState(
            Text(
                f"아직 사용을 시작할 수 없습니다. {opens.ko}부터 할 수 있습니다.",
                f"It is too early to check in. Come back on {opens.en}.",
            )
        )
    if now >= times.end:
        closed = shown(times.end, zone, now)
        raise WrongState(
            Text(
                f"사용을 시작할 수 있는 시각({closed.ko})이 지났습니다. "
                "필요하면 새로 예약하거나 장비담당자에게 알려 주세요.",
                f"It is too late to check in: that was possible until {closed.en}. "
                "Make a new reservation, or tell the facility manager.",
            )
        )


def closes_at(policy: UsePolicy, interval: Interval) -> datetime:
    """When a use that nobody ended is closed by rule."""
    return interval.end + policy.check_out_after


def used_until(
    policy: UsePolicy, interval: Interval, used_from: datetime, *, now: datetime
) -> datetime:
    """When a use that is ended `now` ended.

    Who is a little late used it a little longer; who comes back after the time at which it would
    have been closed by rule had forgotten to say so, and the time reserved counts.
    """
    end = ended(now) if now < closes_at(policy, interval) else interval.end
    return max(end, used_from + _MINUTE)


def hold_after(interval: Interval, until: datetime) -> Interval:
    """What a use that is over holds: not longer than it was held, and nothing that is left."""
    return Interval(interval.start, min(interval.end, until))
