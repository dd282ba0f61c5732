"""What people are told by mail of a commission: its holder at each step, managers of new ones."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.accounts.models import ApprovalMails, User
from app.domain.approval import Status
from app.domain.commission import CommissionState
from app.mail import outbox
from app.reservations import attendance_notices, notices
from app.reservations.commission_models import Commission
from app.reservations.models import Reservation
from app.reservations.particulars import fee_of

_EVENTS: Mapping[CommissionState, str] = {
    CommissionState.WAITING: "returned",
    CommissionState.PLACED: "placed",
    CommissionState.DECLINED: "declined",
    CommissionState.WITHDRAWN: "withdrawn",
}


def asked(found: Commission, *, by: User, now: datetime) -> None:
    """The holder has a receipt; managers learn of it at once, or from the mail of the day."""
    _tell("commission_told", found.holder, found, "asked", by=by, now=now)
    for manager in notices.managers_of(found.instrument.facility_id):
        if manager.id != by.id and manager.approval_mails is ApprovalMails.AT_ONCE:
            _tell("commission_awaits", manager, found, "asked", by=by, now=now)


def told(found: Commission, *, by: User, now: datetime) -> None:
    """The holder learns what has become of it."""
    _tell("commission_told", found.holder, found, _EVENTS[found.state], by=by, now=now)


def placed(found: Commission, reservation: Reservation, *, by: User, now: datetime) -> None:
    """In place of the mail that tells of a reservation; others hear of it as of any."""
    _tell("commission_told", found.holder, found, "placed", by=by, now=now)
    if reservation.status is Status.PENDING:
        notices.awaits(reservation, now=now)
    attendance_notices.tell("assigned", reservation, now=now)


def cancelled(reservation: Reservation, *, by: User, now: datetime) -> None:
    """The same where its time is given up and it waits again."""
    notices.tell_participants("reservation_cancelled", reservation, now, by=by)
    attendance_notices.tell("ended", reservation, by=by, now=now)


def _tell(
    template: str, reader: User, found: Commission, event: str, *, by: User, now: datetime
) -> None:
    outbox.enqueue(
        template,
        to=reader.email,
        language=reader.language,
        key=f"{template}-{found.uid}-{found.version}-{reader.id}",
        particulars=_particulars(found, reader, by) | {"event": event},
        now=now,
    )


def _particulars(found: Commission, reader: User, by: User) -> dict[str, Any]:
    """What a mail says of it; instants in UTC with the zone to show them in."""
    instrument, reservation = found.instrument, found.reservation
    facility = instrument.facility
    return {
        "uid": found.uid,
        "reader": reader.name,
        "holder": found.holder.name,
        "by": by.name if by.id != reader.id else None,
        "instrument": {"ko": instrument.name_ko, "en": instrument.name_en},
        "facility": {"ko": facility.name_ko, "en": facility.name_en},
        "contact": facility.email,
        "zone": facility.timezone,
        "purpose": found.purpose,
        "samples": found.samples,
        "earliest_on": found.earliest_on.isoformat() if found.earliest_on else None,
        "wished_by": found.wished_by.isoformat() if found.wished_by else None,
        "reason": found.decision_reason,
        "starts_at": reservation.starts_at.isoformat() if reservation else None,
        "ends_at": reservation.ends_at.isoformat() if reservation else None,
        "pending": reservation is not None and reservation.status is Status.PENDING,
        "fee": fee_of([reservation]) if reservation else None,
        "reservation": reservation.uid if reservation else None,
    }
