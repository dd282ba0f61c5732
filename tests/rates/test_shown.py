"""Where people read a price before they agree to it, and after: form, page, mail, log, API."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import db
from app.domain.interval import Interval
from app.domain.rate_card import Tax, Terms
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.rates import services
from app.reservations import usage
from tests.factories import NOW, hours
from tests.rates.conftest import set_card
from tests.reservations.conftest import booked, typed

pytestmark = pytest.mark.usefixtures("fixed_now")


@pytest.fixture
def priced(sora, ada, microscope):
    """20,000 won an hour and VAT, as from a company."""
    set_card(sora, microscope, 20_000)
    taxed = Terms(tax=Tax.TAXABLE)
    services.set_terms(ada, microscope.facility.institution, taxed, now=NOW)
    return microscope


def check(client, user, instrument, **fields):
    client.sign_in(user)
    token = client.form_token(f"/instruments/{instrument.slug}/reserve")
    data = {"csrf_token": token, **typed(1, 3), **fields}
    return client.post(f"/instruments/{instrument.slug}/check", data=data).text


def test_the_form_tells_the_price_as_one_types(client, mina, priced):
    page = check(client, mina, priced)

    assert 'data-quote="44000"' in page
    assert "44,000원" in page
    assert "장비사용료" in page


def test_the_form_says_why_a_price_is_not_known(client, mina, microscope):
    assert "data-unpriced" in check(client, mina, microscope)


def test_a_series_tells_the_price_of_each_date_and_of_all(client, mina, priced):
    page = check(client, mina, priced, repeat="weekly", times="3")

    assert page.count("44,000원") == 3
    assert 'data-quote="132000"' in page


def test_the_page_of_a_reservation_and_its_mail_tell_what_was_quoted(client, mina, priced):
    made = booked(mina, priced, hours(1, 3))

    page = client.sign_in(mina).get(f"/reservations/{made.uid}").text
    assert 'data-quote="44000"' in page
    mail = message(db.session.scalars(select(OutgoingMail)).one())
    for part in mail.iter_parts():
        assert "44,000원" in part.get_content()
        assert "부가세 4,000원" in part.get_content()


def test_the_usage_log_has_the_fee_as_quoted(mina, priced):
    booked(mina, priced, hours(1, 3))

    today = Interval(NOW, NOW + timedelta(days=1))
    (line,) = usage.log_of(priced, today, now=NOW + timedelta(days=2))
    assert line.said.fee == 44_000
