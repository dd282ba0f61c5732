"""Offering a reservation to somebody else, with the wrong address at first."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.browser.test_main_job import RESEARCHER, SECOND, sign_in, tomorrow
from tests.browser.test_managers_morning import reserve, reserve_page


def test_a_refused_hand_over_keeps_what_was_typed(visit):
    page = visit()
    sign_in(page, RESEARCHER)
    start = tomorrow(9) + timedelta(days=5)
    reserve(page, reserve_page(start, start + timedelta(hours=1)))
    page.fill("#hand-over-email", RESEARCHER)
    page.fill("#hand-over-reason", "학회 참석")
    page.press("#hand-over-email", "Enter")
    expect(page.locator("[role=alert]").first).to_be_visible()
    expect(page.locator("#hand-over-email")).to_have_value(RESEARCHER)
    expect(page.locator("#hand-over-reason")).to_have_value("학회 참석")
    page.fill("#hand-over-email", SECOND)
    page.press("#hand-over-email", "Enter")
    expect(page.get_by_text(SECOND).first).to_be_visible()
    expect(page.locator("#hand-over-email")).to_have_count(0)
