"""Institutions that have not paid: marked and lifted by whom they owe, refused after some days."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.audit.models import AuditRow
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotAllowed, WrongState
from app.projects import overdue
from app.projects.models import OverdueMark
from app.reservations import services
from tests import factories
from tests.factories import NOW, hours
from tests.projects.conftest import TODAY

pytestmark = pytest.mark.usefixtures("fixed_now")
AT = {"now": NOW, "today": TODAY}


@pytest.fixture
def head(app):
    """Administers KAIST."""
    return factories.user("head", administers=factories.kaist())


@pytest.fixture
def strict(app):
    """Refuses whoever has not paid KAIST for ten days."""
    return factories.instrument(booking={"refuse_overdue_after": 10})


def mark(head, days, reason="Bill 2026-01"):
    since = TODAY - timedelta(days=days)
    return overdue.mark(head, factories.kaist(), factories.cnu(), since=since, reason=reason, **AT)


def codes(user, instrument):
    request = BookingRequest(instrument.slug, hours(1, 2), purpose="x")
    trial = services.try_reservation(user, request, now=NOW)
    return [refusal.code for refusal in trial.refusals]


@pytest.mark.parametrize(("days", "found"), [(9, []), (10, ["overdue"])])
def test_people_are_refused_after_so_many_days(head, theo, strict, days, found):
    mark(head, days)
    assert codes(theo, strict) == found


def test_the_refusal_says_for_what_and_since_when(head, theo, strict):
    mark(head, 20)
    with pytest.raises(BookingRefused) as refused:
        services.request_reservation(
            theo, BookingRequest(strict.slug, hours(1, 2), purpose="x"), now=NOW
        )
    (refusal,) = refused.value.refusals
    assert "2026-02-10" in refusal.reason.en
    assert "Bill 2026-01" in refusal.reason.en
    assert refusal.limit == "P10D"


def test_others_and_other_instruments_are_not_concerned(head, mina, theo, strict, microscope):
    mark(head, 99)
    assert codes(mina, strict) == []
    assert codes(theo, microscope) == []


def test_who_has_paid_may_reserve_again_and_owe_again(head, theo, strict):
    made = mark(head, 20)
    overdue.lift(head, factories.kaist(), made.id, now=NOW)
    assert codes(theo, strict) == []

    mark(head, 20)
    assert codes(theo, strict) == ["overdue"]
    acts = db.session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
    assert acts == ["mark-overdue", "lift-overdue", "mark-overdue"]


def test_only_whom_is_owed_marks(theo, sora):
    payer = factories.user("payer", administers=factories.cnu())
    for user in (theo, sora, payer):
        with pytest.raises(NotAllowed):
            mark(user, 5)


def test_an_institution_is_marked_once(head):
    mark(head, 5)
    with pytest.raises(WrongState):
        mark(head, 4)
    assert len(db.session.scalars(select(OverdueMark)).all()) == 1


@pytest.mark.parametrize(("days", "reason"), [(-1, "x"), (1, "  ")])
def test_what_makes_no_sense_is_refused(head, days, reason):
    with pytest.raises(Invalid):
        mark(head, days, reason)


def test_the_page_marks_and_lifts(client, head, app):
    factories.cnu()
    client.sign_in(head)
    page = "/institutions/kaist/overdue"
    assert "연체로 표시된 기관이 없습니다" in client.get(page).text
    assert page in client.get("/institutions/kaist").text
    sent = {"payer": "cnu", "since": "2026-02-01", "reason": "Bill 2026-01"}

    token = client.form_token(page)
    assert client.post(page, data={"csrf_token": token, **sent}).status_code == 303
    again = client.post(page, data={"csrf_token": token, **sent})
    assert again.status_code == 422
    assert "이미 연체로 표시된" in again.text
    assert client.post(f"{page}/1/lift", data={"csrf_token": token}).status_code == 303
    assert "해제" in client.get(page).text
