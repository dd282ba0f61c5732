"""Every main page, light and dark, in both languages, on a phone: readable and within its width."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_main_job import CONFOCAL, MANAGER, RESEARCHER, SITE_ADMINISTRATOR, sign_in

PAGES = (
    "/",
    "/instruments?q=현미경",
    f"/instruments/{CONFOCAL}",
    f"/instruments/{CONFOCAL}/reserve",
    f"/instruments/{CONFOCAL}/bench",
    f"/instruments/{CONFOCAL}/bench/sign",
    f"/instruments/{CONFOCAL}/usage",
    f"/instruments/{CONFOCAL}/usage/new",
    "/institutions/kaist",
    "/facilities/kaist-biocore",
    "/find",
    "/find?technique=confocal&duration=P7D&when=today&weekdays=sun",
    "/schedule",
    "/reservations",
    "/approvals",
    "/training",
    "/facilities/kaist-biocore/training",
    "/facilities/kaist-biocore/rates",
    "/facilities/kaist-biocore/rates/compare",
    "/facilities/kaist-biocore/rates/sheet",
    "/facilities/kaist-biocore/training/new",
    "/instruments/kaist-biocore-superres/certificates",
    "/calendars",
    "/calendars/new",
    "/account",
    "/account/tokens",
    "/api/v1/docs",
    "/no-such-page",
)
#: Of those who administer institutions; the demonstration leaves KAIST's last month to be closed.
BOOKS = (
    "/statements",
    "/settlements",
    "/institutions/kaist/billing",
    "/institutions/kaist/billing/ageing",
    "[data-state=running] a",
    "[data-state=open] a",  # one to be closed
    "[data-state=closed] a",
    "[data-statement] a",
    "[data-line] a",
)


#: The words on buttons and fields that are less high than a finger needs.
TOO_LOW = """
[...document.querySelectorAll("main :is(.btn:not(.btn-xs), .input, .select)")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 43.5)
  .map((each) => each.textContent.trim() || each.id)
"""


def serious(page):
    found = Axe().run(page).response["violations"]
    return [
        (violation["id"], [node["html"][:160] for node in violation["nodes"]][:3])
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]


def speak(page, locale):
    """Choose the language in the head of the page, unless it is chosen already."""
    page.goto("/")
    other = page.locator(f"button[name=language][value={locale}]")
    if other.count():
        with page.expect_navigation():
            other.first.evaluate("button => button.form.requestSubmit(button)")


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


#: In each picture that is drawn: the parts of a calendar that call themselves parts of a table.
HALF_TABLES = """
window.halfTables = [];
const look = () => {
  const parts = ":is([role^=row], [role$=cell], [role=columnheader])";
  for (const part of document.querySelectorAll(`.ec ${parts}`))
    window.halfTables.push(`${part.getAttribute("role")} ${part.className}`);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@pytest.mark.parametrize("path", ["/schedule", f"/instruments/{CONFOCAL}"])
def test_a_calendar_is_never_read_out_as_half_a_table(visit, path):
    page = visit()
    sign_in(page, RESEARCHER)
    page.add_init_script(HALF_TABLES)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    page.locator(".ec-event:not(.ec-bg-event)").first.wait_for()
    assert page.evaluate("window.halfTables") == []


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_on_a_phone_no_page_scrolls_sideways_and_buttons_fit_a_finger(visit, locale):
    page = visit(viewport={"width": 360, "height": 780}, is_mobile=True, has_touch=True)
    sign_in(page, RESEARCHER)
    speak(page, locale)
    wide, low = [], []
    for path in PAGES:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == locale
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            wide.append((path, over))
        low += [(path, each) for each in page.evaluate(TOO_LOW)]
    speak(page, "ko")  # It is kept with the account, which other tests use too.
    assert wide == []
    assert low == []


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
@pytest.mark.parametrize("width", [1024, 1280])
def test_the_head_stays_one_line_for_whoever_has_most_in_it(visit, locale, width):
    page = visit(locale=locale, viewport={"width": width, "height": 700})
    sign_in(page, SITE_ADMINISTRATOR)
    speak(page, locale[:2])
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == locale[:2]
    boxes = [each.bounding_box() for each in page.locator(".site-head .site-link").all()]
    boxes.append(page.locator(".site-head a").first.bounding_box())
    middles = [box["y"] + box["height"] / 2 for box in boxes]
    assert max(middles) - min(middles) < 4
    boxes.sort(key=lambda box: box["x"])
    assert all(one["x"] + one["width"] <= other["x"] for one, other in pairwise(boxes))
    assert boxes[-1]["x"] + boxes[-1]["width"] <= width
    assert page.locator(".site-head").bounding_box()["height"] < 64


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_books_are_readable_and_fit_a_phone(visit, scheme):
    page = visit(
        color_scheme=scheme, viewport={"width": 360, "height": 780}, is_mobile=True, has_touch=True
    )
    sign_in(page, SITE_ADMINISTRATOR)
    wrong = {}
    for way in BOOKS:
        if way.startswith("/"):
            page.goto(way)
        else:
            if "data-state=" in way:
                page.goto("/institutions/kaist/billing")
            page.goto(page.locator(way).first.get_attribute("href"))
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        found = (serious(page), page.evaluate(TOO_LOW), max(over, 0))
        if any(found):
            wrong[page.url] = found
    assert wrong == {}
