"""A payer objects to a line, the manager answers once, and the next close corrects it."""

import pytest
from sqlalchemy import select

from app.billing import closing, disputes
from app.billing.disputes import Answer
from app.billing.models import ChargeDecision, LineDispute, Statement, StatementLine
from app.db import db
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH, change


@pytest.fixture
def keeper(confocal):
    """Manages the facility."""
    return factories.user("keeper", institution=factories.kaist(), manages=confocal.facility)


@pytest.fixture
def payer(confocal):
    """Administers CNU."""
    return factories.user("payer", institution=factories.cnu(), administers=factories.cnu())


@pytest.fixture
def statement(boss, theo, reserve, keeper, payer):
    """Of a use of 20,000 won that CNU pays."""
    reserve(theo, 1, 3)
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    return db.session.scalars(select(Statement)).one()


def uid_of(statement):
    return statement.lines[0].said["reservation"]


def object_to(user, statement, position=1, reason="we left after an hour"):
    return disputes.dispute(user, statement.uid, position, reason=reason, now=CLOSING)


def told(template):
    wanted = select(OutgoingMail).where(OutgoingMail.template == template)
    return db.session.scalars(wanted.order_by(OutgoingMail.id)).all()


def texts(mail):
    for language in ("ko", "en"):
        change(mail, language=language)
        again = db.session.get_one(OutgoingMail, mail.id)
        yield message(again).get_body(("plain",)).get_content()


def test_what_the_manager_agrees_to_is_corrected_by_the_next_close(boss, keeper, payer, statement):
    made = object_to(payer, statement)
    mail = told("dispute_raised")[0]
    assert mail.recipient == keeper.email
    assert all("we left after an hour" in text for text in texts(mail))

    said = Answer("the log says so", 10_000)
    disputes.answer(keeper, uid_of(statement), made.id, said, now=LATER)
    answered = told("dispute_answered")[0]
    assert answered.recipient == payer.email
    assert all("the log says so" in text for text in texts(answered))
    closing.close_month(boss, "kaist", APRIL, now=LATER)

    lines = db.session.scalars(select(StatementLine).order_by(StatementLine.id)).all()
    assert [each.net for each in lines] == [20_000, -20_000, 10_000]
    assert lines[1].corrects_id == lines[0].id
    with pytest.raises(WrongState):
        disputes.dispute(payer, lines[1].statement.uid, 1, reason="again", now=LATER)
    with pytest.raises(WrongState):
        object_to(payer, statement)  # what was taken back


def test_what_is_declined_stays_and_may_be_disputed_again(keeper, payer, statement):
    made = object_to(payer, statement)
    with pytest.raises(WrongState):
        object_to(payer, statement)  # while it waits
    disputes.answer(keeper, uid_of(statement), made.id, Answer("you stayed"), now=LATER)
    with pytest.raises(WrongState):
        disputes.answer(keeper, uid_of(statement), made.id, Answer("no", 0), now=LATER)

    assert db.session.scalars(select(ChargeDecision)).all() == []
    assert object_to(payer, statement).answered_at is None


def test_only_the_payer_disputes_and_only_the_manager_answers(
    boss, keeper, payer, theo, statement, confocal, mina, reserve
):
    uid = uid_of(statement)
    for who, why in ((theo, NotFound), (boss, NotAllowed)):
        with pytest.raises(why):
            object_to(who, statement)
    with pytest.raises(NotFound):
        object_to(payer, statement, position=9)
    with pytest.raises(Invalid):
        object_to(payer, statement, reason=" ")
    made = object_to(payer, statement)
    for who, why in ((payer, NotFound), (theo, NotAllowed)):
        with pytest.raises(why):
            disputes.answer(who, uid, made.id, Answer("mine", 0), now=LATER)
    with pytest.raises(NotFound):
        disputes.answer(keeper, reserve(mina, 5, 6).uid, made.id, Answer("other"), now=LATER)
    assert db.session.scalars(select(LineDispute)).one().answered_at is None


def test_pages_lead_from_the_objection_to_the_answer(
    client, boss, keeper, payer, statement, monkeypatch
):
    monkeypatch.setattr("app.clock.now", lambda: LATER)
    address, uid = f"/statements/{statement.uid}/lines/1", uid_of(statement)
    token = client.sign_in(payer).form_token(address)
    said = {"csrf_token": token, "reason": "we left after an hour"}
    assert client.post(f"{address}/dispute", data=said).status_code == 303
    assert client.post(f"{address}/dispute", data=said).status_code == 422
    assert "we left after an hour" in client.get(address).text
    desk = client.sign_in(boss).get("/institutions/kaist/billing/2026-04").text
    assert 'data-open="disputed"' in desk

    charge = f"/reservations/{uid}/charge"
    page = client.sign_in(keeper).get(charge).text
    assert "we left after an hour" in page
    db.session.rollback()
    made = db.session.scalars(select(LineDispute.id)).one()
    answer = {f"d{made}-{name}": "" for name in ("net", "what")} | {f"d{made}-reason": "true"}
    answer |= {f"d{made}-csrf_token": client.form_token(charge), f"d{made}-what": "set"}
    where = f"/reservations/{uid}/disputes/{made}"
    assert client.post(where, data=answer).status_code == 422  # which amount?
    assert client.post(where, data=answer | {f"d{made}-net": "5,000"}).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(ChargeDecision.net)).one() == 5_000
