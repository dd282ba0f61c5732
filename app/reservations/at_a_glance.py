"""What else a decision turns on: what is asked for at the same time, and what is held already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased, joinedload

from app.catalog.booking_settings import LONGEST_RESERVATION
from app.catalog.models import Facility, Instrument
from app.catalog.policy import policy_of, zone_of
from app.db import db
from app.domain.approval import Status
from app.domain.booking import Mode
from app.domain.quota_use import QuotaUse, used
from app.reservations import queries
from app.reservations.linked import MAIN
from app.reservations.models import Reservation

_STANDS = (Status.PENDING, Status.CONFIRMED, Status.IN_USE)


@dataclass(frozen=True, slots=True)
class Glance:
    """What lies beside one request."""

    rivals: Sequence[Reservation] = ()  # others who wait for the same time of the instrument
    taken: int = 0  # places that are given away for good at some moment of it
    elsewhere: Sequence[Reservation] = ()  # what its holder holds on other instruments meanwhile
    quotas: Sequence[QuotaUse] = ()

    @property
    def shows(self) -> bool:
        return bool(self.rivals or self.taken or self.elsewhere or self.quotas)


def glances(reservations: Iterable[Reservation], *, now: datetime) -> dict[int, Glance]:
    """Of each request, by its id; one statement, and more for each whose instrument has quotas."""
    wanted = {each.id: each for each in reservations}
    beside = _beside(list(wanted.values()))
    return {key: _glance(each, beside.get(key, []), now) for key, each in wanted.items()}


def _glance(reservation: Reservation, beside: Sequence[Reservation], now: datetime) -> Glance:
    here = [each for each in beside if each.instrument_id == reservation.instrument_id]
    starts = [reservation.starts_at, *(e.starts_at for e in here)]
    given = [each.interval for each in here if each.status is not Status.PENDING]
    return Glance(
        rivals=[each for each in here if each.status is Status.PENDING],
        taken=max(
            sum(span.start <= moment < span.end for span in given)
            for moment in starts
            if reservation.starts_at <= moment
        ),
        elsewhere=[
            each
            for each in beside
            if each.instrument_id != reservation.instrument_id
            and each.holder_id == reservation.holder_id
            and Mode.COMMISSIONED not in {each.mode, reservation.mode}
        ],
        quotas=_quotas(reservation, now),
    )


def _beside(reservations: Sequence[Reservation]) -> dict[int, list[Reservation]]:
    """What overlaps each: on the same instrument, or of the same holder; one statement."""
    if not reservations:
        return {}
    ids = [each.id for each in reservations]
    first = min(each.starts_at for each in reservations) - LONGEST_RESERVATION
    asked = aliased(Reservation)
    meets = and_(
        Reservation.id != asked.id,
        or_(
            Reservation.instrument_id == asked.instrument_id,
            and_(Reservation.holder_id == asked.holder_id, MAIN),
        ),
        Reservation.starts_at < asked.ends_at,
        Reservation.ends_at > asked.starts_at,
        # A bundle does not compete with itself.
        or_(Reservation.bundle.is_(None), Reservation.bundle != asked.uid),
    )
    rows = db.session.execute(
        select(asked.id, Reservation)
        .join(Reservation, meets)
        .where(asked.id.in_(ids), Reservation.status.in_(_STANDS), Reservation.starts_at > first)
        .options(
            joinedload(Reservation.holder),
            joinedload(Reservation.instrument)
            .joinedload(Instrument.facility)
            .joinedload(Facility.institution),
        )
        .order_by(Reservation.starts_at, Reservation.id)
    )
    found: dict[int, list[Reservation]] = {}
    for key, each in rows:
        found.setdefault(key, []).append(each)
    return found


def _quotas(reservation: Reservation, now: datetime) -> list[QuotaUse]:
    instrument = reservation.instrument
    quotas = policy_of(instrument).quotas
    if not quotas:
        return []
    held = queries.already_held(
        instrument,
        reservation.holder,
        reservation.interval,
        now=now,
        besides=reservation.id,
        group=reservation.group_id,
    )
    zone = zone_of(instrument)
    return used(quotas, reservation.interval, held.counted, now=now, zone=zone)
