"""Who is told what about groups, projects, accounts: rows of the outbox beside the data."""

import uuid
from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.mail import outbox
from app.projects.models import FundingAccount, GroupMembership, Project, ResearchGroup


def invited(row: GroupMembership, person: User, *, by: User, now: datetime) -> None:
    _enqueue("group_invited", person, _of(row.group, by), now)


def news(
    what: str, group: ResearchGroup, reader: User, *, by: User, reason: str = "", now: datetime
) -> None:
    """Tell somebody what `by` has done; nobody is told of what they did themselves."""
    if reader.id != by.id:
        _enqueue("group_news", reader, {**_of(group, by), "what": what, "reason": reason}, now)


def project_news(
    what: str, project: Project, reader: User, *, by: User, reason: str = "", now: datetime
) -> None:
    """Somebody is let into a project, or taken out of it."""
    if reader.id != by.id:
        more = {"what": what, "reason": reason}
        _enqueue("project_news", reader, {**_of_project(project, by), **more}, now)


def share_asked(
    project: Project, account: FundingAccount, percent: str, by: User, now: datetime
) -> None:
    """The holder of an account is asked to agree to its share."""
    more = {"what": "share", "number": account.number, "percent": percent}
    more |= {"account_id": str(account.id)}
    _enqueue("project_news", account.holder, {**_of_project(project, by), **more}, now)


def may_charge(account: FundingAccount, reader: User, *, by: User, now: datetime) -> None:
    """Somebody may charge an account from now on."""
    more: dict[str, Any] = {"what": "account", "number": account.number, "by": by.name}
    more |= {"account": {"ko": account.name_ko, "en": account.name_en}}
    _enqueue("project_news", reader, more, now)


def budget_reached(account: FundingAccount, percent: int, used: int, *, now: datetime) -> None:
    """The holder of an account is told how much of its budget is held and spent."""
    more = {"what": "budget", "number": account.number, "account_id": str(account.id)}
    more |= {"percent": str(percent), "used": f"{used:,}", "budget": f"{account.budget:,}"}
    both = {"account": {"ko": account.name_ko, "en": account.name_en}}
    _enqueue("project_news", account.holder, {**more, **both}, now)


def _of_project(project: Project, by: User) -> dict[str, Any]:
    both = {"ko": project.name_ko, "en": project.name_en}
    return {"project": both, "project_uid": project.uid, "by": by.name}


def _of(group: ResearchGroup, by: User) -> dict[str, Any]:
    return {
        "group_id": group.id,
        "group": {"ko": group.name_ko, "en": group.name_en},
        "institution": {"ko": group.institution.name_ko, "en": group.institution.name_en},
        "by": by.name,
    }


def _enqueue(template: str, user: User, particulars: dict[str, Any], now: datetime) -> None:
    outbox.enqueue(
        template,
        to=user.email,
        language=user.language,
        key=f"{template}-{user.id}-{uuid.uuid4().hex}",
        particulars={"reader": user.name, **particulars},
        now=now,
    )
