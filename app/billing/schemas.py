"""What the HTTP API tells of statements and settlements."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.billing.charges import Due
from app.billing.deciding import MOST, Standing
from app.billing.documents import number_of, statement_json
from app.billing.models import Statement
from app.reservations.json_values import Input, Reason

Month = Annotated[str, Field(pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$", examples=["2026-11"])]
Slug = Annotated[str, Field(max_length=100)]


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


class StatementWholeOut(StatementOut):
    lines: list[StatementLineOut]


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


class ChargeDecisionIn(Input):
    """What a reservation is to cost, and why."""

    net: Annotated[
        Annotated[int, Field(ge=0, le=MOST)] | None,
        Field(description="Net amount in won; 0 waives it, null lets the rules count again."),
    ]
    reason: Annotated[Reason, Field(min_length=1, description="Why; the holder is told.")]


class PartOut(BaseModel):
    """What one payer is charged."""

    institution: str = Field(description="Slug.")
    account: str | None = Field(description="Project number.")
    net: int
    vat: int
    sponsored: int
    due: int


class ChargeDecisionOut(BaseModel):
    """What somebody in charge has set."""

    net: int | None
    reason: str
    decided_at: datetime
    decided_by: str


class ChargeOut(BaseModel):
    """What a reservation comes to in the end; amounts in won."""

    reservation: str = Field(description="Its uid.")
    state: Literal["nothing", "unknown", "due"]
    kind: Literal["use", "late-cancellation", "no-show"] | None
    net: int | None
    vat: int | None
    total: int | None
    parts: list[PartOut]
    posted: bool = Field(description="Whether it is on a statement.")
    decisions: list[ChargeDecisionOut] = Field(description="The last first; it counts.")


def charge_out(uid: str, found: Standing) -> dict[str, Any]:
    """What a reservation comes to."""
    due = found.due if isinstance(found.due, Due) else None
    quote = due.quote if due else None
    return {
        "reservation": uid,
        "state": "due" if due else "unknown" if found.due else "nothing",
        "kind": due.kind if due else None,
        "net": quote.net if quote else None,
        "vat": quote.vat if quote else None,
        "total": quote.total if quote else None,
        "parts": [
            {
                "institution": part.payer.institution,
                "account": part.payer.account,
                "net": part.net,
                "vat": part.vat,
                "sponsored": part.total - part.due,
                "due": part.due,
            }
            for part in (due.parts if due else ())
        ],
        "posted": bool(found.posted and found.posted.entry_id),
        "decisions": [
            {
                "net": each.net,
                "reason": each.reason,
                "decided_at": each.decided_at,
                "decided_by": each.decided_by.name,
            }
            for each in found.decisions
        ],
    }


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


def whole_out(statement: Statement, links: Callable[[str], dict[str, str]]) -> dict[str, Any]:
    """A statement with its lines."""
    lines = [{"correction": None, **line} for line in statement_json(statement)["lines"]]
    return {**statement_out(statement, links), "lines": lines}
