"""Reserving for somebody else: who may, and for whom; all rules are those of the holder."""

from collections.abc import Sequence
from dataclasses import replace

from app.accounts import access, assistants
from app.accounts.access import Action, Scope
from app.accounts.models import User
from app.accounts.queries import comparable, user_by_email
from app.accounts.today import today
from app.catalog.models import Instrument
from app.catalog.queries import scope_of
from app.domain.errors import Invalid, Text
from app.projects import queries as projects
from app.reservations.models import Reservation

_NOT_YOURS = Text(
    "이 사람을 대신해 예약할 수 없습니다. 그 사람이 ‘내 계정’에서 대신 예약할 사람으로 지정하거나, "
    "그 사람의 연구책임자여야 합니다.",
    "You may not reserve for this address. The person has to name you on their account page, or "
    "you have to be their PI.",
)
_NOBODY = Text(
    "이 이메일 주소의 계정이 없습니다. 주소를 정확히 적어 주세요.",
    "There is no account with this address. Write it exactly.",
)


def holder_of(user: User, email: str, instrument: Instrument) -> User:
    """For whom is reserved: `user`, or whoever has the address; raises `Invalid`.

    Who may not reserve for somebody is not told whether there is such a person.
    """
    address = comparable(email)
    if not address or address == user.email:
        return user
    found = user_by_email(address)
    scope = scope_of(instrument)
    if found is None or not found.active:
        manages = access.may(user, Action.RESERVE_FOR, scope)
        text = _NOBODY if manages else _NOT_YOURS
        raise Invalid(text, {"holder": text})
    if may_reserve_for(user, found, scope):
        return found
    raise Invalid(_NOT_YOURS, {"holder": _NOT_YOURS})


def may_reserve_for(user: User, holder: User, scope: Scope) -> bool:
    """By the holder's consent, as their PI, or as a manager of the instrument."""
    trusted = frozenset({user.id} if is_trusted(user, holder.id) else ())
    scope = replace(scope, holder_id=holder.id, assistant_ids=trusted)
    return access.may(user, Action.RESERVE_FOR, scope)


def is_trusted(user: User, holder_id: int) -> bool:
    """Whether the holder named the user, or belongs to the user's research group."""
    return assistants.may_assist(user, holder_id) or projects.leads(
        user.id, holder_id, today=today()
    )


def those_of(user: User) -> Sequence[User]:
    """The people for whom a user may reserve on any instrument, by name."""
    found = {person.id: person for _, person in assistants.persons_of(user)}
    found |= {person.id: person for person in projects.people_led_by(user.id, today=today())}
    return sorted(found.values(), key=lambda each: (each.name, each.id))


def with_deputy(scope: Scope, reservation: Reservation) -> Scope:
    """The scope of a reservation, with who reserved it for the holder as long as they may."""
    by = reservation.reserved_by
    if by is None or not is_trusted(by, reservation.holder_id):
        return scope
    return replace(scope, assistant_ids=frozenset({by.id}))
