"""How often one may fail to come before one may not reserve for a while."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.errors import Text
from app.domain.notation import in_words


@dataclass(frozen=True, slots=True)
class NoShowLimit:
    """So many no-shows within so long suspend a person for so long."""

    number: int
    within: timedelta
    suspended: timedelta

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError("Nobody is suspended for coming.")
        if min(self.within, self.suspended) <= timedelta(0):
            raise ValueError("Counting and suspending both take some time.")

    def counted(self, missed: Iterable[datetime], *, now: datetime) -> list[datetime]:
        """Those of the missed starts that still count."""
        return [start for start in missed if now - self.within < start <= now]

    def reached(self, missed: Iterable[datetime], *, now: datetime) -> bool:
        """Whether the person is suspended; what led to an earlier suspension is left out."""
        return len(self.counted(missed, now=now)) >= self.number


def why_suspended(number: int, within: timedelta) -> Text:
    """The reason as the person reads it, wherever they are refused."""
    words = in_words(within)
    shows = "no-show" if number == 1 else "no-shows"
    return Text(
        f"이 시설에서 {words.ko} 안에 미사용(노쇼) {number}회",
        f"{number} {shows} within {words.en} at this facility",
    )


def limit_in_words(limit: NoShowLimit) -> Text:
    """The rule as everyone may read it before they reserve."""
    within, suspended = in_words(limit.within), in_words(limit.suspended)
    shows = "no-show" if limit.number == 1 else "no-shows"
    return Text(
        f"{within.ko} 안에 {limit.number}회면 이 시설 예약이 {suspended.ko} 동안 정지됩니다",
        f"{limit.number} {shows} within {within.en}: no reservations at this facility for "
        f"{suspended.en}",
    )
