"""What somebody in charge sets or waives, before and after it was posted; the holder is told."""

import pytest
from sqlalchemy import select

from app.accounts import services as accounts
from app.billing import closing, deciding
from app.billing.models import ChargeDecision, StatementLine
from app.db import db
from app.domain.approval import Status
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
def missed(confocal, theo, reserve):
    """Nobody came: the whole price is owed."""
    change(confocal, booking={**confocal.booking, "no_show_fee": 100})
    made = reserve(theo, 2, 4)
    change(made, status=Status.NO_SHOW, ended_at=made.starts_at)
    return made


def mails():
    wanted = select(OutgoingMail).where(OutgoingMail.template == "charge_decided")
    return db.session.scalars(wanted.order_by(OutgoingMail.id)).all()


def nets():
    db.session.rollback()
    return db.session.scalars(select(StatementLine.net).order_by(StatementLine.id)).all()


def test_a_no_show_is_waived_and_its_holder_told(boss, keeper, missed):
    deciding.decide(keeper, missed.uid, 0, reason="power cut", now=CLOSING)

    told = mails()[0].particulars
    assert (told["was"], told["total"], told["waived"]) == (20_000, 0, True)
    for language in ("ko", "en"):
        change(mails()[0], language=language)
        said = message(mails()[0]).get_body(("plain",)).get_content()
        assert "power cut" in said
        assert f"/reservations/{missed.uid}/charge" in said
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    assert nets() == []


def test_what_was_posted_is_corrected_by_the_next_close_and_may_return_to_the_rules(
    boss, keeper, missed
):
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    deciding.decide(keeper, missed.uid, 5_000, reason="agreed", now=LATER)
    found = deciding.standing(keeper, missed.uid, now=LATER)
    assert (found.due.quote.net, found.decided.net, len(found.lines)) == (5_000, 5_000, 1)
    closing.close_month(boss, "kaist", APRIL, now=LATER)
    assert nets() == [20_000, -20_000, 5_000]

    deciding.decide(keeper, missed.uid, None, reason="mistaken", now=LATER)
    assert deciding.standing(keeper, missed.uid, now=LATER).due.quote.net == 20_000


@pytest.mark.parametrize(
    ("net", "reason"), [(-1, "x"), (10**12 + 1, "x"), (0, "  "), (0, "x" * 501)]
)
def test_what_makes_no_sense_is_refused_and_nothing_written(keeper, missed, net, reason):
    with pytest.raises(Invalid):
        deciding.decide(keeper, missed.uid, net, reason=reason, now=CLOSING)
    assert db.session.scalars(select(ChargeDecision)).all() == []
    assert mails() == []


def test_only_who_manages_it_decides_and_only_of_what_is_over(keeper, missed, theo, mina, reserve):
    with pytest.raises(NotAllowed):
        deciding.decide(theo, missed.uid, 0, reason="please", now=CLOSING)
    with pytest.raises(NotFound):
        deciding.standing(mina, missed.uid, now=CLOSING)
    with pytest.raises(WrongState):
        deciding.decide(keeper, missed.uid, None, reason="nothing was set", now=CLOSING)
    ahead = reserve(theo, 2_000, 2_001)
    with pytest.raises(WrongState):
        deciding.decide(keeper, ahead.uid, 0, reason="early", now=CLOSING)


def test_page_and_program_decide_alike(client, keeper, missed, theo, monkeypatch):
    monkeypatch.setattr("app.clock.now", lambda: CLOSING)
    address = f"/reservations/{missed.uid}/charge"
    assert "20,000" in client.sign_in(theo).get(address).text
    client.sign_in(keeper)
    token = client.form_token(address)

    said = {"csrf_token": token, "what": "set", "net": "삼천", "reason": "x"}
    assert client.post(address, data=said).status_code == 422
    assert client.post(address, data=said | {"net": "3,000"}).status_code == 303
    key = accounts.make_token(keeper, keeper, name="x", expires_at=None, now=CLOSING)
    answer = client.post(
        f"/api/v1{address}",
        json={"net": 0, "reason": "power cut"},
        headers={"Authorization": f"Bearer {key}"},
    ).json

    assert [each["net"] for each in answer["decisions"]] == [0, 3_000]
    assert (answer["state"], answer["total"], answer["posted"]) == ("due", 0, False)
