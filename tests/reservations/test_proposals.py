"""Another time is proposed before a decision: nothing holds it until it is accepted."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from app.accounts.models import RoleGrant
from app.audit.models import AuditRow
from app.db import db
from app.domain.approval import Status
from app.domain.approval_rules import ANSWER_WITHIN
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Taken, WrongState
from app.domain.interval import Interval
from app.mail.models import OutgoingMail
from app.reservations import deciding, jobs, participants, proposals, questions, services
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

HOUR = timedelta(hours=1)
FIRST, OTHER = hours(200, 202), hours(210, 213)


@pytest.fixture
def guarded(microscope):
    """To be decided within a day."""
    rules = {"approval": "each", "approval_deadline": "P1D"}
    return factories.instrument(slug="guarded", facility=microscope.facility, booking=rules)


@pytest.fixture
def made(mina, guarded, sora):
    return booked(mina, guarded, FIRST)


def propose(user, made, times=OTHER, words="The laser is serviced then.", *, now=NOW + HOUR):
    return proposals.propose_time(user, made.uid, times, words, now=now)


def accept(user, made, *, now=NOW + 5 * HOUR, **more):
    return proposals.accept_time(user, made.uid, now=now, **more)


def told(template):
    wanted = select(OutgoingMail.recipient).where(OutgoingMail.template == template)
    return sorted(db.session.scalars(wanted))


def actions(made):
    found = select(AuditRow.action).where(AuditRow.subject == made.uid).order_by(AuditRow.id)
    return list(db.session.scalars(found))


def test_the_deadline_waits_and_the_present_time_stays_held(mina, jun, sora, guarded, made):
    asked = propose(sora, made)

    assert (asked.status, asked.interval) == (Status.PENDING, FIRST)
    assert (asked.decide_by, asked.answer_by) == (None, NOW + HOUR + ANSWER_WITHIN)
    assert asked.questions[0].proposed == OTHER
    assert (told("question_asked"), asked.sequence) == ([mina.email], 0)
    with pytest.raises(Taken):
        booked(jun, guarded, FIRST)
    assert booked(jun, guarded, OTHER).status is Status.PENDING  # nobody holds it


def test_taking_it_moves_and_confirms_what_its_proposer_alone_decides(mina, jun, sora, made):
    participants.add(mina, made.uid, jun.email, now=NOW)
    propose(sora, made)
    done = accept(mina, made)

    assert (done.status, done.interval) == (Status.CONFIRMED, OTHER)
    assert (done.decided_by_id, done.answer_by) == (sora.id, None)
    [question] = done.questions
    assert (question.is_accepted, question.ended_at) == (True, NOW + 5 * HOUR)
    assert (told("question_answered"), told("reservation_approved")) == ([sora.email], [mina.email])
    assert (told("reservation_changed"), told("reservation_awaits")) == ([jun.email], [sora.email])
    assert actions(made)[-3:] == ["propose-time", "change-reservation", "approve-reservation"]


def test_stages_that_did_not_propose_it_are_still_asked(mina, sora, microscope):
    stages = [{"by": "institution"}, {"by": "facility_manager"}]
    rules = {"approval": "each", "approval_stages": stages}
    staged = factories.instrument(facility=microscope.facility, booking=rules)
    dean = factories.user("dean", administers=factories.kaist())
    made = booked(mina, staged, FIRST)
    propose(dean, made)
    done = accept(mina, made)
    assert (done.status, done.interval) == (Status.PENDING, OTHER)
    assert told("reservation_awaits") == sorted([dean.email, sora.email])

    # A later stage proposes: the one before had agreed to another time, and is asked again.
    propose(sora, made, FIRST, now=NOW + 6 * HOUR)
    done = accept(mina, made, now=NOW + 7 * HOUR)
    assert done.status is Status.PENDING
    assert [stage.by for stage in done.stages if stage.is_open] == ["institution"]
    agreed = deciding.approve_reservation(dean, made.uid, now=NOW + 8 * HOUR)
    assert agreed.status is Status.PENDING


def test_who_may_no_longer_decide_has_not_agreed(mina, sora, guarded, made):
    propose(sora, made)
    db.session.execute(delete(RoleGrant).where(RoleGrant.user_id == sora.id))
    db.session.commit()
    factories.user("hana", manages=guarded.facility)

    done = accept(mina, made)
    assert (done.status, done.interval) == (Status.PENDING, OTHER)


def test_what_somebody_took_meanwhile_is_refused_and_all_stays(mina, jun, sora, guarded, made):
    propose(sora, made)
    booked(jun, guarded, OTHER)
    with pytest.raises(Taken) as refused:
        accept(mina, made)

    assert refused.value.alternatives
    db.session.refresh(made)
    assert (made.interval, made.status) == (FIRST, Status.PENDING)
    assert made.questions[0].ended_at is None
    assert told("question_answered") == []


def test_what_no_rule_lets_the_holder_have_cannot_be_proposed(jun, sora, guarded, made):
    booked(jun, guarded, OTHER)
    with pytest.raises(Taken):
        propose(sora, made)
    with pytest.raises(BookingRefused):
        propose(sora, made, Interval(FIRST.start, FIRST.start + timedelta(days=200)))
    with pytest.raises(Invalid, match="the time that it has"):
        propose(sora, made, FIRST)
    with pytest.raises(Invalid, match="at most 500"):
        propose(sora, made, hours(220, 221), "x" * 501)
    db.session.refresh(made)
    assert (made.questions, made.answer_by, told("question_asked")) == ([], None, [])


def test_whoever_rather_has_another_time_says_so_and_it_is_decided_on(mina, sora, made):
    propose(sora, made, words="")
    done = questions.answer_question(mina, made.uid, "Not then.", now=NOW + 5 * HOUR)

    assert (done.status, done.interval) == (Status.PENDING, FIRST)
    assert (done.decide_by, done.questions[0].is_accepted) == (NOW + 28 * HOUR, False)
    assert told("question_answered") == [sora.email]
    with pytest.raises(WrongState, match="No other time"):
        accept(mina, made, now=NOW + 6 * HOUR)


def test_a_question_is_no_proposal_and_one_thing_is_asked_at_a_time(mina, sora, made):
    questions.ask_holder(sora, made.uid, "Fixed?", now=NOW)
    with pytest.raises(WrongState, match="No other time"):
        accept(mina, made)
    with pytest.raises(WrongState, match="asked already"):
        propose(sora, made)


def test_nothing_is_taken_once_it_ended_or_its_time_is_over(mina, sora, made):
    propose(sora, made)
    with pytest.raises(WrongState, match="has passed"):
        accept(mina, made, now=NOW + HOUR + ANSWER_WITHIN)
    services.change_reservation(mina, made.uid, Change(interval=hours(230, 232)), now=NOW)
    with pytest.raises(WrongState, match="No other time"):
        accept(mina, made)


def test_what_nobody_answers_ends_as_a_question_does(mina, sora, made):
    propose(sora, made)
    assert jobs.end_undecided(NOW + HOUR + ANSWER_WITHIN) == 1
    assert told("question_expired") == sorted([mina.email, sora.email])


def test_proposed_by_those_who_decide_and_taken_by_those_who_may_change(mina, jun, sora, made):
    for stranger, failure in ((jun, NotFound), (mina, NotAllowed)):
        with pytest.raises(failure):
            propose(stranger, made)
    propose(sora, made)
    with pytest.raises(NotFound):
        accept(jun, made)
