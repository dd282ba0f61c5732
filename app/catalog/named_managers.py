"""Facility managers as the files name them: accounts with those addresses may manage."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from app.accounts.models import RoleGrant, RoleName, User
from app.catalog.contributed import FacilityFile
from app.db import db


def grant(
    files: Mapping[str, FacilityFile], ids: Mapping[str, int], *, now: datetime
) -> list[tuple[str, str]]:
    """Give the role where it is missing, facility and address of each; nothing is taken away.

    `ids` are those of the facilities, by slug.
    """
    wanted = sorted({(slug, address) for slug, file in files.items() for address in file.managers})
    people = {
        user.email: user.id
        for user in db.session.execute(
            select(User.email, User.id).where(User.email.in_({address for _, address in wanted}))
        )
    }
    granted = {
        (grant.user_id, grant.facility_id)
        for grant in db.session.execute(
            select(RoleGrant.user_id, RoleGrant.facility_id).where(
                RoleGrant.role == RoleName.FACILITY_MANAGER
            )
        )
    }
    found = [
        (slug, address)
        for slug, address in wanted
        if address in people and (people[address], ids[slug]) not in granted
    ]
    for slug, address in found:
        db.session.add(
            RoleGrant(
                user_id=people[address],
                role=RoleName.FACILITY_MANAGER,
                facility_id=ids[slug],
                granted_at=now,
            )
        )
    return found
