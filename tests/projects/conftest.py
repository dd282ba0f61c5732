"""A research group of KAIST, led by Haeun, with Mina in it."""

from datetime import date, datetime

import pytest

from app import clock
from app.accounts.models import Institution, User
from app.projects import groups
from app.projects.groups import GroupPlan
from app.projects.models import Belonging, GroupMembership, ResearchGroup
from tests import factories
from tests.factories import NOW

TODAY = date(2026, 3, 2)


@pytest.fixture
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages, too, believe that it is 2 March 2026."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def haeun(app: object) -> User:
    """Leads a laboratory of KAIST."""
    return factories.user("haeun", name="신하은", institution=factories.kaist())


def group_of(leader: User, institution: Institution | None = None, **names: str) -> ResearchGroup:
    plan = GroupPlan(
        name_ko=names.get("name_ko", "분자영상 연구실"),
        name_en=names.get("name_en", "Molecular Imaging Lab"),
    )
    at = institution or factories.kaist()
    return groups.make_group(leader, at, plan, now=NOW, today=TODAY)


def member(group: ResearchGroup, user: User, **fields: object) -> GroupMembership:
    fields.setdefault("starts_on", date(2025, 3, 2))
    return factories.save(
        GroupMembership(
            group_id=group.id, user_id=user.id, belonging=Belonging.MEMBER, made_at=NOW, **fields
        )
    )


@pytest.fixture
def lab(haeun: User) -> ResearchGroup:
    """Of Haeun's, with nobody else in it."""
    return group_of(haeun)
