"""What the HTTP API tells of a reservation's charge and of objections, and what it is told."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.billing.charges import Due
from app.billing.deciding import MOST, Standing
from app.billing.disputes import Answer
from app.billing.models import LineDispute
from app.reservations.json_values import Input, Reason


class DisputeIn(Input):
    """What a payer objects to."""

    reason: Annotated[Reason, Field(min_length=1, description="Who manages it is told.")]


class DisputeAnswerIn(Input):
    """Whether the payer is right."""

    net: Annotated[
        Annotated[int, Field(ge=0, le=MOST, strict=True)] | None,
        Field(description="What the reservation costs instead, net; null declines."),
    ]
    answer: Annotated[Reason, Field(min_length=1, description="Why; the payer is told.")]

    def to_answer(self) -> Answer:
        return Answer(self.answer, self.net)


class DisputeOut(BaseModel):
    """An objection to a line, and what was answered."""

    id: int
    statement: str = Field(description="Its uid.")
    position: int
    reservation: str = Field(description="Its uid.")
    reason: str
    raised_at: datetime
    raised_by: str
    upheld: bool | None = Field(description="null: not answered yet.")
    answer: str
    answered_at: datetime | None


def dispute_out(made: LineDispute) -> dict[str, Any]:
    return {
        "id": made.id,
        "statement": made.line.statement.uid,
        "position": made.line.position,
        "reservation": made.line.said["reservation"],
        "reason": made.reason,
        "raised_at": made.raised_at,
        "raised_by": made.raised_by.name,
        "upheld": made.upheld,
        "answer": made.answer,
        "answered_at": made.answered_at,
    }


class ChargeDecisionIn(Input):
    """What a reservation is to cost, and why."""

    net: Annotated[
        Annotated[int, Field(ge=0, le=MOST, strict=True)] | None,
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
