"""Who misses too many may not reserve for a while; a manager may put a no-show right."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import clock
from app.accounts import suspensions
from app.accounts.models import Suspension
from app.accounts.places import place_by_slug
from app.audit.models import AuditRow
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, WrongState
from app.domain.interval import Interval
from app.mail.models import OutgoingMail
from app.reservations import jobs, no_shows, services, usage, use
from app.reservations.no_shows import CameAfterAll
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked
from tests.reservations.test_use import now_of

HOUR = timedelta(hours=1)
LIMIT = {"number": 2, "within": "P30D", "suspended": "P14D"}


@pytest.fixture
def strict(microscope):
    """Two no-shows at its facility suspend for a fortnight."""
    with transaction():
        microscope.facility.booking = {"no_show_limit": LIMIT, "check_in": "required"}
    return microscope


@pytest.fixture
def other(strict):
    """Another instrument of the same facility."""
    return factories.instrument(facility=strict.facility)


def missed(user, instrument, first):
    """A reservation from `first` hours on that nobody came to, marked by the job."""
    made = booked(user, instrument, hours(first, first + 1))
    jobs.follow_use(NOW + (first + 0.5) * HOUR)
    assert now_of(made).status is Status.NO_SHOW
    return made


def in_force(user, at):
    db.session.rollback()
    return suspensions.in_force(user.id, now=NOW + at * HOUR)


def told(template):
    db.session.rollback()
    wanted = select(OutgoingMail).where(OutgoingMail.template == template)
    return [mail.recipient for mail in db.session.scalars(wanted)]


def came(first, last, reason="파일이 남아 있음", samples=None):
    return CameAfterAll(hours(first, last), reason, samples)


def test_one_no_show_too_many_suspends_from_the_facility_alone(mina, strict, other):
    missed(mina, strict, 1)
    assert in_force(mina, 2) == []
    missed(mina, other, 3)

    (found,) = in_force(mina, 4)
    assert found.facility_id == strict.facility_id
    assert found.ends_at == NOW + 3.5 * HOUR + timedelta(days=14)
    assert told("suspended_by_rule") == [mina.email]
    with pytest.raises(BookingRefused) as refused:
        _later(mina, strict)
    (refusal,) = refused.value.refusals
    assert refusal.code == "suspended"
    assert "2 no-shows within 30 days" in refusal.reason.en
    assert "이 시설에서 30일 안에 미사용(노쇼) 2회" in refusal.reason.ko
    assert _later(mina, factories.instrument()).status is Status.CONFIRMED


def _later(user, instrument):
    """Reserved a day later, by the clock of that hour."""
    request = BookingRequest(instrument.slug, hours(30, 31), purpose="x")
    return services.request_reservation(user, request, now=NOW + 5 * HOUR)


def test_what_has_led_to_a_suspension_leads_to_no_other(mina, strict):
    kept = [booked(mina, strict, hours(at, at + 1)) for at in (1, 3, 5, 7)]
    for number, suspended in ((1, 0), (3, 1), (5, 1), (7, 2)):
        jobs.follow_use(NOW + (number + 0.5) * HOUR)
        jobs.follow_use(NOW + (number + 0.6) * HOUR)  # A job that runs again counts nothing twice.
        assert len(in_force(mina, number + 0.7)) == suspended
    assert {now_of(each).status for each in kept} == {Status.NO_SHOW}


def test_without_a_limit_nobody_is_suspended(mina, microscope):
    with transaction():
        microscope.facility.booking = {"check_in": "required"}
    for at in (1, 3, 5):
        missed(mina, microscope, at)
    assert in_force(mina, 6) == []


def test_a_manager_lifts_it_with_a_reason_and_nobody_else_does(mina, jun, sora, strict):
    missed(mina, strict, 1)
    missed(mina, strict, 3)
    (found,) = in_force(mina, 4)
    place, now = place_by_slug(strict.facility.slug), NOW + 5 * HOUR
    elsewhere = place_by_slug(factories.facility().slug)
    with pytest.raises(NotAllowed):
        suspensions.lift_at_facility(jun, place, found.id, reason="x", now=now)
    with pytest.raises(Invalid):
        suspensions.lift_at_facility(sora, place, found.id, reason=" ", now=now)
    with pytest.raises(NotAllowed):
        suspensions.lift_at_facility(sora, elsewhere, found.id, reason="x", now=now)
    suspensions.lift_at_facility(sora, place, found.id, reason="병가", now=now)
    assert in_force(mina, 5) == []
    assert told("suspension_lifted") == [mina.email]
    row = db.session.scalars(select(AuditRow).where(AuditRow.action == "lift-suspension")).one()
    assert (row.actor_id, row.detail["reason"]) == (sora.id, "병가")
    assert _later(mina, strict).status is Status.CONFIRMED


def test_an_administrator_of_another_institution_lifts_nothing_here(theo, strict):
    home = factories.user(institution=factories.cnu(), administers=factories.cnu())
    missed(theo, strict, 1)
    missed(theo, strict, 3)
    (found,) = in_force(theo, 4)
    with pytest.raises(NotAllowed):
        suspensions.lift_suspension(home, theo, found.id, now=NOW + 5 * HOUR, today=NOW.date())


def test_an_undone_no_show_counts_as_used_and_ends_what_it_led_to(mina, sora, strict):
    first = missed(mina, strict, 1)
    missed(mina, strict, 3)
    assert in_force(mina, 4)

    no_shows.restore(sora, first.uid, came(1, 1.75, samples=4), now=NOW + 5 * HOUR)

    now = now_of(first)
    assert (now.status, now.used, now.samples) == (Status.COMPLETED, hours(1, 1.75), 4)
    assert (now.reserved, now.interval) == (hours(1, 2), hours(1, 1.75))
    assert in_force(mina, 5) == []
    assert told("reservation_restored") == told("suspension_lifted") == [mina.email]
    month = Interval(NOW - timedelta(days=1), NOW + timedelta(days=1))
    (line,) = usage.log_of(strict, month, now=NOW + 6 * HOUR)
    assert (line.uid, line.said.interval, line.measured) == (first.uid, hours(1, 1.75), True)
    # The one that is left counts for the next suspension.
    missed(mina, strict, 7)
    assert len(in_force(mina, 8)) == 1


def test_a_suspension_that_stays_full_stays(mina, sora, strict):
    made = [booked(mina, strict, hours(at, at + 1)) for at in (1, 2, 3)]
    jobs.follow_use(NOW + 1.5 * HOUR)
    with transaction():
        strict.facility.booking = {
            **strict.facility.booking,
            "no_show_limit": {**LIMIT, "number": 3},
        }
    jobs.follow_use(NOW + 3.5 * HOUR)
    assert in_force(mina, 4)
    with transaction():
        strict.facility.booking = {**strict.facility.booking, "no_show_limit": LIMIT}
    no_shows.restore(sora, made[0].uid, came(1, 2), now=NOW + 5 * HOUR)
    (left,) = in_force(mina, 5)
    assert left.why.en.startswith("2 no-shows")


def test_time_that_others_reserved_since_is_theirs(mina, jun, sora, strict):
    first = missed(mina, strict, 1)
    request_at = NOW + 1.5 * HOUR
    services.request_reservation(
        jun, BookingRequest(strict.slug, hours(1.5, 2), purpose="x"), now=request_at
    )
    with pytest.raises(WrongState, match="Others have reserved"):
        no_shows.restore(sora, first.uid, came(1, 2), now=NOW + 3 * HOUR)
    assert now_of(first).status is Status.NO_SHOW
    no_shows.restore(sora, first.uid, came(1, 1.5), now=NOW + 3 * HOUR)
    assert now_of(first).used == hours(1, 1.5)


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (came(1, 2, reason=" "), Invalid),
        (came(0.5, 2), Invalid),
        (came(1, 2.5), Invalid),
    ],
)
def test_what_cannot_have_been_is_refused(mina, sora, strict, said, wrong):
    first = missed(mina, strict, 1)
    with pytest.raises(wrong):
        no_shows.restore(sora, first.uid, said, now=NOW + 5 * HOUR)
    assert now_of(first).status is Status.NO_SHOW


def test_a_no_show_is_undone_by_its_managers_and_once(mina, jun, sora, strict):
    first = missed(mina, strict, 1)
    with pytest.raises(NotAllowed):
        no_shows.restore(mina, first.uid, came(1, 2), now=NOW + 5 * HOUR)
    with pytest.raises(NotFound):
        no_shows.restore(jun, first.uid, came(1, 2), now=NOW + 5 * HOUR)
    no_shows.restore(sora, first.uid, came(1, 2), now=NOW + 5 * HOUR)
    with pytest.raises(WrongState):
        no_shows.restore(sora, first.uid, came(1, 2), now=NOW + 5 * HOUR)


def test_the_pages_show_a_suspension_and_let_it_be_lifted(client, mina, sora, strict, monkeypatch):
    for at in (1, 3):
        made = missed(mina, strict, at)
    monkeypatch.setattr(clock, "now", lambda: NOW + 5 * HOUR)
    english = {"Accept-Language": "en"}
    why = "2 no-shows within 30 days at this facility"
    with transaction():
        mina.language = sora.language = "en"
    client.sign_in(mina)
    assert why in client.get("/account", headers=english).text
    left_out = client.get("/find?duration=PT1H&when=week", headers=english).text
    assert "where you are suspended" in left_out
    page = f"/facilities/{strict.facility.slug}/suspensions"
    assert client.get(page).status_code == 403

    shown = client.sign_in(sora).get(page, headers=english).text
    assert mina.name in shown
    assert why in shown
    assert made.uid in shown
    found = db.session.scalars(select(Suspension)).one()
    form = {"csrf_token": client.form_token(page), "reason": ""}
    assert client.post(f"{page}/{found.id}/lift", data=form).status_code == 422
    form["reason"] = "병가"
    assert client.post(f"{page}/{found.id}/lift", data=form).status_code == 303
    assert in_force(mina, 5) == []


def test_the_page_of_a_no_show_lets_a_manager_undo_it(client, mina, sora, strict, monkeypatch):
    made = missed(mina, strict, 1)
    monkeypatch.setattr(clock, "now", lambda: NOW + 5 * HOUR)
    page = f"/reservations/{made.uid}"
    assert "undo-no-show" not in client.sign_in(mina).get(page).text
    form = client.sign_in(sora).form_token(page)
    typed = {"starts_at": "2026-03-02T19:00", "ends_at": "2026-03-02T20:00", "csrf_token": form}
    answer = client.post(f"{page}/undo-no-show", data=typed, follow_redirects=True)
    assert 'role="alert"' in answer.text
    assert now_of(made).status is Status.NO_SHOW
    typed["reason"] = "파일이 남아 있음"
    answer = client.post(f"{page}/undo-no-show", data=typed, follow_redirects=True)
    assert "파일이 남아 있음" in answer.text, "the history tells why"
    assert now_of(made).status is Status.COMPLETED


def test_a_no_show_is_marked_and_told_once(mina, sora, strict):
    made = booked(mina, strict, hours(1, 2))
    use.mark_no_show(sora, made.uid, now=NOW + 1.2 * HOUR, reason="방이 비어 있었음")
    with pytest.raises(WrongState):
        use.mark_no_show(sora, made.uid, now=NOW + 1.3 * HOUR, reason="방이 비어 있었음")
    jobs.follow_use(NOW + 1.6 * HOUR)
    assert told("reservation_missed") == [mina.email]
