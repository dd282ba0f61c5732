"""What a fund promised becomes its sponsor's debt at posting; what it need not pay is free."""

import pytest
from sqlalchemy import select

from app.billing import queries
from app.billing.documents import settlement_table
from app.billing.models import StatementLine
from app.db import db
from app.domain.approval import Status
from app.programmes.models import FundHold
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH, change, used
from tests.billing.test_closing import balance, close, decide, statements
from tests.factories import NOW
from tests.programmes.conftest import fund_of


@pytest.fixture
def city(ada):
    return factories.institution(slug="daejeon", name_ko="대전시", name_en="Daejeon")


def holds():
    db.session.expire_all()
    rows = db.session.scalars(select(FundHold).order_by(FundHold.id))
    return [(row.amount, row.taken) for row in rows]


def test_two_in_turn_until_the_fund_is_exhausted(confocal, boss, ada, city, theo, mina, reserve):
    """The fund has 20,000 won left: of 20,000 and 20,000 it pays 14,000 and then 6,000."""
    fund_of(ada, city, cap_whole=20_000)
    reserve(theo, 1, 3)
    reserve(mina, 4, 6)

    close(boss)

    assert holds() == [(14_000, True), (6_000, True)]
    assert balance("fund:voucher") == -20_000
    assert balance("institution:cnu") == -6_000
    assert balance("institution:kaist") == -14_000
    assert {each.payer.slug: each.due for each in statements()} == {"cnu": 6_000, "kaist": 14_000}
    assert list(queries.complaints()) == []


def test_the_sponsor_owes_it_in_the_settlement(confocal, boss, ada, city, theo, reserve):
    fund_of(ada, city, cap_person=12_000)
    reserve(theo, 1, 3)

    close(boss)

    found = queries.settlement_of(MARCH, now=CLOSING)
    assert found.as_json()["balances"] == {"cnu": -8_000, "daejeon": -12_000, "kaist": 20_000}
    head, row, *_ = settlement_table(found)
    assert dict(zip(head, row, strict=True))["sponsored by daejeon"] == 12_000


def test_of_a_shorter_use_the_fund_pays_less_and_the_rest_is_free(
    confocal, boss, ada, city, theo, reserve
):
    fund_of(ada, city)
    used(reserve(theo, 1, 3), 1, 2)

    close(boss)

    assert holds() == [(7_000, True)]
    assert balance("fund:voucher") == -7_000


def test_no_fund_pays_for_a_no_show(confocal, boss, ada, city, theo, reserve):
    change(confocal, booking={**confocal.booking, "no_show_fee": 100})
    fund_of(ada, city)
    missed = reserve(theo, 2, 4)
    change(missed, status=Status.NO_SHOW, ended_at=missed.starts_at)

    close(boss)

    assert balance("fund:voucher") == 0
    assert balance("institution:cnu") == -20_000


def test_what_is_corrected_after_the_close_takes_no_more_of_the_fund_than_before(
    confocal, boss, ada, city, theo, reserve
):
    fund_of(ada, city)
    made = reserve(theo, 1, 3)
    close(boss)
    decide(made, boss, 10_000)
    close(boss, APRIL, LATER)
    assert (holds(), balance("fund:voucher")) == ([(7_000, True)], -7_000)

    decide(made, boss, 20_000)
    close(boss, APRIL.replace(month=5), LATER.replace(month=6))

    assert (holds(), balance("fund:voucher")) == ([(7_000, True)], -7_000)
    assert balance("institution:cnu") == -13_000
    back = db.session.scalars(select(StatementLine.sponsored)).all()
    assert sum(each["amount"] for line in back for each in line) == 7_000


def test_the_page_of_the_fund_tells_what_is_held_paid_and_left(
    client, confocal, boss, ada, city, theo, mina, reserve, monkeypatch
):
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    fund_of(ada, city, cap_whole=100_000)
    reserve(theo, 1, 3)
    close(boss)
    reserve(mina, 24 * 30, 24 * 30 + 1)

    client.sign_in(ada)
    page = client.get("/programmes/funds/voucher").text
    table = client.get("/programmes/funds/voucher/money.csv").text

    assert all(amount in page for amount in ("14,000", "7,000", "79,000"))
    assert table.lstrip("\ufeff").split() == [
        "month,person,uses,held,taken,currency",
        *(f"2026-04,{mina.name},1,7000,0,KRW".split()),
        *(f"2026-03,{theo.name},1,0,14000,KRW".split()),
    ]
