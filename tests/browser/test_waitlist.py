"""Taken, waited for, freed, offered, taken up: the waitlist as two people meet it."""

import re

from playwright.sync_api import expect

from tests.browser.test_main_job import (
    RESEARCHER,
    SECOND,
    reserve_page,
    sign_in,
    tomorrow,
)


def test_who_waits_gets_the_time_that_the_other_gives_back(visit, demo):
    start, end = tomorrow(19), tomorrow(20)
    holder, waiting = visit(), visit()
    sign_in(holder, RESEARCHER)
    holder.goto(reserve_page(start, end))
    holder.fill("#purpose", "먼저 온 사람")
    holder.locator("#reserve button.btn-primary").click()
    holder.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))

    # The other is told that it is taken, by the check beside the form, and waits.
    sign_in(waiting, SECOND)
    waiting.goto(reserve_page(start, end))
    waiting.fill("#purpose", "다음 사람")
    waiting.get_by_role("button", name="이 시간 대기하기").click()
    waiting.wait_for_url(re.compile(r"/reservations$"))
    expect(waiting.get_by_text("다음 차례입니다.").first).to_be_visible()

    # The holder cancels: the time is held for the other at once.
    holder.locator("#cancel button[type=submit]").click()
    holder.locator("dialog[open] button").last.click()
    expect(holder.get_by_text("예약을 취소했습니다").first).to_be_visible()

    waiting.goto("/")
    offer = waiting.locator("[data-offer]").first
    expect(offer).to_contain_text("기다리던 시간이 비었습니다")
    offer.get_by_role("button", name="수락하기").click()
    waiting.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
    expect(waiting.get_by_text("확정").first).to_be_visible()
    waiting.goto("/reservations")
    expect(waiting.get_by_text("다음 사람").first).to_be_visible()
    expect(waiting.locator("[data-wait], [data-offer]")).to_have_count(0)
