"""What a fund gives is in the quote, held with the reservation, freed with it."""

from datetime import date

import pytest
from sqlalchemy import select

from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import Invalid
from app.domain.recurrence import Recurrence
from app.programmes import services as programmes
from app.programmes.models import FundHold
from app.reservations import services
from app.reservations.models import Reservation
from app.reservations.series import Repeat, request_series, try_series
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.programmes.conftest import fund_of
from tests.rates.conftest import set_card


@pytest.fixture
def city(app):
    return factories.institution(slug="daejeon", name_ko="대전시", name_en="Daejeon")


@pytest.fixture
def lab(app, sora, microscope):
    """30,000 won an hour."""
    set_card(sora, microscope, 30_000)
    return microscope


def asked(start, end, **more):
    return BookingRequest("microscope", hours(start, end), purpose="imaging", **more)


def held():
    db.session.expire_all()
    return [row.amount for row in db.session.scalars(select(FundHold).order_by(FundHold.id))]


def reserve(user, start, end, **more):
    return services.request_reservation(user, asked(start, end, **more), now=NOW)


def test_the_preview_says_what_the_reservation_keeps(mina, lab, city, ada):
    fund_of(ada, city, cap_person=100_000)

    tried = services.try_reservation(mina, asked(15, 17), now=NOW).quote
    made = reserve(mina, 15, 17)

    assert made.quote == tried.as_json()
    (given,) = made.quote["fund"]
    assert (given["amount"], given["left"], tried.due) == (42_000, 58_000, 18_000)
    assert held() == [42_000]


def test_the_funds_pay_in_their_turn(mina, lab, city, ada):
    fund_of(ada, city, "second", percent=50, rank=2)
    fund_of(ada, city, "first", percent=80, rank=1, cap_use=40_000)

    quote = reserve(mina, 15, 17).quote

    assert [(each["fund"], each["amount"]) for each in quote["fund"]] == [
        ("first", 40_000),
        ("second", 20_000),
    ]
    assert sum(held()) == quote["total"]


@pytest.mark.parametrize(
    "other",
    [
        {"institutions": frozenset({"cnu"})},
        {"techniques": frozenset({"mass-spectrometry"})},
        {"ends_on": date(2026, 3, 2)},
        {"people": ("ada@example.org",)},
    ],
    ids=str,
)
def test_a_fund_for_others_does_not_appear(mina, lab, city, ada, other):
    fund_of(ada, city, **other)
    assert reserve(mina, 25, 27).quote["fund"] is None


def test_moved_it_is_held_anew_and_cancelled_it_is_free(mina, lab, city, ada):
    fund_of(ada, city, cap_whole=60_000)
    made = reserve(mina, 15, 17)
    moved = services.change_reservation(mina, made.uid, Change(hours(15, 18)), now=NOW)
    assert (moved.quote["fund"][0]["amount"], held()) == (60_000, [60_000])

    services.cancel_reservation(mina, made.uid, now=NOW)
    assert held() == []
    assert reserve(mina, 15, 17).quote["fund"][0]["amount"] == 42_000


def test_who_sees_that_the_fund_is_used_up_is_told_and_pays_all(mina, jun, lab, city, ada):
    fund_of(ada, city, cap_whole=42_000)
    seen = services.try_reservation(mina, asked(15, 17), now=NOW).quote.due
    other = factories.user("quicker")
    reserve(other, 18, 20)

    with pytest.raises(Invalid, match="60,000 won, not 18,000"):
        reserve(mina, 15, 17, most=seen)
    assert len(db.session.scalars(select(Reservation)).all()) == 1
    made = reserve(mina, 15, 17, most=60_000)
    assert made.quote["fund"][0]["amount"] == 0


def test_a_closed_fund_keeps_its_promise_and_makes_none(mina, lab, city, ada):
    fund_of(ada, city)
    reserve(mina, 15, 17)
    programmes.close_fund(ada, "voucher", now=NOW)

    assert reserve(mina, 18, 20).quote["fund"] is None
    assert held() == [42_000]


def test_the_form_refuses_a_price_that_rose(client, mina, lab, city, ada, monkeypatch):
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    fund_of(ada, city, cap_whole=42_000)
    page = "/instruments/microscope/reserve"
    token = client.sign_in(mina).form_token(page)
    typed = {
        "csrf_token": token, "starts_at": "2026-03-03T10:00", "ends_at": "2026-03-03T12:00",
        "purpose": "imaging", "mode": "self_operated",
    }  # fmt: skip
    check = client.post("/instruments/microscope/check", data=typed).text
    agreed = check.split('name="agreed" value="')[1].split('"')[0]
    assert 'data-due="18000"' in check
    reserve(factories.user("quicker"), 30, 32)

    refused = client.post(page, data={**typed, "agreed": agreed})
    assert refused.status_code == 422
    assert "60,000" in refused.text
    assert client.post(page, data=typed).status_code == 303


class TestAFundThatIsNamed:
    """Whoever names a fund counts on it: without it nothing is reserved."""

    def test_gives_beside_the_others(self, mina, lab, city, ada):
        fund_of(ada, city, "second", percent=20, rank=2)
        fund_of(ada, city)
        made = reserve(mina, 15, 17, fund="second")
        assert [each["fund"] for each in made.quote["fund"]] == ["voucher", "second"]

    @pytest.mark.parametrize("fund", ["no-such-fund", "for-others", "used-up"])
    def test_refuses_what_it_gives_nothing_for(self, mina, jun, lab, city, ada, fund):
        fund_of(ada, city, "for-others", people=(jun.email,))
        fund_of(ada, city, "used-up", cap_person=0)
        for wanted in (
            lambda: reserve(mina, 15, 17, fund=fund),
            lambda: services.try_reservation(mina, asked(15, 17, fund=fund), now=NOW),
        ):
            with pytest.raises(Invalid) as refused:
                wanted()
            assert refused.value.fields.keys() == {"fund"}
        db.session.rollback()
        assert db.session.scalars(select(Reservation)).all() == []

    def test_has_to_give_for_each_date_of_a_series(self, mina, lab, city, ada):
        fund_of(ada, city, cap_person=100_000)  # 42,000 won each time: nothing for the fourth
        for count, reserved in ((4, False), (3, True)):
            repeat = Repeat(Recurrence.parse(f"FREQ=DAILY;COUNT={count}"))
            wish = asked(15, 17, fund="voucher")
            if reserved:
                try_series(mina, wish, repeat, now=NOW)
                request_series(mina, wish, repeat, now=NOW)
            else:
                with pytest.raises(Invalid):
                    try_series(mina, wish, repeat, now=NOW)
                with pytest.raises(Invalid):
                    request_series(mina, wish, repeat, now=NOW)
        assert held() == [42_000, 42_000, 16_000]

    def test_is_missed_where_no_price_is_known(self, mina, microscope, city, ada):
        fund_of(ada, city)
        with pytest.raises(Invalid):
            reserve(mina, 15, 17, fund="voucher")
