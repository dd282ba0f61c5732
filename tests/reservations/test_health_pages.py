"""Pages about faults and maintenance."""

import re

import pytest
from sqlalchemy import select

from app.catalog.models import Facility, Fault, Instrument, MaintenanceEntry
from app.catalog.policy import holidays_of
from app.db import db, transaction
from app.domain.maintenance import Severity
from app.reservations import faults
from app.reservations.faults import Decision
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

pytestmark = pytest.mark.usefixtures("fixed_now")

FAULT = "/instruments/microscope/fault"
LOG = "/instruments/microscope/maintenance"
WORK = {
    "happened_at": "2026-03-02T17:00",
    "person_in_charge": "박소라",
    "condition": "malfunction",
    "content": "전원부 교체",
    "result": "running",
    "cost": "350000",
}


def send(browser, page, address=None, **fields):
    return browser.post(address or page, data={"csrf_token": browser.form_token(page), **fields})


def reported(user, instrument, severity=Severity.OUT_OF_ORDER, text="레이저가 꺼짐"):
    return faults.report_fault(user, instrument.slug, severity=severity, description=text, now=NOW)


def test_a_fault_is_reported_and_seen_by_whoever_looks(client, mina, theo, microscope):
    answer = send(client.sign_in(mina), FAULT, severity="out_of_order", description="연기가 남")
    assert answer.status_code == 303
    assert "연기가 남" in client.get("/instruments/microscope").text
    page = client.sign_in(theo).get("/instruments/microscope/reserve").text
    assert "연기가 남" in page
    assert "김미나" not in page


def test_a_visitor_sees_that_there_is_a_fault_but_not_what_was_written(client, mina, microscope):
    reported(mina, microscope)
    page = client.get("/instruments/microscope").text
    assert "data-fault" in page
    assert "레이저가 꺼짐" not in page


def test_a_visitor_is_led_to_the_sign_in_from_the_code(client, microscope):
    answer = client.get(FAULT)
    assert answer.status_code in {302, 303}
    assert "/sign-in" in answer.location


def test_an_empty_report_is_refused_and_keeps_what_was_chosen(client, mina, microscope):
    answer = send(client.sign_in(mina), FAULT, severity="out_of_order", description=" ")
    assert answer.status_code == 422
    assert re.search(
        r'value="out_of_order"[^>]*checked|checked[^>]*value="out_of_order"', answer.text
    )


def test_the_sign_has_a_code_that_leads_here(client, mina, microscope):
    page = client.sign_in(mina).get(f"{FAULT}/sign").text
    assert "http://localhost/instruments/microscope/fault" in page
    assert 'src="data:image/svg+xml' in page


def test_a_manager_sets_it_out_of_order_and_the_page_says_so(client, mina, sora, microscope):
    fault = reported(mina, microscope)
    made = booked(mina, microscope, hours(5, 6))
    page = f"/instruments/microscope/faults/{fault.id}"
    browser = client.sign_in(sora)
    answer = send(browser, page, f"{page}/decide", severity="out_of_order")
    assert answer.status_code == 409
    assert "keep" in re.findall(f'name="way-{made.uid}" value="([a-z]+)"', answer.text)
    assert "move" not in re.findall(f'name="way-{made.uid}" value="([a-z]+)"', answer.text)
    chosen = {f"version-{made.uid}": "1", f"way-{made.uid}": "keep"}
    answer = send(browser, page, f"{page}/decide", severity="out_of_order", **chosen)
    assert answer.status_code == 303
    shown = client.get("/instruments/microscope", headers={"Accept-Language": "ko"}).text
    assert "수리될 때까지 아무도 예약할 수 없습니다" in shown
    assert "/instruments/microscope/reserve?" not in shown
    answer = client.get("/instruments", headers={"Accept-Language": "ko"})
    assert "사용 불가" in answer.text or "고장" in answer.text


def test_with_an_end_a_time_to_move_to_is_suggested(client, mina, sora, microscope):
    fault = reported(mina, microscope)
    made = booked(mina, microscope, hours(5, 6))
    page = f"/instruments/microscope/faults/{fault.id}"
    answer = send(
        client.sign_in(sora),
        page,
        f"{page}/decide",
        severity="out_of_order",
        until="2026-03-03T06:00",
    )
    assert answer.status_code == 409
    start = re.search(f'name="start-{made.uid}" value="([^"]+)"', answer.text)
    assert start
    assert start[1] == "2026-03-03T06:00"


def test_closing_it_writes_the_log(client, mina, sora, microscope):
    fault = reported(mina, microscope)
    page = f"/instruments/microscope/faults/{fault.id}"
    browser = client.sign_in(sora)
    answer = send(browser, page, f"{page}/close", **WORK)
    assert answer.location.endswith(LOG)
    text = browser.get(LOG).text
    assert "전원부 교체" in text
    assert "350,000" in text
    db.session.rollback()
    assert db.session.scalars(select(Fault)).one().closed_at == NOW


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("happened_at", "2999-01-01T10:00"),
        ("happened_at", "2026-03-03T10:00"),
        ("happened_at", ""),
        ("content", " "),
        ("person_in_charge", ""),
        ("condition", "perfect"),
        ("result", ""),
        ("cost", "-1"),
        ("cost", "viel"),
    ],
)
def test_a_bad_line_is_refused_at_its_field(client, sora, microscope, field, value):
    answer = send(client.sign_in(sora), LOG, **{**WORK, field: value})
    assert answer.status_code == 422
    assert f'id="{field}-errors"' in answer.text


def test_a_line_is_written_corrected_and_taken_away_as_csv(client, sora, microscope):
    browser = client.sign_in(sora)
    assert send(browser, LOG, **WORK).status_code == 303
    (entry,) = db.session.scalars(select(MaintenanceEntry)).all()
    page = f"{LOG}/{entry.id}"
    assert send(browser, page, **WORK).status_code == 422  # no reason
    answer = send(browser, page, **{**WORK, "content": "=HYPERLINK(1)", "reason": "오타"})
    assert answer.status_code == 303
    assert "오타" in browser.get(LOG).text
    file = browser.get(f"{LOG}.csv")
    assert file.mimetype == "text/csv"
    assert "attachment" in file.headers["Content-Disposition"]
    assert file.text.startswith("\ufeff")
    assert "'=HYPERLINK(1)" in file.text


def test_what_people_type_is_text(client, mina, sora, microscope):
    evil = "<script>alert(1)</script>"
    fault = reported(mina, microscope, text=evil)
    browser = client.sign_in(sora)
    send(browser, LOG, **{**WORK, "content": evil, "person_in_charge": evil})
    (entry,) = db.session.scalars(select(MaintenanceEntry)).all()
    for address in (
        "/instruments/microscope",
        "/instruments/microscope/reserve",
        f"/instruments/microscope/faults/{fault.id}",
        f"/facilities/{microscope.facility.slug}/closures",
        LOG,
        f"{LOG}/{entry.id}",
        FAULT,
    ):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert evil not in answer.text, address


def test_the_history_names_nobody_and_no_cost(client, mina, sora, microscope):
    fault = reported(mina, microscope)
    decision = Decision(severity=Severity.OUT_OF_ORDER)
    faults.decide_fault(sora, "microscope", fault.id, decision, now=NOW)
    factories.blackout(microscope, hours(-30, -28), reason_ko="정기 점검")
    send(client.sign_in(sora), LOG, **WORK)
    page = client.application.test_client().get("/instruments/microscope").text
    history = page[page.index('id="health"') :]
    assert "정기 점검" in history
    assert "박소라" not in history
    assert "350" not in history[: history.index("</section>")]


class TestHolidays:
    def days(self, **fields):
        facility = factories.facility(holidays=fields.pop("holidays", "KR"), **fields)
        return holidays_of(facility, hours(-24, 24 * 75))

    def test_those_of_its_own_are_added_and_skipped_ones_left_out(self, app):
        plain = {day.isoformat() for day in self.days()}
        assert "2026-05-05" in plain
        own = {
            day.isoformat()
            for day in self.days(extra_holidays=["2026-04-10"], skipped_holidays=["2026-05-05"])
        }
        assert own == plain - {"2026-05-05"} | {"2026-04-10"}

    def test_a_facility_without_public_holidays_may_have_its_own(self, app):
        days = self.days(holidays="none", extra_holidays=["2026-04-10", "2030-01-01"])
        assert {day.isoformat() for day in days} == {"2026-04-10"}

    def test_nobody_reserves_on_one(self, client, mina, microscope):
        with transaction():
            facility = db.session.get_one(Facility, microscope.facility_id)
            facility.extra_holidays = ["2026-03-03"]
            facility.opening_hours = {"daily": ["09:00-18:00"]}
        browser = client.sign_in(mina)
        answer = send(
            browser,
            "/instruments/microscope/reserve",
            starts_at="2026-03-03T10:00",
            ends_at="2026-03-03T11:00",
            purpose="x",
        )
        assert answer.status_code == 422

    def test_a_manager_edits_them_and_a_day_that_is_none_is_refused(self, client, ada, microscope):
        page = f"/facilities/{microscope.facility.slug}/edit"
        browser = client.sign_in(ada)
        fields = {
            "name_ko": "시설",
            "name_en": "Facility",
            "location_ko": "대전",
            "location_en": "Daejeon",
            "timezone": "Asia/Seoul",
            "opening_hours": "daily 24h",
            "holidays": "KR",
            "illustrative": "y",
            "extra_holidays": "2026-10-12\n2026-10-13",
            "skipped_holidays": "2026-05-01",
        }
        shown = browser.get(page).text
        version = re.search(r'name="version"[^>]*value="([^"]*)"', shown)
        assert version
        fields |= dict.fromkeys(re.findall(r'<select[^>]* name="(booking_[^"]+)"', shown), "")
        bad = {**fields, "extra_holidays": "12. Oktober"}
        answer = send(browser, page, **bad, version=version[1])
        assert answer.status_code == 422
        assert 'id="extra_holidays-errors"' in answer.text
        answer = send(browser, page, **fields, version=version[1])
        assert answer.status_code == 303, answer.text
        db.session.rollback()
        facility = db.session.get_one(Facility, microscope.facility_id, populate_existing=True)
        assert facility.extra_holidays == ["2026-10-12", "2026-10-13"]
        assert facility.skipped_holidays == ["2026-05-01"]


def test_a_report_closes_at_once_where_an_instrument_is_set_so(client, mina, sora, microscope):
    with transaction():
        instrument = db.session.get_one(Instrument, microscope.id)
        instrument.booking = {**instrument.booking, "fault_stops": True}
    send(client.sign_in(mina), FAULT, severity="out_of_order", description="연기")
    db.session.rollback()
    found = db.session.get_one(Instrument, microscope.id, populate_existing=True)
    assert found.out_of_order_since == NOW
