"""Asked back before a decision: the deadline waits for the answer, but not for ever."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import ApprovalMails
from app.audit.models import AuditRow
from app.db import db
from app.domain.approval import Status
from app.domain.approval_rules import ANSWER_WITHIN
from app.domain.errors import Invalid, NotAllowed, NotFound, Stale, WrongState
from app.mail.models import OutgoingMail
from app.reservations import deciding, jobs, participants, questions, services, waiting
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def guarded(microscope):
    """To be decided within a day."""
    rules = {"approval": "each", "approval_deadline": "P1D"}
    return factories.instrument(slug="guarded", facility=microscope.facility, booking=rules)


@pytest.fixture
def made(mina, guarded, sora):
    return booked(mina, guarded, hours(200, 202))


def ask(user, made, *, now=NOW + HOUR, **more):
    return questions.ask_holder(user, made.uid, "  Fixed samples? ", now=now, **more)


def answer(user, made, *, now=NOW + 5 * HOUR, **more):
    return questions.answer_question(user, made.uid, "Yes.", now=now, **more)


def told(template):
    wanted = select(OutgoingMail.recipient).where(OutgoingMail.template == template)
    return sorted(db.session.scalars(wanted))


def as_it_is(made):
    return db.session.get_one(Reservation, made.id, populate_existing=True)


def test_the_deadline_waits_for_the_answer_and_goes_on_from_where_it_stood(mina, sora, made):
    before = (made.version, made.sequence, made.shown_at)
    asked = ask(sora, made)
    assert (asked.decide_by, asked.answer_by) == (None, NOW + HOUR + ANSWER_WITHIN)
    assert (asked.version, asked.sequence, asked.shown_at) == (before[0] + 1, *before[1:])
    assert jobs.end_undecided(NOW + 30 * HOUR) == 0

    done = answer(mina, made, now=NOW + 40 * HOUR)
    assert (done.decide_by, done.answer_by) == (NOW + 40 * HOUR + 23 * HOUR, None)
    assert (done.sequence, done.updated_at) == (before[1], NOW + 40 * HOUR)
    [question] = done.questions
    assert (question.question, question.answer) == ("Fixed samples?", "Yes.")


def test_the_holder_is_told_once_and_whoever_asked_learns_the_answer(mina, sora, made):
    ask(sora, made)
    assert (told("question_asked"), told("question_answered")) == ([mina.email], [])
    answer(mina, made)
    assert (told("question_asked"), told("question_answered")) == ([mina.email], [sora.email])
    trail = dict(db.session.execute(select(AuditRow.action, AuditRow.detail)).all())
    assert trail["ask-holder"]["question"] == "Fixed samples?"
    assert trail["answer-question"] == {"answer": "Yes."}


def test_who_hears_once_a_day_is_told_of_no_answer_by_itself(mina, sora, made):
    sora.approval_mails = ApprovalMails.DAILY
    db.session.commit()
    ask(sora, made)
    assert waiting.count_awaiting(sora) == 0
    answer(mina, made)

    assert (told("question_answered"), waiting.count_awaiting(sora)) == ([], 1)


def test_what_nobody_answers_is_turned_down_once_and_all_are_told(mina, jun, sora, guarded, made):
    participants.add(mina, made.uid, jun.email, now=NOW)
    ask(sora, made)
    due = NOW + HOUR + ANSWER_WITHIN
    assert jobs.end_undecided(due - SECOND) == 0
    assert [jobs.end_undecided(due) for _ in range(2)] == [1, 0]

    assert (as_it_is(made).status, made.answer_by) == (Status.REJECTED, None)
    assert told("question_expired") == sorted([mina.email, sora.email])
    assert told("request_released") == []
    assert told("reservation_rejected") == [jun.email]  # who was to take part
    assert booked(jun, guarded, hours(200, 202)).status is Status.PENDING


def test_a_question_is_open_until_the_start_at_the_latest(mina, sora, guarded):
    soon = booked(mina, guarded, hours(5, 6))
    assert ask(sora, soon).answer_by == soon.starts_at
    with pytest.raises(WrongState, match="has passed"):
        answer(mina, soon, now=soon.starts_at)
    assert jobs.end_undecided(soon.starts_at) == 1


def test_one_question_is_open_at_a_time_and_another_may_follow_the_answer(mina, sora, made):
    ask(sora, made)
    with pytest.raises(WrongState, match="asked already"):
        ask(sora, made)
    answer(mina, made)
    with pytest.raises(WrongState, match="no question"):
        answer(mina, made)
    assert len(ask(sora, made, now=NOW + 6 * HOUR).questions) == 2


def test_a_change_by_the_holder_answers_too(mina, sora, made):
    ask(sora, made)
    moved = Change(interval=hours(210, 212))
    changed = services.change_reservation(mina, made.uid, moved, now=NOW + 5 * HOUR)

    assert (changed.answer_by, changed.questions[0].is_answered) == (None, False)
    assert changed.questions[0].ended_at == NOW + 5 * HOUR
    assert changed.decide_by == NOW + 5 * HOUR + 24 * HOUR  # asked anew
    assert waiting.count_awaiting(sora) == 1


def test_where_a_change_is_not_approved_anew_the_rest_of_the_deadline_goes_on(mina, sora, made):
    ask(sora, made)
    changed = services.change_reservation(mina, made.uid, Change(note="fixed"), now=NOW + 5 * HOUR)

    assert (changed.answer_by, changed.decide_by) == (None, NOW + 28 * HOUR)


def test_what_is_decided_or_cancelled_meanwhile_asks_nothing_any_more(mina, sora, guarded, made):
    ask(sora, made)
    approved = deciding.approve_reservation(sora, made.uid, now=NOW + 2 * HOUR)
    assert (approved.status, approved.answer_by) == (Status.CONFIRMED, None)
    other = booked(mina, guarded, hours(210, 212))
    ask(sora, other)
    cancelled = services.cancel_reservation(mina, other.uid, now=NOW + 2 * HOUR)
    assert cancelled.answer_by is None
    assert cancelled.questions[0].ended_at == NOW + 2 * HOUR

    assert jobs.end_undecided(NOW + 150 * HOUR) == 0


def test_the_next_stage_is_asked_nothing_of_the_one_before(mina, sora, microscope):
    stages = [{"by": "institution"}, {"by": "facility_manager"}]
    rules = {"approval": "each", "approval_stages": stages}
    staged = factories.instrument(facility=microscope.facility, booking=rules)
    dean = factories.user("dean", administers=factories.kaist())
    made = booked(mina, staged, hours(200, 202))
    with pytest.raises(NotAllowed, match="another stage"):
        ask(sora, made)
    ask(dean, made)

    agreed = deciding.approve_reservation(dean, made.uid, now=NOW + 2 * HOUR)
    assert (agreed.status, agreed.answer_by) == (Status.PENDING, None)
    assert waiting.count_awaiting(sora) == 1


def test_asked_are_those_who_decide_and_answered_by_those_who_may_change(mina, jun, sora, made):
    for stranger, failure in ((jun, NotFound), (mina, NotAllowed)):
        with pytest.raises(failure):
            ask(stranger, made)
    ask(sora, made)
    with pytest.raises(NotFound):
        answer(jun, made)


def test_what_was_changed_meanwhile_is_looked_at_anew(mina, sora, made):
    seen = made.version
    services.change_reservation(mina, made.uid, Change(note="x"), now=NOW)
    with pytest.raises(Stale):
        ask(sora, made, version=seen)


@pytest.mark.parametrize("text", [" ", "x" * 501])
def test_nothing_and_too_much_are_refused(sora, made, text):
    with pytest.raises(Invalid, match="at most 500"):
        questions.ask_holder(sora, made.uid, text, now=NOW)
    assert told("question_asked") == []


def test_there_is_no_time_to_ask_once_it_is_overdue(sora, made):
    with pytest.raises(WrongState, match="has passed"):
        ask(sora, made, now=NOW + 24 * HOUR)


def test_the_desk_and_the_holders_pages_show_question_and_answer(
    client, fixed_now, mina, sora, made
):
    client.sign_in(sora)
    page = f"/reservations/{made.uid}"
    token = client.form_token("/approvals")
    back = {"version": str(made.version), "back": "approvals", "csrf_token": token}
    asked = client.post(f"{page}/ask", data={"question": "시료가 고정되었나요?", **back})
    assert asked.location == "/approvals"
    shown = client.get("/approvals").text
    assert "답변 대기" in shown
    assert "시료가 고정되었나요?" in shown
    assert "data-ask" not in shown

    client.sign_in(mina)
    assert "답변할 질문" in client.get("/reservations").text
    assert "확인할 질문이 있습니다" in client.get(page).text
    said = {"answer": "네,\r\n고정했습니다.", "version": "2", "csrf_token": client.form_token(page)}
    client.post(f"{page}/answer", data=said)
    assert "답변할 질문" not in client.get("/reservations").text
    client.sign_in(sora)
    shown = client.get("/approvals").text
    assert "네,\n고정했습니다." in shown
    assert "답변함" in shown
