"""The demonstration's books: closed months, payments, and one objection that waits."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import select

from app.accounts.access import OPERATOR
from app.accounts.models import User
from app.accounts.today import home_zone
from app.billing import closing, disputes, payments
from app.billing.models import Statement, StatementLine
from app.billing.months import interval_of, month_before
from app.billing.payments import Paid
from app.billing.queries import lenders
from app.db import db

_MONTHS = 12
#: Its last month is left for the visitor to close.
_LEFT_OPEN = "kaist"
_KEEPER, _PAYER = "kaist.admin@example.org", "cnu.admin@example.org"


def settle(*, now: datetime, progress: Callable[[int, int], None]) -> None:
    """Close the months of the past year as each would have been; some statements are paid."""
    today = now.astimezone(home_zone()).date()
    months = list(_past(today))
    suppliers = [each.slug for each in lenders()]
    for done, month in enumerate(months, 1):
        closed_at = min(now, interval_of(month).end + timedelta(days=2, hours=1))
        for slug in suppliers:
            if slug != _LEFT_OPEN or month != months[-1]:
                closing.close_month(OPERATOR, slug, month, now=closed_at, tell=False)
        progress(done, len(months))
    people = {
        user.email: user
        for user in db.session.scalars(select(User).where(User.email.in_((_KEEPER, _PAYER))))
    }
    if len(people) == 2:
        _pay(people[_KEEPER], now, today)
        _object(people[_PAYER], now)


def _past(today: date) -> Iterator[date]:
    """The months that are over, the earliest first."""
    months = [month_before(today.replace(day=1))]
    while len(months) < _MONTHS:
        months.append(month_before(months[-1]))
    return reversed(months)


def _pay(keeper: User, now: datetime, today: date) -> None:
    """What is due has come in, but for one statement in five, of which half has."""
    rows = db.session.execute(
        select(Statement.uid, Statement.number, Statement.due_on)
        .where(
            Statement.supplier_id.in_(each.institution_id for each in keeper.affiliations),
            Statement.payer_id != Statement.supplier_id,
            Statement.due_on <= today,
        )
        .order_by(Statement.id)
    ).all()
    for uid, number, due_on in rows:
        statement = db.session.scalars(select(Statement).where(Statement.uid == uid)).one()
        amount = statement.due // 2 if number % 5 == 0 else statement.due
        if amount:
            paid = Paid(amount, due_on - timedelta(days=number % 9))
            payments.enter(keeper, uid, paid, number=1, now=now, today=today)


def _object(payer: User, now: datetime) -> None:
    """To the first line of the last statement that the payer had from elsewhere."""
    found = db.session.execute(
        select(Statement.uid, StatementLine.position)
        .join(StatementLine, StatementLine.statement_id == Statement.id)
        .where(
            Statement.payer_id.in_(each.institution_id for each in payer.affiliations),
            Statement.supplier_id != Statement.payer_id,
            StatementLine.corrects_id.is_(None),
        )
        .order_by(Statement.month.desc(), Statement.id.desc(), StatementLine.position)
        .limit(1)
    ).first()
    if found:
        reason = "이 날은 장비 고장으로 30분밖에 사용하지 못했습니다."
        disputes.dispute(payer, found.uid, found.position, reason=reason, now=now)
