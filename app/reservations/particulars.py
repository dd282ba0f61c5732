"""What mails say of a reservation."""

from collections.abc import Sequence
from typing import Any

from app.accounts.models import User
from app.reservations.linked import companions
from app.reservations.models import Reservation


def particulars(
    reservation: Reservation, *, reader: User, by: User | None = None
) -> dict[str, Any]:
    """What a mail says of a reservation; instants in UTC with the zone to show them in."""
    instrument = reservation.instrument
    facility, used = instrument.facility, reservation.used
    return {
        "uid": reservation.uid,
        "reader": reader.name,
        "holder": reservation.holder.name,
        "reserved_by": reservation.reserved_by.name if reservation.reserved_by else None,
        "by": by.name if by and by.id != reader.id else None,
        "instrument": {"ko": instrument.name_ko, "en": instrument.name_en},
        "facility": {"ko": facility.name_ko, "en": facility.name_en},
        "location": {
            "ko": instrument.location_ko or facility.location_ko,
            "en": instrument.location_en or facility.location_en,
        },
        "contact": facility.email,
        "starts_at": reservation.interval.start.isoformat(),
        "ends_at": reservation.interval.end.isoformat(),
        "zone": facility.timezone,
        "status": reservation.status.value,
        "purpose": reservation.purpose,
        "operator": reservation.operator.name if reservation.operator else None,
        "reason": reservation.decision_reason,
        "along": [
            {"ko": each.instrument.name_ko, "en": each.instrument.name_en}
            for each in companions(reservation)
        ],
        "used": [each.isoformat() for each in (used.start, used.end)] if used else None,
        "fee": fee_of([reservation]),
    }


def fee_of(reservations: Sequence[Reservation]) -> dict[str, int] | None:
    """What they cost together, as quoted; None where that is not known of each."""
    quotes = [each.quote for each in reservations if each.quote]
    if len(quotes) < len(reservations):
        return None
    return {name: sum(each[name] for each in quotes) for name in ("net", "vat", "total")}
