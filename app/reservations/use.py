"""Use cases at the instrument: check in, go on longer, check out; who never came, who forgot.

Each is one transaction that takes its turn on the instrument's calendar first: a check-in and the
job that gives the time away, or a check-out and a reservation of what it frees, see each other.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, literal, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.policy import policy_of, use_policy_of, zone_of
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain import approval, booking, use
from app.domain.approval import Status, Step
from app.domain.booking import BookingFacts, BookingRequest
from app.domain.errors import (
    BookingRefused,
    Invalid,
    Refusal,
    Taken,
    TakenTime,
    Text,
    WrongState,
)
from app.domain.grid import following, next_on_grid
from app.domain.interval import Interval, without
from app.domain.notation import shown
from app.domain.operator_rules import operators_busy
from app.domain.use import CheckIn, CheckInPlace
from app.reservations import duties, linked, no_shows, notices, offering, queries
from app.reservations.linked import MAIN
from app.reservations.models import Reservation
from app.reservations.services import NET, requote
from app.reservations.steps import again, note, touch
from app.reservations.turns import lock_calendars, lock_reserved

#: As many ways to go on longer as a phone shows without scrolling.
MOST_EXTENSIONS = 8

Stopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Ways:
    """What may be done now with what one has reserved."""

    check_in: bool
    check_out: bool

    def __bool__(self) -> bool:
        return self.check_in or self.check_out


def check_in(
    user: User, uid: str, *, now: datetime, reason: str = "", present: bool = False
) -> Reservation:
    """Begin to use what is reserved; `present`: the code at the instrument was shown.

    Who comes early holds the instrument from then on, if nobody else has it. On an instrument
    for one, a use before this one whose time is over is closed as ended in time. Raises
    `WrongState` if it is too early or too late, or if somebody else is still there.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    # The hold may become longer than any before it: reads are told so beforehand.
    longer = Interval(min(before.starts_at, use.began(now)), before.ends_at)
    held = linked.of_bundles([before])
    held |= linked.in_use_with(held)  # What is over there may be closed by whoever comes.
    with transaction():
        instrument = lock_calendars(held, longer)[before.instrument_id]
        user = queries.person(user_id)
        reservation = again(uid, user, Action.USE_RESERVATION)
        manages = access.may(user, Action.DECIDE_RESERVATION, scope_of(instrument))
        _say_why(reservation, user, reason)
        reservation.status = approval.after(reservation.status, Step.CHECK_IN)
        policy = use_policy_of(instrument)
        use.may_check_in(
            policy,
            reservation.interval,
            reservation.no_show_at,
            now=now,
            zone=zone_of(instrument),
            manages=manages,
        )
        if policy.check_in_at is CheckInPlace.INSTRUMENT and not (present or manages):
            raise WrongState(
                Text(
                    "장비 앞 화면의 QR 코드를 휴대전화로 찍어 사용을 시작해 주세요.",
                    "Check in at the instrument: scan the code that its screen shows.",
                )
            )
        for each in (reservation, *linked.companions(reservation)):
            _close_what_is_over(each, held, now)
        reservation.used_from = use.began(now)
        if reservation.used_from < reservation.starts_at:
            _hold_from_now(reservation, instrument, now)
        touch(reservation, now)
        note("check-in", reservation, user, now, {"reason": reason.strip()})
        notices.acted_for(reservation, by=user, reason=reason, now=now)
    return reservation


def check_out(
    user: User, uid: str, *, now: datetime, reason: str = "", samples: int | None = None
) -> Reservation:
    """End the use; what is left of the time is free for others at once."""
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        instrument = lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.USE_RESERVATION)
        _say_why(reservation, user, reason)
        until = use.used_until(
            use_policy_of(instrument),
            reservation.interval,
            reservation.used_from or reservation.starts_at,
            now=now,
        )
        held = reservation.interval
        _leave(reservation, until)
        if samples is not None:
            reservation.samples = samples
        touch(reservation, now)
        note("check-out", reservation, user, now, {"reason": reason.strip(), **_used(reservation)})
        notices.acted_for(reservation, by=user, reason=reason, now=now)
        if left := without([held], [reservation.interval]):
            offering.freed(reservation, left, now=now, by=user)
    return reservation


def extend(
    user: User, uid: str, until: datetime, *, now: datetime, reason: str = ""
) -> Reservation:
    """Go on using it until later, if nobody else has that time.

    Raises `Taken` or `BookingRefused` with every reason why not, `Invalid` if `until` is not
    later than the end, `WrongState` if it is not in use.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    longer = Interval(before.starts_at, max(until, before.ends_at))
    try:
        with transaction():
            instrument = lock_reserved(before, longer)
            user = queries.person(user_id)
            reservation = again(uid, user, Action.USE_RESERVATION)
            _say_why(reservation, user, reason)
            approval.after(reservation.status, Step.EXTEND)
            _must_be_later(until, reservation, now)
            whole = Interval(reservation.reserved.start, until)
            request = BookingRequest(instrument.slug, whole, mode=reservation.mode)
            facts = queries.booking_facts(
                instrument,
                reservation.holder,
                whole,
                now=now,
                besides=reservation.id,
                group=reservation.group_id,
            )
            if refused := [
                *booking.extension_refusals(request, facts),
                *_operator_leaves(reservation, facts, until),
            ]:
                raise _not_longer(refused, booking.conflicts(request, facts))
            was = reservation.ends_at
            reservation.interval = Interval(reservation.starts_at, until)
            requote([reservation], now)
            touch(reservation, now)
            change = {"ends_at": [was.isoformat(), until.isoformat()], "reason": reason.strip()}
            note("extend-reservation", reservation, user, now, change)
            notices.acted_for(reservation, by=user, reason=reason, now=now)
    except IntegrityError as broken:
        if NET not in str(broken.orig):
            raise
        text = Text("그 시간은 이미 예약되었습니다.", "That time has just been reserved.")
        raise Taken([Refusal("taken", text)], taken=(), alternatives=()) from broken
    return reservation


def mark_no_show(user: User, uid: str, *, now: datetime, reason: str) -> Reservation:
    """A manager says that nobody came; what is left of the time is free for others."""
    if not reason.strip():
        missing = Text("사유를 적어 주세요.", "Say why.")
        raise Invalid(missing, {"reason": missing})
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.DECIDE_RESERVATION)
        if now < reservation.starts_at:
            raise WrongState(
                Text(
                    "아직 시작하지 않은 예약입니다. 필요하면 취소해 주세요.",
                    "It has not begun yet. Cancel it if it has to go.",
                )
            )
        no_shows.miss(reservation, user, reason=reason, detail={"reason": reason.strip()}, now=now)
    return reservation


def release_missed(now: datetime, stopping: Stopping) -> int:
    """Give the time of those who did not check in to others; how many there were.

    Late, twice or on two machines, the result is the same: each is looked at again when the
    calendar is ours, and who has come meanwhile keeps the time.
    """
    due = db.session.scalars(
        select(Reservation.id)
        .where(
            Reservation.status == _state(Status.CONFIRMED),
            Reservation.no_show_at.is_not(None),
            Reservation.no_show_at <= now,
        )
        .order_by(Reservation.no_show_at)
    ).all()
    return sum(_each(one, _release, now) for one in due if not stopping())


def close_forgotten(now: datetime, stopping: Stopping) -> int:
    """Close the uses that nobody ended as if they had ended in time; how many there were."""
    over = db.session.scalars(
        select(Reservation.id)
        .where(Reservation.status == _state(Status.IN_USE), Reservation.ends_at <= now, MAIN)
        .order_by(Reservation.ends_at)
    ).all()
    waiting = [one for one in over if _is_forgotten(one, now)]
    return sum(_each(one, _close, now) for one in waiting if not stopping())


def ways(reservation: Reservation, *, now: datetime, manages: bool = False) -> Ways:
    """Whether one may check in or out now; what was reserved along goes with the main one."""
    if reservation.is_companion:
        return Ways(check_in=False, check_out=False)
    if reservation.status is Status.IN_USE:
        return Ways(check_in=False, check_out=True)
    policy = use_policy_of(reservation.instrument)
    if reservation.status is not Status.CONFIRMED or policy.check_in is CheckIn.OFF:
        return Ways(check_in=False, check_out=False)
    missed_at = None if manages else reservation.no_show_at
    times = use.check_in_times(policy, reservation.interval, missed_at)
    return Ways(check_in=times.start <= now < times.end, check_out=False)


def in_hand(user: User, *, now: datetime) -> list[Reservation]:
    """What the person uses now, or may begin to use now."""
    near = db.session.scalars(
        select(Reservation)
        .where(
            Reservation.holder_id == user.id,
            MAIN,
            or_(
                Reservation.status == Status.IN_USE,
                and_(
                    Reservation.status == Status.CONFIRMED,
                    Reservation.starts_at <= now + use.LONGEST_EARLY,
                    Reservation.ends_at > now,
                ),
            ),
        )
        .options(
            joinedload(Reservation.instrument)
            .joinedload(Instrument.facility)
            .joinedload(Facility.institution)
        )
        .order_by(Reservation.starts_at)
    )
    return [each for each in near if ways(each, now=now)]


def is_in_use(instrument: Instrument) -> bool:
    """Whether somebody has checked in and not out."""
    found = select(Reservation.id).where(
        Reservation.instrument_id == instrument.id, Reservation.status == _state(Status.IN_USE)
    )
    return db.session.scalar(found.limit(1)) is not None


def extensions(reservation: Reservation, *, now: datetime) -> list[datetime]:
    """Until when one may go on using it, nearest first; none if something stands in the way."""
    instrument, zone = reservation.instrument, zone_of(reservation.instrument)
    if reservation.status is not Status.IN_USE:
        return []
    slot = policy_of(instrument).slot
    lines = [next_on_grid(reservation.ends_at + timedelta.resolution, slot, zone)]
    while len(lines) < MOST_EXTENSIONS:
        lines.append(following(lines[-1], slot, zone))
    whole = Interval(reservation.reserved.start, lines[-1])
    facts = queries.booking_facts(
        instrument,
        reservation.holder,
        whole,
        now=now,
        besides=reservation.id,
        group=reservation.group_id,
    )
    found = []
    for line in lines:
        until = Interval(whole.start, line)
        request = BookingRequest(instrument.slug, until, mode=reservation.mode)
        if booking.extension_refusals(request, facts) or _operator_leaves(reservation, facts, line):
            break
        if line > now:
            found.append(line)
    return found


def _state(status: Status) -> ColumnElement[Status]:
    """Written into the statement, not bound, so that it matches the partial index."""
    return literal(status, Reservation.status.type, literal_execute=True)


def _is_forgotten(reservation_id: int, now: datetime) -> bool:
    found = db.session.get_one(Reservation, reservation_id)
    return now >= use.closes_at(use_policy_of(found.instrument), found.interval)


def _each(reservation_id: int, act: Callable[[Reservation, datetime], bool], now: datetime) -> bool:
    """One act of a job, in a transaction of its own."""
    before = db.session.get_one(Reservation, reservation_id)
    ids = linked.of_bundles([before])
    with transaction():
        lock_calendars(ids)
        found = db.session.get_one(Reservation, reservation_id, populate_existing=True)
        return act(found, now)


def _release(reservation: Reservation, now: datetime) -> bool:
    awaited = reservation.no_show_at
    if reservation.status is not Status.CONFIRMED or awaited is None or now < awaited:
        return False
    if use_policy_of(reservation.instrument).check_in is not CheckIn.REQUIRED:
        reservation.no_show_at = None  # It is no longer asked of anybody.
        db.session.flush()
        return False
    no_shows.miss(reservation, None, reason="", detail={"by_rule": awaited.isoformat()}, now=now)
    return True


def _close(reservation: Reservation, now: datetime) -> bool:
    """As if it had ended in time."""
    if reservation.status is not Status.IN_USE or now < reservation.ends_at:
        return False
    begun = reservation.used_from or reservation.starts_at
    _leave(reservation, max(reservation.ends_at, begun + timedelta(minutes=1)))
    touch(reservation, now)
    note("close-use", reservation, None, now, _used(reservation))
    notices.forgotten(reservation, now=now)
    return True


def _leave(reservation: Reservation, until: datetime) -> None:
    reservation.status = approval.after(reservation.status, Step.CHECK_OUT)
    reservation.used_until = until
    left = use.hold_after(reservation.interval, until)
    if left != reservation.interval:
        reservation.reserved_until = reservation.ends_at
        reservation.interval = left


def _close_what_is_over(reservation: Reservation, ours: Collection[int], now: datetime) -> None:
    """On an instrument for one, whoever comes now finds nobody there, or waits."""
    if not reservation.exclusive:
        return
    others = db.session.scalars(
        select(Reservation).where(
            Reservation.instrument_id == reservation.instrument_id,
            Reservation.status == _state(Status.IN_USE),
            Reservation.id != reservation.id,
        )
    ).all()
    for each in others:
        # Taken along by another since we looked, whose calendar is not ours: told as in use.
        other = linked.main_of(each)
        if other.instrument_id not in ours or not _close(other, now):
            until = shown(other.ends_at, zone_of(reservation.instrument), now)
            raise WrongState(
                Text(
                    f"다른 사람이 {until.ko}까지 사용 중입니다. 사용이 끝난 뒤 다시 시도해 주세요.",
                    f"Somebody uses it until {until.en}. Check in when they have ended.",
                )
            )


def _hold_from_now(reservation: Reservation, instrument: Instrument, now: datetime) -> None:
    """Let nobody squeeze in before the start of somebody who has come early."""
    early = Interval(use.began(now), reservation.starts_at)
    request = BookingRequest(instrument.slug, early)
    facts = queries.booking_facts(
        instrument, reservation.holder, early, now=now, besides=reservation.id
    )
    attended = reservation.operator_id
    if booking.conflicts(request, facts) or (attended and duties.attends(attended, early)):
        start = shown(reservation.starts_at, zone_of(instrument), now)
        raise WrongState(
            Text(
                f"그전에는 다른 예약이나 점검·휴무가 있습니다. {start.ko}부터 시작할 수 있습니다.",
                f"Until then others have it, or it is closed. Check in on {start.en}.",
            )
        )
    reservation.reserved_from = reservation.starts_at
    reservation.interval = Interval(early.start, reservation.ends_at)


def _operator_leaves(
    reservation: Reservation, facts: BookingFacts, until: datetime
) -> list[Refusal]:
    """Why whoever attends it cannot stay until later."""
    if reservation.operator_id is None or until <= reservation.ends_at:
        return []
    longer = Interval(reservation.ends_at, until)
    own = [each for each in facts.operators if each.key == reservation.operator_id]
    if any(each.free_for(longer) for each in own):
        return []
    return [operators_busy(longer, replace(facts, operators=tuple(own)))]


def _must_be_later(until: datetime, reservation: Reservation, now: datetime) -> None:
    if until <= max(reservation.ends_at, now):
        wrong = Text(
            "지금 종료 시각보다 뒤의 시각을 골라 주세요.",
            "Choose a time after the present end.",
        )
        raise Invalid(wrong, {"ends_at": wrong})


def _not_longer(refused: Sequence[Refusal], taken: Sequence[TakenTime]) -> BookingRefused:
    if all(map(booking.is_conflict, refused)):
        return Taken(refused, taken=taken, alternatives=())
    return BookingRefused(refused)


def _say_why(reservation: Reservation, user: User, reason: str) -> None:
    """Who acts for somebody else says why."""
    if reservation.holder_id != user.id and not reason.strip():
        missing = Text(
            "다른 사람의 예약입니다. 대신 처리하는 사유를 적어 주세요.",
            "This is somebody else's reservation. Say why you do this for them.",
        )
        raise Invalid(missing, {"reason": missing})


def _used(reservation: Reservation) -> dict[str, object]:
    """What the trail tells of a use that is over."""
    used = reservation.used
    return {"used": [used.start.isoformat(), used.end.isoformat()]} if used else {}
