"""Statements and settlements as files: JSON for programs, CSV and XLSX for spreadsheets, PDF."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from app.billing.models import Statement, StatementLine
from app.billing.printed import HEADS, settlement_pdf, statement_pdf
from app.billing.queries import Settlement, institution_names
from app.domain.errors import Text
from app.web.csv_files import csv_text
from app.web.xlsx_files import xlsx

#: Rows of cells, the first of which names the columns.
Table = Sequence[Sequence[object]]

_COLUMNS = (
    *("no", "day", "head", "kind", "instrument", "equipment number", "user", "project number"),
    *("share %", "quantity", "unit", "unit price", "net", "VAT", "total", "sponsored", "due"),
    *("reservation", "corrects line", "reason"),
    # Of the statement, on each row: a table of many months can be sorted and summed.
    *("statement", "month", "dated", "due on", "supplier", "supplier registration number"),
    *("payer", "payer registration number"),
)


def statement_json(statement: Statement) -> dict[str, Any]:
    """A statement as programs read it; amounts in won."""
    return {
        "uid": statement.uid,
        "number": number_of(statement),
        "month": f"{statement.month:%Y-%m}",
        "supplier": statement.parties["supplier"],
        "payer": statement.parties["payer"],
        "dated": statement.dated.isoformat(),
        "due_on": statement.due_on.isoformat(),
        "currency": "KRW",
        "net": statement.net,
        "vat": statement.vat,
        "total": statement.total,
        "sponsored": statement.sponsored,
        "due": statement.due,
        "lines": [_line_json(line) for line in statement.lines],
    }


def number_of(statement: Statement) -> str:
    """As it is printed: the supplier's running number within the year."""
    return f"{statement.year}-{statement.number:04}"


def _line_json(line: StatementLine) -> dict[str, Any]:
    return {
        **line.said,
        "id": line.id,
        "position": line.position,
        "account": line.account,
        "net": line.net,
        "vat": line.vat,
        "total": line.net + line.vat,
        "sponsored": line.sponsored,
        "corrects": line.corrects_id,
    }


def statement_table(statement: Statement) -> Table:
    """One row a line; what it all comes to is the last one."""
    head = _head(statement)
    rows = [(*_row(line), *head) for line in statement.lines]
    sums = [statement.net, statement.vat, statement.total, statement.sponsored, statement.due]
    blank = [None] * (_COLUMNS.index("net") - 1)
    return [_COLUMNS, *rows, ["total", *blank, *sums, None, None, None, *head]]


def _head(statement: Statement) -> Sequence[object]:
    supplier, payer = statement.parties["supplier"], statement.parties["payer"]
    return (
        number_of(statement),
        f"{statement.month:%Y-%m}",
        statement.dated.isoformat(),
        statement.due_on.isoformat(),
        *(supplier["name_ko"], supplier["registration_number"]),
        *(payer["name_ko"], payer["registration_number"]),
    )


def by_head(lines: Iterable[StatementLine]) -> dict[Text, tuple[int, int]]:
    """Net and VAT by account head, in the order in which the lines name them."""
    found: dict[Text, tuple[int, int]] = {}
    for line in lines:
        net, vat = found.get(head := HEADS[line.said["mode"]], (0, 0))
        found[head] = net + line.net, vat + line.vat
    return found


def _row(line: StatementLine) -> Sequence[object]:
    said, total = line.said, line.net + line.vat
    sponsored = sum(each["amount"] for each in line.sponsored)
    return (
        line.position,
        said["day"],
        HEADS[said["mode"]].ko,
        said["kind"],
        said["name_ko"],
        said["equipment_number"],
        said["user"],
        line.account,
        said["percent"],
        said["quantity"],
        said["unit"],
        said["unit_price"],
        *(line.net, line.vat, total, sponsored, total - sponsored),
        said["reservation"],
        line.corrects_id,
        said.get("correction"),
    )


def settlement_table(found: Settlement) -> Table:
    """The matrix with a column for each sponsor, then balances, then transfers."""
    sponsors = sorted({sponsor for row in found.matrix for sponsor in row.sponsors})
    columns = ("supplier", "payer", "net", "VAT", "total", "sponsored")
    return [
        (*columns, *(f"sponsored by {each}" for each in sponsors)),
        *(
            (
                *(row.supplier, row.payer, row.net, row.vat, row.total, row.sponsored),
                *(row.sponsors.get(each, 0) for each in sponsors),
            )
            for row in found.matrix
        ),
        (),
        ("institution", "balance"),
        *found.balances.items(),
        (),
        ("from", "to", "amount"),
        *((each.payer, each.payee, each.amount) for each in found.transfers),
    ]


def of_statement(statement: Statement, kind: str, language: str = "ko") -> bytes:
    """The statement as a file of one of `KINDS`; only paper speaks a language."""
    if kind == "pdf":
        return statement_pdf(statement, language)
    return _WRITE[kind](statement_json(statement), statement_table(statement))


def of_settlement(found: Settlement, kind: str, language: str = "ko") -> bytes:
    """The settlement as a file of one of `KINDS`; only paper speaks a language."""
    if kind == "pdf":
        return settlement_pdf(found, institution_names(), language)
    return _WRITE[kind](found.as_json(), settlement_table(found))


def _json(said: Mapping[str, Any], _table: Table) -> bytes:
    return (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode()


def _csv(_said: Mapping[str, Any], table: Table) -> bytes:
    return csv_text(table).encode()


def _xlsx(_said: Mapping[str, Any], table: Table) -> bytes:
    return xlsx({"Sheet1": table})


_WRITE: Mapping[str, Callable[[Mapping[str, Any], Table], bytes]] = MappingProxyType(
    {"json": _json, "csv": _csv, "xlsx": _xlsx}
)
KINDS = (*_WRITE, "pdf")
