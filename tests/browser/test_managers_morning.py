"""A manager's morning: the desk, a maintenance that hits reservations, yesterday's training."""

import email
import re
from datetime import datetime, timedelta
from email.policy import default
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from tests.browser.test_main_job import (
    CONFOCAL,
    GUARDED,
    MANAGER,
    RESEARCHER,
    SECOND,
    SEOUL,
    reserve_page,
    sign_in,
    tomorrow,
    typed,
    within,
)

FACILITY = "kaist-biocore"
TAUGHT = "kaist-biocore-superres"
TRAINEE, NAME = "yejun.hwang@example.org", "황예준"
LATER = timedelta(days=8)
HOUR = timedelta(hours=1)
WHY = "레이저 교체"


def test_a_managers_morning(visit, demo):
    researcher, second, trainee, manager = visit(), visit(), visit(), visit()
    sign_in(researcher, RESEARCHER)
    sign_in(second, SECOND)
    start = tomorrow(9) + LATER
    moved = reserve(researcher, reserve_page(start, start + timedelta(hours=1)))
    cancelled = reserve(second, reserve_page(start + timedelta(hours=1), start + 2 * HOUR))
    approved, rejected, asked, put_off = (reserve(second, first_free(second)) for _ in range(4))
    other = times_of(first_free(second))
    sign_in(trainee, TRAINEE)
    sign_up(trainee)

    sign_in(manager, MANAGER)
    decide(manager, approved, rejected, asked)
    propose(manager, put_off, other)
    close(manager, start, moved, cancelled)
    note_attendance(manager)

    accept(second, put_off, other)

    # Everyone sees what became of theirs.
    for uid, said in (
        (approved, "확정"),
        (put_off, "확정"),
        (rejected, "반려"),
        (asked, "살아 있는 세포인가요?"),
        (cancelled, "취소"),
    ):
        second.goto(f"/reservations/{uid}")
        expect(second.locator("main").get_by_text(said, exact=True).first).to_be_visible()
    researcher.goto(f"/reservations/{moved}")
    expect(researcher.locator("main").get_by_text("확정", exact=True).first).to_be_visible()
    expect(researcher.locator("main time").first).not_to_contain_text(f"{start:%H:%M}–")
    reserve(trainee, first_free(trainee, TAUGHT))

    # Whose reservation gave way is told by one mail.
    for address, uid in ((RESEARCHER, moved), (SECOND, cancelled)):
        assert within(20, lambda address=address, uid=uid: told(demo, address, uid))
        assert len(told(demo, address, uid)) == 1


def first_free(page, slug=GUARDED):
    page.goto(f"/instruments/{slug}/free")
    return page.locator(f"a[href^='/instruments/{slug}/reserve']").first.get_attribute("href")


def times_of(form):
    """Start and end by the clocks of the instrument, as fields of the form show them."""
    asked = parse_qs(urlsplit(form).query)
    return [
        typed(datetime.fromisoformat(asked[name][0]).astimezone(SEOUL)) for name in ("start", "end")
    ]


def reserve(page, form):
    page.goto(form)
    page.fill("#purpose", "아침 시험")
    page.locator("#reserve button.btn-primary").click()
    page.wait_for_url(re.compile(r"/reservations/[0-9a-f]{32}$"))
    return page.url.rsplit("/", 1)[1]


def sign_up(trainee):
    """Without a certificate the form says so, and where to get one."""
    trainee.goto(f"/instruments/{TAUGHT}/reserve")
    expect(trainee.locator("[data-to-learn]")).to_contain_text("이용 교육")
    trainee.locator("[data-to-learn] a").click()
    trainee.locator("main form[action$='/sign-up'] button").first.click()
    expect(trainee.locator("main").get_by_text("자리 배정됨").first).to_be_visible()


def propose(manager, uid, times):
    """By a key, too; the end follows the start."""
    go_to(manager, uid)
    manager.keyboard.press("t")
    form = manager.locator(f"#r-{uid} [data-propose] form")
    expect(form.locator("[name=starts_at]")).to_be_focused()
    before = minutes(form)
    form.locator("[name=starts_at]").fill(times[0])
    assert minutes(form) == before
    form.locator("[name=ends_at]").fill(times[1])
    form.locator("[name=question]").press("Enter")
    done(manager, "제안했습니다")
    expect(manager.locator(f"#r-{uid} [data-questions]")).to_contain_text("제안한 시간")


def minutes(form):
    start, end = (form.locator(f"[name={name}]").input_value() for name in ("starts_at", "ends_at"))
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) / timedelta(minutes=1)


def accept(page, uid, times):
    page.goto(f"/reservations/{uid}")
    page.get_by_role("button", name="이 시간으로 변경").click()
    done(page, "확정되었습니다")
    expect(page.locator("main time").first).to_contain_text(f"{times[0][-5:]}–{times[1][-5:]}")


def decide(manager, approved, rejected, asked):
    """Without the mouse: one is approved, one rejected, one asked about."""
    manager.goto(f"/approvals?facility={FACILITY}")
    go_to(manager, approved)
    manager.keyboard.press("a")
    done(manager, "승인했습니다")
    expect(manager.locator(f"#r-{approved}")).to_have_count(0)

    go_to(manager, rejected)
    manager.keyboard.press("r")
    manager.keyboard.type("시료가 너무 많습니다")
    manager.keyboard.press("Enter")
    done(manager, "반려했습니다")
    expect(manager.locator(f"#r-{rejected}")).to_have_count(0)

    go_to(manager, asked)
    manager.keyboard.press("q")
    manager.keyboard.type("살아 있는 세포인가요?")
    manager.keyboard.press("Tab")
    manager.keyboard.press("Enter")
    done(manager, "질문했습니다")
    expect(manager.locator(f"#r-{asked} [data-questions]")).to_contain_text("살아 있는 세포인가요?")


def done(manager, said):
    """The next page is there, and hears keys."""
    expect(manager.locator("[data-flash]").first).to_contain_text(said)
    manager.wait_for_load_state()


def go_to(manager, uid):
    """The newest lie last, so backwards."""
    for _ in range(manager.locator("[data-request]").count()):
        manager.keyboard.press("k")
        if manager.locator(":focus").get_attribute("id") == f"r-{uid}":
            return
    raise AssertionError(f"{uid} is not on the desk")


def close(manager, start, moved, cancelled):
    """Who is hit is seen first; what becomes of each is chosen, and said once for all."""
    manager.goto(f"/facilities/{FACILITY}/closures")
    name = manager.request.get(f"/api/v1/instruments/{CONFOCAL}").json()["name"]["ko"]
    listed = manager.locator("#instrument option").filter(has_text=name).first
    manager.select_option("#instrument", label=listed.inner_text())
    manager.fill("#starts_at", typed(start))
    manager.fill("#ends_at", typed(start + timedelta(hours=3)))
    manager.fill("#reason_ko", WHY)
    form = manager.locator("main form[data-keep=closure]")
    form.locator("button[type=submit]").last.click()
    first, other = (manager.locator(f"[data-uid='{uid}']") for uid in (moved, cancelled))
    expect(first.locator("input[type=datetime-local]")).not_to_have_value("")
    first.locator("input[value=move]").check()
    other.locator("input[value=cancel]").check()
    manager.fill("#message", WHY)
    form.locator("button[type=submit]").first.click()
    manager.wait_for_url(re.compile(rf"/facilities/{FACILITY}/closures$"))
    expect(manager.locator("main")).to_contain_text(WHY)


def note_attendance(manager):
    """The session of the day before yesterday; whoever passed has the certificate at once."""
    manager.goto(f"/facilities/{FACILITY}/training")
    sessions = manager.locator("main li").filter(has_text="초고해상도")
    links = [a.get_attribute("href") for a in sessions.locator("a[href$='/attendance']").all()]
    for link in links:
        manager.goto(link)
        line = manager.locator("tr").filter(has_text=NAME)
        if line.locator("input[type=radio]").count():
            break
    line.locator("label").filter(has_text="수료").first.click()
    manager.locator("main form button[type=submit]").last.click()
    expect(manager.locator("[data-flash]")).to_contain_text("수료증")


def told(demo, address, uid):
    """The mails that tell somebody that their reservation gave way."""
    mails = [email.message_from_bytes(p.read_bytes(), policy=default) for p in demo.outbox]
    mine = [each for each in mails if each["To"] == address]
    texts = [each.get_body().get_content() for each in mine]
    return [said for said in texts if uid in said and WHY in said]
