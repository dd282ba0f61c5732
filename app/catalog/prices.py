"""What the list prices of the catalogue come to for one person; for information."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from app.domain.booking import AffiliationClass

#: The units that a length of time is counted in.
_TIMES = MappingProxyType({"hour": timedelta(hours=1), "day": timedelta(days=1)})


def unit_price(prices: Mapping[str, Any] | None, who: AffiliationClass | None) -> int | None:
    """What one unit costs such a person; None where that is not known."""
    if not prices or who is None:
        return None
    own = who is AffiliationClass.OWN_DEPARTMENT  # It pays what its institution pays.
    price: int | None = prices.get(AffiliationClass.OWN_INSTITUTION if own else who)
    return price


def price_of(
    prices: Mapping[str, Any] | None, who: AffiliationClass | None, length: timedelta
) -> int | None:
    """What `length` costs such a person in whole won; None where that is not known.

    Hours are charged in part and rounded up to the won, days as they begin. What is priced by
    the sample or the run is known only afterwards.
    """
    each = unit_price(prices, who)
    unit = _TIMES.get(prices["unit"]) if prices else None
    if each is None or unit is None:
        return None
    if unit == _TIMES["day"]:
        return each * -(-length // unit)
    return -(-each * (length // timedelta(seconds=1)) // 3600)
