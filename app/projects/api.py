"""HTTP API of projects: for which groups the caller reserves, and what they may charge."""

from datetime import date
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from app.accounts.current import current
from app.accounts.models import Institution
from app.accounts.today import today
from app.domain.booking import Mode
from app.domain.shares import show_percent
from app.projects import charging, queries
from app.projects.models import FundingAccount, Project, ResearchGroup
from app.web.rights import SIGNED_IN, open_to

bp = APIBlueprint("projects-api", __name__, url_prefix="/api/v1", tag="Me")


class BothOut(BaseModel):
    """A name in Korean and English."""

    ko: str
    en: str


class GroupItemOut(BaseModel):
    """A research group that the caller leads or belongs to."""

    id: int
    name: BothOut
    institution: str = Field(description="Slug.")
    leader: str = Field(description="Name of the PI.")


class GroupsOut(BaseModel):
    items: list[GroupItemOut]
    next: str | None = Field(description="Always none: they are few.")


class ShareOut(BaseModel):
    """What an account pays of a project by default."""

    account: str = Field(description="Project number.")
    percent: str
    agreed: bool = Field(description="Whether its holder has agreed.")


class ProjectOut(BaseModel):
    """A joint project of the caller's."""

    uid: str
    name: BothOut
    leader: str
    institutions: list[str] = Field(description="Slugs, the leading one first.")
    starts_on: date
    ends_on: date
    shares: list[ShareOut]
    remainder_to: str | None = Field(description="The account that takes the odd won.")


class ProjectsOut(BaseModel):
    items: list[ProjectOut]
    next: str | None = Field(description="Always none: they are few.")


class AccountOut(BaseModel):
    """A funding account that the caller may charge today."""

    account: str = Field(description="Project number, by which shares name it.")
    name: BothOut
    institution: str = Field(description="Slug; the bill goes there.")
    holder: str
    starts_on: date
    ends_on: date
    modes: list[Mode] = Field(description="What it pays for; none named: all.")
    project: str | None = Field(description="The uid of its joint project.")


class AccountsOut(BaseModel):
    items: list[AccountOut]
    next: str | None = Field(description="Always none: they are few.")


_NAME = {"ko": "종양면역 공동연구", "en": "Tumour immunology consortium"}
_GROUPS = {
    "items": [{"id": 1, "name": _NAME, "institution": "kaist", "leader": "신하은"}],
    "next": None,
}
_DAYS = {"starts_on": "2026-03-01", "ends_on": "2029-02-28"}
_PROJECTS = {
    "items": [
        {
            "uid": "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64",
            "name": _NAME,
            "leader": "신하은",
            "institutions": ["kaist", "cnu"],
            **_DAYS,
            "shares": [{"account": "RS-2026-00012", "percent": "60", "agreed": True}],
            "remainder_to": "RS-2026-00012",
        }
    ],
    "next": None,
}
_ACCOUNTS: dict[str, Any] = {
    "items": [
        {
            "account": "RS-2026-00012",
            "name": _NAME,
            "institution": "kaist",
            "holder": "신하은",
            **_DAYS,
            "modes": [],
            "project": None,
        }
    ],
    "next": None,
}


@bp.get("/groups")
@bp.output(GroupsOut, example=_GROUPS)
@bp.doc(summary="My research groups")
@open_to(SIGNED_IN)
def groups() -> GroupsOut:
    """For which groups you may reserve; the first is taken where none is named."""
    found = queries.groups_of(current().id, today=today())
    return GroupsOut(items=[_group(each) for each in found], next=None)


@bp.get("/projects")
@bp.output(ProjectsOut, example=_PROJECTS)
@bp.doc(summary="My joint projects")
@open_to(SIGNED_IN)
def projects() -> ProjectsOut:
    """The joint projects that you are in, with their default shares."""
    user = current()
    found = charging.projects_in(user.id, today=today())
    return ProjectsOut(items=[_project(each) for each in found], next=None)


@bp.get("/funding-accounts")
@bp.output(AccountsOut, example=_ACCOUNTS)
@bp.doc(summary="What I may charge")
@open_to(SIGNED_IN)
def accounts() -> AccountsOut:
    """The funding accounts that you may charge today."""
    found = charging.chargeable(current().id, today=today())
    return AccountsOut(items=[_account(each) for each in found], next=None)


def _both(thing: ResearchGroup | Project | FundingAccount | Institution) -> BothOut:
    return BothOut(ko=thing.name_ko, en=thing.name_en)


def _group(group: ResearchGroup) -> GroupItemOut:
    return GroupItemOut(
        id=group.id,
        name=_both(group),
        institution=group.institution.slug,
        leader=group.leader.name,
    )


def _project(project: Project) -> ProjectOut:
    shares = charging.shares_of(project)
    others = [each.slug for each in project.institutions]
    return ProjectOut(
        uid=project.uid,
        name=_both(project),
        leader=project.leader.name,
        institutions=[project.institution.slug, *others],
        starts_on=project.starts_on,
        ends_on=project.ends_on,
        shares=[
            ShareOut(
                account=each.account.number,
                percent=show_percent(each.percent),
                agreed=each.consent is not None,
            )
            for each in shares
        ],
        remainder_to=next((each.account.number for each in shares if each.takes_remainder), None),
    )


def _account(account: FundingAccount) -> AccountOut:
    return AccountOut(
        account=account.number,
        name=_both(account),
        institution=account.institution.slug,
        holder=account.holder.name,
        starts_on=account.starts_on,
        ends_on=account.ends_on,
        modes=[Mode(each) for each in account.modes],
        project=account.project.uid if account.project else None,
    )
