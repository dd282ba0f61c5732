"""What the HTTP API tells of statements, payments and settlements, and what it is told."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from app.billing.deciding import MOST
from app.billing.documents import number_of, statement_json
from app.billing.models import Payment, Statement
from app.billing.payments import Paid
from app.reservations.json_values import Input, Reason

Month = Annotated[str, Field(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$", examples=["2026-11"])]
Slug = Annotated[str, Field(max_length=100)]


def _day_text(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("must be a day such as 2026-12-20")
    return value


Day = Annotated[
    date, BeforeValidator(_day_text), WithJsonSchema({"type": "string", "format": "date"})
]


class StatementQuery(BaseModel):
    """Which statements."""

    model_config = ConfigDict(extra="forbid")

    month: Annotated[Month | Literal[""], Field(description="Of this month, as YYYY-MM.")] = ""
    supplier: Annotated[Slug, Field(description="Of this supplier, by slug.")] = ""
    payer: Annotated[Slug, Field(description="To this payer, by slug.")] = ""
    limit: Annotated[int, Field(ge=1, le=200, description="At most so many.")] = 50
    cursor: Annotated[
        str,
        Field(pattern=r"^([0-9]{1,9})?$", description="“next” of the page before this one."),
    ] = ""

    @property
    def before(self) -> int | None:
        return int(self.cursor) if self.cursor else None


class PartyOut(BaseModel):
    """An institution as it was called when the statement was issued."""

    slug: str
    name_ko: str
    name_en: str
    registration_number: str | None


class StatementLinksOut(BaseModel):
    self: str
    page: str


class StatementOut(BaseModel):
    """What one institution owes another for a month; amounts in won."""

    uid: str
    number: str = Field(description="Running within the supplier's year.")
    month: str
    supplier: PartyOut
    payer: PartyOut
    dated: date
    due_on: date
    currency: Literal["KRW"]
    net: int
    vat: int
    total: int
    sponsored: int = Field(description="What sponsor funds pay of the total.")
    due: int = Field(description="What is left for the payer.")
    links: StatementLinksOut


class StatementListOut(BaseModel):
    items: list[StatementOut]
    next: str | None = Field(description="The cursor of the next page.")


class SponsoredOut(BaseModel):
    """What a fund pays of a line."""

    fund: str
    sponsor: str = Field(description="Slug of the institution whose fund it is.")
    amount: int


class StatementLineOut(BaseModel):
    """One payer's part of one charge, or what takes an earlier line back."""

    id: int
    position: int
    kind: Literal["use", "late-cancellation", "no-show"]
    reservation: str = Field(description="Its uid.")
    instrument: str = Field(description="Slug.")
    name_ko: str
    name_en: str
    equipment_number: str | None
    user: str
    mode: Literal["self_operated", "operator_assisted", "commissioned"]
    day: date
    quantity: str | None
    unit: str | None
    unit_price: int | None
    percent: str = Field(description="The payer's share of the charge.")
    account: str | None = Field(description="Project number.")
    net: int
    vat: int
    total: int
    sponsored: list[SponsoredOut]
    corrects: int | None = Field(description="The id of the line that this one takes back.")
    correction: str | None = Field(description="Why it does.")


class PaymentOut(BaseModel):
    """What the supplier has received; below zero, what it gave back."""

    number: int = Field(description="Running within the statement.")
    amount: int
    paid_on: date
    note: str


class StatementWholeOut(StatementOut):
    lines: list[StatementLineOut]
    payments: list[PaymentOut]
    open: int = Field(description="What is still to be paid.")


class PaymentIn(Input):
    """What came in."""

    number: Annotated[
        int,
        Field(
            ge=1,
            le=10**6,
            strict=True,
            description="One more than were entered: sent twice, it is refused.",
        ),
    ]
    amount: Annotated[
        int, Field(ge=-MOST, le=MOST, strict=True, description="Below zero takes one back.")
    ]
    paid_on: Day
    note: Annotated[Reason, Field(max_length=200)] = ""

    def to_paid(self) -> Paid:
        return Paid(self.amount, self.paid_on, self.note)


class CellOut(BaseModel):
    """What a supplier charges a payer."""

    supplier: str
    payer: str
    net: int
    vat: int
    total: int
    sponsored: int


class TransferOut(BaseModel):
    """A payment that clears balances."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str
    amount: int


class SettlementOut(BaseModel):
    """What institutions owe one another for a month, by their slugs; amounts in won."""

    month: str
    state: Literal["provisional", "closed"]
    matrix: list[CellOut]
    balances: dict[str, int] = Field(description="What each is to receive, or below 0 to pay.")
    transfers: list[TransferOut]


def statement_out(statement: Statement, links: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    """A statement without its lines."""
    return {
        "uid": statement.uid,
        "number": number_of(statement),
        "month": f"{statement.month:%Y-%m}",
        "supplier": statement.parties["supplier"],
        "payer": statement.parties["payer"],
        "dated": statement.dated,
        "due_on": statement.due_on,
        "currency": "KRW",
        "net": statement.net,
        "vat": statement.vat,
        "total": statement.total,
        "sponsored": statement.sponsored,
        "due": statement.due,
        "links": links(statement.uid),
    }


def whole_out(
    statement: Statement, paid: Sequence[Payment], links: Callable[[str], dict[str, str]]
) -> dict[str, Any]:
    """A statement with its lines and payments."""
    lines = [{"correction": None, **line} for line in statement_json(statement)["lines"]]
    return {
        **statement_out(statement, links),
        "lines": lines,
        "payments": [
            {name: getattr(each, name) for name in ("number", "amount", "paid_on", "note")}
            for each in paid
        ],
        "open": statement.due - sum(each.amount for each in paid),
    }
