"""`dure user …`: thin, with answers and exit statuses."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts import queries
from app.accounts.models import ApiToken, RoleName, User
from app.catalog.models import Instrument
from app.db import db
from app.mail.models import OutgoingMail
from tests import factories


def run(app: Flask, *words: str, typed: str = "") -> tuple[int, str]:
    """Exit status and what was said."""
    db.session.rollback()
    result = app.test_cli_runner().invoke(args=["user", *words], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    db.session.rollback()
    return result.exit_code, result.output


ADD = ("add", "New@Example.org", "--name", "새 사람", "--institution", "kaist")


def test_a_person_is_added_with_a_password(app: Flask) -> None:
    factories.kaist()
    assert run(app, *ADD, "--password-stdin", typed="아주 긴 비밀번호 하나\n") == (
        0,
        "new@example.org is added.\n",
    )
    user = queries.user_by_email("new@example.org")
    assert user
    assert (user.password or "").startswith("$argon2id$")
    assert db.session.scalars(select(OutgoingMail)).all() == []


def test_a_person_is_added_with_a_mail(app: Flask) -> None:
    factories.kaist()
    assert run(app, *ADD)[0] == 0
    assert db.session.scalars(select(OutgoingMail.template)).all() == ["welcome"]


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        ((*ADD, "--password-stdin"), "short\n", "10 to 128 characters"),
        (("add", "mina@example.org", "--name", "X", "--institution", "kaist"), "", "already"),
        (("add", "x", "--name", "X", "--institution", "kaist"), "", "not an e-mail address"),
        (("add", "x@example.org", "--name", "X", "--institution", "mit"), "", "“mit”"),
        (("grant", "nobody@example.org", "site_administrator"), "", "nobody@example.org"),
        (("grant", "mina@example.org", "facility_manager", "none"), "", "“none”"),
        (("revoke", "mina@example.org", "sponsor_officer"), "", "is not sponsor_officer"),
        (("token", "nobody@example.org", "--name", "X"), "", "nobody@example.org"),
    ],
)
def test_refused_with_a_reason(
    app: Flask, mina: User, words: tuple[str, ...], typed: str, said: str
) -> None:
    status, output = run(app, *words, typed=typed)
    assert status == 1
    assert said in output


@pytest.mark.parametrize(
    "words",
    [
        ("add", "x@example.org"),
        ("grant", "mina@example.org", "king"),
        ("grant", "mina@example.org", "facility_manager"),
        ("grant", "mina@example.org", "site_administrator", "kaist"),
    ],
)
def test_wrong_usage_is_told_apart(app: Flask, mina: User, words: tuple[str, ...]) -> None:
    assert run(app, *words)[0] == 2


def test_roles_are_given_and_taken_back(app: Flask, mina: User, microscope: Instrument) -> None:
    facility = microscope.facility.slug
    for role, scope in (
        ("facility_manager", (facility,)),
        ("institution_administrator", ("kaist",)),
        ("site_administrator", ()),
        ("sponsor_officer", ()),
    ):
        assert run(app, "grant", mina.email, role, *scope)[0] == 0
        assert [held.grant.role for held in queries.roles_of(mina)][-1:] == [RoleName(role)]
    assert run(app, "revoke", mina.email, "facility_manager", facility)[0] == 0
    assert run(app, "revoke", mina.email, "facility_manager", facility)[0] == 1
    assert run(app, "revoke", mina.email, "site_administrator")[0] == 1, "the last one stays"


def test_a_token_is_printed_once(app: Flask, mina: User) -> None:
    status, token = run(app, "token", mina.email, "--name", "robot", "--until", "2999-12-31")
    assert status == 0
    key = db.session.scalars(select(ApiToken)).one()
    assert key.digest == queries.digest_of(token.strip())


def test_an_account_is_switched_off_and_on(app: Flask, mina: User) -> None:
    assert run(app, "switch-off", mina.email)[0] == 0
    db.session.refresh(mina)
    assert not mina.active
    assert run(app, "switch-on", mina.email)[0] == 0


def test_the_table_of_rights_is_printed(app: Flask) -> None:
    assert "| `reserve` |" in run(app, "rights")[1]
