"""Waiting for time: in turn, by the same rules, with nothing lost and nothing given twice."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import Suspension
from app.catalog.models import BlackoutKind, Technique
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotFound, Taken, WrongState
from app.domain.interval import fullest
from app.domain.recurrence import Recurrence
from app.domain.waitlist import WaitState
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import (
    closures,
    deciding,
    giving_way,
    jobs,
    offering,
    queries,
    series,
    services,
    waitlist,
    watching,
)
from app.reservations.models import FreedTime, Offer, Reservation, Wait
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from app.reservations.waitlist import Wish
from app.reservations.watching import Watch
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

#: The fixed now is 18:00 in Daejeon: two hours of the day end the next morning.
HOLD_ENDS = NOW + timedelta(hours=2)
SLOT = hours(24, 26)


def wish(instrument, interval=SLOT, **fields):
    return Wish(within=interval, instruments=[instrument.slug], purpose="막 관찰", **fields)


def ask(user, instrument, interval=SLOT, *, now=NOW, **fields):
    return waitlist.ask(user, wish(instrument, interval, **fields), now=now)


def cancel(made, by, *, now=NOW):
    return services.cancel_reservation(by, made.uid, now=now)


def again(row):
    """The row as the database has it now."""
    kind, key = type(row), row.id
    db.session.rollback()
    return db.session.get_one(kind, key, populate_existing=True)


def held(instrument):
    db.session.rollback()
    return db.session.scalars(
        select(Reservation).where(Reservation.instrument_id == instrument.id, queries.HOLDS)
    ).all()


def offer_of(user):
    found = waitlist.offers_to(user, now=NOW)
    return found[0] if found else None


def mails(user):
    wanted = select(OutgoingMail.template).where(OutgoingMail.recipient == user.email)
    return list(db.session.scalars(wanted.order_by(OutgoingMail.id)))


@pytest.fixture
def third(microscope):
    return factories.user("third", institution=microscope.facility.institution)


# Asking


def test_one_waits_for_what_is_taken(mina, jun, microscope):
    booked(mina, microscope, SLOT)
    wait = ask(jun, microscope)
    assert (wait.state, wait.exact, waitlist.before(wait)) == (WaitState.WAITING, True, 0)


def test_one_does_not_wait_for_what_is_free(mina, microscope):
    with pytest.raises(WrongState, match="free now"):
        ask(mina, microscope)
    assert db.session.scalars(select(Wait)).all() == []


def test_reasons_that_no_waiting_mends_are_told_at_once(mina, jun, microscope):
    booked(mina, microscope, SLOT)
    with pytest.raises(BookingRefused) as refused:
        ask(jun, microscope, hours(24, 33))
    assert [refusal.code for refusal in refused.value.refusals] == ["longest"]


def test_a_wish_that_no_instrument_can_fulfil_is_refused(mina, microscope):
    with pytest.raises(BookingRefused) as refused:
        ask(mina, microscope, hours(24, 60), duration=timedelta(hours=9))
    assert [refusal.code for refusal in refused.value.refusals] == ["longest"]


@pytest.mark.parametrize(
    "fields",
    [
        {"within": hours(-3, -1)},
        {"duration": timedelta(hours=3)},
        {"within": hours(1, 24 * 70), "duration": timedelta(hours=1)},
        {"instruments": [], "technique": ""},
    ],
)
def test_what_makes_no_sense_is_invalid(mina, microscope, fields):
    values = {"within": SLOT, "instruments": [microscope.slug], **fields}
    with pytest.raises(Invalid):
        waitlist.ask(mina, Wish(**values), now=NOW)


def test_asked_twice_it_is_the_same_wait(mina, jun, microscope):
    booked(mina, microscope, SLOT)
    assert ask(jun, microscope).uid == ask(jun, microscope).uid
    assert len(waitlist.waits_of(jun)) == 1


def test_nobody_waits_for_more_than_so_many_times(mina, jun, microscope, monkeypatch):
    monkeypatch.setattr(waitlist, "MOST_WAITS", 2)
    booked(mina, microscope, hours(24, 30))
    ask(jun, microscope, hours(24, 25))
    ask(jun, microscope, hours(25, 26))
    with pytest.raises(Invalid, match="Withdraw"):
        ask(jun, microscope, hours(26, 27))


def test_positions_count_who_competes_for_the_time_and_asked_earlier(
    mina, jun, third, theo, microscope
):
    booked(mina, microscope, hours(24, 30))
    other = factories.instrument(facility=microscope.facility)
    booked(mina, other, SLOT)
    first = ask(jun, microscope, hours(24, 26))
    elsewhere = ask(theo, other)
    later = ask(theo, microscope, hours(28, 30))
    third_ = ask(third, microscope, hours(25, 29))

    assert [waitlist.before(each) for each in (first, elsewhere, later, third_)] == [0, 0, 0, 2]
    waitlist.withdraw(jun, first.uid, now=NOW)
    assert waitlist.before(third_) == 1


# Offering


def test_freed_time_is_held_for_the_first_and_nobody_else(mina, jun, third, microscope):
    made = booked(mina, microscope, SLOT)
    ask(jun, microscope)
    ask(third, microscope)
    cancel(made, mina)

    [hold] = held(microscope)
    assert (hold.holder_id, hold.interval, hold.status) == (jun.id, SLOT, Status.OFFERED)
    assert offer_of(jun).expires_at == HOLD_ENDS
    assert (mails(jun), mails(third)) == (["time_offered"], [])
    with pytest.raises(Taken):
        booked(third, microscope, SLOT)


def test_a_move_a_rejection_and_a_shorter_time_free_it_too(mina, jun, guarded, sora):
    moved = booked(sora, guarded, hours(24, 26))
    shorter = booked(sora, guarded, hours(48, 52))
    rejected = booked(mina, guarded, hours(72, 74))
    for start in (24, 50, 72):
        ask(jun, guarded, hours(start, start + 2))

    services.change_reservation(sora, moved.uid, Change(hours(100, 102)), now=NOW)
    assert {o.reservation.interval for o in waitlist.offers_to(jun, now=NOW)} == {hours(24, 26)}
    services.change_reservation(sora, shorter.uid, Change(hours(48, 50)), now=NOW)
    deciding.reject_reservation(sora, rejected.uid, now=NOW, reason="no")
    assert {o.reservation.interval for o in waitlist.offers_to(jun, now=NOW)} == {
        hours(24, 26),
        hours(50, 52),
        hours(72, 74),
    }


def test_dates_of_a_series_that_are_cancelled_are_offered(mina, jun, microscope):
    request = BookingRequest(microscope.slug, SLOT, purpose="x")
    repeat = Repeat(Recurrence.parse("FREQ=DAILY;COUNT=3"))
    first = series.request_series(mina, request, repeat, now=NOW)
    dates = series.members_of(first)
    ask(jun, microscope, dates[1].interval)
    series.cancel_series(mina, first.uid, Which.THIS, now=NOW)
    assert offer_of(jun) is None
    series.cancel_series(mina, dates[1].uid, Which.LATER, now=NOW)
    assert offer_of(jun).reservation.interval == dates[1].interval


def test_a_closure_that_is_lifted_frees_time(jun, sora, microscope):
    closed = closures.Closure(
        interval=SLOT, kind=BlackoutKind.MAINTENANCE, instrument_id=microscope.id, reason_en="laser"
    )
    (blackout,) = closures.close_time(sora, microscope.facility, closed, now=NOW)
    ask(jun, microscope)
    closures.reopen(sora, microscope.facility, blackout.id, now=NOW)
    assert offer_of(jun).reservation.interval == SLOT


def test_who_may_not_have_it_is_passed_over_and_keeps_the_place(mina, jun, third, microscope):
    made = booked(mina, microscope, SLOT)
    first = ask(jun, microscope)
    ask(third, microscope)
    factories.save(Suspension(user_id=jun.id, starts_at=NOW, reason="x", made_by_id=mina.id))
    cancel(made, mina)

    assert offer_of(jun) is None
    assert offer_of(third).reservation.interval == SLOT
    assert again(first).state is WaitState.WAITING


def test_a_quota_counts_on_the_waitlist_too(mina, jun, third):
    few = factories.instrument(
        booking={"quotas": [{"per": "person", "within": "day", "number": 1}]}
    )
    made = booked(mina, few, SLOT)
    ask(jun, few)
    ask(third, few)
    booked(jun, few, hours(27, 28))
    cancel(made, mina)
    assert (offer_of(jun), offer_of(third).reservation.interval) == (None, SLOT)


def test_a_long_time_that_frees_serves_several(mina, jun, third, microscope):
    made = booked(mina, microscope, hours(24, 28))
    ask(jun, microscope, hours(24, 26))
    ask(third, microscope, hours(26, 28))
    cancel(made, mina)
    assert offer_of(jun).reservation.interval == hours(24, 26)
    assert offer_of(third).reservation.interval == hours(26, 28)


def test_a_room_for_several_offers_each_place_once(mina, jun, third, theo):
    room = factories.instrument(capacity=2)
    made = [booked(mina, room, SLOT), booked(theo, room, SLOT)]
    ask(jun, room)
    ask(third, room)
    cancel(made[0], mina)
    assert (offer_of(jun) is None, offer_of(third) is None) == (False, True)
    cancel(made[1], theo)
    assert offer_of(third) is not None
    intervals = [each.interval for each in held(room)]
    assert fullest(intervals, SLOT) == 2


def test_a_wish_is_offered_on_whichever_instrument_frees_first(mina, jun, microscope):
    other = factories.instrument(facility=microscope.facility)
    confocal = factories.save(Technique(slug="confocal", name_ko="공초점", name_en="Confocal"))
    for each in (microscope, other):
        with transaction():
            db.session.get_one(type(each), each.id).techniques.append(
                db.session.get_one(Technique, confocal.id)
            )
    made = [booked(mina, each, hours(0.5, 8.5)) for each in (microscope, other)]
    wait = waitlist.ask(
        jun,
        Wish(
            within=hours(1, 8),
            technique="confocal",
            duration=timedelta(hours=2),
            hours={"daily": ["18:00-24:00"]},
            purpose="x",
        ),
        now=NOW,
    )
    assert len(wait.instruments) == 2
    cancel(made[1], mina)
    offer = offer_of(jun)
    assert (offer.reservation.instrument_id, offer.reservation.interval) == (other.id, hours(1, 3))
    cancel(made[0], mina)
    assert len(waitlist.offers_to(jun, now=NOW)) == 1


def test_a_wish_for_what_is_free_is_offered_at_once(jun, microscope):
    wait = ask(jun, microscope, hours(24, 48), duration=timedelta(hours=2))
    assert (wait.state, offer_of(jun).reservation.interval) == (WaitState.OFFERED, hours(24, 26))


# Answering


@pytest.fixture
def offered(mina, jun, microscope):
    """What Jun is offered, with nobody behind him."""
    made = booked(mina, microscope, SLOT)
    ask(jun, microscope)
    cancel(made, mina)
    return offer_of(jun)


def test_an_offer_that_is_taken_is_a_reservation(offered, jun, microscope):
    made = waitlist.accept(jun, offered.reservation.uid, now=NOW)
    assert (made.status, made.interval, made.version) == (Status.CONFIRMED, SLOT, 2)
    assert again(offered).wait.state is WaitState.MET
    assert mails(jun) == ["time_offered", "reservation_confirmed"]
    assert queries.of_holder(jun, now=NOW)[0].uid == made.uid


def test_until_then_it_is_nobodys_reservation(offered, jun):
    assert queries.of_holder(jun, now=NOW) == []
    waitlist.decline(jun, offered.reservation.uid, now=NOW)
    assert queries.of_holder(jun, now=NOW, past=True) == []


def test_where_managers_approve_they_do_so_here_too(mina, jun, sora, guarded):
    made = booked(mina, guarded, SLOT)
    ask(jun, guarded)
    cancel(made, mina)
    taken = waitlist.accept(jun, offer_of(jun).reservation.uid, now=NOW)
    assert taken.status is Status.PENDING
    assert "reservation_awaits" in mails(sora)


def test_a_rule_that_came_to_forbid_it_is_told_and_the_offer_stands(offered, jun, mina):
    factories.save(Suspension(user_id=jun.id, starts_at=NOW, reason="x", made_by_id=mina.id))
    with pytest.raises(BookingRefused) as refused:
        waitlist.accept(jun, offered.reservation.uid, now=NOW)
    assert [refusal.code for refusal in refused.value.refusals] == ["suspended"]
    assert again(offered).outcome is None


def test_only_who_is_offered_it_may_answer(offered, mina, sora):
    for stranger in (mina, sora):
        for answer in (waitlist.accept, waitlist.decline):
            with pytest.raises(NotFound):
                answer(stranger, offered.reservation.uid, now=NOW)
        with pytest.raises(NotFound):
            waitlist.withdraw(stranger, offered.wait.uid, now=NOW)


def test_what_is_declined_goes_to_the_next_at_once(mina, jun, third, microscope):
    made = booked(mina, microscope, SLOT)
    first = ask(jun, microscope)
    ask(third, microscope)
    cancel(made, mina)
    waitlist.decline(jun, offer_of(jun).reservation.uid, now=NOW)

    assert offer_of(third).reservation.interval == SLOT
    assert again(first).state is WaitState.WITHDRAWN
    assert len(held(microscope)) == 1


def test_who_declines_one_time_of_a_wish_waits_on_for_others(jun, microscope):
    wait = ask(jun, microscope, hours(24, 27), duration=timedelta(hours=1))
    seen = []
    while offer := offer_of(jun):
        seen.append(offer.reservation.interval)
        waitlist.decline(jun, offer.reservation.uid, now=NOW)
    assert seen == [hours(24, 25), hours(25, 26), hours(26, 27)]
    assert again(wait).state is WaitState.WAITING


def test_an_offer_that_is_not_taken_goes_to_the_next(mina, jun, third, microscope):
    made = booked(mina, microscope, SLOT)
    first = ask(jun, microscope)
    second = ask(third, microscope)
    cancel(made, mina)

    jobs.tend_waitlist(HOLD_ENDS - timedelta(seconds=1))
    assert again(first).state is WaitState.OFFERED
    jobs.tend_waitlist(HOLD_ENDS)
    jobs.tend_waitlist(HOLD_ENDS)

    assert (again(first).state, again(second).state) == (WaitState.EXPIRED, WaitState.OFFERED)
    assert mails(jun) == ["time_offered", "offer_expired"]
    assert mails(third) == ["time_offered"]
    assert len(held(microscope)) == 1


def test_an_offer_that_is_over_cannot_be_taken_even_if_no_worker_ended_it(offered, jun):
    with pytest.raises(WrongState, match="over"):
        waitlist.accept(jun, offered.reservation.uid, now=offered.expires_at)


def test_an_answer_is_given_once(offered, jun):
    waitlist.accept(jun, offered.reservation.uid, now=NOW)
    for answer in (waitlist.accept, waitlist.decline):
        with pytest.raises(WrongState):
            answer(jun, offered.reservation.uid, now=NOW)


def test_who_withdraws_is_offered_nothing(mina, jun, microscope):
    made = booked(mina, microscope, SLOT)
    wait = ask(jun, microscope)
    waitlist.withdraw(jun, wait.uid, now=NOW)
    cancel(made, mina)
    assert (offer_of(jun), held(microscope)) == (None, [])
    with pytest.raises(WrongState):
        waitlist.withdraw(jun, wait.uid, now=NOW)


def test_who_withdraws_while_offered_lets_the_time_go(offered, jun, microscope):
    waitlist.withdraw(jun, offered.wait.uid, now=NOW)
    assert held(microscope) == []
    assert again(offered).wait.state is WaitState.WITHDRAWN


def test_an_offer_that_a_manager_cancels_leaves_the_waiting_as_it_was(offered, sora, microscope):
    cancel(offered.reservation, sora)
    assert (again(offered).outcome, again(offered).wait.state) == ("withdrawn", "waiting")
    assert held(microscope) == []


def test_an_offer_stands_in_the_way_of_a_closure(offered, sora, microscope):
    closed = closures.Closure(
        interval=SLOT, kind=BlackoutKind.MAINTENANCE, instrument_id=microscope.id
    )
    with pytest.raises(giving_way.StillReserved):
        closures.close_time(sora, microscope.facility, closed, now=NOW)


# The worker


def test_nothing_is_lost_while_no_worker_runs(mina, jun, third, theo, microscope, monkeypatch):
    """Time frees without a word, offers run out, days pass: the next round makes up for all."""
    made = booked(mina, microscope, SLOT)
    late = booked(mina, microscope, hours(120, 122))
    first, second = ask(jun, microscope), ask(third, microscope)
    missed, still = ask(theo, microscope, SLOT), ask(theo, microscope, hours(120, 122))
    with monkeypatch.context() as silent:
        silent.setattr(offering, "freed", lambda *_, **__: None)
        cancel(made, mina)
    assert again(first).state is WaitState.WAITING

    jobs.tend_waitlist(NOW)
    assert again(first).state is WaitState.OFFERED

    # The worker dies; when it comes back, two days have passed.
    cancel(late, mina)
    back = NOW + timedelta(days=2)
    jobs.tend_waitlist(back)
    assert [again(each).state for each in (first, second, missed)] == [WaitState.EXPIRED] * 3
    assert again(still).state is WaitState.EXPIRED  # its offer ran out in these two days
    assert mails(third) == ["waiting_ended"]
    assert mails(jun) == ["time_offered", "offer_expired"]
    assert held(microscope) == []


def test_the_round_does_not_touch_calendars_on_which_nothing_is_free(mina, jun, microscope):
    booked(mina, microscope, SLOT)
    ask(jun, microscope)
    version = again(microscope).calendar_version
    jobs.tend_waitlist(NOW)
    assert again(microscope).calendar_version == version


def test_a_setting_that_changes_lets_people_in(mina, jun, microscope):
    booked(mina, microscope, SLOT)
    wait = ask(jun, microscope)
    with transaction():
        db.session.get_one(type(microscope), microscope.id).capacity = 2
        for row in db.session.scalars(select(Reservation)):
            row.exclusive = False
    jobs.tend_waitlist(NOW)
    assert again(wait).state is WaitState.OFFERED


def test_who_waited_in_vain_is_told_once(mina, jun, microscope):
    booked(mina, microscope, SLOT)
    wait = ask(jun, microscope)
    jobs.tend_waitlist(SLOT.start - timedelta(seconds=1))
    assert again(wait).state is WaitState.WAITING
    for _ in range(2):
        jobs.tend_waitlist(SLOT.start)
    assert (again(wait).state, mails(jun)) == (WaitState.EXPIRED, ["waiting_ended"])


# Told when time frees


def watch(user, instrument, **fields):
    values = {"shortest": timedelta(hours=1), "days_ahead": 14, **fields}
    watching.watch(user, instrument, Watch(**values), now=NOW)


def test_who_asked_is_told_once_of_each_time_that_frees(mina, jun, microscope):
    watch(jun, microscope)
    cancel(booked(mina, microscope, SLOT), mina)
    for _ in range(3):
        jobs.tell_of_freed_time(NOW)
    assert mails(jun) == ["time_freed"]
    cancel(booked(mina, microscope, SLOT), mina)
    jobs.tell_of_freed_time(NOW)
    assert mails(jun) == ["time_freed"] * 2


def test_one_is_told_only_of_what_one_asked_for(mina, jun, microscope):
    watch(jun, microscope, shortest=timedelta(hours=3))
    cancel(booked(mina, microscope, SLOT), mina)
    watch(jun, microscope, hours={"mon": ["09:00-12:00"]})
    jobs.tell_of_freed_time(NOW)
    watch(jun, microscope, shortest=timedelta(hours=3))
    cancel(booked(mina, microscope, SLOT), mina)
    jobs.tell_of_freed_time(NOW)
    assert mails(jun) == []


def test_what_is_offered_or_taken_again_is_not_told(mina, jun, third, microscope):
    watch(jun, microscope)
    made = booked(mina, microscope, SLOT)
    ask(third, microscope)
    cancel(made, mina)
    jobs.tell_of_freed_time(NOW)
    assert mails(jun) == []

    # Nobody takes it, and nobody else waits: now it is free.
    jobs.tend_waitlist(HOLD_ENDS)
    jobs.tell_of_freed_time(HOLD_ENDS)
    assert mails(jun) == ["time_freed"]


def test_the_mail_stops_by_its_own_link_without_signing_in(client, mina, jun, microscope):
    watch(jun, microscope)
    cancel(booked(mina, microscope, SLOT), mina)
    jobs.tell_of_freed_time(NOW)
    db.session.rollback()
    mail = db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.template == "time_freed")
    ).one()
    link = f"/instruments/{microscope.slug}/tell-me/stop/{mail.particulars['stop']}"
    assert link in message(mail).get_body(("plain",)).get_content()

    for wrong in (link[:-1], link + "x", link.replace("/stop/", "/stop/9")):
        assert client.get(wrong).status_code == 404
    form = {"csrf_token": client.form_token(link)}
    assert watching.watch_of(jun, microscope), "to look at the page stops nothing"
    assert client.post(link, data=form).status_code == 303
    db.session.rollback()
    assert watching.watch_of(jun, microscope) is None
    assert client.get(link).status_code == 404


def test_who_stopped_is_told_no_more(mina, jun, microscope):
    watch(jun, microscope)
    cancel(booked(mina, microscope, SLOT), mina)
    watching.stop_watching(jun, microscope)
    jobs.tell_of_freed_time(NOW)
    assert mails(jun) == []
    cancel(booked(mina, microscope, SLOT), mina)
    assert len(db.session.scalars(select(FreedTime)).all()) == 1


def test_managers_see_how_many_wait(mina, jun, third, sora, microscope):
    booked(mina, microscope, SLOT)
    ask(jun, microscope)
    ask(third, microscope)
    assert [(q.slug, q.count) for q in waitlist.queues(sora)] == [(microscope.slug, 2)]
    assert waitlist.queues(mina) == []


def test_no_two_offers_are_open_for_one_wait(offered):
    """What the use cases promise, the database keeps."""
    with pytest.raises(Exception, match=r"one_open_offer|offer\.wait_id"), transaction():
        db.session.add(
            Offer(
                wait_id=offered.wait_id,
                reservation_id=offered.reservation_id + 1000,
                made_at=NOW,
                expires_at=NOW,
            )
        )


def test_who_waits_for_a_technique_waits_for_what_comes_to_offer_it(mina, jun, microscope):
    confocal = Technique(slug="confocal", name_ko="공초점", name_en="Confocal")
    microscope.techniques.append(confocal)
    db.session.commit()
    booked(jun, microscope, SLOT)
    wait = waitlist.ask(mina, Wish(within=SLOT, technique="confocal", purpose="x"), now=NOW)
    newer = factories.instrument(facility=microscope.facility, slug="newer")
    jobs.tend_waitlist(NOW)
    assert offer_of(mina) is None

    again(microscope).techniques.clear()
    db.session.commit()
    again(newer).techniques.append(confocal)
    db.session.commit()
    jobs.tend_waitlist(NOW)
    assert offer_of(mina).reservation.instrument_id == newer.id
    assert [each.slug for each in again(wait).instruments] == ["newer"]
    assert offering.follow_techniques(NOW) == 0
