"""The demonstration's rates: prices of its own invention where the catalogue names none.

List prices of the catalogue are facts and stay as they are; one instrument has dearer rates to
come.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.models import RoleGrant, RoleName, User
from app.billing.months import next_month
from app.catalog.models import Instrument
from app.catalog.policy import policy_of, zone_of
from app.db import db
from app.domain.booking import AffiliationClass
from app.domain.local_time import day_of
from app.domain.rate_card import Rate, RateCard, Unit
from app.rates.cards import listed_card
from app.rates.services import NewRates, set_rates

#: What partners of the alliance pay; nobody but the demonstration says so.
INVENTED: Mapping[str, tuple[Unit, int]] = MappingProxyType(
    {
        "djtp-bio-centrifuge": (Unit.HOUR, 12_000),
        "djtp-bio-lcms": (Unit.SAMPLE, 35_000),
        "djtp-bio-nmr": (Unit.HOUR, 45_000),
        "djtp-bio-toc": (Unit.SAMPLE, 15_000),
        "hanbat-em-hf5000": (Unit.HOUR, 60_000),
        "kaist-animal-absl2": (Unit.DAY, 120_000),
        "kaist-animal-behaviour": (Unit.HOUR, 15_000),
        "kaist-animal-procedure": (Unit.HOUR, 20_000),
        "kaist-biocentury-cytoflex": (Unit.HOUR, 20_000),
        "kaist-biocentury-octet": (Unit.HOUR, 30_000),
        "kaist-biocore-flow": (Unit.HOUR, 40_000),
        "kaist-biocore-imaging": (Unit.HOUR, 35_000),
        "kaist-biocore-mass": (Unit.SAMPLE, 60_000),
        "kaist-biocore-sequencing": (Unit.SAMPLE, 90_000),
        "kaist-gsmse-holotomography": (Unit.HOUR, 30_000),
        "kaist-kara-cryo-prep": (Unit.HOUR, 80_000),
        "kaist-kara-cryo-tomography": (Unit.DAY, 900_000),
    }
)
_DEARER, _BY_PERCENT = "kaist-biocore-lightsheet", 5
_CHANGED, _CHEAPER = "kaist-biocore-flow", 36_000
#: In percent of what partners pay.
_PARTS: Mapping[AffiliationClass, int] = MappingProxyType(
    {
        AffiliationClass.OWN_DEPARTMENT: 70,
        AffiliationClass.OWN_INSTITUTION: 70,
        AffiliationClass.PARTNER: 100,
        AffiliationClass.OTHER_ACADEMIC: 120,
        AffiliationClass.SMALL_COMPANY: 150,
        AffiliationClass.LARGE_COMPANY: 200,
    }
)
_STEP = 100


def announce(*, now: datetime) -> None:
    """Set them, as the facilities' managers would have; reservations made before keep no price."""
    slugs = [*INVENTED, _DEARER]
    instruments = {
        each.slug: each
        for each in db.session.scalars(
            select(Instrument)
            .where(Instrument.slug.in_(slugs))
            .options(joinedload(Instrument.facility))
        )
    }
    if _CHANGED in instruments:
        unit, _ = INVENTED[_CHANGED]
        _set(instruments[_CHANGED], unit, _CHEAPER, now - timedelta(days=200))
    for slug, (unit, price) in INVENTED.items():
        if slug in instruments:
            _set(instruments[slug], unit, price, now)
    if _DEARER in instruments:
        _raise(instruments[_DEARER], now)


def _set(instrument: Instrument, unit: Unit, price: int, now: datetime) -> None:
    rates = tuple(
        Rate(who=who, mode=mode, unit=unit, price=price * percent // 100)
        for mode in sorted(policy_of(instrument).modes)
        for who, percent in _PARTS.items()
    )
    _write(instrument, RateCard(rates=rates), day_of(now, zone_of(instrument)), now)


def _raise(instrument: Instrument, now: datetime) -> None:
    """From the first of the month after next on."""
    card = listed_card(instrument.prices)
    if card is None:
        return
    modes = policy_of(instrument).modes
    rates = tuple(
        Rate(
            who=rate.who,
            mode=rate.mode,
            unit=rate.unit,
            price=rate.price * (100 + _BY_PERCENT) // 100 // _STEP * _STEP,
        )
        for rate in card.rates
        if rate.mode in modes
    )
    today = day_of(now, zone_of(instrument))
    first = next_month(next_month(today.replace(day=1)))
    _write(instrument, RateCard(rates=rates, operator_fee=10_000), first, now)


def _write(instrument: Instrument, card: RateCard, first: date, now: datetime) -> None:
    manager = db.session.scalars(
        select(User)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            RoleGrant.role == RoleName.FACILITY_MANAGER,
            RoleGrant.facility_id == instrument.facility_id,
        )
        .order_by(User.id)
    ).first()
    if manager is not None:
        set_rates(manager, instrument.facility, NewRates(card, first, instrument.slug), now=now)
