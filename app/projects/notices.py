"""Who is told what about groups: rows of the outbox, written with the data."""

import uuid
from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.mail import outbox
from app.projects.models import GroupMembership, ResearchGroup


def invited(row: GroupMembership, person: User, *, by: User, now: datetime) -> None:
    _enqueue("group_invited", person, _of(row.group, by), now)


def news(
    what: str, group: ResearchGroup, reader: User, *, by: User, reason: str = "", now: datetime
) -> None:
    """Tell somebody what `by` has done; nobody is told of what they did themselves."""
    if reader.id != by.id:
        _enqueue("group_news", reader, {**_of(group, by), "what": what, "reason": reason}, now)


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
        key=f"{template}-{particulars['group_id']}-{user.id}-{uuid.uuid4().hex}",
        particulars={"reader": user.name, **particulars},
        now=now,
    )
