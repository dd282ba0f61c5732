"""What prices a use in the end, as it was when its quote was given; kept with the reservation.

Rates, taxes and fees set later never reach it, whatever is charged: time used, a late
cancellation, a no-show. Holidays alone are those of the day of charging.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Self
from zoneinfo import ZoneInfo

from app.domain.booking import AffiliationClass, Mode
from app.domain.charge import CancelFee, ChargeBy, ChargePolicy, part_of
from app.domain.interval import Interval
from app.domain.opening_hours import OpeningHours
from app.domain.pieces import Times
from app.domain.pricing import Item, Use
from app.domain.quote import Quote, quote
from app.domain.rate_card import Rate, RateCard, Tax, Terms, Unit, card_at
from app.rates.cards import Cards, card_from, settings_of

_PLAIN = settings_of(RateCard())


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Cards, terms and fees for one person's use in one mode."""

    who: AffiliationClass
    mode: Mode
    samples: int | None
    operator: bool
    cards: Cards
    terms: Terms
    policy: ChargePolicy
    peak: OpeningHours | None = None

    @property
    def flat(self) -> bool:
        """Whether each hour costs the same, holidays or not."""
        return all(card.factors.flat for card in self.cards)

    def quote(
        self,
        interval: Interval,
        samples: int | None,
        zone: ZoneInfo,
        holidays: frozenset[date] = frozenset(),
    ) -> Quote:
        """What such a use costs by it. Raises `Unpriced` where that is not known."""
        use = Use(
            interval=self.policy.billed(interval),
            who=self.who,
            mode=self.mode,
            samples=samples,
            operator=self.operator,
        )
        times = Times(zone=zone, holidays=holidays, peak=self.peak)
        return quote(use, self.cards, times, self.terms)

    def as_json(self) -> dict[str, Any]:
        return {
            "who": self.who.value,
            "mode": self.mode.value,
            "samples": self.samples,
            "operator": self.operator,
            "cards": [self._card_as_json(card) for card in self.cards],
            "terms": asdict(self.terms) | {"tax": self.terms.tax.value},
            "policy": _policy_as_json(self.policy),
            "peak": self.peak.dump() if self.peak and not self.flat else None,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        who, mode, terms = AffiliationClass(said["who"]), Mode(said["mode"]), said["terms"]
        return cls(
            who=who,
            mode=mode,
            samples=said["samples"],
            operator=said["operator"],
            cards=tuple(_card_from_json(each, who, mode) for each in said["cards"]),
            terms=Terms(**{**terms, "tax": Tax(terms["tax"])}),
            policy=_policy_from_json(said["policy"]),
            peak=OpeningHours.parse(said["peak"]) if said["peak"] else None,
        )

    def _card_as_json(self, card: RateCard) -> dict[str, Any]:
        """What a card that says nothing says, is left out."""
        settings = settings_of(card)
        return {
            "from": card.starts_at.isoformat() if card.starts_at else None,
            "rates": [
                [rate.unit.value, rate.price, rate.minimum, rate.started]
                for rate in card.rates_of(self.who, self.mode)
            ],
            "settings": {name: said for name, said in settings.items() if said != _PLAIN[name]},
        }


@lru_cache(maxsize=4096)
def frozen_in(text: str | None) -> Frozen | None:
    """What a reservation keeps, from its JSON; many keep the same."""
    said = json.loads(text) if text else None
    return Frozen.from_json(said) if said else None


def cancelling_costs(
    charging: Mapping[str, Any] | None,
    quoted: Mapping[str, Any] | None,
    start: datetime,
    at: datetime,
) -> int:
    """What giving up a reservation costs at an instant, with VAT, by what was agreed then."""
    if not charging or not quoted:
        return 0
    frozen = Frozen.from_json(charging)
    percent = frozen.policy.cancel_percent(start, at)
    whole = Quote.from_json(quoted)
    fee = part_of(whole, percent, Item.LATE_CANCELLATION, frozen.terms.vat_percent, at.date())
    return fee.total


def cards_for(cards: Cards, interval: Interval, longest: timedelta) -> Cards:
    """The card in force at the start, and those that begin before the longest use would end."""
    first = card_at(cards, interval.start)
    return tuple(
        card
        for card in cards
        if card is first
        or (card.starts_at and interval.start < card.starts_at < interval.end + longest)
    )


def _card_from_json(said: Mapping[str, Any], who: AffiliationClass, mode: Mode) -> RateCard:
    rates = [
        Rate(who=who, mode=mode, unit=Unit(unit), price=price, minimum=minimum, started=started)
        for unit, price, minimum, started in said["rates"]
    ]
    begins = datetime.fromisoformat(said["from"]) if said["from"] else None
    return replace(card_from({**_PLAIN, **said["settings"]}, rates), starts_at=begins)


def _policy_as_json(policy: ChargePolicy) -> dict[str, Any]:
    return {
        "by": policy.by.value,
        "cancel_fees": [
            [int(fee.within.total_seconds()), fee.percent] for fee in policy.cancel_fees
        ],
        "no_show_percent": policy.no_show_percent,
        "credit_early": policy.credit_early,
        "around": [int(each.total_seconds()) for each in (policy.setup, policy.cleanup)],
    }


def _policy_from_json(said: Mapping[str, Any]) -> ChargePolicy:
    setup, cleanup = said.get("around", (0, 0))
    return ChargePolicy(
        by=ChargeBy(said["by"]),
        cancel_fees=tuple(
            CancelFee(timedelta(seconds=within), percent) for within, percent in said["cancel_fees"]
        ),
        no_show_percent=said["no_show_percent"],
        credit_early=said["credit_early"],
        setup=timedelta(seconds=setup),
        cleanup=timedelta(seconds=cleanup),
    )
