"""What reservations hold and have spent of the budgets of funding accounts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, delete, func, insert, select, update

from app.accounts.models import User
from app.db import db, table_of
from app.domain.account_rules import exhausted
from app.domain.budget import at_this_pace, reached
from app.domain.errors import BookingRefused
from app.domain.local_time import day_of
from app.projects import notices
from app.projects.models import AccountHold, FundingAccount

_holds = table_of(AccountHold)
_accounts = table_of(FundingAccount)
#: As many reservations as one statement names.
_AT_ONCE = 5_000


def hold(reservations: Sequence[Any], zone: ZoneInfo, now: datetime, *, refuse: bool) -> None:
    """Hold what the quotes of these reservations say, and nothing else; tell who is to know.

    With `refuse`, raises `BookingRefused` where a budget does not cover what is held more than
    before. Calendars, people and funds are locked before; the accounts in the order of their ids.
    """
    ids = [each.id for each in reservations]
    before = _amounts(ids)
    release(ids)
    asked = {each.id: paid_by(each.quote) for each in reservations}
    numbers = {number for amounts in asked.values() for number in amounts}
    if not numbers:
        return
    accounts = _ours(numbers)
    by_number = {each.number: each for each in accounts}
    db.session.connection().execute(
        insert(_holds),
        [
            {
                "account_id": by_number[number].id,
                "reservation_id": each.id,
                "user_id": each.holder_id,
                "day": day_of(each.starts_at, zone),
                "amount": amount,
                "taken": False,
            }
            for each in reservations
            for number, amount in asked[each.id].items()
        ],
    )
    committed = committed_of([each.id for each in accounts])
    for account in accounts:
        mine = sum(amounts.get(account.number, 0) for amounts in asked.values())
        more = mine > before.get(account.id, 0)
        used = committed.get(account.id, 0)
        if refuse and more and account.budget is not None and used > account.budget:
            raise BookingRefused([exhausted(account.number, account.budget - used + mine)])
        _warn(account, used, now)


def paid_by(quote: Mapping[str, Any] | None) -> dict[str, int]:
    """What each account pays of a quote, by its number."""
    return {
        each["account"]: each["amount"]
        for each in (quote or {}).get("shares") or ()
        if each["amount"] > 0
    }


def release(reservation_ids: Collection[int]) -> None:
    """Free what is held for these reservations; needs no turn."""
    db.session.connection().execute(
        delete(_holds).where(_holds.c.reservation_id.in_(reservation_ids))
    )


@dataclass(frozen=True, slots=True)
class Paid:
    """What the accounts pay of a reservation in the end, in won, by their numbers."""

    reservation_id: int
    user_id: int
    day: date
    amounts: Mapping[str, int]


def take(paid: Sequence[Paid]) -> None:
    """Spend what was held for these reservations, as much as they came to; for the month close."""
    for first in range(0, len(paid), _AT_ONCE):
        some = paid[first : first + _AT_ONCE]
        release([each.reservation_id for each in some])
        numbers = {number for each in some for number in each.amounts}
        ids = dict(
            db.session.execute(
                select(_accounts.c.number, _accounts.c.id).where(_accounts.c.number.in_(numbers))
            ).all()
        )
        rows = [
            {
                "account_id": ids[number],
                "reservation_id": each.reservation_id,
                "user_id": each.user_id,
                "day": each.day,
                "amount": amount,
                "taken": True,
            }
            for each in some
            for number, amount in each.amounts.items()
        ]
        if rows:
            db.session.connection().execute(insert(_holds), rows)


def committed_of(account_ids: Collection[int], besides: Collection[int] = ()) -> dict[int, int]:
    """What is held and spent of each account, in won, other than for `besides`."""
    rows = db.session.execute(
        select(_holds.c.account_id, func.sum(_holds.c.amount))
        .where(_holds.c.account_id.in_(account_ids), _holds.c.reservation_id.not_in(besides))
        .group_by(_holds.c.account_id)
    )
    return {account: int(amount) for account, amount in rows}


def left_of(accounts: Iterable[FundingAccount], besides: Collection[int] = ()) -> dict[int, int]:
    """What is left of the budgets that are known, by the accounts' ids; may be below nothing."""
    limits = {each.id: each.budget for each in accounts if each.budget is not None}
    committed = committed_of(limits, besides) if limits else {}
    return {key: budget - committed.get(key, 0) for key, budget in limits.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a person used of an account in a month, by the day on which each use begins."""

    month: date  # its first day
    person: str
    uses: int
    spent: int  # won posted by the month close
    held: int  # won held for what is reserved or not yet closed


def spending_of(account: FundingAccount) -> list[Spending]:
    """By month and person, the latest month first; what came to nothing is left out."""
    rows = db.session.execute(
        select(_holds.c.day, User.name, func.count(), _sum(_holds.c.taken), _sum(~_holds.c.taken))
        .join(User, User.id == _holds.c.user_id)
        .where(_holds.c.account_id == account.id, _holds.c.amount > 0)
        .group_by(_holds.c.day, User.id, User.name)
    )
    found: dict[tuple[date, str], list[int]] = {}
    for day, person, *numbers in rows:
        sums = found.setdefault((day.replace(day=1), person), [0, 0, 0])
        for n, number in enumerate(numbers):
            sums[n] += int(number)
    return [
        Spending(month=month, person=person, uses=uses, spent=spent, held=held)
        for (month, person), (uses, spent, held) in sorted(
            found.items(), key=lambda each: (-each[0][0].toordinal(), each[0][1])
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMoney:
    """What an account has spent and holds, in won."""

    spent: int
    held: int
    outlook: int | None  # by its last day at the pace of the uses until today


def money_of(account: FundingAccount, today: date) -> AccountMoney:
    past = case((_holds.c.day <= today, _holds.c.amount), else_=0)
    spent, held, until_now = db.session.execute(
        select(_sum(_holds.c.taken), _sum(~_holds.c.taken), func.sum(past)).where(
            _holds.c.account_id == account.id
        )
    ).one()
    pace = at_this_pace(int(until_now or 0), account.starts_on, account.ends_on, today)
    return AccountMoney(spent=int(spent or 0), held=int(held or 0), outlook=pace)


def _sum(only: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((only, _holds.c.amount), else_=0))


def _amounts(reservation_ids: Collection[int]) -> dict[int, int]:
    """What is held for these reservations, by account."""
    rows = db.session.execute(
        select(_holds.c.account_id, func.sum(_holds.c.amount))
        .where(_holds.c.reservation_id.in_(reservation_ids))
        .group_by(_holds.c.account_id)
    )
    return {account: int(amount) for account, amount in rows}


def _ours(numbers: Collection[str]) -> Sequence[FundingAccount]:
    """The accounts as they are, ours until this transaction ends where they have a budget.

    A write, not `SELECT … FOR UPDATE`, because SQLite ignores the latter.
    """
    found = db.session.execute(
        select(_accounts.c.id, _accounts.c.budget).where(_accounts.c.number.in_(numbers))
    ).all()
    for account_id in sorted(key for key, budget in found if budget is not None):
        _take_turn(account_id)
    return db.session.scalars(
        select(FundingAccount)
        .where(FundingAccount.id.in_([key for key, _ in found]))
        .order_by(FundingAccount.id)
        .execution_options(populate_existing=True)
    ).all()


def _take_turn(account_id: int) -> None:
    db.session.connection().execute(
        update(_accounts)
        .where(_accounts.c.id == account_id)
        .values(version=_accounts.c.version + 1)
    )


def _warn(account: FundingAccount, used: int, now: datetime) -> None:
    """Tell the holder once when so much of the budget is used."""
    if not account.budget:
        return
    at = reached(used, account.budget)
    if at > account.warned:
        account.warned = at
        notices.budget_reached(account, at, used, now=now)
