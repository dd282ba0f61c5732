"""The page on which one says that one is away, and who decides meanwhile."""

import pytest

from app import clock
from app.accounts import absences
from app.db import db
from tests.factories import NOW

PAGE = "/account/absences"
TODAY = NOW.date()


@pytest.fixture
def send(client, sora, monkeypatch):
    """Send a form as Sora, on 2 March."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    browser = client.sign_in(sora)

    def post(address=PAGE, **fields):
        return browser.post(address, data={"csrf_token": browser.form_token(PAGE), **fields})

    return post


def test_an_absence_is_entered_and_withdrawn_on_its_page(client, send, sora, jun):
    day = TODAY.isoformat()
    assert send(first_day=day, last_day=day, deputy=jun.email).status_code == 303

    entered = absences.of_user(sora, today=TODAY)
    assert [each.deputy_id for each in entered] == [jun.id]
    assert jun.email in client.get(PAGE).text
    assert send(f"{PAGE}/{entered[0].id}/withdraw").status_code == 303
    db.session.rollback()  # What was read before is as it was then.
    assert absences.of_user(sora, today=TODAY) == []


def test_a_deputy_without_an_account_is_refused_at_the_field(send, sora):
    day = TODAY.isoformat()
    answer = send(first_day=day, last_day=day, deputy="nobody@example.org")

    assert "deputy-errors" in answer.text
    assert absences.of_user(sora, today=TODAY) == []
