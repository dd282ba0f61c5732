"""Who is told of statements: those who administer the paying institution."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.accounts.models import RoleGrant, RoleName, User
from app.billing.documents import number_of
from app.billing.models import Statement
from app.db import db
from app.mail import outbox


def issued(ids: Sequence[int], *, now: datetime) -> None:
    """A mail for each statement to another institution, in the caller's transaction."""
    rows = db.session.execute(
        select(Statement, User)
        .join(RoleGrant, RoleGrant.institution_id == Statement.payer_id)
        .join(User, User.id == RoleGrant.user_id)
        .where(
            Statement.id.in_(ids),
            Statement.payer_id != Statement.supplier_id,
            RoleGrant.role == RoleName.INSTITUTION_ADMINISTRATOR,
            User.active,
        )
        .order_by(Statement.id, User.id)
    )
    for statement, reader in rows:
        supplier = statement.parties["supplier"]
        outbox.enqueue(
            "statement_issued",
            to=reader.email,
            language=reader.language,
            key=f"statement_issued-{statement.uid}-{reader.id}",
            particulars={
                "reader": reader.name,
                "uid": statement.uid,
                "number": number_of(statement),
                "month": f"{statement.month:%Y-%m}",
                "supplier": {"ko": supplier["name_ko"], "en": supplier["name_en"]},
                "total": statement.total,
                "due": statement.due,
                "due_on": statement.due_on.isoformat(),
            },
            now=now,
        )
