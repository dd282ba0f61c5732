"""The main job end to end: a researcher finds an instrument and reserves it; all others see it."""

import email
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from email.policy import default
from zoneinfo import ZoneInfo

import icalendar
from playwright.sync_api import expect

SEOUL = ZoneInfo("Asia/Seoul")
CONFOCAL = "kaist-biocore-confocal"
GUARDED = "kaist-biocore-flow"
RESEARCHER, SECOND = "minseo.kim@example.org", "junho.lee@example.org"
MANAGER = "kaist-biocore@kaist.example"
SITE_ADMINISTRATOR = "site.admin@example.org"
PASSWORD = "dure-demo-2026"


def sign_in(page, address):
    page.goto("/sign-in")
    page.fill("input[name=email]", address)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page.locator("form[action*='sign-out']").first).to_be_attached()


def tomorrow(hour):
    day = datetime.now(UTC).astimezone(SEOUL).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, hour, tzinfo=SEOUL)


def typed(instant):
    return instant.strftime("%Y-%m-%dT%H:%M")


def reserve_page(start, end):
    query = f"start={start.isoformat()}&end={end.isoformat()}".replace("+", "%2B")
    return f"/instruments/{CONFOCAL}/reserve?{query}"


def within(seconds, found):
    """What `found` gives as soon as it gives something; None after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.25)
    return None


def test_the_main_job(visit, demo):
    start, end = tomorrow(10), tomorrow(12)
    researcher, second, manager = visit(), visit(locale="en-US"), visit()

    # The second person already looks at the same calendar.
    sign_in(second, SECOND)
    second.goto(reserve_page(tomorrow(11), tomorrow(13)))
    expect(second.locator(".ec-event").first).to_be_visible()
    seen = second.locator(".ec-event:not(.ec-preview)").filter(has_text="10:00")
    expect(seen).to_have_count(0)

    # The researcher signs in, finds a microscope, and reserves it.
    sign_in(researcher, RESEARCHER)
    researcher.goto("/")
    researcher.locator("main input[type=search]").first.fill("현미경")
    researcher.locator("main input[type=search]").first.press("Enter")
    researcher.locator(f"main a[href='/instruments/{CONFOCAL}']").first.click()
    researcher.locator(f"a[href^='/instruments/{CONFOCAL}/reserve']").first.click()
    researcher.fill("#starts_at", typed(start))
    researcher.fill("#ends_at", typed(end))
    researcher.fill("#purpose", "끝에서 끝까지")
    researcher.locator("#reserve button.btn-primary").click()
    researcher.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
    expect(researcher.get_by_text("확정").first).to_be_visible()
    uid = researcher.url.rsplit("/", 1)[1]

    # The other browser sees it within ten seconds, without reloading.
    expect(seen).to_have_count(1, timeout=10_000)

    # The researcher's own calendar shows it, too.
    researcher.goto(reserve_page(tomorrow(13), tomorrow(14)))
    expect(researcher.locator(".ec-event").filter(has_text="끝에서 끝까지")).to_have_count(1)

    # A feed has it.
    researcher.goto("/calendars/new")
    researcher.locator("main form button[type=submit]").click()
    address = researcher.locator("[data-feed-url]").inner_text().strip()
    with urllib.request.urlopen(address) as answer:
        events = icalendar.Calendar.from_ical(answer.read()).walk("VEVENT")
    mine = next(event for event in events if str(event["UID"]).startswith(uid))
    assert (mine.start, mine.end) == (start, end)

    # The mail lies in the outbox.
    def confirmation():
        for path in demo.outbox:
            mail = email.message_from_bytes(path.read_bytes(), policy=default)
            if mail["To"] == RESEARCHER and uid in mail.get_body().get_content():
                return mail
        return None

    assert within(20, confirmation) is not None

    # The second person is refused, with other times, and keeps what was typed.
    second.fill("#purpose", "live imaging")
    second.locator("#reserve button.btn-primary").click()
    expect(second.locator("button[name=take]").first).to_be_visible()
    expect(second.locator("#purpose")).to_have_value("live imaging")
    expect(second.locator("#starts_at")).to_have_value(typed(tomorrow(11)))
    second.locator("button[name=take]").first.click()
    second.locator("#reserve button.btn-primary").click()
    second.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))

    # What needs approval waits for the manager, who approves it.
    second.goto(f"/instruments/{GUARDED}/free")
    second.locator(f"a[href^='/instruments/{GUARDED}/reserve']").first.click()
    second.fill("#purpose", "sorting T cells")
    second.locator("#reserve button.btn-primary").click()
    second.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
    waiting = second.url.rsplit("/", 1)[1]
    sign_in(manager, MANAGER)
    manager.goto("/approvals")
    asked = manager.locator(f"#r-{waiting}")
    expect(asked).to_contain_text("sorting T cells")
    asked.locator("form[action$='/approve'] button").click()
    expect(manager.locator(f"#r-{waiting}")).to_have_count(0)
    second.reload()
    expect(second.locator("main").get_by_text("확정", exact=True).first).to_be_visible()


def test_a_technique_and_a_length_of_time_are_enough(visit):
    """From the start page to the first free slot and its reservation, by keyboard alone."""
    page = visit()
    sign_in(page, RESEARCHER)
    page.goto("/find")
    page.select_option("#technique", "confocal")
    page.select_option("#duration", "PT1H")
    page.focus("#duration")
    page.locator("#find button.btn-primary").press("Enter")
    page.wait_for_url(re.compile("technique=confocal.*duration=PT1H.*#found"))
    # Behind the anchor, the first link leads to the instrument and the second to the form.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    slot = page.locator("#found a.btn-primary").first
    expect(slot).to_be_focused()
    start = slot.locator("time").get_attribute("datetime")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/instruments/[^/]+/reserve\?"))
    local = datetime.fromisoformat(start).astimezone(SEOUL)
    expect(page.locator("#starts_at")).to_have_value(typed(local))
    expect(page.locator("#ends_at")).to_have_value(typed(local + timedelta(hours=1)))
    page.fill("#purpose", "빈 시간에서 예약까지")
    page.press("#purpose", "Enter")
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
    expect(page.locator("main time").first).to_have_attribute("datetime", start)


def test_an_old_refusal_goes_as_soon_as_the_time_is_changed(visit):
    page = visit()
    sign_in(page, RESEARCHER)
    start = tomorrow(9)
    page.goto(reserve_page(start, start + timedelta(hours=20)))  # longer than allowed
    page.locator("#reserve button.btn-primary").click()
    expect(page.locator("#purpose")).to_have_attribute("aria-invalid", "true")
    page.fill("#purpose", "x")
    expect(page.locator("[data-form-errors], #purpose-errors, [aria-invalid]")).to_have_count(0)

    page.locator("#reserve button.btn-primary").click()
    expect(page.locator("#ends_at-errors")).to_be_visible()
    page.fill("#starts_at", typed(start + timedelta(hours=19)))  # the other end mends it, too
    expect(page.locator("[data-free]")).to_be_visible()
    expect(page.locator("[data-form-errors], #ends_at-errors, [aria-invalid]")).to_have_count(0)
    expect(page.locator("#ends_at")).to_have_attribute("aria-describedby", "ends_at-hint")


def test_turning_the_pages_of_the_schedule_is_in_its_address_and_filters(visit):
    page = visit()
    page.goto("/schedule?date=2026-12-01&technique=confocal")
    page.locator(".ec-button.ec-next").click()
    expect(page.locator("input[name=date]")).to_have_value("2026-12-02")
    page.locator(".ec-button.ec-resourceTimelineWeek").click()
    expect(page.locator("select[name=span]")).to_have_value("week")
    expect(page.locator("input[name=date]")).to_have_value("2026-12-02")
    expect(page).to_have_url(re.compile("date=2026-12-02&technique=confocal&span=week$"))
    page.locator(".ec-button.ec-prev").click()
    expect(page.locator("input[name=date]")).to_have_value("2026-11-23")
    page.reload()
    expect(page.locator(".ec-title")).to_contain_text("23")


def test_a_newcomer_can_do_it_all_by_keyboard(visit):
    """From the skip link to the reservation without a mouse."""
    page = visit()
    sign_in(page, SECOND)
    start = tomorrow(8)
    page.goto(reserve_page(start, start + timedelta(minutes=30)))
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", "#main")
    page.focus("#purpose")
    page.keyboard.type("keyboard only")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))


def test_a_revoked_address_is_not_found(visit):
    page = visit()
    sign_in(page, SECOND)
    page.goto("/calendars/new")
    page.locator("main form button[type=submit]").click()
    address = page.locator("[data-feed-url]").inner_text().strip()
    page.goto("/calendars")
    page.locator("main summary").first.click()
    page.locator("form[action*='revoke'] button").first.click()
    page.locator("dialog[open] button.btn-error").click()
    page.wait_for_load_state()

    def gone():
        try:
            urllib.request.urlopen(address).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return answer.code == 404
        return False

    assert within(5, gone)
