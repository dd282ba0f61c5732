"""Somebody at the instrument reports a fault by phone."""

import re

from playwright.sync_api import expect

from tests.browser.test_main_job import CONFOCAL, MANAGER, SECOND, sign_in


def test_somebody_at_the_instrument_reports_a_fault_by_phone(visit):
    phone = visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    phone.goto(f"/instruments/{CONFOCAL}/fault")  # what the printed code says
    phone.fill("input[name=email]", SECOND)
    phone.fill("input[name=password]", "dure-demo-2026")
    phone.press("input[name=password]", "Enter")
    phone.wait_for_url(re.compile(rf"/instruments/{CONFOCAL}/fault$"))
    width = phone.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    phone.locator("input[name=severity][value=out_of_order]").check()
    phone.fill("#description", "문이 닫히지 않습니다")
    button = phone.locator("main form button[type=submit]")
    assert button.bounding_box()["height"] >= 40
    button.tap()
    phone.wait_for_url(re.compile(rf"/instruments/{CONFOCAL}$"))
    expect(phone.locator("[data-fault]").first).to_contain_text("문이 닫히지 않습니다")

    manager = visit()
    sign_in(manager, MANAGER)
    manager.goto(f"/instruments/{CONFOCAL}")
    manager.locator("[data-fault] a").first.click()
    expect(manager.locator("main")).to_contain_text("문이 닫히지 않습니다")
