"""Use cases of research groups: made and changed; people invited, asking, accepted, gone."""

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
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.projects import notices, queries
from app.projects.models import Belonging, GroupMembership, ResearchGroup

#: More than any group has; so many invitations are a mistake, or mail nobody asked for.
MOST_PEOPLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """A group as it is to be called and led."""

    name_ko: str
    name_en: str
    leader: str = ""  # e-mail address; empty: whoever makes it


def make_group(
    user: User, institution: Institution, plan: GroupPlan, *, now: datetime, today: date
) -> ResearchGroup:
    """Make a group of an institution, led by oneself or, by its administrators, by another.

    Raises `NotAllowed`, or `Invalid` where the leader does not belong to the institution.
    """
    with transaction():
        user = db.session.get_one(User, user.id)
        access.require(user, Action.MAKE_GROUP)
        leader = _leader(user, institution, plan, today)
        group = ResearchGroup(
            institution_id=institution.id,
            name_ko=filled(plan.name_ko, "name_ko"),
            name_en=filled(plan.name_en, "name_en"),
            leader=leader,
            made_at=now,
            made_by_id=user.id,
        )
        db.session.add(group)
        db.session.flush()
        _note("make-group", group, user, now, **_visible(group))
        if leader.id != user.id:
            notices.news("leads", group, leader, by=user, now=now)
    return group


def change_group(
    user: User, group_id: int, plan: GroupPlan, *, now: datetime, today: date
) -> ResearchGroup:
    """Call the group something else, or have another person lead it; the former one stays in it."""
    with transaction():
        group, user = _take_turn(group_id), db.session.get_one(User, user.id)
        _require(user, Action.LEAD_GROUP, group)
        _require_open(group)
        before = _visible(group)
        group.name_ko = filled(plan.name_ko, "name_ko")
        group.name_en = filled(plan.name_en, "name_en")
        if people.comparable(plan.leader) not in ("", group.leader.email):
            _hand_over(group, _person(plan.leader, group, today), user, now=now, today=today)
        db.session.flush()
        after = _visible(group)
        if changes := {k: [before[k], v] for k, v in after.items() if before[k] != v}:
            _note("change-group", group, user, now, **changes)
    return group


def close_group(user: User, group_id: int, *, now: datetime) -> None:
    """End the group; what was done in its name stays."""
    with transaction():
        group, user = _take_turn(group_id), db.session.get_one(User, user.id)
        _require(user, Action.LEAD_GROUP, group)
        _require_open(group)
        group.closed_at = now
        _note("close-group", group, user, now)


def invite(user: User, group_id: int, email: str, *, now: datetime, today: date) -> None:
    """Invite somebody by address; whoever has the account with it sees the invitation.

    The same happens whether there is such an account or not: who invites learns nothing.
    """
    with transaction():
        group, user = _take_turn(group_id), db.session.get_one(User, user.id)
        _require(user, Action.LEAD_GROUP, group)
        _require_open(group)
        try:
            address = people.normal_email(email)
        except ValueError:
            raise invalid(
                "email",
                "전자우편 주소가 아닙니다. 예: mina@example.org",
                "This is no e-mail address. Write it like mina@example.org.",
            ) from None
        _require_room(group)
        invited = people.user_by_email(address)
        if _open_invitation(group, address) or (
            invited and (invited.id == group.leader_id or _open_row(group, invited, today))
        ):
            raise invalid(
                "email",
                "이미 이 연구실에 있거나, 초대했거나, 가입을 신청한 사람입니다.",
                "They are in the group already, or invited, or have asked to join.",
            )
        made = GroupMembership(group=group, email=address, belonging=Belonging.INVITED, made_at=now)
        db.session.add(made)
        db.session.flush()
        _note("invite-to-group", group, user, now, membership=made.id)
        if invited and invited.active:
            notices.invited(made, invited, by=user, now=now)


def answer_invitation(
    user: User, membership_id: int, *, accept: bool, now: datetime, today: date
) -> ResearchGroup:
    """Accept or decline an invitation to oneself."""
    with transaction():
        row = _row(membership_id)
        group, user = _take_turn(row.group_id), db.session.get_one(User, user.id)
        access.require(user, Action.JOIN_GROUP)
        row = _row(membership_id)
        if row.email != user.email:
            raise _no_such_person()
        _require_open(group)
        if row.belonging is not Belonging.INVITED:
            raise WrongState(
                Text(
                    "이미 답했거나 취소된 초대입니다.",
                    "This invitation was answered or taken back.",
                )
            )
        if accept:
            _join(row, user, today)
        else:
            row.belonging, row.user_id = Belonging.DECLINED, user.id
        db.session.flush()
        _note("accept-invitation" if accept else "decline-invitation", group, user, now)
        notices.news("accepted" if accept else "declined", group, group.leader, by=user, now=now)
    return group


def ask_to_join(user: User, group_id: int, *, now: datetime, today: date) -> ResearchGroup:
    """Ask the leader to be let in; for people of the same institution."""
    with transaction():
        group, user = _take_turn(group_id), db.session.get_one(User, user.id)
        access.require(user, Action.JOIN_GROUP)
        if not queries.may_ask(user, group, today=today):
            raise NotFound(queries.NO_GROUP)
        _require_open(group)
        if user.id == group.leader_id or _open_row(group, user, today):
            raise WrongState(
                Text(
                    "이미 이 연구실에 있거나 가입을 신청했습니다.",
                    "You are in this group already, or have asked to join.",
                )
            )
        if _open_invitation(group, user.email):
            raise WrongState(
                Text(
                    "이 연구실의 초대를 받았습니다. 초대를 수락하세요.",
                    "This group has invited you: accept the invitation.",
                )
            )
        _require_room(group)
        made = GroupMembership(group=group, user=user, belonging=Belonging.ASKED, made_at=now)
        db.session.add(made)
        db.session.flush()
        _note("ask-to-join-group", group, user, now)
        notices.news("asked", group, group.leader, by=user, now=now)
    return group


def decide(
    user: User, membership_id: int, *, accept: bool, reason: str = "", now: datetime, today: date
) -> ResearchGroup:
    """Let in somebody who asked, or decline, with a reason if one likes; they are told."""
    with transaction():
        group, row, user = _of_group(user, membership_id)
        _require_open(group)
        if row.belonging is not Belonging.ASKED or row.user is None:
            raise WrongState(
                Text("이미 처리된 신청입니다.", "This request was answered or taken back.")
            )
        person = row.user
        if accept:
            _join(row, person, today)
        else:
            row.belonging, row.reason = Belonging.DECLINED, reason.strip()
        db.session.flush()
        act = "let-into-group" if accept else "decline-request"
        _note(act, group, user, now, person=person.id)
        word = "let_in" if accept else "turned_down"
        notices.news(word, group, person, by=user, reason=reason.strip(), now=now)
    return group


def remove(
    user: User, membership_id: int, *, reason: str, now: datetime, today: date
) -> ResearchGroup:
    """Take a person out, with a reason that they are told; or an invitation back, without."""
    with transaction():
        group, row, user = _of_group(user, membership_id)
        if row.belonging is Belonging.INVITED:
            row.belonging = Belonging.DECLINED
            _note("take-back-invitation", group, user, now, membership=row.id)
        elif row.belonging is Belonging.MEMBER and row.user:
            if not reason.strip():
                raise invalid(
                    "reason",
                    "내보내는 사유를 적어 주세요. 그 사람에게 전해집니다.",
                    "Say why: the person is told.",
                )
            row.reason = reason.strip()
            _leave(row, today)
            _note("remove-from-group", group, user, now, person=row.user_id, reason=row.reason)
            notices.news("removed", group, row.user, by=user, reason=row.reason, now=now)
        else:
            raise _no_such_person()
        db.session.flush()
    return group


def set_last_day(
    user: User, membership_id: int, last_day: date | None, *, now: datetime
) -> ResearchGroup:
    """Let a membership end with `last_day`, or go on."""
    with transaction():
        group, row, user = _of_group(user, membership_id)
        if row.belonging is not Belonging.MEMBER or row.starts_on is None:
            raise _no_such_person()
        if last_day and last_day < row.starts_on:
            raise invalid(
                "last_day",
                "마지막 날이 시작일보다 앞섭니다.",
                "The last day lies before the first.",
            )
        row.ends_on = last_day
        db.session.flush()
        day = last_day.isoformat() if last_day else None
        _note("end-membership", group, user, now, person=row.user_id, last_day=day)
    return group


def leave(user: User, group_id: int, *, now: datetime, today: date) -> None:
    """Leave a group, or take back one's request to join."""
    with transaction():
        group, user = _take_turn(group_id), db.session.get_one(User, user.id)
        access.require(user, Action.JOIN_GROUP)
        row = _open_row(group, user, today)
        if row is None:
            raise NotFound(Text("이 연구실의 구성원이 아닙니다.", "You are not in this group."))
        if row.belonging is Belonging.ASKED:
            row.belonging = Belonging.DECLINED
            _note("take-back-request", group, user, now)
        else:
            _leave(row, today)
            _note("leave-group", group, user, now)
            notices.news("left", group, group.leader, by=user, now=now)
        db.session.flush()


def _take_turn(group_id: int) -> ResearchGroup:
    """Let nobody else change the group until this transaction ends.

    A write, not `SELECT … FOR UPDATE`, because SQLite ignores the latter.
    """
    groups = table_of(ResearchGroup)
    db.session.connection().execute(
        update(groups).where(groups.c.id == group_id).values(version=groups.c.version + 1)
    )
    return queries.group_by_id(group_id)


def _row(membership_id: int) -> GroupMembership:
    found = db.session.scalar(
        select(GroupMembership)
        .where(GroupMembership.id == membership_id)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise _no_such_person()
    return found


def _of_group(user: User, membership_id: int) -> tuple[ResearchGroup, GroupMembership, User]:
    """The group and somebody in it, for whoever leads it; asks the right."""
    group = _take_turn(_row(membership_id).group_id)
    user = db.session.get_one(User, user.id)
    _require(user, Action.LEAD_GROUP, group)
    return group, _row(membership_id), user


def _require(user: User, action: Action, group: ResearchGroup) -> None:
    scope = Scope(institution_id=group.institution_id, holder_id=group.leader_id)
    access.require(user, action, scope)


def _require_open(group: ResearchGroup) -> None:
    if group.closed_at:
        raise WrongState(Text("닫힌 연구실입니다.", "This group is closed."))


def _require_room(group: ResearchGroup) -> None:
    if len(queries.people_in(group)) >= MOST_PEOPLE:
        raise Invalid(
            Text(
                f"한 연구실에는 {MOST_PEOPLE}명까지 들어갈 수 있습니다.",
                f"A group has room for {MOST_PEOPLE} people, former ones included.",
            )
        )


def _open_row(group: ResearchGroup, user: User, today: date) -> GroupMembership | None:
    """The person's place in the group, or their request; one whose last day is over is closed."""
    row = db.session.scalar(
        select(GroupMembership)
        .where(
            GroupMembership.group_id == group.id,
            GroupMembership.user_id == user.id,
            GroupMembership.belonging.in_((Belonging.ASKED, Belonging.MEMBER)),
        )
        .execution_options(populate_existing=True)
    )
    if row and row.ends_on and row.ends_on < today:
        row.belonging = Belonging.LEFT
        db.session.flush()
        return None
    return row


def _open_invitation(group: ResearchGroup, email: str) -> GroupMembership | None:
    return db.session.scalar(
        select(GroupMembership).where(
            GroupMembership.group_id == group.id,
            GroupMembership.email == email,
            GroupMembership.belonging == Belonging.INVITED,
        )
    )


def _join(row: GroupMembership, user: User, today: date) -> None:
    if row.belonging is Belonging.INVITED and _open_row(row.group, user, today):
        raise WrongState(Text("이미 이 연구실에 있습니다.", "You are in this group already."))
    row.belonging, row.user, row.starts_on = Belonging.MEMBER, user, today


def _leave(row: GroupMembership, today: date) -> None:
    row.belonging = Belonging.LEFT
    row.ends_on = max(today, row.starts_on or today)


def _hand_over(
    group: ResearchGroup, leader: User, user: User, *, now: datetime, today: date
) -> None:
    """The new leader's place as a member ends; the former leader gets one."""
    if row := _open_row(group, leader, today):
        _leave(row, today)
    former = group.leader
    group.leader = leader
    db.session.add(
        GroupMembership(
            group=group, user=former, belonging=Belonging.MEMBER, made_at=now, starts_on=today
        )
    )
    notices.news("leads", group, leader, by=user, now=now)


def _leader(user: User, institution: Institution, plan: GroupPlan, today: date) -> User:
    if people.comparable(plan.leader) in ("", user.email):
        return _belonging_to(institution.id, user, today)
    access.require(user, Action.LEAD_GROUP, Scope(institution_id=institution.id))
    return _belonging_to(institution.id, people.user_by_email(plan.leader), today)


def _person(email: str, group: ResearchGroup, today: date) -> User:
    return _belonging_to(group.institution_id, people.user_by_email(email), today)


def _belonging_to(institution_id: int, person: User | None, today: date) -> User:
    """The person, if they belong to the institution; the same is said of all who do not."""
    if person is None or not any(
        each.institution_id == institution_id
        for each in people.current_affiliations(person, today=today)
    ):
        raise invalid(
            "leader",
            "이 기관에 지금 소속된 사람만 연구실을 이끌 수 있습니다. 주소를 확인하세요.",
            "Only somebody who belongs to this institution now can lead the group. "
            "Check the address.",
        )
    return person


def _no_such_person() -> NotFound:
    return NotFound(
        Text("이 연구실에서 해당 사람을 찾을 수 없습니다.", "There is no such person in the group.")
    )


def _visible(group: ResearchGroup) -> dict[str, object]:
    return {"name_ko": group.name_ko, "name_en": group.name_en, "leader": group.leader.id}


def _note(act: str, group: ResearchGroup, user: User, now: datetime, **detail: object) -> None:
    audit.record(act, "research-group", str(group.id), actor_id=user.id, now=now, detail=detail)
