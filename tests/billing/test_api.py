"""Statements and the settlement as programs read them."""

import pytest

from app.accounts import services as accounts
from app.billing import closing
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH


@pytest.fixture
def ask(client, monkeypatch):
    """What the program of a person gets."""
    monkeypatch.setattr("app.clock.now", lambda: CLOSING)

    def get(user, path, body=None):
        token = accounts.make_token(user, user, name="books", expires_at=None, now=CLOSING)
        return client.open(
            f"/api/v1{path}",
            method="GET" if body is None else "POST",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
        )

    return get


@pytest.fixture
def payer(confocal):
    return factories.user("payer", institution=factories.cnu(), administers=factories.cnu())


def test_a_payers_program_reads_its_statements_page_by_page(ask, boss, payer, theo, mina, reserve):
    reserve(theo, 1, 3)
    reserve(mina, 4, 5)  # of KAIST itself: not the payer's
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    reserve(theo, 800, 801)
    closing.close_month(boss, "kaist", APRIL, now=LATER)

    first = ask(payer, "/statements?limit=1").json
    second = ask(payer, f"/statements?limit=1&cursor={first['next']}").json
    months = [each["month"] for found in (first, second) for each in found["items"]]
    assert months == ["2026-04", "2026-03"]
    assert second["next"] is None
    assert ask(payer, "/statements?month=2026-03&supplier=kaist&payer=cnu").json["items"]
    assert ask(theo, "/statements").json["items"] == []

    whole = ask(payer, f"/statements/{second['items'][0]['uid']}").json
    assert (whole["due"], whole["lines"][0]["user"]) == (20_000, "Theo Berg")
    assert whole["lines"][0]["correction"] is None
    assert ask(theo, f"/statements/{whole['uid']}").status_code == 404


def test_the_settlement_clears_for_whoever_administers_an_institution(
    ask, boss, payer, theo, reserve
):
    reserve(theo, 1, 3)

    provisional = ask(payer, "/settlements/2026-03").json
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    closed = ask(payer, "/settlements/2026-03").json

    assert (provisional["state"], closed["state"]) == ("provisional", "closed")
    assert closed["transfers"] == [{"from": "cnu", "to": "kaist", "amount": 20_000}]
    assert sum(closed["balances"].values()) == 0
    assert ask(theo, "/settlements/2026-03").status_code == 403
    assert ask(payer, "/settlements/2026-3").status_code == 422


def test_programs_object_answer_and_pay(ask, boss, payer, theo, reserve):
    made = reserve(theo, 1, 3)
    assert ask(theo, f"/reservations/{made.uid}").json["charge"]["posted"] is False
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    uid = ask(payer, "/statements").json["items"][0]["uid"]

    raised = ask(payer, f"/statements/{uid}/lines/1/dispute", {"reason": "half an hour"}).json
    answered = ask(
        boss, f"/reservations/{made.uid}/disputes/{raised['id']}", {"net": 5_000, "answer": "yes"}
    ).json
    assert (raised["upheld"], answered["upheld"]) == (None, True)
    charge = ask(theo, f"/reservations/{made.uid}").json["charge"]
    assert (charge["total"], charge["posted"]) == (5_000, True)

    payment = {"number": 1, "amount": 15_000, "paid_on": "2026-04-01"}
    assert ask(payer, f"/statements/{uid}/payments", payment).status_code == 403
    assert ask(boss, f"/statements/{uid}/payments", payment).json["open"] == 5_000
    assert ask(boss, f"/statements/{uid}/payments", payment).status_code == 412
    assert ask(boss, f"/statements/{uid}/payments", payment | {"number": 2}).status_code == 422
