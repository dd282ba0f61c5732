"""The manager's page of rates, and what readers see of them on the page of an instrument."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.domain.booking import AffiliationClass, Mode
from app.domain.rate_card import Tax, Unit
from app.rates.models import RateCard, SupplierTerms
from tests.rates.conftest import set_card

pytestmark = pytest.mark.usefixtures("fixed_now")


@pytest.fixture
def page(client, sora, microscope):
    """Sora, reading English, at the rates of her facility."""
    with transaction():
        sora.language = "en"
    client.sign_in(sora)
    return f"/facilities/{microscope.facility.slug}/rates"


def typed(microscope, price="20,000", **fields):
    """An hourly price for every class, for the microscope, from today on."""
    empty = {f"row{n}_{name}": "" for n in range(4) for name in ("unit", "minimum")}
    modes = {f"row{n}_mode": "self_operated" for n in range(4)}
    return {
        **empty,
        **modes,
        "tax": "",
        "scope": f"i:{microscope.slug}",
        "valid_from": "2026-03-02",
        "row0_mode": "self_operated",
        "row0_unit": "hour",
        **{f"row0_{who}": price for who in AffiliationClass},
        **fields,
    }


def send(client, page, what="", **fields):
    return client.post(f"{page}{what}", data={"csrf_token": client.form_token(page), **fields})


def cards():
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(RateCard).order_by(RateCard.id)).all()


def test_nothing_is_set_at_first_and_list_prices_are_said_to_hold(client, page, microscope):
    with transaction():
        microscope.prices = {"unit": "hour", "partner": 21_000}
    text = client.get(page).text

    assert "No rates have been set here" in text
    assert "list price" in text
    assert "₩21,000 per hour" in text


def test_a_manager_sets_rates_in_the_browser(client, page, microscope):
    answer = send(
        client,
        page,
        **typed(
            microscope,
            row0_started="y",
            row0_minimum="5000",
            discount_partner="30",
            extra0_name_en="Long use",
            extra0_percent="50",
            extra0_hours="8",
            night="1.5",
            night_hours="22:00-06:00",
            operator_fee="30,000",
            tax="taxable",
        ),
    )

    assert answer.status_code == 303
    (card,) = cards()
    assert card.instrument_id == microscope.id
    assert {(x.mode, x.unit, x.price, x.minimum, x.started) for x in card.lines} == {
        (Mode.SELF_OPERATED, Unit.HOUR, 20_000, 5_000, True)
    }
    shown = client.get(f"{page}?of={microscope.slug}").text
    for words in ("In force", "30 percent off", "Long use", "At night, times 1.5", 'value="20000"'):
        assert words in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"row0_large_company": ""}, "no price for Large companies"),
        ({"valid_from": "2026-03-01"}, "over"),
        ({"valid_from": "2026-02-30"}, "Not a valid date"),
        ({"row0_partner": "-5"}, "whole won"),
        ({"row0_partner": "1e9"}, "whole won"),
        ({"row0_partner": "9" * 15}, "whole won"),
        ({"row0_unit": ""}, "Choose the unit"),
        ({"row1_mode": "self_operated", "row1_unit": "day"}, "Write the prices"),
        ({"night": "1.5"}, "Say when the night is"),
        ({"night": "1.5", "night_hours": "22-6"}, "22:00-06:00"),
        ({"night_hours": "25:00-26:00"}, "22:00-06:00"),
        ({"holiday": "viel"}, "such as 1.5"),
        ({"extra0_percent": "50"}, "from how many hours"),
        ({"discount_partner": "101"}, "0 to 100"),
        ({"scope": "i:nothing"}, "Not a valid choice"),
        ({"scope": "institution"}, "Not a valid choice"),
        ({"tax": "none"}, "Not a valid choice"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_written(client, page, microscope, fields, said):
    answer = send(client, page, **{**typed(microscope), **fields})

    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="20,000"' in answer.text  # Nothing of what was typed is lost.
    assert cards() == []


def test_the_same_line_twice_is_refused(client, page, microscope):
    again = {f"row1_{who}": "1" for who in AffiliationClass}
    again |= {"row1_mode": "self_operated", "row1_unit": "hour"}

    assert "there twice" in send(client, page, **{**typed(microscope), **again}).text
    assert cards() == []


def test_rates_that_begin_on_one_day_are_replaced_only_if_one_says_so(client, page, microscope):
    send(client, page, **typed(microscope))
    answer = send(client, page, **typed(microscope, "30,000"))
    assert answer.status_code == 422
    assert "begin on that day already" in answer.text

    send(client, page, **typed(microscope, "30,000", replace="y"))
    (card,) = cards()
    assert {each.price for each in card.lines} == {30_000}


def test_rates_to_come_are_withdrawn(client, page, microscope):
    send(client, page, **typed(microscope, valid_from="2026-04-01"))
    withdraw = f"/{cards()[0].id}/withdraw"
    assert 'data-card="coming"' in client.get(page).text

    assert send(client, page, withdraw).status_code == 303
    assert cards() == []
    assert send(client, page, withdraw).status_code == 404


def test_the_history_tells_from_when_until_when_each_card_holds_and_what_it_changed(
    client, page, sora, microscope
):
    set_card(sora, microscope, 1_000)
    set_card(sora, microscope, 2_000, first=date(2026, 4, 1), operator_fee=30_000)
    set_card(sora, microscope, 5_000, first=date(2026, 3, 10), of="facility")

    text = client.get(page).text
    assert "from 2026-03-02 until 2026-03-31" in text
    assert "from 2026-04-01</span>" in text
    assert "from 2026-03-10</span>" in text
    # Six classes in each mode, and the operator; the facility's card has none before it.
    assert re.findall(r'data-differences="(\d+)"', text) == [str(6 * len(Mode) + 1)]


def test_two_cards_are_compared_the_older_first_in_whichever_order_they_are_named(
    client, page, sora, microscope
):
    old = set_card(sora, microscope, 1_000)
    new = set_card(sora, microscope, 2_345, first=date(2026, 4, 1), operator_fee=30_000)

    for one, other in ((old, new), (new, old)):
        text = client.get(f"{page}/compare?one={one.id}&other={other.id}").text
        rows = re.findall(r"<td[^>]*>(₩[0-9,]+)</td>", text)
        assert rows[:2] == ["₩1,000", "₩2,345"]
        assert rows[-2:] == ["₩0", "₩30,000"]


def test_what_cannot_be_compared_is_asked_again(client, page, sora, mina, microscope):
    assert client.get(f"{page}/compare").status_code == 200
    card = set_card(sora, microscope, 1_000)
    for other in (str(card.id), "", "0", "-1", "x", "９", "9" * 30):
        answer = client.get(f"{page}/compare", query_string={"one": card.id, "other": other})
        assert answer.status_code == 200
        assert "Choose two different" in answer.text

    client.sign_in(mina)
    assert client.get(f"{page}/compare").status_code == 403


def test_the_guideline_s_price_is_proposed(client, page, microscope):
    with transaction():
        microscope.acquisition_cost = 500_000_000
    assert 'data-reference="30000"' in client.get(f"{page}?of={microscope.slug}").text


def test_taxes_are_for_those_who_administer_the_institution(client, page, sora, ada, microscope):
    asked = {"terms-tax": "taxable", "terms-vat_percent": "10", "terms-truncation": "100"}
    assert send(client, page, "/terms", **asked).status_code == 403
    assert "Who administers the institution" in client.get(page).text

    client.sign_in(ada)
    assert send(client, page, "/terms", **asked).status_code == 303
    db.session.rollback()
    kept = db.session.scalars(select(SupplierTerms)).one()
    assert (kept.tax, kept.truncation) == (Tax.TAXABLE, 100)
    assert send(client, page, "/terms", **{**asked, "terms-truncation": "7"}).status_code == 422


def test_the_page_of_the_instrument_shows_the_rates_that_hold_instead_of_list_prices(
    client, page, mina, sora, microscope
):
    with transaction():
        microscope.prices = {"unit": "hour", "own_institution": 11_111}
    address = f"/instruments/{microscope.slug}"
    assert "11,111" in client.sign_in(mina).get(address).text

    set_card(sora, microscope, 23_456)
    text = client.get(address).text
    assert "23,456원" in text
    assert "11,111" not in text
    assert text.count("data-own-price") == 1


def test_lists_of_instruments_show_the_rates_that_hold_too(client, mina, sora, microscope):
    with transaction():
        microscope.prices = {"unit": "hour", "own_institution": 11_111, "partner": 22_222}
    lists = ("/instruments", f"/facilities/{microscope.facility.slug}")
    for path in lists:
        assert "22,222" in client.get(path).text

    set_card(sora, microscope, 23_456)
    for path in lists:
        text = client.get(path).text
        assert "23,456" in text
        assert "22,222" not in text
