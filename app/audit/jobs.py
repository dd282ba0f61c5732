"""Sealing the audit trail."""

import logging
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.audit import chain
from app.audit.chain import Head
from app.audit.models import AuditRow
from app.db import db, transaction

log = logging.getLogger("dure.audit")

BATCH = 1_000


def seal(_now: datetime) -> int:
    """Seal the rows that were added; how many were.

    Rows are chained in the order in which they are sealed: one whose transaction ended
    late has a low id and a high place. Two sealers at once either come to the same seals,
    or the later one finds a place taken and gives up; its rows wait for the next time.
    """
    sealed, whole = 0, True
    while True:
        try:
            whole = whole and _reaches(chain.kept_head())
            count, head = _seal_batch()
        except IntegrityError:
            log.info("another process seals the audit trail at this moment")
            return sealed
        if head is None:
            return sealed
        if whole:
            chain.keep_head(head)
        log.info("audit trail sealed", extra={"place": head.place, "seal": head.seal})
        sealed += count
        if count < BATCH:
            return sealed


def _reaches(kept: Head | None) -> bool:
    """Whether the chain still holds the head that this machine remembers.

    If not, rows were cut off, and what is remembered must outlive new rows in their place.
    """
    if kept is None:
        return True
    found = db.session.scalar(select(AuditRow.seal).where(AuditRow.sealed == kept.place))
    if found == kept.seal:
        return True
    log.error("the audit trail is not what this machine remembers; see `dure audit verify`")
    return False


def _seal_batch() -> tuple[int, Head | None]:
    """How many rows were sealed, and how far the chain reaches now."""
    waiting = select(AuditRow).where(AuditRow.sealed.is_(None)).order_by(AuditRow.id).limit(BATCH)
    # Asked before the transaction: where nothing waits, no lock is taken.
    if db.session.scalar(waiting.with_only_columns(AuditRow.id).limit(1)) is None:
        return 0, None
    with transaction():
        last = db.session.execute(
            select(AuditRow.sealed, AuditRow.seal)
            .where(AuditRow.sealed.is_not(None))
            .order_by(AuditRow.sealed.desc())
            .limit(1)
        ).one_or_none()
        place, before = (last.sealed or 0, last.seal or "") if last else (0, chain.BEGINNING)
        values = []
        for row in db.session.scalars(waiting.execution_options(populate_existing=True)):
            place += 1
            before = chain.seal(row, place, before)
            values.append({"id": row.id, "sealed": place, "seal": before})
        db.session.expunge_all()
        if not values:
            return 0, None
        db.session.execute(update(AuditRow), values)
    return len(values), Head(place, before)
