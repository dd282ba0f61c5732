"""Placing a commission: the manager finds its time, and may give it back to the queue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.catalog.policy import policy_of, zone_of
from app.catalog.queries import id_and_needs_of, scope_of
from app.db import transaction
from app.domain import approval
from app.domain.approval import Status, Step
from app.domain.availability import suggested_slots
from app.domain.booking import Mode
from app.domain.commission import CommissionStep
from app.domain.errors import Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of
from app.domain.operator_rules import asks_operator
from app.projects import queries as groups
from app.reservations import (
    commission_notices,
    commission_queries,
    duties,
    linked,
    offering,
    operators,
    queries,
)
from app.reservations.commission_models import Commission
from app.reservations.commissions import decide, note, request_of, step
from app.reservations.free_times import AHEAD, sensible_length
from app.reservations.models import Reservation
from app.reservations.services import holder_of, reserve_within, settled_for, told_if_taken
from app.reservations.steps import attend, end, give_up
from app.reservations.steps import note as note_reservation
from app.reservations.turns import lock_calendars, lock_together

#: Reservations that hold their time no more: there is nothing left to cancel.
_GIVEN_UP = frozenset({Status.CANCELLED, Status.REJECTED, Status.NO_SHOW})


@dataclass(frozen=True, slots=True)
class Placement:
    """When it is done and by whom, as the manager decides."""

    interval: Interval
    operator: str = ""  # an address; empty: whose turn it is
    override: str = ""  # why rules of the facility are set aside


def place(
    user: User, uid: str, placement: Placement, *, now: datetime, version: int | None = None
) -> Commission:
    """Reserve a time for a commission, by the rules for its holder.

    Confirmed at once, unless others than the manager have to approve it. Raises `WrongState` if
    somebody else was faster, and as `request_reservation` does: then it waits on.
    """
    before, user_id = commission_queries.by_uid(uid, viewer=user), user.id
    request = request_of(before, placement.interval)
    instrument_id, needs = id_and_needs_of(request.instrument)
    ids = linked.calendars(instrument_id, needs)
    with told_if_taken(request, user, now=now), transaction():
        # Taking turns comes first: whoever is second sees that it is placed.
        together = lock_together(instrument_id, ids, placement.interval)
        user = queries.person(user_id)
        found = step(user, uid, CommissionStep.PLACE, version)
        holder = holder_of(user, found.holder.email, together[0])
        request = request_of(found, placement.interval)
        if request.group not in groups.ids_of(holder.id, today=day_of(now, zone_of(together[0]))):
            request = replace(request, group=None)  # They have left it since they asked.
        request = settled_for(holder, request, together[0], now=now)
        reservation = reserve_within(
            together, (user, holder), request, now=now, override=placement.override
        )
        if placement.operator:
            attend(reservation, _operator(reservation, placement.operator, now))
        found.reservation_id, found.reservation = reservation.id, reservation
        decide(found, user, now=now)
        note("place-commission", found, user, now, {"reservation": reservation.uid})
        commission_notices.placed(found, reservation, by=user, now=now)
    return found


def _operator(reservation: Reservation, email: str, now: datetime) -> int:
    """Whom the manager chose; what is wrong of it is said of the placement."""
    try:
        return operators.chosen(reservation, email, now)
    except Invalid as wrong:
        raise Invalid(wrong.text, {"operator": wrong.text}) from None


def return_to_queue(
    user: User, uid: str, reason: str, *, now: datetime, version: int | None = None
) -> Commission:
    """Let it wait again at its old place; its reservation is cancelled if it still stands.

    Raises `WrongState` once it has been used, and `Invalid` without a reason.
    """
    if not reason.strip():
        missing = Text("대기로 되돌리는 이유를 적어 주세요.", "Say why you return it.")
        raise Invalid(missing, {"reason": missing})
    before, user_id = commission_queries.by_uid(uid, viewer=user), user.id
    ids = {before.instrument_id}
    if before.reservation:
        ids |= linked.of_bundles([before.reservation])
    with transaction():
        locked = lock_calendars(ids)
        user = queries.person(user_id)
        found = step(user, uid, CommissionStep.RETURN, version)
        reservation = found.reservation
        if reservation:
            linked.check_ours([reservation], locked)
            if reservation.status not in _GIVEN_UP:
                access.require(user, Action.CANCEL_RESERVATION, scope_of(found.instrument))
                approval.may_still_cancel(reservation.interval, now=now, manages=True)
                give_up(reservation, user, manages=True)
                end(reservation, Step.CANCEL, reason, now)
                note_reservation("cancel-reservation", reservation, user, now, {"reason": reason})
                commission_notices.cancelled(reservation, by=user, now=now)
                offering.freed(reservation, [reservation.interval], now=now, by=user)
        found.reservation_id, found.reservation = None, None
        decide(found, user, now=now, reason=reason)
        note("return-commission", found, user, now, {"reason": reason.strip()})
        commission_notices.told(found, by=user, now=now)
    return found


def length_for(found: Commission) -> timedelta:
    """As long as was estimated, within what the instrument allows."""
    policy = policy_of(found.instrument)
    if found.duration is None:
        return sensible_length(found.instrument)
    length = min(max(found.duration, policy.shortest), policy.longest)
    return -(-length // policy.slot) * policy.slot


def free_next(
    found: Commission, length: timedelta, *, now: datetime, count: int = 4
) -> list[Interval]:
    """The next times at which it could be done, from the day that was asked for on."""
    instrument = found.instrument
    policy, zone = policy_of(instrument), zone_of(instrument)
    first = now
    if found.earliest_on:
        first = max(now, day_interval(found.earliest_on, zone).start)
    during = Interval(first, first + AHEAD)
    spans = queries.free_around(instrument, during, now=now, mode=Mode.COMMISSIONED)
    return suggested_slots(
        spans, length, policy.slot, zone, now=first, until=now + policy.earliest, count=count
    )


def who_could_attend(found: Commission) -> Sequence[User]:
    """The operators of its instrument, by name; none where none is assigned."""
    if not asks_operator(policy_of(found.instrument), Mode.COMMISSIONED):
        return ()
    return duties.people_at(found.instrument_id)
