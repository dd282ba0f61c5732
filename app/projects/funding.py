"""Use cases of funding accounts: registered and changed; who may charge them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from app.accounts import access
from app.accounts import queries as people
from app.accounts.access import Action
from app.accounts.acts import filled, invalid
from app.accounts.models import Institution, User
from app.audit import services as audit
from app.db import db, table_of, transaction
from app.domain.booking import Mode
from app.domain.errors import NotFound, Text
from app.projects import charging, notices
from app.projects.models import AccountUser, FundingAccount, Project

#: In won; a thousand times the research budget of the country, and far from 64 bits.
MOST_BUDGET = 10**16


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """An account as it is to be."""

    name_ko: str
    name_en: str
    funder: str
    starts_on: date
    ends_on: date
    budget: int | None = None  # won
    modes: frozenset[Mode] = frozenset()  # none: all
    project: Project | None = None


def register(
    user: User,
    institution: Institution,
    number: str,
    plan: AccountPlan,
    *,
    now: datetime,
    today: date,
) -> FundingAccount:
    """Register an account that one holds, owned by an institution to which one belongs."""
    with transaction():
        user = db.session.get_one(User, user.id)
        access.require(user, Action.REGISTER_ACCOUNT)
        current = people.current_affiliations(user, today=today)
        if not any(each.institution_id == institution.id for each in current):
            raise invalid(
                "institution",
                "소속된 기관의 과제만 등록할 수 있습니다.",
                "Only an account of an institution to which you belong can be registered.",
            )
        number = filled(number, "number")
        if db.session.scalar(select(FundingAccount.id).where(FundingAccount.number == number)):
            raise invalid(
                "number",
                "이 과제번호는 이미 등록되어 있습니다.",
                "An account with this project number is registered already.",
            )
        account = FundingAccount(
            number=number, institution_id=institution.id, holder=user, made_at=now
        )
        _apply(plan, account)
        db.session.add(account)
        db.session.flush()
        _note("register-account", account, user, now, **_visible(account))
    return account


def change_account(
    user: User, account_id: int, plan: AccountPlan, *, now: datetime
) -> FundingAccount:
    """Change what is known of an account; its number, institution and holder stay."""
    with transaction():
        account, user = _held(user, account_id)
        before = _visible(account)
        _apply(plan, account)
        db.session.flush()
        after = _visible(account)
        if changes := {k: [before[k], v] for k, v in after.items() if before[k] != v}:
            _note("change-account", account, user, now, **changes)
    return account


def let_charge(user: User, account_id: int, email: str, *, now: datetime) -> None:
    """The holder lets somebody charge the account; they are told.

    Of whom no account with Dure is known, nothing is said but that they cannot be let.
    """
    with transaction():
        account, user = _held(user, account_id)
        person = people.user_by_email(email)
        if person is None or not person.active or person.id == account.holder_id:
            raise invalid(
                "email",
                "이 주소로는 허용할 수 없습니다. 주소를 확인하세요.",
                "Nobody can be let by this address. Check it.",
            )
        held = db.session.scalar(
            select(AccountUser.id).where(
                AccountUser.account_id == account.id, AccountUser.user_id == person.id
            )
        )
        if held is None:
            db.session.add(AccountUser(account_id=account.id, user_id=person.id, added_at=now))
            db.session.flush()
            _note("let-charge", account, user, now, person=person.id)
            notices.may_charge(account, person, by=user, now=now)


def let_charge_no_more(user: User, account_id: int, row_id: int, *, now: datetime) -> None:
    """Take back that somebody may charge the account; what they charged stays."""
    with transaction():
        account, user = _held(user, account_id)
        row = db.session.get(AccountUser, row_id)
        if row is None or row.account_id != account.id:
            raise NotFound(
                Text("이 계정에 허용된 사람이 아닙니다.", "They may not charge it anyway.")
            )
        _note("let-charge-no-more", account, user, now, person=row.user_id)
        db.session.delete(row)


def _held(user: User, account_id: int) -> tuple[FundingAccount, User]:
    """The account, locked for this transaction, for its holder or who administers it."""
    accounts = table_of(FundingAccount)
    db.session.connection().execute(
        update(accounts).where(accounts.c.id == account_id).values(version=accounts.c.version + 1)
    )
    account, user = charging.account_by_id(account_id), db.session.get_one(User, user.id)
    access.require(user, Action.HOLD_ACCOUNT, charging.scope_of_account(account))
    return account, user


def _apply(plan: AccountPlan, account: FundingAccount) -> None:
    if plan.ends_on < plan.starts_on:
        raise invalid(
            "ends_on",
            "마지막 날이 시작일보다 앞섭니다.",
            "The last day lies before the first.",
        )
    if plan.budget is not None and not 0 <= plan.budget <= MOST_BUDGET:
        raise invalid(
            "budget",
            "예산은 0원 이상, 1경 원 이하로 적어 주세요.",
            "A budget lies between 0 and 10,000,000,000,000,000 won.",
        )
    account.name_ko = filled(plan.name_ko, "name_ko")
    account.name_en = filled(plan.name_en, "name_en")
    account.funder = plan.funder.strip()
    account.starts_on, account.ends_on = plan.starts_on, plan.ends_on
    if account.budget != plan.budget:
        account.budget, account.warned = plan.budget, 0
    account.modes = sorted(plan.modes)
    account.project_id = plan.project.id if plan.project else None


def _visible(account: FundingAccount) -> dict[str, object]:
    return {
        "name_ko": account.name_ko,
        "name_en": account.name_en,
        "funder": account.funder,
        "starts_on": account.starts_on.isoformat(),
        "ends_on": account.ends_on.isoformat(),
        "budget": account.budget,
        "modes": list(account.modes),
        "project": account.project_id,
    }


def _note(act: str, account: FundingAccount, user: User, now: datetime, **detail: object) -> None:
    audit.record(act, "funding-account", account.number, actor_id=user.id, now=now, detail=detail)
