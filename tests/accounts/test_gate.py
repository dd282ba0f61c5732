"""Every route says who may come in, and the gate asks."""

import re

import pytest
from flask import Flask

from app.accounts import gate
from app.accounts.access import Action
from app.accounts.models import User
from app.web.rights import PUBLIC, SIGNED_IN
from tests.conftest import Visitor

ONE_OF = {PUBLIC, SIGNED_IN, *Action}
OPEN = {PUBLIC, Action.SEE_CATALOG}


def test_every_route_declares_a_right(app: Flask) -> None:
    undeclared = []
    for rule in app.url_map.iter_rules():
        try:
            assert gate.right_of(rule.endpoint) in ONE_OF, rule
        except gate.UndeclaredRight:
            undeclared.append(rule.rule)
    assert undeclared == []


@pytest.mark.own_app
def test_a_route_that_declares_nothing_lets_nobody_in(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    with pytest.raises(gate.UndeclaredRight, match="forgotten"):
        app.test_client().get("/forgotten")


def test_nobody_comes_in_without_signing_in(app: Flask, client: Visitor) -> None:
    """Each route that is not open, by each of its methods, as an anonymous visitor."""
    app.config["WTF_CSRF_ENABLED"] = False  # the gate itself is tried, not the form token
    tried = 0
    for rule in app.url_map.iter_rules():
        if gate.right_of(rule.endpoint) in OPEN or rule.endpoint in gate.LIBRARIES:
            continue
        path = re.sub(r"<(?:int:)?[^>]*>", "1", rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = client.open(path, method=method)
            tried += 1
            if path.startswith("/api/"):
                assert answer.status_code == 401, (method, path)
                assert answer.mimetype == "application/problem+json"
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            else:
                assert answer.status_code == 303, (method, path)
                assert answer.location.startswith("/sign-in"), (method, path)
    assert tried > 15


def test_an_unknown_page_is_unknown_to_everyone(client: Visitor) -> None:
    assert client.get("/no-such-page").status_code == 404


def test_a_form_sent_by_a_stranger_leads_to_signing_in_and_no_further(
    app: Flask, client: Visitor
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/account/tokens").location == "/sign-in"


@pytest.mark.own_app
def test_a_session_changes_by_the_api_only_with_the_form_token(
    app: Flask, client: Visitor, mina: User
) -> None:
    @app.post("/api/v1/trial")
    def trial() -> str:
        return "done"

    trial.right = SIGNED_IN  # type: ignore[attr-defined]
    client.sign_in(mina)
    token = client.form_token("/account")
    app.extensions["csrf"].exempt("tests.accounts.test_gate.trial")

    assert client.post("/api/v1/trial").status_code == 400
    assert client.post("/api/v1/trial", headers={"X-CSRFToken": "guess"}).status_code == 400
    assert client.post("/api/v1/trial", headers={"X-CSRFToken": token}).status_code == 200
