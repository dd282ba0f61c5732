"""Asking the holder something instead of deciding, and answering."""

from datetime import datetime

from app.accounts.access import Action
from app.accounts.models import User
from app.db import transaction
from app.domain import approval, approval_rules
from app.domain.approval import Step
from app.domain.errors import Invalid, Text, WrongState
from app.reservations import deciding, paused, queries, question_notices
from app.reservations.approval_models import ApprovalQuestion
from app.reservations.models import Reservation
from app.reservations.steps import again, note
from app.reservations.turns import lock_reserved

#: As long as a question or an answer may be.
LONGEST = 500


def ask_holder(
    user: User, uid: str, question: str, *, now: datetime, version: int | None = None
) -> Reservation:
    """Ask whoever holds it, by who may decide now; the deadline waits for the answer.

    Raises `WrongState` where a question is open already, or where there is no time for one.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    question = checked(question, "question")
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation, stage, approver = deciding.to_decide(user, uid, Step.ASK, version, now)
        refuse_to_ask(reservation, now)
        asked = paused.pause(reservation, user, question, now)
        seen_anew(reservation, now)
        said = {"question": question, "stage": stage.by.value}
        said |= deciding.in_place_of(user, approver)
        note("ask-holder", reservation, user, now, said)
        question_notices.asked(reservation, asked, by=user, now=now)
    return reservation


def answer_question(
    user: User, uid: str, answer: str, *, now: datetime, version: int | None = None
) -> Reservation:
    """Answer what was asked; who asked is told, and what was left of the deadline goes on."""
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    answer = checked(answer, "answer")
    with transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CHANGE_RESERVATION, version)
        question = to_answer(reservation, now)
        question.answer, question.answered_by_id = answer, user.id
        paused.resume(reservation, now)
        seen_anew(reservation, now)
        note("answer-question", reservation, user, now, {"answer": answer})
        question_notices.answered(reservation, question, by=user, now=now)
    return reservation


def to_answer(reservation: Reservation, now: datetime) -> ApprovalQuestion:
    """What is to be answered; raises `WrongState` if nothing is, or no longer."""
    approval.after(reservation.status, Step.ANSWER)
    question = paused.awaited(reservation)
    if question is None:
        raise WrongState(
            Text(
                "답변을 기다리는 질문이 없습니다.",
                "There is no question that waits for an answer.",
            )
        )
    if reservation.answer_by and reservation.answer_by <= now:
        raise WrongState(
            Text(
                "답변 기한이 지났습니다. 다른 시간이 필요하면 새로 예약해 주세요.",
                "The time to answer has passed. Make a new reservation if you need one.",
            )
        )
    return question


def may_be_asked(reservation: Reservation, now: datetime) -> bool:
    """Whether its state leaves room for a question, by whoever may decide."""
    try:
        refuse_to_ask(reservation, now)
    except WrongState:
        return False
    return True


def refuse_to_ask(reservation: Reservation, now: datetime) -> None:
    """Raise `WrongState` where a question is open already, or where there is no time for one."""
    if paused.awaited(reservation):
        raise WrongState(
            Text(
                "이미 질문했고 답변을 기다리고 있습니다.",
                "A question has been asked already, and waits for its answer.",
            )
        )
    due, start = reservation.decide_by, reservation.starts_at
    if not approval_rules.may_wait_for_answer(due, start=start, now=now):
        raise WrongState(
            Text(
                "결정 기한이나 시작 시각이 지나 더는 질문할 수 없습니다. 바로 결정해 주세요.",
                "Its deadline or its start has passed: decide now, there is no time to ask.",
            )
        )


def seen_anew(reservation: Reservation, now: datetime) -> None:
    """A calendar shows nothing of it: only who holds or decides it sees that it changed."""
    reservation.version += 1
    reservation.updated_at = now


def checked(text: str, field: str) -> str:
    """What was written; raises `Invalid` for nothing, and for too much."""
    text = text.strip()
    if text and len(text) <= LONGEST:
        return text
    wrong = Text(
        f"내용을 {LONGEST}자 이내로 적어 주세요.", f"Write something, at most {LONGEST} characters."
    )
    raise Invalid(wrong, {field: wrong})
