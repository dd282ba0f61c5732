"""What comes in is entered once, posted, and what is left ages."""

from datetime import date

import pytest
from sqlalchemy import select

from app.billing import closing, payments, queries
from app.billing.models import LedgerPosting, Payment, Statement
from app.billing.payments import Paid
from app.db import db
from app.domain.errors import Invalid, NotAllowed, NotFound, Stale
from tests import factories
from tests.billing.conftest import CLOSING, LATER, MARCH

TODAY = date(2026, 5, 2)


@pytest.fixture
def payer(confocal):
    """Administers CNU."""
    return factories.user("payer", institution=factories.cnu(), administers=factories.cnu())


@pytest.fixture
def statement(boss, theo, reserve):
    """Of 20,000 won that CNU pays by the 30th of April."""
    reserve(theo, 1, 3)
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    return db.session.scalars(select(Statement)).one()


def pay(user, statement, amount, number=1, paid_on=TODAY):
    return payments.enter(
        user, statement.uid, Paid(amount, paid_on), number=number, now=LATER, today=TODAY
    )


def balance(account):
    wanted = select(LedgerPosting.amount).where(LedgerPosting.account == account)
    return sum(db.session.scalars(wanted))


def owed(institution, *, as_supplier):
    found = payments.open_of(institution, as_supplier=as_supplier, today=TODAY)
    return [(each.statement.payer.slug, each.open, each.days_late) for each in found]


def test_what_is_paid_is_posted_and_the_rest_stays_open(boss, statement):
    pay(boss, statement, 15_000)
    assert owed(statement.supplier, as_supplier=True) == [("cnu", 5_000, 2)]
    assert owed(statement.payer, as_supplier=False) == [("cnu", 5_000, 2)]
    pay(boss, statement, -15_000, number=2)  # it was another's
    pay(boss, statement, 20_000, number=3)

    assert owed(statement.supplier, as_supplier=True) == []
    assert balance("institution:cnu") + balance("paid:cnu") == 0
    assert balance("bank:kaist") == -20_000
    assert list(queries.complaints()) == []


@pytest.mark.parametrize(
    ("amount", "paid_on"),
    [
        (0, TODAY),
        (20_001, TODAY),
        (-1, TODAY),
        (2**70, TODAY),
        (1, date(2026, 5, 3)),
        (1, date(1, 1, 1)),
    ],
)
def test_what_makes_no_sense_is_not_entered(boss, statement, amount, paid_on):
    with pytest.raises(Invalid):
        pay(boss, statement, amount, paid_on=paid_on)
    assert db.session.scalars(select(Payment)).all() == []


def test_what_is_sent_twice_is_entered_once(boss, statement):
    pay(boss, statement, 5_000)
    with pytest.raises(Stale):
        pay(boss, statement, 5_000)

    assert [each.amount for each in payments.of_statement(statement)] == [5_000]


def test_only_the_supplier_enters_payments(payer, theo, statement):
    with pytest.raises(NotAllowed):
        pay(payer, statement, 5_000)
    with pytest.raises(NotFound):
        pay(theo, statement, 5_000)


def test_a_payment_is_entered_by_page_and_its_age_shown(
    client, boss, payer, statement, monkeypatch
):
    monkeypatch.setattr("app.clock.now", lambda: LATER)
    address, ageing = f"/statements/{statement.uid}", "/institutions/kaist/billing/ageing"
    page = client.sign_in(boss).get(ageing).text
    assert 'data-debtor="cnu"' in page
    assert 'data-open="20000"' in page

    said = {"csrf_token": client.form_token(address), "number": "1", "paid_on": "2026-05-01"}
    wrong = client.post(f"{address}/payments", data=said | {"amount": "20,001"})
    assert wrong.status_code == 422
    assert "20,001" in wrong.text
    for bad in ({"amount": "많이"}, {"amount": "1", "paid_on": "x"}):
        assert client.post(f"{address}/payments", data=said | bad).status_code == 422
    assert client.post(f"{address}/payments", data=said | {"amount": "20,000"}).status_code == 303
    assert 'data-left="0"' in client.get(address).text
    assert 'data-debtor="cnu"' not in client.get(ageing).text
    assert 'data-payment="20000"' in client.sign_in(payer).get(address).text
