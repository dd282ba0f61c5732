"""Proposing another time instead of deciding, and taking it."""

from datetime import datetime

from app.accounts.access import Action
from app.accounts.models import User
from app.db import transaction
from app.domain.approval import Status, Step
from app.domain.errors import Invalid, Text, WrongState
from app.domain.interval import Interval, without
from app.rates.queries import tariff_of
from app.reservations import (
    approvers,
    deciding,
    notices,
    offering,
    paused,
    queries,
    question_notices,
    questions,
    services,
)
from app.reservations.models import Reservation
from app.reservations.services import Change
from app.reservations.steps import again, note
from app.reservations.turns import lock_reserved


def propose_time(
    user: User,
    uid: str,
    proposed: Interval,
    words: str = "",
    *,
    now: datetime,
    version: int | None = None,
) -> Reservation:
    """Ask the holder whether another time would do, by who may decide now.

    It has to be free by the rules for its holder, but is not held: the present time is, until
    they take the other. Raises as `questions.ask_holder` and `services.change_reservation` do.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    words = questions.checked(words, "question") if words.strip() else ""
    request = services.as_changed(before, Change(), proposed)
    with services.told_if_taken(request, before.holder, now=now), transaction():
        lock_reserved(before)
        user = queries.person(user_id)
        reservation, stage, approver = deciding.to_decide(user, uid, Step.ASK, version, now)
        questions.refuse_to_ask(reservation, now)
        if proposed == reservation.interval:
            same = Text(
                "지금 예약된 시간과 같습니다. 다른 시간을 고르거나 승인해 주세요.",
                "It is the time that it has. Choose another one, or approve it.",
            )
            raise Invalid(same, {"starts_at": same})
        services.refuse_move(reservation, request, now=now)
        asked = paused.pause(reservation, user, words, now, proposed=proposed)
        questions.seen_anew(reservation, now)
        said = {"question": words, "stage": stage.by.value, "proposed": _kept(proposed)}
        said |= deciding.in_place_of(user, approver)
        note("propose-time", reservation, user, now, said)
        question_notices.asked(reservation, asked, by=user, now=now)
    return reservation


def accept_time(user: User, uid: str, *, now: datetime, version: int | None = None) -> Reservation:
    """Move it to the time that was proposed, by the rules of any move.

    Whoever proposed just this time has agreed to it: at the stage that is theirs, nobody asks
    again. Raises `WrongState` where none is proposed, and as `services.change_reservation` does.
    """
    before, user_id = queries.by_uid(uid, viewer=user), user.id
    proposed = _proposed(before)
    request = services.as_changed(before, Change(), proposed)
    with services.told_if_taken(request, before.holder, now=now), transaction():
        lock_reserved(before, proposed)
        user = queries.person(user_id)
        reservation = again(uid, user, Action.CHANGE_RESERVATION, version)
        question = questions.to_answer(reservation, now)
        if _proposed(reservation) != proposed:
            raise _none()
        held_before, attended = reservation.interval, reservation.operator
        question.answered_by_id = user.id
        services.change_within(reservation, user, Change(proposed), request, now=now)
        question_notices.answered(reservation, question, by=user, now=now)
        if _agrees(reservation, question.asked_by, now):
            notices.approved(reservation, now=now, attended=attended)
            notices.tell_participants("reservation_changed", reservation, now, by=user)
        else:
            notices.changed(reservation, by=user, now=now, attended=attended)
        if left := without([held_before], [reservation.interval]):
            offering.freed(reservation, left, now=now, by=user)
    return reservation


def fee_of(reservation: Reservation, now: datetime) -> int | None:
    """What the proposed time would cost, in won; None where none is proposed or has a price.

    A sponsor's part is left out: what is left of a fund is known once it is accepted.
    """
    question = paused.awaited(reservation)
    if question is None or question.proposed is None or reservation.quote is None:
        return None
    tariff = tariff_of(reservation.instrument, reservation.holder, now=now)
    kept = tariff.kept(question.proposed, reservation.mode, reservation.samples)
    return kept["quote"]["total"] if kept["quote"] else None


def _agrees(reservation: Reservation, proposer: User, now: datetime) -> bool:
    """Take the proposal as a yes, where it is the proposer's to say; True if that confirms it."""
    stage = approvers.open_stage(reservation)
    if reservation.status is not Status.PENDING or stage is None or not proposer.active:
        return False
    approver = approvers.in_name_of(proposer, stage.by, reservation)
    if approver is None or approver.id in {vote.approver_id for vote in stage.votes}:
        return False
    return deciding.agree(stage, proposer, approver, "", now=now)


def _proposed(reservation: Reservation) -> Interval:
    question = paused.awaited(reservation)
    if question is None or question.proposed is None:
        raise _none()
    return question.proposed


def _none() -> WrongState:
    return WrongState(
        Text(
            "받아들일 제안 시간이 없습니다. 화면을 새로 고쳐 현재 상태를 확인해 주세요.",
            "No other time is proposed. Reload it to see how it stands.",
        )
    )


def _kept(times: Interval) -> list[str]:
    return [times.start.isoformat(), times.end.isoformat()]
