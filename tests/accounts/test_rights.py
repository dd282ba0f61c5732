"""The table of rights, cell by cell, with real people and a real thing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app.accounts import access
from app.accounts.access import OPERATOR, TABLE, Action, Relation, Scope
from app.accounts.models import RoleGrant, RoleName, User
from app.catalog.models import Instrument
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.domain.errors import NotAllowed
from tests import factories
from tests.factories import NOW

RIGHTS = Path(__file__).parents[2] / "docs" / "rights.md"


@pytest.fixture
def cast(app: Flask, microscope: Instrument) -> dict[Relation, User | None]:
    """For each relation somebody who stands in it to the microscope, and in no higher one."""
    facility = microscope.facility
    officer = factories.user("officer")
    with transaction():
        db.session.add(RoleGrant(user_id=officer.id, role=RoleName.SPONSOR_OFFICER, granted_at=NOW))
    return {
        Relation.ANYONE: None,
        Relation.RESEARCHER: factories.user("researcher"),
        Relation.HOLDER: factories.user("holder"),
        Relation.ASSISTANT: factories.user("assistant"),
        Relation.PARTICIPANT: factories.user("participant"),
        Relation.OPERATOR: factories.user("operator"),
        Relation.MEMBER: factories.user("member"),
        Relation.FACILITY_MANAGER: factories.user("manager", manages=facility),
        Relation.INSTITUTION_ADMINISTRATOR: factories.user(
            "administrator", administers=facility.institution
        ),
        Relation.SPONSOR_OFFICER: officer,
        Relation.SITE_ADMINISTRATOR: factories.user("site", site_administrator=True),
    }


@pytest.fixture
def scope(microscope: Instrument, cast: dict[Relation, User | None]) -> Scope:
    """The microscope's calendar, in which the holder has a reservation."""
    holder, member = cast[Relation.HOLDER], cast[Relation.MEMBER]
    assistant = cast[Relation.ASSISTANT]
    assert holder
    assert member
    participant, operator = cast[Relation.PARTICIPANT], cast[Relation.OPERATOR]
    assert assistant
    assert participant
    assert operator
    around = scope_of(microscope)
    return Scope(
        around.institution_id,
        around.facility_id,
        holder.id,
        frozenset({member.id}),
        frozenset({assistant.id}),
        frozenset({participant.id}),
        frozenset({operator.id}),
    )


def expected(action: Action, relation: Relation) -> bool:
    """Everyone is also anyone, and who is signed in is also a researcher."""
    also = {relation, Relation.ANYONE}
    if relation is not Relation.ANYONE:
        also.add(Relation.RESEARCHER)
    return bool(TABLE[action] & also)


def cells(
    cast: dict[Relation, User | None], granted: Callable[[Action, User | None], bool]
) -> dict[tuple[Action, Relation], bool]:
    """What is granted, cell by cell."""
    return {
        (action, relation): granted(action, user)
        for action in Action
        for relation, user in cast.items()
    }


def test_each_cell_holds(cast: dict[Relation, User | None], scope: Scope) -> None:
    def required(action: Action, user: User | None) -> bool:
        try:
            access.require(user, action, scope)
        except NotAllowed:
            return False
        return True

    wanted = {(a, relation): expected(a, relation) for a in Action for relation in Relation}

    assert cells(cast, lambda action, user: access.may(user, action, scope)) == wanted
    assert cells(cast, required) == wanted
    assert len(wanted) == len(Action) * len(Relation)
    assert 0 < sum(wanted.values()) < len(wanted)


def test_elsewhere_managers_and_holders_are_researchers(
    cast: dict[Relation, User | None],
) -> None:
    other = factories.facility(institution_id=factories.cnu().id)
    elsewhere = Scope(other.institution_id, other.id, holder_id=0)
    bound = (Relation.HOLDER, Relation.FACILITY_MANAGER, Relation.INSTITUTION_ADMINISTRATOR)
    away = {relation: cast[relation] for relation in bound}

    assert cells(away, lambda action, user: access.may(user, action, elsewhere)) == {
        (a, relation): expected(a, Relation.RESEARCHER) for a in Action for relation in bound
    }


def test_an_account_switched_off_has_the_rights_of_anyone(
    cast: dict[Relation, User | None], scope: Scope
) -> None:
    for user in filter(None, cast.values()):
        user.active = False

    assert cells(cast, lambda action, user: access.may(user, action, scope)) == {
        (a, relation): expected(a, Relation.ANYONE) for a in Action for relation in cast
    }


def test_the_operator_may_everything(app: Flask) -> None:
    assert all(access.may(OPERATOR, action) for action in Action)


def test_every_action_is_in_the_table() -> None:
    assert set(TABLE) == set(Action)


def test_the_documented_table_is_the_table() -> None:
    assert RIGHTS.read_text(encoding="utf-8") == access.as_markdown(), (
        "run: dure user rights > docs/rights.md"
    )
