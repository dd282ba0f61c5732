"""What is to be charged for reservations: priced as promised, shared over their payers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.accounts.models import Institution
from app.catalog.models import Facility
from app.catalog.policy import holidays_of
from app.db import db
from app.domain.approval import Status
from app.domain.charge import ChargeKind, Part, Payer, Promised, part_of, parts, set_to
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.pricing import Item
from app.domain.quote import Quote
from app.domain.rate_card import Terms, Unpriced
from app.domain.shares import parse_percent
from app.programmes.holding import held_for
from app.projects.models import FundingAccount
from app.rates.cards import usual_terms
from app.rates.frozen import Frozen, frozen_in

_WHOLE = Fraction(100)

NO_PRICE = Text(
    "이용료를 알 수 없습니다. 금액을 정하거나 면제해 주세요.",
    "No price is known. Set what it costs, or waive it.",
)
NO_PAYER = Text(
    "낼 기관이 없습니다. 예약자의 소속이나 연구비 계정을 확인해 주세요.",
    "Nobody pays: the holder has no institution and no funding account is named.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a reservation that is over comes to, and who pays which part."""

    kind: ChargeKind
    day: date
    quote: Quote
    parts: tuple[Part, ...]
    promised: Mapping[str, Promised] = field(default_factory=dict)  # by fund

    @property
    def nothing(self) -> bool:
        return not any(part.total for part in self.parts)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A reservation that is over and cannot be charged yet, and why."""

    why: Text


class Payers:
    """Funding accounts and institutions by what reservations say of them; read once."""

    def __init__(self) -> None:
        institutions = select(Institution.id, Institution.slug)
        accounts = select(FundingAccount.number, Institution.slug).join(FundingAccount.institution)
        self._by_id: dict[int, str] = dict(db.session.execute(institutions).all())
        self._of_account: dict[str, str] = dict(db.session.execute(accounts).all())

    def of(self, row: Any) -> list[Payer]:
        """Who pays, the first of whom takes the odd won; [] if nobody is known to."""
        if row.shares:
            return [
                Payer(
                    self._of_account[each["account"]],
                    parse_percent(each["percent"]),
                    each["account"],
                )
                for each in row.shares
            ]
        if row.institution_id is None:
            return []
        return [Payer(self._by_id[row.institution_id], _WHOLE)]


class Charging:
    """Turns reservations that are over into what they cost."""

    def __init__(self, supplier: Institution) -> None:
        self._payers = Payers()
        self._usual = usual_terms(supplier.kind)
        self._facilities: dict[int, Facility] = {}

    def of(self, row: Any) -> Due | Unknown | None:
        """None where there is nothing to charge for: not over, or ended at no cost."""
        frozen = frozen_in(row.charging)
        zone = ZoneInfo(row.timezone)
        if row.status in (Status.COMPLETED, Status.CONFIRMED):
            return self._use(row, frozen, zone)
        if row.status is Status.NO_SHOW or row.given_up:
            return self._fee(row, frozen, zone)
        return None

    def _use(self, row: Any, frozen: Frozen | None, zone: ZoneInfo) -> Due | Unknown:
        charged = charged_time(row, frozen)
        day = day_of(charged.end - charged.end.resolution, zone)
        return self._due(row, ChargeKind.USE, day, self.agreed(row, frozen, charged), frozen)

    def agreed(self, row: Any, frozen: Frozen | None, charged: Interval) -> Quote | None:
        """What a use of that time comes to as agreed; None where that is not known."""
        if frozen and (charged != reserved_time(row) or row.samples != frozen.samples):
            return self.priced(row, frozen, charged)
        return Quote.from_json(row.quote) if row.quote else None

    def priced(self, row: Any, frozen: Frozen, charged: Interval) -> Quote | None:
        """What it costs by these cards and terms; None where they have no price for it."""
        billed = frozen.policy.billed(charged)
        days = frozenset() if frozen.flat else self._holidays(row.facility_id, billed)
        try:
            return frozen.quote(charged, row.samples, ZoneInfo(row.timezone), days)
        except Unpriced:
            return None

    def _holidays(self, facility_id: int, charged: Interval) -> frozenset[date]:
        if facility_id not in self._facilities:
            self._facilities[facility_id] = db.session.get_one(Facility, facility_id)
        return holidays_of(self._facilities[facility_id], charged)

    def _fee(self, row: Any, frozen: Frozen | None, zone: ZoneInfo) -> Due | Unknown | None:
        """Of what was given up late or missed; nothing where no fee was agreed."""
        kind, item = ChargeKind.NO_SHOW, Item.NO_SHOW
        percent = frozen.policy.no_show_percent if frozen else 0
        if row.status is Status.CANCELLED:
            kind, item = ChargeKind.LATE_CANCELLATION, Item.LATE_CANCELLATION
            start = row.reserved_from or row.starts_at
            percent = frozen.policy.cancel_percent(start, row.ended_at) if frozen else 0
        if not percent or not row.quote:
            return None
        assert frozen
        day = day_of(row.ended_at, zone)
        quoted = Quote.from_json(row.quote)
        fee = part_of(quoted, percent, item, frozen.terms.vat_percent, day)
        return self._due(row, kind, day, fee, frozen)

    def _due(
        self, row: Any, kind: ChargeKind, day: date, quoted: Quote | None, frozen: Frozen | None
    ) -> Due | Unknown:
        terms = frozen.terms if frozen else self._usual
        if row.decided_net is not None:
            quoted = set_to(quoted or _nothing(terms), row.decided_net, terms.vat_percent)
        if quoted is None:
            return Unknown(NO_PRICE)
        paying = self._payers.of(row)
        if not paying:
            return Unknown(NO_PAYER)
        promised = _still_held(row, promised_in(row.quote)) if kind is ChargeKind.USE else []
        return Due(
            kind=kind,
            day=day,
            quote=quoted,
            parts=tuple(parts(quoted.net, quoted.vat, paying, promised)),
            promised={each.fund: each for each in promised},
        )


def reserved_time(row: Any) -> Interval:
    """As it was reserved, whatever was held of it in the end."""
    return Interval(row.reserved_from or row.starts_at, row.reserved_until or row.ends_at)


def charged_time(row: Any, frozen: Frozen | None) -> Interval:
    """The time that a use is charged for, by the policy that was agreed."""
    reserved = reserved_time(row)
    if frozen is None:
        return reserved
    used = (
        Interval(row.used_from, row.used_until)
        if row.used_from and row.used_until and row.used_from < row.used_until
        else None
    )
    return frozen.policy.charged(reserved, Interval(row.starts_at, row.ends_at), used)


def _nothing(terms: Terms) -> Quote:
    return Quote(lines=(), tax=terms.tax)


def _still_held(row: Any, promised: list[Promised]) -> list[Promised]:
    """Of what was charged before, funds pay no more than they did: the rest went to others."""
    if row.charge_id is None or not promised:
        return promised
    held = held_for(row.id)
    return [replace(each, amount=min(each.amount, held.get(each.fund, 0))) for each in promised]


def promised_in(quote: Mapping[str, Any] | None) -> list[Promised]:
    """What funds hold for a use, as its quote says. They pay for use alone, not for fees."""
    return [
        Promised(each["fund"], each["sponsor"], int(each["percent"]), each["amount"])
        for each in (quote or {}).get("fund") or ()
        if each["amount"]
    ]
