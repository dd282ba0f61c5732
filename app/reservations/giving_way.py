"""What becomes of the reservations that lie where a manager closes an instrument."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.catalog.policy import policy_of, zone_of
from app.domain import booking
from app.domain.approval import Status
from app.domain.availability import nearest_slots
from app.domain.errors import BookingRefused, Refusal, Reserved, Text, WrongState
from app.domain.interval import Interval, without
from app.reservations import notices, queries
from app.reservations.models import Reservation
from app.reservations.notices import WayGiven
from app.reservations.services import Change, as_changed, give_way
from app.reservations.turns import touch_calendar

#: As far as a free time is looked for, before and behind.
_NEAR = timedelta(days=14)
#: So many of the nearest free times are tried by the rules for the holder.
_TRIED = 8


class Way(StrEnum):
    """What a manager decides for one reservation."""

    CANCEL = "cancel"
    MOVE = "move"
    KEEP = "keep"  # it stands, and its holder is told that it is in doubt


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to become of one reservation, as it was when the manager saw it."""

    way: Way
    version: int
    start: datetime | None = None  # where it is moved to


class StillReserved(WrongState):
    """Reservations lie in the time to be closed, and nobody has said what becomes of them."""

    def __init__(self, hit: Sequence[Reservation], open_: int) -> None:
        super().__init__(
            Text(
                f"이 시간의 예약 {len(hit)}건 가운데 {open_}건을 어떻게 할지 정하지 않았습니다. "
                "각 예약을 취소할지 옮길지 정해 주세요.",
                f"There are reservations in that time ({len(hit)}), and nothing is decided for "
                f"{open_} of them. Say for each whether it is cancelled or moved.",
            )
        )
        self.hit = tuple(hit)
        self.reserved = _named(hit)


class CannotGiveWay(BookingRefused):
    """A reservation may not lie where it was to be moved to."""

    def __init__(self, hit: Sequence[Reservation], uid: str, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals)
        self.hit, self.uid = tuple(hit), uid
        self.reserved = _named(each for each in hit if each.uid == uid)


def _named(hit: Iterable[Reservation]) -> list[Reserved]:
    return [Reserved(each.uid, each.instrument.slug, each.interval, each.version) for each in hit]


def make_way(
    hit: Sequence[Reservation],
    answers: Mapping[str, Answer],
    user: User,
    why: WayGiven,
    *,
    now: datetime,
    may_keep: bool = False,
) -> None:
    """Do as answered for every one of `hit`, within the transaction that has their calendars.

    What is freed comes first, so that others may move there. Raises `StillReserved` with those
    without a good answer: also for one that was changed after the manager had seen it.
    """
    allowed = {Way.CANCEL, Way.MOVE, *([Way.KEEP] if may_keep else [])}
    open_ = [each for each in hit if not _answers(answers.get(each.uid), each, allowed)]
    if open_:
        raise StillReserved(hit, len(open_))
    for reservation in hit:
        scope = queries.scope_of_reservation(reservation)
        access.require(user, Action.CANCEL_RESERVATION, scope)
        access.require(user, Action.CHANGE_RESERVATION, scope)
        if reservation.status is Status.IN_USE and answers[reservation.uid].way is not Way.KEEP:
            raise WrongState(
                Text(
                    "지금 사용 중인 예약이 있습니다. 사용을 마친 뒤 시각부터 닫아 주세요.",
                    "Somebody is using it right now. Close it from when they have finished.",
                )
            )
    # In the order of ids, as everyone does, so that nobody waits for the other for ever.
    for holder_id in sorted({each.holder_id for each in hit}):
        touch_calendar(holder_id)
    for reservation in sorted(hit, key=lambda each: answers[each.uid].way is Way.MOVE):
        answer = answers[reservation.uid]
        if answer.way is Way.KEEP:
            notices.stays(reservation, why, by=user, now=now)
            continue
        start = answer.start if answer.way is Way.MOVE else None
        try:
            give_way(reservation, user, start, why=why, now=now)
        except BookingRefused as refused:
            raise CannotGiveWay(hit, reservation.uid, refused.refusals) from None


def _answers(answer: Answer | None, reservation: Reservation, allowed: set[Way]) -> bool:
    return (
        answer is not None
        and answer.way in allowed
        and answer.version == reservation.version
        and (answer.way is not Way.MOVE or answer.start is not None)
    )


def suggestions(
    hit: Sequence[Reservation], closed: Sequence[Interval], *, now: datetime
) -> dict[str, Interval]:
    """For each of `hit` the nearest time that its holder may have, beside those of the others."""
    given: dict[int, list[Interval]] = {}
    found: dict[str, Interval] = {}
    for reservation in hit:
        if reservation.interval.start <= now:
            continue  # What has begun can only be ended.
        taken = given.setdefault(reservation.instrument_id, [])
        around = policy_of(reservation.instrument).around
        apart = [Interval(each.start - around, each.end + around) for each in (*closed, *taken)]
        near = islice(_nearest(reservation, apart, now=now), _TRIED)
        slot = next((each for each in near if _allowed(reservation, each, now=now)), None)
        if slot is not None:
            found[reservation.uid] = slot
            taken.append(slot)
    return found


def _nearest(
    reservation: Reservation, closed: Sequence[Interval], *, now: datetime
) -> Iterator[Interval]:
    wanted, instrument = reservation.interval, reservation.instrument
    policy = policy_of(instrument)
    around = Interval(max(wanted.start - _NEAR, now), max(wanted.end, now) + _NEAR)
    free = queries.free_around(instrument, around, now=now, mode=reservation.mode)
    spans = without(free, closed)
    yield from nearest_slots(
        wanted,
        spans,
        policy.slot,
        zone_of(instrument),
        not_before=now + policy.latest,
        count=_TRIED,
    )


def _allowed(reservation: Reservation, slot: Interval, *, now: datetime) -> bool:
    if slot.duration != reservation.interval.duration:
        return False
    instrument = reservation.instrument
    request = as_changed(reservation, Change(), slot)
    facts = queries.booking_facts(
        instrument,
        reservation.holder,
        slot,
        now=now,
        besides=reservation.id,
        group=reservation.group_id,
        asked=request,
    )
    return not booking.refusals(request, facts)
