"""Reads of contracts of use."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from app.accounts.models import Institution
from app.catalog.models import Facility
from app.contracts.models import UseContract
from app.db import db
from app.domain.contracts import Contract
from app.domain.errors import NotFound, Text

_DAY = timedelta(days=1)
#: What ends within so many days is marked.
SOON = timedelta(days=30)

_COVERING = select(
    UseContract.facility_id,
    UseContract.number,
    UseContract.valid_from,
    UseContract.valid_until,
    UseContract.ended_on,
).where(
    UseContract.institution_id == bindparam("institution"),
    UseContract.facility_id.in_(bindparam("facilities", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract with how it stands today: current, soon (over), coming or over."""

    contract: UseContract
    state: str


def contracts_of(
    institution_id: int | None, facility_ids: Collection[int]
) -> dict[int, tuple[Contract, ...]]:
    """What an institution has signed with each of the facilities, for the rules; one statement."""
    if institution_id is None or not facility_ids:
        return {}
    found: defaultdict[int, list[Contract]] = defaultdict(list)
    rows = db.session.execute(
        _COVERING, {"institution": institution_id, "facilities": sorted(facility_ids)}
    )
    for facility_id, number, first, last, ended_on in rows:
        if (until := _until(last, ended_on)) is None or first <= until:
            found[facility_id].append(Contract(number, first, until))
    return {facility_id: tuple(contracts) for facility_id, contracts in found.items()}


def _until(last: date | None, ended_on: date | None) -> date | None:
    ends = [day for day in (last, ended_on and ended_on - _DAY) if day]
    return min(ends, default=None)


def listed(facility: Facility, *, today: date) -> list[Listed]:
    """All of a facility: those that hold first, the next to end on top, those over last."""
    found = db.session.scalars(
        select(UseContract)
        .where(UseContract.facility_id == facility.id)
        .options(joinedload(UseContract.institution), joinedload(UseContract.document))
    )
    order = {"soon": 0, "current": 1, "coming": 2, "over": 3}
    lines = [Listed(each, _state(each, today)) for each in found]
    return sorted(
        lines,
        key=lambda line: (order[line.state], line.contract.valid_until or date.max),
    )


def _state(contract: UseContract, today: date) -> str:
    until = _until(contract.valid_until, contract.ended_on)
    if until is not None and (until < today or until < contract.valid_from):
        return "over"
    if contract.valid_from > today:
        return "coming"
    return "soon" if until is not None and until - today <= SOON else "current"


def of_facility(facility: Facility, contract_id: int, *, anew: bool = False) -> UseContract:
    """A contract of this facility; raises `NotFound`."""
    found = db.session.get(UseContract, contract_id, populate_existing=anew)
    if found is None or found.facility_id != facility.id:
        raise NotFound(Text("해당 계약을 찾을 수 없습니다.", "There is no such contract."))
    return found


def partners(facility: Facility) -> Sequence[Institution]:
    """The institutions that may sign one: all others that are not retired, by Korean name."""
    return db.session.scalars(
        select(Institution)
        .where(Institution.retired_at.is_(None), Institution.id != facility.institution_id)
        .order_by(Institution.name_ko)
    ).all()
