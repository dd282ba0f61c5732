from fractions import Fraction

import pytest
from sqlalchemy import select, text

from app.billing import closing, deciding, payments, queries
from app.billing.models import (
    APPEND_ONLY,
    Charge,
    ChargeDecision,
    LedgerEntry,
    LedgerPosting,
    Statement,
    StatementLine,
)
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import NotAllowed, WrongState
from app.domain.rate_card import Tax, Terms
from app.rates import services as rates
from app.reservations import services
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH, change, used
from tests.factories import NOW


def close(user, month=MARCH, now=CLOSING):
    return closing.close_month(user, "kaist", month, now=now)


def statements():
    return db.session.scalars(select(Statement).order_by(Statement.id)).all()


def lines():
    return db.session.scalars(select(StatementLine).order_by(StatementLine.id)).all()


def balance(account):
    return sum(
        db.session.scalars(select(LedgerPosting.amount).where(LedgerPosting.account == account))
    )


def test_a_month_is_posted_numbered_and_adds_up(confocal, boss, mina, theo, reserve):
    reserve(theo, 1, 3)
    reserve(mina, 4, 5)

    done = close(boss)

    assert (done.charges, done.statements, done.left_open) == (2, 2, 0)
    found = {each.payer.slug: each for each in statements()}
    assert found["cnu"].total == 20_000
    assert found["kaist"].total == 10_000
    assert sorted(each.number for each in found.values()) == [1, 2]
    assert balance("income:kaist") == 30_000
    assert balance("institution:cnu") == -20_000
    assert list(queries.complaints()) == []
    said = lines()[0].said
    assert (said["equipment_number"], said["user"]) == ("NFEC-2020-01-000001", "Theo Berg")
    assert (said["quantity"], said["unit"], said["unit_price"]) == ("2", "hour", 10_000)


def test_what_was_used_is_charged_by_the_rates_of_the_day_it_was_quoted(
    confocal, boss, theo, reserve
):
    made = reserve(theo, 1, 3)
    change(confocal, prices={**confocal.prices, "partner": 99_000})
    used(made, 1, 2)

    close(boss)

    assert [each.net for each in lines()] == [10_000]


def test_a_cost_is_shared_over_accounts_of_two_institutions(
    confocal, boss, theo, reserve, accounts
):
    reserve(theo, 1, 2.5, shares=[("K-1", "33.33"), ("C-1", "66.67")])

    close(boss)

    assert {(each.account, each.net) for each in lines()} == {("K-1", 5_000), ("C-1", 10_000)}
    assert {each.payer.slug for each in statements()} == {"cnu", "kaist"}
    assert balance("account:C-1") == -10_000


def test_giving_up_late_costs_what_was_agreed_then(confocal, boss, theo, reserve):
    change(
        confocal,
        booking={**confocal.booking, "cancel_fees": [{"within": "PT24H", "percent": 50}]},
    )
    late, early = reserve(theo, 2, 4), reserve(theo, 48, 50)
    services.cancel_reservation(theo, late.uid, now=NOW)
    services.cancel_reservation(theo, early.uid, now=NOW)

    close(boss)

    assert [(each.said["kind"], each.net) for each in lines()] == [("late-cancellation", 10_000)]


def test_what_its_manager_cancels_costs_nothing(confocal, boss, theo, reserve):
    change(
        confocal,
        booking={**confocal.booking, "cancel_fees": [{"within": "PT24H", "percent": 50}]},
    )
    manager = factories.user("manager", manages=confocal.facility)
    services.cancel_reservation(manager, reserve(theo, 2, 4).uid, now=NOW)

    assert close(boss).charges == 0


def test_a_no_show_costs_its_percentage(confocal, boss, theo, reserve):
    change(confocal, booking={**confocal.booking, "no_show_fee": 100})
    missed = reserve(theo, 2, 4)
    change(missed, status=Status.NO_SHOW, ended_at=missed.starts_at)

    close(boss)

    assert [(each.said["kind"], each.net) for each in lines()] == [("no-show", 20_000)]


def test_what_has_no_price_stays_open_until_somebody_sets_it(confocal, boss, theo, reserve):
    change(confocal, prices=None)
    made = reserve(theo, 1, 3)

    assert close(boss).left_open == 1
    assert not lines()
    decide(made, boss, 7_000)
    assert close(boss, APRIL, LATER).left_open == 0
    assert [each.net for each in lines()] == [7_000]


def decide(reservation, user, net, reason="agreed by telephone"):
    factories.save(
        ChargeDecision(
            reservation_id=reservation.id,
            net=net,
            reason=reason,
            decided_at=NOW,
            decided_by_id=user.id,
        )
    )


def test_a_correction_is_a_signed_line_of_the_next_month_that_names_what_it_corrects(
    confocal, boss, theo, reserve
):
    made = reserve(theo, 1, 3)
    close(boss)
    [before] = lines()
    decide(made, boss, 12_000, "two of the hours were lost to a fault")

    close(boss, APRIL, LATER)

    _, back, anew = lines()
    assert (back.net, back.corrects_id) == (-20_000, before.id)
    assert back.said["correction"] == "two of the hours were lost to a fault"
    assert (anew.net, anew.corrects_id) == (12_000, None)
    assert [each.total for each in statements()] == [20_000, -8_000]
    assert balance("institution:cnu") == -12_000
    assert list(queries.complaints()) == []
    assert close(boss, APRIL.replace(month=5), LATER.replace(month=6)).charges == 0


def test_what_is_cancelled_by_the_manager_after_the_close_is_taken_back(
    confocal, boss, theo, reserve
):
    made = reserve(theo, 1, 3)
    close(boss)
    change(made, status=Status.CANCELLED, ended_at=LATER, version=made.version + 1)

    close(boss, APRIL, LATER)

    assert [each.net for each in lines()] == [20_000, -20_000]
    assert balance("institution:cnu") == 0
    assert close(boss, APRIL.replace(month=5), LATER.replace(month=6)).charges == 0


def test_what_is_decided_years_later_is_corrected_all_the_same(confocal, boss, theo, reserve):
    made = reserve(theo, 1, 3)
    close(boss)
    later = LATER.replace(year=2029)
    deciding.decide(boss, made.uid, 0, reason="It had never worked.", now=later)

    close(boss, APRIL.replace(year=2029), later)

    assert [each.net for each in lines()] == [20_000, -20_000]
    assert balance("institution:cnu") == 0


def test_a_touched_reservation_that_costs_the_same_is_not_posted_again(
    confocal, boss, theo, reserve
):
    made = reserve(theo, 1, 3)
    close(boss)
    change(made, note="thanks", version=made.version + 1)

    assert close(boss, APRIL, LATER).charges == 0


@pytest.mark.parametrize(("start", "quantity"), [(4, "4"), (1, "4")], ids=["midnight", "evening"])
def test_a_use_past_midnight_has_one_quantity_where_one_price_holds(
    boss, theo, reserve, start, quantity
):
    reserve(theo, start, start + 4)  # 18:00 is now
    close(boss)
    said = lines()[0].said
    assert (said["quantity"], said["unit"], said["unit_price"]) == (quantity, "hour", 10_000)


def test_what_is_charged_around_a_use_is_quoted_and_charged_as_agreed(
    confocal, boss, mina, theo, reserve
):
    around = {"setup": "PT30M", "cleanup": "PT15M", "charge_around": True}
    change(confocal, booking=confocal.booking | around)
    one, other = reserve(theo, 1, 3), reserve(mina, 5, 7)
    assert one.quote["total"] == 27_500
    change(confocal, booking=confocal.booking | {"charge_around": False})
    used(other, 5, 6)

    close(boss)

    assert sorted(each.total for each in statements()) == [17_500, 27_500]
    assert reserve(theo, 30, 32).quote["total"] == 20_000


@pytest.mark.parametrize(
    ("month", "now", "said"),
    [(APRIL, CLOSING, "is not over"), (MARCH, NOW, "is not over")],
)
def test_a_month_that_is_not_over_is_refused(confocal, boss, month, now, said):
    with pytest.raises(WrongState, match=said):
        close(boss, month, now)


def test_a_closed_month_and_those_before_it_are_not_closed_again(confocal, boss, theo, reserve):
    reserve(theo, 1, 3)
    close(boss)

    with pytest.raises(WrongState, match="closed already"):
        close(boss)
    with pytest.raises(WrongState, match="closed up to"):
        close(boss, MARCH.replace(month=2))
    assert len(statements()) == 1


def test_only_who_administers_the_supplier_closes(confocal, boss, theo, sora):
    with pytest.raises(NotAllowed):
        close(theo)
    with pytest.raises(NotAllowed):
        close(sora)


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__tablename__)
def test_the_database_itself_refuses_to_change_what_was_posted(
    confocal, boss, theo, reserve, model
):
    decide(reserve(theo, 1, 3), boss, 5_000)
    close(boss)
    paid = payments.Paid(5_000, CLOSING.date())
    uid = statements()[0].uid
    payments.enter(boss, uid, paid, number=1, now=CLOSING, today=CLOSING.date())
    table = model.__tablename__

    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with pytest.raises(Exception, match="only_added"), transaction():
            db.session.execute(text(statement))


def test_settlement_is_provisional_until_all_have_closed(confocal, boss, theo, mina, reserve):
    reserve(theo, 1, 3)
    reserve(mina, 4, 5)

    before = queries.settlement_of(MARCH, now=CLOSING)
    close(boss)
    after = queries.settlement_of(MARCH, now=CLOSING)

    assert (before.closed, after.closed) == (False, True)
    assert before.matrix == after.matrix
    assert after.as_json()["balances"] == {"cnu": -20_000, "kaist": 20_000}
    assert after.as_json()["transfers"] == [{"from": "cnu", "to": "kaist", "amount": 20_000}]


def test_a_supplier_with_vat_shows_it_apart(confocal, boss, theo, reserve):
    rates.set_terms(boss, factories.kaist(), Terms(tax=Tax.TAXABLE, truncation=1), now=NOW)
    reserve(theo, 1, 3)

    close(boss)

    [found] = statements()
    assert (found.net, found.vat, found.total) == (20_000, 2_000, 22_000)
    assert balance("vat:kaist") == 2_000
    assert db.session.scalars(select(LedgerEntry.kind)).all() == ["use/1"]
    assert db.session.scalars(select(Charge.tax)).all() == [Tax.TAXABLE]
    assert Fraction(lines()[0].said["percent"]) == 100


def test_what_giving_up_costs_is_told_before_reserving_and_before_cancelling(
    confocal, theo, reserve, client, monkeypatch
):
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    fees = {"cancel_fees": [{"within": "PT24H", "percent": 50}], "no_show_fee": 80}
    change(confocal, booking={**confocal.booking, **fees})
    late, early = reserve(theo, 2, 4), reserve(theo, 48, 50)
    client.sign_in(theo)

    form = client.get("/instruments/confocal/reserve").text
    assert "50 % of the fee within 1 day of the start" in form
    assert "80 % of the fee" in form
    assert "Cancelling now costs ₩10,000." in client.get(f"/reservations/{late.uid}").text
    assert "Cancelling now" not in client.get(f"/reservations/{early.uid}").text
