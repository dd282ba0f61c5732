"""Offering freed time to who waits for it: at once where it frees, and by the worker's round.

Nothing here locks a person: whoever frees time holds one calendar, and two who did and then
touched each other's people would wait for one another. Taking an offer asks all rules again.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Subquery, delete, exists, insert, literal, select, union_all
from sqlalchemy.orm import joinedload, selectinload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Facility, Instrument, instrument_technique
from app.catalog.policy import affiliation_on, policy_of, zone_of
from app.catalog.queries import scope_of
from app.db import db, table_of, transaction
from app.domain import approval, booking, waitlist
from app.domain.approval import Status, Step
from app.domain.booking import BookingFacts, BookingRequest
from app.domain.errors import BookingRefused, WrongState
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.opening_hours import OpeningHours
from app.domain.operator_rules import asks_operator
from app.domain.operators import first_free
from app.domain.paying import NOT_CHARGED
from app.domain.waitlist import Outcome, Waiting, WaitState
from app.rates.queries import tariff_of
from app.reservations import commitments, duties, notices, paying, queries
from app.reservations.answering import asked_of
from app.reservations.linked import along, companions, follow, row_along
from app.reservations.models import (
    FreedTime,
    Offer,
    Reservation,
    TimeWatch,
    Wait,
    wait_instrument,
)
from app.reservations.turns import lock_calendars, lock_reserved, touch_calendar

Stopping = Callable[[], bool]


def _never() -> bool:
    return False


def freed(
    reservation: Reservation, spans: Iterable[Interval], *, now: datetime, by: User | None
) -> None:
    """The one call where time frees: in the transaction that frees it, the calendar locked.

    `spans` no longer hold the instrument, and that is flushed. Where an offer was cancelled as
    any reservation can be, its waiting goes on; where the one who was offered it did so, it is
    declined.
    """
    if reservation.status is Status.LAPSED:
        offer = db.session.scalar(
            select(Offer).where(Offer.reservation_id == reservation.id, Offer.outcome.is_(None))
        )
        if offer is not None:
            own = by is not None and by.id == reservation.holder_id
            close(offer, Outcome.DECLINED if own else Outcome.WITHDRAWN, now=now)
    spans = list(spans)
    together = [each.instrument for each in (reservation, *companions(reservation))]
    for each in together:
        time_freed(each, spans, now=now, ours={one.id for one in together})


def time_freed(
    instrument: Instrument,
    spans: Iterable[Interval],
    *,
    now: datetime,
    ours: Collection[int] = (),
) -> None:
    """As `freed`, where it was no reservation that went, such as a closure that is lifted.

    `ours`: the ids of other instruments whose calendars are locked.
    """
    ahead = [Interval(max(each.start, now), each.end) for each in spans if each.end > now]
    if not ahead:
        return
    if db.session.scalar(select(exists().where(TimeWatch.instrument_id == instrument.id))):
        db.session.add_all(
            FreedTime(
                instrument_id=instrument.id, starts_at=each.start, ends_at=each.end, freed_at=now
            )
            for each in ahead
        )
        db.session.flush()
    offer_time(instrument, now=now, ours=ours)


def offer_time(instrument: Instrument, *, now: datetime, ours: Collection[int] = ()) -> int:
    """Hold what is free for those who wait for it, in order; the calendar is locked.

    How many offers were made. Where other instruments are reserved along, their calendars have
    to be ours, too; else it is left to the worker's next round.
    """
    round_ = _Round(instrument, now)
    if not round_.ids <= {instrument.id, *ours}:
        return 0
    made = 0
    for waiting, slot in round_.offers():
        wait = _claimed(waiting.key)
        if wait is None:  # Offered elsewhere at this very moment, or withdrawn.
            continue
        try:
            with db.session.begin_nested():
                _hold(round_, wait, slot)
        except BookingRefused:  # The budget that was to pay has just been used up elsewhere.
            continue
        made += 1
    return made


def offer_what_is_free(now: datetime, stopping: Stopping = _never) -> int:
    """The worker's round: offers for all time that is free, however it came to be free.

    The net beneath `freed`: it looks at what is, not at what happened, so that nothing is
    lost if a worker was down or a setting was changed. How many offers were made.
    """
    follow_techniques(now)
    ids = db.session.scalars(
        select(wait_instrument.c.instrument_id)
        .join(Wait, Wait.id == wait_instrument.c.wait_id)
        .where(Wait.state == WaitState.WAITING, Wait.over_at > now)
        .distinct()
        .order_by(wait_instrument.c.instrument_id)
    ).all()
    made = 0
    for each in ids:
        if stopping():
            break
        made += offer_on(each, now=now)
    return made


def follow_techniques(now: datetime) -> int:
    """Let those who wait for a technique wait for all instruments that offer it by now.

    How many waits changed: instruments come, go, and learn other techniques meanwhile.
    """
    waits = set(db.session.scalars(select(_astray(now).c.wait_id)))
    if not waits:
        return 0
    with transaction():
        # Read again behind their lock: another worker may have done it.
        db.session.scalars(select(Wait.id).where(Wait.id.in_(waits)).with_for_update()).all()
        for wait_id, instrument_id, offers in db.session.execute(select(_astray(now))).all():
            row = {"wait_id": wait_id, "instrument_id": instrument_id}
            if offers:
                db.session.execute(insert(wait_instrument).values(row))
            else:
                db.session.execute(
                    delete(wait_instrument).where(
                        *(wait_instrument.c[name] == key for name, key in row.items())
                    )
                )
    return len(waits)


def _astray(now: datetime) -> Subquery:
    """Which instruments which waits miss, or keep though they no longer offer the technique."""
    of = instrument_technique.c
    open_ = (Wait.state == WaitState.WAITING, Wait.over_at > now)
    kept = wait_instrument.c
    known = exists().where(kept.wait_id == Wait.id, kept.instrument_id == of.instrument_id)
    missed = (
        select(Wait.id.label("wait_id"), of.instrument_id, literal(1).label("offers"))
        .join(instrument_technique, of.technique_id == Wait.technique_id)
        .join(Instrument, Instrument.id == of.instrument_id)
        .where(*open_, ~known, Instrument.retired_at.is_(None))
    )
    offers = exists().where(
        of.technique_id == Wait.technique_id, of.instrument_id == kept.instrument_id
    )
    lost = (
        select(Wait.id, kept.instrument_id, literal(0))
        .join(wait_instrument, kept.wait_id == Wait.id)
        .where(*open_, Wait.technique_id.is_not(None), ~offers)
    )
    return union_all(missed, lost).subquery()


def offer_on(instrument_id: int, *, now: datetime) -> int:
    """Offer what is free on one instrument; its calendar is only locked if something is."""
    db.session.rollback()
    instrument = db.session.scalars(
        select(Instrument)
        .where(Instrument.id == instrument_id)
        .options(joinedload(Instrument.facility).joinedload(Facility.institution))
    ).one()
    round_ = _Round(instrument, now)
    if next(round_.offers(), None) is None:
        return 0
    with transaction():
        locked = lock_calendars(round_.ids)
        return offer_time(locked[instrument_id], now=now, ours=round_.ids)


def end_offers(now: datetime, stopping: Stopping = _never) -> int:
    """Let go of offers whose time to answer is over, and offer the time to the next."""
    due = db.session.execute(
        select(Offer.id, Offer.reservation_id)
        .where(Offer.outcome.is_(None), Offer.expires_at <= now)
        .order_by(Offer.expires_at)
    ).all()
    ended = 0
    for offer_id, reservation_id in due:
        if stopping():
            break
        held = db.session.get_one(Reservation, reservation_id)
        with transaction():
            lock_reserved(held)
            offer = open_offer(offer_id)
            if offer is None:  # Taken, declined, or ended by another worker meanwhile.
                continue
            lapse(offer, Outcome.EXPIRED, now=now)
            notices.offer_expired(offer, now=now)
            let_go(offer, now=now)
            ended += 1
    return ended


def end_waiting(now: datetime, stopping: Stopping = _never) -> int:
    """End the waiting for time that has come without being offered, and say so."""
    due = db.session.scalars(
        select(Wait.id)
        .where(Wait.state == WaitState.WAITING, Wait.over_at <= now)
        .order_by(Wait.over_at)
    ).all()
    ended = 0
    for each in due:
        if stopping():
            break
        with transaction():
            wait = _claimed(each)
            if wait is None:
                continue
            wait.state, wait.ended_at = WaitState.EXPIRED, now
            notices.waiting_ended(wait, now=now)
            ended += 1
    return ended


def open_offer(offer_id: int) -> Offer | None:
    """The offer as it is now that the calendar is ours; None if it is no longer open."""
    return db.session.scalars(
        select(Offer)
        .where(Offer.id == offer_id, Offer.outcome.is_(None))
        .options(joinedload(Offer.wait), joinedload(Offer.reservation))
        .execution_options(populate_existing=True)
    ).one_or_none()


def let_go(offer: Offer, *, now: datetime) -> None:
    """Give the time of an offer that has lapsed to the next; all that it held is locked."""
    freed(offer.reservation, [offer.reservation.interval], now=now, by=None)


def lapse(offer: Offer, outcome: Outcome, *, now: datetime, by: User | None = None) -> None:
    """Free the time of an offer again; the calendars of all that it holds are locked."""
    reservation = offer.reservation
    reservation.status = approval.after(reservation.status, Step.LAPSE)
    reservation.ended_at = now
    commitments.free(reservation)
    follow([reservation], now)
    reservation.version += 1
    reservation.sequence += 1
    reservation.updated_at = reservation.shown_at = now
    close(offer, outcome, now=now)
    _note("end-offer", reservation, by, now, outcome=outcome.value)


def close(offer: Offer, outcome: Outcome, *, now: datetime) -> None:
    """What an offer's end means for the waiting.

    Who did not answer waits no longer: each further offer would keep the time from others.
    Who declined a slot that was all they waited for, neither. All others wait on, for
    other times than this.
    """
    offer.outcome, offer.ended_at = outcome, now
    wait = offer.wait
    if outcome is Outcome.ACCEPTED:
        wait.state = WaitState.MET
    elif outcome is Outcome.EXPIRED:
        wait.state = WaitState.EXPIRED
    elif outcome is Outcome.DECLINED and wait.exact:
        wait.state = WaitState.WITHDRAWN
    else:
        wait.state = WaitState.WAITING
    wait.ended_at = None if wait.state is WaitState.WAITING else now
    db.session.flush()


def request_of(wait: Wait, instrument: Instrument, slot: Interval) -> BookingRequest:
    """What somebody waits for as they would ask for it if it were free."""
    return BookingRequest(
        instrument.slug,
        slot,
        purpose=wait.purpose,
        mode=wait.mode,
        samples=wait.samples,
        answers=dict(wait.answers),
        note=wait.note,
        shares=paying.shares_from(wait.shares),
    )


class _Round:
    """Who waits on one instrument, what is free, and what each may have; reads alone."""

    def __init__(self, instrument: Instrument, now: datetime) -> None:
        self.instrument, self.now = instrument, now
        self.zone, self.policy = zone_of(instrument), policy_of(instrument)
        try:
            self.along = along(instrument)
            self.waits = {wait.id: wait for wait in self._who_wait()}
        except WrongState:  # Something that it needs is gone: nobody can have it.
            self.along, self.waits = (), {}
        self.ids = {instrument.id, *(each.instrument.id for each in self.along)}
        self._people: dict[int, User] = {}
        self._facts: dict[int, BookingFacts] = {}
        self._charging: dict[int, paying.Charging | None] = {}

    def offers(self) -> Iterator[tuple[Waiting, Interval]]:
        every = [as_waiting(wait) for wait in self.waits.values()]
        return waitlist.offers(every, self._times, self._may_have)

    def person(self, wait: Wait) -> User:
        if wait.user_id not in self._people:
            self._people[wait.user_id] = queries.person(wait.user_id)
        return self._people[wait.user_id]

    def _who_wait(self) -> Sequence[Wait]:
        return db.session.scalars(
            select(Wait)
            .join(wait_instrument, wait_instrument.c.wait_id == Wait.id)
            .where(
                wait_instrument.c.instrument_id == self.instrument.id,
                Wait.state == WaitState.WAITING,
                Wait.over_at > self.now,
            )
            .options(selectinload(Wait.offers).joinedload(Offer.reservation))
            .execution_options(populate_existing=True)
        ).all()

    def _times(self, waiting: Waiting) -> Iterable[Interval]:
        free = queries.free_around(self.instrument, waiting.within, now=self.now)
        return waitlist.fitting(waiting, free, self.policy, self.zone, now=self.now)

    def _may_have(self, waiting: Waiting, slot: Interval) -> bool:
        wait = self.waits[waiting.key]
        user = self.person(wait)
        if not access.may(user, Action.RESERVE, scope_of(self.instrument)):
            return False
        if waiting.key not in self._facts:
            # Once for all of the time waited for: the rules look at what touches the slot.
            during = Interval(max(waiting.within.start, self.now), waiting.within.end)
            self._facts[waiting.key] = queries.booking_facts(
                self.instrument, user, during, now=self.now
            )
            asked = request_of(wait, self.instrument, slot)
            self._charging[waiting.key] = paying.charging_of(
                self.instrument, user, asked, now=self.now
            )
        facts = self._facts[waiting.key]
        elsewhere = tuple(each for each in facts.elsewhere if each.overlaps(slot))
        charging = self._charging[waiting.key]
        charged = charging.at(slot) if charging else NOT_CHARGED
        facts = replace(facts, elsewhere=elsewhere, charged=charged)
        return not booking.refusals(request_of(wait, self.instrument, slot), facts)


def as_waiting(wait: Wait) -> Waiting:
    """The row as the domain sees it."""
    return Waiting(
        key=wait.id,
        asked_at=wait.asked_at,
        duration=wait.duration,
        within=wait.interval,
        hours=OpeningHours.parse(wait.hours) if wait.hours else None,
        passed_over=tuple(offer.reservation.interval for offer in wait.offers),
    )


def _claimed(wait_id: int) -> Wait | None:
    """The wait, ours until the transaction ends; None if it is another's or waits no longer.

    Another's is passed over, not waited for: the other may wait for one that we hold.
    """
    return db.session.scalars(
        select(Wait)
        .where(Wait.id == wait_id, Wait.state == WaitState.WAITING)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _hold(round_: _Round, wait: Wait, slot: Interval) -> None:
    """Place the hold, on all that is reserved together, and tell the person."""
    instrument, user, now = round_.instrument, round_.person(wait), round_.now
    lock_calendars(round_.ids, slot)  # Ours already; the longest hold grows first.
    affiliation = affiliation_on(user, day_of(now, zone_of(instrument)))
    policy, shares = policy_of(instrument), paying.shares_from(wait.shares)
    kept = tariff_of(instrument, user, now=now).kept(slot, wait.mode, wait.samples, shares)
    asked = BookingRequest(instrument.slug, slot, mode=wait.mode, shares=shares)
    touch_calendar(user.id)
    purse = commitments.purse(instrument, user, now)
    reservation = Reservation(
        uid=uuid.uuid4().hex,
        instrument=instrument,
        holder=user,
        institution_id=affiliation.institution_id if affiliation else None,
        group_id=queries.group_for(user, None, instrument, now=now),
        interval=slot,
        status=Status.OFFERED,
        exclusive=instrument.capacity == 1,
        purpose=wait.purpose,
        mode=wait.mode,
        samples=wait.samples,
        note=wait.note,
        answers=dict(wait.answers),
        asked=asked_of(instrument),
        shares=list(wait.shares),
        quote=commitments.with_funds(kept["quote"], purse, asked),
        charging=kept["charging"],
        operator_id=_operator_for(instrument, wait, slot),
        requested_at=now,
        updated_at=now,
        shown_at=now,
    )
    expires_at = waitlist.offer_until(slot, policy, zone_of(instrument), now=now)
    offer = Offer(wait=wait, reservation=reservation, made_at=now, expires_at=expires_at)
    wait.state = WaitState.OFFERED
    if round_.along:
        reservation.bundle = reservation.uid
    db.session.add_all([reservation, offer])
    db.session.flush()
    if round_.along:
        columns = table_of(Reservation).c
        values = {each.key: getattr(reservation, each.key) for each in columns if each.key != "id"}
        rows = [row_along(values, each.instrument) for each in round_.along]
        db.session.connection().execute(insert(table_of(Reservation)), rows)
    commitments.hold([reservation], now)
    _note("offer-time", reservation, None, now, until=expires_at.isoformat())
    notices.offered(offer, now=now)


def _operator_for(instrument: Instrument, wait: Wait, slot: Interval) -> int | None:
    """Who would attend it; read anew, as another offer of this round may have taken them."""
    if not asks_operator(policy_of(instrument), wait.mode):
        return None
    found = first_free(duties.around(instrument, slot), slot, zone_of(instrument))
    return found.key if found else None


def _note(
    action: str, reservation: Reservation, user: User | None, now: datetime, **detail: str
) -> None:
    audit.record(
        action,
        "reservation",
        reservation.uid,
        actor_id=user.id if user else None,
        now=now,
        detail={"instrument": reservation.instrument.slug, **detail},
    )
