"""One mail a day instead of one for each request."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts import services as accounts
from app.accounts.models import ApprovalMails
from app.db import db
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import jobs
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

#: Eight o'clock in Daejeon, the day after.
EIGHT = NOW + timedelta(hours=14)


@pytest.fixture
def daily(sora):
    accounts.choose_mails(sora, ApprovalMails.DAILY, now=NOW)
    return sora


def to(user):
    wanted = select(OutgoingMail).where(OutgoingMail.recipient == user.email)
    return db.session.scalars(wanted.order_by(OutgoingMail.id)).all()


def test_all_that_waits_comes_in_one_mail_a_day(mina, daily, guarded):
    booked(mina, guarded, hours(30, 31))
    booked(mina, guarded, hours(40, 41))
    assert to(daily) == []
    assert jobs.send_digests(EIGHT - timedelta(seconds=1)) == 0
    assert [jobs.send_digests(EIGHT) for _ in range(2)] == [1, 0]
    assert jobs.send_digests(EIGHT + timedelta(hours=27)) == 1  # late on the next day

    first, _ = to(daily)
    assert (first.template, len(first.particulars["requests"])) == ("approvals_digest", 2)
    assert "2건" in message(first)["Subject"]


def test_what_comes_after_eight_is_told_the_day_after(mina, daily, guarded):
    assert jobs.send_digests(EIGHT) == 0
    booked(mina, guarded, hours(30, 31))
    assert jobs.send_digests(EIGHT + timedelta(hours=23)) == 0

    assert to(daily) == []


def test_who_wants_each_at_once_gets_no_digest(mina, sora, guarded):
    booked(mina, guarded, hours(30, 31))

    assert jobs.send_digests(EIGHT) == 0
    assert [mail.template for mail in to(sora)] == ["reservation_awaits"]
