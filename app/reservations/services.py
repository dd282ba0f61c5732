"""Use cases of reservations: request, change, cancel."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import affiliation_on, policy_of, use_policy_of, zone_of
from app.catalog.queries import id_and_needs_of, instrument_by_slug, scope_of
from app.db import db, table_of, transaction
from app.domain import approval, booking, linked_rules
from app.domain.approval import Stage, Status, Step
from app.domain.approval_rules import asked_again
from app.domain.booking import BookingRequest, TwoPlaces
from app.domain.errors import (
    BookingRefused,
    Refusal,
    Taken,
    TakenTime,
    Text,
)
from app.domain.interval import Interval, without
from app.domain.local_time import day_of
from app.domain.operator_rules import operator_for
from app.domain.quote import Quote
from app.domain.rate_card import Unpriced
from app.domain.shares import Share
from app.domain.use import no_show_at
from app.programmes.holding import purse_of
from app.rates.queries import tariff_of
from app.reservations import (
    answer_files,
    approvers,
    commitments,
    deputies,
    linked,
    notices,
    offering,
    paused,
    paying,
    queries,
    stages,
)
from app.reservations.alternatives import alternatives
from app.reservations.answering import asked_of
from app.reservations.idempotency import Once, made_before, remember
from app.reservations.linked import Along
from app.reservations.models import Reservation
from app.reservations.steps import again, attend, end, give_up, note, touch, visible
from app.reservations.turns import lock_reserved, lock_together, touch_calendar

NET = "one_at_a_time"

_INSERT = insert(table_of(Reservation))
#: What a new reservation has none of yet; said, or its first reader would ask the database.
_NOT_YET = dict.fromkeys(
    (
        *("decided_at", "decided_by_id", "decide_by", "escalated_at", "answer_by"),
        *("ended_at", "used_from", "used_until", "reserved_from", "reserved_until"),
    )
)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a reservation; what is None stays."""

    interval: Interval | None = None
    purpose: str | None = None
    samples: int | None = None
    note: str | None = None
    answers: Mapping[str, str] | None = None
    shares: tuple[Share, ...] | None = None
    override: str = ""  # why rules of the facility are set aside; managers only


@dataclass(frozen=True, slots=True)
class _Aside:
    """The rules that a manager set aside for a reservation, and why."""

    codes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _MadeBy:
    """Who reserves for whom, and what was set aside for it."""

    user: User
    holder: User
    aside: _Aside
    operator: int | None = None


class _Conflict(Exception):
    """The booking is refused because of others; alternatives are sought after the rollback."""

    def __init__(self, refusals: Sequence[Refusal], taken: Sequence[TakenTime]) -> None:
        super().__init__()
        self.refusals = refusals
        self.taken = taken


def request_reservation(
    user: User,
    request: BookingRequest,
    *,
    now: datetime,
    once: Once | None = None,
    override: str = "",
) -> Reservation:
    """Hold the instrument: confirmed, or pending where a manager must agree.

    For `user`, or for whom the request names if they may reserve for them: then all rules are
    those for the holder, who is told by whom it was reserved.

    `override` is a manager's reason to set the facility's own rules aside, kept with the
    reservation and told by its history.

    Raises `Taken` with what stands in the way and free times near it, `BookingRefused` with
    every other reason, `NotFound`, `NotAllowed`, or `Invalid` where the key of `once` came
    before with another body. With the same body it gives the same reservation again.
    """
    (instrument_id, needs), user_id = id_and_needs_of(request.instrument), user.id
    chosen = request.accessories
    ids = linked.calendars(instrument_id, [*needs, *chosen])
    try:
        with transaction():
            # Taking turns comes first: whoever is second sees what the first one wrote.
            instrument, along = lock_together(instrument_id, ids, request.interval, chosen)
            user = queries.person(user_id)
            access.require(user, Action.RESERVE, scope_of(instrument))
            if once and (made := made_before(user, once, now)):
                return made
            linked.check_offered(instrument, chosen)
            holder = holder_of(user, request.holder, instrument)
            request = settled_for(holder, request, instrument, now=now)
            asking = answer_files.together(instrument, along)
            answer_files.keep(user, asking, request.answers, now=now)
            reservation = reserve_within(
                *((instrument, along), (user, holder), request), now=now, override=override
            )
            if once:
                remember(user, once, reservation, now)
            notices.requested(reservation, now=now)
    except _Conflict as conflict:
        raise _taken(conflict, request, user, now=now) from None
    except IntegrityError as broken:
        if once and "idempotency_key" in str(broken.orig):
            # The same key came for another instrument at the same moment, and was first.
            return request_reservation(user, request, now=now, once=once)
        if NET not in str(broken.orig):
            raise
        raise _taken_by_the_net(request, user, now=now) from broken
    return reservation


def settled_for(
    holder: User, request: BookingRequest, instrument: Instrument, *, now: datetime
) -> BookingRequest:
    """With the group that it is for and who pays; raises `Invalid` where they are not theirs."""
    group = queries.group_for(holder, request.group, instrument, now=now)
    return paying.settled(replace(request, group=group), holder, instrument, now=now)


def reserve_within(
    together: tuple[Instrument, Sequence[Along]],
    people: tuple[User, User],
    request: BookingRequest,
    *,
    now: datetime,
    override: str,
) -> Reservation:
    """Judge a settled request and hold the time, in the caller's transaction; tells nobody.

    `together` is locked; `people` are who reserves and for whom. Call it under `told_if_taken`,
    or what others hold is no error that anybody knows.
    """
    (instrument, along), (user, holder) = together, people
    take_person(instrument, holder)
    facts = queries.booking_facts(
        *(instrument, holder, request.interval),
        now=now,
        group=request.group,
        with_=along,
        asked=request,
    )
    aside = _refuse(request, facts, user, together, override)
    request = paying.use_up(request, facts.charged, holder, instrument)
    made_by = _MadeBy(user, holder, aside, operator_for(request, facts))
    reservation = _reserve(together, made_by, request, now=now)
    note("request-reservation", reservation, user, now, visible(reservation))
    return reservation


@contextmanager
def told_if_taken(request: BookingRequest, user: User, *, now: datetime) -> Iterator[None]:
    """Around a transaction: what it meets of others is `Taken`, with free times near it."""
    try:
        yield
    except _Conflict as conflict:
        raise _taken(conflict, request, user, now=now) from None
    except IntegrityError as broken:
        if NET not in str(broken.orig):
            raise
        raise _taken_by_the_net(request, user, now=now) from broken


@dataclass(frozen=True, slots=True)
class Trial:
    """What a reservation would become, or every reason why it may not."""

    status: Status | None
    refusals: Sequence[Refusal]
    taken: Sequence[TakenTime]
    warnings: Sequence[Text] = ()
    may_override: bool = False  # by the asker, with a reason
    quote: Quote | None = None
    unpriced: Text | None = None  # why there is no quote
    left: Mapping[str, int] = field(default_factory=dict)  # of budgets, after it; by account


def try_reservation(user: User, request: BookingRequest, *, now: datetime) -> Trial:
    """The same judgement as `request_reservation`, with nothing written or held."""
    instrument = instrument_by_slug(request.instrument)
    access.require(user, Action.RESERVE, scope_of(instrument))
    linked.check_offered(instrument, request.accessories)
    along = linked.along(instrument, request.accessories)
    holder = holder_of(user, request.holder, instrument)
    group = queries.group_for(holder, request.group, instrument, now=now)
    request = paying.settled(request, holder, instrument, now=now)
    facts = queries.booking_facts(
        *(instrument, holder, request.interval),
        now=now,
        to_warn=True,
        group=group,
        with_=along,
        asked=request,
    )
    refusals, warnings = booking.refusals(request, facts), booking.warnings(request, facts)
    lacking = answer_files.lacking(user, answer_files.together(instrument, along), request.answers)
    refusals = [*refusals, *lacking]
    quoted, unpriced = None, None
    try:
        tariff = tariff_of(instrument, holder, now=now)
        quoted = tariff.quote(request.interval, request.mode, request.samples)
        purse = purse_of(instrument, holder, now=now)
        quoted = purse.gives(quoted, request.interval, request.mode).paid_by(request.shares)
    except Unpriced as unknown:
        unpriced = unknown.text
    commitments.refuse_without_fund(request, [quoted])
    if not refusals:
        left = left_of_all([instrument, *(each.instrument for each in along)], holder, now, by=user)
        status = approval.first_status(left)
        budgets = paying.left_after(quoted, facts.charged)
        return Trial(status, (), (), warnings, quote=quoted, unpriced=unpriced, left=budgets)
    may_override = (
        not lacking
        and booking.only_soft(refusals)
        and all(
            access.may(user, Action.OVERRIDE_RULES, scope)
            for scope in rules_of((each.code for each in refusals), instrument, along)
        )
    )
    taken = booking.conflicts(request, facts)
    return Trial(None, refusals, taken, warnings, may_override, quoted, unpriced)


def change_reservation(
    user: User,
    uid: str,
    change: Change,
    *,
    now: datetime,
    version: int | None = None,
) -> Reservation:
    """Move a reservation or change what is said of it.

    One that is moved, or answers its facility's questions anew, is judged by the same rules
    as a new one, and goes back to its manager where each is approved. Raises as
    `request_reservation` does, and `Stale` if `version` is not the present one, `WrongState` if
    it can no longer be changed, as once it has begun: who never came shall not move what they
    owe to another day.
    """
    before = queries.by_uid(uid, viewer=user)
    wanted = change.interval or before.interval
    request = as_changed(before, change, wanted)
    user_id = user.id
    with told_if_taken(request, user, now=now), transaction():
        lock_reserved(before, wanted)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CHANGE_RESERVATION, version)
        held_before, attended = reservation.interval, reservation.operator
        if change_within(reservation, user, change, request, now=now):
            notices.changed(reservation, by=user, now=now, attended=attended)
            if left := without([held_before], [reservation.interval]):
                offering.freed(reservation, left, now=now, by=user)
    return reservation


def change_within(
    reservation: Reservation, user: User, change: Change, request: BookingRequest, *, now: datetime
) -> bool:
    """Change it in the caller's transaction, as `change_reservation` does; tells nobody.

    `request` is what it becomes. False if nothing changed. Call it under `told_if_taken`.
    """
    approval.after(reservation.status, Step.CHANGE)
    approval.may_still_change(reservation.interval, now=now)
    was, held_before = seen(reservation), reservation.interval
    files = answer_files.of(reservation) if change.answers else set()
    answered = change.answers is not None and request.answers != reservation.answers
    answered = answered or pays_otherwise(reservation, change)
    if request.interval != held_before or answered:
        _move(reservation, user, request, now=now, override=change.override)
    if change.answers is not None:
        asking = [each.instrument for each in (reservation, *linked.companions(reservation))]
        answer_files.keep(user, asking, change.answers, now=now, already=files)
    say(reservation, change)
    if (reservation.interval, reservation.samples, reservation.shares) != (
        *(held_before, was["samples"], was["shares"]),
    ):
        requote([reservation], now)
    if has_to_be_approved_anew(reservation, was):
        _ask_anew(reservation, user, now)
    became = visible(reservation)
    changes = {name: [was[name], value] for name, value in became.items() if was[name] != value}
    if changes:
        # Whoever changes what was asked about has answered by it.
        paused.resume(reservation, now)
        touch(reservation, now)
        note("change-reservation", reservation, user, now, changes)
    return bool(changes)


def cancel_reservation(
    user: User, uid: str, *, now: datetime, reason: str = "", version: int | None = None
) -> Reservation:
    """Free the time again. Who holds it may cancel until it begins, who manages it also later."""
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CANCEL_RESERVATION, version)
        manages = access.may(user, Action.DECIDE_RESERVATION, scope_of(reservation.instrument))
        approval.may_still_cancel(reservation.interval, now=now, manages=manages)
        give_up(reservation, user, manages=manages)
        end(reservation, Step.CANCEL, reason, now)
        note("cancel-reservation", reservation, user, now, {"reason": reason})
        notices.cancelled(reservation, by=user, now=now)
        offering.freed(reservation, [reservation.interval], now=now, by=user)
    return reservation


def give_way(
    reservation: Reservation,
    user: User,
    start: datetime | None,
    *,
    why: notices.WayGiven,
    now: datetime,
) -> None:
    """Make room for what a manager needs the instrument for, within their transaction.

    Moved to `start` by the rules for its holder, or cancelled where there is none; one mail
    tells the holder. Raises `BookingRefused` where it may not lie there, and `WrongState`.
    """
    before, attended = reservation.interval, reservation.operator
    if start is None:
        end(reservation, Step.CANCEL, why.reason, now)
        note("cancel-reservation", reservation, user, now, {"reason": why.reason})
    else:
        approval.after(reservation.status, Step.CHANGE)
        approval.may_still_change(before, now=now)
        was = visible(reservation)
        request = as_changed(reservation, Change(), before.shifted(start - before.start))
        try:
            _move(reservation, user, request, now=now, override="")
        except _Conflict as conflict:
            raise BookingRefused(conflict.refusals) from None
        requote([reservation], now)
        # It was not its holder who asked for another time: who agreed, agrees still, and what
        # was asked is still to be answered.
        if reservation.answer_by:
            reservation.answer_by = min(reservation.answer_by, reservation.starts_at)
        touch(reservation, now)
        became = visible(reservation)
        changes = {name: [was[name], became[name]] for name in was if was[name] != became[name]}
        note("change-reservation", reservation, user, now, changes)
    notices.gave_way(reservation, before, why, by=user, now=now, attended=attended)


def take_person(instrument: Instrument, person: User) -> None:
    """Wait for bookings of the same person elsewhere, where one place at a time is a rule."""
    if policy_of(instrument).two_places is TwoPlaces.REFUSE:
        touch_calendar(person.id)


def _refuse(
    request: BookingRequest,
    facts: booking.BookingFacts,
    user: User,
    together: tuple[Instrument, Sequence[Along]],
    override: str,
) -> _Aside:
    """Raise with every reason there is to refuse; another time helps only if others are all."""
    if override:
        access.require(user, Action.OVERRIDE_RULES, scope_of(together[0]))
    refusals = booking.refusals(request, facts)
    if not refusals:
        return _Aside()
    if override and booking.only_soft(refusals):
        codes = tuple(refusal.code for refusal in refusals)
        for scope in rules_of(codes, *together):
            access.require(user, Action.OVERRIDE_RULES, scope)
        return _Aside(codes, override)
    if all(map(booking.is_conflict, refusals)):
        raise _Conflict(refusals, booking.conflicts(request, facts))
    raise BookingRefused(refusals)


def rules_of(codes: Iterable[str], instrument: Instrument, along: Sequence[Along]) -> list[Scope]:
    """Whose rules refuse: those of what is reserved along may be another facility's."""
    summed_up = not linked_rules.CODES.isdisjoint(codes)
    return [scope_of(instrument), *(scope_of(each.instrument) for each in along if summed_up)]


def accessories_of(reservation: Reservation) -> tuple[str, ...]:
    """What its holder chose to reserve along."""
    found = linked.moved_along(reservation.id) if reservation.bundle else ()
    return tuple(each.instrument.slug for each in found if each.accessory)


def _reserve(
    together: tuple[Instrument, Sequence[Along]],
    made_by: _MadeBy,
    request: BookingRequest,
    *,
    now: datetime,
) -> Reservation:
    instrument, along = together
    user, holder, aside = made_by.user, made_by.holder, made_by.aside
    left = left_of_all([instrument, *(each.instrument for each in along)], holder, now, by=user)
    status = approval.first_status(left)
    values = row_of(instrument, holder, request, status=status, now=now)
    touch_calendar(holder.id)
    if values["quote"]:
        purse = commitments.purse(instrument, holder, now)
        values["quote"] = commitments.with_funds(values["quote"], purse, request)
    commitments.refuse_unagreed(request, [values["quote"]])
    values["bundle"] = values["uid"] if along else None
    values |= {"refusals_overridden": list(aside.codes), "override_reason": aside.reason}
    values["decide_by"] = stages.overdue_at(instrument, request.interval.start, left, now)
    values["reserved_by_id"] = user.id if user.id != holder.id else None
    values["operator_id"] = made_by.operator
    # Inserted by the table and then made an object of the session: the unit of work, which
    # orders the writes of many objects, would cost a sixth of a booking for this one row.
    written = db.session.connection().execute(_INSERT, values)
    assert written.inserted_primary_key
    reservation = Reservation(id=written.inserted_primary_key[0], **values)
    if along:
        rows = [linked.row_along(values, each.instrument) for each in along]
        db.session.connection().execute(_INSERT, rows)
    make_transient_to_detached(reservation)
    db.session.add(reservation)
    set_committed_value(reservation, "instrument", instrument)
    set_committed_value(reservation, "holder", holder)
    set_committed_value(reservation, "reserved_by", user if user.id != holder.id else None)
    set_committed_value(reservation, "series", None)
    set_committed_value(reservation, "questions", [])
    if not left:
        set_committed_value(reservation, "stages", [])
    stages.first(reservation.id, left, now)
    if values["quote"]:
        commitments.hold([reservation], now)
    return reservation


def row_of(
    instrument: Instrument, holder: User, request: BookingRequest, *, status: Status, now: datetime
) -> dict[str, Any]:
    """The values of a new reservation."""
    affiliation = affiliation_on(holder, day_of(now, zone_of(instrument)))
    tariff = tariff_of(instrument, holder, now=now)
    return _NOT_YET | {
        "uid": uuid.uuid4().hex,
        "instrument_id": instrument.id,
        "holder_id": holder.id,
        "reserved_by_id": None,
        "institution_id": affiliation.institution_id if affiliation else None,
        "group_id": request.group,
        "starts_at": request.interval.start,
        "ends_at": request.interval.end,
        "status": status,
        "exclusive": instrument.capacity == 1,
        "version": 1,
        "sequence": 0,
        "purpose": request.purpose,
        "mode": request.mode,
        "samples": request.samples,
        "note": request.note,
        "answers": dict(request.answers),
        "asked": asked_of(instrument),
        "refusals_overridden": [],
        "override_reason": "",
        "shares": paying.kept(request),
        **tariff.kept(request.interval, request.mode, request.samples, request.shares),
        "given_up": False,
        "decision_reason": "",
        "requested_at": now,
        "updated_at": now,
        "shown_at": now,
        "no_show_at": awaited_until(instrument, request.interval, now),
        "series_id": None,
        "original_start": None,
        "bundle": None,
        "operator_id": None,
    }


def requote(reservations: Sequence[Reservation], now: datetime) -> None:
    """What each costs now that its time or its samples are others; by the rates in force then.

    All are of one person on one instrument.
    """
    tariff = tariff_of(reservations[0].instrument, reservations[0].holder, now=now)
    quotes: dict[int, dict[str, Any] | None] = {}
    for each in reservations:
        shares = paying.shares_from(each.shares)
        kept = tariff.kept(each.reserved, each.mode, each.samples, shares)
        quotes[each.id], each.charging = kept["quote"], kept["charging"]
    commitments.renew(reservations, quotes, now)


def left_of_all(
    instruments: Sequence[Instrument], holder: User, now: datetime, *, by: User
) -> tuple[Stage, ...]:
    """The stages of all that is reserved together: if one of them has to be approved, all."""
    found: dict[Stage, None] = {}
    for each in instruments:
        found |= dict.fromkeys(approvers.left_for(each, holder, now, by=by))
    return tuple(found)


def holder_of(user: User, email: str, instrument: Instrument) -> User:
    """For whom `user` reserves, with all that rights and rules ask about."""
    holder = deputies.holder_of(user, email, instrument)
    return user if holder.id == user.id else queries.person(holder.id)


def awaited_until(instrument: Instrument, interval: Interval, now: datetime) -> datetime | None:
    """When the holder counts as a no-show; nobody can come before they were allowed to."""
    begins = max(interval.start, now)
    if begins >= interval.end:
        return None
    return no_show_at(use_policy_of(instrument), Interval(begins, interval.end))


def _move(
    reservation: Reservation,
    user: User,
    request: BookingRequest,
    *,
    now: datetime,
    override: str,
) -> None:
    """Put the reservation at another time, by the rules for its holder; its state stays."""
    instrument, holder = reservation.instrument, reservation.holder
    take_person(instrument, holder)
    facts, aside = _judge(reservation, user, request, now=now, override=override)
    reservation.refusals_overridden = list(aside.codes)
    reservation.override_reason = aside.reason
    reservation.interval = request.interval
    attend(reservation, operator_for(request, facts, reservation.operator_id))
    reservation.no_show_at = awaited_until(instrument, request.interval, now)
    request = paying.use_up(request, facts.charged, holder, instrument)
    reservation.shares = paying.kept(request)
    if request.answers != reservation.answers:
        linked.answer(reservation, linked.companions(reservation), request.answers)
    reservation.exclusive = instrument.capacity == 1


def refuse_move(reservation: Reservation, request: BookingRequest, *, now: datetime) -> None:
    """Raise where the rules would not let its holder move it; under `told_if_taken`."""
    _judge(reservation, reservation.holder, request, now=now, override="")


def _judge(
    reservation: Reservation, user: User, request: BookingRequest, *, now: datetime, override: str
) -> tuple[booking.BookingFacts, _Aside]:
    """By the rules for its holder, as `request` asks for it; raises where they refuse."""
    instrument = reservation.instrument
    along = linked.moved_along(reservation.id) if reservation.bundle else ()
    facts = queries.booking_facts(
        instrument,
        reservation.holder,
        request.interval,
        now=now,
        besides=reservation.id,
        group=reservation.group_id,
        with_=along,
        asked=request,
    )
    return facts, _refuse(request, facts, user, (instrument, along), override)


def as_changed(
    reservation: Reservation,
    change: Change,
    interval: Interval,
    accessories: tuple[str, ...] | None = None,
) -> BookingRequest:
    """What would be asked for if it were new, as it becomes; `accessories`: if they are known."""
    kept, shares = reservation.shares, change.shares
    return BookingRequest(
        reservation.instrument.slug,
        interval,
        mode=reservation.mode,
        samples=reservation.samples if change.samples is None else change.samples,
        answers=reservation.answers if change.answers is None else dict(change.answers),
        accessories=accessories_of(reservation) if accessories is None else accessories,
        shares=paying.shares_from(kept) if shares is None else shares,
        agreed=paying.agreed_in(kept),
    )


def say(reservation: Reservation, change: Change) -> None:
    """Say of a reservation what no rule judges."""
    for name in ("purpose", "samples", "note"):
        if (value := getattr(change, name)) is not None:
            setattr(reservation, name, value)


def pays_otherwise(reservation: Reservation, change: Change) -> bool:
    """Whether other accounts, or other parts of them, are to pay."""
    return change.shares is not None and change.shares != paying.shares_from(reservation.shares)


def seen(reservation: Reservation) -> dict[str, object]:
    """All that those look at who approve a reservation."""
    quote = reservation.quote or {}
    return visible(reservation) | {"cost": quote.get("total")}


def has_to_be_approved_anew(reservation: Reservation, was: Mapping[str, object]) -> bool:
    """Whether it differs from what `was` seen before by more than its rules let pass."""
    changed = {name for name, value in seen(reservation).items() if was[name] != value}
    return asked_again(policy_of(reservation.instrument).reapproval, changed)


def left_anew(reservation: Reservation, user: User, now: datetime) -> tuple[Stage, ...]:
    """The stages that it and what is reserved along would have to pass if `user` asked now."""
    found: dict[Stage, None] = {}
    for each in (reservation, *linked.companions(reservation)):
        left = approvers.left(each.instrument, each.holder, user, each.institution_id, now)
        found |= dict.fromkeys(left)
    return tuple(found)


def _ask_anew(reservation: Reservation, user: User, now: datetime) -> None:
    """Have it approved as if it were new."""
    left = left_anew(reservation, user, now)
    reservation.status = approval.after_change(reservation.status, left)
    stages.begin([reservation], left, now)


def _taken(conflict: _Conflict, request: BookingRequest, user: User, *, now: datetime) -> Taken:
    """The refusal with free times near the wanted one, read after the rollback."""
    instrument = instrument_by_slug(request.instrument)
    return Taken(
        conflict.refusals,
        taken=conflict.taken,
        alternatives=alternatives(request, holder_of(user, request.holder, instrument), now=now),
    )


def _taken_by_the_net(request: BookingRequest, user: User, *, now: datetime) -> Taken:
    """What the database's own net refused is taken, whatever the rules had thought."""
    db.session.rollback()
    instrument = instrument_by_slug(request.instrument)
    facts = queries.booking_facts(
        instrument,
        holder_of(queries.person(user.id), request.holder, instrument),
        request.interval,
        now=now,
        with_=linked.along(instrument, request.accessories),
        asked=request,
    )
    conflict = _Conflict(booking.refusals(request, facts), booking.conflicts(request, facts))
    return _taken(conflict, request, user, now=now)
