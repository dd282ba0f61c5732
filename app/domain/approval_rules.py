"""When what was approved is asked again, and until when a request has to be decided."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import StrEnum


class Reapproval(StrEnum):
    """Whether a reservation that changes has to be approved anew."""

    ALWAYS = "always"
    IF_IT_MATTERS = "if_it_matters"
    NEVER = "never"


class Overdue(StrEnum):
    """What becomes of a request that nobody has decided in time."""

    RELEASE = "release"  # it is turned down, and its time is free
    ESCALATE = "escalate"  # those above are asked, and any one of them decides


#: What approvers look at: a change of words alone leaves their yes alone.
MATTERS = frozenset({"starts_at", "ends_at", "mode", "answers", "shares", "cost"})


def asked_again(rule: Reapproval, changed: AbstractSet[str]) -> bool:
    """Whether a change of all that is named has to be approved."""
    match rule:
        case Reapproval.ALWAYS:
            return bool(changed)
        case Reapproval.IF_IT_MATTERS:
            return not MATTERS.isdisjoint(changed)
        case Reapproval.NEVER:
            return False


def decide_by(asked_at: datetime, deadline: timedelta, start: datetime) -> datetime | None:
    """When a request is overdue, never after its start; None if it may wait for ever."""
    return min(asked_at + deadline, start) if deadline else None


def may_escalate(rule: Overdue, *, escalated: bool, start: datetime, now: datetime) -> bool:
    """Whether an overdue request goes to those above: once, while there is time left."""
    return rule is Overdue.ESCALATE and not escalated and now < start
