"""What the uses of a month earned, and what they would have earned by other rates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.accounts.models import Institution
from app.billing.charge_rows import uses_of
from app.billing.charges import Charging, charged_time
from app.billing.months import interval_of
from app.catalog.models import Instrument
from app.catalog.policy import policy_of
from app.domain.booking import AffiliationClass
from app.domain.opening_hours import OpeningHours
from app.domain.rate_card import RateCard as Card
from app.rates.frozen import frozen_in


@dataclass(slots=True)
class Earned:
    """The uses of one class of users; net, in won."""

    who: AffiliationClass
    uses: int = 0
    earned: int = 0
    would: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A month's use by the rates that held and by others."""

    month: date
    lines: Sequence[Earned]
    left_out: int  # uses for which one of the two has no price
    instruments: int  # for which the other rates would hold

    @property
    def uses(self) -> int:
        return sum(line.uses for line in self.lines)

    @property
    def earned(self) -> int:
        return sum(line.earned for line in self.lines)

    @property
    def would(self) -> int:
        return sum(line.would for line in self.lines)


def compare(
    supplier: Institution,
    instruments: Sequence[Instrument],
    card: Card,
    month: date,
    *,
    now: datetime,
) -> Comparison:
    """What the month's uses of the instruments earned, and would have earned by the card.

    By the same time, class, samples and terms. Fees for what was given up or missed are left
    aside, and what a manager has set stays as it was set.
    """
    charging = Charging(supplier)
    peaks = {each.id: policy_of(each).peak for each in instruments}
    lines = {who: Earned(who) for who in AffiliationClass}
    left_out = 0
    for row in uses_of(peaks, interval_of(month), now):
        found = _of_use(row, charging, card, peaks[row.instrument_id])
        if found is None:
            left_out += 1
            continue
        who, earned, would = found
        lines[who].uses += 1
        lines[who].earned += earned
        lines[who].would += would
    told = [line for line in lines.values() if line.uses]
    return Comparison(month, told, left_out, len(instruments))


def _of_use(
    row: Any, charging: Charging, card: Card, peak: OpeningHours | None
) -> tuple[AffiliationClass, int, int] | None:
    """Whose it was, what it earned, what it would have; None where one of the two is not known."""
    frozen = frozen_in(row.charging)
    if frozen is None:
        return None
    if row.decided_net is not None:
        return frozen.who, row.decided_net, row.decided_net
    charged = charged_time(row, frozen)
    agreed = charging.agreed(row, frozen, charged)
    other = charging.priced(row, replace(frozen, cards=(card,), peak=peak), charged)
    return (frozen.who, agreed.net, other.net) if agreed and other else None
