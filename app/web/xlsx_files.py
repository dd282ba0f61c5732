"""Tables as XLSX files: written so that text stays text, read without trusting the file.

Only values are read, of the first sheet: no formula, link, macro or picture is ever looked at.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

import xlsxwriter

from app.domain.errors import Invalid, Text
from app.domain.spreadsheet import Cell, Table

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

MOST_ROWS, MOST_COLUMNS = 1_000, 40
_LONGEST = 200  # letters of a cell
_LARGEST_PART = 4 * 1024 * 1024  # unpacked
_REFERENCE = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}", re.ASCII)
_NOT_XLSX = Text(
    "XLSX 파일로 읽을 수 없습니다. 암호를 풀고 XLSX 형식으로 저장해서 다시 올려 주세요.",
    "This cannot be read as an XLSX file. Take off its password, save it as XLSX and try again.",
)
_TOO_LARGE = Text(
    f"시트가 너무 큽니다. {MOST_ROWS:,}행, {MOST_COLUMNS}열까지 받습니다. 필요한 행만 새 파일에 "
    "복사해서 올려 주세요.",
    f"The sheet is too large: at most {MOST_ROWS:,} rows and {MOST_COLUMNS} columns. Copy the "
    "rows that you need to a new file and try again.",
)


def xlsx(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Tables by the names of their sheets. What people typed is never a formula or a link."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        won = book.add_format({"num_format": "#,##0"})
        for name, table in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(table):
                for column, value in enumerate(row):
                    if isinstance(value, int):
                        sheet.write_number(number, column, value, won)
                    elif value is not None:
                        sheet.write_string(number, column, str(value))
            sheet.freeze_panes(1, 0)
            sheet.autofit()
    return file.getvalue()


def table_of(content: bytes, field: str) -> Table:
    """The cells of the first sheet, row by row; raises `Invalid` at the field."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _Book(archive).table()
    except _TooLargeError as broken:
        raise Invalid(_TOO_LARGE, {field: _TOO_LARGE}) from broken
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError),
        *(KeyError, IndexError, ValueError, OverflowError, ET.ParseError),
    ) as broken:
        raise Invalid(_NOT_XLSX, {field: _NOT_XLSX}) from broken


class _TooLargeError(Exception):
    """More than anybody has rates for, or a file made to fill the memory."""


class _Book:
    """An opened file. Whatever it lacks raises, and is no XLSX."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def table(self) -> Table:
        sheet = self._part(self._first_sheet())
        self._texts = [*self._shared()]
        found: list[list[Cell]] = []
        for row in sheet.iterfind("{*}sheetData/{*}row"):
            number = int(row.get("r") or len(found) + 1)
            cells = self._cells(row)
            if any(cell is not None for cell in cells):
                if number > MOST_ROWS:
                    raise _TooLargeError
                found += [[] for _ in range(number - len(found) - 1)]
                found.append(cells)
        return found

    def _first_sheet(self) -> str:
        """Where it lies: the book names it by a key, its relations say what the key stands for."""
        sheet = _needed(self._part("xl/workbook.xml").find("{*}sheets/{*}sheet"))
        key = next((value for name, value in sheet.items() if name.endswith("}id")), None)
        targets = {
            each.get("Id"): each.get("Target", "")
            for each in self._part("xl/_rels/workbook.xml.rels")
        }
        return posixpath.normpath(posixpath.join("/xl", targets[key])).lstrip("/")

    def _shared(self) -> Iterator[str]:
        name = "xl/sharedStrings.xml"
        if name in self._archive.namelist():
            yield from map(_text, self._part(name).iterfind("{*}si"))

    def _part(self, name: str) -> ET.Element:
        info = self._archive.getinfo(name)
        if info.file_size > _LARGEST_PART:
            raise _TooLargeError
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError
        text = self._archive.read(info).decode("utf-8-sig")
        if "<!DOCTYPE" in text:  # No office program writes one; entities that explode need one.
            raise ValueError
        return ET.fromstring(text)  # noqa: S314, see above

    def _cells(self, row: ET.Element) -> list[Cell]:
        found: list[Cell] = []
        for cell in row.iterfind("{*}c"):
            column = _column(cell.get("r")) if cell.get("r") else len(found)
            value = self._value(cell)
            if value is None:
                continue
            if column >= MOST_COLUMNS:
                raise _TooLargeError
            found += [None] * (column + 1 - len(found))
            found[column] = value
        return found

    def _value(self, cell: ET.Element) -> Cell:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(_needed(cell.find("{*}is"))) or None
        said = cell.findtext("{*}v")
        if said is None:
            return None
        if kind == "s":
            return self._texts[int(said)] or None
        if kind == "b":
            return said == "1"
        return _number(said) if kind == "n" else said[:_LONGEST] or None


def _needed(element: ET.Element | None) -> ET.Element:
    if element is None:
        raise ValueError
    return element


def _column(reference: str | None) -> int:
    """From zero: C5 is 2."""
    match = _REFERENCE.fullmatch(reference or "")
    if match is None:
        raise ValueError
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _text(element: ET.Element) -> str:
    """All its runs, without how they are pronounced."""
    runs = (*element.iterfind("{*}t"), *element.iterfind("{*}r/{*}t"))
    return "".join(run.text or "" for run in runs)[:_LONGEST]


def _number(said: str) -> int | float:
    """Spreadsheets know no whole numbers: 20000.0 is one; beyond 15 digits they are not exact."""
    number = float(said)
    return int(number) if number.is_integer() and abs(number) < 10**15 else number
