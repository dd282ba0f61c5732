import pytest
from sqlalchemy import select

from app.accounts.access import OPERATOR
from app.billing import closing
from app.billing.models import Statement
from app.db import db
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from tests import factories
from tests.billing.conftest import CLOSING, MARCH, change


@pytest.mark.parametrize("tell", [True, False])
def test_who_administers_the_payer_is_told_of_its_statement_alone(
    confocal, boss, theo, mina, reserve, tell
):
    payer = factories.user("payer", institution=factories.cnu(), administers=factories.cnu())
    reserve(theo, 1, 3)
    reserve(mina, 4, 5)  # of KAIST itself: nobody need be told

    closing.close_month(OPERATOR, "kaist", MARCH, now=CLOSING, tell=tell)

    wanted = select(OutgoingMail).where(OutgoingMail.template == "statement_issued")
    mails = db.session.scalars(wanted).all()
    assert [each.recipient for each in mails] == ([payer.email] if tell else [])
    uid = db.session.scalars(select(Statement.uid).where(Statement.payer_id == factories.cnu().id))
    address = f"/statements/{uid.one()}"
    for mail in mails:
        for language in ("ko", "en"):
            change(mail, language=language)
            said = message(mail).get_body(("plain",)).get_content()
            assert address in said
            assert "20,000" in said
