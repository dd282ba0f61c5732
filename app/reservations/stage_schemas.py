"""Who has to agree to a reservation, as the HTTP API tells it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from app.domain.approval import Approver
from app.reservations import approvers
from app.reservations.models import Reservation


class StageOut(BaseModel):
    """Somebody who has to agree, and what became of it: refused or asked no more is closed."""

    by: Approver
    every: bool  # all of them, not any one
    state: Literal["later", "open", "agreed", "closed"]
    opened_at: datetime | None
    closed_at: datetime | None


def stages_out(reservation: Reservation) -> list[dict[str, Any]]:
    """The stages of what is asked for now, one after the other."""
    return [
        {
            "by": stage.by,
            "every": stage.every,
            "state": _state(
                opened=stage.is_open, closed=bool(stage.closed_at), passed=stage.passed
            ),
            "opened_at": stage.opened_at,
            "closed_at": stage.closed_at,
        }
        for stage in approvers.present(reservation)
    ]


def _state(*, opened: bool, closed: bool, passed: bool) -> str:
    if passed:
        return "agreed"
    return "closed" if closed else "open" if opened else "later"
