"""Who is told of statements: those who administer the paying institution."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select

from app.accounts.models import RoleGrant, RoleName, User
from app.billing.documents import number_of
from app.billing.models import Statement
from app.billing.payments import OpenStatement
from app.db import db
from app.mail import outbox
from app.mail.models import OutgoingMail


def late(found: OpenStatement, days: int, *, now: datetime) -> int:
    """Remind those who administer the payer, each once for so many days; how many are told."""
    statement = found.statement
    readers = db.session.scalars(_administrators(statement.payer_id)).all()
    keys = {each.id: f"statement_late-{statement.uid}-{days}-{each.id}" for each in readers}
    known = set(
        db.session.scalars(select(OutgoingMail.key).where(OutgoingMail.key.in_(keys.values())))
    )
    told = [each for each in readers if keys[each.id] not in known]
    for reader in told:
        _enqueue("statement_late", reader, keys[reader.id], statement, found.open, now)
    return len(told)


def issued(ids: Sequence[int], *, now: datetime) -> None:
    """A mail for each statement to another institution, in the caller's transaction."""
    found = db.session.scalars(
        select(Statement)
        .where(Statement.id.in_(ids), Statement.payer_id != Statement.supplier_id)
        .order_by(Statement.id)
    ).all()
    for statement in found:
        for reader in db.session.scalars(_administrators(statement.payer_id)):
            key = f"statement_issued-{statement.uid}-{reader.id}"
            _enqueue("statement_issued", reader, key, statement, statement.due, now)


def _administrators(institution_id: int) -> Select[User]:
    return (
        select(User)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            RoleGrant.institution_id == institution_id,
            RoleGrant.role == RoleName.INSTITUTION_ADMINISTRATOR,
            User.active,
        )
        .order_by(User.id)
    )


def _enqueue(
    template: str, reader: User, key: str, statement: Statement, due: int, now: datetime
) -> None:
    supplier = statement.parties["supplier"]
    outbox.enqueue(
        template,
        to=reader.email,
        language=reader.language,
        key=key,
        particulars={
            "reader": reader.name,
            "uid": statement.uid,
            "number": number_of(statement),
            "month": f"{statement.month:%Y-%m}",
            "supplier": {"ko": supplier["name_ko"], "en": supplier["name_en"]},
            "total": statement.total,
            "due": due,
            "due_on": statement.due_on.isoformat(),
        },
        now=now,
    )
