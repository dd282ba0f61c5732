"""A reservation is offered to somebody else, who takes it by the rules for themself.

Whether there is an account with the address is told to nobody.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import or_, select

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.accounts.queries import normal_email
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain import approval, booking
from app.domain.approval import Step
from app.domain.booking import Mode
from app.domain.errors import BookingRefused, Invalid, Text, WrongState
from app.domain.hand_over import HandOverEnd
from app.domain.operator_rules import operator_for
from app.reservations import (
    answer_files,
    commission_queries,
    linked,
    new_holder,
    paying,
    queries,
)
from app.reservations import hand_over_notices as notices
from app.reservations.hand_over_models import HandOver
from app.reservations.hand_over_queries import (
    OPEN,
    TAKEABLE,
    ended,
    is_open,
    offered_to,
    open_of,
    unended,
)
from app.reservations.models import Reservation
from app.reservations.new_holder import NOTHING_SAID, Terms
from app.reservations.notices import requested
from app.reservations.steps import again, attend, note, of_version, touch
from app.reservations.turns import lock_reserved, touch_calendar


def offer(user: User, uid: str, email: str, *, now: datetime, reason: str = "") -> HandOver:
    """Let whoever has the account with the address take the reservation over.

    Who does it for the holder says why. Raises `Invalid`, or `WrongState` where it has begun or
    ended, or is offered to somebody else.
    """
    address, reason, user_id = _address(email), reason.strip(), user.id
    before = queries.by_uid(uid, viewer=user)
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CHANGE_RESERVATION)
        _may_be_taken(reservation, now)
        if address == reservation.holder.email:
            raise _invalid("email", "예약자 본인입니다.", "This is the holder.")
        if user.id != reservation.holder_id and not reason:
            raise _invalid(
                "reason",
                "예약자가 읽을 사유를 적어 주세요.",
                "Say why: the holder reads it.",
            )
        if (found := unended(reservation)) and (over := ended(found, now)):
            _close(found, over, now)  # The job has not come to it yet.
        elif found:
            if found.email == address:
                return found
            raise WrongState(
                Text(
                    "이미 다른 사람에게 넘기겠다고 했습니다. 먼저 그것을 거두어 주세요.",
                    "It is offered to somebody else already. Take that back first.",
                )
            )
        made = HandOver(
            reservation=reservation,
            email=address,
            offered_by=user,
            reason=reason,
            offered_at=now,
            starts_at=reservation.interval.start,
            ends_at=reservation.interval.end,
        )
        db.session.add(made)
        db.session.flush()
        detail = {"person": address} | ({"reason": reason} if reason else {})
        note("offer-hand-over", reservation, user, now, detail)
        notices.offered(made, now=now)
    return made


def withdraw(user: User, uid: str, *, now: datetime) -> None:
    """Take the offer back: by who may change the reservation."""
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CHANGE_RESERVATION)
        found = open_of(reservation, now=now)
        if found is None:
            raise _over()
        _end(found, HandOverEnd.WITHDRAWN, now)
        note("withdraw-hand-over", reservation, user, now, {"person": found.email})
        notices.withdrawn(found, now=now)


def take(
    user: User,
    uid: str,
    terms: Terms = NOTHING_SAID,
    *,
    now: datetime,
    version: int | None = None,
) -> Reservation:
    """Take over what is offered, by all rules for the new holder, at their price.

    It waits for approval where a new reservation of theirs would. Raises `NotFound`,
    `WrongState` once the offer is over, `Stale`, and `BookingRefused` with every reason why
    they may not have it.
    """
    offered, user_id = offered_to(uid, user), user.id
    before = offered.reservation
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        found = _still_open(offered.id, now)
        reservation = queries.as_it_is(found.reservation_id)
        access.require(user, Action.RESERVE, scope_of(reservation.instrument))
        of_version(reservation, version)
        _may_be_taken(reservation, now)
        gives = reservation.holder
        # In the order of ids, as everyone does, so that nobody waits for the other for ever.
        for each in sorted({gives.id, user.id}):
            touch_calendar(each)
        request = new_holder.request_of(reservation, terms, user, now)
        facts = queries.booking_facts(
            reservation.instrument,
            user,
            reservation.interval,
            now=now,
            besides=reservation.id,
            group=request.group,
            asked=request,
        )
        if refusals := booking.refusals(request, facts):
            raise BookingRefused(refusals)
        asking = [reservation, *linked.companions(reservation)]
        answer_files.keep(user, [each.instrument for each in asking], request.answers, now=now)
        attended = reservation.operator
        attend(reservation, operator_for(request, facts, reservation.operator_id))
        request = paying.use_up(request, facts.charged, user, reservation.instrument)
        new_holder.give(reservation, user, request, now)
        _end(found, HandOverEnd.TAKEN, now)
        touch(reservation, now)
        note("take-over", reservation, user, now, {"person": f"{gives.name} → {user.name}"})
        notices.taken(found, gives, user, now=now)
        requested(reservation, now=now, attended=attended)
    return reservation


def decline(user: User, uid: str, *, now: datetime) -> None:
    """Do not take it: it stays with its holder, who is told."""
    offered, user_id = offered_to(uid, user), user.id
    before = offered.reservation
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        found = _still_open(offered.id, now)
        _end(found, HandOverEnd.DECLINED, now)
        note("decline-hand-over", found.reservation, user, now, {"person": found.email})
        notices.declined(found, user, now=now)


def end_stale(now: datetime, stopping: Callable[[], bool]) -> int:
    """Close offers of what has begun or is no longer there; how many.

    Late, twice or on two machines the result is the same.
    """
    due = db.session.scalars(
        select(HandOver.id)
        .join(HandOver.reservation)
        .where(
            OPEN,
            or_(
                Reservation.starts_at <= now,
                Reservation.status.not_in(TAKEABLE),
                Reservation.starts_at != HandOver.starts_at,
                Reservation.ends_at != HandOver.ends_at,
            ),
        )
        .order_by(HandOver.id)
    ).all()
    return sum(_end_one(each, now) for each in due if not stopping())


def _end_one(hand_over_id: int, now: datetime) -> bool:
    before = db.session.get_one(HandOver, hand_over_id).reservation
    with transaction():
        lock_reserved(before)
        found = db.session.get_one(HandOver, hand_over_id, populate_existing=True)
        queries.as_it_is(found.reservation_id)
        over = ended(found, now)
        if found.outcome is not None or over is None:
            return False
        _close(found, over, now)
        return True


def _close(found: HandOver, over: HandOverEnd, now: datetime) -> None:
    """Say that it is over, of what nobody ended."""
    _end(found, over, now)
    note("end-hand-over", found.reservation, None, now, {"person": found.email})
    tell = notices.expired if over is HandOverEnd.EXPIRED else notices.withdrawn
    tell(found, now=now)


def _still_open(hand_over_id: int, now: datetime) -> HandOver:
    found = db.session.get_one(HandOver, hand_over_id, populate_existing=True)
    queries.as_it_is(found.reservation_id)
    if not is_open(found, now=now):
        raise _over()
    return found


def _may_be_taken(reservation: Reservation, now: datetime) -> None:
    """Raise `WrongState` for what has begun or ended, and for the time of a commission."""
    approval.after(reservation.status, Step.CHANGE)
    approval.may_still_change(reservation.interval, now=now)
    if reservation.mode is Mode.COMMISSIONED and commission_queries.of_reservation(reservation.id):
        raise WrongState(
            Text(
                "분석의뢰에 배정된 시간은 넘길 수 없습니다. 취소하고, 그분이 새로 의뢰해 주십시오.",
                "This is the time of a commissioned analysis, which cannot be handed over. Cancel "
                "it, and let them ask for one of their own.",
            )
        )


def _end(hand_over: HandOver, outcome: HandOverEnd, now: datetime) -> None:
    hand_over.outcome, hand_over.ended_at = outcome, now
    db.session.flush()


def _address(email: str) -> str:
    try:
        return normal_email(email)
    except ValueError as wrong:
        raise _invalid(
            "email", "이메일 주소가 아닙니다.", "This is not an e-mail address."
        ) from wrong


def _invalid(field: str, ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {field: text})


def _over() -> WrongState:
    return WrongState(
        Text(
            "이 예약을 넘겨받을 수 있는 때가 지났습니다.",
            "This reservation can no longer be taken over.",
        )
    )
