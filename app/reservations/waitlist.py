"""Use cases of the waitlist: ask, withdraw, take an offer or decline it; and who waits for what."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Facility, Instrument, Technique
from app.catalog.policy import policy_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.db import db, transaction
from app.domain import approval, booking
from app.domain.approval import Status
from app.domain.booking import BookingRequest, Mode, TwoPlaces
from app.domain.errors import BookingRefused, Invalid, NotFound, Refusal, Text, WrongState
from app.domain.interval import Interval
from app.domain.shares import Share
from app.domain.waitlist import Outcome, WaitState
from app.reservations import (
    answer_files,
    linked,
    notices,
    offering,
    paying,
    queries,
    stages,
)
from app.reservations.models import Offer, Reservation, Wait, wait_instrument
from app.reservations.services import awaited_until, left_of_all
from app.reservations.turns import lock_reserved, touch_calendar

#: As many as one person may wait for at once, and instruments that one wish may name.
MOST_WAITS = 20
MOST_INSTRUMENTS = 200
#: As long as one wish may reach.
LONGEST_WISH = timedelta(days=62)

OPEN = (WaitState.WAITING, WaitState.OFFERED)
_TIMES = frozenset({"starts_at", "ends_at"})
#: No other time within the wish would mend these.
_LENGTHS = frozenset({"shortest", "longest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Time that somebody wants to wait for; all of `within` if no shorter length is said."""

    within: Interval
    instruments: Sequence[str] = ()  # slugs; any of them
    technique: str = ""  # slug; any instrument that offers it
    duration: timedelta | None = None
    hours: Mapping[str, Any] | None = None  # as opening hours are written
    purpose: str = ""
    mode: Mode = Mode.SELF_OPERATED
    samples: int | None = None
    note: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()

    @property
    def length(self) -> timedelta:
        return self.duration or self.within.duration

    @property
    def exact(self) -> bool:
        return self.length == self.within.duration


def ask(user: User, wish: Wish, *, now: datetime) -> Wait:
    """Wait for time; what is free already is offered at once.

    Raises `BookingRefused` with every reason that no waiting would mend, `WrongState` for an
    exact time that is free, `Invalid` and `NotFound`. Asked twice, it is the same wait.
    """
    _check(wish, now)
    technique, instruments = _among(wish)
    _judge(user, wish, instruments, now=now)
    ids, technique_id, user_id = [i.id for i in instruments], technique and technique.id, user.id
    with transaction():
        user = queries.person(user_id)
        touch_calendar(user_id)  # One after the other: twice the same is once.
        open_ = _open_of(user_id)
        if same := next((each for each in open_ if _is_same(each, wish, ids)), None):
            return same
        if len(open_) >= MOST_WAITS:
            raise Invalid(
                Text(
                    f"대기는 한 사람이 {MOST_WAITS}건까지 신청할 수 있습니다. "
                    "‘내 예약’에서 필요 없는 대기를 취소해 주세요.",
                    f"One person can wait for {MOST_WAITS} times at once. Withdraw what you no "
                    "longer need under “My reservations”.",
                )
            )
        wait = Wait(
            uid=uuid.uuid4().hex,
            user_id=user_id,
            technique_id=technique_id,
            interval=wish.within,
            duration=wish.length,
            hours=dict(wish.hours) if wish.hours else None,
            purpose=wish.purpose,
            mode=wish.mode,
            samples=wish.samples,
            note=wish.note,
            answers=dict(wish.answers),
            shares=paying.kept(BookingRequest("", wish.within, shares=wish.shares)),
            asked_at=now,
            over_at=wish.within.end - wish.length,
            instruments=list(db.session.scalars(select(Instrument).where(Instrument.id.in_(ids)))),
        )
        db.session.add(wait)
        db.session.flush()
        for instrument in wait.instruments:
            answer_files.keep(user, [instrument], wish.answers, now=now)
        _note("ask-to-wait", wait, user, now)
    for each in ids:
        if offering.offer_on(each, now=now) and of_user(wait.uid, user).state is WaitState.OFFERED:
            break
    return of_user(wait.uid, user)


def withdraw(user: User, uid: str, *, now: datetime) -> None:
    """Wait no longer; an offer that is open goes to the next."""
    wait, user_id = of_user(uid, user), user.id
    before = offer_open(wait)
    before_id = before.id if before else None
    with transaction():
        if before:
            lock_reserved(before.reservation)
        user = queries.person(user_id)
        wait = of_user(uid, user, lock=True)
        offer = offer_open(wait)
        if wait.state not in OPEN or (offer.id if offer else None) != before_id:
            raise _changed()
        if offer:
            offering.lapse(offer, Outcome.DECLINED, now=now, by=user)
        wait.state, wait.ended_at = WaitState.WITHDRAWN, now
        db.session.flush()
        _note("stop-waiting", wait, user, now)
        if offer:
            offering.let_go(offer, now=now)


def accept(user: User, uid: str, *, now: datetime) -> Reservation:
    """Take what is offered; `uid` is that of the reservation that holds the time.

    Raises `NotFound`, `WrongState` once the offer is over, and `BookingRefused` if a rule has
    come to forbid it meanwhile.
    """
    offer = offer_to(uid, user)
    offer_id, user_id = offer.id, user.id
    with transaction():
        instrument = lock_reserved(offer.reservation)
        user = queries.person(user_id)
        access.require(user, Action.RESERVE, scope_of(instrument))
        if policy_of(instrument).two_places is TwoPlaces.REFUSE:
            touch_calendar(user_id)
        reservation = _still_open(offer_id, now=now).reservation
        slot = reservation.interval
        request = offering.request_of(offer.wait, instrument, slot)
        facts = queries.booking_facts(
            instrument,
            user,
            slot,
            now=now,
            besides=reservation.id,
            group=reservation.group_id,
            asked=request,
        )
        if refusals := booking.refusals(request, facts):
            raise BookingRefused(refusals)
        reservation.shares = paying.kept(paying.use_up(request, facts.charged, user, instrument))
        beside = [each.instrument for each in linked.companions(reservation)]
        left = left_of_all([instrument, *beside], user, now, by=user)
        reservation.status = approval.after_offer(reservation.status, left)
        stages.begin([reservation], left, now)
        if reservation.status is Status.CONFIRMED:
            reservation.no_show_at = awaited_until(instrument, slot, now)
        linked.follow([reservation], now)
        reservation.version += 1
        reservation.sequence += 1
        reservation.requested_at = reservation.updated_at = reservation.shown_at = now
        offering.close(offer, Outcome.ACCEPTED, now=now)
        touch_calendar(user_id)
        audit.record("accept-offer", "reservation", uid, actor_id=user_id, now=now, detail={})
        notices.requested(reservation, now=now)
    return reservation


def decline(user: User, uid: str, *, now: datetime) -> Wait:
    """Let an offer go; it goes to the next. Who waits for more than this time waits on."""
    offer = offer_to(uid, user)
    offer_id, user_id = offer.id, user.id
    with transaction():
        lock_reserved(offer.reservation)
        user = queries.person(user_id)
        offer = _still_open(offer_id, now=now)
        offering.lapse(offer, Outcome.DECLINED, now=now, by=user)
        offering.let_go(offer, now=now)
    return offer.wait


def of_user(uid: str, user: User, *, lock: bool = False) -> Wait:
    """A person's own wait; raises `NotFound` also for that of another."""
    wanted = _whole().where(Wait.uid == uid, Wait.user_id == user.id)
    if lock:
        wanted = wanted.with_for_update(of=Wait)
    found: Wait | None = db.session.scalars(
        wanted.execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound(
            Text(
                "해당 대기를 찾을 수 없습니다. ‘내 예약’에서 찾아보세요.",
                "There is no such wait. Look for it under “My reservations”.",
            )
        )
    return found


def waits_of(user: User) -> Sequence[Wait]:
    """What the person waits for or is offered, the nearest first."""
    return db.session.scalars(
        _whole()
        .where(Wait.user_id == user.id, Wait.state.in_(OPEN))
        .order_by(Wait.starts_at, Wait.id)
        .execution_options(populate_existing=True)
    ).all()


def offers_to(user: User, *, now: datetime) -> Sequence[Offer]:
    """What is held for the person to take, the first to expire first."""
    return db.session.scalars(
        select(Offer)
        .join(Offer.wait)
        .where(Wait.user_id == user.id, Offer.outcome.is_(None), Offer.expires_at > now)
        .options(joinedload(Offer.reservation).options(*_INSTRUMENT_OF_RESERVATION))
        .order_by(Offer.expires_at)
    ).all()


def offer_to(uid: str, user: User) -> Offer:
    """An offer, open or not, by its reservation; raises `NotFound` to all but its person."""
    found = db.session.scalars(
        select(Offer)
        .join(Offer.wait)
        .join(Offer.reservation)
        .where(Reservation.uid == uid, Wait.user_id == user.id)
        .options(
            joinedload(Offer.wait),
            joinedload(Offer.reservation).options(*_INSTRUMENT_OF_RESERVATION),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound(
            Text(
                "해당 제안을 찾을 수 없습니다. 제안을 받은 계정으로 로그인했는지 확인해 주세요.",
                "There is no such offer. Make sure that you are signed in as who it was made to.",
            )
        )
    return found


def offer_open(wait: Wait) -> Offer | None:
    """What the person is offered at present, if anything."""
    return next((offer for offer in wait.offers if offer.outcome is None), None)


def before(wait: Wait) -> int:
    """How many who compete for the same time asked earlier."""
    mine, other = wait_instrument.alias(), aliased(Wait)
    theirs = wait_instrument.alias()
    count = db.session.scalar(
        select(func.count(other.id.distinct()))
        .join(theirs, theirs.c.wait_id == other.id)
        .join(mine, mine.c.instrument_id == theirs.c.instrument_id)
        .where(
            mine.c.wait_id == wait.id,
            other.state.in_(OPEN),
            other.starts_at < wait.ends_at,
            other.ends_at > wait.starts_at,
            or_(
                other.asked_at < wait.asked_at,
                and_(other.asked_at == wait.asked_at, other.id < wait.id),
            ),
        )
    )
    return count or 0


@dataclass(frozen=True, slots=True)
class Queue:
    """An instrument on which people wait, and how many."""

    slug: str
    name_ko: str
    name_en: str
    count: int


def queues(user: User, *, instrument_id: int | None = None) -> list[Queue]:
    """On how many people wait on what the user manages, the longest queue first."""
    named = (Instrument.slug, Instrument.name_ko, Instrument.name_en)
    wanted = (
        select(*named, func.count(Wait.id))
        .join(wait_instrument, wait_instrument.c.instrument_id == Instrument.id)
        .join(Wait, Wait.id == wait_instrument.c.wait_id)
        .join(Instrument.facility)
        .where(Wait.state.in_(OPEN), queries.managed_by(user))
        .group_by(Instrument.id, *named)
        .order_by(func.count(Wait.id).desc(), Instrument.slug)
    )
    if instrument_id is not None:
        wanted = wanted.where(Instrument.id == instrument_id)
    return [Queue(*row) for row in db.session.execute(wanted)]


def _whole() -> Any:
    return select(Wait).options(
        joinedload(Wait.technique),
        selectinload(Wait.instruments).joinedload(Instrument.facility),
        selectinload(Wait.offers)
        .joinedload(Offer.reservation)
        .options(*_INSTRUMENT_OF_RESERVATION),
    )


_INSTRUMENT_OF_RESERVATION = (
    joinedload(Reservation.instrument)
    .joinedload(Instrument.facility)
    .joinedload(Facility.institution),
    joinedload(Reservation.holder),
)


def _check(wish: Wish, now: datetime) -> None:
    """What makes no sense whoever asks."""
    wrong: dict[str, Text] = {}
    if wish.within.end - wish.length <= now:
        wrong["starts_at"] = Text("이미 지난 시간입니다.", "That time has passed.")
    if wish.length > wish.within.duration:
        wrong["duration"] = Text(
            "기다리는 기간보다 길 수 없습니다.", "It cannot be longer than the time to wait for."
        )
    if wish.within.duration > LONGEST_WISH:
        days = LONGEST_WISH.days
        wrong["ends_at"] = Text(
            f"한 번에 {days}일까지만 기다릴 수 있습니다.", f"Wait for {days} days at most."
        )
    if bool(wish.instruments) == bool(wish.technique):
        wrong["instruments"] = Text(
            "장비나 기법 가운데 하나를 고르세요.", "Name either instruments or a technique."
        )
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)


def _among(wish: Wish) -> tuple[Technique | None, Sequence[Instrument]]:
    """The technique, if one is asked for, and the instruments that would do."""
    if not wish.technique:
        named = dict.fromkeys(wish.instruments)
        return None, list({i.id: i for i in map(instrument_by_slug, named)}.values())
    technique = db.session.scalar(select(Technique).where(Technique.slug == wish.technique))
    if technique is None:
        raise NotFound(Text("해당 기법을 찾을 수 없습니다.", "There is no such technique."))
    found = db.session.scalars(
        select(Instrument)
        .join(Instrument.facility)
        .join(Facility.institution)
        .where(
            Instrument.techniques.any(Technique.id == technique.id),
            Instrument.retired_at.is_(None),
            Facility.retired_at.is_(None),
        )
        .options(queries.WITH_FACILITY)
        .order_by(Instrument.id)
        .limit(MOST_INSTRUMENTS)
    ).all()
    if not found:
        none = Text("이 기법의 장비가 없습니다.", "No instrument offers this technique.")
        raise Invalid(none, {"technique": none})
    return technique, found


def _judge(user: User, wish: Wish, instruments: Sequence[Instrument], *, now: datetime) -> None:
    """Raise with every reason that keeps the person from all of the instruments for good."""
    reasons: list[Sequence[Refusal]] = []
    for instrument in instruments:
        access.require(user, Action.RESERVE, scope_of(instrument))
        start = max(wish.within.start, now)
        slot = wish.within if wish.exact else Interval(start, start + wish.length)
        request = BookingRequest(
            *(instrument.slug, slot, wish.purpose, wish.mode, wish.samples),
            answers=dict(wish.answers),
            shares=wish.shares,
        )
        facts = queries.booking_facts(instrument, user, slot, now=now, asked=request)
        refusals = booking.refusals(request, facts)
        if wish.exact and len(instruments) == 1:
            _judge_exact(refusals)
            return
        lasting = [r for r in refusals if r.field not in _TIMES or r.code in _LENGTHS]
        if not (lasting := [r for r in lasting if not booking.is_conflict(r)]):
            return
        reasons.append(lasting)
    raise BookingRefused(reasons[0])


def _judge_exact(refusals: Sequence[Refusal]) -> None:
    if not refusals:
        raise WrongState(
            Text(
                "지금 비어 있는 시간입니다. 기다리지 말고 바로 예약하세요.",
                "This time is free now: there is no need to wait, reserve it.",
            )
        )
    if others := [refusal for refusal in refusals if not booking.is_conflict(refusal)]:
        raise BookingRefused(others)


def _still_open(offer_id: int, *, now: datetime) -> Offer:
    """The offer, if it can still be answered, whether or not a worker has ended it yet."""
    offer = offering.open_offer(offer_id)
    if offer is None or now >= offer.expires_at:
        raise WrongState(
            Text(
                "이미 끝난 제안입니다. 아직 필요하면 다시 대기를 신청하거나 다른 시간을 "
                "골라 주세요.",
                "This offer is over. Wait again or choose another time if you still need one.",
            )
        )
    return offer


def _open_of(user_id: int) -> Sequence[Wait]:
    return db.session.scalars(
        _whole()
        .where(Wait.user_id == user_id, Wait.state.in_(OPEN))
        .execution_options(populate_existing=True)
    ).all()


def _is_same(wait: Wait, wish: Wish, ids: Sequence[int]) -> bool:
    return (wait.interval, wait.duration, wait.hours) == (
        wish.within,
        wish.length,
        wish.hours and dict(wish.hours),
    ) and {instrument.id for instrument in wait.instruments} == set(ids)


def _changed() -> WrongState:
    return WrongState(
        Text(
            "그사이 이 대기의 상태가 바뀌었습니다. 새로 고쳐 확인해 주세요.",
            "This wait has changed meanwhile. Reload the page and look again.",
        )
    )


def _note(action: str, wait: Wait, user: User, now: datetime) -> None:
    audit.record(
        action,
        "wait",
        wait.uid,
        actor_id=user.id,
        now=now,
        detail={
            "instruments": [instrument.slug for instrument in wait.instruments],
            "starts_at": wait.interval.start.isoformat(),
            "ends_at": wait.interval.end.isoformat(),
            "duration": int(wait.duration.total_seconds()),
        },
    )
