"""Reads of projects and funding accounts: who may charge what, and who agreed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.access import Action, Scope, institutions_administered, may
from app.accounts.models import User
from app.db import db
from app.domain.errors import NotFound, Text
from app.domain.paying import Account, Agreed
from app.projects import budgets
from app.projects.models import (
    AccountUser,
    Consent,
    FundingAccount,
    Project,
    ProjectMember,
    ProjectShare,
)

NO_PROJECT = Text("해당 과제를 찾을 수 없습니다.", "There is no such project.")
NO_ACCOUNT = Text("해당 연구비 계정을 찾을 수 없습니다.", "There is no such funding account.")


def project_by_uid(uid: str) -> Project:
    """The project as it is now; raises `NotFound`."""
    found = db.session.scalar(
        select(Project)
        .where(Project.uid == uid)
        .options(
            joinedload(Project.leader),
            joinedload(Project.institution),
            selectinload(Project.institutions),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(NO_PROJECT)
    return found


def seen_project(user: User, uid: str) -> Project:
    """The project, for those who may see it; for others there is none."""
    project = project_by_uid(uid)
    if not may(user, Action.SEE_PROJECT, scope_of_project(project)):
        raise NotFound(NO_PROJECT)
    return project


def scope_of_project(project: Project) -> Scope:
    """A project as `access` asks about it: its PI is the holder."""
    return Scope(
        institution_id=project.institution_id,
        holder_id=project.leader_id,
        member_ids=frozenset(each.user_id for each in members_of(project)),
    )


def members_of(project: Project) -> Sequence[ProjectMember]:
    return db.session.scalars(
        select(ProjectMember)
        .where(ProjectMember.project_id == project.id)
        .options(joinedload(ProjectMember.user))
        .order_by(ProjectMember.id)
    ).all()


def is_member(project: Project, user_id: int) -> bool:
    return bool(
        db.session.scalar(
            select(ProjectMember.id).where(
                ProjectMember.project_id == project.id, ProjectMember.user_id == user_id
            )
        )
    )


def projects_of(user: User) -> Sequence[Project]:
    """The projects that a person leads, is in, or administers the leading institution of."""
    member = exists().where(
        ProjectMember.project_id == Project.id, ProjectMember.user_id == user.id
    )
    wanted = or_(Project.leader_id == user.id, member)
    own = institutions_administered(user)
    if own:
        wanted = or_(wanted, Project.institution_id.in_(own))
    query = select(Project).options(
        joinedload(Project.leader),
        joinedload(Project.institution),
        selectinload(Project.institutions),
    )
    if own is not None:
        query = query.where(wanted)
    return db.session.scalars(query.order_by(Project.ends_on.desc(), Project.id)).all()


def projects_in(user_id: int, *, today: date) -> Sequence[Project]:
    """The projects that a person leads or is in, as long as they run."""
    member = exists().where(
        ProjectMember.project_id == Project.id, ProjectMember.user_id == user_id
    )
    return db.session.scalars(
        select(Project)
        .where(
            or_(Project.leader_id == user_id, member),
            Project.starts_on <= today,
            Project.ends_on >= today,
        )
        .options(
            joinedload(Project.leader),
            joinedload(Project.institution),
            selectinload(Project.institutions),
        )
        .order_by(Project.ends_on, Project.id)
    ).all()


def shares_of(project: Project) -> Sequence[ProjectShare]:
    """Who pays of the project, and who has agreed; the largest share first."""
    return db.session.scalars(
        select(ProjectShare)
        .where(ProjectShare.project_id == project.id)
        .options(
            joinedload(ProjectShare.account).joinedload(FundingAccount.institution),
            joinedload(ProjectShare.account).joinedload(FundingAccount.holder),
        )
        .order_by(ProjectShare.parts.desc(), ProjectShare.id)
    ).all()


def shares_of_account(account: FundingAccount) -> Sequence[tuple[ProjectShare, Project]]:
    """What projects ask of an account."""
    rows = db.session.execute(
        select(ProjectShare, Project)
        .join(Project, Project.id == ProjectShare.project_id)
        .where(ProjectShare.account_id == account.id)
        .order_by(ProjectShare.id)
    )
    return [(share, project) for share, project in rows]


def accounts_of_project(project: Project) -> Sequence[FundingAccount]:
    """The accounts whose holders have put them into the project."""
    return db.session.scalars(
        select(FundingAccount)
        .where(FundingAccount.project_id == project.id, FundingAccount.closed_at.is_(None))
        .options(joinedload(FundingAccount.institution), joinedload(FundingAccount.holder))
        .order_by(FundingAccount.number)
    ).all()


def account_by_id(account_id: int) -> FundingAccount:
    """The account as it is now; raises `NotFound`."""
    found = db.session.scalar(
        select(FundingAccount)
        .where(FundingAccount.id == account_id)
        .options(
            joinedload(FundingAccount.institution),
            joinedload(FundingAccount.holder),
            joinedload(FundingAccount.project),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(NO_ACCOUNT)
    return found


def scope_of_account(account: FundingAccount) -> Scope:
    """An account as `access` asks about it; its PI holds it."""
    return Scope(institution_id=account.institution_id, holder_id=account.holder_id)


def held_account(user: User, account_id: int) -> FundingAccount:
    """The account, for its holder and who administers it; for others there is none."""
    account = account_by_id(account_id)
    if not may(user, Action.HOLD_ACCOUNT, scope_of_account(account)):
        raise NotFound(NO_ACCOUNT)
    return account


def users_of(account: FundingAccount) -> Sequence[AccountUser]:
    return db.session.scalars(
        select(AccountUser)
        .where(AccountUser.account_id == account.id)
        .options(joinedload(AccountUser.user))
        .order_by(AccountUser.id)
    ).all()


def accounts_held(user: User) -> Sequence[FundingAccount]:
    """The accounts that a person holds, or whose institution they administer."""
    query = select(FundingAccount).options(
        joinedload(FundingAccount.institution), joinedload(FundingAccount.holder)
    )
    own = institutions_administered(user)
    if own is not None:
        held = FundingAccount.holder_id == user.id
        query = query.where(or_(held, FundingAccount.institution_id.in_(own)))
    return db.session.scalars(query.order_by(FundingAccount.number)).all()


def chargeable(user_id: int, *, today: date) -> Sequence[FundingAccount]:
    """What a person may charge on a day: their own, those whose holder lets them, and those
    that have agreed to pay a share of a project of theirs.
    """
    let = exists().where(
        AccountUser.account_id == FundingAccount.id, AccountUser.user_id == user_id
    )
    member = exists().where(
        ProjectMember.project_id == Project.id, ProjectMember.user_id == user_id
    )
    agreed = (
        exists()
        .where(
            ProjectShare.account_id == FundingAccount.id,
            ProjectShare.consent.is_not(None),
            ProjectShare.project_id == Project.id,
            Project.starts_on <= today,
            Project.ends_on >= today,
            or_(Project.leader_id == user_id, member),
        )
        .correlate(FundingAccount)
    )
    return db.session.scalars(
        select(FundingAccount)
        .where(
            FundingAccount.closed_at.is_(None),
            FundingAccount.starts_on <= today,
            FundingAccount.ends_on >= today,
            or_(FundingAccount.holder_id == user_id, let, agreed),
        )
        .options(
            joinedload(FundingAccount.institution),
            joinedload(FundingAccount.holder),
            joinedload(FundingAccount.project),
        )
        .order_by(FundingAccount.number)
    ).all()


def to_charge(
    user_id: int, numbers: Collection[str], besides: Collection[int] = ()
) -> dict[str, Account]:
    """The accounts of these numbers as far as booking asks about them; unknown ones left out.

    What is held for the reservations `besides` counts as free.
    """
    let = exists().where(
        AccountUser.account_id == FundingAccount.id, AccountUser.user_id == user_id
    )
    rows = db.session.execute(
        select(FundingAccount, or_(FundingAccount.holder_id == user_id, let)).where(
            FundingAccount.number.in_(numbers)
        )
    ).all()
    agreed: defaultdict[int, list[Agreed]] = defaultdict(list)
    for account_id, consent, first, last in db.session.execute(
        select(ProjectShare.account_id, ProjectShare.consent, Project.starts_on, Project.ends_on)
        .join(Project, Project.id == ProjectShare.project_id)
        .where(
            ProjectShare.account_id.in_([account.id for account, _ in rows]),
            ProjectShare.consent.is_not(None),
            _takes_part(user_id),
        )
    ):
        agreed[account_id].append(Agreed(first, last, single=consent is Consent.SINGLE))
    left = budgets.left_of([account for account, _ in rows], besides)
    return {
        account.number: Account(
            starts_on=account.starts_on,
            ends_on=account.ends_on,
            closed=account.closed_at is not None,
            remaining=left.get(account.id),
            modes=frozenset(account.modes),
            let=bool(let_),
            agreed=tuple(agreed[account.id]),
        )
        for account, let_ in rows
    }


def use_up(user_id: int, number: str, first: date, last: date) -> bool:
    """Take a consent to a single reservation on these days; False if there is none any more."""
    found = db.session.scalar(
        select(ProjectShare.id)
        .join(Project, Project.id == ProjectShare.project_id)
        .join(FundingAccount, FundingAccount.id == ProjectShare.account_id)
        .where(
            FundingAccount.number == number,
            ProjectShare.consent == Consent.SINGLE,
            Project.starts_on <= first,
            Project.ends_on >= last,
            _takes_part(user_id),
        )
        .order_by(ProjectShare.id)
        .limit(1)
    )
    taken = db.session.execute(
        update(ProjectShare)
        .where(ProjectShare.id == found, ProjectShare.consent == Consent.SINGLE)
        .values(consent=None, agreed_at=None, agreed_by_id=None)
        .returning(ProjectShare.id)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


def _takes_part(user_id: int) -> ColumnElement[bool]:
    """The person leads the project or is in it."""
    member = exists().where(
        ProjectMember.project_id == Project.id, ProjectMember.user_id == user_id
    )
    return or_(Project.leader_id == user_id, member)
