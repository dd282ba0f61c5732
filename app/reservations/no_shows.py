"""Who did not come: the time is freed, it counts, and a manager may say that it was otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts import suspensions
from app.accounts.access import Action
from app.accounts.models import User
from app.accounts.places import Place
from app.catalog.models import Instrument
from app.catalog.policy import policy_of, zone_of
from app.db import db, transaction
from app.domain import approval
from app.domain.approval import Status, Step
from app.domain.errors import Invalid, Text, WrongState
from app.domain.interval import Interval
from app.domain.no_shows import NoShowLimit
from app.domain.notation import listed
from app.reservations import commitments, duties, notices, offering, queries
from app.reservations.linked import MAIN
from app.reservations.models import Reservation
from app.reservations.services import NET
from app.reservations.steps import again, attend, end, note, touch
from app.reservations.turns import lock_reserved


@dataclass(frozen=True, slots=True)
class CameAfterAll:
    """What a manager says of somebody who was there, though nobody had checked in."""

    used: Interval
    reason: str
    samples: int | None = None


def miss(
    reservation: Reservation,
    by: User | None,
    *,
    reason: str,
    detail: Mapping[str, object],
    now: datetime,
) -> None:
    """End a reservation to which nobody came, within its instrument's turn."""
    end(reservation, Step.MARK_NO_SHOW, reason, now)
    note("mark-no-show", reservation, by, now, detail)
    notices.missed(reservation, now=now)
    _count(reservation, now=now)
    offering.freed(reservation, [reservation.interval], now=now, by=by)


def restore(user: User, uid: str, came: CameAfterAll, *, now: datetime) -> Reservation:
    """A manager says that the holder was there: it counts as used, from when until when.

    Raises `WrongState` where it is no no-show, or where others have reserved part of that time
    since; `Invalid` for times outside of what was reserved, or without a reason.
    """
    if not came.reason.strip():
        missing = Text("사유를 적어 주세요.", "Say why.")
        raise Invalid(missing, {"reason": missing})
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    try:
        with transaction():
            instrument = lock_reserved(before, came.used)
            user = queries.person(user_id)
            reservation = again(uid, user, Action.DECIDE_RESERVATION)
            reservation.status = approval.after(reservation.status, Step.RESTORE)
            _must_lie_within(came.used, reservation.reserved, now)
            _must_be_free(instrument, reservation, came.used, now)
            _take_back(reservation, came, now)
            # What was held for it went back when nobody came; what was used is paid in any case.
            quotes = {reservation.id: reservation.quote}
            commitments.renew([reservation], quotes, now, refuse=False)
            used = [came.used.start.isoformat(), came.used.end.isoformat()]
            note(
                "undo-no-show",
                reservation,
                user,
                now,
                {"reason": came.reason.strip(), "used": used},
            )
            _count_no_more(reservation, user, came.reason.strip(), now=now)
            notices.restored(reservation, by=user, reason=came.reason, now=now)
    except IntegrityError as broken:
        if NET not in str(broken.orig):
            raise
        raise _taken_since(Text("그 시간", "that time")) from broken
    return reservation


def _take_back(reservation: Reservation, came: CameAfterAll, now: datetime) -> None:
    reserved = reservation.reserved
    reservation.interval = came.used
    operator_id = reservation.operator_id
    if operator_id and duties.attends(operator_id, came.used, besides=reservation.id):
        attend(reservation, None)  # They have attended another since.
    reservation.reserved_from = reserved.start if reserved.start != came.used.start else None
    reservation.reserved_until = reserved.end if reserved.end != came.used.end else None
    reservation.used_from, reservation.used_until = came.used.start, came.used.end
    if came.samples is not None:
        reservation.samples = came.samples
    reservation.decision_reason, reservation.ended_at = "", None
    reservation.no_show_at = None
    touch(reservation, now)


def _must_lie_within(used: Interval, reserved: Interval, now: datetime) -> None:
    if used.start < reserved.start or used.end > min(reserved.end, now):
        wrong = Text(
            "예약한 시간 안의, 이미 지난 시간을 적어 주세요.",
            "Give times that have passed and lie within the time reserved.",
        )
        raise Invalid(wrong, {"ends_at": wrong})


def _must_be_free(
    instrument: Instrument, reservation: Reservation, used: Interval, now: datetime
) -> None:
    """What was given to others since is theirs."""
    facts = queries.booking_facts(
        instrument, reservation.holder, used, now=now, besides=reservation.id
    )
    for known in (facts, *(each.facts for each in facts.linked)):
        met = [each for each in known.held if each.overlaps(used)]
        if len(met) >= known.capacity:
            raise _taken_since(listed(met, zone_of(instrument), now))


def _taken_since(times: Text) -> WrongState:
    return WrongState(
        Text(
            f"그사이 다른 예약이 {times.ko}에 있습니다. 그 시간을 뺀 실제 사용 시간을 적어 주세요.",
            f"Others have reserved {times.en} since. Give the time used without that.",
        )
    )


def _count(reservation: Reservation, *, now: datetime) -> None:
    """Suspend the holder if this was one no-show too many.

    The holder's row is ours since `end` touched it: of two no-shows at the same moment on two
    instruments, the second counts the first.
    """
    limit, place = policy_of(reservation.instrument).no_show_limit, _place(reservation)
    if limit is None:
        return
    before = suspensions.by_rule(reservation.holder_id, place.id)
    # What has led to a suspension does not lead to another.
    spent = {uid for each in before if each.rule for uid in each.rule["missed"]}
    missed = {
        uid: start
        for uid, start in _missed(reservation.holder_id, place.id, limit, now=now).items()
        if uid not in spent
    }
    if limit.reached(missed.values(), now=now):
        suspensions.suspend_by_rule(reservation.holder, place, limit, list(missed), now=now)


def _count_no_more(reservation: Reservation, by: User, reason: str, *, now: datetime) -> None:
    """Take a no-show out of what it led to; a suspension that it had made full ends."""
    limit, holder = policy_of(reservation.instrument).no_show_limit, reservation.holder
    for suspension in suspensions.by_rule(holder.id, reservation.instrument.facility_id):
        rule = suspension.rule
        if rule is None or reservation.uid not in rule["missed"]:
            continue
        left = [uid for uid in rule["missed"] if uid != reservation.uid]
        if limit is not None and len(left) >= limit.number:
            suspension.rule = {**rule, "missed": left, "number": len(left)}
        else:
            suspension.rule = {**rule, "missed": []}  # The others count again for the next.
            suspensions.end(suspension, holder, by, reason, now=now)
    db.session.flush()


def _missed(
    holder_id: int, facility_id: int, limit: NoShowLimit, *, now: datetime
) -> dict[str, datetime]:
    """The person's no-shows at the facility that may count, earliest first."""
    rows = db.session.execute(
        select(Reservation.uid, Reservation.starts_at)
        .join(Reservation.instrument)
        .where(
            Reservation.holder_id == holder_id,
            Reservation.status == Status.NO_SHOW,
            MAIN,
            Reservation.starts_at > now - limit.within,
            Instrument.facility_id == facility_id,
        )
        .order_by(Reservation.starts_at)
    )
    return {row.uid: row.starts_at for row in rows}


def _place(reservation: Reservation) -> Place:
    of = reservation.instrument.facility
    return Place(of.id, of.slug, of.name_ko, of.name_en, of.institution_id)
