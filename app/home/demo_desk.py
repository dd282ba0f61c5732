"""What lies on the demonstration's desks: questions, offers, a deadline, a suspension, a wait."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import select

from app.accounts import absences, assistants, suspensions
from app.accounts.models import User
from app.accounts.places import places_by_id
from app.accounts.today import home_zone
from app.catalog.models import Instrument
from app.catalog.policy import policy_of, zone_of
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import DureError
from app.domain.file_kinds import DOCUMENTS
from app.domain.interval import Interval
from app.domain.local_time import day_of, first_instant
from app.files.services import Upload, put_draft
from app.reservations import (
    hand_overs,
    participants,
    proposals,
    questions,
    services,
    waiting,
    waitlist,
)
from app.reservations.models import Reservation
from app.reservations.waitlist import Wish
from app.web import uploads

RESEARCHER, OTHER, MANAGER = (
    "minseo.kim@example.org",
    "junho.lee@example.org",
    "kaist-biocore@kaist.example",
)
_COLLEAGUE, _DEPUTY = "seoyeon.choi@example.org", "kaist-cryoem@kaist.example"
_TRIED = 20
#: Asks for a file, and has to be agreed to at two stages within two days.
_STAGED = "kaist-biocore-sorter"
_DECLARATION = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
"""


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
    _propose(manager, researcher, now)
    _wait(researcher, own, now)
    staged = db.session.scalar(select(Instrument).where(Instrument.slug == _STAGED))
    if staged is not None:
        _hand_in(other, staged, now - timedelta(hours=44))
        _suspend(staged, {*people}, now)


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


def _propose(manager: User, researcher: User, now: datetime) -> None:
    """Another day to the researcher, for what they asked for; the first that is free."""
    for reservation in waiting.awaiting(manager, limit=_TRIED):
        if reservation.holder_id != researcher.id or not questions.may_be_asked(reservation, now):
            continue
        for days in range(1, 8):
            times = reservation.interval.shifted(timedelta(days=days))
            words = "그날은 레이저 점검이 있어 다른 날이 더 좋습니다."
            try:
                proposals.propose_time(manager, reservation.uid, times, words, now=now)
            except DureError:  # Taken, or closed: the next day may do.
                continue
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


def _hand_in(holder: User, instrument: Instrument, at: datetime) -> None:
    """A request with a file, that was made at `at` and has to be decided within hours."""
    zone, upload = zone_of(instrument), Upload("생물안전 신고서.pdf", _DECLARATION)
    file = put_draft(
        uploads.folder(), upload, DOCUMENTS, field="declaration", owner=holder, now=at
    ).uid
    for days in range(4, 4 + _TRIED):
        morning = datetime.combine(day_of(at, zone) + timedelta(days=days), time(10))
        start = first_instant(morning, zone)
        request = BookingRequest(
            instrument.slug,
            Interval(start, start + timedelta(hours=2)),
            purpose="CAR-T 세포 분리",
            mode=Mode.COMMISSIONED,
            samples=6,
            answers={"declaration": file},
        )
        try:
            services.request_reservation(holder, request, now=at)
        except DureError:  # Taken or closed: the next day may do.
            continue
        return


def _suspend(instrument: Instrument, visitors: set[str], now: datetime) -> None:
    """Whoever did not come too often, but none of those whom visitors sign in as."""
    limit = policy_of(instrument).no_show_limit
    if limit is None:
        return
    missed: defaultdict[User, list[str]] = defaultdict(list)
    for each in db.session.scalars(
        select(Reservation)
        .join(Reservation.instrument)
        .where(
            Instrument.facility_id == instrument.facility_id,
            Reservation.status == Status.NO_SHOW,
            Reservation.starts_at > now - limit.within,
        )
        .order_by(Reservation.starts_at)
    ):
        missed[each.holder].append(each.uid)
    place = places_by_id([instrument.facility_id])[instrument.facility_id]
    for holder, uids in missed.items():
        if len(uids) >= limit.number and holder.email not in visitors:
            with transaction():
                suspensions.suspend_by_rule(holder, place, limit, uids, now=now)
            return
