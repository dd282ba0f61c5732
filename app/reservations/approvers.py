"""Who agrees at a stage: who may, who is asked, and in whose name somebody decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.accounts import absences, access
from app.accounts.access import Action, Scope
from app.accounts.models import RoleGrant, RoleName, User
from app.accounts.today import today
from app.catalog.models import Instrument
from app.catalog.policy import affiliation_class, affiliation_on, groups_of, policy_of, zone_of
from app.catalog.queries import scope_of
from app.db import db
from app.domain import approval
from app.domain.approval import ApprovalMode, Approver, Stage, Status
from app.domain.local_time import day_of
from app.projects.queries import groups_of as groups_of_person
from app.reservations.approval_models import ApprovalStage
from app.reservations.models import Reservation, StandingApproval


@dataclass(frozen=True, slots=True)
class Asking:
    """Whose reservation it is, and of what: all that tells who has to agree."""

    instrument: Instrument
    holder_id: int
    institution_id: int | None

    @classmethod
    def of(cls, reservation: Reservation) -> "Asking":
        return cls(reservation.instrument, reservation.holder_id, reservation.institution_id)


def rights(by: Approver, asking: Asking) -> list[tuple[Action, Scope]]:
    """What somebody needs to decide at such a stage: any of these."""
    of_institution = Scope(institution_id=asking.institution_id)
    match by:
        case Approver.FACILITY_MANAGER:
            scope = replace(scope_of(asking.instrument), holder_id=asking.holder_id)
            return [(Action.DECIDE_RESERVATION, scope)]
        case Approver.INSTITUTION:
            return [(Action.DECIDE_FOR_INSTITUTION, of_institution)]
        case Approver.PI:
            led = [
                Scope(institution_id=group.institution_id, holder_id=group.leader_id)
                for group in groups_of_person(asking.holder_id, today=today())
            ]
            # Who belongs to no group has the institution to vouch for them.
            return [(Action.DECIDE_FOR_GROUP, scope) for scope in led or [of_institution]]


def in_name_of(user: User, by: Approver, reservation: Reservation) -> User | None:
    """Whose agreement it is if the person decides at such a stage: their own, or that of
    somebody who is away; nobody's if they may not. None is a deputy for their own wish.
    """
    needed = rights(by, Asking.of(reservation))
    if any(access.may(user, *each) for each in needed):
        return user
    if user.id == reservation.holder_id:
        return None
    return next(
        (
            absent
            for absent in absences.absent_for(user, today=today())
            if any(access.may_in_place_of(absent, user, *each) for each in needed)
        ),
        None,
    )


def concerns(user: User, reservation: Reservation) -> bool:
    """Whether it is the person's to decide at some stage, now or later, or was."""
    kinds = {stage.by for stage in reservation.stages}
    if not kinds and reservation.status is Status.PENDING:
        kinds = {Approver.FACILITY_MANAGER}
    return any(in_name_of(user, by, reservation) for by in kinds)


def named(by: Approver, asking: Asking) -> Sequence[User]:
    """Those who are asked at such a stage, of whom all have to agree where each has to."""
    here = RoleGrant.institution_id == asking.institution_id
    match by:
        case Approver.FACILITY_MANAGER:
            return _holding(RoleGrant.facility_id == asking.instrument.facility_id)
        case Approver.PI:
            led = groups_of_person(asking.holder_id, today=today())
            leaders = {group.leader_id: group.leader for group in led if group.leader.active}
            if leaders:
                return list(leaders.values())
        case Approver.INSTITUTION:
            pass
    # Where an institution has nobody, who administers the site stands in.
    return _holding(here) or _holding(RoleGrant.role == RoleName.SITE_ADMINISTRATOR)


def asked(reservation: Reservation) -> Sequence[User]:
    """Those whose turn it is, and who have not said anything yet."""
    stage = open_stage(reservation)
    if stage is None:
        return []
    said = {vote.approver_id for vote in stage.votes}
    found = named(stage.by, Asking.of(reservation))
    return [user for user in found if user.id not in {*said, reservation.holder_id}]


def told(reservation: Reservation) -> list[User]:
    """Those who learn that it waits: whose turn it is, and the deputies of those away."""
    turn = asked(reservation)
    deputies = absences.deputies_of([user.id for user in turn], today=today())
    return list({u.id: u for u in (*turn, *deputies) if u.id != reservation.holder_id}.values())


def above(reservation: Reservation) -> list[User]:
    """All who may decide where those asked did not: also who administers their institution."""
    stage, asking = open_stage(reservation), Asking.of(reservation)
    by = stage.by if stage else Approver.FACILITY_MANAGER
    institution_id = asking.institution_id
    if by is Approver.FACILITY_MANAGER:
        institution_id = asking.instrument.facility.institution_id
    found = [
        *named(by, asking),
        *_holding(RoleGrant.institution_id == institution_id),
    ]
    if by is not Approver.FACILITY_MANAGER or not found:
        found += _holding(RoleGrant.role == RoleName.SITE_ADMINISTRATOR)
    return list({user.id: user for user in found if user.id != reservation.holder_id}.values())


def open_stage(reservation: Reservation) -> ApprovalStage | None:
    """The stage whose turn it is."""
    return next((stage for stage in reservation.stages if stage.is_open), None)


def present(reservation: Reservation) -> list[ApprovalStage]:
    """The stages of what is asked for now; those of before it was changed are left out."""
    last = max((stage.round for stage in reservation.stages), default=0)
    return [stage for stage in reservation.stages if stage.round == last]


def left(
    instrument: Instrument, holder: User, asker: User, institution_id: int | None, now: datetime
) -> tuple[Stage, ...]:
    """The stages that a reservation has to pass if `asker` asks for it or changes it."""
    policy = policy_of(instrument)
    if policy.approval is ApprovalMode.OPEN:
        return ()
    group = affiliation_class(holder, instrument.facility, day_of(now, zone_of(instrument)))
    asking = Asking(instrument, holder.id, institution_id)
    return approval.stages_left(
        policy.approval,
        policy.approval_stages,
        groups_of(group),
        known=known(instrument, holder),
        own={stage for stage in policy.approval_stages if _alone(asker, stage, asking)},
    )


def _alone(user: User, stage: Stage, asking: Asking) -> bool:
    """Whether the person may agree at a stage, and nobody else has to."""
    if not any(access.may(user, *each) for each in rights(stage.by, asking)):
        return False
    return not stage.every or all(each.id == user.id for each in named(stage.by, asking))


def left_for(
    instrument: Instrument, user: User, now: datetime, *, by: User | None = None
) -> tuple[Stage, ...]:
    """The stages that a new reservation of the person would have to pass; `by`: who asks."""
    affiliation = affiliation_on(user, day_of(now, zone_of(instrument)))
    mine = affiliation.institution_id if affiliation else None
    return left(instrument, user, by or user, mine, now)


def known(instrument: Instrument, user: User) -> frozenset[Approver]:
    """Who agreed to the person for good; asked only where the instrument heeds it."""
    if policy_of(instrument).approval is not ApprovalMode.ONCE:
        return frozenset()
    return frozenset(
        db.session.scalars(
            select(StandingApproval.by).where(
                StandingApproval.instrument_id == instrument.id,
                StandingApproval.user_id == user.id,
            )
        )
    )


def _holding(role: ColumnElement[bool]) -> Sequence[User]:
    held = select(RoleGrant.user_id).where(role)
    return db.session.scalars(select(User).where(User.id.in_(held), User.active)).all()
