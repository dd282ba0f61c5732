"""Use cases of operators: named by the facility's managers, who also choose who attends what."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.accounts.queries import user_by_email
from app.audit import services as audit
from app.catalog.models import Facility, Instrument
from app.catalog.policy import policy_of, zone_of
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.opening_hours import OpeningHours
from app.domain.operator_rules import asks_operator
from app.domain.operators import first_free
from app.reservations import attendance_notices, duties, queries
from app.reservations.models import Reservation
from app.reservations.operator_models import Operator
from app.reservations.steps import again, attend, note, touch, visible
from app.reservations.turns import lock_calendars, lock_reserved

#: States in which somebody may still come to attend it.
OPEN = frozenset({Status.PENDING, Status.CONFIRMED, Status.IN_USE})
#: More than any facility has.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Named:
    """What a manager says of an operator."""

    hours: Mapping[str, Any]  # as opening hours are written
    instruments: Collection[str]  # slugs


def name(user: User, facility: Facility, email: str, named: Named, *, now: datetime) -> Operator:
    """Let somebody operate instruments of the facility from now on.

    Raises `NotAllowed`, or `Invalid` for an address nobody has, hours that make no sense, or
    instruments that are not the facility's.
    """
    ids = _instruments(facility, named)
    with transaction():
        # The operators of an instrument change while its calendar is ours alone.
        lock_calendars(ids)
        user = queries.person(user.id)
        access.require(user, Action.KEEP_OPERATORS, scope_of(facility))
        person = user_by_email(email)
        if person is None or not person.active:
            raise _invalid(
                "email",
                "이 주소로 등록된 사용자가 없습니다. 주소를 확인해 주세요.",
                "Nobody has an account with this address. Check how it is written.",
            )
        theirs = duties.named_at(facility)
        if any(each.user_id == person.id for each in theirs):
            raise _invalid(
                "email",
                "이미 전담운영인력으로 등록된 사람입니다. 목록에서 바꿔 주세요.",
                "They are an operator here already. Change them in the list.",
            )
        if len(theirs) >= _MOST:
            raise _invalid("email", "등록된 사람이 너무 많습니다.", "There are too many already.")
        made = Operator(
            facility_id=facility.id,
            user_id=person.id,
            hours=dict(named.hours),
            named_at=now,
            named_by_id=user.id,
            instruments=_read(ids),
        )
        db.session.add(made)
        db.session.flush()
        _note("name-operator", made, facility, user, now)
    return made


def change(
    user: User, facility: Facility, operator_id: int, named: Named, *, now: datetime
) -> Operator:
    """Other hours or instruments from now on; what they attend already stays theirs."""
    ids = _instruments(facility, named)
    before = of_facility(facility, operator_id)
    with transaction():
        lock_calendars({*ids, *(each.id for each in before.instruments)})
        user = queries.person(user.id)
        access.require(user, Action.KEEP_OPERATORS, scope_of(facility))
        found = of_facility(facility, operator_id)
        found.hours, found.instruments = dict(named.hours), _read(ids)
        db.session.flush()
        _note("change-operator", found, facility, user, now)
    return found


def end(user: User, facility: Facility, operator_id: int, *, now: datetime) -> Operator:
    """They operate nothing more here; what they attend already stays until somebody changes it."""
    before = of_facility(facility, operator_id)
    with transaction():
        lock_calendars({each.id for each in before.instruments})
        user = queries.person(user.id)
        access.require(user, Action.KEEP_OPERATORS, scope_of(facility))
        found = of_facility(facility, operator_id)
        found.ended_at = now
        db.session.flush()
        _note("end-operator", found, facility, user, now)
    return found


def of_facility(facility: Facility, operator_id: int) -> Operator:
    """One of those whom the facility has named; raises `NotFound`."""
    found = next((each for each in duties.named_at(facility) if each.id == operator_id), None)
    if found is None:
        raise NotFound(
            Text(
                "그런 전담운영인력이 없습니다. 목록에서 찾아보세요.",
                "There is no such operator. Look for them in the list.",
            )
        )
    return found


def choose(
    user: User, uid: str, email: str, *, now: datetime, version: int | None = None
) -> Reservation:
    """Have another operator attend a reservation; by an empty address whose turn it is.

    Raises `NotAllowed`, `Stale`, `WrongState` once it is over or where none is planned, and
    `Invalid` for who is no operator of the instrument or not free.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.KEEP_OPERATORS, version)
        was, attended = visible(reservation), reservation.operator
        attend(reservation, chosen(reservation, email, now))
        if reservation.operator is attended:
            return reservation
        touch(reservation, now)
        note(
            "choose-operator",
            reservation,
            user,
            now,
            {"operator": [was["operator"], visible(reservation)["operator"]]},
        )
        attendance_notices.changed(reservation, attended, by=user, now=now)
    return reservation


def next_in_turn(reservation: Reservation, now: datetime, besides: int | None = None) -> int | None:
    """Who of those that are free would attend it; raises `WrongState` where nobody is to."""
    instrument, interval = reservation.instrument, reservation.interval
    _must_be_attended(reservation, now)
    others = duties.around(instrument, interval, besides=[reservation.id])
    found = first_free(
        [each for each in others if each.key != besides],
        interval,
        zone_of(instrument),
    )
    return found.key if found else None


def _must_be_attended(reservation: Reservation, now: datetime) -> None:
    if reservation.status not in OPEN or reservation.ends_at <= now:
        raise WrongState(
            Text(
                "이미 끝난 예약이라 전담운영인력을 바꿀 수 없습니다.",
                "This reservation is over: nobody can be chosen to attend it.",
            )
        )
    if not asks_operator(policy_of(reservation.instrument), reservation.mode):
        raise WrongState(
            Text(
                "이 예약에는 전담운영인력을 배정하지 않습니다. 장비의 이용 방식과 ‘전담운영인력’ "
                "설정을 확인해 주세요.",
                "No operator is assigned to this reservation. Look at its mode of use and at the "
                "setting “Operator” of the instrument.",
            )
        )


def chosen(reservation: Reservation, email: str, now: datetime) -> int:
    instrument, interval = reservation.instrument, reservation.interval
    _must_be_attended(reservation, now)
    if not email:
        turn = next_in_turn(reservation, now)
        if turn is None:
            raise _invalid(
                "email",
                "이 시간 내내 담당할 수 있는 사람이 없습니다. 예약 시간을 옮기거나 "
                "전담운영인력의 근무 시간을 바꿔 주세요.",
                "No operator is free over the whole of that time. Move the reservation, or change "
                "the hours of an operator.",
            )
        return turn
    found = duties.around(instrument, interval, besides=[reservation.id])
    person = user_by_email(email)
    duty = next((each for each in found if person and each.key == person.id), None)
    if duty is None:
        raise _invalid(
            "email",
            "이 장비의 전담운영인력이 아닙니다. 목록에서 골라 주세요.",
            "They are no operator of this instrument. Choose one of the list.",
        )
    if not duty.free_for(interval):
        raise _invalid(
            "email",
            f"{duty.name} 님은 그 시간 내내 비어 있지 않습니다. 다른 사람을 골라 주세요.",
            f"{duty.name} is not free over the whole of that time. Choose somebody else.",
        )
    return duty.key


def candidates(reservation: Reservation) -> Sequence[tuple[User, bool]]:
    """Who could attend it, by name, and whether they are free."""
    found = duties.around(reservation.instrument, reservation.interval, besides=[reservation.id])
    free = {each.key: each.free_for(reservation.interval) for each in found}
    people = db.session.scalars(
        select(User).where(User.id.in_(free)).order_by(User.name, User.id)
    ).all()
    return [(each, free[each.id]) for each in people]


def _instruments(facility: Facility, named: Named) -> set[int]:
    """The ids of the instruments; raises `Invalid` for what makes no sense."""
    try:
        hours = OpeningHours.parse(named.hours)
    except ValueError:
        raise _invalid(
            "hours",
            "근무 시간을 읽을 수 없습니다. 한 줄에 하나씩 “월-금 09:00-18:00”처럼 적어 주세요.",
            "The hours make no sense. Write one run of days a line: “mon-fri 09:00-18:00”.",
        ) from None
    if not any(hours.weekly):
        raise _invalid("hours", "근무 시간을 적어 주세요.", "Say when they are there.")
    rows = db.session.execute(
        select(Instrument.slug, Instrument.id).where(
            Instrument.slug.in_(named.instruments), Instrument.facility_id == facility.id
        )
    ).all()
    known = {row.slug: row.id for row in rows}
    if not known or set(named.instruments) - known.keys():
        raise _invalid(
            "instruments",
            "이 시설의 장비를 하나 이상 골라 주세요.",
            "Choose at least one instrument of this facility.",
        )
    return set(known.values())


def _read(ids: Collection[int]) -> list[Instrument]:
    return list(db.session.scalars(select(Instrument).where(Instrument.id.in_(ids))))


def _note(action: str, operator: Operator, facility: Facility, user: User, now: datetime) -> None:
    detail = {
        "operator": operator.user_id,
        "hours": operator.hours,
        "instruments": [each.slug for each in operator.instruments],
    }
    audit.record(action, "facility", facility.slug, actor_id=user.id, now=now, detail=detail)


def _invalid(field: str, ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {field: text})
