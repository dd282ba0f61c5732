"""What waits for a decision: what somebody may decide, and what is theirs to decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true

from app.accounts import absences, access
from app.accounts.models import RoleGrant, RoleName, User
from app.accounts.today import today
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.approval import Approver, Status
from app.projects.models import GroupMembership, ResearchGroup
from app.projects.queries import member_on
from app.reservations.approval_models import ApprovalStage, ApprovalVote
from app.reservations.linked import MAIN
from app.reservations.models import Reservation
from app.reservations.queries import managed_by, whole
from app.reservations.stages import WITH_QUESTIONS, WITH_STAGES

ON_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """One page of what waits, oldest first."""

    reservations: Sequence[Reservation]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Desk:
    """A facility at which something waits, and how much."""

    slug: str
    name_ko: str
    name_en: str
    count: int


def waiting(user: User, *, facility: str = "", number: int = 1) -> Waiting:
    """What the user may decide, oldest first, of all facilities or of one; two statements."""
    where = [may_decide(user), *([Facility.slug == facility] if facility else [])]
    total = db.session.scalar(_pending(select(func.count(Reservation.id))).where(*where)) or 0
    pages = max(1, -(-total // ON_A_PAGE))
    number = min(max(1, number), pages)
    found = db.session.scalars(
        _pending(whole().options(WITH_STAGES, WITH_QUESTIONS))
        .where(*where)
        .order_by(Reservation.requested_at, Reservation.id)
        .offset((number - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE)
    ).all()
    return Waiting(found, number, pages, total)


def desks(user: User) -> list[Desk]:
    """The facilities at which something waits that the user may decide, by their names."""
    named = (Facility.slug, Facility.name_ko, Facility.name_en)
    rows = db.session.execute(
        _pending(select(*named, func.count(Reservation.id)))
        .where(may_decide(user))
        .group_by(Facility.id, *named)
        .order_by(Facility.name_ko, Facility.slug)
    )
    return [Desk(*row) for row in rows]


def awaiting(user: User, *, limit: int) -> Sequence[Reservation]:
    """What is the user's own to decide, oldest first."""
    return db.session.scalars(
        _pending(whole())
        .where(_is_theirs(user))
        .order_by(Reservation.requested_at, Reservation.id)
        .limit(limit)
    ).all()


def count_awaiting(user: User) -> int:
    """How much is the user's own to decide."""
    count = _pending(select(func.count(Reservation.id))).where(_is_theirs(user))
    return db.session.scalar(count) or 0


def _pending(wanted: Any) -> Any:
    """What waits, joined with the stage whose turn it is, of which there is one at most."""
    return (
        wanted.join(Reservation.instrument)
        .join(Instrument.facility)
        .outerjoin(
            ApprovalStage,
            and_(
                ApprovalStage.reservation_id == Reservation.id,
                ApprovalStage.opened_at.is_not(None),
                ApprovalStage.closed_at.is_(None),
            ),
        )
        .where(Reservation.status == Status.PENDING, MAIN)
    )


#: Whose turn it is; a manager's where nothing else is known.
_BY = func.coalesce(ApprovalStage.by, Approver.FACILITY_MANAGER.value)


def decides_anything(user: User) -> bool:
    """Whether requests may wait for the person: by a role, a group, or somebody who is away."""
    return (
        access.manages_anything(user)
        or db.session.scalar(select(exists(_led(user)))) is True
        or bool(absences.absent_for(user, today=today()))
    )


def may_decide(user: User) -> ColumnElement[bool]:
    """Condition on what waits: the user may decide at the stage whose turn it is."""
    return or_(*_turns(user, managed_by(user), orphans_only=False), *_in_place(user))


def _is_theirs(user: User) -> ColumnElement[bool]:
    """Condition: it is the user's turn, or they stand in where there is nobody, or for somebody.

    While its holder is asked something it is nobody's turn.
    """
    own = [g.facility_id for g in user.grants if g.role is RoleName.FACILITY_MANAGER]
    has_manager = exists(
        select(RoleGrant.id)
        .join(User, User.id == RoleGrant.user_id)
        .where(
            RoleGrant.role == RoleName.FACILITY_MANAGER,
            RoleGrant.facility_id == Facility.id,
            User.active,
        )
    )
    escalated = Reservation.escalated_at.is_not(None)
    managed = or_(Facility.id.in_(own), and_(managed_by(user), or_(~has_manager, escalated)))
    turn = or_(*_turns(user, managed, orphans_only=True), *_in_place(user))
    return and_(turn, Reservation.answer_by.is_(None))


def _in_place(user: User) -> list[ColumnElement[bool]]:
    """What waits for those in whose place the user decides today, their own wishes aside."""
    return [
        and_(
            or_(*_turns(absent, managed_by(absent), orphans_only=False)),
            Reservation.holder_id != user.id,
        )
        for absent in absences.absent_for(user, today=today())
    ]


def _turns(
    user: User, managed: ColumnElement[bool], *, orphans_only: bool
) -> list[ColumnElement[bool]]:
    """Of each kind of stage, those at which it is the user's turn and they have said nothing.

    `orphans_only`: of the groups of their institution only what nobody leads.
    """
    said = exists().where(
        ApprovalVote.stage_id == ApprovalStage.id, ApprovalVote.approver_id == user.id
    )
    administered = access.institutions_administered(user)
    of_mine = (
        true() if administered is None else Reservation.institution_id.in_(sorted(administered))
    )
    in_a_group = or_(
        Reservation.holder_id.in_(_members()),
        Reservation.holder_id.in_(
            select(ResearchGroup.leader_id).where(ResearchGroup.closed_at.is_(None))
        ),
    )
    for_group = and_(of_mine, ~in_a_group) if orphans_only else of_mine
    led = Reservation.holder_id.in_(_members().where(ResearchGroup.leader_id == user.id))
    return [
        and_(_BY == Approver.FACILITY_MANAGER, managed, ~said),
        and_(_BY == Approver.INSTITUTION, of_mine, ~said),
        and_(_BY == Approver.PI, or_(led, for_group), ~said),
    ]


def _members() -> Select[int | None]:
    """The people of research groups today."""
    return (
        select(GroupMembership.user_id)
        .join(GroupMembership.group)
        .where(
            ResearchGroup.closed_at.is_(None),
            GroupMembership.user_id.is_not(None),
            member_on(today()),
        )
    )


def _led(user: User) -> Select[int]:
    return select(ResearchGroup.id).where(
        ResearchGroup.leader_id == user.id, ResearchGroup.closed_at.is_(None)
    )
