"""API tokens: shown once, kept as a hash, good until they are not."""

import hashlib
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import clock
from app.accounts import administration, queries, services
from app.accounts.access import OPERATOR
from app.accounts.models import ApiToken, User
from app.db import db, transaction
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from tests.accounts.statements import statements
from tests.conftest import Visitor
from tests.factories import NOW

ME = "/api/v1/me"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def made(user: User) -> str:
    return services.make_token(user, user, name="laboratory", expires_at=None, now=NOW)


def test_a_token_opens_the_api_and_sets_no_cookie(client: Visitor, mina: User) -> None:
    answer = client.get(ME, headers=bearer(made(mina)))

    assert answer.json["email"] == "mina@example.org"
    assert answer.json["institution"] == "kaist"
    assert "Set-Cookie" not in answer.headers


def test_only_a_hash_is_kept(app: Flask, mina: User) -> None:
    token = made(mina)

    key = db.session.scalars(select(ApiToken)).one()
    assert key.digest == hashlib.sha256(token.encode()).hexdigest()
    assert token.startswith(key.beginning)
    assert len(key.beginning) < len(token) / 3
    assert len(token) >= len("dure_") + 43, "256 random bits"


def test_no_longer_good_tokens_are_refused(client: Visitor, mina: User, jun: User) -> None:
    revoked, expired, off, fine = made(mina), made(mina), made(jun), made(mina)
    keys = {key.digest: key for key in db.session.scalars(select(ApiToken))}
    services.revoke_token(mina, mina, keys[queries.digest_of(revoked)].id, now=NOW)
    with transaction():
        keys[queries.digest_of(expired)].expires_at = clock.now() - timedelta(seconds=1)
    administration.switch_off(OPERATOR, jun, now=NOW, today=NOW.date())

    for token in (revoked, expired, off, "dure_unknown", "unknown", ""):
        answer = client.get(ME, headers=bearer(token))
        assert answer.status_code == 401, token
        assert answer.mimetype == "application/problem+json"
    assert client.get(ME, headers=bearer(fine)).status_code == 200


def test_a_token_opens_the_api_only(client: Visitor, mina: User) -> None:
    assert client.get("/account", headers=bearer(made(mina))).status_code == 303


def test_the_token_outweighs_the_session(client: Visitor, mina: User, jun: User) -> None:
    client.sign_in(jun)
    assert client.get(ME).json["email"] == jun.email
    assert client.get(ME, headers=bearer(made(mina))).json["email"] == mina.email


def test_knowing_a_token_takes_two_reads(
    client: Visitor, mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = made(mina)
    client.get(ME, headers=bearer(token)).close()  # notes the first use
    monkeypatch.setattr("app.accounts.api.queries.current_affiliations", lambda *_a, **_k: [])
    monkeypatch.setattr("app.accounts.api.queries.roles_of", lambda *_a: [])

    with statements() as seen:
        client.get(ME, headers=bearer(token)).close()

    reads = [s for s in seen if not s.upper().startswith(("BEGIN", "PRAGMA"))]
    assert len(reads) <= 2, reads


def test_the_last_use_is_noted_once_an_hour(client: Visitor, mina: User) -> None:
    token = made(mina)
    key = db.session.scalars(select(ApiToken)).one()
    for _ in range(2):
        client.get(ME, headers=bearer(token)).close()
    db.session.rollback()
    first = key.last_used_at
    assert first is not None
    assert not services.use_is_worth_noting(key, now=first + timedelta(minutes=59))
    assert services.use_is_worth_noting(key, now=first + timedelta(hours=1))


def test_a_token_is_shown_once(client: Visitor, mina: User) -> None:
    form = client.sign_in(mina).form_token("/account/tokens")

    answer = client.post("/account/tokens", data={"name": "lab", "csrf_token": form})

    token = re.search(r"dure_[\w-]{43}", answer.text)
    assert token
    assert answer.headers["Cache-Control"] == "no-store"
    assert token[0] not in client.get("/account/tokens").text
    assert client.get(ME, headers=bearer(token[0])).status_code == 200


def test_a_token_is_revoked_on_the_page(client: Visitor, mina: User) -> None:
    token = made(mina)
    key = db.session.scalars(select(ApiToken)).one()
    form = client.sign_in(mina).form_token("/account/tokens")

    client.post(f"/account/tokens/{key.id}/revoke", data={"csrf_token": form})

    assert client.get(ME, headers=bearer(token)).status_code == 401


def test_guessing_ids_reaches_nobody_elses_token(client: Visitor, mina: User, jun: User) -> None:
    token = made(jun)
    key = db.session.scalars(select(ApiToken)).one()
    form = client.sign_in(mina).form_token("/account/tokens")

    answer = client.post(f"/account/tokens/{key.id}/revoke", data={"csrf_token": form})

    assert answer.status_code == 404
    assert client.get(ME, headers=bearer(token)).status_code == 200


def test_nobody_makes_a_token_for_somebody_else(app: Flask, mina: User, jun: User) -> None:
    with pytest.raises(NotAllowed):
        services.make_token(mina, jun, name="mine", expires_at=None, now=NOW)
    key_id = db.session.scalar(select(ApiToken.id)) or 1
    with pytest.raises(NotFound):
        services.revoke_token(mina, mina, key_id, now=NOW)


def test_a_token_needs_a_name_and_a_future(app: Flask, mina: User) -> None:
    with pytest.raises(Invalid):
        services.make_token(mina, mina, name=" ", expires_at=None, now=NOW)
    with pytest.raises(Invalid):
        services.make_token(mina, mina, name="lab", expires_at=NOW, now=NOW)
    assert db.session.scalars(select(ApiToken)).all() == []


def test_tokens_do_not_pile_up(app: Flask, mina: User) -> None:
    for _ in range(services.TOKENS_PER_PERSON):
        made(mina)
    with pytest.raises(WrongState):
        made(mina)
