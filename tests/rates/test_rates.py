"""Which rates hold, who may set them, and that what was quoted stays."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts.models import InstitutionKind
from app.audit.models import AuditRow
from app.db import db, transaction
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Invalid, NotAllowed, WrongState
from app.domain.rate_card import Rate, Tax, Terms, Unit, Unpriced
from app.domain.rate_card import RateCard as Card
from app.domain.recurrence import Recurrence
from app.rates import services
from app.rates.models import RateCard, RateLine
from app.rates.queries import cards_at, tariff_of, terms_of
from app.rates.services import NewRates
from app.reservations import services as reservations
from app.reservations import use
from app.reservations.models import Reservation
from app.reservations.series import Change, Repeat, Which, change_series, request_series
from tests import factories
from tests.factories import NOW, hours
from tests.rates.conftest import TODAY, for_all, set_card
from tests.reservations.conftest import booked, statements

TOMORROW = TODAY + timedelta(days=1)


def price(user, instrument, start=1, end=3, **fields):
    """By default of two hours, soon: 19:00 to 21:00 in Daejeon."""
    asked = hours(start, end)
    return tariff_of(instrument, user, now=NOW).quote(asked, Mode.SELF_OPERATED, **fields).total


class TestWhichRatesHold:
    def test_until_somebody_sets_rates_the_list_prices_do(self, mina, theo, microscope):
        with transaction():
            microscope.prices = {"unit": "hour", "own_institution": 10_000, "partner": 15_000}

        assert (price(mina, microscope), price(theo, microscope)) == (20_000, 30_000)

    def test_a_card_takes_precedence_from_its_day_on(self, mina, sora, microscope):
        with transaction():
            microscope.prices = {"unit": "hour", "own_institution": 10_000}
        set_card(sora, microscope, 20_000, first=TOMORROW)

        assert price(mina, microscope) == 20_000
        assert price(mina, microscope, 25, 27) == 40_000
        assert price(mina, microscope, 5, 7) == 30_000  # 23:00 to 01:00

    def test_the_instruments_card_comes_before_the_facilitys_and_the_institutions(
        self, mina, sora, ada, microscope
    ):
        other = factories.instrument(facility=microscope.facility)
        third = factories.instrument(facility=factories.facility())
        set_card(ada, microscope, 1_000, of="institution")
        set_card(sora, microscope, 2_000, of="facility")
        set_card(sora, microscope, 3_000)

        assert [price(mina, each) for each in (microscope, other, third)] == [6_000, 4_000, 2_000]

    def test_an_empty_card_lets_the_wider_rates_hold_again(self, mina, sora, microscope):
        set_card(sora, microscope, 2_000, of="facility")
        set_card(sora, microscope, 3_000)
        back = NewRates(Card(), TOMORROW, microscope.slug)
        services.set_rates(sora, microscope.facility, back, now=NOW)

        assert price(mina, microscope) == 6_000
        assert price(mina, microscope, 25, 27) == 4_000

    def test_where_nothing_is_set_nothing_is_quoted(self, mina, microscope):
        with pytest.raises(Unpriced):
            price(mina, microscope)

    @pytest.mark.parametrize("unit", ["plate", "run", "half_day"])
    def test_a_plate_a_run_or_a_half_day_by_the_list_is_not_known_beforehand(
        self, mina, microscope, unit
    ):
        with transaction():
            microscope.prices = {"unit": unit, "own_institution": 10_000}
        with pytest.raises(Unpriced):
            price(mina, microscope)

    def test_all_that_holds_is_read_by_one_statement(self, mina, sora, microscope):
        set_card(sora, microscope, 2_000, of="facility")
        set_card(sora, microscope, 3_000)
        assert price(mina, microscope) == 6_000  # What is known of Mina is read by now.
        assert statements(lambda: price(mina, microscope)) == 1


class TestSetting:
    def test_a_manager_sets_rates_of_the_facility_but_not_of_the_institution(
        self, sora, mina, theo, microscope
    ):
        assert set_card(sora, microscope, 1).lines
        for who, of in ((sora, "institution"), (mina, "facility"), (theo, "instrument")):
            with pytest.raises(NotAllowed):
                set_card(who, microscope, 1, of=of)

    def test_rates_of_days_that_are_over_do_not_change(self, sora, microscope):
        with pytest.raises(Invalid) as wrong:
            set_card(sora, microscope, 1, first=TODAY - timedelta(days=1))
        assert "over" in wrong.value.fields["valid_from"].en

    def test_two_cards_do_not_begin_on_one_day_unless_one_replaces_the_other(
        self, mina, sora, microscope
    ):
        set_card(sora, microscope, 1_000)
        with pytest.raises(Invalid) as wrong:
            set_card(sora, microscope, 2_000)
        assert "already" in wrong.value.fields["valid_from"].en

        set_card(sora, microscope, 2_000, replace=True)
        assert price(mina, microscope) == 4_000
        assert len(cards_at(microscope.facility)) == 1
        assert db.session.query(RateLine).count() == len(for_all(2_000))

    def test_the_database_itself_refuses_a_second_card_of_a_day(self, sora, microscope):
        set_card(sora, microscope, 1_000)
        again = {
            "supplier_id": microscope.facility.institution_id,
            "instrument_id": microscope.id,
            "valid_from": TODAY,
            "settings": {},
            "made_by_id": sora.id,
            "made_at": NOW,
        }
        with pytest.raises(IntegrityError):
            factories.save(RateCard(**again))

    def test_a_class_without_a_price_is_a_hole(self, sora, microscope):
        rates = for_all(1_000)[: -2 * len(Mode)]
        wanted = NewRates(Card(rates=rates), TODAY, microscope.slug)
        with pytest.raises(Invalid) as wrong:
            services.set_rates(sora, microscope.facility, wanted, now=NOW)

        said = wrong.value.fields["self_operated-hour"].en
        assert "Small and medium companies, Large companies" in said
        assert db.session.query(RateCard).count() == 0

    def test_a_mode_that_is_offered_has_a_price(self, sora, microscope):
        with transaction():
            microscope.booking = {**microscope.booking, "modes": ["self_operated", "commissioned"]}
        rates = tuple(r for r in for_all(1_000) if r.mode is Mode.SELF_OPERATED)
        wanted = NewRates(Card(rates=rates), TODAY, microscope.slug)
        with pytest.raises(Invalid) as wrong:
            services.set_rates(sora, microscope.facility, wanted, now=NOW)
        assert "commissioned analysis" in wrong.value.fields["mode-commissioned"].en

    def test_rates_to_come_are_withdrawn_and_those_that_hold_are_not(self, sora, microscope):
        facility = microscope.facility
        holds = set_card(sora, microscope, 1_000)
        comes = set_card(sora, microscope, 2_000, first=TOMORROW)

        services.withdraw_rates(sora, facility, comes.id, now=NOW)
        with pytest.raises(WrongState):
            services.withdraw_rates(sora, facility, holds.id, now=NOW)
        assert [card.id for card in cards_at(facility)] == [holds.id]

    def test_what_was_set_is_in_the_trail(self, sora, microscope):
        set_card(sora, microscope, 1_000)
        row = db.session.scalars(select(AuditRow).where(AuditRow.action == "set-rates")).one()
        assert row.actor_id == sora.id
        assert row.detail["valid_from"] == "2026-03-02"
        assert ["self_operated", "hour", "partner", 1000] in row.detail["rates"]


class TestTerms:
    def test_an_academic_supplier_is_exempt_and_a_company_is_not(self, app):
        company = factories.institution(kind=InstitutionKind.SMALL_COMPANY)
        assert terms_of(factories.kaist()) == Terms(tax=Tax.EXEMPT, truncation=10)
        assert terms_of(company) == Terms(tax=Tax.TAXABLE, truncation=1)

    def test_who_administers_the_institution_says_how_it_taxes_and_rounds(
        self, mina, sora, ada, microscope
    ):
        set_card(sora, microscope, 12_345)
        kaist = microscope.facility.institution
        terms = Terms(tax=Tax.TAXABLE, vat_percent=10, truncation=1000)
        with pytest.raises(NotAllowed):
            services.set_terms(sora, kaist, terms, now=NOW)
        assert price(mina, microscope) == 24_690

        services.set_terms(ada, kaist, terms, now=NOW)
        assert price(mina, microscope) == 24_000 + 2_400


def stored(uid):
    db.session.expire_all()
    return db.session.scalars(select(Reservation).where(Reservation.uid == uid)).one().quote


class TestWithTheReservation:
    def test_the_quote_is_kept_and_later_rates_never_reach_it(self, mina, sora, microscope):
        set_card(sora, microscope, 1_000)
        made = booked(mina, microscope, hours(1, 3))
        set_card(sora, microscope, 9_000, replace=True)

        quote = stored(made.uid)
        assert (quote["net"], quote["vat"], quote["total"]) == (2_000, 0, 2_000)
        assert quote["lines"][0]["quantity"] == "2"

    def test_moving_it_asks_for_the_price_of_its_new_time(self, mina, sora, microscope):
        set_card(sora, microscope, 1_000)
        set_card(sora, microscope, 5_000, first=TOMORROW)
        made = booked(mina, microscope, hours(1, 3))

        change = reservations.Change(interval=hours(25, 28))
        reservations.change_reservation(mina, made.uid, change, now=NOW)
        assert stored(made.uid)["total"] == 15_000

    def test_saying_something_else_of_it_leaves_the_price(self, mina, sora, microscope):
        set_card(sora, microscope, 1_000)
        made = booked(mina, microscope, hours(1, 3))
        set_card(sora, microscope, 9_000, replace=True)

        reservations.change_reservation(
            mina, made.uid, reservations.Change(purpose="other"), now=NOW
        )
        assert stored(made.uid)["total"] == 2_000

    def test_more_samples_cost_more(self, mina, sora, microscope):
        by_sample = Card(rates=for_all(700, Unit.SAMPLE))
        wanted = NewRates(by_sample, TODAY, microscope.slug)
        services.set_rates(sora, microscope.facility, wanted, now=NOW)
        made = booked(mina, microscope, hours(1, 3))
        assert stored(made.uid) is None

        reservations.change_reservation(mina, made.uid, reservations.Change(samples=4), now=NOW)
        assert stored(made.uid)["total"] == 2_800

    def test_going_on_longer_costs_more(self, mina, sora, microscope):
        with transaction():
            microscope.booking = {**microscope.booking, "check_in": "asked"}
        set_card(sora, microscope, 1_000)
        made = booked(mina, microscope, hours(1, 3))
        use.check_in(mina, made.uid, now=NOW + timedelta(hours=1))
        use.extend(mina, made.uid, hours(3, 4).end, now=NOW + timedelta(hours=2))
        assert stored(made.uid)["total"] == 3_000

    def test_each_date_of_a_series_has_its_own_price(self, mina, sora, microscope):
        set_card(sora, microscope, 1_000)
        set_card(sora, microscope, 5_000, first=date(2026, 3, 4))
        request = reservations.BookingRequest(microscope.slug, hours(1, 3), purpose="cells")
        daily = Repeat(Recurrence.parse("FREQ=DAILY;COUNT=3"))
        first = request_series(mina, request, daily, now=NOW)

        def totals():
            db.session.expire_all()
            found = db.session.scalars(select(Reservation).order_by(Reservation.starts_at))
            return [each.quote["total"] for each in found]

        assert totals() == [2_000, 2_000, 10_000]
        longer = Change(interval=hours(1, 4))
        change_series(mina, first.uid, Which.ALL, longer, now=NOW)
        assert totals() == [3_000, 3_000, 15_000]


def test_rates_of_one_class_are_not_those_of_another(mina, theo, sora, microscope):
    rates = tuple(
        Rate(
            who=who,
            mode=mode,
            unit=Unit.HOUR,
            price=0 if who is AffiliationClass.OWN_INSTITUTION else 7_000,
        )
        for who in AffiliationClass
        for mode in Mode
    )
    wanted = NewRates(Card(rates=rates), TODAY, microscope.slug)
    services.set_rates(sora, microscope.facility, wanted, now=NOW)

    assert (price(mina, microscope), price(theo, microscope)) == (0, 14_000)
