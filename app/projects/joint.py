"""Use cases of joint projects: made and changed; people let in; who pays which share."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update

from app.accounts import access
from app.accounts import queries as people
from app.accounts.access import Action, Scope
from app.accounts.acts import filled, invalid
from app.accounts.models import Institution, User
from app.audit import services as audit
from app.db import db, table_of, transaction
from app.domain.errors import Invalid, NotFound, Text
from app.domain.shares import DECIMALS, Shares, show_percent
from app.projects import charging, notices
from app.projects.models import Consent, FundingAccount, Project, ProjectMember, ProjectShare


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPlan:
    """A project as it is to be."""

    name_ko: str
    name_en: str
    starts_on: date
    ends_on: date
    institutions: Sequence[Institution] = ()  # beside the one that leads it


def make_project(
    user: User, institution: Institution, plan: ProjectPlan, *, now: datetime, today: date
) -> Project:
    """Make a project, led by oneself and by an institution to which one belongs."""
    with transaction():
        user = db.session.get_one(User, user.id)
        access.require(user, Action.MAKE_PROJECT)
        if not _belongs(user, {institution.id}, today):
            raise invalid(
                "institution",
                "소속된 기관만 주관기관으로 정할 수 있습니다.",
                "Only an institution to which you belong can lead your project.",
            )
        project = Project(
            uid=uuid.uuid4().hex, institution_id=institution.id, leader=user, made_at=now
        )
        db.session.add(project)
        _apply(plan, project)
        _note("make-project", project, user, now, _visible(project))
    return project


def change_project(user: User, uid: str, plan: ProjectPlan, *, now: datetime) -> Project:
    """Change name, period or institutions."""
    with transaction():
        project, user = _led(user, uid)
        before = _visible(project)
        _apply(plan, project)
        after = _visible(project)
        if changes := {k: [before[k], v] for k, v in after.items() if before[k] != v}:
            _note("change-project", project, user, now, changes)
    return project


def let_in(user: User, uid: str, email: str, *, now: datetime, today: date) -> None:
    """The PI lets somebody of a participating institution into the project; they are told.

    The same is said of an address without an account and of people of other institutions.
    """
    with transaction():
        project, user = _led(user, uid)
        person = people.user_by_email(email)
        if person is None or not _belongs(person, project_institutions(project), today):
            raise invalid(
                "email",
                "참여기관에 지금 소속된 사람의 주소가 아닙니다. 주소를 확인하거나 그 기관을 먼저 "
                "참여기관에 넣으세요.",
                "Nobody who belongs to a participating institution has this address. "
                "Check it, or let the institution take part first.",
            )
        if person.id == project.leader_id or charging.is_member(project, person.id):
            raise invalid(
                "email", "이미 이 과제에 참여하고 있습니다.", "They are in the project already."
            )
        db.session.add(ProjectMember(project_id=project.id, user_id=person.id, added_at=now))
        db.session.flush()
        _note("let-into-project", project, user, now, {"person": person.id})
        notices.project_news("let_in", project, person, by=user, now=now)


def take_out(user: User, uid: str, member_id: int, *, reason: str, now: datetime) -> None:
    """Take somebody out of the project, with a reason that they are told."""
    with transaction():
        project, user = _led(user, uid)
        row = db.session.get(ProjectMember, member_id)
        if row is None or row.project_id != project.id:
            raise NotFound(Text("이 과제의 참여자가 아닙니다.", "They are not in the project."))
        if not reason.strip():
            raise invalid(
                "reason",
                "제외하는 사유를 적어 주세요. 그 사람에게 전해집니다.",
                "Say why: the person is told.",
            )
        person = row.user
        db.session.delete(row)
        _note("take-out-of-project", project, user, now, {"person": person.id, "reason": reason})
        notices.project_news("removed", project, person, by=user, reason=reason, now=now)


def set_shares(user: User, uid: str, shares: Shares, *, now: datetime) -> None:
    """Say which accounts of the project pay by default, and how much each.

    A holder is asked to agree to each share that changes; what is theirs who set it is agreed.
    """
    with transaction():
        project, user = _led(user, uid)
        accounts = {each.number: each for each in charging.accounts_of_project(project)}
        if unknown := [s.account for s in shares.shares if s.account not in accounts]:
            named = unknown[0]
            raise Invalid(
                Text(
                    f"이 과제에 연결된 연구비 계정이 아닙니다: {named}",
                    f"This account is not one of the project: {named}",
                ),
                {"shares": Text(f"{named}: 연결되지 않음", f"{named}: not of the project")},
            )
        had = {each.account_id: each for each in charging.shares_of(project)}
        for share in shares.shares:
            account = accounts[share.account]
            row = had.pop(account.id, None) or ProjectShare(
                project_id=project.id, account=account, parts=0, takes_remainder=False
            )
            parts = int(share.percent * 10**DECIMALS)
            if parts != row.parts:
                _ask_anew(row, account, user, now)
                if account.holder_id != user.id:
                    notices.share_asked(project, account, show_percent(share.percent), user, now)
            row.parts, row.takes_remainder = parts, share.account == shares.remainder_to
            db.session.add(row)
        for gone in had.values():
            db.session.delete(gone)
        db.session.flush()
        _note("set-shares", project, user, now, _said(shares))


def _ask_anew(row: ProjectShare, account: FundingAccount, user: User, now: datetime) -> None:
    own = account.holder_id == user.id
    row.consent = Consent.STANDING if own else None
    row.agreed_at, row.agreed_by_id = (now, user.id) if own else (None, None)


def agree(user: User, share_id: int, consent: Consent | None, *, now: datetime) -> ProjectShare:
    """The holder of the account agrees to its share, for all or for one reservation; or not."""
    with transaction():
        user = db.session.get_one(User, user.id)
        share = db.session.get(ProjectShare, share_id, populate_existing=True)
        if share is None:
            raise NotFound(Text("해당 분담이 없습니다.", "There is no such share."))
        access.require(user, Action.HOLD_ACCOUNT, charging.scope_of_account(share.account))
        share.consent = consent
        share.agreed_at, share.agreed_by_id = (now, user.id) if consent else (None, None)
        db.session.flush()
        audit.record(
            "agree-to-share",
            "funding-account",
            share.account.number,
            actor_id=user.id,
            now=now,
            detail={"project": share.project_id, "consent": consent, "parts": share.parts},
        )
    return share


def project_institutions(project: Project) -> set[int]:
    """Ids of all that take part, the one that leads it among them."""
    return {project.institution_id, *(each.id for each in project.institutions)}


def _belongs(user: User, institutions: set[int], today: date) -> bool:
    current = people.current_affiliations(user, today=today)
    return any(each.institution_id in institutions for each in current)


def _led(user: User, uid: str) -> tuple[Project, User]:
    """The project, locked for this transaction, for whoever leads or administers it.

    A write, not `SELECT … FOR UPDATE`, because SQLite ignores the latter.
    """
    projects = table_of(Project)
    db.session.connection().execute(
        update(projects).where(projects.c.uid == uid).values(version=projects.c.version + 1)
    )
    project = charging.project_by_uid(uid)
    user = db.session.get_one(User, user.id)
    scope = Scope(institution_id=project.institution_id, holder_id=project.leader_id)
    access.require(user, Action.LEAD_PROJECT, scope)
    return project, user


def _apply(plan: ProjectPlan, project: Project) -> None:
    if plan.ends_on < plan.starts_on:
        raise invalid(
            "ends_on",
            "마지막 날이 시작일보다 앞섭니다.",
            "The last day lies before the first.",
        )
    project.name_ko = filled(plan.name_ko, "name_ko")
    project.name_en = filled(plan.name_en, "name_en")
    project.starts_on, project.ends_on = plan.starts_on, plan.ends_on
    ids = {each.id for each in plan.institutions} - {project.institution_id}
    project.institutions = list(
        db.session.scalars(select(Institution).where(Institution.id.in_(ids)))
    )
    db.session.flush()


def _visible(project: Project) -> dict[str, object]:
    return {
        "name_ko": project.name_ko,
        "name_en": project.name_en,
        "starts_on": project.starts_on.isoformat(),
        "ends_on": project.ends_on.isoformat(),
        "institutions": sorted(each.id for each in project.institutions),
    }


def _said(shares: Shares) -> dict[str, object]:
    return {
        "shares": {each.account: show_percent(each.percent) for each in shares.shares},
        "remainder_to": shares.remainder_to,
    }


def _note(
    act: str, project: Project, user: User, now: datetime, detail: Mapping[str, object]
) -> None:
    audit.record(act, "project", project.uid, actor_id=user.id, now=now, detail=dict(detail))
