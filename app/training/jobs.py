"""Warnings before certificates end."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts.models import User
from app.db import db, transaction
from app.domain.local_time import day_of
from app.training import notices, queries
from app.training.models import Certificate, CertificateWarning
from app.training.qualification import STANDING

#: So many days before its end the holder of a certificate is told, each time once.
WARN_DAYS = (30, 7)


def warn_of_ends(now: datetime, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """Tell holders whose certificates end soon; how many mails were written.

    After an outage of the worker the warning that is due by now is sent, and not the ones that
    it makes needless. Safe to run twice: the row that says so is unique.
    """
    warned = {
        (row[0], row[1], row[2])
        for row in db.session.execute(
            select(
                CertificateWarning.certificate_id,
                CertificateWarning.ends_on,
                CertificateWarning.days,
            ).where(CertificateWarning.ends_on >= now.date() - timedelta(days=1))
        )
    }
    told = 0
    for shown in queries.certificates(STANDING, User.active, now=now):
        if stopping():
            break
        certificate, ends_on = shown.certificate, shown.ends_on
        days = _due(ends_on, day_of(now, ZoneInfo(certificate.facility.timezone)))
        if days is None or ends_on is None or (certificate.id, ends_on, days) in warned:
            continue
        told += _warn(certificate.id, ends_on, days, now)
    return told


def _due(ends_on: date | None, today: date) -> int | None:
    """The nearest warning whose day has come; None where there is none, or it is too late."""
    if ends_on is None or ends_on < today:
        return None
    left = (ends_on - today) // timedelta(days=1)
    return min((days for days in WARN_DAYS if left <= days), default=None)


def _warn(certificate_id: int, ends_on: date, days: int, now: datetime) -> int:
    try:
        with transaction():
            db.session.add(
                CertificateWarning(certificate_id=certificate_id, ends_on=ends_on, days=days)
            )
            db.session.flush()  # Fails here if the warning went out before.
            certificate = db.session.get_one(Certificate, certificate_id)
            if certificate.withdrawn_at or certificate.replaced_at:
                return 0
            notices.expiring(certificate, ends_on, days, now=now)
    except IntegrityError:
        return 0
    return 1
