"""Funding accounts at booking: who pays is asked, judged, kept, split and shown."""

from datetime import date

import pytest
from sqlalchemy import select, update

from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid
from app.domain.recurrence import Recurrence
from app.projects import joint
from app.projects.models import Consent, FundingAccount, ProjectShare
from app.reservations import series, services, waitlist
from app.reservations.models import Offer, Reservation
from app.reservations.services import Change
from app.reservations.waitlist import Wish
from tests import factories
from tests.factories import NOW, hours
from tests.projects.test_projects import account_of, project_of, split
from tests.reservations.conftest import booked, typed

pytestmark = pytest.mark.usefixtures("fixed_now")
AT = {"now": NOW, "today": date(2026, 3, 2)}


@pytest.fixture
def paid(microscope):
    """An instrument for which an account has to pay 10,000 won an hour."""
    return factories.instrument(
        slug="paid",
        facility=microscope.facility,
        booking={"account": "required"},
        prices={"unit": "hour", "partner": 10_000, "own_institution": 10_000},
    )


@pytest.fixture
def shared(mina, theo):
    """A project of Mina's, of which Theo's account of CNU is to pay 40 percent."""
    project = project_of(mina, factories.cnu())
    joint.let_in(mina, project.uid, theo.email, **AT)
    account_of(mina, "K-1", project)
    account_of(theo, "C-1", project, factories.cnu())
    joint.set_shares(mina, project.uid, split(("K-1", 60), ("C-1", 40)), now=NOW)
    return project


def agree(theo, consent):
    share = db.session.scalar(
        select(ProjectShare).join(FundingAccount).where(FundingAccount.number == "C-1")
    )
    joint.agree(theo, share.id, consent, now=NOW)


def pay(**percents):
    return split(*((number.replace("_", "-"), each) for number, each in percents.items())).shares


def codes(refused):
    return [each.code for each in refused.value.refusals]


def count():
    db.session.rollback()
    return db.session.query(Reservation).count()


def test_a_reservation_keeps_who_pays_and_its_quote_how_much(mina, theo, shared, paid):
    agree(theo, Consent.STANDING)
    made = booked(mina, paid, hours(1, 3), shares=pay(K_1=60, C_1=40))

    assert made.shares == [
        {"account": "K-1", "percent": "60"},
        {"account": "C-1", "percent": "40"},
    ]
    total = made.quote["total"]
    amounts = {each["account"]: each["amount"] for each in made.quote["shares"]}
    assert amounts == {"K-1": total * 6 // 10, "C-1": total * 4 // 10}


def test_without_an_account_nothing_is_written(mina, paid):
    with pytest.raises(BookingRefused) as refused:
        booked(mina, paid, hours(1, 3))
    assert codes(refused) == ["account-missing"]
    assert count() == 0


def test_a_share_that_nobody_agreed_to_does_not_pay(mina, theo, shared, paid):
    with pytest.raises(BookingRefused) as refused:
        booked(mina, paid, hours(1, 3), shares=pay(K_1=60, C_1=40))
    assert codes(refused) == ["account-not-allowed"]
    assert "C-1" in refused.value.refusals[0].reason.en
    assert "K-1" not in refused.value.refusals[0].reason.en
    assert count() == 0


def test_a_consent_to_one_reservation_is_used_up_by_it(mina, theo, shared, paid):
    agree(theo, Consent.SINGLE)
    made = booked(mina, paid, hours(1, 3), shares=pay(K_1=60, C_1=40))

    with pytest.raises(BookingRefused) as refused:
        booked(mina, paid, hours(5, 6), shares=pay(K_1=60, C_1=40))
    assert codes(refused) == ["account-not-allowed"]

    moved = services.change_reservation(mina, made.uid, Change(hours(7, 10)), now=NOW)
    assert sum(each["amount"] for each in moved.quote["shares"]) == moved.quote["total"]


def test_a_consent_to_one_reservation_stays_where_nothing_is_reserved(mina, theo, shared, paid):
    agree(theo, Consent.SINGLE)
    factories.blackout(paid, hours(1, 3))
    with pytest.raises(BookingRefused):
        booked(mina, paid, hours(1, 3), shares=pay(K_1=60, C_1=40))
    services.try_reservation(
        mina, BookingRequest(paid.slug, hours(5, 6), shares=pay(K_1=60, C_1=40)), now=NOW
    )
    booked(mina, paid, hours(5, 6), shares=pay(K_1=60, C_1=40))


def test_the_default_shares_of_a_project_pay(mina, theo, shared, paid):
    agree(theo, Consent.STANDING)
    made = booked(mina, paid, hours(1, 3), project=shared.uid)
    assert [each["account"] for each in made.shares] == ["K-1", "C-1"]


def test_projects_of_others_do_not(jun, shared, paid):
    with pytest.raises(Invalid) as wrong:
        booked(jun, paid, hours(1, 3), project=shared.uid)
    assert wrong.value.fields.keys() == {"project"}
    assert count() == 0


def test_a_move_asks_again_whether_the_account_pays_then(mina, paid):
    account_of(mina, "K-9", ends_on=date(2026, 3, 3))
    made = booked(mina, paid, hours(1, 3), shares=pay(K_9=100))

    with pytest.raises(BookingRefused) as refused:
        services.change_reservation(mina, made.uid, Change(hours(73, 75)), now=NOW)
    assert codes(refused) == ["account-not-allowed"]
    account_of(mina, "K-10")
    change = Change(hours(73, 75), shares=pay(K_10=100))
    moved = services.change_reservation(mina, made.uid, change, now=NOW)
    assert [each["account"] for each in moved.quote["shares"]] == ["K-10"]


def test_other_accounts_alone_are_a_change_and_split_anew(mina, paid):
    account_of(mina, "K-9")
    account_of(mina, "K-10")
    made = booked(mina, paid, hours(1, 3), shares=pay(K_9=100))
    changed = services.change_reservation(
        mina, made.uid, Change(shares=pay(K_9=50, K_10=50)), now=NOW
    )
    assert changed.version == 2
    assert [each["percent"] for each in changed.quote["shares"]] == ["50", "50"]


def test_all_dates_of_a_series_together_keep_to_the_budget(mina, paid):
    account = account_of(mina, "K-9")
    one = services.try_reservation(
        mina, BookingRequest(paid.slug, hours(24, 25), shares=pay(K_9=100)), now=NOW
    ).quote.net
    db.session.execute(update(FundingAccount).values(budget=2 * one))
    db.session.commit()

    def ask(times):
        request = BookingRequest(paid.slug, hours(24, 25), purpose="x", shares=pay(K_9=100))
        rule = Recurrence.parse(f"FREQ=DAILY;COUNT={times}")
        return series.request_series(mina, request, series.Repeat(rule), now=NOW)

    with pytest.raises(BookingRefused) as refused:
        ask(3)
    assert codes(refused) == ["account-not-allowed"]
    assert count() == 0
    made = ask(2)
    assert all(each.quote["shares"] for each in series.members_of(made))
    assert account.number == "K-9"


def test_who_waits_says_who_pays_and_the_offer_keeps_it(mina, jun, paid):
    account_of(jun, "K-9")
    account_of(mina, "K-10")
    holds = booked(jun, paid, hours(1, 3), shares=pay(K_9=100))
    wish = {"within": hours(1, 3), "instruments": [paid.slug], "purpose": "x"}
    with pytest.raises(BookingRefused) as refused:
        waitlist.ask(mina, Wish(**wish), now=NOW)
    assert "account-missing" in codes(refused)

    waitlist.ask(mina, Wish(**wish, shares=pay(K_10=100)), now=NOW)
    services.cancel_reservation(jun, holds.uid, now=NOW)
    offer = db.session.scalar(select(Offer))
    taken = waitlist.accept(mina, offer.reservation.uid, now=NOW)
    assert [each["account"] for each in taken.quote["shares"]] == ["K-10"]


class TestPages:
    """As the browser shows them."""

    def post(self, client, paid, **fields):
        page = client.get(f"/instruments/{paid.slug}/reserve").text
        token = client.form_token(page)
        data = typed(1, 3, purpose="x", csrf_token=token) | fields
        return client.post(f"/instruments/{paid.slug}/reserve", data=data)

    def test_the_form_fills_in_the_projects_shares(self, client, mina, theo, shared, paid):
        agree(theo, Consent.STANDING)
        client.sign_in(mina)
        page = client.get(f"/instruments/{paid.slug}/reserve").text
        assert 'name="share_K-1" type="text" value="60"' in page
        assert 'name="share_C-1" type="text" value="40"' in page

        sent = self.post(client, paid, project=shared.uid, **{"share_K-1": "1", "note": "kept"})
        assert sent.status_code == 200
        assert 'name="share_K-1" type="text" value="60"' in sent.text
        assert "kept" in sent.text

    def test_a_reservation_shows_who_pays(self, client, mina, paid):
        account_of(mina, "K-9")
        client.sign_in(mina)
        made = self.post(client, paid, **{"share_K-9": "100"})
        assert made.status_code == 303
        page = client.get(made.location).text
        assert "data-shares" in page
        assert "K-9" in page

    @pytest.mark.parametrize(
        ("percent", "said"),
        [
            ("99.99", "99.99%"),
            ("-5", "0보다 크고 100 이하"),
            ("1000000000", "0보다 크고 100 이하"),
            ("６０", "0보다 크고 100 이하"),
            ("육십", "0보다 크고 100 이하"),
            ("", "비율을 적어"),
        ],
    )
    def test_bad_percentages_are_told_and_nothing_is_written(
        self, client, mina, paid, percent, said
    ):
        account_of(mina, "K-9")
        client.sign_in(mina)
        answer = self.post(client, paid, **{"share_K-9": percent})
        assert answer.status_code == 422
        assert said in answer.text
        assert count() == 0

    def test_what_is_typed_is_checked_while_it_is_typed(self, client, mina, paid):
        account_of(mina, "K-9")
        client.sign_in(mina)
        token = client.form_token(client.get(f"/instruments/{paid.slug}/reserve").text)
        for percent, said in (("60", "account-missing"), ("-1", "0보다"), ("100", "data-shares")):
            data = typed(1, 3, csrf_token=token, **{"share_K-9": percent})
            answer = client.post(f"/instruments/{paid.slug}/check", data=data)
            assert said in answer.text, percent

    def test_the_holder_changes_who_pays(self, client, mina, paid):
        account_of(mina, "K-9")
        account_of(mina, "K-10")
        made = booked(mina, paid, hours(1, 3), shares=pay(K_9=100))
        uid = made.uid
        client.sign_in(mina)
        page = client.get(f"/reservations/{uid}").text
        assert 'name="share_K-9" type="text" value="100"' in page
        data = typed(1, 3, purpose="x", version="1", csrf_token=client.form_token(page))
        data |= {"share_K-9": "", "share_K-10": "100"}
        assert client.post(f"/reservations/{uid}/change", data=data).status_code == 303
        db.session.rollback()
        kept = db.session.scalar(select(Reservation.shares).where(Reservation.uid == uid))
        assert kept == [{"account": "K-10", "percent": "100"}]
