"""Tables as CSV files that spreadsheets open rightly and harmlessly."""

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

#: A cell that begins so is a formula to a spreadsheet, also in the full width of East Asia.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_answer(name: str, rows: Iterable[Sequence[object]]) -> Response:
    """The rows as a file to keep."""
    answer = Response(csv_text(rows), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """The rows as text. The mark at its beginning tells Excel that it is UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + text.getvalue()


def _cell(value: object) -> object:
    """Text as text: an apostrophe keeps what people typed from being run as a formula."""
    if isinstance(value, int):
        return value
    text = "" if value is None else str(value)
    return (
        f"'{text}"
        if text.lstrip(" \u00a0\u3000").startswith(_FORMULA) or text[:1] in _FORMULA
        else text
    )
