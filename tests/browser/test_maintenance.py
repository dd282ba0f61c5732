"""A manager plans maintenance over standing reservations; somebody reports a fault by phone."""

import email
import re
from datetime import timedelta
from email.policy import default

from playwright.sync_api import expect

from tests.browser.test_main_job import (
    CONFOCAL,
    MANAGER,
    RESEARCHER,
    SECOND,
    reserve_page,
    sign_in,
    tomorrow,
    typed,
    within,
)

FACILITY = "kaist-biocore"
LATER = timedelta(days=8)


def reserve(page, start):
    page.goto(reserve_page(start, start + timedelta(hours=1)))
    page.fill("#purpose", "점검 시험")
    page.locator("#reserve button.btn-primary").click()
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
    return page.url.rsplit("/", 1)[1]


def told(demo, address, uid):
    """The mail that tells somebody that their reservation gave way."""
    for path in demo.outbox:
        mail = email.message_from_bytes(path.read_bytes(), policy=default)
        said = mail.get_body().get_content()
        if mail["To"] == address and uid in said and "레이저 교체" in said:
            return mail
    return None


def test_a_manager_plans_maintenance_moves_one_and_cancels_one(visit, demo):
    researcher, second, manager = visit(), visit(), visit()
    start = tomorrow(9) + LATER
    sign_in(researcher, RESEARCHER)
    moved = reserve(researcher, start)
    sign_in(second, SECOND)
    cancelled = reserve(second, start + timedelta(hours=1))

    # Sora's like closes the morning, and sees first who is hit.
    sign_in(manager, MANAGER)
    manager.goto(f"/facilities/{FACILITY}/closures")
    manager.select_option("#instrument", label=manager_label(manager))
    manager.fill("#starts_at", typed(start))
    manager.fill("#ends_at", typed(start + timedelta(hours=3)))
    manager.fill("#reason_ko", "레이저 교체")
    manager.locator("main form[data-keep=closure] button[type=submit]").last.click()
    first, other = (manager.locator(f"[data-uid='{uid}']") for uid in (moved, cancelled))
    expect(first).to_be_visible()
    expect(first.locator("input[type=datetime-local]")).not_to_have_value("")

    first.locator("input[value=move]").check()
    other.locator("input[value=cancel]").check()
    manager.fill("#message", "레이저 교체")
    manager.locator("main form[data-keep=closure] button[type=submit]").first.click()
    manager.wait_for_url(re.compile(rf"/facilities/{FACILITY}/closures$"))
    expect(manager.locator("main")).to_contain_text("레이저 교체")

    # The holders see it, and each is told by mail.
    researcher.reload()
    expect(researcher.locator("main").get_by_text("확정", exact=True).first).to_be_visible()
    before = f"{start:%H:%M}–{start + timedelta(hours=1):%H:%M}"
    expect(researcher.locator("main time").first).not_to_contain_text(before)
    second.reload()
    expect(second.locator("main").get_by_text("취소", exact=True).first).to_be_visible()
    for address, uid in ((RESEARCHER, moved), (SECOND, cancelled)):
        assert within(20, lambda address=address, uid=uid: told(demo, address, uid)) is not None


def manager_label(page):
    """What the confocal microscope is called in the list of what can be closed."""
    name = page.request.get(f"/api/v1/instruments/{CONFOCAL}").json()["name"]["ko"]
    return page.locator("#instrument option").filter(has_text=name).first.inner_text()


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
