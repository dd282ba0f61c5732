"""What managers hand in as a spreadsheet of rates, and what they saw of it."""

import json
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, HiddenField
from wtforms.validators import InputRequired

from app.accounts.forms import Form
from app.domain.errors import Invalid, Text
from app.domain.spreadsheet import Table
from app.web.xlsx_files import table_of

_CELL = (str, int, float)


class SheetForm(Form):
    """Rates that were edited as a spreadsheet, to be looked at first."""

    file = FileField(_l("XLSX file"), [InputRequired(_l("Choose a file."))])
    valid_from = DateField(_l("From"), [InputRequired(_l("Choose a day."))])
    replacing = BooleanField(_l("Replace the rates that begin on the same day"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="sheet-", **kwargs)

    def to_table(self) -> Table:
        """The cells of its first sheet. Raises `Invalid`."""
        return _with_rates(table_of(self.file.data.read(), "file"))


class SheetSeenForm(Form):
    """A sheet that was looked at: its cells, as the page before has read them."""

    table = HiddenField()
    valid_from = DateField(validators=[InputRequired()])
    replacing = BooleanField()
    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="seen-", **kwargs)

    def fill_in(self, table: Table, first: date, *, replacing: bool, seen: str) -> None:
        self.table.data = json.dumps(table, ensure_ascii=False)
        self.valid_from.data, self.replacing.data, self.seen.data = first, replacing, seen

    def to_table(self) -> Table:
        """Raises `Invalid` for what no page of ours wrote."""
        said: Any
        try:
            said = json.loads(self.table.data or "") if self.validate() else None
            json.dumps(said, ensure_ascii=False).encode()  # half a letter is none
        except (ValueError, RecursionError):
            said = None
        if not _is_table(said):
            raise Invalid(
                Text("파일을 다시 올려 주세요.", "Something is missing: choose the file again.")
            )
        return _with_rates(said)


def _is_table(said: Any) -> bool:
    return isinstance(said, list) and all(
        isinstance(row, list) and all(cell is None or isinstance(cell, _CELL) for cell in row)
        for row in said
    )


def _with_rates(table: Table) -> Table:
    """The table, unless nothing is in it; raises `Invalid`."""
    if len(table) < 2:
        text = Text(
            "첫 번째 시트에 단가가 없습니다. 여기서 내려받은 파일에 적어서 올려 주세요.",
            "The first sheet has no rates. Download the file here, write them in it and try again.",
        )
        raise Invalid(text, {"file": text})
    return table
