"""What becomes of statements by itself."""

from collections.abc import Callable
from datetime import datetime

from app.billing import late


def follow_payments(
    now: datetime, *, stopping: Callable[[], bool] = lambda: False
) -> tuple[int, int]:
    """Remind of statements that are late, and mark who owes them; how many of each."""
    return late.follow(now, stopping)
