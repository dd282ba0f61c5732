"""Every main page, light and dark, in both languages, on a phone: readable and within its width."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_main_job import CONFOCAL, MANAGER, RESEARCHER, sign_in

PAGES = (
    "/",
    "/instruments?q=현미경",
    f"/instruments/{CONFOCAL}",
    f"/instruments/{CONFOCAL}/reserve",
    "/institutions/kaist",
    "/facilities/kaist-biocore",
    "/schedule",
    "/reservations",
    "/approvals",
    "/calendars",
    "/calendars/new",
    "/account",
    "/account/tokens",
    "/api/v1/docs",
    "/no-such-page",
)


def serious(page):
    found = Axe().run(page).response["violations"]
    return [
        (violation["id"], [node["html"][:160] for node in violation["nodes"]][:3])
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_barrier(visit, scheme):
    page = visit(color_scheme=scheme)
    sign_in(page, MANAGER)
    barriers = {}
    for path in PAGES:
        page.goto(path)
        if found := serious(page):
            barriers[path] = found
    assert barriers == {}


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_no_page_scrolls_sideways_on_a_phone(visit, locale):
    page = visit(viewport={"width": 360, "height": 780}, is_mobile=True, has_touch=True)
    sign_in(page, RESEARCHER)
    page.goto("/")
    other = page.locator(f"button[name=language][value={locale}]")
    if other.count():
        with page.expect_navigation():
            other.first.evaluate("button => button.form.requestSubmit(button)")
    wide = []
    for path in PAGES:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == locale
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            wide.append((path, over))
    assert wide == []
