"""What a finance office types into its tax invoices (세금계산서) and exempt ones (계산서)."""

from collections import defaultdict
from datetime import date

from app.billing.documents import Table, number_of
from app.billing.models import Statement
from app.billing.printed import HEADS
from app.billing.queries import statements_of
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

    One row for each statement, kind of invoice and budget item. An invoice is made out to who is
    supplied, over the whole amount: what a sponsor pays of it is a matter of payment. A negative
    row is what a correction takes back (수정세금계산서).

    Names, registration numbers and the date are those of the statement; what Dure does not keep
    (representative, address, kind of business) the invoicing system knows of its customers.
    """
    return csv_text(
        [_COLUMNS, *(row for each in statements_of(supplier, month) for row in _of(each))]
    )


def _of(statement: Statement) -> Table:
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in statement.lines:
        if kind := _KINDS.get(line.charge.tax):
            both = sums[kind, HEADS[line.said["mode"]].ko]
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
            number_of(statement),
        )
        for (kind, head), (net, vat) in sorted(sums.items())
        if net or vat
    ]
