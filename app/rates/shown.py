"""Rates as tables that people read: a line for each mode and unit, a price for each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import affiliation_class, policy_of, zone_of
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.local_time import day_of
from app.domain.rate_card import CLASS_NAMES, UNIT_NAMES, Terms, Unit, card_at
from app.domain.rate_card import RateCard as Card
from app.rates import queries
from app.rates.cards import card_from, dated_on
from app.rates.models import RateCard
from app.rates.queries import RateBook, rates_of


@dataclass(frozen=True, slots=True)
class Row:
    """The prices of one mode by one unit."""

    mode: Mode
    unit: Unit
    started: bool
    minimum: int
    prices: dict[AffiliationClass, int]


def rows_of(card: Card) -> list[Row]:
    """The rates of a card, a row for each mode and unit."""
    found: dict[tuple[Mode, Unit], Row] = {}
    for rate in card.rates:
        row = found.setdefault(
            (rate.mode, rate.unit), Row(rate.mode, rate.unit, rate.started, rate.minimum, {})
        )
        row.prices[rate.who] = rate.price
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Kept:
    """A card of the list, in words and numbers."""

    card: RateCard
    rates: Card
    rows: Sequence[Row]
    state: str  # past, now or coming


def kept_at(facility: Facility, today: date) -> list[Kept]:
    """Every card of a facility, its instruments and its institution; newest first."""
    cards = queries.cards_at(facility)
    found = []
    for card in cards:
        same = [each.valid_from for each in cards if _thing(each) == _thing(card)]
        holds = max((day for day in same if day <= today), default=None)
        state = "now" if card.valid_from == holds else "past"
        state = "coming" if card.valid_from > today else state
        rates = card_from(card.settings, rates_of(card))
        found.append(Kept(card, rates, rows_of(rates), state))
    return found


def _thing(card: RateCard) -> tuple[int | None, int | None]:
    return card.instrument_id, card.facility_id


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds for an instrument at an instant, and whose it is."""

    card: Card
    whose: str  # instrument, facility, institution; or list, for the prices of the catalogue
    rows: Sequence[Row]
    terms: Terms
    who: AffiliationClass | None = None  # the reader
    modes: frozenset[Mode] = frozenset()  # in which the instrument is offered

    @property
    def offered(self) -> list[Row]:
        return [row for row in self.rows if row.mode in self.modes]


def holding(
    instrument: Instrument, book: RateBook, *, now: datetime, reader: User | None = None
) -> Holding | None:
    """The rates in force; None where there are none."""
    facility = instrument.facility
    zone = zone_of(instrument)
    card = card_at(book.cards(instrument.id, facility, instrument.prices), now)
    if card is None or not card.rates:
        return None
    today = day_of(now, zone)
    whose = next(
        (
            name
            for name, dated in book.dated(instrument.id, facility).items()
            if dated_on(dated, today)
        ),
        "list",
    )
    return Holding(
        card,
        whose,
        rows_of(card),
        book.terms(facility.institution_id, facility.institution.kind),
        affiliation_class(reader, facility, today) if reader else None,
        policy_of(instrument).modes,
    )


def unit_prices(
    instruments: Sequence[Instrument], reader: User | None, *, now: datetime
) -> dict[int, tuple[int, Text, Text]]:
    """For lists: price, unit and class of those for which rates were set; to visitors a partner's.

    One statement for all of them. Where list prices hold, there is no entry.
    """
    book, found = RateBook.of(*instruments), {}
    for instrument in instruments:
        held = holding(instrument, book, now=now, reader=reader)
        if held is None or held.whose == "list" or not held.offered:
            continue
        row, who = held.offered[0], held.who or AffiliationClass.PARTNER
        if who in row.prices:
            found[instrument.id] = (row.prices[who], UNIT_NAMES[row.unit], CLASS_NAMES[who])
    return found
