"""When what was approved is asked again, and until when a request is decided or answered for."""

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


#: As long as a holder who is asked something may take; as long, nobody has to decide.
ANSWER_WITHIN = timedelta(days=3)


def answer_by(asked_at: datetime, start: datetime) -> datetime:
    """When a question is overdue: a request that nobody answers for shall not hold its time."""
    return min(asked_at + ANSWER_WITHIN, start)


def may_wait_for_answer(decide_by: datetime | None, *, start: datetime, now: datetime) -> bool:
    """Whether there is time for a question: it puts off no deadline that has passed."""
    return now < start and (decide_by is None or now < decide_by)


def resumed(left: timedelta | None, *, start: datetime, now: datetime) -> datetime | None:
    """When a request is overdue of whose deadline so much was left when it was put off."""
    return None if left is None else min(now + left, start)
