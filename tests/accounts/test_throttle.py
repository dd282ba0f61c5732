"""Guessing passwords takes longer than anybody has."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.accounts.models import User, Visit
from app.accounts.throttle import Throttle, VisitStorage, network
from app.db import db
from app.domain.errors import TooManyAttempts
from tests.accounts.conftest import AnotherProcess
from tests.accounts.test_sign_in import ask_reset, mails, sign_in
from tests.conftest import Visitor
from tests.factories import NOW, PASSWORD


@pytest.fixture
def strict(another_process: AnotherProcess) -> Flask:
    """Another process on the same database, with low limits."""
    return another_process(sign_in_attempts="3", sign_in_attempts_address="5")


def test_after_too_many_failures_the_account_waits(strict: Flask, mina: User) -> None:
    client: Visitor = strict.test_client()  # type: ignore[assignment]
    for _ in range(3):
        assert sign_in(client, mina.email, "a wrong password").status_code == 422

    answer = sign_in(client, mina.email, PASSWORD)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert client.get("/account").status_code == 303


def test_an_unknown_address_waits_as_a_known_one_does(strict: Flask, mina: User) -> None:
    client: Visitor = strict.test_client()  # type: ignore[assignment]
    codes = [sign_in(client, "nobody@example.org", "guess").status_code for _ in range(4)]
    assert codes == [422, 422, 422, 429]


def test_processes_count_together(
    strict: Flask, another_process: AnotherProcess, mina: User
) -> None:
    twin = another_process(sign_in_attempts="3")
    first: Visitor = strict.test_client()  # type: ignore[assignment]
    second: Visitor = twin.test_client()  # type: ignore[assignment]

    sign_in(first, mina.email, "a wrong password")
    sign_in(second, mina.email, "a wrong password")
    sign_in(first, mina.email, "a wrong password")

    assert sign_in(second, mina.email, PASSWORD).status_code == 429


def test_an_address_waits_after_failing_at_many_accounts(strict: Flask, mina: User) -> None:
    client: Visitor = strict.test_client()  # type: ignore[assignment]
    for n in range(5):
        assert sign_in(client, f"guess-{n}@example.org", "guess").status_code == 422

    assert sign_in(client, mina.email, PASSWORD).status_code == 429
    elsewhere: Visitor = strict.test_client()  # type: ignore[assignment]
    elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert sign_in(elsewhere, mina.email, PASSWORD).status_code == 302


def test_the_right_password_forgives_the_failures(strict: Flask, mina: User) -> None:
    client: Visitor = strict.test_client()  # type: ignore[assignment]
    for _ in range(2):
        sign_in(client, mina.email, "a wrong password")
    sign_in(client, mina.email, PASSWORD)
    client.delete_cookie("dure")

    codes = [sign_in(client, mina.email, "a wrong password").status_code for _ in range(3)]

    assert codes == [422, 422, 422]


def test_reset_mails_are_counted_for_unknown_addresses_too(client: Visitor, mina: User) -> None:
    for email in (mina.email, "nobody@example.org"):
        codes = [ask_reset(client, email).status_code for _ in range(6)]
        assert codes == [200] * 5 + [429], email
    assert len(mails()) == 5


def test_a_window_ends_and_old_counts_are_forgotten(app: Flask) -> None:
    storage = VisitStorage()
    with time_machine.travel(NOW, tick=False) as clock:
        assert [storage.incr("mina", 900) for _ in range(3)] == [1, 2, 3]
        clock.shift(timedelta(seconds=899))
        assert (storage.incr("mina", 900), storage.get("mina")) == (4, 4)
        assert storage.get_expiry("mina") == (NOW + timedelta(seconds=900)).timestamp()
        clock.shift(timedelta(seconds=1))
        assert storage.get("mina") == 0
        assert storage.incr("jun", 900) == 1
    assert db.session.scalars(select(Visit.key)).all() == ["jun"]


def test_the_limit_itself_is_allowed(app: Flask) -> None:
    throttle = Throttle(app.config["SETTINGS"])
    for _ in range(10):
        throttle.attempt("mina@example.org", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        throttle.attempt("mina@example.org", "192.0.2.1")
    throttle.attempt("jun@example.org", "192.0.2.1")


@pytest.mark.parametrize(
    ("address", "known_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix:", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_visitor_has_one_network(address: str | None, known_as: str) -> None:
    assert network(address) == known_as
