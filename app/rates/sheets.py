"""A facility's rates as a sheet: written to be edited, and read back as what it would change."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import zip_longest
from zoneinfo import ZoneInfo

from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import policy_of
from app.catalog.queries import instruments_of
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Invalid, Stale, Text
from app.domain.local_time import day_of, first_instant
from app.domain.rate_card import MODE_NAMES, UNIT_NAMES, Unit, card_at
from app.domain.rate_card import RateCard as Card
from app.domain.rate_changes import Difference, differences
from app.domain.rate_sheet import HEADS, NO, YES, RateSheet, SheetRow
from app.domain.spreadsheet import Table, WrongCell
from app.rates import services
from app.rates.cards import Dated, dated_on
from app.rates.queries import RateBook
from app.rates.services import NewRates
from app.rates.shown import Row, rows_of

FACILITY, INSTITUTION = "facility", "institution"
_NAMES = {
    FACILITY: Text("시설 전체", "The whole facility"),
    INSTITUTION: Text("기관 전체", "The whole institution"),
}


_NOTHING = Text("바뀌는 단가가 없습니다.", "Nothing would change.")


@dataclass(frozen=True, slots=True)
class Thing:
    """What may have rates of its own: an instrument, the facility or the institution."""

    key: str
    name: Text
    own: Dated
    held: Card  # on the day: its own rates; of an instrument also the wider ones and the list
    modes: frozenset[Mode]
    instrument: str | None = None  # slug

    def followed(self, first: date) -> date | None:
        """The day on which other rates of it follow."""
        return min((day for day, _ in self.own if day > first), default=None)


@dataclass(frozen=True, slots=True)
class Planned:
    """New rates of one thing, and what is different by them."""

    thing: Thing
    wanted: NewRates
    changes: Sequence[tuple[int | None, Difference]]  # with the row of the sheet that says so
    until: date | None  # the day on which other rates of it follow


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sheet would change; nothing can be set while anything is wrong."""

    planned: Sequence[Planned]
    wrong: Sequence[WrongCell]

    @property
    def seen(self) -> str:
        """By this one tells whether what is set is what was looked at."""
        said = [(each.thing.key, each.changes, each.until) for each in self.planned]
        return hashlib.sha256(repr(said).encode()).hexdigest()


def sheets_of(
    facility: Facility, today: date, *, institution: bool, language: str
) -> dict[str, Table]:
    """What holds, to be edited, and the words that may be written there; by names of sheets."""
    heads = {head: name.in_(language) for head, name in HEADS.items()}
    things = _things(facility, today, institution=institution)
    rows = [row for thing in things for row in _rows(thing, language)]
    lists = (
        [heads["of"], *(thing.key for thing in things)],
        [heads["name"], *(thing.name.in_(language) for thing in things)],
        [heads["mode"], *(name.in_(language) for name in MODE_NAMES.values())],
        [heads["unit"], *(name.in_(language) for name in UNIT_NAMES.values())],
        [heads["started"], YES.in_(language), NO.in_(language)],
    )
    return {
        Text("이용단가", "Rates").in_(language): [list(heads.values()), *rows],
        Text("쓸 수 있는 말", "Words").in_(language): list(zip_longest(*lists)),
    }


def _rows(thing: Thing, language: str) -> Iterator[list[str | int | None]]:
    """An instrument without rates has a row to begin with; one without prices is passed over."""
    blank = [Row(min(thing.modes), Unit.HOUR, False, 0, {})] if thing.instrument else []
    for row in rows_of(thing.held) or blank:
        yield [
            thing.key,
            thing.name.in_(language),
            MODE_NAMES[row.mode].in_(language),
            UNIT_NAMES[row.unit].in_(language),
            (YES if row.started else NO).in_(language),
            row.minimum,
            *(row.prices.get(who) for who in AffiliationClass),
        ]


def plan(
    facility: Facility,
    table: Table,
    first: date,
    *,
    institution: bool,
    replacing: bool,
    now: datetime,
) -> Plan:
    """What would hold from a day on, if the sheet were set; nothing is written.

    What a sheet does not name stays as it is, and so do discounts, hours and taxes.
    """
    day = max(first, day_of(now, ZoneInfo(facility.timezone)))  # One that is over is refused.
    things = {thing.key: thing for thing in _things(facility, day, institution=institution)}
    words = {word.casefold(): key for key, text in _NAMES.items() for word in (text.ko, text.en)}
    allowed = {word: key for word, key in words.items() if key in things}
    sheet = RateSheet(table, {**allowed, **{key: key for key in things}})
    planned = []
    for thing in things.values():
        if thing.key in sheet.spoilt:
            continue  # What would be left out of it is no change that anybody means.
        rows = [row for row in sheet.rows if row.of == thing.key]
        if found := _planned(thing, sheet, rows, first, replacing=replacing):
            planned.append(found)
            _check(facility, found, sheet, rows, now)
    return Plan(planned, sheet.wrong)


def set_sheet(user: User, facility: Facility, found: Plan, seen: str, *, now: datetime) -> None:
    """Let hold what was looked at: all of it or nothing. Raises `Stale`, `Invalid`."""
    if found.wrong or not found.planned:
        text = found.wrong[0].text if found.wrong else _NOTHING
        raise Invalid(text)
    if found.seen != seen:
        raise Stale(
            Text(
                "확인하는 동안 이용단가가 바뀌었습니다. 아래 내용을 다시 확인해 주세요.",
                "The rates were changed while you looked. Please look once more at what follows.",
            )
        )
    services.set_all(user, facility, [each.wanted for each in found.planned], now=now)


def _planned(
    thing: Thing, sheet: RateSheet, rows: Sequence[SheetRow], first: date, *, replacing: bool
) -> Planned | None:
    """None where the rows say what holds already."""
    held = {(rate.mode, rate.unit) for rate in thing.held.rates}
    for row in rows:
        if not row.prices and row.line in held:
            sheet.complain(
                row.number, next(iter(AffiliationClass)).value,
                "단가를 모두 지웠습니다. 단가를 적거나, 이 단위를 없애려면 행을 지우세요.",
                "All prices are gone. Write them, or delete the row to do without this unit.",
            )  # fmt: skip
    rates = tuple(rate for row in rows for rate in row.rates)
    if not rates:
        return None
    card = replace(thing.held, starts_at=None, rates=rates)
    numbers = {row.line: row.number + 1 for row in rows}
    changes = [(numbers.get(each.line), each) for each in differences(thing.held, card)]  # type: ignore[arg-type]
    if not changes:
        return None
    wanted = NewRates(
        card, first, thing.instrument, institution=thing.key == INSTITUTION, replace=replacing
    )
    return Planned(thing, wanted, changes, thing.followed(first))


def _check(
    facility: Facility, found: Planned, sheet: RateSheet, rows: Sequence[SheetRow], now: datetime
) -> None:
    """Say at its cell what the editor, too, would refuse."""
    lines = {f"{row.mode}-{row.unit}": row for row in rows}
    for field, text in services.wrong_with(facility, found.wanted, now=now).items():
        if row := lines.get(field):
            hole = next(who for who in AffiliationClass if who not in row.prices)
            cell = sheet.cell(row.number, hole)
        elif field == "valid_from":
            cell = ""
        else:
            cell = sheet.cell(rows[0].number, "mode")
        wrong = WrongCell(cell, text)
        if wrong not in sheet.wrong:
            sheet.wrong.append(wrong)


def _things(facility: Facility, day: date, *, institution: bool) -> list[Thing]:
    """All that rates can be set for here, the widest first."""
    book = RateBook.of_suppliers([facility.institution_id])
    wide = [INSTITUTION, FACILITY] if institution else [FACILITY]
    found = []
    for key in wide:
        own = book.dated(0, facility)[key]
        held = dated_on(own, day) or Card()
        found.append(Thing(key, _NAMES[key], own, held, frozenset(Mode)))
    found += [_instrument(each, book, day) for each in instruments_of(facility)]
    return found


def _instrument(instrument: Instrument, book: RateBook, day: date) -> Thing:
    facility, modes = instrument.facility, policy_of(instrument).modes
    own = book.dated(instrument.id, facility)["instrument"]
    held = dated_on(own, day)
    if held is None:
        midnight = first_instant(datetime.combine(day, time()), ZoneInfo(facility.timezone))
        wider = card_at(book.cards(instrument.id, facility, instrument.prices), midnight) or Card()
        held = replace(wider, rates=tuple(rate for rate in wider.rates if rate.mode in modes))
    name = Text(instrument.name_ko, instrument.name_en)
    return Thing(instrument.slug, name, own, held, modes, instrument.slug)
