"""Who takes part in somebody's reservation: they see it and are told what becomes of it.

Kept by address, as assistants are: whether there is an account with it is told to nobody.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.accounts.queries import normal_email
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.reservations import notices, queries
from app.reservations.models import Participant, Reservation
from app.reservations.steps import again, note
from app.reservations.turns import lock_calendar

#: As many as stand around an instrument.
MOST = 30
_OPEN = (Status.PENDING, Status.CONFIRMED, Status.IN_USE)


def add(user: User, uid: str, email: str, *, now: datetime) -> Participant:
    """Let somebody take part; whoever has the account with that address is told."""
    try:
        address = normal_email(email)
    except ValueError as wrong:
        raise _invalid("이메일 주소가 아닙니다.", "This is not an e-mail address.") from wrong
    instrument_id, user_id = queries.by_uid(uid, viewer=user).instrument_id, user.id
    with transaction():
        lock_calendar(instrument_id)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CHANGE_RESERVATION)
        if reservation.status not in _OPEN:
            raise WrongState(
                Text(
                    "이미 끝나거나 취소된 예약에는 참여자를 더할 수 없습니다.",
                    "It is over: nobody can be added any more.",
                )
            )
        if address == reservation.holder.email:
            raise _invalid("예약자 본인입니다.", "This is the holder.")
        present = of(reservation)
        if found := next((each for each in present if each.email == address), None):
            return found
        if len(present) >= MOST:
            raise _invalid(f"{MOST}명까지 더할 수 있습니다.", f"At most {MOST} can take part.")
        made = Participant(reservation_id=reservation.id, email=address, added_at=now)
        db.session.add(made)
        note("add-participant", reservation, user, now, {"participant": address})
        db.session.flush()
        notices.takes_part(reservation, address, by=user, added=True, now=now)
    return made


def remove(user: User, uid: str, email: str, *, now: datetime) -> None:
    """Take somebody off: by who may change the reservation, or the participant themself."""
    instrument_id, user_id = queries.by_uid(uid, viewer=user).instrument_id, user.id
    with transaction():
        lock_calendar(instrument_id)
        user = queries.person(user_id)
        reservation = queries.by_uid(uid, viewer=user, anew=True)
        own = email == user.email
        if not own:
            scope = queries.scope_of_reservation(reservation)
            access.require(user, Action.CHANGE_RESERVATION, scope)
        found = next((each for each in of(reservation) if each.email == email), None)
        if found is None:
            raise NotFound(Text("그런 참여자가 없습니다.", "There is no such participant."))
        db.session.delete(found)
        # The feeds of whoever goes see it: what they count of this reservation is made up for.
        db.session.execute(
            update(User)
            .where(User.email == email)
            .values(calendar_version=User.calendar_version + reservation.version + 1)
            .execution_options(synchronize_session=False)
        )
        note("remove-participant", reservation, user, now, {"participant": email})
        if not own:
            notices.takes_part(reservation, email, by=user, added=False, now=now)


def of(reservation: Reservation) -> Sequence[Participant]:
    """Who takes part, in the order in which they were added."""
    return db.session.scalars(
        select(Participant)
        .where(Participant.reservation_id == reservation.id)
        .order_by(Participant.id)
    ).all()


def _invalid(ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {"email": text})


def may_add(user: User, reservation: Reservation) -> bool:
    """Whether the user may let others take part, as it stands now."""
    scope = queries.scope_of_reservation(reservation)
    return reservation.status in _OPEN and access.may(user, Action.CHANGE_RESERVATION, scope)
