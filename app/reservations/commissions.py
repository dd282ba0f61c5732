"""Use cases of commissions: ask for an analysis without a time, change, withdraw, decline it."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Instrument
from app.catalog.policy import affiliation_on, open_spans, policy_of, zone_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.db import db, transaction
from app.domain import booking, commission
from app.domain.booking import BookingRequest, Mode
from app.domain.commission import CommissionState, CommissionStep
from app.domain.errors import BookingRefused, Invalid, Stale, Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of
from app.domain.quote import Quote
from app.domain.rate_card import Unpriced
from app.domain.shares import Share
from app.rates.queries import tariff_of
from app.reservations import (
    answer_files,
    commission_notices,
    commission_queries,
    linked,
    paying,
    queries,
)
from app.reservations.answering import asked_of_all
from app.reservations.commission_models import Commission
from app.reservations.services import holder_of, settled_for
from app.reservations.turns import lock_calendar

#: As many as may wait for one person; who needs more asks for more samples.
MOST_WAITING = 50
#: As far ahead as a day may be wished for.
_AHEAD = timedelta(days=366)
_WEEK = timedelta(days=7)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody asks for, and by which day they would like to have it."""

    instrument: str  # slug
    purpose: str
    samples: int
    earliest_on: date | None = None
    wished_by: date | None = None
    duration: timedelta | None = None  # as they estimate it
    note: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    holder: str = ""  # the address of whom it is for; empty: whoever asks
    group: int | None = None
    shares: tuple[Share, ...] = ()
    project: str = ""


def ask(user: User, order: Order, *, now: datetime) -> Commission:
    """Ask for an analysis; it waits until the facility's manager places it.

    Raises `BookingRefused` with every reason that no time would mend, `Invalid` and `NotFound`.
    """
    instrument_id, user_id = instrument_by_slug(order.instrument).id, user.id
    with transaction():
        instrument = lock_calendar(instrument_id)
        user = queries.person(user_id)
        access.require(user, Action.RESERVE, scope_of(instrument))
        holder = holder_of(user, order.holder, instrument)
        if commission_queries.count_waiting_of(holder) >= MOST_WAITING:
            raise _too_many()
        request = _judged(order, holder, instrument, now=now)
        affiliation = affiliation_on(holder, day_of(now, zone_of(instrument)))
        made = Commission(
            uid=uuid.uuid4().hex,
            instrument_id=instrument.id,
            holder_id=holder.id,
            asked_by_id=user.id if user.id != holder.id else None,
            institution_id=affiliation.institution_id if affiliation else None,
            state=CommissionState.WAITING,
            asked_at=now,
            updated_at=now,
        )
        _say(made, order, request, instrument)
        db.session.add(made)
        db.session.flush()
        _keep_files(user, made, now=now)
        made = commission_queries.by_uid(made.uid, viewer=user)
        note("ask-for-commission", made, user, now, said(made))
        commission_notices.asked(made, by=user, now=now)
    return made


def change(
    user: User, uid: str, order: Order, *, now: datetime, version: int | None = None
) -> Commission:
    """Ask for something else while it waits; it keeps its place in the queue.

    Instrument and holder stay. Raises as `ask` does, and `Stale` and `WrongState`.
    """
    found = commission_queries.by_uid(uid, viewer=user)
    instrument_id, user_id = found.instrument_id, user.id
    with transaction():
        instrument = lock_calendar(instrument_id)
        user = queries.person(user_id)
        found = step(user, uid, CommissionStep.CHANGE, version)
        was = said(found)
        holder, files = queries.person(found.holder_id), answer_files.of(found)
        _say(found, order, _judged(order, holder, instrument, now=now), instrument)
        _keep_files(user, found, now=now, already=files)
        changes = {name: [was[name], value] for name, value in said(found).items()}
        changes = {name: both for name, both in changes.items() if both[0] != both[1]}
        if not changes:
            return found
        _touch(found, now)
        note("change-commission", found, user, now, changes)
    return found


def withdraw(user: User, uid: str, *, now: datetime, version: int | None = None) -> Commission:
    """Ask for it no longer."""
    instrument_id, user_id = commission_queries.by_uid(uid, viewer=user).instrument_id, user.id
    with transaction():
        lock_calendar(instrument_id)
        user = queries.person(user_id)
        found = step(user, uid, CommissionStep.WITHDRAW, version)
        decide(found, user, now=now)
        note("withdraw-commission", found, user, now, {})
        commission_notices.told(found, by=user, now=now)
    return found


def decline(
    user: User, uid: str, reason: str, *, now: datetime, version: int | None = None
) -> Commission:
    """Say no, with a reason for the holder."""
    if not reason.strip():
        missing = Text("거절하는 이유를 적어 주세요.", "Say why you decline it.")
        raise Invalid(missing, {"reason": missing})
    instrument_id, user_id = commission_queries.by_uid(uid, viewer=user).instrument_id, user.id
    with transaction():
        lock_calendar(instrument_id)
        user = queries.person(user_id)
        found = step(user, uid, CommissionStep.DECLINE, version)
        decide(found, user, now=now, reason=reason)
        note("decline-commission", found, user, now, {"reason": reason.strip()})
        commission_notices.told(found, by=user, now=now)
    return found


_RIGHTS = {
    CommissionStep.CHANGE: Action.CHANGE_COMMISSION,
    CommissionStep.WITHDRAW: Action.CHANGE_COMMISSION,
    CommissionStep.PLACE: Action.HANDLE_COMMISSION,
    CommissionStep.DECLINE: Action.HANDLE_COMMISSION,
    CommissionStep.RETURN: Action.HANDLE_COMMISSION,
}


def step(user: User, uid: str, taken: CommissionStep, version: int | None) -> Commission:
    """The commission after a step of it, read anew once the calendar of its instrument is ours.

    Raises `NotAllowed`, `WrongState` before `Stale`: that somebody else placed it says more.
    """
    found = commission_queries.by_uid(uid, viewer=user, anew=True)
    access.require(user, _RIGHTS[taken], commission_queries.scope_of_commission(found))
    found.state = commission.after(found.state, taken)
    if version is not None and version != found.version:
        raise Stale(
            Text(
                "그사이 이 분석의뢰의 내용이 바뀌었습니다. 새로 고친 뒤 다시 시도해 주세요.",
                "This commission was changed meanwhile. Reload it and try again.",
            )
        )
    return found


def decide(found: Commission, user: User, *, now: datetime, reason: str = "") -> None:
    """Keep who did what with it, and why."""
    found.decided_at, found.decided_by_id = now, user.id
    found.decision_reason = reason.strip()
    _touch(found, now)


def _touch(found: Commission, now: datetime) -> None:
    found.version += 1
    found.updated_at = now
    db.session.flush()


def request_of(found: Commission, interval: Interval) -> BookingRequest:
    """What would be reserved for it at a time."""
    return BookingRequest(
        found.instrument.slug,
        interval,
        purpose=found.purpose,
        mode=Mode.COMMISSIONED,
        samples=found.samples,
        answers=found.answers,
        note=found.note,
        holder=found.holder.email,
        group=found.group_id,
        shares=paying.shares_from(found.shares),
    )


def order_of(found: Commission, said: Mapping[str, Any] | None = None) -> Order:
    """What was asked for; `said`: parts of it that are to become something else."""
    order = Order(
        instrument=found.instrument.slug,
        purpose=found.purpose,
        samples=found.samples,
        earliest_on=found.earliest_on,
        wished_by=found.wished_by,
        duration=found.duration,
        note=found.note,
        answers=found.answers,
        group=found.group_id,
        shares=paying.shares_from(found.shares),
    )
    return replace(order, **said) if said else order


def estimate(
    instrument: Instrument, holder: User, order: Order, *, now: datetime
) -> tuple[Quote | None, Text | None]:
    """What it would cost, as far as that is known without a time, or why it is not."""
    tariff = tariff_of(instrument, holder, now=now)
    supposed = _supposed(instrument, order, now)
    if order.duration is None and not tariff.however_long(supposed.start, Mode.COMMISSIONED):
        return None, Text(
            "이용료가 시간에 따라 달라집니다. 예상 소요 시간을 적으면 계산해 드립니다.",
            "The fee depends on how long it takes: with an estimated duration it can be told.",
        )
    try:
        quoted = tariff.quote(supposed, Mode.COMMISSIONED, order.samples)
    except Unpriced as unknown:
        return None, unknown.text
    return quoted.paid_by(order.shares), None


def _supposed(instrument: Instrument, order: Order, now: datetime) -> Interval:
    """By which time it is judged and priced while it has none."""
    zone, policy = zone_of(instrument), policy_of(instrument)
    first = now
    if order.earliest_on:
        first = max(now, day_interval(order.earliest_on, zone).start)
    opened = open_spans(instrument, Interval(first, first + _WEEK))
    return commission.supposed(opened, first, order.duration, policy, zone)


def _judged(order: Order, holder: User, instrument: Instrument, *, now: datetime) -> BookingRequest:
    """What is asked for, with the group and who pays; raises with every reason to refuse it."""
    _check_days(order, day_of(now, zone_of(instrument)))
    request = BookingRequest(
        instrument.slug,
        _supposed(instrument, order, now),
        purpose=order.purpose,
        mode=Mode.COMMISSIONED,
        samples=order.samples,
        answers=dict(order.answers),
        group=order.group,
        shares=order.shares,
        project=order.project,
    )
    request = settled_for(holder, request, instrument, now=now)
    facts = queries.booking_facts(
        *(instrument, holder, request.interval),
        now=now,
        group=request.group,
        with_=linked.along(instrument),
        asked=request,
    )
    if refusals := booking.refused_without_time(request, facts):
        raise BookingRefused([replace(each, field=_field_of(each.field)) for each in refusals])
    return request


def _field_of(name: str | None) -> str | None:
    """Its time is none that anybody typed."""
    return None if name in {"starts_at", "ends_at"} else name


def _check_days(order: Order, today: date) -> None:
    wrong: dict[str, Text] = {}
    past = Text("이미 지난 날짜입니다.", "This day has passed.")
    far = Text("1년 안의 날짜를 골라 주세요.", "Choose a day within a year.")
    for name in ("earliest_on", "wished_by"):
        day = getattr(order, name)
        if day is not None and not today <= day <= today + _AHEAD:
            wrong[name] = past if day < today else far
    if not wrong and order.earliest_on and order.wished_by and order.wished_by < order.earliest_on:
        wrong["wished_by"] = Text(
            "‘가장 이른 날’보다 빠릅니다.", "It comes before the earliest day."
        )
    if order.duration is not None and order.duration < _MINUTE:
        wrong["duration"] = Text("1분 이상으로 적어 주세요.", "Write a minute or more.")
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)


def _say(found: Commission, order: Order, request: BookingRequest, instrument: Instrument) -> None:
    found.purpose, found.samples, found.note = order.purpose, order.samples, order.note
    found.earliest_on, found.wished_by = order.earliest_on, order.wished_by
    found.duration, found.group_id = order.duration, request.group
    along = [each.instrument for each in linked.along(instrument)]
    found.answers, found.asked = dict(request.answers), asked_of_all(instrument, along)
    found.shares = paying.kept(request)


def _keep_files(
    user: User, found: Commission, *, now: datetime, already: Collection[str] = ()
) -> None:
    asking = answer_files.together(found.instrument, linked.along(found.instrument))
    answer_files.keep(user, asking, found.answers, now=now, already=already)


def said(found: Commission) -> dict[str, object]:
    """What the trail tells of a commission."""
    return {
        "instrument": found.instrument.slug,
        "purpose": found.purpose,
        "samples": found.samples,
        "earliest_on": found.earliest_on and found.earliest_on.isoformat(),
        "wished_by": found.wished_by and found.wished_by.isoformat(),
        "duration": found.duration and int(found.duration.total_seconds()),
        "note": found.note,
        "answers": found.answers,
        "shares": found.shares,
    }


def note(
    action: str, found: Commission, user: User, now: datetime, detail: Mapping[str, object]
) -> None:
    audit.record(action, "commission", found.uid, actor_id=user.id, now=now, detail=dict(detail))


def _too_many() -> Invalid:
    return Invalid(
        Text(
            f"일정 배정을 기다리는 분석의뢰는 한 사람이 {MOST_WAITING}건까지 둘 수 있습니다. "
            "필요 없는 의뢰를 취소하거나 시료를 한 의뢰로 묶어 주세요.",
            f"At most {MOST_WAITING} commissions of one person wait for a time. Withdraw what is "
            "no longer needed, or put the samples into one.",
        )
    )
