"""Who does not pay in time is reminded, marked, and no longer marked once all is paid."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from app.billing import closing, jobs, payments
from app.billing.models import Statement
from app.billing.payments import Paid
from app.db import db
from app.domain.ageing import reminder_due
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.projects import overdue
from app.projects.models import OverdueMark
from app.reservations import services
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH, change
from tests.reservations.conftest import refused_codes

DUE = date(2026, 4, 30)


def noon(day: date) -> datetime:
    return CLOSING + (day - CLOSING.date())


@pytest.fixture
def payer(confocal):
    """Administers CNU."""
    return factories.user("payer", institution=factories.cnu(), administers=factories.cnu())


@pytest.fixture
def statement(boss, payer, theo, reserve):
    """Of 20,000 won that CNU pays by the 30th of April; nobody has been told of it yet."""
    reserve(theo, 1, 3)
    closing.close_month(boss, "kaist", MARCH, now=CLOSING, tell=False)
    return db.session.scalars(select(Statement)).one()


def follow(days_late):
    return jobs.follow_payments(noon(DUE + timedelta(days=days_late)))


def told():
    db.session.rollback()
    return sorted(
        each.recipient
        for each in db.session.scalars(
            select(OutgoingMail).where(OutgoingMail.template == "statement_late")
        )
    )


def standing():
    db.session.rollback()
    found = db.session.scalars(select(OverdueMark).where(OverdueMark.lifted_at.is_(None))).all()
    return [(each.since, each.reason) for each in found]


def pay(boss, statement, amount, number=1, days_late=5):
    today = DUE + timedelta(days=days_late)
    payments.enter(
        boss, statement.uid, Paid(amount, DUE), number=number, now=noon(today), today=today
    )


@pytest.mark.parametrize(
    ("late", "days"), [(0, None), (1, 1), (29, 1), (30, 30), (100, 90), (180, 180), (900, 180)]
)
def test_the_latest_reminder_alone_is_due(late, days):
    assert reminder_due(late) == days


def test_the_payers_administrators_are_reminded_once_of_each(statement, payer):
    assert follow(0) == (0, 0)
    assert follow(1)[0] == 1
    assert follow(1)[0] == follow(29)[0] == 0
    assert follow(30)[0] == 1
    assert told() == [payer.email] * 2


def test_after_an_outage_they_are_reminded_once(statement, payer):
    assert follow(100)[0] == 1
    assert told() == [payer.email]


def test_what_is_paid_or_ones_own_reminds_nobody(statement, boss, mina, reserve):
    pay(boss, statement, 20_000)
    reserve(mina, 4, 5)
    closing.close_month(boss, "kaist", APRIL, now=LATER, tell=False)
    assert jobs.follow_payments(noon(date(2026, 7, 20))) == (0, 0)


def test_a_part_that_is_missing_is_told_in_both_languages(statement, boss, payer):
    pay(boss, statement, 15_000)
    follow(6)
    (mail,) = db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.template == "statement_late")
    )
    assert mail.particulars["due"] == 5_000
    for language in ("ko", "en"):
        change(mail, language=language)
        said = message(mail).get_body(("plain",)).get_content()
        assert "5,000" in said
        assert f"/statements/{statement.uid}" in said


class TestMarks:
    def test_who_owes_is_marked_and_refused_where_a_facility_says_so(
        self, statement, confocal, theo
    ):
        assert follow(2)[1] == 1
        assert follow(3)[1] == 0
        assert standing() == [(DUE, "2026-0001")]
        change(confocal, booking=confocal.booking | {"refuse_overdue_after": 0})
        now = noon(DUE + timedelta(days=4))
        wanted = BookingRequest(confocal.slug, factories.hours(1, 2, after=now), purpose="imaging")
        with pytest.raises(BookingRefused) as refused:
            services.request_reservation(theo, wanted, now=now)
        assert refused_codes(refused) == ["overdue"]

    def test_whoever_pays_is_marked_no_longer(self, statement, boss):
        follow(2)
        pay(boss, statement, 15_000)
        assert len(standing()) == 1
        pay(boss, statement, 5_000, number=2)
        assert standing() == []
        assert follow(9) == (0, 0)

    def test_a_mark_says_what_is_still_due(self, statement, boss, theo, reserve):
        reserve(theo, 24 * 40, 24 * 40 + 1)
        closing.close_month(boss, "kaist", APRIL, now=LATER, tell=False)
        follow(40)
        assert standing() == [(DUE, "2026-0001, 2026-0002")]
        pay(boss, statement, 20_000, days_late=40)
        assert standing() == [(date(2026, 5, 30), "2026-0002")]

    def test_what_the_supplier_lifted_or_marked_stays_as_it_is(self, statement, boss):
        follow(2)
        kaist = factories.kaist()
        (mark,) = overdue.marks_of(kaist)
        overdue.lift(boss, kaist, mark.id, now=noon(DUE + timedelta(days=3)))
        assert follow(4)[1] == 0
        at = {"now": noon(DUE + timedelta(days=5)), "today": DUE + timedelta(days=5)}
        overdue.mark(boss, kaist, factories.cnu(), since=DUE, reason="by hand", **at)
        pay(boss, statement, 20_000)
        assert standing() == [(DUE, "by hand")]
