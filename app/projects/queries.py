"""Reads of research groups: whose they are, who belongs to them on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import joinedload

from app.accounts import access, places
from app.accounts.access import Actor, Scope
from app.accounts.models import Institution, User
from app.accounts.queries import current_affiliations
from app.db import db
from app.domain.errors import NotFound, Text
from app.projects.models import Belonging, GroupMembership, ResearchGroup

GROUPS_PER_PAGE = 50
NO_GROUP = Text("해당 연구실을 찾을 수 없습니다.", "There is no such research group.")


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """Some of the groups found, and how many there are."""

    items: Sequence[ResearchGroup]
    number: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // GROUPS_PER_PAGE))


def member_on(day: date) -> ColumnElement[bool]:
    """Memberships that count on that day."""
    return and_(
        GroupMembership.belonging == Belonging.MEMBER,
        GroupMembership.starts_on <= day,
        or_(GroupMembership.ends_on.is_(None), GroupMembership.ends_on >= day),
    )


def group_by_id(group_id: int) -> ResearchGroup:
    """The group with its leader and institution, as it is now; raises `NotFound`."""
    found = db.session.scalar(
        select(ResearchGroup)
        .where(ResearchGroup.id == group_id)
        .options(joinedload(ResearchGroup.leader), joinedload(ResearchGroup.institution))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(NO_GROUP)
    return found


def scope_of_group(group: ResearchGroup, *, today: date) -> Scope:
    """A group as `access` asks about it: its leader is the holder."""
    members = db.session.scalars(
        select(GroupMembership.user_id).where(
            GroupMembership.group_id == group.id, member_on(today)
        )
    )
    return Scope(
        institution_id=group.institution_id,
        holder_id=group.leader_id,
        member_ids=frozenset(each for each in members if each is not None),
    )


def groups_of(user_id: int, *, today: date) -> Sequence[ResearchGroup]:
    """The groups that a person leads or belongs to, with their leaders; those led first."""
    belongs = exists().where(
        GroupMembership.group_id == ResearchGroup.id,
        GroupMembership.user_id == user_id,
        member_on(today),
    )
    return db.session.scalars(
        select(ResearchGroup)
        .where(ResearchGroup.closed_at.is_(None), or_(ResearchGroup.leader_id == user_id, belongs))
        .options(joinedload(ResearchGroup.leader), joinedload(ResearchGroup.institution))
        .order_by(ResearchGroup.leader_id != user_id, ResearchGroup.id)
    ).all()


_IDS: CompoundSelect[int, int] = union_all(
    select(literal(0).label("later"), ResearchGroup.id.label("id")).where(
        ResearchGroup.leader_id == bindparam("user"), ResearchGroup.closed_at.is_(None)
    ),
    select(literal(1), ResearchGroup.id)
    .join(GroupMembership, GroupMembership.group_id == ResearchGroup.id)
    .where(
        GroupMembership.user_id == bindparam("user"),
        GroupMembership.belonging == Belonging.MEMBER,
        GroupMembership.starts_on <= bindparam("day"),
        or_(GroupMembership.ends_on.is_(None), GroupMembership.ends_on >= bindparam("day")),
        ResearchGroup.closed_at.is_(None),
    ),
).order_by("later", "id")


def ids_of(user_id: int, *, today: date) -> list[int]:
    """The ids of `groups_of`, in its order: one read, built once, as every booking asks it."""
    return [id_ for _, id_ in db.session.execute(_IDS, {"user": user_id, "day": today})]


def people_in(group: ResearchGroup) -> Sequence[GroupMembership]:
    """Everyone in the group, on the way into it or gone; those who wait for an answer first."""
    order = [Belonging.ASKED, Belonging.INVITED, Belonging.MEMBER]
    found = db.session.scalars(
        select(GroupMembership)
        .where(
            GroupMembership.group_id == group.id, GroupMembership.belonging != Belonging.DECLINED
        )
        .options(joinedload(GroupMembership.user))
        .order_by(GroupMembership.id)
    ).all()
    return sorted(
        found, key=lambda one: order.index(one.belonging) if one.belonging in order else 9
    )


def ways_into(user: User) -> Sequence[GroupMembership]:
    """Invitations to the person and their own requests that nobody has answered yet."""
    return db.session.scalars(
        select(GroupMembership)
        .join(GroupMembership.group)
        .where(
            ResearchGroup.closed_at.is_(None),
            or_(
                and_(
                    GroupMembership.belonging == Belonging.INVITED,
                    GroupMembership.email == user.email,
                ),
                and_(
                    GroupMembership.belonging == Belonging.ASKED,
                    GroupMembership.user_id == user.id,
                ),
            ),
        )
        .options(
            joinedload(GroupMembership.group).joinedload(ResearchGroup.leader),
            joinedload(GroupMembership.group).joinedload(ResearchGroup.institution),
        )
        .order_by(GroupMembership.id)
    ).all()


def institutions_of_groups(user: User, *, today: date) -> list[Institution]:
    """Where the person may make groups: where they belong, and what they administer."""
    found = {
        each.institution_id: each.institution for each in current_affiliations(user, today=today)
    }
    if access.institutions_administered(user) != frozenset():
        found |= {each.id: each for each in places.institutions(user)}
    return list(found.values())


def own_institutions(user: User, *, today: date) -> list[Institution]:
    """Where the person belongs now."""
    return [each.institution for each in current_affiliations(user, today=today)]


def all_institutions() -> Sequence[Institution]:
    """Whoever can take part in a project."""
    return db.session.scalars(
        select(Institution).where(Institution.retired_at.is_(None)).order_by(Institution.slug)
    ).all()


def may_ask(user: User, group: ResearchGroup, *, today: date) -> bool:
    """Whether the group is of an institution to which the person belongs."""
    return any(
        each.institution_id == group.institution_id
        for each in current_affiliations(user, today=today)
    )


def directory(user: User, *, today: date, search: str = "", number: int = 1) -> GroupsPage:
    """The groups of the institutions that the person belongs to or administers, by name."""
    wanted = select(ResearchGroup).join(ResearchGroup.leader)
    own = access.institutions_administered(user)
    if own is not None:
        theirs = {each.institution_id for each in current_affiliations(user, today=today)}
        wanted = wanted.where(ResearchGroup.institution_id.in_(own | theirs))
    wanted = wanted.where(ResearchGroup.closed_at.is_(None))
    for word in search.split():
        wanted = wanted.where(
            or_(
                ResearchGroup.name_ko.icontains(word, autoescape=True),
                ResearchGroup.name_en.icontains(word, autoescape=True),
                User.name.icontains(word, autoescape=True),
            )
        )
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    number = min(max(1, number), max(1, -(-total // GROUPS_PER_PAGE)))
    items = db.session.scalars(
        wanted.options(joinedload(ResearchGroup.leader), joinedload(ResearchGroup.institution))
        .order_by(ResearchGroup.name_ko, ResearchGroup.id)
        .offset((number - 1) * GROUPS_PER_PAGE)
        .limit(GROUPS_PER_PAGE)
    ).all()
    return GroupsPage(items, number, total)


def may_lead(actor: Actor, group: ResearchGroup) -> bool:
    """Whether the actor leads the group or administers its institution."""
    return access.may(
        actor,
        access.Action.LEAD_GROUP,
        Scope(institution_id=group.institution_id, holder_id=group.leader_id),
    )


def people_led_by(leader_id: int, *, today: date) -> Sequence[User]:
    """Everyone who belongs today to a group that the person leads."""
    return db.session.scalars(
        select(User)
        .where(
            User.active,
            User.id != leader_id,
            User.id.in_(
                select(GroupMembership.user_id)
                .join(GroupMembership.group)
                .where(
                    ResearchGroup.leader_id == leader_id,
                    ResearchGroup.closed_at.is_(None),
                    member_on(today),
                )
            ),
        )
        .order_by(User.name, User.id)
    ).all()


def leads(leader_id: int, member_id: int, *, today: date) -> bool:
    """Whether one is the PI of the other today."""
    return any(each.id == member_id for each in people_led_by(leader_id, today=today))
