"""What operators are told by mail of what they attend."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from app.accounts.models import User
from app.mail import outbox
from app.reservations.models import Reservation
from app.reservations.particulars import particulars

#: What became of it for the operator; `off`: somebody else attends it now, or nobody.
Event = Literal["assigned", "changed", "confirmed", "ended", "off", "missing"]

_OF_SERIES: Mapping[str, Event] = {"made": "assigned", "changed": "changed", "cancelled": "ended"}


def tell(event: Event, reservation: Reservation, *, now: datetime, by: User | None = None) -> None:
    """Whoever attends it, if anybody does."""
    if reservation.operator:
        _tell(reservation.operator, event, [reservation], by=by, now=now)


def changed(
    reservation: Reservation, before: User | None, *, now: datetime, by: User | None = None
) -> None:
    """It changed, and perhaps with it who attends it; both are told."""
    after = reservation.operator
    if before is not None and before is not after:
        _tell(before, "off", [reservation], by=by, now=now)
    if after is not None:
        event: Event = "changed" if before is after else "assigned"
        _tell(after, event, [reservation], by=by, now=now)


def missing(reservation: Reservation, manager: User, *, now: datetime) -> None:
    """Whoever attends it cannot, and nobody else is free: a manager has to find somebody."""
    _tell(manager, "missing", [reservation], by=None, now=now)


def of_series(
    event: str,
    reservations: Sequence[Reservation],
    before: Mapping[int, User | None],
    *,
    by: User,
    now: datetime,
) -> None:
    """One mail for each operator and what became of their dates."""
    told: defaultdict[tuple[User, Event], list[Reservation]] = defaultdict(list)
    for each in reservations:
        was, after = before.get(each.id, each.operator), each.operator
        if was is not None and was is not after:
            told[was, "off"].append(each)
        if after is not None:
            told[after, _OF_SERIES[event] if was is after else "assigned"].append(each)
    for (operator, what), dates in told.items():
        _tell(operator, what, dates, by=by, now=now)


def _tell(
    operator: User,
    event: Event,
    reservations: Sequence[Reservation],
    *,
    by: User | None,
    now: datetime,
) -> None:
    first = reservations[0]
    outbox.enqueue(
        "operator_told",
        to=operator.email,
        language=operator.language,
        # They may be taken off and assigned again to one that is else unchanged.
        key=f"operator_told-{event}-{first.uid}-{first.version}-{operator.id}-{now.isoformat()}",
        particulars=particulars(first, reader=operator, by=by)
        | {
            "event": event,
            "dates": [
                {"starts_at": each.starts_at.isoformat(), "ends_at": each.ends_at.isoformat()}
                for each in reservations
            ],
        },
        now=now,
    )
