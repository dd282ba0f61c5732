"""How much of its quotas a reservation takes up, for whoever decides on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.interval import Interval
from app.domain.quota import Counted, Quota, periods, time_within
from app.domain.quota_rules import counts


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """What is held in one day, week or month, the reservation itself with it."""

    quota: Quota
    period: Interval
    held: timedelta | int

    @property
    def most(self) -> timedelta | int:
        return self.quota.number or 0 if self.quota.hours is None else self.quota.hours

    @property
    def is_over(self) -> bool:
        """Whether it is more than the quota lets pass, as where a manager set it aside."""
        if isinstance(self.held, timedelta):
            return self.quota.hours is not None and self.held > self.quota.hours
        return self.quota.number is not None and self.held > self.quota.number


def used(
    quotas: Sequence[Quota],
    wanted: Interval,
    others: Sequence[Counted],
    *,
    now: datetime,
    zone: ZoneInfo,
) -> list[QuotaUse]:
    """Of every quota, in each period that `wanted` touches; those of peak hours are left out."""
    found = []
    for quota in quotas:
        if quota.peak:
            continue
        spans = [wanted, *(each.interval for each in others if counts(quota, each))]
        for period in periods(quota, wanted, now=now, zone=zone):
            held: timedelta | int = time_within(spans, period)
            if quota.hours is None:
                held = sum(span.overlaps(period) for span in spans)
            found.append(QuotaUse(quota, period, held))
    return found
