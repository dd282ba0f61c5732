"""Rates as tables that people read: a line for each mode and unit, a price for each class."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import affiliation_class, policy_of, zone_of
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.local_time import day_of
from app.domain.rate_card import CLASS_NAMES, UNIT_NAMES, Terms, Unit, card_at
from app.domain.rate_card import RateCard as Card
from app.domain.rate_changes import Difference, differences
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
    until: date | None  # the last day on which it holds; none: until another begins
    before: Card | None  # of the same thing

    @property
    def changes(self) -> list[Difference]:
        """What it says otherwise than the one before; of the first one, nothing."""
        return differences(self.before, self.rates) if self.before else []


def kept_at(facility: Facility, today: date) -> list[Kept]:
    """Every card of a facility, its instruments and its institution; newest first."""
    cards = queries.cards_at(facility)
    said = {card.id: card_from(card.settings, rates_of(card)) for card in cards}
    in_turn = defaultdict(list)
    for card in reversed(cards):
        in_turn[_thing(card)].append(card)
    found = []
    for card in cards:
        same = in_turn[_thing(card)]
        place = same.index(card)
        next_ = same[place + 1].valid_from if card is not same[-1] else None
        state = "past" if next_ and next_ <= today else "now"
        state = "coming" if card.valid_from > today else state
        until = next_ - timedelta(days=1) if next_ else None
        before = said[same[place - 1].id] if place else None
        found.append(Kept(card, said[card.id], rows_of(said[card.id]), state, until, before))
    return found


def pair(kept: Sequence[Kept], one: str, other: str) -> tuple[Kept, Kept] | None:
    """The two cards of these numbers, as an address says them; the older first."""
    found = [each for each in reversed(kept) if str(each.card.id) in (one, other)]
    return (found[0], found[1]) if len(found) == 2 else None


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
