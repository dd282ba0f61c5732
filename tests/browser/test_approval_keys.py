"""Deciding by keys, as whoever has much to decide does."""

from playwright.sync_api import expect

from tests.browser.test_main_job import sign_in

ADMINISTRATOR = "site.admin@example.org"


def test_requests_are_gone_through_and_decided_by_keys(visit, demo):
    page = visit()
    sign_in(page, ADMINISTRATOR)
    page.goto("/approvals")
    requests = page.locator("[data-request]")
    first, second = requests.nth(0), requests.nth(1)

    page.keyboard.press("a")  # Nothing is gone to yet: nothing is decided.
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(second).to_be_focused()
    page.keyboard.press("k")
    expect(first).to_be_focused()
    page.keyboard.press("x")
    expect(first.locator("input[name=chosen]")).to_be_checked()
    page.keyboard.press("?")
    expect(page.locator("[data-keys]")).to_have_attribute("open", "")

    # In a field keys are letters.
    page.keyboard.press("j")
    page.keyboard.press("r")
    reason = first.locator("input[name=reason]")
    expect(reason).to_be_focused()
    page.keyboard.type("jaxr?")
    expect(reason).to_have_value("jaxr?")
    expect(first.locator("input[name=chosen]")).to_be_checked()

    # Who wants none of it turns it off, and it stays off.
    keys = page.locator("[data-keys] input[type=checkbox]")
    keys.uncheck()
    page.reload()
    page.keyboard.press("j")
    expect(first).not_to_be_focused()
    page.locator("[data-keys] summary").click()
    keys.check()

    address = first.get_attribute("id")
    first.focus()
    page.keyboard.press("a")
    expect(page.get_by_text("승인했습니다").first).to_be_visible()
    expect(page.locator(f"#{address}")).to_have_count(0)
