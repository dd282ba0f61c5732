"""At the instrument with a phone: scan, sign in, check in, use it longer, end."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from app import create_app
from app.db import db
from tests import factories
from tests.browser.test_main_job import PASSWORD, RESEARCHER, SEOUL, typed
from tests.conftest import settings

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def an_instrument(demo):
    """One that is always open, free, and may be begun a little early, in the running Dure."""
    folder = demo.folder / "instance"
    app = create_app(settings(f"sqlite:///{folder}/dure.sqlite3", folder))
    with app.app_context():
        made = factories.instrument(
            slug="bench-of-the-test",
            name_ko="현장 시험 장비",
            name_en="Bench test instrument",
            safety_ko="보안경을 쓰세요.",
            booking={"slot": "PT5M", "shortest": "PT5M", "check_in": "required"},
        )
        slug = made.slug
        db.session.remove()
        db.engine.dispose()
    return slug


def test_a_phone_at_the_instrument(visit, demo):
    slug = an_instrument(demo)
    now = datetime.now(UTC).astimezone(SEOUL)
    start = now.replace(second=0, microsecond=0) + timedelta(minutes=5 - now.minute % 5)
    end = start + timedelta(minutes=30)
    page = visit(**PHONE)

    # The printed code leads to the page, which says what is going on, and to signing in and back.
    page.goto(f"/instruments/{slug}/bench")
    expect(page.get_by_text("보안경을 쓰세요.")).to_be_visible()
    page.get_by_role("link", name="로그인하고 사용 시작").click()
    page.fill("input[name=email]", RESEARCHER)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"**/instruments/{slug}/bench")

    page.get_by_role("link", name="예약", exact=True).last.click()
    page.fill("#starts_at", typed(start))
    page.fill("#ends_at", typed(end))
    page.fill("#purpose", "휴대전화로 사용")
    # What must not be overlooked stands above the button, not behind it.
    button = page.locator("#reserve button.btn-primary")
    notes = page.locator("#reserve [data-to-know]")
    expect(notes).to_contain_text("보안경을 쓰세요.")
    expect(notes).to_contain_text("바로 확정")
    assert notes.bounding_box()["y"] < button.bounding_box()["y"]
    button.click()
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))

    page.goto(f"/instruments/{slug}/bench")
    page.get_by_role("button", name="사용 시작").click()
    expect(page.locator("#mine").get_by_text("사용 중")).to_be_visible()

    later = end + timedelta(minutes=5)
    page.get_by_role("button", name=f"{later:%H:%M}", exact=True).click()
    expect(page.locator("#mine")).to_contain_text(f"{later:%H:%M}")

    page.fill("#use-samples", "3")
    page.get_by_role("button", name="사용 종료").click()
    page.locator("dialog[open] button[value=yes]").click()
    expect(page.locator("#mine")).to_have_count(0)
    expect(page.get_by_text("남은 시간은").first).to_be_visible()
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert over <= 0
