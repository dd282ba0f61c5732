"""Statements and settlements on paper: every text in one language, ready for the template."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any

from app.billing.models import Statement, StatementLine
from app.billing.queries import Settlement
from app.domain.booking import Mode
from app.domain.charge import ChargeKind
from app.domain.errors import Text
from app.domain.rate_card import UNIT_NAMES, Unit
from app.web.pdf import pdf

#: The account heads of research budgets (비목).
HEADS: Mapping[str, Text] = MappingProxyType(
    {
        Mode.SELF_OPERATED.value: Text("장비사용료", "Instrument use"),
        Mode.ASSISTED.value: Text("장비사용료", "Instrument use"),
        Mode.COMMISSIONED.value: Text("시험분석비", "Test and analysis"),
    }
)
#: What a line is that is no use.
FEES: Mapping[str, Text] = MappingProxyType(
    {
        ChargeKind.LATE_CANCELLATION.value: Text("늦은 취소", "Late cancellation"),
        ChargeKind.NO_SHOW.value: Text("미사용(노쇼)", "No-show"),
    }
)
_HEAD = (
    *(Text("번호", "No."), Text("일자", "Day"), Text("비목", "Budget item"), Text("품목", "Item")),
    *(Text("이용자", "User"), Text("과제·계정번호", "Project number"), Text("수량", "Quantity")),
    *(Text("단가", "Unit price"), Text("공급가액", "Net"), Text("부가세", "VAT")),
    *(Text("지원금", "Sponsored"), Text("납부액", "Due")),
)
_REMARK = Text(
    "금액은 원입니다. 발행한 줄은 바뀌지 않으며, 정정은 다음 거래명세서에 음수 줄로 나타납니다.",
    "Amounts are in won. A line once issued never changes; a correction is a line of a later"
    " month that takes it back.",
)


def statement_pdf(statement: Statement, language: str) -> bytes:
    """The 거래명세서 in "ko" or "en"."""
    said = _Said(language)
    supplier, payer = statement.parties["supplier"], statement.parties["payer"]
    number = f"{statement.year}-{statement.number:04}"
    sums = {
        Text("공급가액", "Net"): statement.net,
        Text("부가세", "VAT"): statement.vat,
        Text("합계", "Total"): statement.total,
        Text("지원금", "Sponsored"): statement.sponsored,
        Text("납부할 금액", "Amount due"): statement.due,
    }
    return _document(
        "billing/typst/statement.typ",
        statement.dated,
        {
            "lang": language,
            "title": said(Text("거래명세서", "Statement")),
            "author": said.name(supplier),
            "foot": f"{said.name(supplier)} → {said.name(payer)} · {number}",
            "about": [
                [said(Text("번호", "No.")), number],
                [said(Text("이용 월", "Month of use")), f"{statement.month:%Y-%m}"],
                [said(Text("작성일", "Dated")), f"{statement.dated:%Y-%m-%d}"],
                [said(Text("납부 기한", "Due by")), f"{statement.due_on:%Y-%m-%d}"],
            ],
            "parties": [
                said.party(Text("공급자", "Supplier"), supplier),
                said.party(Text("공급받는 자", "Recipient"), payer),
            ],
            "sums": [[said(name), amount] for name, amount in sums.items()],
            "head": [said(each) for each in _HEAD],
            "lines": [said.line(line) for line in statement.lines],
            "total": said(Text("합계", "Total")),
            "last": [statement.net, statement.vat, statement.sponsored, statement.due],
            "remark": said(_REMARK),
        },
    )


def settlement_pdf(found: Settlement, names: Mapping[str, Text], language: str) -> bytes:
    """The 정산서 in "ko" or "en"; `names` of institutions by their slugs."""
    said = _Said(language)
    supplier, payer = Text("공급 기관", "Supplier"), Text("이용 기관", "Payer")
    state = Text("마감", "Closed") if found.closed else Text("잠정", "Provisional")

    def part(title: Text, head: Iterable[Text], figures: int, rows: Iterable[Sequence[Any]]) -> Any:
        """A table; the last `figures` of its columns are won, those before are slugs."""
        return {
            "title": said(title),
            "head": [said(each) for each in head],
            "figures": figures,
            "rows": [
                [*(said(names[slug]) for slug in row[:-figures]), *row[-figures:]] for row in rows
            ],
            "empty": said(Text("없습니다.", "None.")),
        }

    return _document(
        "billing/typst/settlement.typ",
        found.month,
        {
            "lang": language,
            "title": said(Text("기관 간 정산서", "Settlement between institutions")),
            "author": said(Text("두레", "Dure")),
            "foot": f"{found.month:%Y-%m} · {said(state)}",
            "about": [
                [said(Text("이용 월", "Month of use")), f"{found.month:%Y-%m}"],
                [said(Text("상태", "State")), said(state)],
            ],
            "parts": [
                part(
                    Text("이체", "Transfers"),
                    (Text("보내는 기관", "From"), Text("받는 기관", "To"), Text("금액", "Amount")),
                    1,
                    [[each.payer, each.payee, each.amount] for each in found.transfers],
                ),
                part(
                    Text("잔액", "Balances"),
                    (
                        Text("기관", "Institution"),
                        Text("받을 금액(−: 줄 금액)", "To receive (−: to pay)"),
                    ),
                    1,
                    [[slug, amount] for slug, amount in found.balances.items()],
                ),
                part(
                    Text("총액", "Gross"),
                    (
                        supplier,
                        payer,
                        *(Text("공급가액", "Net"), Text("부가세", "VAT"), Text("합계", "Total")),
                        Text("지원금", "Sponsored"),
                    ),
                    4,
                    [
                        [r.supplier, r.payer, r.net, r.vat, r.total, r.sponsored]
                        for r in found.matrix
                    ],
                ),
            ],
        },
    )


def _document(template: str, day: date, said: Mapping[str, Any]) -> bytes:
    return pdf(template, said, dated=datetime.combine(day, time(), UTC))


class _Said:
    """Says things in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def __call__(self, text: Text) -> str:
        return text.ko if self._language == "ko" else text.en

    def name(self, thing: Mapping[str, Any]) -> str:
        return self(Text(thing["name_ko"], thing["name_en"]))

    def party(self, called: Text, party: Mapping[str, Any]) -> dict[str, Any]:
        number = party["registration_number"] or self(Text("미상", "unknown"))
        return {
            "called": self(called),
            "name": self.name(party),
            "facts": [[self(Text("사업자등록번호", "Registration number")), number]],
        }

    def line(self, line: StatementLine) -> dict[str, Any]:
        said = line.said
        sponsored = sum(each["amount"] for each in line.sponsored)
        more = (
            said["equipment_number"],
            said["kind"] in FEES and self(FEES[said["kind"]]),
            said["percent"] != "100" and f"{said['percent']} %",
            said.get("correction"),
        )
        return {
            "no": line.position,
            "day": said["day"],
            "head": self(HEADS[said["mode"]]),
            "item": self.name(said),
            "more": " · ".join(str(each) for each in more if each),
            "user": said["user"],
            "account": line.account or "",
            "quantity": self._count(said),
            "unit_price": said["unit_price"],
            "net": line.net,
            "vat": line.vat,
            "sponsored": sponsored,
            "due": line.net + line.vat - sponsored,
        }

    def _count(self, said: Mapping[str, Any]) -> str:
        if said["quantity"] is None:
            return ""
        unit, many = UNIT_NAMES[Unit(said["unit"])], "" if said["quantity"] == "1" else "s"
        return self(Text(f"{said['quantity']}{unit.ko}", f"{said['quantity']} {unit.en}{many}"))
