"""What was asked back before a decision, as the HTTP API tells it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.reservations.models import Reservation


class QuestionOut(BaseModel):
    """A question to the holder; one that ended was overtaken, or ran out of time."""

    question: str
    asked_by: str
    asked_at: datetime
    state: Literal["awaiting", "answered", "ended"]
    answer: str
    ended_at: datetime | None


def questions_out(reservation: Reservation) -> list[dict[str, Any]]:
    """What was asked, one after the other."""
    return [
        {
            "question": each.question,
            "asked_by": each.asked_by.name,
            "asked_at": each.asked_at,
            "state": "answered" if each.is_answered else "ended" if each.ended_at else "awaiting",
            "answer": each.answer,
            "ended_at": each.ended_at,
        }
        for each in reservation.questions
    ]
