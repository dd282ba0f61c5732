"""Statements that nobody has paid in time: reminders to the payers, and marks of them."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from app.accounts.today import home_zone
from app.billing import marks, notices, payments
from app.billing.models import Statement
from app.billing.payments import OpenStatement
from app.db import transaction
from app.domain.ageing import reminder_due
from app.domain.local_time import day_of


def follow(now: datetime, stopping: Callable[[], bool]) -> tuple[int, int]:
    """Remind of what is late, and mark who owes it; how many mails and marks were written.

    After an outage of the worker the reminder that is due by now is sent, and not those that it
    makes needless. Safe to run twice: each reminder is sent once, each mark is there once.
    """
    by_pair: defaultdict[marks.Pair, list[Statement]] = defaultdict(list)
    told = marked = 0
    for each in payments.late_on(day_of(now, home_zone())):
        if stopping():
            return told, marked
        told += _remind(each, now)
        by_pair[each.statement.supplier_id, each.statement.payer_id].append(each.statement)
    for pair in sorted(by_pair.keys() | marks.standing().keys()):
        if stopping():
            break
        marked += marks.follow(pair, by_pair.get(pair, ()), now)
    return told, marked


def _remind(late: OpenStatement, now: datetime) -> int:
    days = reminder_due(late.days_late)
    if days is None:
        return 0
    try:
        with transaction():
            return notices.late(late, days, now=now)
    except IntegrityError:  # Another worker was first by a moment.
        return 0
