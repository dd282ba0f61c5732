"""Take the screenshots in this folder anew: `python -m docs.screenshots.take`.

Starts the demonstration on an empty folder, signs in, and photographs the six main pages: light,
dark and on a phone. The week shown is the next one, so that it is full on whatever day they are
taken.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, sync_playwright

from app import clock
from tests.browser import chromium
from tests.browser.conftest import Demo
from tests.browser.test_main_job import MANAGER, RESEARCHER, sign_in

HERE = Path(__file__).parent
LARGEST = 150_000  # bytes
INSTRUMENT = "kaist-biocore-superres"
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LOOKS = {
    "light": {**DESKTOP, "color_scheme": "light"},
    "dark": {**DESKTOP, "color_scheme": "dark"},
    "phone": {**PHONE, "color_scheme": "light"},
}
PAGES = {
    "home": "/",
    "catalogue": "/instruments?q=현미경",
    "instrument": f"/instruments/{INSTRUMENT}",
    "approvals": "/approvals",
}
VISIBLE_EVENTS = """() => {
    const view = document.querySelector(".ec-main").getBoundingClientRect();
    return [...document.querySelectorAll(".ec-event")].filter((event) => {
        const place = event.getBoundingClientRect();
        const inTime = place.right > view.left + 250 && place.left < view.right;
        return inTime && place.bottom < innerHeight;
    }).length;
}"""


def monday() -> datetime:
    """The first day of next week, where the instruments are."""
    today = clock.now().astimezone(ZoneInfo("Asia/Seoul"))
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - today.weekday())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = Demo(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=chromium.installed(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            demo.wait()
            for look, options in LOOKS.items():
                _pages(browser, demo.url, look, options)
            with _signed_in(browser, demo.url, RESEARCHER, "en", LOOKS["light"]) as page:
                _reserve(page, "reserve-light-en")
        finally:
            browser.close()
            demo.stop()


def _pages(browser: Browser, url: str, look: str, options: dict[str, object]) -> None:
    with _signed_in(browser, url, RESEARCHER, "ko", options) as page:
        for name in ("home", "catalogue", "instrument"):
            page.goto(PAGES[name])
            _take(page, f"{name}-{look}-ko")
        _schedule(page, f"schedule-{look}-ko")
        _reserve(page, f"reserve-{look}-ko")
    with _signed_in(browser, url, MANAGER, "ko", options) as page:
        page.goto(PAGES["approvals"])
        _take(page, f"approvals-{look}-ko")


@contextmanager
def _signed_in(
    browser: Browser, url: str, who: str, language: str, options: dict[str, object]
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=url,
        locale={"ko": "ko-KR", "en": "en-GB"}[language],
        timezone_id="Asia/Seoul",
        **options,
    )
    page = context.new_page()
    sign_in(page, who)
    if page.locator("html").get_attribute("lang") != language:
        with page.expect_navigation():
            page.locator(f"button[name=language][value={language}]").first.evaluate(
                "button => button.form.requestSubmit(button)"
            )
    yield page
    context.close()


def _reserve(page: Page, name: str) -> None:
    """The form with the first time that is free on a morning of next week."""
    for hour in (24 * day + hour for day in range(5) for hour in (10, 13, 15)):
        start = monday() + timedelta(hours=hour)
        times = f"start={start.isoformat()}&end={(start + timedelta(hours=2)).isoformat()}"
        page.goto(f"/instruments/{INSTRUMENT}/reserve?{times}".replace("+", "%2B"))
        page.wait_for_load_state("networkidle")
        if page.locator("[data-free]").count():
            break
    _take(page, name)


def _schedule(page: Page, name: str) -> None:
    """The timeline of like instruments on the weekday of next week when most happens in view."""

    def busy(day: datetime) -> int:
        page.goto(f"/schedule?q=공초점&date={day:%Y-%m-%d}")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        _to_calendar(page, name)
        return int(page.evaluate(VISIBLE_EVENTS))

    fullest = max((monday() + timedelta(days=number) for number in range(5)), key=busy)
    page.goto(f"/schedule?q=공초점&date={fullest:%Y-%m-%d}")
    _take(page, name)


def _to_calendar(page: Page, name: str) -> None:
    """What is free is what these pages are about; on a phone it stands below the form."""
    if "-phone-" in name and name.startswith(("reserve", "schedule")):
        page.locator(".ec").evaluate("part => part.closest('section').scrollIntoView()")


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    if page.locator("[data-instrument-calendar], [data-schedule]").count():
        page.wait_for_selector(".ec-event", state="attached")
        page.wait_for_timeout(500)  # until it has scrolled to the morning
    _to_calendar(page, name)
    page.evaluate("document.activeElement?.blur()")
    path = HERE / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path.name} has more than {LARGEST // 1000} kB.")


if __name__ == "__main__":
    main()
