"""One mail a day with all that waits for somebody, for those who like it so."""

from collections.abc import Callable
from datetime import date, datetime, time

from sqlalchemy import or_, select, update

from app.accounts.models import ApprovalMails, User
from app.accounts.today import home_zone
from app.db import db, transaction
from app.mail import outbox
from app.reservations import commission_queries, waiting

#: From this hour on, where the instance is at home.
AT = time(8)
#: As many as are named; the rest is counted.
_NAMED = 20


def send(now: datetime, stopping: Callable[[], bool]) -> int:
    """Tell each once a day, also if the hour was missed; how many were told.

    Twice or on two machines, the result is the same: the day is claimed with the mail.
    """
    here = now.astimezone(home_zone())
    if here.time() < AT:
        return 0
    day = here.date()
    due = db.session.scalars(
        select(User.id)
        .where(
            User.approval_mails == ApprovalMails.DAILY,
            User.active,
            or_(User.digested_on.is_(None), User.digested_on < day),
        )
        .order_by(User.id)
    ).all()
    return sum(_tell(user_id, day, now) for user_id in due if not stopping())


def _tell(user_id: int, day: date, now: datetime) -> bool:
    with transaction():
        claimed = db.session.scalar(
            update(User)
            .where(User.id == user_id, or_(User.digested_on.is_(None), User.digested_on < day))
            .values(digested_on=day)
            .returning(User.id)
            .execution_options(synchronize_session=False)
        )
        if claimed is None:
            return False
        user = db.session.get_one(User, user_id)
        count, commissions = waiting.count_awaiting(user), commission_queries.count_to_place(user)
        if not count and not commissions:
            return False
        outbox.enqueue(
            "approvals_digest",
            to=user.email,
            language=user.language,
            key=f"approvals_digest-{day.isoformat()}-{user.id}",
            particulars={
                "reader": user.name,
                "count": count,
                "commissions": commissions,
                "requests": [
                    {
                        "uid": each.uid,
                        "holder": each.holder.name,
                        "instrument": {
                            "ko": each.instrument.name_ko,
                            "en": each.instrument.name_en,
                        },
                        "starts_at": each.starts_at.isoformat(),
                        "zone": each.instrument.facility.timezone,
                    }
                    for each in waiting.awaiting(user, limit=_NAMED)
                ],
            },
            now=now,
        )
        return True
