"""What becomes of reservations by itself: no-shows, forgotten uses, keys to forget."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.db import db, transaction
from app.reservations import digest, hand_overs, offering, overdue, use, watching
from app.reservations.models import IdempotencyKey

#: Promised are 24 hours; longer, so that nobody loses to a clock that is a little off.
KEPT = timedelta(hours=26)


def forget_idempotency_keys(now: datetime) -> None:
    """Forget the keys of requests that nobody repeats any more."""
    old = IdempotencyKey.made_at < now - KEPT
    # Asked first: where nothing is old, no lock is taken.
    if db.session.scalar(select(IdempotencyKey.id).where(old).limit(1)) is None:
        return
    with transaction():
        db.session.execute(delete(IdempotencyKey).where(old))


def follow_use(now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> tuple[int, int]:
    """Give away the time of no-shows and close forgotten uses; how many of each.

    Both catch up on all that became due while no worker ran. What nobody has taken over in time
    stays with its holder.
    """
    hand_overs.end_stale(now, stopping)
    return use.release_missed(now, stopping), use.close_forgotten(now, stopping)


def end_undecided(now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """Turn down, or bring before those above, what nobody has decided in time."""
    return overdue.end_undecided(now, stopping)


def send_digests(now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """Tell those who like it so, once a day, of all that waits for them."""
    return digest.send(now, stopping)


def tend_waitlist(now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """End what is over and offer what is free; catches up on all that came due meanwhile."""
    offering.end_offers(now, stopping)
    offering.end_waiting(now, stopping)
    offering.offer_what_is_free(now, stopping)


def tell_of_freed_time(now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Tell whoever asked for it of time that has become free."""
    watching.tell(now, stopping)
