"""What a finance office types into its tax invoices (세금계산서) and exempt ones (계산서)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from sqlalchemy import select

from app.billing.documents import Table, number_of
from app.billing.models import Statement, StatementLine
from app.billing.printed import HEADS
from app.billing.queries import statements_of
from app.db import db
from app.domain.rate_card import Tax
from app.web.csv_files import csv_text

#: What is out of the scope of VAT gets no invoice of either kind.
_KINDS = {Tax.TAXABLE: "세금계산서", Tax.EXEMPT: "계산서"}
_COLUMNS = (
    *("종류", "작성일자", "공급자 등록번호", "공급자 상호"),
    *("공급받는자 등록번호", "공급받는자 상호", "품목"),
    *("공급가액", "세액", "합계금액", "영수/청구", "비고"),
)


def tax_invoices(supplier: str, month: date) -> str:
    """CSV of what a supplier, by slug, invoices for a closed month; amounts in won.

    One row for each statement to another institution, kind of invoice and budget item. An invoice
    is made out to who is supplied, over the whole amount: what a sponsor pays of it is a matter
    of payment. What corrections take back is a negative row of its own (수정세금계산서), one for
    each statement that it was invoiced by, which its remark names with its date.

    Names, registration numbers and the date are those of the statement; what Dure does not keep
    (representative, address, kind of business) the invoicing system knows of its customers.
    """
    found = [each for each in statements_of(supplier, month) if each.payer_id != each.supplier_id]
    corrected = [line.corrects_id for each in found for line in each.lines if line.corrects_id]
    before = _statements_of_lines(corrected)
    return csv_text([_COLUMNS, *(row for each in found for row in _of(each, before))])


def _statements_of_lines(line_ids: list[int]) -> dict[int, Statement]:
    """By which statement each of the lines was issued."""
    rows = db.session.execute(
        select(StatementLine.id, Statement)
        .join(Statement, Statement.id == StatementLine.statement_id)
        .where(StatementLine.id.in_(line_ids))
    )
    return dict(rows.all())


def _of(statement: Statement, before: Mapping[int, Statement]) -> Table:
    sums: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in statement.lines:
        if kind := _KINDS.get(line.charge.tax):
            remark = number_of(statement)
            if line.corrects_id:
                first = before[line.corrects_id]
                kind = f"수정{kind}"
                remark += f" (당초 {number_of(first)}, {first.dated.isoformat()})"
            both = sums[kind, HEADS[line.said["mode"]].ko, remark]
            both[0] += line.net
            both[1] += line.vat
    supplier, payer = statement.parties["supplier"], statement.parties["payer"]
    return [
        (
            kind,
            statement.dated.isoformat(),
            *(supplier["registration_number"], supplier["name_ko"]),
            *(payer["registration_number"], payer["name_ko"]),
            f"{head} ({statement.month:%Y-%m})",
            *(net, vat, net + vat),
            "청구",
            remark,
        )
        for (kind, head, remark), (net, vat) in sorted(sums.items())
        if net or vat
    ]
