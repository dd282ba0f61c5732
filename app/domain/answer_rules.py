"""Booking rules about permits and questions: what the person must hand in with a request.

Each is a plain function that gives the reason to refuse, or None; `booking.RULES` lists them.
"""

from datetime import date

from app.domain.booking_facts import BookingFacts, BookingRequest
from app.domain.errors import Refusal, Text
from app.domain.local_time import day_of
from app.domain.permits import PERMIT_NAMES, Question, QuestionKind, is_uid, until_key


def permits_are_given(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """With a number, and the day on which it expires."""
    for permit in facts.policy.permits:
        kind, name = permit.kind.value, PERMIT_NAMES[permit.kind]
        number, until = _answer(request, kind), _answer(request, until_key(kind))
        if not number and permit.required:
            said = Text(
                f"{name.ko}가 필요합니다. 번호를 적어 주세요.",
                f"Needed: {name.en}. Give its number, or ask the facility.",
            )
            return Refusal("permit-missing", said, field=f"answers.{kind}")
        if (number or permit.required) and _date(until) is None:
            said = Text(
                f"{name.ko}의 만료일을 2026-12-31과 같이 적어 주세요.",
                f"Give the day on which the {name.en} expires, as in 2026-12-31, "
                "or ask the facility.",
            )
            return Refusal("permit-missing", said, field=f"answers.{until_key(kind)}")
    return None


def permits_last(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Each permit is valid still on the last day of the reservation."""
    last = day_of(request.interval.end, facts.zone)
    for permit in facts.policy.permits:
        until = _date(_answer(request, until_key(permit.kind)))
        if until is None or until >= last or not _answer(request, permit.kind):
            continue
        name = PERMIT_NAMES[permit.kind]
        return Refusal(
            "permit-expired",
            Text(
                f"{name.ko}의 만료일({until:%Y-%m-%d})이 예약일보다 빠릅니다. "
                "갱신한 번호를 적거나 그 전의 시간을 골라 주세요.",
                f"The {name.en} expires on {until:%Y-%m-%d}. "
                "Choose a time before that, or give the renewed one.",
            ),
            until.isoformat(),
            f"answers.{until_key(permit.kind)}",
        )
    return None


def questions_are_answered(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    for question in facts.policy.questions:
        complaint = _complaint(question, _answer(request, question.key))
        if complaint:
            return Refusal("answer-missing", complaint, field=f"answers.{question.key}")
    return None


def _complaint(question: Question, answer: str) -> Text | None:
    label = question.label
    if not answer:
        if not question.required:
            return None
        if question.kind is QuestionKind.FILE:
            return no_file(label)
        return Text(f"‘{label.ko}’에 답해 주세요.", f"Answer “{label.en}”, or ask the facility.")
    if question.kind is QuestionKind.FILE and not is_uid(answer):
        return no_file(label)
    if question.kind is QuestionKind.NUMBER and not _is_number(answer):
        return Text(
            f"‘{label.ko}’에는 숫자를 적어 주세요.",
            f"Answer “{label.en}” with a number, or ask the facility.",
        )
    if question.kind is QuestionKind.CHOICE and answer not in question.options:
        options = ", ".join(question.options)
        return Text(
            f"‘{label.ko}’은(는) 다음 중에서 골라 주세요: {options}.",
            f"Choose an answer to “{label.en}”: {options}.",
        )
    return None


def no_file(label: Text) -> Text:
    return Text(
        f"‘{label.ko}’에 파일을 올려 주세요.",
        f"Hand in a file for “{label.en}”, or ask the facility.",
    )


def _answer(request: BookingRequest, key: str) -> str:
    return str(request.answers.get(key) or "").strip()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_number(text: str) -> bool:
    whole, _, rest = text.removeprefix("-").partition(".")
    return whole.isascii() and whole.isdigit() and (not rest or (rest.isascii() and rest.isdigit()))
