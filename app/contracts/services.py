"""Use cases of contracts of use: recorded and ended by the facility's managers."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Facility
from app.catalog.queries import scope_of
from app.contracts import queries
from app.contracts.models import UseContract
from app.db import db, transaction
from app.domain.errors import Invalid, Text, WrongState
from app.domain.file_kinds import DOCUMENTS
from app.domain.local_time import day_of
from app.files.services import Upload, put


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A contract as a manager writes it down."""

    institution_id: int
    number: str
    valid_from: date
    valid_until: date | None = None
    note: str = ""
    document: Upload | None = None


def record(
    user: User, facility: Facility, signed: Signed, *, folder: Path, now: datetime
) -> UseContract:
    """Write down what was signed; its institution's people may reserve from its first day on.

    Raises `NotAllowed`, or `Invalid` for days that make no sense, an institution that cannot
    sign, a number that is there already, or a file that is none of those taken.
    """
    with transaction():
        user = _present(user)
        access.require(user, Action.KEEP_CONTRACTS, scope_of(facility))
        _check(facility, signed)
        document = None
        if signed.document:
            document = put(
                folder, signed.document, DOCUMENTS,
                field="document", owner=user, now=now, kept=True,
            )  # fmt: skip
        made = UseContract(
            facility_id=facility.id,
            institution_id=signed.institution_id,
            number=signed.number,
            valid_from=signed.valid_from,
            valid_until=signed.valid_until,
            note=signed.note,
            document_id=document.id if document else None,
            recorded_by_id=user.id,
            recorded_at=now,
        )
        db.session.add(made)
        db.session.flush()
        detail = {**_visible(made), "sha256": document.sha256 if document else None}
        _note("record-contract", made, user, now, detail)
    return made


def end(
    user: User, facility: Facility, contract_id: int, *, reason: str, now: datetime
) -> UseContract:
    """End a contract today: it covers nothing any more. What is reserved stays reserved."""
    with transaction():
        user = _present(user)
        access.require(user, Action.KEEP_CONTRACTS, scope_of(facility))
        found = queries.of_facility(facility, contract_id, anew=True)
        if not reason.strip():
            raise _invalid("reason", "사유를 적어 주세요.", "Say why.")
        if found.ended_on:
            raise WrongState(Text("이미 끝낸 계약입니다.", "That contract was ended before."))
        found.ended_on = day_of(now, ZoneInfo(facility.timezone))
        found.ended_reason = reason.strip()
        _note("end-contract", found, user, now, {**_visible(found), "reason": found.ended_reason})
    return found


def _check(facility: Facility, signed: Signed) -> None:
    if signed.institution_id not in {each.id for each in queries.partners(facility)}:
        raise _invalid(
            "institution",
            "이 기관과는 계약을 기록할 수 없습니다. 목록에서 골라 주세요.",
            "No contract can be recorded with this institution. Choose one of the list.",
        )
    if signed.valid_until and signed.valid_until < signed.valid_from:
        raise _invalid(
            "valid_until", "시작일보다 앞섭니다.", "This lies before the first day of the contract."
        )
    same = select(UseContract.id).where(
        UseContract.facility_id == facility.id,
        UseContract.institution_id == signed.institution_id,
        UseContract.number == signed.number,
        UseContract.ended_on.is_(None),
    )
    if db.session.scalar(same.limit(1)):
        raise _invalid(
            "number",
            "이 번호의 계약이 이미 있습니다. 먼저 그 계약을 끝내 주세요.",
            "A contract with this number is recorded already. End that one first.",
        )


def _present(user: User) -> User:
    """The user as the database has them now, rights and all."""
    return (
        db.session.scalars(
            select(User)
            .where(User.id == user.id)
            .options(joinedload(User.grants))
            .execution_options(populate_existing=True)
        )
        .unique()
        .one()
    )


def _invalid(field: str, ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {field: text})


def _visible(contract: UseContract) -> dict[str, object]:
    return {
        "facility": contract.facility_id,
        "institution": contract.institution_id,
        "number": contract.number,
        "valid_from": contract.valid_from.isoformat(),
        "valid_until": contract.valid_until.isoformat() if contract.valid_until else None,
    }


def _note(
    action: str, contract: UseContract, user: User, now: datetime, detail: dict[str, object]
) -> None:
    audit.record(action, "contract", str(contract.id), actor_id=user.id, now=now, detail=detail)
