"""HTTP API of questions that are asked back before a request is decided."""

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.reservations import examples, questions
from app.reservations.answers import answer as answer_with
from app.reservations.json_values import Input, plain
from app.reservations.schemas import ReservationOut
from app.web.rights import open_to
from app.web.told import ETAG, told

bp = APIBlueprint("question-api", __name__, url_prefix="/api/v1", tag="Reservations")

Said = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=questions.LONGEST),
    AfterValidator(plain),
]


class QuestionIn(Input):
    """What its holder is asked."""

    question: Annotated[Said, Field(description="Its holder reads it, and is told by mail.")]


class AnswerIn(Input):
    """What its holder says to it."""

    answer: Annotated[Said, Field(description="Those read it who decide.")]


@bp.post("/reservations/<uid>/ask")
@open_to(Action.DECIDE_RESERVATION)
@bp.input(QuestionIn, arg_name="body", example=examples.QUESTION)
@bp.output(ReservationOut, example=examples.ASKED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def ask(uid: str, body: QuestionIn) -> Response:
    """Ask the holder of a pending reservation something; its deadline waits for the answer."""
    return answer_with(questions.ask_holder(current(), uid, body.question, now=clock.now()))


@bp.post("/reservations/<uid>/answer")
@open_to(Action.CHANGE_RESERVATION)
@bp.input(AnswerIn, arg_name="body", example=examples.ANSWER)
@bp.output(ReservationOut, example=examples.ANSWERED)
@told("not-allowed", "wrong-state", gives=[ETAG])
def answer(uid: str, body: AnswerIn) -> Response:
    """Answer what was asked; what was left of the deadline to decide goes on."""
    return answer_with(questions.answer_question(current(), uid, body.answer, now=clock.now()))
