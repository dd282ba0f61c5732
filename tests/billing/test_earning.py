"""What last month's use would have earned by other rates, told before they are set."""

import re
from datetime import timedelta
from fractions import Fraction

import pytest

from app import clock
from app.accounts.access import OPERATOR
from app.billing import closing
from app.billing.earning import compare
from app.billing.models import ChargeDecision
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import AffiliationClass
from app.domain.rate_card import Factors, RateCard, Unit
from app.rates.cards import listed_card
from app.rates.models import RateCard as Kept
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH, change, used
from tests.factories import NOW
from tests.rates.conftest import for_all, set_card
from tests.rates.test_pages import typed
from tests.reservations.conftest import statements

OWN, PARTNER = AffiliationClass.OWN_INSTITUTION, AffiliationClass.PARTNER


def earned(instrument, card, *, month=MARCH, now=CLOSING, others=()):
    db.session.expire_all()
    supplier = instrument.facility.institution
    return compare(supplier, [instrument, *others], card, month, now=now)


def hourly(price, **fields):
    return RateCard(rates=for_all(price), **fields)


def by_class(found):
    return {line.who: (line.uses, line.earned, line.would) for line in found.lines}


def decided(reservation, net):
    factories.save(
        ChargeDecision(
            reservation_id=reservation.id,
            net=net,
            reason="waived",
            decided_by_id=reservation.holder_id,
            decided_at=NOW,
        )
    )


class TestComparing:
    def test_each_class_is_told_what_its_uses_earned_and_would_have(
        self, confocal, mina, theo, reserve
    ):
        reserve(mina, 1, 3)
        reserve(mina, 24, 25)
        reserve(theo, 48, 52)

        found = earned(confocal, hourly(15_000))
        assert by_class(found) == {OWN: (2, 30_000, 45_000), PARTNER: (1, 40_000, 60_000)}
        assert (found.uses, found.earned, found.would) == (3, 70_000, 105_000)
        assert found.left_out == 0

    def test_by_the_rates_that_held_it_is_what_it_was_whatever_the_use(
        self, confocal, mina, theo, reserve
    ):
        used(reserve(mina, 1, 3), 1.1, 2.7)
        used(reserve(theo, 13, 16), 13.5, 15.25)  # past midnight
        reserve(mina, 30, 31.5)

        found = earned(confocal, listed_card(confocal.prices))
        assert found.uses == 3
        assert found.earned == found.would

    def test_the_time_that_was_charged_counts_and_so_do_factors_discounts_and_minimum(
        self, confocal, mina, reserve
    ):
        used(reserve(mina, 1, 3), 1, 4)  # Monday, 19:00 to 22:00 in Daejeon
        half = hourly(10_000, discounts={OWN: 50})
        least = RateCard(rates=for_all(10_000, minimum=80_000))
        dear = hourly(10_000, factors=Factors(off_peak=Fraction(3)))
        with transaction():
            confocal.booking = {**confocal.booking, "peak": {"mon-fri": ["09:00-20:00"]}}

        assert [earned(confocal, card).would for card in (half, least, dear)] == [
            15_000, 80_000, 70_000,
        ]  # fmt: skip

    def test_what_has_no_price_by_one_of_the_two_is_left_out_and_counted(
        self, confocal, mina, reserve
    ):
        reserve(mina, 1, 3)
        change(reserve(mina, 5, 6), quote=None)
        change(reserve(mina, 7, 8), charging=None)

        assert earned(confocal, hourly(1)).left_out == 2
        by_sample = RateCard(rates=for_all(1_000, Unit.SAMPLE))
        found = earned(confocal, by_sample)
        assert (found.uses, found.left_out) == (0, 3)

    def test_what_a_manager_has_set_stays_whatever_the_rates(self, confocal, mina, reserve):
        decided(reserve(mina, 1, 3), 0)
        decided(reserve(mina, 5, 6), 7_000)
        assert by_class(earned(confocal, hourly(99_000))) == {OWN: (2, 7_000, 7_000)}

    def test_only_uses_of_the_month_that_are_over_count(self, confocal, mina, reserve):
        counted = reserve(mina, 1, 3)
        for status, hours in (
            (Status.CANCELLED, 5), (Status.NO_SHOW, 9), (Status.REJECTED, 13), (Status.PENDING, 17),
        ):  # fmt: skip
            change(reserve(mina, hours, hours + 1), status=status)
        change(reserve(mina, 21, 22), no_show_at=NOW)
        change(reserve(mina, 25, 26), bundle=counted.uid)  # along with it
        before, after = (NOW + timedelta(days=days) for days in (-20, 40))
        for start in (before, after):
            moved = reserve(mina, 30, 31)
            change(moved, starts_at=start, ends_at=start + timedelta(hours=1))

        assert earned(confocal, hourly(1)).uses == 1
        assert earned(confocal, hourly(1), month=APRIL, now=CLOSING).uses == 0
        assert earned(confocal, hourly(1), month=APRIL, now=LATER).uses == 1
        assert earned(confocal, hourly(1), now=NOW).uses == 0

    def test_a_month_that_was_closed_says_the_same(self, confocal, mina, theo, reserve):
        used(reserve(mina, 1, 3), 1, 4)
        reserve(theo, 6, 7)
        before = earned(confocal, hourly(7_000))
        closing.close_month(OPERATOR, "kaist", MARCH, now=CLOSING)
        assert earned(confocal, hourly(7_000), now=LATER) == before

    def test_many_uses_take_no_more_reads_than_one(self, confocal, mina, reserve):
        dear = hourly(10_000, factors=Factors(holiday=Fraction(2)))
        reserve(mina, 1, 3)
        few = statements(lambda: earned(confocal, dear))
        for start in range(5, 15):
            reserve(mina, start, start + 1)
        assert statements(lambda: earned(confocal, dear)) == few


@pytest.fixture
def page(client, monkeypatch, confocal, reserve, mina):
    """A manager of the confocal's facility in April, who reads English; Mina used it in March."""
    reserve(mina, 1, 3)
    monkeypatch.setattr(clock, "now", lambda: CLOSING)
    manager = factories.user(
        "manager", institution=factories.kaist(), manages=confocal.facility, language="en"
    )
    client.sign_in(manager)
    return f"/facilities/{confocal.facility.slug}/rates"


def send(client, page, **fields):
    return client.post(f"{page}/earned", data={"csrf_token": client.form_token(page), **fields})


def told(answer):
    """Uses, earned, would have earned."""
    return [
        int(re.search(rf'data-{name}="(\d+)"', answer.text)[1])
        for name in ("uses", "earned", "would")
    ]


class TestPages:
    def test_from_the_editor_what_is_typed_is_tried_and_nothing_is_set(
        self, client, page, confocal
    ):
        fields = typed(confocal, "12,500", valid_from="2026-05-01")
        answer = send(client, page, **fields)

        assert answer.status_code == 200
        assert told(answer) == [1, 20_000, 25_000]
        assert "2026-03" in answer.text
        assert "+₩5,000" in answer.text
        assert db.session.query(Kept).count() == 0

    def test_what_makes_no_sense_is_told(self, client, page, confocal):
        for fields in (
            {"row0_partner": "-5"}, {"row0_partner": "９"}, {"row0_unit": ""}, {"scope": "i:tem"},
            {"night": "1.5"}, {"valid_from": ""},
        ):  # fmt: skip
            answer = send(client, page, **{**typed(confocal), **fields})
            assert answer.status_code == 422
            assert "cannot be tried yet" in answer.text
        assert client.get(f"{page}/earned").status_code == 405

    def test_rates_to_come_are_tried_from_the_history(self, client, page, sora, ada, confocal):
        card = set_card(ada, confocal, 30_000, first=APRIL + timedelta(days=30))
        address = f"{page}/{card.id}/earned"
        assert f'href="{address}"' in client.get(page).text
        assert told(client.get(address)) == [1, 20_000, 60_000]
        assert client.get(f"{page}/{card.id + 1}/earned").status_code == 404

    def test_those_who_do_not_set_rates_do_not_see_it(self, client, page, mina, ada, confocal):
        card = set_card(ada, confocal, 30_000, first=APRIL + timedelta(days=30))
        client.sign_in(mina)
        assert client.get(f"{page}/{card.id}/earned").status_code == 403
        token = client.form_token("/account")
        sent = client.post(f"{page}/earned", data={"csrf_token": token, **typed(confocal)})
        assert sent.status_code == 403

    def test_the_facilitys_rates_are_tried_where_no_narrower_ones_hold(
        self, client, page, ada, mina, reserve, confocal
    ):
        other = factories.instrument(facility=confocal.facility, prices=confocal.prices)
        reserve(mina, 10, 11, instrument=other)
        fields = typed(confocal, "100", scope="facility", valid_from="2026-05-01")
        assert told(send(client, page, **fields)) == [2, 30_000, 300]

        set_card(ada, other, 5, first=APRIL)
        assert told(send(client, page, **fields)) == [1, 20_000, 200]

    def test_the_institutions_rates_are_tried_on_all_it_lends_only_for_who_administers_it(
        self, client, page, boss, mina, ada, reserve, confocal
    ):
        elsewhere = factories.instrument(
            facility=factories.facility(slug="elsewhere", institution_id=factories.kaist().id),
            prices=confocal.prices,
        )
        reserve(mina, 10, 11, instrument=elsewhere)
        card = set_card(ada, confocal, 100, of="institution", first=APRIL + timedelta(days=30))
        address = f"{page}/{card.id}/earned"

        assert told(client.get(address)) == [1, 20_000, 200]
        client.sign_in(boss)
        assert told(client.get(address)) == [2, 30_000, 300]

    def test_where_nothing_was_used_it_says_so(self, client, page, ada, confocal):
        idle = factories.instrument(facility=confocal.facility)
        card = set_card(ada, idle, 1, first=APRIL + timedelta(days=30))
        text = client.get(f"{page}/{card.id}/earned").text
        assert "No use to compare" in text
