"""Rates as a sheet that people edit: a row for each instrument, mode and unit."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.rate_card import CLASS_NAMES, MODE_NAMES, UNIT_NAMES, Rate, Unit
from app.domain.rate_changes import LineKey
from app.domain.spreadsheet import Cell, Table, WrongCell, cell_at, cell_name

#: More than that nobody asks for an hour, and amounts stay far below what the database holds.
MOST_WON = 10**12

HEADS: Mapping[str, Text] = MappingProxyType(
    {
        "of": Text("대상", "For"),
        "name": Text("이름", "Name"),
        "mode": Text("이용 방식", "Mode of use"),
        "unit": Text("단위", "Unit"),
        "started": Text("시작한 단위는 전부", "Begun units count whole"),
        "minimum": Text("최소 이용료(원)", "Minimum charge, won"),
        **{who.value: CLASS_NAMES[who] for who in AffiliationClass},
    }
)
YES, NO = Text("예", "yes"), Text("아니요", "no")
_TRUE, _FALSE = (
    {"예", "yes", "y", "o", "true", "1"},
    {"", "아니요", "아니오", "no", "n", "false", "0"},
)
_WON = re.compile(r"(?:₩\s?)?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\s?원)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """The prices of one thing in one mode by one unit; no prices where none were written."""

    number: int  # from zero, the heads are the first
    of: str
    mode: Mode
    unit: Unit
    started: bool = False
    minimum: int = 0
    prices: Mapping[AffiliationClass, int]

    @property
    def line(self) -> LineKey:
        return self.mode, self.unit

    @property
    def rates(self) -> tuple[Rate, ...]:
        return tuple(
            Rate(
                who=who,
                mode=self.mode,
                unit=self.unit,
                price=price,
                minimum=self.minimum,
                started=self.started,
            )
            for who, price in self.prices.items()
        )


class RateSheet:
    """A table read as rates: its rows, and all that is wrong with the others.

    `things` says by which words, without capitals, the column of things means what.
    """

    def __init__(self, table: Table, things: Mapping[str, str]) -> None:
        self.table = table
        self.wrong: list[WrongCell] = []
        self.rows: list[SheetRow] = []
        self.spoilt: set[str] = set()  # things of which not all rows could be read
        self._things = things
        self._columns: dict[str, int] = {}
        self._read_heads()
        if not self.wrong:
            self._read_rows()

    def cell(self, number: int, head: str) -> str:
        """The name of a cell of a row."""
        return cell_name(number, self._columns[head])

    def complain(self, number: int, head: str, ko: str, en: str) -> None:
        self.wrong.append(WrongCell(self.cell(number, head), Text(ko, en)))

    def _read_heads(self) -> None:
        known = {
            _plain(said): head for head, name in HEADS.items() for said in (head, name.ko, name.en)
        }
        for column, said in enumerate(self.table[0] if self.table else ()):
            head = known.get(_plain(said))
            if head and head not in self._columns:
                self._columns[head] = column
            elif said is not None:
                text = Text(
                    f"‘{said}’ 열은 없거나 두 번 있습니다. 첫 행은 내려받은 파일 그대로 두세요.",
                    f"There is no column “{said}”, or it is there twice. Leave the first row as it "
                    "is in the file that you download here.",
                )
                self.wrong.append(WrongCell(cell_name(0, column), text))
        for head, name in HEADS.items():
            if head not in self._columns and head != "name":
                text = Text(
                    f"‘{name.ko}’ 열이 없습니다. 내려받은 파일의 첫 행을 그대로 쓰세요.",
                    f"The column “{name.en}” is missing. Use the first row of the file that you "
                    "download here.",
                )
                self.wrong.append(WrongCell(cell_name(0, 0), text))

    def _read_rows(self) -> None:
        seen: dict[tuple[str, Mode, Unit], int] = {}
        for number in range(1, len(self.table)):
            if not any(cell is not None for cell in self.table[number]):
                continue
            row = self._row(number)
            if row is None:
                continue
            key = row.of, row.mode, row.unit
            if key in seen:
                first = seen[key] + 1
                self.complain(
                    number, "unit",
                    f"{first}행과 대상, 이용 방식, 단위가 같습니다. 한 행만 남기세요.",
                    f"Row {first} is for the same thing, mode and unit. Keep one of them.",
                )  # fmt: skip
                self.spoilt.add(row.of)
                continue
            seen[key] = number
            self.rows.append(row)

    def _row(self, number: int) -> SheetRow | None:
        """The row; None if anything in it is wrong."""
        before = len(self.wrong)
        of = self._things.get(_plain(self._at(number, "of")))
        if of is None:
            self.complain(
                number, "of",
                "이 시설에 그런 장비가 없거나, 기관 전체의 단가를 바꿀 권한이 없습니다. 내려받은 "
                "파일의 ‘대상’을 그대로 쓰세요.",
                "This facility has no such instrument, or you may not set the rates of the whole "
                "institution. Use the names in this column of the file that you download here.",
            )  # fmt: skip
        mode = self._word(number, "mode", {each.value: name for each, name in MODE_NAMES.items()})
        unit = self._word(number, "unit", {each.value: name for each, name in UNIT_NAMES.items()})
        started = self._yes(number)
        minimum = self._won(number, "minimum") or 0
        prices = {
            who: price
            for who in AffiliationClass
            if (price := self._won(number, who.value)) is not None
        }
        if len(self.wrong) > before:
            self.spoilt.add(of or "")
            return None
        return SheetRow(
            number=number,
            of=of or "",
            mode=Mode(mode),
            unit=Unit(unit),
            started=started,
            minimum=minimum,
            prices=prices,
        )

    def _at(self, number: int, head: str) -> Cell:
        return cell_at(self.table, number, self._columns[head])

    def _word(self, number: int, head: str, names: Mapping[str, Text]) -> str:
        typed = _plain(self._at(number, head))
        for word, name in names.items():
            if typed in (word, _plain(name.ko), _plain(name.en)):
                return word
        ko, en = (
            ", ".join(name.in_(language) for name in names.values()) for language in ("ko", "en")
        )
        self.complain(number, head, f"{ko} 가운데 하나를 적으세요.", f"Write one of: {en}.")
        return ""

    def _yes(self, number: int) -> bool:
        typed = _plain(self._at(number, "started"))
        if typed not in _TRUE | _FALSE:
            self.complain(number, "started", "예 또는 아니요로 적으세요.", "Write yes or no.")
        return typed in _TRUE

    def _won(self, number: int, head: str) -> int | None:
        cell = self._at(number, head)
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            return None
        amount = _amount(cell)
        if amount is None or not 0 <= amount <= MOST_WON:
            self.complain(
                number, head,
                f"0 이상 {MOST_WON:,} 이하의 금액을 원 단위 정수로, 숫자 0–9로 적으세요.",
                f"Write whole won from 0 to {MOST_WON:,}, in the digits 0–9.",
            )  # fmt: skip
        return amount


def _plain(cell: Cell) -> str:
    """What is said, however it is written: without capitals and superfluous space."""
    text = "" if cell is None else str(cell)
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _amount(cell: Cell) -> int | None:
    """20000, “20,000” and “20,000원”; None for what is no whole number in plain digits."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return cell
    found = _WON.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return int(found[1].replace(",", "")) if found else None
