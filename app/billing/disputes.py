"""A payer objects to a line of a statement; the supplier's manager answers, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.models import RoleGrant, RoleName, User
from app.audit import services as audit
from app.billing import deciding, statements
from app.billing.documents import number_of
from app.billing.models import Charge, LineDispute, Statement, StatementLine
from app.db import db, transaction
from app.domain.errors import NotFound, Text, WrongState
from app.mail import outbox
from app.reservations import queries
from app.reservations.models import Reservation


@dataclass(frozen=True, slots=True)
class Answer:
    """Why a manager agrees or not; whoever agrees says what it costs instead, net."""

    text: str
    net: int | None = None

    @property
    def upholds(self) -> bool:
        return self.net is not None


def of_statement(statement: Statement) -> Mapping[int, LineDispute]:
    """The last dispute of each line that has any, by the line's id."""
    rows = db.session.scalars(
        select(LineDispute)
        .join(StatementLine, StatementLine.id == LineDispute.line_id)
        .where(StatementLine.statement_id == statement.id)
        .order_by(LineDispute.id)
    )
    return {each.line_id: each for each in rows}


def of_line(line: StatementLine) -> Sequence[LineDispute]:
    """All disputes of a line, the first first."""
    return db.session.scalars(
        _with_people().where(LineDispute.line_id == line.id).order_by(LineDispute.id)
    ).all()


def of_reservation(reservation: Reservation) -> Sequence[LineDispute]:
    """What payers object to of a reservation's charges, and nobody has answered."""
    return db.session.scalars(
        _with_people()
        .join(StatementLine, StatementLine.id == LineDispute.line_id)
        .join(Charge, Charge.id == StatementLine.charge_id)
        .where(Charge.reservation_id == reservation.id, LineDispute.answered_at.is_(None))
        .order_by(LineDispute.id)
    ).all()


def _with_people() -> Any:
    return select(LineDispute).options(
        joinedload(LineDispute.raised_by),
        joinedload(LineDispute.answered_by),
        joinedload(LineDispute.line)
        .joinedload(StatementLine.statement)
        .joinedload(Statement.payer),
    )


def may_dispute(user: User, line: StatementLine) -> bool:
    """Whether the user may object to the line now."""
    return (
        access.may(user, Action.DISPUTE_LINE, Scope(institution_id=line.statement.payer_id))
        and line.corrects_id is None
        and statements.taken_back_by(line) is None
        and all(each.answered_at for each in of_line(line))
    )


def dispute(
    user: User, statement_uid: str, position: int, *, reason: str, now: datetime
) -> LineDispute:
    """Object to a line; who manages its instrument is told.

    Raises `NotFound`, `NotAllowed`, `Invalid`, and `WrongState` for a line that is a correction,
    was taken back, or waits for an answer already.
    """
    reason, user_id = reason.strip(), user.id
    deciding.check(None, reason)
    try:
        with transaction():
            user = queries.person(user_id)
            statement = statements.seen(user, statement_uid)
            access.require(user, Action.DISPUTE_LINE, Scope(institution_id=statement.payer_id))
            line = statements.line_of(statement, position)
            if line.corrects_id is not None or statements.taken_back_by(line):
                raise WrongState(
                    Text(
                        "정정되었거나 정정하는 항목에는 이의를 제기할 수 없습니다.",
                        "A correction, or what was corrected, cannot be disputed.",
                    )
                )
            made = LineDispute(line_id=line.id, reason=reason, raised_at=now, raised_by_id=user.id)
            db.session.add(made)
            db.session.flush()
            _note("dispute-line", statement, made, line, now, reason=reason)
            for manager in _managers(line.charge.reservation):
                _tell(manager, "dispute_raised", made, line, now, by=user.name)
    except IntegrityError as broken:
        if "line_dispute" not in str(broken.orig):
            raise
        raise WrongState(
            Text(
                "이 항목에는 이미 답변을 기다리는 이의가 있습니다.",
                "This line is disputed already and waits for an answer.",
            )
        ) from broken
    return made


def answer(user: User, uid: str, dispute_id: int, said: Answer, *, now: datetime) -> LineDispute:
    """Agree, with what the reservation costs instead, or decline; whoever objected is told.

    What is agreed to is corrected by the supplier's next close. Raises `NotFound`, `NotAllowed`,
    `Invalid`, and `WrongState` for what was answered already.
    """
    text, user_id = said.text.strip(), user.id
    deciding.check(said.net, text)
    with transaction():
        user = queries.person(user_id)
        reservation = queries.by_uid(uid, viewer=user, anew=True)
        access.require(user, Action.DECIDE_CHARGE, queries.scope_of_reservation(reservation))
        found = _open(dispute_id, reservation)
        if said.upholds:
            due = deciding.due_of(reservation)
            assert due is not None  # it was charged
            deciding.write(reservation, due, (said.net, text), by=user, now=now)
        found.upheld, found.answer = said.upholds, text
        found.answered_at, found.answered_by_id = now, user.id
        line = found.line
        _note("answer-dispute", line.statement, found, line, now, upheld=said.upholds)
        _tell(found.raised_by, "dispute_answered", found, line, now, by=user.name)
    return found


def _open(dispute_id: int, reservation: Reservation) -> LineDispute:
    """The dispute, which nobody else answers meanwhile; SQLite knows one writer alone anyway."""
    found = db.session.scalar(
        select(LineDispute).where(LineDispute.id == dispute_id).with_for_update(of=LineDispute)
    )
    if found is None or found.line.charge.reservation_id != reservation.id:
        raise NotFound(Text("해당 이의를 찾을 수 없습니다.", "There is no such dispute."))
    if found.answered_at is not None:
        raise WrongState(
            Text("이미 답변한 이의입니다.", "Somebody has answered this dispute already.")
        )
    return found


def _note(
    action: str,
    statement: Statement,
    made: LineDispute,
    line: StatementLine,
    now: datetime,
    **detail: Any,
) -> None:
    actor_id = made.answered_by_id or made.raised_by_id
    audit.record(
        action,
        "statement",
        statement.uid,
        actor_id=actor_id,
        now=now,
        detail={"line": line.position, **detail},
    )


def _managers(reservation: Reservation) -> Sequence[User]:
    """Who manages the facility; where nobody does, who administers its institution."""
    facility = reservation.instrument.facility
    for role, whose in (
        (RoleName.FACILITY_MANAGER, RoleGrant.facility_id == facility.id),
        (RoleName.INSTITUTION_ADMINISTRATOR, RoleGrant.institution_id == facility.institution_id),
    ):
        holding = select(RoleGrant.user_id).where(RoleGrant.role == role, whose)
        found = db.session.scalars(
            select(User).where(User.id.in_(holding), User.active).order_by(User.id)
        ).all()
        if found:
            return found
    return ()


def _tell(
    reader: User, template: str, made: LineDispute, line: StatementLine, now: datetime, *, by: str
) -> None:
    said, statement = line.said, line.statement
    outbox.enqueue(
        template,
        to=reader.email,
        language=reader.language,
        key=f"{template}-{made.id}-{reader.id}",
        particulars={
            "reader": reader.name,
            "by": by,
            "number": number_of(statement),
            "position": line.position,
            "statement": statement.uid,
            "uid": said["reservation"],
            "payer": {
                "ko": statement.parties["payer"]["name_ko"],
                "en": statement.parties["payer"]["name_en"],
            },
            "instrument": {"ko": said["name_ko"], "en": said["name_en"]},
            "day": said["day"],
            "user": said["user"],
            "total": line.net + line.vat,
            "reason": made.reason,
            "upheld": made.upheld,
            "answer": made.answer,
        },
        now=now,
    )
