"""Who is told what about training: rows of the outbox, written with the data."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from app.accounts.models import User
from app.domain.training import LEVEL_NAMES
from app.mail import outbox
from app.training.models import Certificate, SignUp, Standing, TrainingSession


def signed_up(who: SignUp, session: TrainingSession, *, now: datetime) -> None:
    """A receipt: a seat, or a place on the waitlist."""
    _tell("training_signed_up", who, session, now)


def moved_up(who: SignUp, session: TrainingSession, *, now: datetime) -> None:
    _tell("training_moved_up", who, session, now)


def changed(who: SignUp, session: TrainingSession, *, now: datetime) -> None:
    _tell("training_changed", who, session, now)


def cancelled(who: SignUp, session: TrainingSession, *, now: datetime) -> None:
    _tell("training_cancelled", who, session, now)


def granted(
    certificates: Sequence[Certificate], *, now: datetime, session: TrainingSession | None = None
) -> None:
    """One mail for all that somebody got at once."""
    first = certificates[0]
    more = {"session": _both(session, "title") if session else None}
    things = [{**_thing(each), "ends_on": _iso(each.expires_on)} for each in certificates]
    _enqueue(
        "certificate_granted",
        first.user,
        f"certificate_granted-{first.id}",
        {**_of_certificate(first), **more, "things": things},
        now,
    )


def withdrawn(certificate: Certificate, *, now: datetime) -> None:
    _enqueue(
        "certificate_withdrawn",
        certificate.user,
        f"certificate_withdrawn-{certificate.id}",
        {**_of_certificate(certificate), "reason": certificate.withdrawn_reason},
        now,
    )


def expiring(certificate: Certificate, ends_on: date, days: int, *, now: datetime) -> None:
    """A certificate that ends soon; `days`: which of the warnings it is."""
    unused = certificate.expires_on is None or ends_on < certificate.expires_on
    _enqueue(
        "certificate_expiring",
        certificate.user,
        f"certificate_expiring-{certificate.id}-{ends_on}-{days}",
        {**_of_certificate(certificate), "ends_on": _iso(ends_on), "unused": unused},
        now,
    )


def _tell(template: str, who: SignUp, session: TrainingSession, now: datetime) -> None:
    facility = session.facility
    _enqueue(
        template,
        who.user,
        f"{template}-{session.id}-{session.version}-{who.user_id}",
        {
            "session_id": session.id,
            "title": _both(session, "title"),
            "facility": _both(facility, "name"),
            "place": session.place,
            "trainer": session.trainer,
            "starts_at": session.interval.start.isoformat(),
            "ends_at": session.interval.end.isoformat(),
            "zone": facility.timezone,
            "online_url": session.online_url,
            "contact": facility.email,
            "waiting": who.standing is Standing.WAITING,
            "reason": session.cancelled_reason,
        },
        now,
    )


def _enqueue(
    template: str, user: User, key: str, particulars: dict[str, Any], now: datetime
) -> None:
    outbox.enqueue(
        template,
        to=user.email,
        language=user.language,
        key=key,
        particulars={"reader": user.name, **particulars},
        now=now,
    )


def _of_certificate(certificate: Certificate) -> dict[str, Any]:
    level = LEVEL_NAMES[certificate.level]
    return {
        "thing": _thing(certificate),
        "facility": _both(certificate.facility, "name"),
        "level": {"ko": level.ko, "en": level.en},
        "contact": certificate.facility.email,
    }


def _thing(certificate: Certificate) -> dict[str, str]:
    """What the certificate is for: an instrument, a technique, or the facility."""
    return _both(certificate.instrument or certificate.technique or certificate.facility, "name")


def _both(thing: Any, field: str) -> dict[str, str]:
    return {"ko": getattr(thing, f"{field}_ko"), "en": getattr(thing, f"{field}_en")}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
