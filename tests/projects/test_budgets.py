"""Budgets of funding accounts: held by reservations, spent by the month close, never overspent."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.billing import closing
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused
from app.domain.recurrence import Recurrence
from app.mail.models import OutgoingMail
from app.projects import budgets, charging, funding
from app.projects.funding import AccountPlan
from app.projects.models import AccountHold
from app.reservations import deciding, hand_overs, no_shows, series, services, use, waitlist
from app.reservations.models import Offer
from app.reservations.new_holder import Terms
from app.reservations.services import Change
from app.reservations.waitlist import Wish
from tests import factories
from tests.billing.conftest import CLOSING, MARCH, used
from tests.factories import NOW, hours
from tests.programmes.conftest import fund_of
from tests.projects.test_projects import DAYS, account_of, rows
from tests.reservations.conftest import booked
from tests.reservations.test_paying import codes, pay

pytestmark = pytest.mark.usefixtures("fixed_now")
AT = {"now": NOW}


@pytest.fixture
def paid(microscope):
    """An instrument for which an account pays 10,000 won an hour."""
    return costing(microscope, "paid")


def costing(microscope, slug, **booking):
    return factories.instrument(
        slug=slug,
        facility=microscope.facility,
        booking={"account": "required", **booking},
        prices={"unit": "hour", "partner": 10_000, "own_institution": 10_000},
    )


@pytest.fixture
def grant(mina):
    """Of Mina's, with 50,000 won."""
    return account_of(mina, "K-1", budget=50_000)


def amounts(**kinds):
    """What is held and what is spent, by account and day."""
    db.session.rollback()
    query = select(AccountHold).order_by(AccountHold.account_id, AccountHold.day)
    return [each.amount for each in db.session.scalars(query.filter_by(**kinds))]


def left(account):
    db.session.rollback()
    return budgets.left_of([charging.account_by_id(account.id)]).get(account.id)


def told():
    """The percentages that mails have told of."""
    mails = rows(select(OutgoingMail).where(OutgoingMail.template == "project_news"))
    return [each.particulars["percent"] for each in mails if each.particulars["what"] == "budget"]


def test_what_is_reserved_is_held_with_its_vat_and_no_more_than_there_is(mina, grant, paid):
    booked(mina, paid, hours(1, 4), shares=pay(K_1=100))

    with pytest.raises(BookingRefused) as refused:
        booked(mina, paid, hours(5, 8), shares=pay(K_1=100))

    assert codes(refused) == ["account-not-allowed"]
    assert "20,000" in refused.value.refusals[0].reason.en
    assert (amounts(), left(grant)) == ([30_000], 20_000)
    booked(mina, paid, hours(5, 7), shares=pay(K_1=100))
    assert left(grant) == 0


def test_an_account_without_a_limit_pays_whatever_is_asked(mina, paid):
    endless = account_of(mina, "K-1")
    booked(mina, paid, hours(1, 9), shares=pay(K_1=100))
    assert (amounts(), left(endless)) == ([80_000], None)


def test_each_account_holds_its_own_part(mina, grant, paid):
    account_of(mina, "K-2", budget=10_000)
    booked(mina, paid, hours(1, 4), shares=pay(K_1=70, K_2=30))
    assert amounts() == [21_000, 9_000]

    with pytest.raises(BookingRefused) as refused:
        booked(mina, paid, hours(5, 6), shares=pay(K_1=50, K_2=50))
    assert "K-2" in refused.value.refusals[0].reason.en
    assert "K-1" not in refused.value.refusals[0].reason.en


def test_what_a_fund_gives_the_account_need_not_have(mina, sora, grant, paid, ada):
    fund_of(ada, factories.institution(slug="daejeon"), percent=50, **DAYS)
    made = booked(mina, paid, hours(1, 9), shares=pay(K_1=100))
    assert made.quote["fund"][0]["amount"] == 40_000
    assert amounts() == [40_000]


@pytest.mark.parametrize("ended", ["cancelled", "rejected"])
def test_what_is_not_to_be_is_free_again(mina, sora, grant, microscope, ended):
    paid = costing(microscope, "paid", approval="each")
    made = booked(mina, paid, hours(73, 76), shares=pay(K_1=100))
    assert left(grant) == 20_000
    if ended == "cancelled":
        services.cancel_reservation(mina, made.uid, now=NOW)
    else:
        deciding.reject_reservation(sora, made.uid, reason="Broken lamp.", now=NOW)
    assert (amounts(), left(grant)) == ([], 50_000)


class TestChanges:
    def test_a_move_counts_its_own_money_as_free(self, mina, grant, paid):
        made = booked(mina, paid, hours(73, 76), shares=pay(K_1=100))
        services.change_reservation(mina, made.uid, Change(hours(80, 85)), now=NOW)
        assert amounts() == [50_000]

        with pytest.raises(BookingRefused) as refused:
            services.change_reservation(mina, made.uid, Change(hours(80, 86)), now=NOW)
        assert codes(refused) == ["account-not-allowed"]
        assert amounts() == [50_000]

    def test_another_account_takes_over(self, mina, grant, paid):
        other = account_of(mina, "K-2", budget=30_000)
        made = booked(mina, paid, hours(73, 76), shares=pay(K_1=100))
        services.change_reservation(mina, made.uid, Change(shares=pay(K_2=100)), now=NOW)
        assert (left(grant), left(other)) == (50_000, 0)

    def test_using_it_for_longer_is_refused_where_the_budget_ends(self, mina, grant, microscope):
        paid = costing(microscope, "paid", check_in="required")
        made = booked(mina, paid, hours(1, 5), shares=pay(K_1=100))
        start = NOW + timedelta(hours=1)
        use.check_in(mina, made.uid, now=start)
        use.extend(mina, made.uid, NOW + timedelta(hours=6), now=start)
        with pytest.raises(BookingRefused):
            use.extend(mina, made.uid, NOW + timedelta(hours=7), now=start)
        assert amounts() == [50_000]

    def test_what_is_another_persons_is_paid_by_their_account(self, mina, jun, grant, paid):
        his = account_of(jun, "J-1", budget=40_000)
        made = booked(mina, paid, hours(73, 76), shares=pay(K_1=100))
        hand_overs.offer(mina, made.uid, jun.email, now=NOW)
        hand_overs.take(jun, made.uid, Terms(shares=pay(J_1=100)), now=NOW)
        assert (left(grant), left(his)) == (50_000, 10_000)

    def test_a_lowered_budget_refuses_more_but_lets_what_is_reserved_be_less(
        self, mina, grant, paid
    ):
        made = booked(mina, paid, hours(73, 77), shares=pay(K_1=100))
        lowered = AccountPlan(name_ko="과제", name_en="Grant", funder="NRF", budget=10_000, **DAYS)
        funding.change_account(mina, grant.id, lowered, now=NOW)
        with pytest.raises(BookingRefused):
            booked(mina, paid, hours(80, 81), shares=pay(K_1=100))
        assert left(grant) == -30_000
        services.cancel_reservation(mina, made.uid, now=NOW)
        assert left(grant) == 10_000


def test_a_series_is_covered_as_a_whole(mina, grant, paid):
    asked = BookingRequest(paid.slug, hours(24, 26), purpose="x", shares=pay(K_1=100))
    repeat = series.Repeat(Recurrence.parse("FREQ=DAILY;COUNT=3"))
    with pytest.raises(BookingRefused) as refused:
        series.request_series(mina, asked, repeat, now=NOW)
    assert "account-not-allowed" in {each.code for each in refused.value.refusals}

    two = replace(repeat, rule=Recurrence.parse("FREQ=DAILY;COUNT=2"))
    series.request_series(mina, asked, two, now=NOW)
    assert amounts() == [20_000, 20_000]


class TestInTheEnd:
    def test_the_close_takes_what_was_used_and_frees_the_rest(self, mina, grant, paid):
        made = booked(mina, paid, hours(1, 5), shares=pay(K_1=100))
        used(made, 1, 3)
        boss = factories.user("boss", administers=paid.facility.institution)
        closing.close_month(boss, "kaist", MARCH, now=CLOSING)
        assert (amounts(taken=True), amounts(taken=False)) == ([20_000], [])
        assert left(grant) == 30_000

    def test_a_no_show_holds_nothing_until_its_fee_is_charged(self, mina, grant, paid, sora):
        made = booked(mina, paid, hours(1, 5), shares=pay(K_1=100))
        at = NOW + timedelta(hours=6)
        use.mark_no_show(sora, made.uid, now=at, reason="nobody came")
        assert left(grant) == 50_000
        came = no_shows.CameAfterAll(hours(1, 5), "was there")
        no_shows.restore(sora, made.uid, came, now=at)
        assert left(grant) == 10_000


class TestTheHolderIsTold:
    def test_at_80_and_at_100_percent_once_each(self, mina, grant, paid):
        booked(mina, paid, hours(1, 4), shares=pay(K_1=100))
        assert told() == []
        made = booked(mina, paid, hours(73, 74), shares=pay(K_1=100))
        booked(mina, paid, hours(80, 80.5), shares=pay(K_1=100))
        assert told() == ["80"]
        services.cancel_reservation(mina, made.uid, now=NOW)
        booked(mina, paid, hours(73, 74.5), shares=pay(K_1=100))
        assert told() == ["80", "100"]

    def test_of_a_new_budget_anew(self, mina, grant, paid):
        booked(mina, paid, hours(1, 6), shares=pay(K_1=100))
        raised = AccountPlan(name_ko="과제", name_en="Grant", funder="NRF", budget=70_000, **DAYS)
        funding.change_account(mina, grant.id, raised, now=NOW)
        booked(mina, paid, hours(73, 74), shares=pay(K_1=100))
        assert told() == ["100", "80"]


def test_whoever_waits_is_not_offered_what_the_budget_does_not_cover(
    mina, jun, grant, microscope, paid
):
    taken = account_of(jun, "J-1")
    first = booked(jun, paid, hours(73, 76), shares=pay(J_1=100))
    wish = {"within": hours(73, 76), "instruments": [paid.slug], "purpose": "x"}
    waitlist.ask(mina, Wish(**wish, shares=pay(K_1=100)), now=NOW)
    booked(mina, costing(microscope, "other"), hours(1, 4), shares=pay(K_1=100))

    services.cancel_reservation(jun, first.uid, now=NOW)

    assert rows(select(Offer)) == []
    assert (left(grant), left(taken)) == (20_000, None)


class TestPages:
    def test_the_holder_sees_what_each_has_used_and_how_far_it_reaches(
        self, client, mina, jun, grant, paid
    ):
        funding.let_charge(mina, grant.id, jun.email, now=NOW)
        booked(mina, paid, hours(1, 3), shares=pay(K_1=100))
        booked(jun, paid, hours(4, 6), shares=pay(K_1=100))
        client.sign_in(mina)

        page = client.get(f"/funding-accounts/{grant.id}").text
        assert "50,000원 중 40,000원" in page
        assert "80% 사용" in page
        assert "예산을 넘습니다" in page
        assert "239,344원" in page  # 40,000 in 61 days, for 365
        table = client.get(f"/funding-accounts/{grant.id}/spending.csv").text.splitlines()
        assert table[1:] == ["2026-03,김미나,1,0,20000,KRW", "2026-03,이준,1,0,20000,KRW"]
        assert "10,000원" in client.get("/funding-accounts").text

    def test_nobody_else_sees_it(self, client, jun, mina, grant):
        client.sign_in(jun)
        assert client.get(f"/funding-accounts/{grant.id}/spending.csv").status_code == 404

    def test_what_will_be_left_is_told_as_one_types(self, client, mina, grant, paid):
        trial = services.try_reservation(
            mina, BookingRequest(paid.slug, hours(1, 4), shares=pay(K_1=100)), now=NOW
        )
        assert trial.left == {"K-1": 20_000}
