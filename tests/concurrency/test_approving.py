"""Two who decide at once, and one who cancels meanwhile: a request is decided once."""

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.audit.models import AuditRow
from app.db import db
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import NotAllowed, Text, WrongState
from app.mail.models import OutgoingMail
from app.reservations import deciding, services
from app.reservations.approval_models import ApprovalVote
from app.reservations.models import Reservation
from tests import factories
from tests.concurrency.racing import race, winners
from tests.concurrency.test_using import let_go, person, reservation_of, slot
from tests.factories import NOW

pytestmark = pytest.mark.race

ROUNDS = 20
CONTROL_ROUNDS = 10
RACERS = 4


def approve(number, racer):
    """All say yes at the last stage, at once."""
    try:
        deciding.approve_reservation(person(racer), reservation_of(number).uid, now=NOW)
    except (WrongState, NotAllowed):
        return "too late"
    return "won"


def approve_or_cancel(number, racer):
    """One cancels, the others say yes."""
    if racer:
        return approve(number, racer)
    holder = db.session.scalars(select(User).where(User.email == "mina@example.org")).one()
    services.cancel_reservation(holder, reservation_of(number).uid, now=NOW)
    return "cancelled"


def take_turns_away():
    """Control: what is decided is decided on what was read before others had their turn."""
    judge = deciding.to_decide

    def judge_and_let_go(*asked):
        try:
            reservation, stage, approver = judge(*asked)
        except AssertionError:  # Decided between the reads of its state and of its stages.
            raise WrongState(Text("결정되었습니다.", "Decided meanwhile.")) from None
        let_go(reservation)
        return reservation, stage, approver

    deciding.to_decide = judge_and_let_go


@pytest.fixture
def staged(microscope, mina):
    """Of each request one stage is left, at which every racer may agree."""
    guarded = factories.instrument(facility=microscope.facility, booking={"approval": "each"})
    for number in range(RACERS):
        factories.user(f"racer-{number}", manages=microscope.facility)
    for number in range(ROUNDS):
        request = BookingRequest(guarded.slug, slot(number), purpose="race")
        services.request_reservation(mina, request, now=NOW)
    return guarded


@pytest.fixture
def start(app):
    def begin(do, **options):
        return race(do, racers=RACERS, **options)

    return begin


def decisions():
    """Each decision as the trail tells it."""
    wanted = select(AuditRow.subject).where(AuditRow.action == "approve-reservation")
    return sorted(db.session.scalars(wanted))


def test_of_all_who_approve_at_once_one_decides(staged, start):
    rounds = start(approve, rounds=ROUNDS)

    assert [winners(outcomes) for outcomes in rounds] == [1] * ROUNDS
    assert len(decisions()) == len(set(decisions())) == ROUNDS
    votes = db.session.scalars(select(ApprovalVote.stage_id)).all()
    assert len(votes) == len(set(votes)) == ROUNDS


def test_without_turns_several_would_decide(staged, start):
    """If this fails, the test above proves nothing."""
    rounds = start(approve, rounds=CONTROL_ROUNDS, prepare=forget_mails_and_take_turns_away)

    assert max(winners(outcomes) for outcomes in rounds) > 1
    assert len(decisions()) > len(set(decisions()))


def forget_mails_and_take_turns_away():
    # A mail's key is a net of its own, which would stop the second one loudly.
    deciding.notices.approved = lambda *_, **__: None
    take_turns_away()


def test_what_is_cancelled_meanwhile_stays_cancelled(staged, start):
    rounds = start(approve_or_cancel, rounds=ROUNDS)

    assert {winners(outcomes) for outcomes in rounds} <= {0, 1}
    assert set(db.session.scalars(select(Reservation.status))) == {Status.CANCELLED}
    told = db.session.scalars(
        select(OutgoingMail.template).where(OutgoingMail.template == "reservation_cancelled")
    ).all()
    assert len(told) == ROUNDS
