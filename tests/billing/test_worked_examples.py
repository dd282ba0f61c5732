"""docs/worked-examples.*.md: their arithmetic holds, and Dure says what their bold figures say.

Two of them, the correction after the close and the refund across the years, go through closing on
both databases; the others ask the pure rules that quotes and the close ask.
"""

import ast
import operator
import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import select

from app.billing import closing
from app.billing.documents import number_of
from app.billing.models import ChargeDecision, LedgerPosting, Statement, StatementLine
from app.db import db
from app.domain.approval import Status
from app.domain.booking_facts import AffiliationClass
from app.domain.charge import Payer, Promised, part_of, parts
from app.domain.opening_hours import OpeningHours
from app.domain.pricing import Item
from app.domain.rate_card import Factors, Tax, Terms
from app.domain.settlement import Gross, Transfer, balances, matrix, transfers
from app.domain.subsidy import Caps, Fund, Spent, sponsored
from app.rates import services as rates
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH, change
from tests.domain.test_quote import COMPANY, PARTNER, at, card, priced, rate, use
from tests.factories import NOW

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("ko", "en")
TAXABLE = Terms(tax=Tax.TAXABLE)
_ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<sum>[^|]+) \| (?P<won>[*−,\d]+) \|$", re.MULTILINE)
_DO = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def rows(language, number):
    """Of one example: its sums, and its figures as they are written."""
    text = (DOCS / f"worked-examples.{language}.md").read_text()
    section = re.split(r"^## ", text, flags=re.MULTILINE)[number]
    assert section.startswith(f"{number}. ")
    return [(row["sum"], row["won"]) for row in _ROW.finditer(section)]


def won(written):
    return int(written.strip("*").replace(",", "").replace("−", "-"))


def says(number):
    """The bold figures of an example, the same in both languages."""
    ko, en = (
        [won(figure) for _, figure in rows(language, number) if figure.startswith("**")]
        for language in LANGUAGES
    )
    assert ko == en
    return ko


def worked_out(written):
    """“1.5 × 30,000” to the won, as a person with a pencil does: 45000."""

    def value(node):
        match node:
            case ast.Constant():
                return Fraction(ast.get_source_segment(plain, node))
            case ast.UnaryOp(op=ast.USub()):
                return -value(node.operand)
        return _DO[type(node.op)](value(node.left), value(node.right))

    plain = written.replace(",", "").replace("−", "-").replace("×", "*").replace("÷", "/")
    return int(value(ast.parse(plain, mode="eval").body))


@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_arithmetic_of_each_line_holds(language, number):
    found = rows(language, number)

    assert len(found) >= 3
    assert [worked_out(asked) for asked, _ in found] == [won(figure) for _, figure in found]
    assert rows("ko", number) == rows("en", number)


def until(end, price, terms=TAXABLE, who=PARTNER):
    """What a use from ten o'clock on costs, by the hour."""
    asked = use("03-02 10:00", f"03-02 {end}", who=who)
    return priced(asked, card(rate(price, who=who)), terms=terms)


def test_1_three_accounts_share_a_cost_that_does_not_divide():
    cost = until("11:30", 30_000, Terms()).net
    percents = {"K-1": "33.33", "K-2": "33.33", "C-1": "33.34"}
    payers = [Payer("kaist", Fraction(percent), name) for name, percent in percents.items()]

    assert [cost, *(part.due for part in parts(cost, 0, payers))] == says(1)


def fund(percent, **caps):
    days = {"first": date(2026, 1, 1), "last": date(2026, 12, 31)}
    return Fund(slug="voucher", percent=percent, caps=Caps(**caps), **days)


def paid(cost, of, spent):
    """What the fund and the account pay."""
    [got] = sponsored(cost, [(of, spent)], {}, date(2026, 3, 2))
    held = Promised(of.slug, "daejeon", of.percent, got.amount)
    [part] = parts(cost, 0, [Payer("cnu", Fraction(100))], [held])
    return [got.amount, part.due]


def test_2_a_trainee_whose_voucher_reaches_its_cap():
    cost = until("14:00", 30_000, Terms()).net

    found = paid(cost, fund(70, person=500_000), Spent(person=450_000))

    assert [cost, *found] == says(2)


@pytest.mark.parametrize(("number", "tax"), [(3, Tax.TAXABLE), (4, Tax.EXEMPT)])
def test_3_and_4_a_company_pays_vat_where_the_supplier_is_taxable(number, tax):
    found = until("13:00", 80_000, Terms(tax=tax), COMPANY)

    assert [found.net, found.vat, found.total] == says(number)


def test_5_past_midnight():
    night = Factors(
        night=Fraction(3, 2), night_hours=OpeningHours.parse({"daily": ["22:00-06:00"]})
    )

    found = priced(use("03-02 22:30", "03-03 01:00"), card(rate(30_000), factors=night))

    assert [*(line.net for line in found.lines), found.total] == says(5)


def test_6_the_rates_change_in_the_middle():
    old, new = (
        card(rate(price), starts_at=start, discounts={AffiliationClass.PARTNER: 10})
        for price, start in ((30_000, None), (36_000, at("03-03 00:00")))
    )

    found = priced(use("03-02 23:00", "03-03 02:00"), old, new)

    assert [*(line.net for line in found.lines), found.total] == says(6)


def test_7_nobody_came():
    quoted = until("12:00", 25_500)

    fee = part_of(quoted, 50, Item.NO_SHOW, 10, date(2026, 3, 2))

    assert [quoted.net, fee.net, fee.vat, fee.total] == says(7)


def close(user, month, now):
    closing.close_month(user, "kaist", month, now=now)


def nets():
    return db.session.scalars(select(StatementLine.net).order_by(StatementLine.id)).all()


def statements():
    return db.session.scalars(select(Statement).order_by(Statement.id)).all()


def owed():
    """What CNU owes by the ledger."""
    account = LedgerPosting.account == "institution:cnu"
    return -sum(db.session.scalars(select(LedgerPosting.amount).where(account)))


def test_8_a_correction_after_the_close(confocal, boss, theo, reserve):
    made = reserve(theo, 1, 3)
    close(boss, MARCH, CLOSING)
    said = {"reason": "a fault", "decided_at": LATER, "decided_by_id": boss.id}
    factories.save(ChargeDecision(reservation_id=made.id, net=12_000, **said))

    close(boss, APRIL, LATER)

    assert [*nets(), statements()[1].total, owed()] == says(8)


def test_9_a_refund_across_the_years(confocal, boss, theo, reserve):
    rates.set_terms(boss, factories.kaist(), TAXABLE, now=NOW)
    december = datetime(2026, 12, 14, 1, tzinfo=UTC)
    made = reserve(theo, 1, 4)
    change(made, starts_at=december, ends_at=december + timedelta(hours=3))
    close(boss, date(2026, 12, 1), datetime(2027, 1, 4, tzinfo=UTC))
    cancelled = datetime(2027, 1, 11, tzinfo=UTC)
    change(made, status=Status.CANCELLED, ended_at=cancelled, version=made.version + 1)

    close(boss, date(2027, 1, 1), datetime(2027, 2, 4, tzinfo=UTC))

    old, new = statements()
    assert [number_of(old), number_of(new)] == ["2026-0001", "2027-0001"]
    assert [old.net, old.vat, new.net, new.vat, owed()] == says(9)


def test_10_a_triangle_is_netted():
    bills = [
        Gross(supplier="kaist", payer="cnu", net=300_000),
        Gross(supplier="cnu", payer="kribb", net=200_000),
        Gross(supplier="kribb", payer="kaist", net=150_000),
    ]

    balance = balances(matrix(bills))

    *receive, from_cnu, from_kribb = says(10)
    assert [balance[name] for name in ("kaist", "cnu", "kribb")] == receive
    assert transfers(balance) == [
        Transfer("cnu", "kaist", from_cnu),
        Transfer("kribb", "kaist", from_kribb),
    ]


def test_11_the_second_of_two_uses_exhausts_the_fund():
    half, spent, found = fund(50, whole=100_000), 0, []
    for _ in range(3):
        found.append(paid(120_000, half, Spent(whole=spent)))
        spent += found[-1][0]

    assert [*found[0], *found[1], found[2][0]] == says(11)


def test_12_what_is_below_ten_won_is_dropped():
    found = until("10:50", 10_000)

    *lines, net, vat, total = says(12)
    assert [line.net for line in found.lines] == lines
    assert (found.net, found.vat, found.total) == (net, vat, total)
