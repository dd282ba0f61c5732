"""The billing desk, statements and their lines, as those who administer institutions see them."""

import csv
import io

import pytest
from sqlalchemy import select

from app.billing import settlements
from app.billing.models import MonthClose, Statement
from app.billing.queries import Settlement
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import Mode
from app.domain.settlement import Gross
from tests import factories
from tests.billing.conftest import CLOSING, MARCH, change

DESK = "/institutions/kaist/billing"
MONTH = f"{DESK}/2026-03"


@pytest.fixture(autouse=True)
def april(monkeypatch):
    monkeypatch.setattr("app.clock.now", lambda: CLOSING)


@pytest.fixture
def read(client):
    """A page as somebody sees it in English."""

    def page(user, path, status=200):
        with transaction():
            db.session.get_one(type(user), user.id).language = "en"
        answer = client.sign_in(user).get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == status, answer.text[-500:]
        return answer.text

    return page


def close(client, user, **said):
    client.sign_in(user)
    return client.post(f"{MONTH}/close", data={"csrf_token": client.form_token(MONTH), **said})


def only_statement():
    db.session.rollback()
    return db.session.scalars(select(Statement)).one()


def test_the_desk_tells_what_is_open_and_what_a_close_would_post(
    confocal, boss, theo, mina, reserve, read
):
    reserve(theo, 1, 3)
    change(reserve(mina, 4, 5), quote=None, charging=None)
    change(reserve(mina, 6, 7), status=Status.IN_USE)
    change(reserve(mina, 8, 9), no_show_at=CLOSING)
    change(reserve(mina, 10, 11), mode=Mode.COMMISSIONED)

    page = read(boss, MONTH)

    found = {key for key in ("no-price", "in-use", "unconfirmed", "no-samples", "no-payer")
             if f'data-open="{key}"' in page}  # fmt: skip
    assert found == {"no-price", "in-use", "unconfirmed", "no-samples"}
    assert "₩30,000" in page  # two hours of Theo's, one of an analysis
    assert 'data-state="open"' in read(boss, DESK)


def test_a_month_is_closed_by_page_once_it_is_confirmed(confocal, boss, theo, reserve, client):
    reserve(theo, 1, 3)

    refused = close(client, boss)
    assert refused.status_code == 422
    assert db.session.scalars(select(MonthClose)).all() == []
    assert close(client, boss, sure="y").status_code == 303
    again = close(client, boss, sure="y")

    assert again.status_code == 303
    assert only_statement().total == 20_000


@pytest.mark.parametrize("month", ["2026-13", "march", "2026-3", "9999-12"])
def test_what_is_no_month_is_said_to_be_none(confocal, boss, client, month):
    assert client.sign_in(boss).get(f"{DESK}/{month}").status_code == 422
    assert client.get(f"/statements?month={month}").status_code == 200


def test_supplier_and_payer_read_a_statement_and_nobody_else(
    confocal, boss, theo, mina, reserve, client, read
):
    reserve(theo, 1, 3)
    close(client, boss, sure="y")
    made = only_statement()
    address = f"/statements/{made.uid}"
    payer = factories.user("payer", institution=factories.cnu(), administers=factories.cnu())
    other = factories.institution(slug="kribb")
    stranger = factories.user("stranger", institution=other, administers=other)

    page = read(payer, address)
    for said in ("2026-0001", "NFEC-2020-01-000001", "Theo Berg", "2 hours", "₩20,000"):
        assert said in page
    assert f'data-statement="{made.uid}"' in read(payer, "/statements")
    assert f'data-statement="{made.uid}"' in read(payer, "/institutions/cnu/billing/2026-03")
    for who in (stranger, theo, mina):
        read(who, address, 404)
        read(who, f"{address}/lines/1", 404)
        assert made.uid not in read(who, "/statements")
    read(payer, MONTH, 403)


def test_a_line_leads_its_supplier_to_the_reservation(confocal, boss, theo, reserve, client, read):
    made = reserve(theo, 1, 3)
    close(client, boss, sure="y")
    line = f"/statements/{only_statement().uid}/lines/1"
    payer = factories.user("payer", institution=factories.cnu(), administers=factories.cnu())

    assert f"/reservations/{made.uid}" in read(boss, line)
    assert f"/reservations/{made.uid}" not in read(payer, line)
    read(boss, line.replace("/1", "/2"), 404)


def test_a_statement_is_had_as_a_file(confocal, boss, theo, reserve, client, read):
    reserve(theo, 1, 3)
    close(client, boss, sure="y")
    address = f"/statements/{only_statement().uid}"

    answer = client.get(f"{address}?as=csv")
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert int(rows[-1][14]) == 20_000
    assert "kaist-cnu-2026-0001.csv" in answer.headers["Content-Disposition"]
    assert client.get(f"{address}?as=pdf").data.startswith(b"%PDF")
    assert "2026-0001" in client.get(f"{MONTH}/tax-invoices").text
    read(boss, f"{address}?as=exe", 422)


def test_who_administers_nothing_is_told_who_does(confocal, theo, boss, read):
    assert "You administer no institution" in read(theo, "/statements")
    assert MARCH.strftime("%Y-%m") in read(boss, DESK)


def test_the_settlement_leads_from_each_amount_to_its_statement(
    confocal, boss, theo, reserve, client, read
):
    reserve(theo, 1, 3)
    assert 'data-state="provisional"' in read(boss, "/settlements/2026-03")
    assert f'href="{MONTH}"' in read(boss, "/settlements/2026-03")
    close(client, boss, sure="y")
    other = factories.institution(slug="kribb")
    third = factories.user("third", institution=other, administers=other)

    page = read(boss, "/settlements/2026-03")
    assert 'data-transfer="cnu kaist 20000"' in page
    assert only_statement().uid in page
    page = read(third, "/settlements/2026-03")
    assert 'data-transfer="cnu kaist 20000"' in page
    assert only_statement().uid not in page
    read(theo, "/settlements/2026-03", 403)
    read(boss, "/settlements", 303)
    assert client.get("/settlements/2026-03?as=xlsx").data.startswith(b"PK")
    assert "Nothing was charged in this month" in read(boss, "/settlements/2026-01")


def test_the_start_page_leads_whoever_administers_to_the_desk(confocal, boss, theo, read):
    assert f'href="{DESK}"' in read(boss, "/")
    assert "/statements" not in read(theo, "/")


def test_the_matrix_has_a_column_for_each_sponsor():
    rows = [
        Gross(supplier="a", payer="b", net=100, sponsors={"city": 30, "fund": 1}),
        Gross(supplier="c", payer="b", net=50, vat=5, sponsors={"city": 10}),
    ]
    found = settlements.grid(Settlement(MARCH, True, rows, {}, ()))

    assert found.sponsors == {"city": 40, "fund": 1}
    assert (found.sponsored["a", "city"], found.sponsored["c", "fund"]) == (30, 0)
    assert (found.total, found.by_payer["b"], found.by_supplier["c"]) == (155, 155, 55)
