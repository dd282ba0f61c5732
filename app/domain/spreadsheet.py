"""The cells of a sheet, and how spreadsheets name them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.errors import Text

Cell = str | int | float | bool | None
#: Rows of cells; the first one names the columns.
Table = Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class WrongCell:
    """What is wrong where, and what to do."""

    cell: str
    text: Text


def cell_name(row: int, column: int) -> str:
    """As spreadsheets write it, both from zero: the third cell of the first row is C1."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def cell_at(table: Table, row: int, column: int) -> Cell:
    """None beyond the end of a row."""
    return table[row][column] if column < len(table[row]) else None
