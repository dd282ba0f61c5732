"""Rates set by Sora for the microscope or her facility."""

from datetime import date, datetime
from typing import Any

import pytest

from app import clock
from app.accounts.models import User
from app.catalog.models import Instrument
from app.domain.booking import AffiliationClass, Mode
from app.domain.rate_card import Rate, Unit
from app.domain.rate_card import RateCard as Card
from app.rates import services
from app.rates.models import RateCard
from app.rates.services import NewRates
from tests.factories import NOW

TODAY = date(2026, 3, 2)


@pytest.fixture
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages, too, believe that it is 2 March 2026."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


def for_all(price: int, unit: Unit = Unit.HOUR, **fields: Any) -> tuple[Rate, ...]:
    """The same price for every class in both modes."""
    return tuple(
        Rate(who=who, mode=mode, unit=unit, price=price, **fields)
        for who in AffiliationClass
        for mode in Mode
    )


def set_card(
    user: User,
    instrument: Instrument,
    price: int,
    *,
    first: date = TODAY,
    of: str = "instrument",
    replace: bool = False,
    **fields: Any,
) -> RateCard:
    """An hourly price from a day on, for the instrument, its facility or its institution."""
    wanted = NewRates(
        Card(rates=for_all(price), **fields),
        first,
        instrument.slug if of == "instrument" else None,
        institution=of == "institution",
        replace=replace,
    )
    return services.set_rates(user, instrument.facility, wanted, now=NOW)
