"""Reads of commissions: whose they are, and what waits for a facility's manager."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, and_, func, literal, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.models import User
from app.catalog.models import Facility, Instrument
from app.catalog.queries import scope_of
from app.db import db
from app.domain.commission import CommissionState
from app.domain.errors import NotFound, Text
from app.reservations import queries
from app.reservations.commission_models import Commission
from app.reservations.deputies import is_trusted

ON_A_PAGE = 30

#: Who wishes for no day comes last.
_day_wished = func.coalesce(Commission.wished_by, literal(date.max, Date))
#: What is wished for soonest, then what was asked for first.
_SOONEST = (_day_wished, Commission.id)


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of what waits to be placed, soonest wished for first."""

    commissions: Sequence[Commission]
    number: int
    pages: int
    total: int


def whole() -> Any:
    """Commissions with all that a page about them shows."""
    return (
        select(Commission)
        .join(Commission.instrument)
        .join(Instrument.facility)
        .join(Facility.institution)
        .options(
            contains_eager(Commission.instrument).options(queries.WITH_FACILITY),
            joinedload(Commission.holder),
            joinedload(Commission.asked_by),
            joinedload(Commission.institution),
            joinedload(Commission.group),
            joinedload(Commission.reservation),
        )
    )


def by_uid(uid: str, *, viewer: User, anew: bool = False) -> Commission:
    """A commission; raises `NotFound` also to those who may not see it."""
    wanted = whole().where(Commission.uid == uid)
    found: Commission | None = db.session.scalar(wanted.execution_options(populate_existing=anew))
    if found is None or not access.may(viewer, Action.SEE_COMMISSION, scope_of_commission(found)):
        raise NotFound(
            Text(
                "해당 분석의뢰를 찾을 수 없습니다. ‘내 예약’에서 찾아보세요.",
                "There is no such commission. Look for it under “My reservations”.",
            )
        )
    return found


def scope_of_commission(found: Commission) -> Scope:
    """The commission as `accounts.access` asks about it."""
    scope = replace(scope_of(found.instrument), holder_id=found.holder_id)
    by = found.asked_by
    if by is None or not is_trusted(by, found.holder_id):
        return scope
    return replace(scope, assistant_ids=frozenset({by.id}))


def count_waiting_of(holder: User) -> int:
    count = select(func.count(Commission.id)).where(
        Commission.holder_id == holder.id, Commission.state == CommissionState.WAITING
    )
    return db.session.scalar(count) or 0


def queue(user: User, *, instrument: str = "", number: int = 1) -> Queue:
    """What the user may place, soonest wished for first, on all instruments or on one."""
    total = count_to_place(user, instrument=instrument)
    pages = max(1, -(-total // ON_A_PAGE))
    number = min(max(1, number), pages)
    found = db.session.scalars(
        whole()
        .where(_waits_for(user, instrument))
        .order_by(*_SOONEST)
        .offset((number - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE)
    ).all()
    return Queue(found, number, pages, total)


def count_to_place(user: User, *, instrument: str = "") -> int:
    """How many wait for the user to place them."""
    if not access.manages_anything(user):
        return 0
    wanted = (
        select(func.count(Commission.id))
        .join(Commission.instrument)
        .join(Instrument.facility)
        .where(_waits_for(user, instrument))
    )
    return db.session.scalar(wanted) or 0


def instruments_waited_for(user: User) -> Sequence[tuple[Instrument, int]]:
    """On which instruments something waits for the user to place it, and how much, by name."""
    if not access.manages_anything(user):
        return ()
    counted = dict(
        db.session.execute(
            select(Commission.instrument_id, func.count(Commission.id))
            .join(Commission.instrument)
            .join(Instrument.facility)
            .where(_waits_for(user))
            .group_by(Commission.instrument_id)
        ).all()
    )
    found = db.session.scalars(
        select(Instrument).where(Instrument.id.in_(counted)).order_by(Instrument.name_ko)
    ).all()
    return [(each, counted[each.id]) for each in found]


def _waits_for(user: User, instrument: str = "") -> Any:
    waits = (Commission.state == CommissionState.WAITING) & queries.managed_by(user)
    return waits & (Instrument.slug == instrument) if instrument else waits


def listed(
    user: User,
    *,
    mine: bool = True,
    state: CommissionState | None = None,
    instrument: str = "",
    after: int | None = None,
    limit: int = 50,
) -> Sequence[Commission]:
    """Those of the person and what they asked for others, else also what they manage.

    Soonest wished for first, from behind the one whose id is `after`. Who may no longer ask for
    somebody no longer sees theirs: that is for the caller to leave out.
    """
    own = or_(Commission.holder_id == user.id, Commission.asked_by_id == user.id)
    wanted = whole().where(own if mine else or_(own, queries.managed_by(user)))
    if state is not None:
        wanted = wanted.where(Commission.state == state)
    if instrument:
        wanted = wanted.where(Instrument.slug == instrument)
    if after is not None:
        day = db.session.scalar(select(_day_wished).where(Commission.id == after)) or date.max
        later = and_(_day_wished == day, Commission.id > after)
        wanted = wanted.where(or_(_day_wished > day, later))
    return db.session.scalars(wanted.order_by(*_SOONEST).limit(limit)).all()


def may_see(user: User, found: Commission) -> bool:
    return access.may(user, Action.SEE_COMMISSION, scope_of_commission(found))


def shown_to(user: User, *, since: datetime) -> Sequence[Commission]:
    """Of the person's own and what they asked for others: all that wait, and what became of
    others since then; latest first.
    """
    own = or_(Commission.holder_id == user.id, Commission.asked_by_id == user.id)
    news = or_(Commission.state == CommissionState.WAITING, Commission.updated_at > since)
    found = db.session.scalars(
        whole().where(own, news).order_by(Commission.asked_at.desc(), Commission.id.desc())
    ).all()
    return [each for each in found if may_see(user, each)]


def of_reservation(reservation_id: int) -> Commission | None:
    """The commission that became a reservation."""
    found: Commission | None = db.session.scalar(
        whole().where(Commission.reservation_id == reservation_id)
    )
    return found
