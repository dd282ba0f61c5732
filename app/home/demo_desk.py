"""What lies on the demonstration's desks: a question, an offer, an assistant, a deputy, a wait."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from app.accounts import absences, assistants
from app.accounts.models import User
from app.accounts.today import home_zone
from app.db import db
from app.domain.approval import Status
from app.domain.errors import DureError
from app.reservations import hand_overs, participants, questions, waiting, waitlist
from app.reservations.models import Reservation
from app.reservations.waitlist import Wish

RESEARCHER, OTHER, MANAGER = (
    "minseo.kim@example.org",
    "junho.lee@example.org",
    "kaist-biocore@kaist.example",
)
_COLLEAGUE, _DEPUTY = "seoyeon.choi@example.org", "kaist-cryoem@kaist.example"
_TRIED = 20


def lay_out(*, now: datetime) -> None:
    """By the use cases that a visitor would use, between the people who can sign in first."""
    found = db.session.scalars(select(User).where(User.email.in_((RESEARCHER, OTHER, MANAGER))))
    people = {user.email: user for user in found}
    if len(people) < 3:
        return
    researcher, other, manager = (people[each] for each in (RESEARCHER, OTHER, MANAGER))
    own = _coming(researcher.id, now)
    for reservation in own[:1]:
        participants.add(researcher, reservation.uid, _COLLEAGUE, now=now)
    for reservation in _coming(other.id, now)[:1]:
        hand_overs.offer(other, reservation.uid, RESEARCHER, now=now)
    assistants.name_assistant(researcher, _COLLEAGUE, now=now)
    today = now.astimezone(home_zone()).date()
    away = today + timedelta(days=14)
    absences.enter(manager, _DEPUTY, away, away + timedelta(days=4), now=now, today=today)
    _ask(manager, now)
    _wait(researcher, own, now)


def _coming(holder_id: int, now: datetime) -> Sequence[Reservation]:
    """What somebody will use, from the day after tomorrow on."""
    return db.session.scalars(
        select(Reservation)
        .where(
            Reservation.holder_id == holder_id,
            Reservation.status == Status.CONFIRMED,
            Reservation.starts_at > now + timedelta(days=2),
            Reservation.bundle.is_(None),
        )
        .order_by(Reservation.starts_at)
    ).all()


def _ask(manager: User, now: datetime) -> None:
    """The holder of the last request on the desk that leaves time for it."""
    for reservation in reversed(waiting.awaiting(manager, limit=_TRIED)):
        if questions.may_be_asked(reservation, now):
            question = "시료는 고정된 상태인가요? 살아 있다면 생물안전 승인 번호도 알려 주세요."
            questions.ask_holder(manager, reservation.uid, question, now=now)
            return


def _wait(researcher: User, own: Sequence[Reservation], now: datetime) -> None:
    """For a time that somebody else holds, on an instrument that the researcher uses."""
    taken = db.session.scalars(
        select(Reservation)
        .where(
            Reservation.instrument_id.in_({each.instrument_id for each in own}),
            Reservation.holder_id != researcher.id,
            Reservation.status == Status.CONFIRMED,
            Reservation.starts_at > now + timedelta(days=2),
            Reservation.bundle.is_(None),
        )
        .order_by(Reservation.starts_at)
        .limit(_TRIED)
    ).all()
    for reservation in taken:
        wish = Wish(
            within=reservation.interval,
            instruments=(reservation.instrument.slug,),
            purpose="막단백질 위치 확인",
        )
        try:
            waitlist.ask(researcher, wish, now=now)
        except DureError:  # Hours, quotas or training: the next one may do.
            continue
        return
