"""What was asked back before a decision, as the HTTP API tells it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.reservations.approval_models import ApprovalQuestion
from app.reservations.models import Reservation


class QuestionOut(BaseModel):
    """A question to the holder; one that ended was overtaken, or ran out of time.

    With times it asks whether these would do instead, and may be accepted.
    """

    question: str
    proposed_start: datetime | None
    proposed_end: datetime | None
    asked_by: str
    asked_at: datetime
    state: Literal["awaiting", "answered", "accepted", "ended"]
    answer: str
    ended_at: datetime | None


def questions_out(reservation: Reservation) -> list[dict[str, Any]]:
    """What was asked, one after the other."""
    return [
        {
            "question": each.question,
            "proposed_start": each.proposed_start,
            "proposed_end": each.proposed_end,
            "asked_by": each.asked_by.name,
            "asked_at": each.asked_at,
            "state": _state(each),
            "answer": each.answer,
            "ended_at": each.ended_at,
        }
        for each in reservation.questions
    ]


def _state(question: ApprovalQuestion) -> str:
    if question.is_accepted:
        return "accepted"
    if question.is_answered:
        return "answered"
    return "ended" if question.ended_at else "awaiting"
