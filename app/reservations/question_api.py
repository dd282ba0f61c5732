"""HTTP API of what is asked back, or proposed, before a request is decided."""

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.reservations import examples, proposals, questions
from app.reservations.answers import answer as answer_with
from app.reservations.json_values import Input, Instant, plain
from app.reservations.schemas import ReservationOut, interval_of
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


class ProposalIn(Input):
    """Another time for it, both ends of it."""

    starts_at: Annotated[Instant, Field(description="From this instant on.")]
    ends_at: Annotated[Instant, Field(description="Until this instant.")]
    question: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=questions.LONGEST),
        AfterValidator(plain),
        Field(description="Why then; its holder reads it."),
    ] = ""


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


@bp.post("/reservations/<uid>/propose-time")
@open_to(Action.DECIDE_RESERVATION)
@bp.input(ProposalIn, arg_name="body", example=examples.PROPOSAL)
@bp.output(ReservationOut, example=examples.PROPOSED)
@told("not-allowed", "taken", "refused", "wrong-state", gives=[ETAG])
def propose_time(uid: str, body: ProposalIn) -> Response:
    """Propose another time to the holder of a pending reservation; it is not held meanwhile."""
    times = interval_of(body.starts_at, body.ends_at)
    return answer_with(
        proposals.propose_time(current(), uid, times, body.question, now=clock.now())
    )


@bp.post("/reservations/<uid>/accept-time")
@open_to(Action.CHANGE_RESERVATION)
@bp.output(ReservationOut, example=examples.ACCEPTED)
@told("not-allowed", "taken", "refused", "wrong-state", gives=[ETAG])
def accept_time(uid: str) -> Response:
    """Move it to the proposed time; whoever proposed it has agreed to it."""
    return answer_with(proposals.accept_time(current(), uid, now=clock.now()))
