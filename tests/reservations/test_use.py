"""Coming, going on longer, going: what is held, what is kept, who is told."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from app.audit.models import AuditRow
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.errors import (
    BookingRefused,
    Invalid,
    NotAllowed,
    NotFound,
    Taken,
    WrongState,
)
from app.domain.interval import Interval
from app.mail.models import OutgoingMail
from app.reservations import deciding, jobs, services, use
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def asking(microscope, **settings):
    return factories.instrument(
        facility=microscope.facility, booking={"check_in": "required", **settings}
    )


@pytest.fixture
def strict(microscope):
    """Whoever does not check in within half an hour is a no-show."""
    return asking(microscope)


def at(hours_from_now, *, seconds=0):
    return NOW + timedelta(hours=hours_from_now, seconds=seconds)


def now_of(reservation):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Reservation).where(Reservation.uid == reservation.uid)).one()


def acts(reservation):
    return db.session.scalars(
        select(AuditRow.action).where(AuditRow.subject == reservation.uid).order_by(AuditRow.id)
    ).all()


def mails():
    db.session.rollback()
    return [
        (mail.template, mail.recipient)
        for mail in db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id))
    ][1:]  # the confirmation


def follow(now):
    return jobs.follow_use(now)


def test_coming_and_going_keeps_the_time_used_apart_from_the_time_reserved(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    use.check_in(mina, made.uid, now=at(1, seconds=150))
    assert now_of(made).status is Status.IN_USE

    use.check_out(mina, made.uid, now=at(2), samples=7)

    done = now_of(made)
    assert done.status is Status.COMPLETED
    assert done.used == Interval(at(1) + 2 * MINUTE, at(2))
    assert done.reserved == hours(1, 3)
    assert done.interval == hours(1, 2)
    assert done.samples == 7
    assert acts(made) == ["request-reservation", "check-in", "check-out"]
    assert mails() == []


def test_what_is_freed_can_be_reserved_at_once(mina, jun, strict):
    made = booked(mina, strict, hours(1, 4))
    use.check_in(mina, made.uid, now=at(1))
    use.check_out(mina, made.uid, now=at(1.4))

    request = services.BookingRequest(strict.slug, hours(1.5, 4), purpose="next")
    next_one = services.request_reservation(jun, request, now=at(1.45))

    assert next_one.status is Status.CONFIRMED


def test_what_is_still_held_cannot(mina, jun, strict):
    made = booked(mina, strict, hours(1, 4))
    use.check_in(mina, made.uid, now=at(1))
    use.check_out(mina, made.uid, now=at(1.5, seconds=1))

    request = services.BookingRequest(strict.slug, hours(1.5, 2), purpose="next")
    with pytest.raises(Taken):
        services.request_reservation(jun, request, now=at(1.5))


def test_who_comes_early_holds_the_instrument_from_then_on(mina, jun, microscope):
    strict = asking(microscope, slot="PT5M", shortest="PT5M")
    made = booked(mina, strict, hours(1, 3))
    use.check_in(mina, made.uid, now=at(1) - 10 * MINUTE)

    early = now_of(made)
    assert early.interval == Interval(at(1) - 10 * MINUTE, at(3))
    assert early.reserved == hours(1, 3)
    squeezed = Interval(at(1) - 5 * MINUTE, at(1))
    with pytest.raises(Taken):
        booked(jun, strict, squeezed)


def test_who_comes_early_and_goes_before_the_start_gives_all_of_it_back(mina, jun, strict):
    made = booked(mina, strict, hours(1, 3))
    use.check_in(mina, made.uid, now=at(1) - 10 * MINUTE)
    use.check_out(mina, made.uid, now=at(1) - 6 * MINUTE)

    done = now_of(made)
    assert done.used == done.interval == Interval(at(1) - 10 * MINUTE, at(1) - 6 * MINUTE)
    assert done.reserved == hours(1, 3)
    assert booked(jun, strict, hours(1, 3)).status is Status.CONFIRMED


def test_who_comes_early_while_others_hold_it_waits_for_the_start(mina, jun, strict):
    booked(jun, strict, hours(0.5, 1))
    made = booked(mina, strict, hours(1, 3))
    with pytest.raises(WrongState, match="Check in on"):
        use.check_in(mina, made.uid, now=at(1) - MINUTE)

    assert now_of(made).status is Status.CONFIRMED
    use.check_in(mina, made.uid, now=at(1))


def test_nobody_checks_in_while_somebody_is_still_there(mina, jun, strict):
    first = booked(jun, strict, hours(0.5, 1))
    use.check_in(jun, first.uid, now=at(0.5))
    made = booked(mina, strict, hours(1, 3))

    with pytest.raises(WrongState, match="Somebody uses it until"):
        use.check_in(mina, made.uid, now=at(1) - MINUTE)


def test_the_next_one_closes_what_the_one_before_forgot_to_end(mina, jun, strict):
    first = booked(jun, strict, hours(0.5, 1))
    use.check_in(jun, first.uid, now=at(0.5))
    made = booked(mina, strict, hours(1, 3))

    use.check_in(mina, made.uid, now=at(1) + 2 * MINUTE)

    assert now_of(first).status is Status.COMPLETED
    assert now_of(first).used == hours(0.5, 1)
    assert ("reservation_closed", jun.email) in mails()


def test_in_a_room_for_several_nobody_waits_for_the_others(mina, jun, microscope):
    room = factories.instrument(
        facility=microscope.facility, capacity=2, booking={"check_in": "asked"}
    )
    for person in (mina, jun):
        made = booked(person, room, hours(1, 3))
        use.check_in(person, made.uid, now=at(1) - MINUTE)
        assert now_of(made).status is Status.IN_USE


def test_where_nobody_checks_in_all_stays_as_it_was(mina, microscope):
    made = booked(mina, microscope, hours(1, 3))
    with pytest.raises(WrongState):
        use.check_in(mina, made.uid, now=at(1))

    assert made.no_show_at is None
    assert follow(at(1000)) == (0, 0)
    assert now_of(made).status is Status.CONFIRMED


def test_what_was_not_begun_cannot_be_ended_or_extended(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    with pytest.raises(WrongState):
        use.check_out(mina, made.uid, now=at(1))
    with pytest.raises(WrongState):
        use.extend(mina, made.uid, at(4), now=at(1))


def test_nobody_comes_twice(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    use.check_in(mina, made.uid, now=at(1))
    with pytest.raises(WrongState):
        use.check_in(mina, made.uid, now=at(1))


def test_a_manager_acts_for_others_with_a_reason_and_they_are_told(mina, sora, strict):
    made = booked(mina, strict, hours(1, 3))
    with pytest.raises(Invalid):
        use.check_in(sora, made.uid, now=at(2))
    assert now_of(made).status is Status.CONFIRMED

    use.check_in(sora, made.uid, now=at(2), reason="카드 리더가 고장 났습니다")
    use.check_out(sora, made.uid, now=at(2.5), reason="먼저 퇴실")

    assert mails() == [("reservation_used", mina.email), ("reservation_used", mina.email)]
    said = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id.desc())).first()
    assert said.particulars["reason"] == "먼저 퇴실"


def test_colleagues_may_not(mina, jun, strict):
    made = booked(mina, strict, hours(1, 3))
    for act in (use.check_in, use.check_out):
        with pytest.raises((NotFound, NotAllowed)):
            act(jun, made.uid, now=at(1), reason="please")
    with pytest.raises((NotFound, NotAllowed)):
        use.mark_no_show(mina, made.uid, now=at(1), reason="myself")


# Going on longer


@pytest.fixture
def going(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    use.check_in(mina, made.uid, now=at(1))
    return made


def test_a_use_goes_on_while_nobody_else_has_the_time(mina, jun, strict, going):
    booked(jun, strict, hours(4, 5))
    use.extend(mina, going.uid, at(4), now=at(2.9))

    longer = now_of(going)
    assert longer.interval == longer.reserved == hours(1, 4)
    assert acts(going)[-1] == "extend-reservation"


def test_it_does_not_go_on_into_what_others_have(mina, jun, strict, going):
    booked(jun, strict, hours(3.5, 5))
    with pytest.raises(Taken) as taken:
        use.extend(mina, going.uid, at(4), now=at(2))

    assert [each.interval for each in taken.value.taken] == [hours(3.5, 5)]
    assert now_of(going).interval == hours(1, 3)


@pytest.mark.parametrize(
    ("until", "code"),
    [(3 + 1 / 4, "off-grid"), (9, None), (9.5, "longest")],
)
def test_the_rules_of_length_and_grid_hold_for_the_whole(mina, going, until, code):
    if code is None:
        use.extend(mina, going.uid, at(until), now=at(2))
        assert now_of(going).interval == hours(1, until)
        return
    with pytest.raises(BookingRefused) as refused:
        use.extend(mina, going.uid, at(until), now=at(2))
    assert [refusal.code for refusal in refused.value.refusals] == [code]


def test_it_does_not_go_on_into_maintenance_or_the_night(mina, microscope):
    office = factories.instrument(
        facility=microscope.facility,
        opening_hours={"daily": ["09:00-22:00"], "holiday": ["09:00-22:00"]},
        booking={"check_in": "asked"},
    )
    made = booked(mina, office, hours(1, 3))  # 19:00 to 21:00 in Seoul
    use.check_in(mina, made.uid, now=at(1))
    factories.blackout(office, hours(3.5, 5))
    with pytest.raises(BookingRefused) as refused:
        use.extend(mina, made.uid, at(4.5), now=at(2))

    codes = {refusal.code for refusal in refused.value.refusals}
    assert codes == {"outside-opening-hours", "blackout"}
    assert use.extensions(now_of(made), now=at(2)) == [at(3.5)]


@pytest.mark.parametrize("until", [2, 3])
def test_longer_means_later(mina, going, until):
    with pytest.raises(Invalid):
        use.extend(mina, going.uid, at(until), now=at(2))


def test_the_ways_to_go_on_are_those_that_are_granted(mina, jun, strict, going):
    booked(jun, strict, hours(5, 6))
    offered = use.extensions(now_of(going), now=at(2))

    assert offered == [at(3.5), at(4), at(4.5), at(5)]
    use.extend(mina, going.uid, offered[-1], now=at(2))


def test_a_feed_and_a_calendar_see_each_step(mina, strict):
    made = booked(mina, strict, hours(1, 3))

    def versions():
        found = now_of(made)
        calendar = db.session.get_one(Instrument, strict.id, populate_existing=True)
        return (found.version, found.sequence, calendar.calendar_version)

    seen = [versions()]
    use.check_in(mina, made.uid, now=at(1))
    seen.append(versions())
    use.extend(mina, made.uid, at(3.5), now=at(2))
    seen.append(versions())
    use.check_out(mina, made.uid, now=at(2.5))
    seen.append(versions())

    for one, other in pairwise(seen):
        assert all(a < b for a, b in zip(one, other, strict=True))
    assert now_of(made).shown_at == at(2.5)


# Who never came, who forgot


@pytest.mark.parametrize(
    ("minutes", "status"), [(29, Status.CONFIRMED), (30, Status.NO_SHOW), (31, Status.NO_SHOW)]
)
def test_who_does_not_come_in_time_is_a_no_show(mina, strict, minutes, status):
    made = booked(mina, strict, hours(1, 3))
    follow(at(1) + minutes * MINUTE)

    assert now_of(made).status is status
    missed = status is Status.NO_SHOW
    assert (("reservation_missed", mina.email) in mails()) is missed


def test_the_time_of_a_no_show_is_free_and_told_once(mina, jun, strict):
    made = booked(mina, strict, hours(1, 3))
    assert follow(at(1.5)) == (1, 0)
    assert follow(at(1.5)) == (0, 0)
    assert follow(at(200)) == (0, 0)

    request = services.BookingRequest(strict.slug, hours(1.5, 3), purpose="next")
    services.request_reservation(jun, request, now=at(1.5))

    assert acts(made).count("mark-no-show") == 1
    assert mails().count(("reservation_missed", mina.email)) == 1
    with pytest.raises(WrongState):
        use.check_in(mina, made.uid, now=at(1.6))


def test_who_has_come_is_no_no_show_however_late_the_job_runs(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    use.check_in(mina, made.uid, now=at(1) + 29 * MINUTE)
    assert follow(at(2)) == (0, 0)
    assert now_of(made).status is Status.IN_USE


def test_jobs_catch_up_on_what_became_due_while_no_worker_ran(mina, jun, strict):
    missed = [booked(mina, strict, hours(n, n + 0.5)) for n in (1, 2, 30)]
    used = booked(jun, strict, hours(4, 5))
    use.check_in(jun, used.uid, now=at(4))

    assert follow(at(100)) == (3, 1)
    assert {now_of(each).status for each in missed} == {Status.NO_SHOW}
    assert now_of(used).used == hours(4, 5)


@pytest.mark.parametrize(("minutes", "status"), [(29, Status.IN_USE), (30, Status.COMPLETED)])
def test_a_forgotten_use_is_closed_as_ended_in_time(mina, going, minutes, status):
    follow(at(3) + minutes * MINUTE)

    found = now_of(going)
    assert found.status is status
    if status is Status.COMPLETED:
        assert found.used == found.reserved == found.interval == hours(1, 3)
        assert mails() == [("reservation_closed", mina.email)]


def test_what_was_reserved_before_checking_in_was_required_is_never_missed(mina, microscope):
    made = booked(mina, microscope, hours(1, 3))
    with services.transaction():
        instrument = db.session.get_one(Instrument, microscope.id)
        instrument.booking = {**instrument.booking, "check_in": "required"}

    assert follow(at(50)) == (0, 0)
    assert now_of(made).status is Status.CONFIRMED


def test_what_is_no_longer_required_is_no_longer_missed(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    with services.transaction():
        instrument = db.session.get_one(Instrument, strict.id)
        instrument.booking = {**instrument.booking, "check_in": "asked"}

    assert follow(at(50)) == (0, 0)
    assert now_of(made).status is Status.CONFIRMED
    assert now_of(made).no_show_at is None


def test_who_waits_for_approval_is_not_missed_and_has_time_to_come_afterwards(
    mina, sora, microscope
):
    guarded = asking(microscope, approval="each")
    made = booked(mina, guarded, hours(1, 3))
    assert follow(at(1.9)) == (0, 0)

    deciding.approve_reservation(sora, made.uid, now=at(2))

    assert now_of(made).no_show_at == at(2.5)
    use.check_in(mina, made.uid, now=at(2.4))


def test_a_moved_reservation_is_awaited_at_its_new_time(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    services.change_reservation(mina, made.uid, Change(hours(5, 6)), now=NOW)
    assert now_of(made).no_show_at == at(5.5)


def test_a_manager_marks_a_no_show_with_a_reason_once_it_has_begun(mina, sora, microscope):
    made = booked(mina, microscope, hours(1, 3))
    with pytest.raises(WrongState):
        use.mark_no_show(sora, made.uid, now=at(0.5), reason="absent")
    with pytest.raises(Invalid):
        use.mark_no_show(sora, made.uid, now=at(1), reason=" ")

    use.mark_no_show(sora, made.uid, now=at(1), reason="아무도 오지 않음")

    assert now_of(made).status is Status.NO_SHOW
    assert mails() == [("reservation_missed", mina.email)]


def test_the_code_at_the_instrument_is_asked_of_holders_where_it_is_set(mina, sora, microscope):
    here = asking(microscope, check_in_at="instrument")
    made = booked(mina, here, hours(1, 3))
    with pytest.raises(WrongState, match="scan the code"):
        use.check_in(mina, made.uid, now=at(1))
    use.check_in(mina, made.uid, now=at(1), present=True)

    other = booked(mina, here, hours(4, 5))
    use.check_in(sora, other.uid, now=at(4), reason="the screen is dark")


def test_at_hand_is_what_one_may_begin_and_what_one_forgot_to_end(mina, strict):
    made = booked(mina, strict, hours(1, 3))
    booked(mina, strict, hours(5, 6))

    def names(now):
        db.session.rollback()
        return [each.uid for each in use.in_hand(mina, now=now)]

    assert names(NOW) == []
    assert names(at(1) - 10 * MINUTE) == [made.uid]
    use.check_in(mina, made.uid, now=at(1))
    assert names(at(4)) == [made.uid]
