"""Who is told what about a reservation: rows of the outbox, written with the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.accounts.models import ApprovalMails, RoleGrant, RoleName, User
from app.catalog.models import BlackoutKind, Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.recurrence import Recurrence
from app.mail import outbox
from app.reservations import approvers, attendance_notices, watch_links
from app.reservations.models import Offer, Participant, Reservation, TimeWatch, Wait
from app.reservations.particulars import fee_of, particulars


def requested(reservation: Reservation, *, now: datetime, attended: User | None = None) -> None:
    """The holder has a confirmation or a receipt; managers learn what waits for them.

    `attended`: the operator of what somebody else held before.
    """
    if reservation.status is Status.PENDING:
        _tell(reservation.holder, "reservation_requested", reservation, now)
        awaits(reservation, now=now)
    else:
        _tell(reservation.holder, "reservation_confirmed", reservation, now)
    attendance_notices.changed(reservation, attended, now=now)


def changed(
    reservation: Reservation, *, by: User, now: datetime, attended: User | None = None
) -> None:
    """`attended`: the operator it had before."""
    attendance_notices.changed(reservation, attended, by=by, now=now)
    _tell(reservation.holder, "reservation_changed", reservation, now, by=by)
    tell_participants("reservation_changed", reservation, now, by=by)
    if reservation.status is Status.PENDING:
        awaits(reservation, now=now)


def cancelled(reservation: Reservation, *, by: User, now: datetime) -> None:
    _tell(reservation.holder, "reservation_cancelled", reservation, now, by=by)
    tell_participants("reservation_cancelled", reservation, now, by=by)
    attendance_notices.tell("ended", reservation, by=by, now=now)


def approved(reservation: Reservation, *, now: datetime, attended: User | None = None) -> None:
    """`attended`: the operator who was to attend it until it was approved."""
    if attended is reservation.operator:
        attendance_notices.tell("confirmed", reservation, now=now)
    else:
        attendance_notices.changed(reservation, attended, now=now)
    _tell(reservation.holder, "reservation_approved", reservation, now)


def rejected(reservation: Reservation, *, now: datetime) -> None:
    _tell(reservation.holder, "reservation_rejected", reservation, now)
    tell_participants("reservation_rejected", reservation, now)
    attendance_notices.tell("ended", reservation, now=now)


def undecided(reservation: Reservation, *, now: datetime) -> None:
    """Nobody decided in time: the holder and who takes part learn that the time is gone."""
    _tell(reservation.holder, "request_released", reservation, now)
    tell_participants("request_released", reservation, now)
    attendance_notices.tell("ended", reservation, now=now)


def escalated(reservation: Reservation, above: Sequence[User], *, now: datetime) -> None:
    """Those above learn that a request waits too long."""
    for user in above:
        _tell(user, "request_escalated", reservation, now)


def acted_for(reservation: Reservation, *, by: User, reason: str, now: datetime) -> None:
    """Whoever checks in or out, or goes on longer, for somebody else: the holder is told."""
    if by.id != reservation.holder_id:
        _tell(reservation.holder, "reservation_used", reservation, now, by=by, reason=reason)


def missed(reservation: Reservation, *, now: datetime) -> None:
    _tell(reservation.holder, "reservation_missed", reservation, now)
    tell_participants("reservation_missed", reservation, now)
    attendance_notices.tell("ended", reservation, now=now)


def restored(reservation: Reservation, *, by: User, reason: str, now: datetime) -> None:
    _tell(reservation.holder, "reservation_restored", reservation, now, by=by, reason=reason)
    tell_participants("reservation_restored", reservation, now, by=by, reason=reason)


def forgotten(reservation: Reservation, *, now: datetime) -> None:
    _tell(reservation.holder, "reservation_closed", reservation, now)


def offered(offer: Offer, *, now: datetime) -> None:
    """Time is held for somebody on the waitlist, for a while."""
    reservation = offer.reservation
    until = offer.expires_at.isoformat()
    _tell(reservation.holder, "time_offered", reservation, now, expires_at=until)


def offer_expired(offer: Offer, *, now: datetime) -> None:
    _tell(offer.reservation.holder, "offer_expired", offer.reservation, now)


def waiting_ended(wait: Wait, *, now: datetime) -> None:
    """The time that somebody waited for has come, and nothing was free."""
    first = wait.instruments[0]
    named = wait.technique or first
    outbox.enqueue(
        "waiting_ended",
        to=wait.user.email,
        language=wait.user.language,
        key=f"waiting_ended-{wait.uid}",
        particulars={
            "reader": wait.user.name,
            "what": {"ko": named.name_ko, "en": named.name_en},
            "starts_at": wait.interval.start.isoformat(),
            "ends_at": wait.interval.end.isoformat(),
            "zone": first.facility.timezone,
        },
        now=now,
    )


def time_freed(
    watch: TimeWatch, instrument: Instrument, spans: Sequence[Interval], *, key: str, now: datetime
) -> None:
    """Time is free on an instrument that the person watches."""
    user, facility = watch.user, instrument.facility
    outbox.enqueue(
        "time_freed",
        to=user.email,
        language=user.language,
        key=f"time_freed-{key}-{user.id}",
        particulars={
            "reader": user.name,
            "instrument": {"ko": instrument.name_ko, "en": instrument.name_en},
            "facility": {"ko": facility.name_ko, "en": facility.name_en},
            "slug": instrument.slug,
            "zone": facility.timezone,
            "spans": [[each.start.isoformat(), each.end.isoformat()] for each in spans],
            "stop": watch_links.secret_of(watch),
        },
        now=now,
    )


@dataclass(frozen=True, slots=True)
class WayGiven:
    """For what a reservation gives way, in words that its holder is told."""

    kind: BlackoutKind
    reason: str = ""


def gave_way(
    reservation: Reservation,
    before: Interval,
    why: WayGiven,
    *,
    by: User,
    now: datetime,
    attended: User | None = None,
) -> None:
    """One mail: that it was cancelled or moved, from when, and for what.

    `attended`: the operator it had before.
    """
    if reservation.interval == before:
        attendance_notices.tell("ended", reservation, by=by, now=now)
    else:
        attendance_notices.changed(reservation, attended, by=by, now=now)
    told: dict[str, Any] = {
        "kind": why.kind.value,
        "was": {"starts_at": before.start.isoformat(), "ends_at": before.end.isoformat()},
        "reason": why.reason,
    }
    _tell(reservation.holder, "reservation_gave_way", reservation, now, by=by, **told)
    tell_participants("reservation_gave_way", reservation, now, by=by, **told)


def stays(reservation: Reservation, why: WayGiven, *, by: User, now: datetime) -> None:
    """The reservation stands, but the instrument may not be in order by then."""
    holder = reservation.holder
    outbox.enqueue(
        "reservation_in_doubt",
        to=holder.email,
        language=holder.language,
        # The reservation itself does not change, and may be in doubt again.
        key=f"reservation_in_doubt-{reservation.uid}-{now.isoformat()}",
        particulars={
            **particulars(reservation, reader=holder, by=by),
            "kind": why.kind.value,
            "reason": why.reason,
        },
        now=now,
    )


def of_series(
    event: str,
    reservations: Sequence[Reservation],
    *,
    by: User,
    now: datetime,
    attended: Mapping[int, User | None] | None = None,
) -> None:
    """One mail for all that became of a series at once: "made", "changed" or "cancelled".

    `attended`: of those that changed, by their ids, the operator they had before.
    """
    attendance_notices.of_series(event, reservations, attended or {}, by=by, now=now)
    first = reservations[0]
    if event != "made":
        for each in reservations:
            tell_participants(f"reservation_{event}", each, now, by=by)
    dates = [
        {"starts_at": each.starts_at.isoformat(), "ends_at": each.ends_at.isoformat()}
        for each in reservations
    ]
    series = first.series
    rule = Recurrence.parse(series.rrule).in_words() if series else Text("", "")
    more = {
        "event": event,
        "dates": dates,
        "rule": {"ko": rule.ko, "en": rule.en},
        "skipped": series.skipped if series and event == "made" else [],
        "fee": fee_of(reservations),
    }
    told = [("series_told", first.holder)]
    if event != "cancelled" and any(each.status is Status.PENDING for each in reservations):
        waits = next(each for each in reservations if each.status is Status.PENDING)
        told += [("series_awaits", approver) for approver in _told_at_once(waits)]
    of = f"{series.uid}-{series.version}" if series else f"{first.uid}-{first.version}"
    for template, reader in told:
        outbox.enqueue(
            template,
            to=reader.email,
            language=reader.language,
            key=f"{template}-{of}-{reader.id}",
            particulars=particulars(first, reader=reader, by=by) | more,
            now=now,
        )


def awaits(reservation: Reservation, *, now: datetime) -> None:
    """Those whose turn it is to decide learn what waits for them."""
    for approver in _told_at_once(reservation):
        _tell(approver, "reservation_awaits", reservation, now)


def takes_part(
    reservation: Reservation, email: str, *, by: User, added: bool, now: datetime
) -> None:
    """Whoever has the account with the address learns that they take part, or no longer do."""
    reader = db.session.scalar(select(User).where(User.email == email, User.active))
    if reader is None:
        return
    outbox.enqueue(
        "takes_part",
        to=reader.email,
        language=reader.language,
        # They may be added, taken off and added again.
        key=f"takes_part-{reservation.uid}-{reader.id}-{added}-{now.isoformat()}",
        particulars=particulars(reservation, reader=reader, by=by) | {"added": added},
        now=now,
    )


def tell_participants(
    template: str, reservation: Reservation, now: datetime, **others: Any
) -> None:
    """Whoever takes part, and did not do it themself."""
    taking_part = select(Participant.email).where(Participant.reservation_id == reservation.id)
    readers = db.session.scalars(
        select(User).where(User.email.in_(taking_part), User.active).order_by(User.id)
    )
    for reader in readers:
        _tell(reader, template, reservation, now, **others)


def _told_at_once(reservation: Reservation) -> list[User]:
    """Those whose turn it is; who hears once a day is told by `digest`."""
    return [
        user for user in approvers.told(reservation) if user.approval_mails is ApprovalMails.AT_ONCE
    ]


def managers_of(facility_id: int) -> Sequence[User]:
    """Who hears of what happens in a facility."""
    return db.session.scalars(
        select(User).where(
            User.id.in_(
                select(RoleGrant.user_id).where(
                    RoleGrant.role == RoleName.FACILITY_MANAGER,
                    RoleGrant.facility_id == facility_id,
                )
            ),
            User.active,
        )
    ).all()


def _tell(
    user: User,
    template: str,
    reservation: Reservation,
    now: datetime,
    *,
    by: User | None = None,
    reason: str | None = None,
    **others: Any,
) -> None:
    told = {**particulars(reservation, reader=user, by=by), **others}
    if reason is not None:
        told["reason"] = reason.strip()
    outbox.enqueue(
        template,
        to=user.email,
        language=user.language,
        key=f"{template}-{reservation.uid}-{reservation.version}-{user.id}",
        particulars=told,
        now=now,
    )
