"""Reads of rates: what holds for an instrument, and what a use will cost a person."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.models import Institution, InstitutionKind, User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import (
    affiliation_class,
    charge_policy_of,
    holidays_of,
    policy_of,
    zone_of,
)
from app.catalog.queries import instruments_of
from app.db import db
from app.domain.booking import AffiliationClass, Mode, Policy
from app.domain.charge import ChargePolicy
from app.domain.errors import NotFound, Text
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.pieces import Times
from app.domain.pricing import Use
from app.domain.quote import Quote, quote
from app.domain.rate_card import Rate, Terms, Unit, Unpriced, card_at
from app.domain.shares import Share
from app.domain.use import LONGEST_USE
from app.rates.cards import Cards, Dated, card_from, dated_on, in_turn, listed_card, usual_terms
from app.rates.frozen import Frozen, cards_for
from app.rates.models import RateCard, RateLine, SupplierTerms

#: Nothing longer is ever reserved; a dry run may ask for more.
LONGEST = timedelta(days=366)

_READ = (
    select(
        Institution.id.label("institution_id"),
        Institution.kind,
        SupplierTerms.tax,
        SupplierTerms.vat_percent,
        SupplierTerms.truncation,
        RateCard.id.label("card_id"),
        RateCard.facility_id,
        RateCard.instrument_id,
        RateCard.valid_from,
        RateCard.settings,
        RateLine.who,
        RateLine.mode,
        RateLine.unit,
        RateLine.price,
        RateLine.minimum,
        RateLine.started,
    )
    .outerjoin(SupplierTerms, SupplierTerms.institution_id == Institution.id)
    .order_by(RateCard.id, RateLine.id)
)


@dataclass(frozen=True, slots=True)
class Tariff:
    """All that a price for one person on one instrument depends on."""

    cards: Cards
    terms: Terms
    who: AffiliationClass
    facility: Facility
    policy: Policy
    charge_policy: ChargePolicy

    def quote(
        self,
        interval: Interval,
        mode: Mode,
        samples: int | None = None,
        *,
        operator: bool = False,
    ) -> Quote:
        """What it will cost. Raises `Unpriced` where that is not known."""
        if interval.duration > LONGEST:
            raise Unpriced(
                Text(
                    "1년이 넘는 이용의 이용료는 미리 계산하지 않습니다.",
                    "The fee of a use longer than a year is not told beforehand.",
                )
            )
        billed = self.charge_policy.billed(interval)
        use = Use(
            interval=billed,
            who=self.who,
            mode=mode,
            samples=samples,
            operator=operator or mode is Mode.ASSISTED,
        )
        return quote(use, self.cards, self._times(billed), self.terms)

    def kept(
        self,
        interval: Interval,
        mode: Mode,
        samples: int | None = None,
        shares: Sequence[Share] = (),
    ) -> dict[str, dict[str, Any] | None]:
        """What a reservation keeps: its quote, if a price is known, and what it is charged by."""
        try:
            quoted = self.quote(interval, mode, samples).paid_by(shares).as_json()
        except Unpriced:
            quoted = None
        policy = self.charge_policy
        frozen = Frozen(
            who=self.who,
            mode=mode,
            samples=samples,
            operator=mode is Mode.ASSISTED,
            cards=cards_for(self.cards, policy.billed(interval), LONGEST_USE),
            terms=self.terms,
            policy=policy,
            peak=self.policy.peak,
        )
        return {"quote": quoted, "charging": frozen.as_json()}

    def price(self, interval: Interval, mode: Mode) -> int | None:
        """The total; None where it is not known beforehand."""
        try:
            return self.quote(interval, mode).total
        except Unpriced:
            return None

    def unit_price(self, at: datetime, mode: Mode) -> tuple[int, Unit] | None:
        """What the first unit costs, before discounts, and which unit it is."""
        card = card_at(self.cards, at)
        rates = card.rates_of(self.who, mode) if card else ()
        return (rates[0].price, rates[0].unit) if rates else None

    def however_long(self, at: datetime, mode: Mode) -> bool:
        """Whether it costs the same however long it takes, as by the sample."""
        card = card_at(self.cards, at)
        rates = card.rates_of(self.who, mode) if card else ()
        return all(rate.unit in {Unit.SAMPLE, Unit.SESSION} for rate in rates)

    def steady(self, during: Interval) -> bool:
        """Whether the same length costs the same whenever it lies within `during`."""
        inside = any(
            card.starts_at is not None and during.start < card.starts_at < during.end
            for card in self.cards
        )
        return not inside and all(card.factors.flat for card in self.cards)

    def _times(self, interval: Interval) -> Times:
        zone = ZoneInfo(self.facility.timezone)
        if all(card.factors.flat for card in self.cards):
            return Times(zone=zone)
        closed = holidays_of(self.facility, interval)
        return Times(zone=zone, holidays=closed, peak=self.policy.peak)


class RateBook:
    """The cards and terms of some suppliers, read by one statement."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._terms: dict[int, Terms] = {}
        self._institution: defaultdict[int, list[Any]] = defaultdict(list)
        self._facility: defaultdict[int, list[Any]] = defaultdict(list)
        self._instrument: defaultdict[int, list[Any]] = defaultdict(list)
        for row, rates in _grouped(rows):
            self._terms[row.institution_id] = _terms(row)
            if row.card_id is None:
                continue
            dated = row.valid_from, card_from(row.settings, rates)
            if row.instrument_id is not None:
                self._instrument[row.instrument_id].append(dated)
            elif row.facility_id is not None:
                self._facility[row.facility_id].append(dated)
            else:
                self._institution[row.institution_id].append(dated)

    @classmethod
    def of(cls, *instruments: Instrument) -> "RateBook":
        """What may hold for these instruments."""
        suppliers = {each.facility.institution_id for each in instruments}
        cards = or_(
            RateCard.instrument_id.in_([each.id for each in instruments]),
            RateCard.facility_id.in_({each.facility_id for each in instruments}),
            and_(
                RateCard.supplier_id == Institution.id,
                RateCard.instrument_id.is_(None),
                RateCard.facility_id.is_(None),
            ),
        )
        of_supplier = RateCard.supplier_id == Institution.id
        return cls.read(and_(of_supplier, cards), Institution.id.in_(suppliers))

    @classmethod
    def of_suppliers(cls, institution_ids: Iterable[int]) -> "RateBook":
        """All cards of these institutions."""
        suppliers = Institution.id.in_(sorted(set(institution_ids)))
        return cls.read(RateCard.supplier_id == Institution.id, suppliers)

    @classmethod
    def read(cls, cards: ColumnElement[bool], suppliers: ColumnElement[bool]) -> "RateBook":
        found = (
            _READ.outerjoin(RateCard, cards)
            .outerjoin(RateLine, RateLine.card_id == RateCard.id)
            .where(suppliers)
        )
        return cls(db.session.connection().execute(found))

    def terms(self, institution_id: int, kind: InstitutionKind) -> Terms:
        return self._terms.get(institution_id) or usual_terms(kind)

    def cards(
        self, instrument_id: int, facility: Facility, prices: Mapping[str, Any] | None
    ) -> Cards:
        """What holds when for an instrument."""
        narrowest_first = list(self.dated(instrument_id, facility).values())
        return in_turn(narrowest_first, listed_card(prices), ZoneInfo(facility.timezone))

    def dated(self, instrument_id: int, facility: Facility) -> dict[str, Dated]:
        """The cards of the instrument, of its facility and of its institution, in this order."""
        return {
            "instrument": self._instrument.get(instrument_id, ()),
            "facility": self._facility.get(facility.id, ()),
            "institution": self._institution.get(facility.institution_id, ()),
        }

    def tariff(self, instrument: Instrument, user: User, *, now: datetime) -> Tariff:
        """For the person as they stand to the instrument now."""
        facility = instrument.facility
        return Tariff(
            self.cards(instrument.id, facility, instrument.prices),
            self.terms(facility.institution_id, facility.institution.kind),
            affiliation_class(user, facility, day_of(now, zone_of(instrument))),
            facility,
            policy_of(instrument),
            charge_policy_of(instrument),
        )


def _grouped(rows: Iterable[Any]) -> list[tuple[Any, list[Rate]]]:
    """Each card once, with the rates of its lines."""
    found: dict[tuple[int, int | None], tuple[Any, list[Rate]]] = {}
    for row in rows:
        _, rates = found.setdefault((row.institution_id, row.card_id), (row, []))
        if row.who is not None:
            rates.append(_rate(row))
    return list(found.values())


def _rate(line: Any) -> Rate:
    return Rate(
        who=line.who,
        mode=line.mode,
        unit=line.unit,
        price=line.price,
        minimum=line.minimum,
        started=line.started,
    )


def rates_of(card: RateCard) -> list[Rate]:
    return [_rate(line) for line in card.lines]


def _terms(row: Any) -> Terms:
    if row.tax is None:
        return usual_terms(row.kind)
    return Terms(tax=row.tax, vat_percent=row.vat_percent, truncation=row.truncation)


def tariff_of(instrument: Instrument, user: User, *, now: datetime) -> Tariff:
    """What prices for the person on the instrument depend on; one statement."""
    return RateBook.of(instrument).tariff(instrument, user, now=now)


def under(
    facility: Facility, instrument: str | None, day: date, *, everywhere: bool, institution: bool
) -> list[Instrument]:
    """The instruments for which new rates would hold on a day: those without narrower ones.

    Rates of one instrument, by its slug, of the facility or of its institution; of the
    institution's instruments only those of the facility are told, unless `everywhere`.
    """
    if everywhere and institution:
        found = db.session.scalars(
            select(Instrument)
            .join(Facility, Facility.id == Instrument.facility_id)
            .where(
                Facility.institution_id == facility.institution_id, Instrument.retired_at.is_(None)
            )
            .options(joinedload(Instrument.facility).joinedload(Facility.institution))
        ).all()
    else:
        found = instruments_of(facility)
    if instrument is not None:
        return [each for each in found if each.slug == instrument]
    book = RateBook.of_suppliers([facility.institution_id])
    narrower = ("instrument", "facility") if institution else ("instrument",)
    return [
        each
        for each in found
        if not any(dated_on(book.dated(each.id, each.facility)[kind], day) for kind in narrower)
    ]


def cards_at(facility: Facility) -> Sequence[RateCard]:
    """Every card of the facility and its instruments, and its institution's; newest first."""
    instruments = select(Instrument.id).where(Instrument.facility_id == facility.id)
    return db.session.scalars(
        select(RateCard)
        .where(
            or_(
                RateCard.instrument_id.in_(instruments),
                RateCard.facility_id == facility.id,
                and_(
                    RateCard.supplier_id == facility.institution_id,
                    RateCard.instrument_id.is_(None),
                    RateCard.facility_id.is_(None),
                ),
            )
        )
        .options(
            selectinload(RateCard.lines),
            joinedload(RateCard.instrument),
            joinedload(RateCard.made_by),
        )
        .order_by(RateCard.valid_from.desc(), RateCard.id.desc())
    ).all()


def card_of(facility: Facility, card_id: int) -> RateCard:
    """One of those cards; raises `NotFound`."""
    found = next((card for card in cards_at(facility) if card.id == card_id), None)
    if found is None:
        raise NotFound(
            Text("그런 이용단가표가 없습니다.", "There are no such rates; look at the list.")
        )
    return found


def terms_of(institution: Institution) -> Terms:
    """How a supplier taxes and rounds: as it said, else as is usual for its kind."""
    kept = db.session.get(SupplierTerms, institution.id)
    if kept is None:
        return usual_terms(institution.kind)
    return Terms(tax=kept.tax, vat_percent=kept.vat_percent, truncation=kept.truncation)
