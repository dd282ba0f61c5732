"""Analyses that people of the demonstration asked for: one waits, one has its time."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.db import db
from app.domain.approval import Status
from app.domain.commission import CommissionState
from app.domain.local_time import day_of
from app.home.demo_reservations import Book, Row
from app.reservations.commission_models import Commission
from app.reservations.models import Reservation

#: Worked by its staff alone.
INSTRUMENT = "kaist-biocore-orbitrap"
_DAY = timedelta(days=1)

#: A commission, and the uid of the reservation that it became.
Asked = Sequence[tuple[Commission, str | None]]


def ask(instruments: Iterable[Instrument], book: Book) -> Asked:
    """Whoever was there last asks again; what comes next had been asked for and placed."""
    instrument = next((each for each in instruments if each.slug == INSTRUMENT), None)
    if instrument is None:
        return ()
    manager = book.managers[instrument.facility_id]
    rows = sorted(
        (row for row in book.reservations if row["instrument_id"] == instrument.id),
        key=lambda row: row["starts_at"],
    )
    last = [row for row in rows if row["status"] is Status.COMPLETED][-1:]
    ahead = [r for r in rows if r["status"] is Status.CONFIRMED and r["starts_at"] > book.now][:1]
    asked: list[tuple[Commission, str | None]] = []
    for row in last:
        waits = _like(row, book.now - _DAY)
        waits.wished_by = day_of(book.now, zone_of(instrument)) + 9 * _DAY
        waits.duration = (row["reserved_until"] or row["ends_at"]) - row["starts_at"]
        asked.append((waits, None))
    for row in ahead:
        placed = _like(row, row["requested_at"] - _DAY)
        _place(placed, row, manager, book)
        asked.append((placed, row["uid"]))
    for each, _ in asked:
        detail = {"instrument": INSTRUMENT, "purpose": each.purpose, "samples": each.samples}
        _note(book, "ask-for-commission", each, (each.holder_id, each.asked_at), detail)
    return asked


def _like(row: Row, asked_at: datetime) -> Commission:
    same = ("instrument_id", "holder_id", "institution_id", "purpose", "answers")
    return Commission(
        uid=uuid.uuid5(uuid.NAMESPACE_OID, f"commission-{row['uid']}").hex,
        state=CommissionState.WAITING,
        version=1,
        samples=row["samples"] or 1,
        asked_at=asked_at,
        updated_at=asked_at,
        **{name: row[name] for name in same},
    )


def _place(found: Commission, row: Row, manager: User, book: Book) -> None:
    """Its time was reserved by the manager."""
    at = row["requested_at"]
    found.state, found.version = CommissionState.PLACED, 2
    found.decided_at, found.decided_by_id, found.updated_at = at, manager.id, at
    for each in book.audit:
        if each["subject"] == row["uid"] and each["action"] == "request-reservation":
            each["actor_id"] = manager.id
    _note(book, "place-commission", found, (manager.id, at), {"reservation": row["uid"]})


def _note(
    book: Book,
    action: str,
    found: Commission,
    by_and_at: tuple[int, datetime],
    detail: Mapping[str, object],
) -> None:
    by, at = by_and_at
    same = {"kind": "commission", "subject": found.uid, "detail": dict(detail)}
    book.audit.append({"at": at, "actor_id": by, "action": action, **same})


def keep(asked: Asked) -> None:
    """Write them, once their reservations are."""
    for found, uid in asked:
        if uid is not None:
            made = db.session.scalars(select(Reservation).where(Reservation.uid == uid)).one()
            found.reservation_id, made.reserved_by_id = made.id, found.decided_by_id
        db.session.add(found)
    db.session.flush()
