"""Who may pay for what is being asked for, and what is filled in of it."""

from collections.abc import Sequence

from app.accounts.models import User
from app.accounts.today import today
from app.domain.booking import Policy
from app.domain.paying import AccountsAsked
from app.domain.shares import Share
from app.projects import charging
from app.projects.models import FundingAccount, Project
from app.reservations import paying
from app.reservations.forms import Asked
from app.reservations.share_fields import SHARE, fill_in_shares

Shared = Sequence[tuple[Project, tuple[Share, ...]]]


def accounts_to_charge(policy: Policy, user: User) -> Sequence[FundingAccount]:
    """The accounts that the asker may charge, where the instrument asks for them."""
    asked = policy.account is not AccountsAsked.OFF
    return charging.chargeable(user.id, today=today()) if asked else ()


def shares_of_projects(form: Asked, user: User) -> Shared:
    """The asker's projects with default shares, all of whose accounts the form has."""
    if not form.paying:
        return []
    offered = {field.name.removeprefix(SHARE) for field in form.paying}
    found = [
        (project, paying.default_shares(charging.shares_of(project)))
        for project in charging.projects_in(user.id, today=today())
    ]
    return [
        (project, shares)
        for project, shares in found
        if shares and offered.issuperset(each.account for each in shares)
    ]


def fill_in_project(form: Asked, user: User, uid: str) -> None:
    """The project's default shares instead of what was typed; all else stays."""
    for project, shares in shares_of_projects(form, user):
        if project.uid == uid:
            fill_in_shares(form, shares)


def fill_in_at_hand(form: Asked, user: User, policy: Policy) -> None:
    """Where only one answer is at hand: a project's, or the one account."""
    projects = shares_of_projects(form, user)
    if len(projects) == 1:
        fill_in_shares(form, projects[0][1])
    elif len(form.paying) == 1 and policy.account is AccountsAsked.REQUIRED:
        form.paying[0].data = "100"
