"""Between the clock on the wall and instants: always through a named zone, and UTC at once."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.errors import Invalid, Text
from app.domain.interval import Interval

_DAY = timedelta(days=1)


def to_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which clocks in `zone` show `local`, which is naive.

    Raises `Invalid` if the clocks never show it or show it twice, as on the days when they change.
    """
    instant = first_instant(local, zone)
    if local.replace(tzinfo=zone, fold=1).astimezone(UTC) == instant:
        return instant
    shown = f"{local:%Y-%m-%d %H:%M}"
    if to_local(instant, zone).replace(tzinfo=None) != local.replace(fold=0):
        later = f"{to_local(instant, zone):%H:%M}"
        raise Invalid(
            Text(
                f"{zone.key}의 시계를 앞당기는 때라 없는 시각({shown})입니다. "
                f"{later}처럼 그날 존재하는 시각을 골라 주세요.",
                f"In {zone.key} the clocks skip {shown} on that day. "
                f"Choose a time that exists, such as {later}.",
            )
        )
    raise Invalid(
        Text(
            f"{zone.key}의 시계를 늦추는 때라 두 번 있는 시각({shown})입니다. "
            "그 한 시간의 앞이나 뒤의 시각을 골라 주세요.",
            f"In {zone.key} the clocks show {shown} twice on that day. "
            "Choose a time before or after that hour.",
        )
    )


def first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of `local` for hours that recur: always some instant, never an error.

    A time that does not exist moves forward by what the clocks skip, and of a time that exists
    twice the first counts (RFC 5545, section 3.3.5). Raises `ValueError` if `local` is aware.
    """
    if local.tzinfo is not None:
        raise ValueError("A local time is naive; its zone is given apart.")
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def to_local(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in `zone` show at `instant`, aware. Raises `ValueError` if `instant` is naive."""
    if instant.tzinfo is None:
        raise ValueError("An instant has a time zone.")
    return instant.astimezone(zone)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The date in `zone` at `instant`."""
    return to_local(instant, zone).date()


def days_of(interval: Interval, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last local day of a use; one to midnight ends the day before."""
    return day_of(interval.start, zone), day_of(interval.end - timedelta.resolution, zone)


def day_interval(day: date, zone: ZoneInfo) -> Interval:
    """From midnight to midnight in `zone`: 23 or 25 hours long when the clocks change.

    Raises `ValueError` for a date that the zone left out (Samoa, 30 December 2011).
    """
    midnight = datetime.combine(day, time())
    return Interval(first_instant(midnight, zone), first_instant(midnight + _DAY, zone))
