"""Delivering the outbox: each mail at least once, one bad address holds up nobody."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app import clock
from app.db import db, transaction
from app.mail import queries, rendering, senders
from app.mail.models import OutgoingMail
from app.mail.rendering import Unsendable
from app.mail.senders import Postponed, Refused, Sender, Unreachable

log = logging.getLogger("dure.mail")

BATCH = 20
#: A row that a worker has claimed is nobody else's for this long; if the worker dies, it
#: comes back. Longer than sending the one mail begun last may take.
LEASE = timedelta(minutes=4)
#: After this long no further mail of a claimed batch is begun.
BEGIN_WITHIN = timedelta(seconds=90)
#: Waits after the first, second, … failure; then the mail is given up, after about 3 days.
WAITS = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)),
    *17 * (timedelta(hours=4),),
)


def never() -> bool:
    return False


@dataclass
class _Round:
    """One run of the job: the instant moves on while mails are sent."""

    began_at: datetime
    began: float = field(default_factory=clock.monotonic)

    def now(self) -> datetime:
        return self.began_at + timedelta(seconds=clock.monotonic() - self.began)


def deliver(now: datetime, *, stopping: Callable[[], bool] = never) -> int:
    """Send what is due; how many mails were sent. Ends early once `stopping()` is true."""
    this_round, sent = _Round(now), 0
    if not queries.is_any_due(now):
        return 0
    with senders.configured() as sender:
        while not stopping() and (batch := claim(this_round.now())):
            taken, more = _send_all(batch, sender, this_round, stopping)
            sent += taken
            if not more:
                break
    return sent


def claim(now: datetime) -> Sequence[OutgoingMail]:
    """Rows that are due, taken for the time of a lease; other workers pass them over."""
    with transaction():
        due = db.session.scalars(
            select(OutgoingMail)
            .where(
                OutgoingMail.sent_at.is_(None),
                OutgoingMail.given_up_at.is_(None),
                OutgoingMail.due_at <= now,
            )
            .order_by(OutgoingMail.due_at, OutgoingMail.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        ).all()
        for mail in due:
            mail.due_at = now + LEASE
            # Counted before the attempt: a mail that kills its worker is given up too.
            mail.attempts += 1
    db.session.expunge_all()  # Rows as claimed; the transactions below read none of them again.
    return due


def _send_all(
    batch: Sequence[OutgoingMail], sender: Sender, this_round: _Round, stopping: Callable[[], bool]
) -> tuple[int, bool]:
    """How many of the batch were sent, and whether it makes sense to go on."""
    sent, claimed_at = 0, this_round.now()
    for place, mail in enumerate(batch):
        if stopping() or this_round.now() - claimed_at > BEGIN_WITHIN:
            _release(batch[place:], this_round.now())
            return sent, False
        try:
            sent += _send(mail, sender, this_round)
        except Unreachable as away:
            log.warning("no mail can be sent: %s", away)
            _postpone(mail, str(away), this_round.now())
            _release(batch[place + 1 :], this_round.now())
            return sent, False
    return sent, True


def _send(mail: OutgoingMail, sender: Sender, this_round: _Round) -> bool:
    """Whether the mail was taken; raises `Unreachable`."""
    try:
        sender.send(rendering.message(mail), mail.recipient)
    except (Refused, Unsendable) as refused:
        _give_up(mail, str(refused), this_round.now())
    except Postponed as postponed:
        _postpone(mail, str(postponed), this_round.now())
    except Unreachable:
        raise
    except Exception:  # A bug in one template must not hold up the other mails.
        log.exception("mail %s could not be made", mail.id)
        _postpone(mail, "could not be made; see the log", this_round.now())
    else:
        # A link that opens an account lies in the outbox no longer than it must.
        kept = {name: value for name, value in mail.particulars.items() if name != "link"}
        _change(mail, sent_at=this_round.now(), last_error=None, particulars=kept)
        return True
    return False


def _postpone(mail: OutgoingMail, why: str, now: datetime) -> None:
    if mail.attempts > len(WAITS):
        _give_up(mail, why, now)
        return
    log.warning("mail %s is tried again later: %s", mail.id, why)
    _change(mail, due_at=now + WAITS[mail.attempts - 1], last_error=why[:500])


def _give_up(mail: OutgoingMail, why: str, now: datetime) -> None:
    log.error("mail %s is given up: %s", mail.id, why)
    _change(mail, given_up_at=now, last_error=why[:500])


def _release(batch: Sequence[OutgoingMail], now: datetime) -> None:
    """Give back what was claimed and not tried."""
    if not batch:
        return
    with transaction():
        db.session.execute(
            update(OutgoingMail)
            .where(OutgoingMail.id.in_([mail.id for mail in batch]), OutgoingMail.sent_at.is_(None))
            .values(due_at=now, attempts=OutgoingMail.attempts - 1)
        )


def _change(mail: OutgoingMail, **values: object) -> None:
    with transaction():
        db.session.execute(update(OutgoingMail).where(OutgoingMail.id == mail.id).values(**values))
