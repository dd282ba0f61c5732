"""Use cases of those who administer people: roles, affiliations, switching off."""

import uuid
from datetime import date, datetime

from sqlalchemy import func, select, update

from app.accounts import access
from app.accounts.access import SITE, Action, Actor, Scope
from app.accounts.acts import invalid, record, require_over, tell
from app.accounts.models import (
    Affiliation,
    ApiToken,
    Institution,
    RoleGrant,
    RoleName,
    User,
)
from app.accounts.places import Place, places_by_id
from app.accounts.roles import ROLE_NAMES
from app.db import db, transaction
from app.domain.errors import NotFound, Text, WrongState


def grant_role(
    actor: Actor,
    user: User,
    role: RoleName,
    of: Place | Institution | None = None,
    *,
    now: datetime,
    today: date,
) -> RoleGrant:
    """Give a role: manager of a facility, administrator of an institution, or for the site.

    A role that the person has already stays as it is. Raises `NotAllowed`, or `Invalid`
    if the role is not one of such a thing.
    """
    _fits(role, of)
    require_over(actor, Action.GRANT_ROLE, user, today)
    _require_for(actor, role, of.scope if isinstance(of, Place) else _scope(of))
    institution_id = of.id if isinstance(of, Institution) else None
    facility_id = of.id if isinstance(of, Place) else None
    names = (of.name_ko, of.name_en) if of else None
    with transaction():
        # Whoever gives the same role at this moment goes first, and is seen below.
        db.session.execute(
            select(User.id).where(User.id == user.id).with_for_update(key_share=True)
        )
        held = db.session.scalar(
            select(RoleGrant).where(
                RoleGrant.user_id == user.id,
                RoleGrant.role == role,
                RoleGrant.institution_id.is_not_distinct_from(institution_id),
                RoleGrant.facility_id.is_not_distinct_from(facility_id),
            )
        )
        if held:
            return held
        grant = RoleGrant(
            user=user,
            role=role,
            institution_id=institution_id,
            facility_id=facility_id,
            granted_at=now,
            granted_by_id=actor.id,
        )
        db.session.add(grant)
        _note_role("grant-role", grant, actor, names, now)
    return grant


def revoke_role(actor: Actor, user: User, grant_id: int, *, now: datetime, today: date) -> None:
    """Take a role away; raises `NotFound`, `NotAllowed`, `WrongState` for the last of the site."""
    grant = db.session.get(RoleGrant, grant_id)
    if grant is None or grant.user_id != user.id:
        raise NotFound(Text("해당 역할을 찾을 수 없습니다.", "There is no such role."))
    place = (
        places_by_id([grant.facility_id]).get(grant.facility_id) if (grant.facility_id) else None
    )
    institution = (
        db.session.get(Institution, grant.institution_id) if grant.institution_id else None
    )
    require_over(actor, Action.GRANT_ROLE, user, today)
    _require_for(actor, grant.role, place.scope if place else _scope(institution))
    of = place or institution
    names = (of.name_ko, of.name_en) if of else None
    with transaction():
        if grant.role is RoleName.SITE_ADMINISTRATOR and user.active:
            _keep_one_site_administrator()
        _note_role("revoke-role", grant, actor, names, now)
        user.grants.remove(grant)
        db.session.delete(grant)


def add_affiliation(
    actor: Actor,
    user: User,
    institution: Institution,
    *,
    department: str = "",
    position: str = "",
    now: datetime,
    today: date,
) -> Affiliation:
    """Let a person belong to an institution from today on."""
    require_over(actor, Action.MANAGE_PEOPLE, user, today)
    access.require(actor, Action.MANAGE_PEOPLE, _scope(institution))
    with transaction():
        affiliation = Affiliation(
            user=user,
            institution_id=institution.id,
            department=department.strip(),
            position=position.strip(),
            starts_on=today,
        )
        db.session.add(affiliation)
        record("add-affiliation", user, actor, now, institution=institution.id)
    return affiliation


def end_affiliation(
    actor: Actor,
    user: User,
    affiliation_id: int,
    *,
    last_day: date | None,
    now: datetime,
    today: date,
) -> None:
    """Let an affiliation end with `last_day`, or go on; roles and reservations stay as they are."""
    affiliation = db.session.get(Affiliation, affiliation_id)
    if affiliation is None or affiliation.user_id != user.id:
        raise NotFound(Text("해당 소속을 찾을 수 없습니다.", "There is no such affiliation."))
    require_over(actor, Action.MANAGE_PEOPLE, user, today)
    access.require(actor, Action.MANAGE_PEOPLE, Scope(institution_id=affiliation.institution_id))
    if last_day and last_day < affiliation.starts_on:
        raise invalid(
            "last_day",
            "마지막 날이 시작일보다 앞섭니다.",
            "The last day lies before the first.",
        )
    with transaction():
        affiliation.ends_on = last_day
        record(
            "end-affiliation",
            user,
            actor,
            now,
            institution=affiliation.institution_id,
            last_day=last_day.isoformat() if last_day else None,
        )


def switch_off(actor: Actor, user: User, *, now: datetime, today: date) -> None:
    """Close an account: no sign-in, sessions end, tokens are revoked; what was done stays."""
    require_over(actor, Action.MANAGE_PEOPLE, user, today)
    if actor.id == user.id:
        raise WrongState(
            Text("자기 계정은 사용 중지할 수 없습니다.", "You cannot switch off your own account.")
        )
    with transaction():
        if user.active and any(g.role is RoleName.SITE_ADMINISTRATOR for g in user.grants):
            _keep_one_site_administrator()
        user.active = False
        user.fs_uniquifier = uuid.uuid4().hex
        db.session.execute(
            update(ApiToken)
            .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=now),
            execution_options={"synchronize_session": False},
        )
        record("switch-off", user, actor, now)


def switch_on(actor: Actor, user: User, *, now: datetime, today: date) -> None:
    """Open a closed account again; revoked tokens stay revoked."""
    require_over(actor, Action.MANAGE_PEOPLE, user, today)
    with transaction():
        user.active = True
        record("switch-on", user, actor, now)


def _scope(institution: Institution | None) -> Scope:
    return Scope(institution_id=institution.id) if institution else SITE


def _fits(role: RoleName, of: Place | Institution | None) -> None:
    """Raise `Invalid` unless the role is one of such a thing."""
    match role:
        case RoleName.FACILITY_MANAGER:
            fits = isinstance(of, Place)
            ko = "장비담당자는 시설마다 정합니다. 시설을 고르세요."
            en = "A facility manager is one of a facility: choose the facility."
        case RoleName.INSTITUTION_ADMINISTRATOR:
            fits = isinstance(of, Institution)
            ko = "기관 관리자는 기관마다 정합니다. 기관을 고르세요."
            en = "An administrator is one of an institution: choose the institution."
        case _:
            fits = of is None
            ko = "이 역할은 사이트 전체의 것입니다. ‘사이트 전체’를 고르세요."
            en = "This role is for the whole site: choose “The whole site”."
    if not fits:
        raise invalid("of", ko, en)


def _require_for(actor: Actor, role: RoleName, scope: Scope) -> None:
    """Roles for the site are given by the site, those of an institution by its administrators."""
    if role in (RoleName.SITE_ADMINISTRATOR, RoleName.SPONSOR_OFFICER):
        access.require(actor, Action.ADMINISTER_SITE)
    else:
        access.require(actor, Action.GRANT_ROLE, scope)


def _keep_one_site_administrator() -> None:
    """Raise `WrongState` if one fewer would leave none."""
    of_site = RoleGrant.role == RoleName.SITE_ADMINISTRATOR
    # One after the other: two who shut each other out at once must not both succeed.
    db.session.scalars(
        select(RoleGrant.id).where(of_site).order_by(RoleGrant.id).with_for_update()
    ).all()
    count = (
        select(func.count(User.id.distinct()))
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(of_site, User.active)
    )
    if (db.session.scalar(count) or 0) < 2:
        raise WrongState(
            Text(
                "마지막 사이트 관리자입니다. 먼저 다른 사람에게 이 역할을 주세요.",
                "This is the last site administrator. Give somebody else the role first.",
            )
        )


def _note_role(
    act: str, grant: RoleGrant, actor: Actor, names: tuple[str, str] | None, now: datetime
) -> None:
    """Audit row and mail of a role given or taken."""
    role = ROLE_NAMES[grant.role]
    record(
        act,
        grant.user,
        actor,
        now,
        role=grant.role.value,
        institution=grant.institution_id,
        facility=grant.facility_id,
    )
    tell(
        grant.user,
        "role_granted" if act == "grant-role" else "role_revoked",
        now,
        role={"ko": role.ko, "en": role.en},
        of={"ko": names[0], "en": names[1]} if names else None,
    )
