"""Rates as a spreadsheet: downloaded, edited, looked at, and set all at once or not at all."""

import io
import re
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.catalog.queries import facility_by_slug
from app.db import db, transaction
from app.domain.booking import AffiliationClass, Mode
from app.domain.rate_card import Unit
from app.domain.rate_sheet import HEADS
from app.rates import sheets
from app.rates.models import RateCard
from app.rates.queries import tariff_of
from app.web.xlsx_files import table_of, xlsx
from tests import factories
from tests.factories import NOW, hours
from tests.rates.conftest import TODAY, set_card
from tests.reservations.conftest import booked, statements

pytestmark = pytest.mark.usefixtures("fixed_now")
HEAD = [name.en for name in HEADS.values()]
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def page(client, sora, microscope):
    """Sora, reading English, at the rates of her facility, in which there is another instrument."""
    factories.instrument(facility=microscope.facility, slug="other", name_en="=HYPERLINK(1)")
    with transaction():
        sora.language = "en"
    client.sign_in(sora)
    return f"/facilities/{microscope.facility.slug}/rates"


def row(of, *prices, mode="self-operated use", unit="hour", started="no", minimum=0):
    """One price for all classes, or one for each."""
    return [of, None, mode, unit, started, minimum, *(prices * 6)[:6]]


def hand_in(client, page, *rows, content=None, first=TODAY, replacing=False):
    content = xlsx({"a": [HEAD, *rows]}) if content is None else content
    data = {
        "csrf_token": client.form_token(f"{page}/sheet"),
        "sheet-file": (io.BytesIO(content), "rates.xlsx"),
        "sheet-valid_from": str(first),
        **({"sheet-replacing": "y"} if replacing else {}),
    }
    return client.post(f"{page}/sheet", data=data)


def confirm(client, page, answer, **others):
    """Press the button of the page on which one has looked."""
    form = answer.text[answer.text.index(f'action="{page}/sheet/set') :]
    fields = dict(re.findall(r'name="([^"]+)"[^>]* value="([^"]*)"', form[: form.index("</form>")]))
    fields = {name: value.replace("&#34;", '"') for name, value in fields.items()}
    return client.post(f"{page}/sheet/set", data={**fields, **others})


def cards():
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(RateCard).order_by(RateCard.id)).all()


def prices(card):
    return {(line.mode, line.unit, line.who): line.price for line in card.lines}


def downloaded(client, page):
    answer = client.get(f"{page}.xlsx")
    assert answer.status_code == 200
    return answer.data


class TestDownload:
    def test_what_holds_is_in_it_of_each_thing_and_what_may_be_written_in_a_second_sheet(
        self, client, page, sora, microscope
    ):
        set_card(sora, microscope, 2_000, of="facility")
        set_card(sora, microscope, 3_000)
        book = load_workbook(io.BytesIO(downloaded(client, page)))
        rows = list(book["Rates"].values)

        assert list(rows[0]) == HEAD
        assert {(line[0], line[6]) for line in rows[1:]} == {
            ("facility", 2_000), (microscope.slug, 3_000), ("other", 2_000),
        }  # fmt: skip
        words = {cell for line in book["Words"].values for cell in line}
        assert words >= {"facility", "other", "half-day", "commissioned analysis", "yes"}
        assert "institution" not in words

    def test_names_are_never_formulas(self, client, page):
        book = load_workbook(io.BytesIO(downloaded(client, page)))
        (cell,) = [
            line[1] for line in book["Rates"].iter_rows() if line[0].value == "other"
        ]  # fmt: skip
        assert (cell.data_type, cell.value) == ("s", "=HYPERLINK(1)")

    def test_an_instrument_without_rates_has_a_row_to_begin_with(self, client, page, microscope):
        rows = list(table_of(downloaded(client, page), "file"))
        assert [line[0] for line in rows[1:]] == [microscope.slug, "other"]
        assert rows[1][6:] == []

    def test_what_was_downloaded_changes_nothing_in_either_language(
        self, client, page, sora, microscope
    ):
        with transaction():
            microscope.prices = {"unit": "day", "own_institution": 11_111, "partner": 20_000}
        set_card(sora, microscope, 2_000, of="facility", first=TOMORROW)
        for language in ("en", "ko"):
            with transaction():
                sora.language = language
            answer = hand_in(client, page, content=downloaded(client, page))
            assert (answer.status_code, "data-nothing" in answer.text) == (200, True)

    def test_who_administers_the_institution_gets_its_rates_too(
        self, client, page, ada, microscope
    ):
        set_card(ada, microscope, 1_000, of="institution")
        client.sign_in(ada)
        rows = table_of(downloaded(client, page), "file")
        assert "institution" in {line[0] for line in rows}

    def test_it_is_for_those_who_set_rates(self, client, page, mina):
        client.sign_in(mina)
        for path in (f"{page}.xlsx", f"{page}/sheet"):
            assert client.get(path).status_code == 403

    def test_more_instruments_take_no_more_reads(self, page, microscope):
        slug = microscope.facility.slug

        def read():
            db.session.expire_all()
            facility = facility_by_slug(slug)
            sheets.sheets_of(facility, TODAY, institution=False, language="en")

        before = statements(read)
        for _ in range(3):
            factories.instrument(facility=microscope.facility)
        assert statements(read) == before


class TestSetting:
    def test_each_change_is_looked_at_with_its_row_and_then_set(
        self, client, page, mina, sora, microscope
    ):
        set_card(sora, microscope, 2_000, operator_fee=30_000)
        answer = hand_in(
            client,
            page,
            row(microscope.slug, 0, 1_000, 2_500, 4_000),
            row("other", 700),
            first=TOMORROW,
        )

        assert answer.status_code == 200
        assert len(cards()) == 1
        assert f'data-planned="{microscope.slug}"' in answer.text
        assert "from 2026-03-03" in answer.text
        assert "Partners of the alliance" in answer.text
        assert "₩2,500" in answer.text

        assert confirm(client, page, answer).status_code == 303
        _, first, second = cards()
        assert (first.instrument.slug, second.instrument.slug) == (microscope.slug, "other")
        assert {card.valid_from for card in (first, second)} == {TOMORROW}
        own = Mode.SELF_OPERATED, Unit.HOUR
        assert prices(first)[*own, AffiliationClass.PARTNER] == 2_500
        assert prices(second)[*own, AffiliationClass.LARGE_COMPANY] == 700
        assert first.settings["operator_fee"] == 30_000  # What the sheet does not say, stays.
        price = tariff_of(microscope, mina, now=NOW).quote(hours(25, 27), Mode.SELF_OPERATED)
        assert price.total == 2 * 1_000

    def test_a_row_that_is_gone_takes_its_unit_away_and_is_told_so(
        self, client, page, sora, microscope
    ):
        set_card(sora, microscope, 2_000)  # for all modes
        answer = hand_in(client, page, row(microscope.slug, 2_000), replacing=True)

        assert "commissioned analysis, per hour: Large companies" in answer.text
        assert confirm(client, page, answer).status_code == 303
        (card,) = cards()
        assert {line.mode for line in card.lines} == {Mode.SELF_OPERATED}

    def test_when_other_rates_follow_it_says_so(self, client, page, sora, microscope):
        set_card(sora, microscope, 9_000, first=TODAY + timedelta(days=30))
        answer = hand_in(client, page, row(microscope.slug, 2_000))
        assert "follow on 2026-04-01" in answer.text

    def test_what_was_quoted_before_stays(self, client, page, mina, sora, microscope):
        set_card(sora, microscope, 2_000)
        made = booked(mina, microscope, hours(1, 3))
        answer = hand_in(client, page, row(microscope.slug, 9_000), replacing=True)
        confirm(client, page, answer)

        db.session.refresh(made)
        assert made.quote["total"] == 4_000

    def test_an_instrument_under_wider_rates_gets_its_own_only_if_it_is_changed(
        self, client, page, sora, microscope
    ):
        set_card(sora, microscope, 2_000, of="facility")
        content = downloaded(client, page)
        rows = [list(line) for line in table_of(content, "file")][1:]
        for line in rows:
            if line[0] == "other":
                line[6] = 1_999
        answer = hand_in(client, page, *rows, first=TOMORROW)
        assert re.findall(r'data-planned="([^"]+)"', answer.text) == ["other"]

    def test_rates_of_the_institution_are_for_those_who_administer_it(
        self, client, page, ada, microscope
    ):
        answer = hand_in(client, page, row("institution", 5))
        assert (answer.status_code, "<span" in answer.text) == (422, True)
        assert "may not set the rates of the whole institution" in answer.text

        client.sign_in(ada)
        answer = hand_in(client, page, row("institution", 5))
        assert confirm(client, page, answer).status_code == 303
        assert (cards()[0].facility_id, cards()[0].instrument_id) == (None, None)


class TestFaults:
    def said(self, client, page, *rows, **options):
        answer = hand_in(client, page, *rows, **options)
        assert answer.status_code == 422
        assert "/sheet/set" not in answer.text  # nothing to press
        assert cards() == []
        return answer.text

    def test_holes_overlaps_and_modes_without_a_price_are_told_at_their_cells(
        self, client, page, microscope
    ):
        with transaction():
            microscope.booking = {**microscope.booking, "modes": ["self_operated", "commissioned"]}
        text = self.said(
            client,
            page,
            row(microscope.slug, 1, 2, 3, 4, 5, None),
            row("other", 5),
            row("other", 6),
            row("other", -7, unit="day"),
        )
        told = dict(
            re.findall(r'<span class="font-semibold" data-numbers>(\w+)</span>: ([^<]+)', text)
        )
        assert told.keys() == {"L2", "C2", "D4", "G5", "H5", "I5", "J5", "K5", "L5"}
        assert "no price for Large companies" in told["L2"]
        assert "commissioned analysis, which would have no price" in told["C2"]
        assert "Row 3 is for the same" in told["D4"]

    def test_what_a_row_that_cannot_be_read_would_leave_out_is_no_fault_of_its_own(
        self, client, page, sora, microscope
    ):
        with transaction():
            microscope.booking = {**microscope.booking, "modes": ["self_operated", "commissioned"]}
        wrong = row(microscope.slug, 5, mode="commissioned analysis", unit="minute")
        text = self.said(client, page, row(microscope.slug, 5), wrong)
        assert re.findall(r"data-numbers>(\w+)</span>", text) == ["D3"]

    def test_a_unit_whose_prices_were_all_taken_out_is_told(self, client, page, sora, microscope):
        set_card(sora, microscope, 2_000)
        answer = hand_in(client, page, row(microscope.slug, None))
        assert (answer.status_code, "All prices are gone" in answer.text) == (422, True)

    @pytest.mark.parametrize("first", ["2026-03-01", "0001-01-01"])
    def test_a_day_that_is_over_is_told_once(self, client, page, microscope, first):
        text = self.said(client, page, row(microscope.slug, 5), row("other", 5), first=first)
        assert text.count("Rates cannot change for days that are over") == 1

    def test_rates_that_begin_on_the_same_day_are_replaced_only_if_one_says_so(
        self, client, page, sora, microscope
    ):
        set_card(sora, microscope, 2_000)
        answer = hand_in(client, page, row(microscope.slug, 5))
        assert (answer.status_code, "begin on that day already" in answer.text) == (422, True)
        answer = hand_in(client, page, row(microscope.slug, 5), replacing=True)
        confirm(client, page, answer)
        (card,) = cards()
        assert set(prices(card).values()) == {5}

    @pytest.mark.parametrize("first", ["", "2026-02-30", "viel", "９", "10000-01-01"])
    def test_a_day_that_there_is_none_of_is_asked_again(self, client, page, microscope, first):
        self.said(client, page, row(microscope.slug, 5), first=first)

    @pytest.mark.parametrize("content", [b"", b"a,b\n1,2", xlsx({"a": []}), xlsx({"a": [HEAD]})])
    def test_what_is_no_sheet_of_rates_is_told_at_the_field(self, client, page, content):
        assert 'id="sheet-file-errors"' in self.said(client, page, content=content)

    def test_no_file_is_told(self, client, page):
        token = client.form_token(f"{page}/sheet")
        answer = client.post(f"{page}/sheet", data={"csrf_token": token})
        assert (answer.status_code, "Choose a file" in answer.text) == (422, True)

    def test_faults_beyond_counting_are_told_by_the_first_of_them(self, client, page):
        text = self.said(client, page, *[row("nothing", 5)] * 200)
        assert text.count("no such instrument") == 50
        assert "200 things are wrong" in text

    def test_what_people_wrote_is_text_on_the_page(self, client, page, microscope):
        head = [*HEAD, "<script>alert(1)</script>"]
        content = xlsx({"a": [head, row(microscope.slug, 5)]})
        assert "<script>alert" not in self.said(client, page, content=content)


class TestInTheMeantime:
    def test_what_changed_since_one_looked_is_looked_at_again(self, client, page, sora, microscope):
        answer = hand_in(client, page, row(microscope.slug, 5), first=TOMORROW)
        set_card(sora, microscope, 7_777)
        again = confirm(client, page, answer)

        assert (again.status_code, "data-again" in again.text) == (409, True)
        assert "₩7,777" in again.text
        assert len(cards()) == 1
        assert confirm(client, page, again).status_code == 303

    def test_if_one_of_them_cannot_be_set_none_is(
        self, client, page, sora, microscope, monkeypatch
    ):
        """Somebody is first by a moment, after all was looked at."""
        answer = hand_in(client, page, row(microscope.slug, 5), row("other", 5), first=TOMORROW)
        plan = sheets.plan

        def planned_before(*args, **options):
            found = plan(*args, **options)
            if not any(card.valid_from == TOMORROW for card in cards()):
                facility = facility_by_slug(microscope.facility.slug)
                other = next(
                    each for each in sheets.instruments_of(facility) if each.slug == "other"
                )
                set_card(sora, other, 1, first=TOMORROW)
            return found

        monkeypatch.setattr(sheets, "plan", planned_before)
        again = confirm(client, page, answer)
        assert again.status_code == 422
        (card,) = cards()
        assert set(prices(card).values()) == {1}

    def test_it_cannot_be_set_twice(self, client, page, microscope):
        answer = hand_in(client, page, row(microscope.slug, 5))
        assert confirm(client, page, answer).status_code == 303
        assert confirm(client, page, answer).status_code in {409, 422}
        assert len(cards()) == 1

    @pytest.mark.parametrize(
        "table",
        ["", "{", "[]", "[[]]", "7", '{"a": 1}', "[1]", "[[[]],[{}]]", "[" * 9_000, "9" * 5_000,
         '[["\\ud800"],["\\ud800"]]', "[[NaN],[Infinity]]", '[["a"],["b"]]'],
    )  # fmt: skip
    def test_what_no_page_of_ours_wrote_is_refused(self, client, page, microscope, table):
        answer = hand_in(client, page, row(microscope.slug, 5))
        for others in ({"seen-table": table}, {"seen-valid_from": table or "x"}):
            assert confirm(client, page, answer, **others).status_code in {409, 422}
        assert cards() == []

    def test_who_may_not_look_may_not_set(self, client, page, mina, microscope):
        answer = hand_in(client, page, row(microscope.slug, 5))
        client.sign_in(mina)
        token = client.form_token("/account")
        assert confirm(client, page, answer, csrf_token=token).status_code == 403
        assert cards() == []
