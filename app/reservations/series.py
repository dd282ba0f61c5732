"""Use cases of series: many reservations by one rule, asked for, changed and cancelled together."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.db import db, table_of, transaction
from app.domain import approval, booking, series
from app.domain.approval import Status, Step
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import (
    BookingRefused,
    DureError,
    Refusal,
    Taken,
    TakenTime,
    Text,
    WrongState,
)
from app.domain.interval import Interval, without
from app.domain.notation import iso_instant
from app.domain.operator_rules import asks_operator
from app.domain.operators import in_turn
from app.domain.quote import Quote
from app.domain.rate_card import Unpriced
from app.domain.recurrence import Occurrence, Recurrence, local_length, local_shift, moved
from app.domain.series import OnConflict, Verdict
from app.programmes.holding import Purse, purse_of
from app.rates.queries import Tariff, tariff_of
from app.reservations import (
    answer_files,
    commitments,
    linked,
    notices,
    offering,
    paused,
    paying,
    queries,
    stages,
)
from app.reservations.alternatives import alternatives
from app.reservations.idempotency import Once, made_before, remember
from app.reservations.models import Reservation, Series
from app.reservations.services import (
    NET,
    Change,
    as_changed,
    awaited_until,
    has_to_be_approved_anew,
    holder_of,
    left_anew,
    left_of_all,
    pays_otherwise,
    requote,
    row_of,
    rules_of,
    say,
    seen,
    take_person,
)
from app.reservations.steps import again, attend, end, give_up, visible
from app.reservations.surroundings import Surroundings
from app.reservations.turns import lock_reserved, lock_together, touch_calendar

_INSERT = insert(table_of(Reservation))

Wanted = Sequence[tuple[BookingRequest, Occurrence]]


@dataclass(frozen=True, slots=True)
class Repeat:
    """By which rule a reservation repeats, and what becomes of dates that are refused."""

    rule: Recurrence
    on_conflict: OnConflict = OnConflict.FAIL


class Which(StrEnum):
    """Which reservations of a series are meant, seen from one of them."""

    THIS = "this"
    LATER = "later"  # this one and those after it
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SeriesTrial:
    """What would become of a series."""

    verdicts: Sequence[Verdict]
    status: Status | None  # of what would be reserved; None if nothing would
    refusals: Sequence[Refusal]
    taken: Sequence[TakenTime]
    may_override: bool = False
    quotes: Sequence[Quote | None] = ()  # of each date that would be reserved
    unpriced: Text | None = None  # why there are none

    @property
    def total(self) -> int | None:
        """What all dates cost together; None where it is not known."""
        known = [each.total for each in self.quotes if each]
        return sum(known) if known else None

    @property
    def due(self) -> int | None:
        """What is left to pay of it once funds have given their parts."""
        known = [each.due for each in self.quotes if each]
        return sum(known) if known else None

    @property
    def warnings(self) -> list[Text]:
        return [warning for verdict in self.verdicts for warning in verdict.warnings]


@dataclass(frozen=True, slots=True)
class _Typed:
    """Who asks for the series, and why rules are set aside for it, if they are."""

    by: User
    override: str


class _Refused(Exception):
    """The series is refused; alternatives are sought after the rollback."""

    def __init__(self, verdicts: Sequence[Verdict], around: Surroundings) -> None:
        super().__init__()
        self.refusals = series.reasons(verdicts, around.zone, around.now)
        self.taken = _in_the_way(verdicts, around)
        first = next(verdict for verdict in verdicts if verdict.interval is None)
        self.first = first.occurrence.interval


def request_series(
    user: User,
    request: BookingRequest,
    repeat: Repeat,
    *,
    now: datetime,
    once: Once | None = None,
    override: str = "",
) -> Reservation:
    """Hold the instrument at every date of a rule, in one transaction; the first reservation.

    Each date is judged like a reservation of its own, with those before it held and counted, so
    that no quota is exceeded by all together. A date takes along all that is reserved along with
    the instrument, or has no place. Raises as `request_reservation` does, and `Invalid` where
    the rule makes no sense.
    """
    known = instrument_by_slug(request.instrument)
    wanted = _by_rule(request, repeat.rule, known)
    instrument_id, user_id, chosen = known.id, user.id, request.accessories
    ids = linked.calendars(instrument_id, [*known.needs, *chosen])
    try:
        with transaction():
            instrument, along = lock_together(instrument_id, ids, _longest(wanted), chosen)
            user = queries.person(user_id)
            access.require(user, Action.RESERVE, scope_of(instrument))
            if override:
                access.require(user, Action.OVERRIDE_RULES, scope_of(instrument))
            if once and (before := made_before(user, once, now)):
                return before
            linked.check_offered(instrument, chosen)
            holder = holder_of(user, request.holder, instrument)
            take_person(instrument, holder)
            group = queries.group_for(holder, request.group, instrument, now=now)
            request = paying.settled(replace(request, group=group), holder, instrument, now=now)
            wanted = _all_paid_alike(wanted, request)
            around = Surroundings(
                *(instrument, holder, _span(wanted)),
                now=now,
                group=group,
                asked=request,
                along=along,
            )
            verdicts = _judged(wanted, around, repeat.on_conflict, _Typed(user, override))
            request = _with_consents(request, verdicts, around)
            answer_files.keep(user, around.together, request.answers, now=now)
            made = _place(request, repeat, verdicts, around, _Typed(user, override))
            if once:
                remember(user, once, made[0], now)
            told = {each: visible(each) for each in made}
            _note("request-reservation", told, user, now)
            notices.of_series("made", made, by=user, now=now)
    except _Refused as refused:
        raise _error(refused, request, user, now=now) from None
    except IntegrityError as broken:
        if once and "idempotency_key" in str(broken.orig):
            return request_series(user, request, repeat, now=now, once=once, override=override)
        if NET not in str(broken.orig):
            raise
        raise _taken_by_the_net(request, wanted, user, now=now) from broken
    return made[0]


def try_series(
    user: User, request: BookingRequest, repeat: Repeat, *, now: datetime
) -> SeriesTrial:
    """The same judgement as `request_series`, with nothing written or held."""
    instrument = instrument_by_slug(request.instrument)
    access.require(user, Action.RESERVE, scope_of(instrument))
    linked.check_offered(instrument, request.accessories)
    along = linked.along(instrument, request.accessories)
    wanted = _by_rule(request, repeat.rule, instrument)
    holder = holder_of(user, request.holder, instrument)
    group = queries.group_for(holder, request.group, instrument, now=now)
    request = paying.settled(request, holder, instrument, now=now)
    wanted = _all_paid_alike(wanted, request)
    around = Surroundings(
        *(instrument, holder, _span(wanted)), now=now, group=group, asked=request, along=along
    )
    verdicts = series.judged(wanted, around, repeat.on_conflict)
    if lacking := answer_files.lacking(user, around.together, request.answers):
        reasons = series.reasons(verdicts, around.zone, now)
        return SeriesTrial(verdicts, None, [*reasons, *lacking], ())
    if not series.fails(verdicts, repeat.on_conflict):
        tariff, purse = (
            tariff_of(instrument, holder, now=now),
            purse_of(instrument, holder, now=now),
        )
        quotes, unpriced = _quotes(request, verdicts, tariff, purse)
        placed = [each for each, verdict in zip(quotes, verdicts, strict=True) if verdict.interval]
        commitments.refuse_without_fund(request, placed)
        status = approval.first_status(left_of_all(around.together, holder, now, by=user))
        return SeriesTrial(verdicts, status, (), (), quotes=quotes, unpriced=unpriced)
    refusals = series.reasons(verdicts, around.zone, now)
    may_override = booking.only_soft(refusals) and all(
        access.may(user, Action.OVERRIDE_RULES, scope)
        for scope in rules_of((each.code for each in refusals), instrument, along)
    )
    return SeriesTrial(verdicts, None, refusals, _in_the_way(verdicts, around), may_override)


def _quotes(
    request: BookingRequest, verdicts: Sequence[Verdict], tariff: Tariff, purse: Purse
) -> tuple[list[Quote | None], Text | None]:
    """What each date costs, and why it is not known where it is not."""
    found: list[Quote | None] = []
    unpriced = None
    for verdict in verdicts:
        quoted = None
        if verdict.interval is not None:
            try:
                quoted = tariff.quote(verdict.interval, request.mode, request.samples)
                quoted = purse.gives(quoted, verdict.interval, request.mode)
                quoted = quoted.paid_by(request.shares)
            except Unpriced as unknown:
                unpriced = unknown.text
        found.append(quoted)
    return found, unpriced


def change_series(
    user: User,
    uid: str,
    which: Which,
    change: Change,
    *,
    now: datetime,
    version: int | None = None,
) -> Reservation:
    """Change several reservations of a series as one of them is changed; all or none.

    A new time moves each by so much of the local clock as this one. Raises as
    `change_reservation` does; of those that have begun or ended none is changed.
    """
    before = queries.by_uid(uid, viewer=user)
    user_id, slug = user.id, before.instrument.slug
    to = change.interval or before.interval
    request = replace(as_changed(before, change, to), instrument=slug)
    try:
        with transaction():
            instrument = lock_reserved(before, _with_room(to))
            user = queries.person(user_id)
            chosen = again(uid, user, Action.CHANGE_RESERVATION, version)
            approval.after(chosen.status, Step.CHANGE)
            approval.may_still_change(chosen.interval, now=now)
            members = [
                each for each in _members(chosen, which, Step.CHANGE) if each.starts_at > now
            ]
            was = {each.id: seen(each) for each in members}
            held_before = [each.interval for each in members]
            attended = {each.id: each.operator for each in members}
            if to != chosen.interval or _answered(change, members):
                _move(members, chosen, change, instrument, user, now=now)
            said = [(was[each.id]["samples"], was[each.id]["shares"]) for each in members]
            for each in members:
                say(each, change)
            if (held_before, said) != (
                [each.interval for each in members],
                [(each.samples, each.shares) for each in members],
            ):
                requote(members, now)
            if anew := [each for each in members if has_to_be_approved_anew(each, was[each.id])]:
                _ask_anew(anew, user, now)
            changes = {each.id: _differences(was[each.id], visible(each)) for each in members}
            changed = [each for each in members if changes[each.id]]
            if not changed:
                return chosen
            _note("change-reservation", {each: changes[each.id] for each in changed}, user, now)
            _touch(changed, now)
            notices.of_series("changed", changed, by=user, now=now, attended=attended)
            if left := without(held_before, [each.interval for each in members]):
                _free(chosen, left, now)
    except _Refused as refused:
        raise _error(refused, request, user, now=now) from None
    except IntegrityError as broken:
        if NET not in str(broken.orig):
            raise
        day = Occurrence(before.starts_at.date(), to)
        raise _taken_by_the_net(request, [(request, day)], user, now=now) from broken
    return chosen


def cancel_series(
    user: User,
    uid: str,
    which: Which,
    *,
    now: datetime,
    reason: str = "",
    version: int | None = None,
) -> Reservation:
    """Free the time of several reservations of a series, as far as each may be cancelled."""
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        chosen = again(uid, user, Action.CANCEL_RESERVATION, version)
        manages = access.may(user, Action.DECIDE_RESERVATION, scope_of(chosen.instrument))
        members = [
            each
            for each in _members(chosen, which, Step.CANCEL)
            if each.starts_at > now or (each is chosen and manages)
        ]
        if not members:
            raise WrongState(
                Text(
                    "취소할 수 있는 예약이 남아 있지 않습니다.",
                    "None of these reservations can be cancelled any more.",
                )
            )
        for each in members:
            give_up(each, user, manages=manages)
            end(each, Step.CANCEL, reason, now)
        _note("cancel-reservation", {each: {"reason": reason} for each in members}, user, now)
        _count_up(members)
        _free(chosen, [each.interval for each in members], now)
        notices.of_series("cancelled", members, by=user, now=now)
    return chosen


def members_of(reservation: Reservation) -> Sequence[Reservation]:
    """All reservations of the same series and person, earliest first; empty without a series."""
    if reservation.series_id is None:
        return []
    return db.session.scalars(
        queries.whole()
        .where(
            Reservation.series_id == reservation.series_id,
            Reservation.holder_id == reservation.holder_id,
        )
        .order_by(Reservation.starts_at)
    ).all()


def _judged(
    wanted: Wanted, around: Surroundings, on_conflict: OnConflict, typed: "_Typed"
) -> list[Verdict]:
    """The verdicts, if something may be reserved by them; whose rules are set aside agrees."""
    verdicts = series.judged(wanted, around, on_conflict, may_set_aside=bool(typed.override))
    if series.fails(verdicts, on_conflict):
        raise _Refused(verdicts, around)
    if aside := {code for verdict in verdicts for code in verdict.aside}:
        for scope in rules_of(aside, around.instrument, [each for each, _ in around.along]):
            access.require(typed.by, Action.OVERRIDE_RULES, scope)
    return verdicts


def _free(chosen: Reservation, spans: Sequence[Interval], now: datetime) -> None:
    """Offer what became free to who waits, on all that the dates had held."""
    for each in (chosen, *linked.companions(chosen)):
        offering.time_freed(each.instrument, spans, now=now)


def _members(chosen: Reservation, which: Which, step: Step) -> list[Reservation]:
    """Those that are meant and in a state in which the step can be taken."""
    meant = [chosen] if which is Which.THIS else members_of(chosen) or [chosen]
    if which is Which.LATER:
        meant = [each for each in meant if each.starts_at >= chosen.starts_at]
    return [each for each in meant if step in approval.steps_from(each.status)]


def _by_rule(request: BookingRequest, rule: Recurrence, instrument: Instrument) -> Wanted:
    dates = rule.occurrences(request.interval, zone_of(instrument))
    return [(replace(request, interval=each.interval), each) for each in dates]


def _all_paid_alike(wanted: Wanted, request: BookingRequest) -> Wanted:
    return [(replace(each, shares=request.shares, project=""), date) for each, date in wanted]


def _with_consents(
    request: BookingRequest, verdicts: Sequence[Verdict], around: Surroundings
) -> BookingRequest:
    """Having taken consents to a single reservation; the rules let only the first date use one."""
    if around.charging is None:
        return request
    first = next(verdict.interval for verdict in verdicts if verdict.interval)
    taken = paying.use_up(
        replace(request, interval=first),
        around.charging.at(first),
        around.user,
        around.instrument,
    )
    return replace(request, agreed=taken.agreed)


def _span(wanted: Wanted) -> Interval:
    """From the first date to the last."""
    dates = [occurrence.interval for _, occurrence in wanted]
    return Interval(min(each.start for each in dates), max(each.end for each in dates))


def _longest(wanted: Wanted) -> Interval:
    return max((each.interval for _, each in wanted), key=lambda each: each.duration)


def _with_room(interval: Interval) -> Interval:
    """As long as it becomes where the clocks change within."""
    return Interval(interval.start, interval.end + timedelta(hours=1))


def _in_the_way(verdicts: Sequence[Verdict], around: Surroundings) -> list[TakenTime]:
    """What others hold at the dates that are refused."""
    found: list[TakenTime] = []
    for verdict in verdicts:
        if verdict.interval is None and not verdict.occurrence.wrong:
            at = verdict.occurrence.interval
            asked = BookingRequest(around.instrument.slug, at)
            found += booking.conflicts(asked, around.facts(at, ()))
    return sorted(set(found), key=lambda each: each.interval)


def _error(
    refused: _Refused, request: BookingRequest, user: User, *, now: datetime
) -> BookingRefused:
    """Taken, with times instead of the first date that is, if nothing else is wrong."""
    if not all(map(booking.is_conflict, refused.refusals)):
        return BookingRefused(refused.refusals)
    first = replace(request, interval=refused.first)
    holder = holder_of(user, request.holder, instrument_by_slug(request.instrument))
    found = alternatives(first, holder, now=now)
    return Taken(refused.refusals, taken=refused.taken, alternatives=found)


def _taken_by_the_net(
    request: BookingRequest, wanted: Wanted, user: User, *, now: datetime
) -> DureError:
    """What the database's own net refused is taken, whatever the rules had thought."""
    db.session.rollback()
    instrument, user = instrument_by_slug(request.instrument), queries.person(user.id)
    holder = holder_of(user, request.holder, instrument)
    along = linked.along(instrument, request.accessories)
    around = Surroundings(*(instrument, holder, _span(wanted)), now=now, asked=request, along=along)
    verdicts = series.judged(wanted, around, OnConflict.FAIL)
    refusals = series.reasons(verdicts, around.zone, now)
    return Taken(refusals, taken=_in_the_way(verdicts, around), alternatives=())


def _place(
    request: BookingRequest,
    repeat: Repeat,
    verdicts: Sequence[Verdict],
    around: Surroundings,
    typed: _Typed,
) -> Sequence[Reservation]:
    """The series and its reservations, written in three statements; earliest first."""
    instrument, holder, now = around.instrument, around.user, around.now
    made = Series(
        uid=uuid.uuid4().hex,
        instrument_id=instrument.id,
        rrule=str(repeat.rule),
        on_conflict=repeat.on_conflict,
        skipped=[_skipped(verdict) for verdict in verdicts if verdict.interval is None],
        made_at=now,
    )
    db.session.add(made)
    db.session.flush()
    left = left_of_all(around.together, holder, now, by=typed.by)
    status = approval.first_status(left)
    same = row_of(instrument, holder, request, status=status, now=now) | {
        "series_id": made.id,
        "reserved_by_id": typed.by.id if typed.by.id != holder.id else None,
    }
    tariff = tariff_of(instrument, holder, now=now)
    dates = [(verdict.interval, None) for verdict in verdicts if verdict.interval]
    rows = [
        same
        | {
            "uid": (uid := uuid.uuid4().hex),
            "bundle": uid if around.along else None,
            "starts_at": verdict.interval.start,
            "ends_at": verdict.interval.end,
            "original_start": verdict.occurrence.interval.start,
            "no_show_at": awaited_until(instrument, verdict.interval, now),
            **tariff.kept(verdict.interval, request.mode, request.samples, request.shares),
            "refusals_overridden": list(verdict.aside),
            "override_reason": typed.override if verdict.aside else "",
            "operator_id": operator_id,
        }
        for verdict, operator_id in zip(
            [verdict for verdict in verdicts if verdict.interval],
            _operators(around, request.mode, dates),
            strict=True,
        )
        if verdict.interval
    ]
    touch_calendar(holder.id)
    purse = commitments.purse(instrument, holder, now)
    for row in rows:
        asked = replace(request, interval=Interval(row["starts_at"], row["ends_at"]))
        row["quote"] = commitments.with_funds(row["quote"], purse, asked)
    commitments.refuse_unagreed(request, [row["quote"] for row in rows])
    rows += [linked.row_along(row, each.instrument) for row in rows for each, _ in around.along]
    db.session.connection().execute(_INSERT, rows)
    placed = db.session.scalars(
        queries.whole().where(Reservation.series_id == made.id).order_by(Reservation.starts_at)
    ).all()
    commitments.hold(placed, now)
    if left:
        stages.begin(placed, left, now)
    return placed


def _operators(
    around: Surroundings, mode: Mode, dates: Sequence[tuple[Interval, int | None]]
) -> list[int | None]:
    """Who attends each date."""
    if not asks_operator(around.policy, mode):
        return [None] * len(dates)
    return in_turn(around.duties, dates, around.zone)


def _skipped(verdict: Verdict) -> dict[str, Any]:
    at = verdict.occurrence.interval
    return {
        "starts_at": iso_instant(at.start),
        "ends_at": iso_instant(at.end),
        "refusals": [
            {
                "code": each.code,
                "reason": {"ko": each.reason.ko, "en": each.reason.en},
                "limit": each.limit,
                "field": each.field,
            }
            for each in verdict.refusals
        ],
    }


def _answered(change: Change, members: Sequence[Reservation]) -> bool:
    answers = change.answers
    return any(
        (answers is not None and dict(answers) != each.answers) or pays_otherwise(each, change)
        for each in members
    )


def _move(
    members: Sequence[Reservation],
    chosen: Reservation,
    change: Change,
    instrument: Instrument,
    user: User,
    *,
    now: datetime,
) -> None:
    """Put each at its new time, by the rules for the holder, as if none of them were there yet."""
    if change.override:
        access.require(user, Action.OVERRIDE_RULES, scope_of(instrument))
    holder = queries.person(chosen.holder_id)
    take_person(instrument, holder)
    along = linked.moved_along(chosen.id) if chosen.bundle else ()
    accessories = tuple(each.instrument.slug for each in along if each.accessory)
    wanted = [_moved(each, chosen, change, accessories) for each in members]
    beside = linked.companions_of(members)
    rows = [row for each in members for row in (each, *beside[each.uid])]
    around = Surroundings(
        *(instrument, holder, _span(wanted)),
        now=now,
        besides={each.id for each in rows},
        group=chosen.group_id,
        asked=(asked := as_changed(chosen, change, chosen.interval, accessories)),
        along=along,
    )
    verdicts = _judged(wanted, around, OnConflict.FAIL, _Typed(user, change.override))
    agreed = _with_consents(asked, verdicts, around).agreed
    files = {uid for row in rows for uid in answer_files.named_in(row).values()}
    answer_files.keep(user, around.together, change.answers or {}, now=now, already=files)
    for each in rows:
        each.exclusive = False
    db.session.flush()  # So that none meets another one that has not moved away yet.
    dates = [
        (request.interval, each.operator_id)
        for each, (request, _) in zip(members, wanted, strict=True)
    ]
    operators = _operators(around, chosen.mode, dates)
    for each, (request, _), verdict, operator_id in zip(
        members, wanted, verdicts, operators, strict=True
    ):
        attend(each, operator_id)
        for row in (each, *beside[each.uid]):
            row.interval = request.interval
            row.exclusive = row.instrument.capacity == 1
        each.no_show_at = awaited_until(instrument, request.interval, now)
        each.refusals_overridden = list(verdict.aside)
        each.override_reason = change.override if verdict.aside else ""
        each.shares = paying.kept(replace(request, agreed=agreed | request.agreed))
        if request.answers != each.answers:
            linked.answer(each, beside[each.uid], request.answers)


def _ask_anew(members: Sequence[Reservation], user: User, now: datetime) -> None:
    """Have those approved as if they were new."""
    left = left_anew(members[0], user, now)
    for each in members:
        each.status = approval.after_change(each.status, left)
    stages.begin(members, left, now)


def _moved(
    each: Reservation, chosen: Reservation, change: Change, accessories: tuple[str, ...]
) -> tuple[BookingRequest, Occurrence]:
    """What is wanted of one reservation where `chosen` is changed."""
    zone, to = zone_of(chosen.instrument), change.interval
    if to is None or to == chosen.interval:
        at = Occurrence(each.starts_at.date(), each.interval)
    elif each is chosen:
        at = Occurrence(to.start.date(), to)
    else:
        by = local_shift(chosen.starts_at, to.start, zone)
        at = moved(each.interval, by=by, length=local_length(to, zone), zone=zone)
    return as_changed(each, change, at.interval, accessories), at


def _differences(was: Mapping[str, Any], became: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [was[name], value] for name, value in became.items() if was[name] != value}


def _touch(changed: Sequence[Reservation], now: datetime) -> None:
    """Let everyone who looks see that they changed, with what was reserved along.

    By that, what was asked is answered.
    """
    linked.follow(changed, now)
    for each in changed:
        paused.resume(each, now)
        each.version += 1
        each.sequence += 1
        each.updated_at = each.shown_at = now
    _count_up(changed)
    touch_calendar(changed[0].holder_id)


def _count_up(members: Sequence[Reservation]) -> None:
    if (of := members[0].series) is not None:
        of.version += 1
    db.session.flush()


def _note(
    action: str, details: Mapping[Reservation, Mapping[str, Any]], user: User, now: datetime
) -> None:
    told = {each.uid: dict(detail) for each, detail in details.items()}
    audit.record_each(action, "reservation", told, actor_id=user.id, now=now)
