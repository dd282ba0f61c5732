"""Rate cards: what use costs whom, in which mode, by which unit, from when on; net, in won."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.errors import DureError, Text
from app.domain.opening_hours import OpeningHours

_WHOLE = Fraction(1)


class Unit(StrEnum):
    """What is counted. A session is one reservation, however long."""

    HOUR = "hour"
    HALF_DAY = "half_day"
    DAY = "day"
    SESSION = "session"
    SAMPLE = "sample"


class Tax(StrEnum):
    """How the supplier's use is taxed: 과세, 면세, 과세 대상 아님."""

    TAXABLE = "taxable"
    EXEMPT = "exempt"
    OUT_OF_SCOPE = "out_of_scope"


UNIT_NAMES: Mapping[Unit, Text] = MappingProxyType(
    {
        Unit.HOUR: Text("시간", "hour"),
        Unit.HALF_DAY: Text("반일", "half-day"),
        Unit.DAY: Text("일", "day"),
        Unit.SESSION: Text("회", "session"),
        Unit.SAMPLE: Text("시료", "sample"),
    }
)
MODE_NAMES: Mapping[Mode, Text] = MappingProxyType(
    {
        Mode.SELF_OPERATED: Text("직접사용", "self-operated use"),
        Mode.ASSISTED: Text("기술지원", "operator-assisted use"),
        Mode.COMMISSIONED: Text("분석의뢰", "commissioned analysis"),
    }
)
CLASS_NAMES: Mapping[AffiliationClass, Text] = MappingProxyType(
    {
        AffiliationClass.OWN_DEPARTMENT: Text("소속 부서", "Own department"),
        AffiliationClass.OWN_INSTITUTION: Text("소속 기관", "Own institution"),
        AffiliationClass.PARTNER: Text("협약 기관", "Partners of the alliance"),
        AffiliationClass.OTHER_ACADEMIC: Text(
            "그 밖의 대학·연구소", "Other universities and institutes"
        ),
        AffiliationClass.SMALL_COMPANY: Text("중소기업", "Small and medium companies"),
        AffiliationClass.LARGE_COMPANY: Text("대기업", "Large companies"),
    }
)
TAX_NAMES: Mapping[Tax, Text] = MappingProxyType(
    {
        Tax.TAXABLE: Text("과세", "Taxable"),
        Tax.EXEMPT: Text("면세", "VAT-exempt"),
        Tax.OUT_OF_SCOPE: Text("과세 대상 아님", "Out of the scope of VAT"),
    }
)

#: What is dropped from a net amount (절사): all below so many won.
TRUNCATIONS = (1, 10, 100, 1000)


class Unpriced(DureError):
    """The fee cannot be known before: no rate, or something is missing that it depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a supplier taxes and rounds. Raises `ValueError` for terms that nobody can have."""

    tax: Tax = Tax.EXEMPT
    vat_percent: int = 10
    truncation: int = 10

    def __post_init__(self) -> None:
        if self.truncation not in TRUNCATIONS:
            raise ValueError(f"Amounts are cut to 1, 10, 100 or 1,000 won, not {self.truncation}.")
        if not 0 <= self.vat_percent <= 100:
            raise ValueError("The rate of VAT is a percentage.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one unit costs one class of users in one mode."""

    who: AffiliationClass
    mode: Mode
    unit: Unit
    price: int
    minimum: int = 0  # the least that the use costs by this rate, after discounts
    started: bool = False  # a unit that has begun is paid whole; else to the minute

    def __post_init__(self) -> None:
        if min(self.price, self.minimum) < 0:
            raise ValueError("A price is not negative.")


@dataclass(frozen=True, slots=True)
class Discount:
    """An extra discount, for long use or many samples; only the highest of all applies."""

    name: Text
    percent: int
    hours: int | None = None  # from so many hours on
    samples: int | None = None  # from so many samples on

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise ValueError("A discount is a percentage above zero.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What a price is multiplied by: at night, on holidays, outside the peak hours.

    One at a time: on a holiday that of holidays, else at night that of the night, else that
    of the hours off the peak.
    """

    holiday: Fraction = _WHOLE
    night: Fraction = _WHOLE
    night_hours: OpeningHours | None = None
    off_peak: Fraction = _WHOLE

    def __post_init__(self) -> None:
        if min(self.holiday, self.night, self.off_peak) < 0:
            raise ValueError("A factor is not negative.")
        if self.night != 1 and self.night_hours is None:
            raise ValueError("A factor for the night needs the hours of the night.")

    @property
    def flat(self) -> bool:
        """Whether all hours cost the same."""
        return self.holiday == self.night == self.off_peak == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """The rates of an instrument from an instant on, until the next card's."""

    starts_at: datetime | None = None  # none: ever since
    rates: tuple[Rate, ...] = ()
    discounts: Mapping[AffiliationClass, int] = field(default_factory=dict)  # base, in percent
    extra_discounts: tuple[Discount, ...] = ()
    factors: Factors = Factors()
    operator_fee: int = 0  # won an hour, for help at the instrument; never discounted
    day_hours: int = 24  # how long a day is; a half-day is half of it
    tax: Tax | None = None  # none: the supplier's

    def __post_init__(self) -> None:
        keys = [(rate.who, rate.mode, rate.unit) for rate in self.rates]
        if len(set(keys)) < len(keys):
            raise ValueError("The card has two rates for the same class, mode and unit.")
        if not 1 <= self.day_hours <= 24:
            raise ValueError("A day has 1 to 24 hours.")
        if any(not 0 <= percent <= 100 for percent in self.discounts.values()):
            raise ValueError("A discount is a percentage.")

    def rates_of(self, who: AffiliationClass, mode: Mode) -> tuple[Rate, ...]:
        """All that counts for such a person: 20,000 a session and 5,000 an hour add up.

        Use with an operator costs what self-operated use does, if it has no rates of its own.
        """
        found = tuple(rate for rate in self.rates if rate.who is who and rate.mode is mode)
        if not found and mode is Mode.ASSISTED:
            return self.rates_of(who, Mode.SELF_OPERATED)
        return found

    def holes(self) -> Mapping[tuple[Mode, Unit], tuple[AffiliationClass, ...]]:
        """The classes that have no price by a unit by which others have one."""
        found = {}
        for mode, unit in dict.fromkeys((rate.mode, rate.unit) for rate in self.rates):
            priced = {r.who for r in self.rates if (r.mode, r.unit) == (mode, unit)}
            if missing := tuple(who for who in AffiliationClass if who not in priced):
                found[mode, unit] = missing
        return MappingProxyType(found)


def card_at(cards: Sequence[RateCard], instant: datetime) -> RateCard | None:
    """The card in force: the last one that has begun. `cards` are in order of their starts."""
    begun = [card for card in cards if card.starts_at is None or card.starts_at <= instant]
    return begun[-1] if begun else None


def reference_price(acquisition_cost: int, yearly_hours: int = 0) -> int:
    """The hourly price that the national guideline proposes (annex 11, MSIT notice 2026-25).

    Cost × 0.06 ÷ 1,000 hours, or the hours really used in a year if those are more; thousands
    of won, what is below is dropped.
    """
    exact = Fraction(acquisition_cost * 6, 100 * max(1000, yearly_hours))
    return int(exact / 1000) * 1000
