"""Who is told of what was asked back: the holder, and whoever asked."""

from datetime import datetime

from app.accounts.models import ApprovalMails, User
from app.mail import outbox
from app.reservations import attendance_notices, notices
from app.reservations.approval_models import ApprovalQuestion
from app.reservations.models import Reservation
from app.reservations.particulars import particulars


def asked(reservation: Reservation, question: ApprovalQuestion, *, by: User, now: datetime) -> None:
    """The holder learns what is asked, and until when they may answer."""
    assert reservation.answer_by
    said = _said(question) | {"until": reservation.answer_by.isoformat()}
    _tell("question_asked", reservation, reservation.holder, now, by, **said)


def answered(
    reservation: Reservation, question: ApprovalQuestion, *, by: User, now: datetime
) -> None:
    """Whoever asked learns the answer, unless they hear once a day of what waits."""
    reader = question.asked_by
    if reader.active and reader.approval_mails is ApprovalMails.AT_ONCE:
        said = _said(question) | {"answer": question.answer}
        _tell("question_answered", reservation, reader, now, by, **said)


def expired(reservation: Reservation, question: ApprovalQuestion, *, now: datetime) -> None:
    """Nobody answered in time: all whom it concerns learn that the time is free."""
    readers = {each.id: each for each in (reservation.holder, question.asked_by) if each.active}
    for reader in readers.values():
        own = reader.id == reservation.holder_id
        said = _said(question) | {"own": own}
        _tell("question_expired", reservation, reader, now, None, **said)
    notices.tell_participants("reservation_rejected", reservation, now)
    attendance_notices.tell("ended", reservation, now=now)


def _said(question: ApprovalQuestion) -> dict[str, object]:
    times = question.proposed
    return {
        "question": question.question,
        "proposed": [times.start.isoformat(), times.end.isoformat()] if times else [],
    }


def _tell(
    template: str,
    reservation: Reservation,
    reader: User,
    now: datetime,
    by: User | None,
    **said: object,
) -> None:
    outbox.enqueue(
        template,
        to=reader.email,
        language=reader.language,
        key=f"{template}-{reservation.uid}-{reservation.version}-{reader.id}",
        particulars=particulars(reservation, reader=reader, by=by) | said,
        now=now,
    )
