"""The manager's morning: who came to the training is noted, and whoever passed may reserve."""

import re

from playwright.sync_api import expect

from tests.browser.test_main_job import sign_in

INSTRUMENT = "kaist-biocore-superres"
TRAINEE, NAME = "yejun.hwang@example.org", "황예준"
MANAGER = "kaist-biocore@kaist.example"
FACILITY = "kaist-biocore"


def test_the_manager_notes_attendance_and_the_researcher_may_reserve(visit):
    trainee, manager = visit(), visit()

    # Without a certificate the form says so, and where to get one.
    sign_in(trainee, TRAINEE)
    trainee.goto(f"/instruments/{INSTRUMENT}/reserve")
    expect(trainee.locator("[data-to-learn]")).to_contain_text("이용 교육")
    trainee.locator("[data-to-learn] a").click()
    trainee.locator("main form[action$='/sign-up'] button").first.click()
    expect(trainee.locator("main").get_by_text("자리 배정됨").first).to_be_visible()

    # The manager notes who came to the session two days ago.
    sign_in(manager, MANAGER)
    manager.goto(f"/facilities/{FACILITY}/training")
    row = manager.locator("main li").filter(has_text="초고해상도")
    found = False
    for link in [
        each.get_attribute("href") for each in row.locator("a[href$='/attendance']").all()
    ]:
        manager.goto(link)
        line = manager.locator("tr").filter(has_text=NAME)
        if line.locator("input[type=radio]").count():
            found = True
            break
    assert found
    line.locator("label").filter(has_text="수료").first.click()
    manager.locator("main form button[type=submit]").last.click()
    expect(manager.locator("[data-flash]")).to_contain_text("수료증")

    # Now the time is theirs.
    trainee.goto(f"/instruments/{INSTRUMENT}/reserve")
    expect(trainee.locator("[data-to-learn]")).to_have_count(0)
    trainee.locator("#reserve button[name=take]").first.click()
    trainee.fill("#purpose", "시냅스 관찰")
    trainee.locator("#reserve button.btn-primary").click()
    expect(trainee.locator("main h1")).to_be_visible()
    expect(trainee).to_have_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
