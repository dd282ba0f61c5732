"""Dragging: it makes a draft to be confirmed, and moves nothing before a question is answered."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from tests.browser.test_main_job import (
    CONFOCAL,
    RESEARCHER,
    SECOND,
    reserve_page,
    sign_in,
    tomorrow,
    typed,
)

WIDE = {"viewport": {"width": 1280, "height": 1000}}


def at_rest(page, locator):
    """Its box once it no longer moves: rows are laid out again when data comes, and scroll."""
    page.wait_for_load_state("networkidle")
    locator.evaluate("each => each.scrollIntoViewIfNeeded()")
    last = None
    for _ in range(50):
        box = locator.bounding_box()
        if box and box == last:
            return box
        last = box
        page.wait_for_timeout(100)
    raise AssertionError(f"It still moves: {last}")


def drag(page, start, end):
    (from_x, from_y), (to_x, to_y) = start, end
    page.mouse.move(from_x, from_y)
    page.mouse.down()
    page.mouse.move((from_x + to_x) / 2, (from_y + to_y) / 2, steps=5)
    page.mouse.move(to_x, to_y, steps=5)
    page.mouse.up()


def reserve(page, start):
    """One hour of the confocal microscope."""
    page.goto(reserve_page(start, start + timedelta(hours=1)))
    page.fill("#purpose", "끌어 옮기기")
    page.locator("#reserve button.btn-primary").click()
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))


def held(page):
    """How much one holds oneself."""
    answer = page.request.get("/api/v1/reservations?mine=1&status=confirmed&status=pending")
    assert answer.ok
    return len(answer.json()["items"])


def test_dragging_on_the_calendar_makes_a_draft_and_no_reservation(visit):
    page = visit(**WIDE)
    sign_in(page, RESEARCHER)
    day = tomorrow(14)
    before = held(page)
    page.goto(reserve_page(day, day + timedelta(hours=1)))
    draft = at_rest(page, page.locator(".ec-event.is-draft").first)
    hour, middle = draft["height"], draft["x"] + draft["width"] / 2
    below = draft["y"] + 1.5 * hour + 3

    # From 15:30 to 17:00: below the draft, which is one hour high.
    drag(page, (middle, below), (middle, draft["y"] + 3 * hour - 6))
    expect(page.locator("#starts_at")).to_have_value(typed(day + timedelta(minutes=90)))
    expect(page.locator("#ends_at")).to_have_value(typed(day + timedelta(hours=3)))
    assert held(page) == before


def test_dragging_on_the_schedule_opens_the_form_and_reserves_nothing(visit):
    page = visit(**WIDE)
    sign_in(page, RESEARCHER)
    before = held(page)
    day = tomorrow(10)
    page.goto(f"/schedule?q=공초점&date={day:%Y-%m-%d}")

    # A click chooses an hour …
    row, ten, half_hour = place_on_schedule(page, CONFOCAL, "10:00")
    page.mouse.click(ten + half_hour / 2, row)
    page.wait_for_url(re.compile(f"/instruments/{CONFOCAL}/reserve"))
    expect(page.locator("#starts_at")).to_have_value(typed(day))
    expect(page.locator("#ends_at")).to_have_value(typed(day + timedelta(hours=1)))

    # … and a drag the time that it goes over.
    page.go_back()
    row, ten, half_hour = place_on_schedule(page, CONFOCAL, "10:00")
    drag(page, (ten + half_hour / 2, row), (ten + 2.5 * half_hour, row))
    page.wait_for_url(re.compile(f"/instruments/{CONFOCAL}/reserve"))
    expect(page.locator("#starts_at")).to_have_value(typed(day))
    expect(page.locator("#ends_at")).to_have_value(typed(day + timedelta(minutes=90)))
    assert held(page) == before


def place_on_schedule(page, slug, hour):
    """The height of the row, where the hour begins, and how wide half an hour is."""
    hours = page.locator(f".ec-slot:has(time[datetime$='T{hour}:00'])")
    expect(hours).to_have_count(1)
    label = at_rest(page, page.locator(f".ec a.schedule-title[href='/instruments/{slug}']"))
    slot = at_rest(page, hours)
    return label["y"] + label["height"] / 2, slot["x"], slot["width"] / 2


def test_what_others_hold_cannot_be_dragged(visit):
    page = visit(**WIDE)
    sign_in(page, SECOND)
    start = tomorrow(15) + timedelta(days=2)
    reserve(page, start)
    sign_in(other := visit(**WIDE), RESEARCHER)
    for address, spot in (
        (
            reserve_page(start + timedelta(hours=3), start + timedelta(hours=4)),
            ".ec-event:not(.is-draft)",
        ),
        (f"/schedule?q=공초점&date={start:%Y-%m-%d}", ".ec-event"),
    ):
        other.goto(address)
        taken = other.locator(spot, has_text="15:00–16:00").first
        before = at_rest(other, taken)
        middle = (before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
        drag(other, middle, (middle[0] + 60, middle[1] + 30))
        expect(other.locator("dialog[open]")).to_have_count(0)
        assert taken.bounding_box() == before


def test_ones_own_reservation_is_moved_by_dragging_only_after_a_question(visit):
    page = visit(**WIDE)
    sign_in(page, RESEARCHER)
    start = tomorrow(14)
    reserve(page, start)
    shown = page.url
    page.goto(reserve_page(tomorrow(17), tomorrow(18)))
    own = page.locator(".ec-event", has_text="끌어 옮기기").first

    # Whoever lets go by mistake goes back, and it stays where it was.
    drag_an_hour_down(page, own)
    page.locator("dialog[open] button[value='']").click()
    expect(own).to_contain_text("14:00")

    drag_an_hour_down(page, own)
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as moved:
        page.locator("dialog[open] button[value=yes]").click()
    assert moved.value.status == 200
    expect(own).to_contain_text("15:00")
    page.goto(shown)
    expect(page.locator("main time").first).to_contain_text("15:00–16:00")


def drag_an_hour_down(page, event):
    box = at_rest(page, event)
    middle, hour = box["x"] + box["width"] / 2, box["height"]
    drag(page, (middle, box["y"] + hour / 2), (middle, box["y"] + 1.5 * hour))
