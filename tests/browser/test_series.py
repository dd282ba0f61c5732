"""Every Tuesday for four weeks, one of them closed: seen before, left out; later given back."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from app import create_app
from app.db import db
from app.domain.interval import Interval
from tests import factories
from tests.browser.test_bench import PHONE
from tests.browser.test_main_job import RESEARCHER, SEOUL, sign_in, typed
from tests.conftest import settings

WEEK = timedelta(days=7)


def tuesday():
    """The next Tuesday, ten o'clock in Daejeon."""
    day = datetime.now(UTC).astimezone(SEOUL).date() + timedelta(days=1)
    day += timedelta(days=(1 - day.weekday()) % 7)
    return datetime(day.year, day.month, day.day, 10, tzinfo=SEOUL)


def an_instrument(demo, closed):
    """One that is open but for one morning, in the running Dure."""
    folder = demo.folder / "instance"
    app = create_app(settings(f"sqlite:///{folder}/dure.sqlite3", folder))
    with app.app_context():
        made = factories.instrument(
            slug="series-of-the-test", name_ko="반복 시험 장비", name_en="Series test instrument"
        )
        factories.blackout(made, closed)
        slug = made.slug
        db.session.remove()
        db.engine.dispose()
    return slug


def test_every_tuesday_for_four_weeks_and_one_of_them_is_closed(visit, demo):
    start = tuesday()
    closed = Interval(start + 2 * WEEK, start + 2 * WEEK + timedelta(hours=4))
    slug = an_instrument(demo, closed)
    page = visit(**PHONE)
    sign_in(page, RESEARCHER)
    page.goto(f"/instruments/{slug}/reserve")
    page.fill("#starts_at", typed(start))
    page.fill("#ends_at", typed(start + timedelta(hours=2)))
    page.fill("#purpose", "매주 화요일 측정")

    # What a series asks is out of the way until one repeats, and so is what goes with other ways.
    expect(page.locator("#times")).to_be_hidden()
    page.select_option("#repeat", "daily")
    expect(page.locator("#times")).to_be_visible()
    expect(page.get_by_label("화", exact=True)).to_be_hidden()
    page.select_option("#repeat", "weekly")
    page.get_by_label("화", exact=True).check()
    page.fill("#times", "4")

    # Each date is seen with its verdict before anything is written.
    verdicts = page.locator("[data-verdict]")
    expect(verdicts).to_have_count(4)
    expect(page.locator("[data-verdict=refused] [data-code=blackout]")).to_have_count(1)
    expect(page.get_by_text("이대로는 반복 예약을 할 수 없습니다")).to_be_visible()
    page.get_by_label("가장 가까운 빈 시간으로 옮기기").check()
    expect(page.locator("[data-verdict=shifted]")).to_have_count(1)
    page.get_by_label("그 날짜만 건너뛰기").check()
    expect(page.get_by_text("날짜 4개 가운데 3개를 예약합니다")).to_be_visible()

    page.locator("#reserve button.btn-primary").click()
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}"))
    expect(page.locator("[data-members] li")).to_have_count(3)
    expect(page.locator("[data-skipped] li")).to_have_count(1)

    # From the second on they are given back.
    page.locator("[data-members] a").first.click()
    page.get_by_role("group", name="반복 예약 중 어느 것을").last.get_by_label(
        "이 예약과 이후 모두"
    ).check()
    page.locator("#cancel button").click()
    page.get_by_role("dialog").get_by_role("button", name="예약 취소").click()
    expect(page.locator("[data-members]").get_by_text("취소")).to_have_count(2)
    expect(page.locator("[data-members]").get_by_text("확정")).to_have_count(1)
