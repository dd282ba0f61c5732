"""The facility whose rates a page is about, and what its reader may set there."""

from datetime import date
from zoneinfo import ZoneInfo

from app import clock
from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.current import current
from app.accounts.models import User
from app.catalog.models import Facility
from app.catalog.queries import facility_by_slug, scope_of
from app.domain.local_time import day_of


def facility_of(slug: str) -> tuple[User, Facility]:
    """The reader and the facility, whose rates they may set."""
    user, facility = current(), facility_by_slug(slug)
    access.require(user, Action.SET_RATES, scope_of(facility))
    return user, facility


def administers(user: User, facility: Facility) -> bool:
    """Whether they may set the rates of the whole institution, too."""
    return access.may(user, Action.SET_RATES, Scope(institution_id=facility.institution_id))


def today_at(facility: Facility) -> date:
    return day_of(clock.now(), ZoneInfo(facility.timezone))
