"""Instruments that need each other are reserved, moved and used together, or not at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.catalog.filters import Filter
from app.catalog.models import BlackoutKind
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotAllowed, Taken, WrongState
from app.domain.waitlist import WaitState
from app.domain.wish import Wish
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import (
    closures,
    deciding,
    free_times,
    jobs,
    linked,
    queries,
    services,
    use,
    waitlist,
)
from app.reservations.availability import Search, Wanted
from app.reservations.closures import Closure
from app.reservations.giving_way import Answer, Way
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import all_of, booked, refused_codes, statements, typed

SLOT = hours(24, 26)


def count() -> int:
    db.session.rollback()
    return db.session.query(Reservation).count()


def test_what_is_needed_and_chosen_is_reserved_for_the_same_time(mina, scope):
    made = booked(mina, scope, hours(1, 3), accessories=("heater",))

    same = (hours(1, 3), Status.CONFIRMED)
    assert all_of(made) == {"scope": same, "room": same, "heater": same}


def test_what_is_needed_by_what_is_needed_comes_along(mina, room, scope):
    hood = factories.instrument(slug="hood", facility=room.facility)
    room.needs = ["hood"]
    db.session.commit()
    made = booked(mina, scope, hours(1, 3))

    assert set(all_of(made)) == {"scope", "room", hood.slug}


def test_a_needed_one_that_is_taken_refuses_all_and_names_times_at_which_all_are_free(
    mina, jun, room, scope
):
    booked(jun, room, hours(1, 3))
    booked(jun, scope, hours(3, 4))
    before = count()
    with pytest.raises(Taken) as refused:
        booked(mina, scope, hours(2, 4))

    assert refused_codes(refused) == ["taken", "needs-linked-instrument"]
    assert "준비실" in refused.value.text.ko
    assert {each.interval for each in refused.value.taken} == {hours(1, 3), hours(3, 4)}
    own = [each.interval for each in refused.value.alternatives if each.instrument == "scope"]
    assert own
    assert not any(each.overlaps(hours(1, 4)) for each in own)
    assert count() == before


def test_a_quota_of_the_room_counts_it_with_whatever_it_is_reserved(mina, room, scope):
    quota = {"per": "person", "within": "day", "hours": "PT3H"}
    room.booking = {**room.booking, "quotas": [quota]}
    db.session.commit()
    made = booked(mina, scope, hours(1, 3))
    with pytest.raises(BookingRefused, match=r"Preparation room.*a day") as refused:
        booked(mina, scope, hours(4, 6))
    assert refused_codes(refused) == ["needs-linked-instrument"]
    with pytest.raises(BookingRefused):
        booked(mina, room, hours(4, 6))

    # What is moved does not count against itself.
    services.change_reservation(mina, made.uid, Change(hours(2, 4)), now=NOW)


def test_a_rule_of_what_is_reserved_along_is_set_aside_by_who_manages_that(sora, room, scope):
    quota = {"per": "person", "within": "day", "hours": "PT1H"}
    room.booking = {**room.booking, "quotas": [quota]}
    db.session.commit()
    wanted = BookingRequest("scope", hours(1, 3), purpose="막단백질 영상")
    assert services.try_reservation(sora, wanted, now=NOW).may_override
    services.request_reservation(sora, wanted, now=NOW, override="the run takes longer")

    room.facility = factories.facility()
    db.session.commit()
    wanted = replace(wanted, interval=hours(4, 6))
    assert not services.try_reservation(sora, wanted, now=NOW).may_override
    with pytest.raises(NotAllowed):
        services.request_reservation(sora, wanted, now=NOW, override="the run takes longer")


MEDIUM = {"key": "medium", "label": {"ko": "배지", "en": "Medium"}, "required": True}


def test_what_the_room_asks_is_answered_with_the_main_one_and_kept_with_the_room(mina, room, scope):
    room.booking = {**room.booking, "questions": [MEDIUM]}
    db.session.commit()
    with pytest.raises(BookingRefused, match=r"Preparation room.*Medium"):
        booked(mina, scope, hours(1, 3))

    made = booked(mina, scope, hours(1, 3), answers={"medium": "agar"})
    (companion,) = linked.companions(made)
    assert (companion.answers, companion.asked[0]["key"]) == ({"medium": "agar"}, "medium")
    services.change_reservation(mina, made.uid, Change(answers={"medium": "broth"}), now=NOW)
    (companion,) = linked.companions(made)
    assert companion.answers == {"medium": "broth"}


def test_the_form_asks_under_its_name_and_the_page_tells_the_answer(
    client, fixed_now, mina, room, heater, scope
):
    for each in (scope, heater):
        each.booking = {**each.booking, "questions": [MEDIUM]}
    other = {**MEDIUM, "kind": "choice", "options": ["agar", "broth"]}
    room.booking = {**room.booking, "questions": [other], "permits": [{"kind": "irb"}]}
    db.session.commit()
    client.sign_in(mina)
    page = client.get("/instruments/scope/reserve").text
    assert page.count('name="answer_medium"') == 1
    assert 'data-asked-along="room"' in page
    assert 'data-asked-along="heater"' not in page, "what is the same is asked once"

    token = client.form_token("/instruments/scope/reserve")
    sent = {**typed(1, 3), "answer_medium": "milk", "csrf_token": token}
    answer = client.post("/instruments/scope/reserve", data=sent)
    assert answer.status_code == 422
    assert 'href="#answer_irb"' in answer.text

    more = {"answer_room.medium": "agar", "answer_irb": "KH-1", "answer_irb_until": "2026-12-31"}
    answer = client.post("/instruments/scope/reserve", data={**sent, **more})
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "준비실: 배지" in page
    assert 'value="agar"' in page.split('name="answer_room.medium"')[1].split("</select>")[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"booking": {"certificate": "required"}}, "trained"),
        ({"retired_at": NOW}, "no longer offered"),
        ({"out_of_order_since": NOW}, "out of order"),
    ],
)
def test_a_needed_one_that_cannot_be_had_says_why(mina, room, scope, change, said):
    for name, value in change.items():
        setattr(room, name, value)
    db.session.commit()
    with pytest.raises(BookingRefused) as refused:
        booked(mina, scope, hours(1, 3))

    assert not isinstance(refused.value, Taken)
    assert refused_codes(refused) == ["needs-linked-instrument"]
    assert refused.value.refusals[0].limit == "room"
    assert said in refused.value.text.en


def test_an_accessory_that_is_taken_refuses_all_and_one_not_offered_is_no_choice(
    mina, jun, heater, scope
):
    booked(jun, heater, hours(2, 3))
    with pytest.raises(Taken) as refused:
        booked(mina, scope, hours(1, 3), accessories=("heater",))
    assert refused_codes(refused) == ["accessory-taken"]
    assert not any(each.interval.overlaps(hours(2, 3)) for each in refused.value.alternatives)

    with pytest.raises(Invalid):
        booked(mina, scope, hours(1, 3), accessories=("room",))
    booked(mina, scope, hours(1, 3))


def test_moving_takes_all_along_or_nothing(mina, jun, room, scope):
    made = booked(mina, scope, hours(1, 3), accessories=("heater",))
    booked(jun, room, hours(6, 7))
    with pytest.raises(Taken):
        services.change_reservation(mina, made.uid, Change(hours(5, 7)), now=NOW)
    same = (hours(1, 3), Status.CONFIRMED)
    assert all_of(made) == {"scope": same, "room": same, "heater": same}

    # It does not stand in its own way, nor do its companions.
    services.change_reservation(mina, made.uid, Change(hours(2, 4)), now=NOW)
    same = (hours(2, 4), Status.CONFIRMED)
    assert all_of(made) == {"scope": same, "room": same, "heater": same}


def test_cancelling_frees_all(mina, jun, room, scope):
    made = booked(mina, scope, hours(1, 3))
    services.cancel_reservation(mina, made.uid, now=NOW)

    assert {status for _, status in all_of(made).values()} == {Status.CANCELLED}
    booked(jun, room, hours(1, 3))


@pytest.mark.parametrize(
    ("decide", "became"),
    [
        (deciding.approve_reservation, Status.CONFIRMED),
        (deciding.reject_reservation, Status.REJECTED),
    ],
)
def test_if_one_has_to_be_approved_all_wait_and_are_decided_at_once(
    mina, sora, room, scope, decide, became
):
    room.booking = {**room.booking, "approval": "each"}
    db.session.commit()
    made = booked(mina, scope, hours(1, 3))
    assert {status for _, status in all_of(made).values()} == {Status.PENDING}

    decide(sora, made.uid, now=NOW, reason="so")
    assert {status for _, status in all_of(made).values()} == {became}


def test_use_begins_goes_on_and_ends_for_all(mina, scope):
    made = booked(mina, scope, hours(0, 2), accessories=("heater",))
    use.check_in(mina, made.uid, now=NOW)
    use.extend(mina, made.uid, hours(0, 3).end, now=NOW)
    same = (hours(0, 3), Status.IN_USE)
    assert all_of(made) == {"scope": same, "room": same, "heater": same}

    use.check_out(mina, made.uid, now=hours(0, 1).end)
    same = (hours(0, 1), Status.COMPLETED)
    assert all_of(made) == {"scope": same, "room": same, "heater": same}


def test_use_goes_on_only_while_the_room_is_free(mina, jun, room, scope):
    made = booked(mina, scope, hours(0, 2))
    booked(jun, room, hours(3, 4))
    use.check_in(mina, made.uid, now=NOW)

    assert use.extensions(made, now=NOW)[-1] == hours(0, 3).end
    with pytest.raises(Taken):
        use.extend(mina, made.uid, hours(0, 4).end, now=NOW)


def test_who_does_not_come_loses_all_and_what_nobody_ended_is_closed(mina, scope):
    missed, forgotten = booked(mina, scope, hours(0, 1)), booked(mina, scope, hours(2, 3))
    use.release_missed(hours(0, 0.5).end, bool)
    assert {status for _, status in all_of(missed).values()} == {Status.NO_SHOW}

    use.check_in(mina, forgotten.uid, now=hours(0, 2).end)
    use.close_forgotten(hours(0, 3.5).end, bool)
    assert {status for _, status in all_of(forgotten).values()} == {Status.COMPLETED}


def test_whoever_comes_to_the_room_closes_what_is_over_with_its_main(mina, jun, room, scope):
    room.booking = {**room.booking, "check_in": "asked"}
    db.session.commit()
    first, second = booked(mina, scope, hours(0, 1)), booked(jun, room, hours(1, 2))
    use.check_in(mina, first.uid, now=NOW)
    use.check_in(jun, second.uid, now=hours(0, 1).end)

    assert {status for _, status in all_of(first).values()} == {Status.COMPLETED}


ALONE: dict[str, Callable[[User, str], object]] = {
    "change": lambda by, uid: services.change_reservation(by, uid, Change(hours(5, 6)), now=NOW),
    "cancel": lambda by, uid: services.cancel_reservation(by, uid, now=NOW),
    "approve": lambda by, uid: deciding.approve_reservation(by, uid, now=NOW),
    "reject": lambda by, uid: deciding.reject_reservation(by, uid, now=NOW, reason="so"),
    "check in": lambda by, uid: use.check_in(by, uid, now=NOW, reason="so"),
    "check out": lambda by, uid: use.check_out(by, uid, now=NOW, reason="so"),
    "extend": lambda by, uid: use.extend(by, uid, hours(1, 9).end, now=NOW, reason="so"),
    "no-show": lambda by, uid: use.mark_no_show(by, uid, now=NOW, reason="so"),
}


@pytest.mark.parametrize("deed", ALONE)
def test_nobody_acts_on_a_companion_alone(mina, sora, scope, deed):
    made = booked(mina, scope, hours(1, 3))
    (companion,) = linked.companions(made)
    before = all_of(made)
    for by in (mina, sora):
        with pytest.raises(WrongState, match=r"Electron microscope"):
            ALONE[deed](by, companion.uid)
    assert all_of(made) == before


def test_free_times_are_those_of_all(app, mina, jun, room, scope):
    assert scope.id in free_times.free_today(NOW)
    booked(jun, room, hours(0, 8))
    booked(jun, room, hours(8, 9))
    within = hours(0, 24)
    found = Search(
        Wanted(wish=Wish(hours(0, 1).duration, within), among=Filter(), instruments=("scope",)),
        mina,
        NOW,
    ).slots(limit=1)
    assert [offer.interval for offer in found] == [hours(9, 10)]
    assert not any(
        each.overlaps(hours(0, 9)) for each in free_times.next_free(scope, mina, now=NOW)
    )

    assert scope.id not in free_times.free_today(NOW)


def test_what_cannot_be_offered_at_all_is_left_out_with_its_reason(app, mina, room, scope):
    room.out_of_order_since = NOW
    db.session.commit()
    wanted = Wanted(wish=Wish(hours(0, 1).duration, hours(0, 24)), instruments=("scope",))
    search = Search(wanted, mina, NOW)

    assert search.slots(limit=1) == []
    assert search.left_out == {"needs-linked-instrument": 1}
    assert free_times.next_free(scope, mina, now=NOW) == []
    assert scope.id not in free_times.free_today(NOW)


def wait_for(user, slug, interval=SLOT, **fields):
    wish = waitlist.Wish(within=interval, instruments=[slug], purpose="x", **fields)
    return waitlist.ask(user, wish, now=NOW)


def offered(user):
    """What is held for the person, of all that is offered together."""
    found = waitlist.offers_to(user, now=NOW)
    return all_of(found[0].reservation) if found else {}


def test_whoever_waits_is_offered_all_of_it_at_once(mina, jun, scope):
    made = booked(jun, scope, SLOT)
    wait_for(mina, "scope")
    services.cancel_reservation(jun, made.uid, now=NOW)

    held = (SLOT, Status.OFFERED)
    assert offered(mina) == {"scope": held, "room": held}


def test_time_of_what_is_needed_is_offered_once_the_worker_has_all_calendars(
    mina, jun, room, scope
):
    made = booked(jun, room, SLOT)
    wait = wait_for(mina, "scope")
    services.cancel_reservation(jun, made.uid, now=NOW)
    assert offered(mina) == {}  # Whoever freed the room has not the turn of the microscope.
    jobs.tend_waitlist(NOW)
    assert set(offered(mina)) == {"scope", "room"}
    assert waitlist.of_user(wait.uid, mina).state is WaitState.OFFERED


def test_what_is_taken_becomes_a_reservation_of_all(mina, jun, scope):
    made = booked(jun, scope, SLOT)
    wait_for(mina, "scope")
    services.cancel_reservation(jun, made.uid, now=NOW)
    [offer] = waitlist.offers_to(mina, now=NOW)
    done = waitlist.accept(mina, offer.reservation.uid, now=NOW)

    same = (SLOT, Status.CONFIRMED)
    assert all_of(done) == {"scope": same, "room": same}
    services.cancel_reservation(mina, done.uid, now=NOW)
    assert {status for _, status in all_of(done).values()} == {Status.CANCELLED}


@pytest.mark.parametrize("ended", ["declined", "expired", "withdrawn"])
def test_what_is_not_taken_frees_all_and_goes_to_the_next(mina, jun, room, scope, ended):
    third = factories.user("third", institution=room.facility.institution)
    made = booked(jun, scope, SLOT)
    wait = wait_for(mina, "scope")
    wait_for(third, "scope")
    services.cancel_reservation(jun, made.uid, now=NOW)
    [offer] = waitlist.offers_to(mina, now=NOW)
    match ended:
        case "declined":
            waitlist.decline(mina, offer.reservation.uid, now=NOW)
        case "withdrawn":
            waitlist.withdraw(mina, wait.uid, now=NOW)
        case _:
            jobs.tend_waitlist(offer.expires_at)

    lapsed = db.session.get_one(Reservation, offer.reservation_id)
    assert {status for _, status in all_of(lapsed).values()} == {Status.LAPSED}
    assert set(offered(third)) == {"scope", "room"}


def test_nothing_is_offered_while_a_part_of_it_is_held(mina, jun, room, scope):
    made = booked(jun, scope, SLOT)
    other = booked(jun, room, hours(27, 28))
    wait_for(mina, "scope", hours(24, 28), duration=SLOT.duration)
    services.cancel_reservation(jun, made.uid, now=NOW)
    assert set(offered(mina)) == {"scope", "room"}
    waitlist.decline(mina, waitlist.offers_to(mina, now=NOW)[0].reservation.uid, now=NOW)
    jobs.tend_waitlist(NOW)
    assert offered(mina) == {}  # The only other hours are partly those of the room.
    services.cancel_reservation(jun, other.uid, now=NOW)
    jobs.tend_waitlist(NOW)
    assert {held for held, _ in offered(mina).values()} == {hours(26, 28)}


def test_where_a_needed_one_is_gone_others_are_offered_all_the_same(mina, jun, room, scope):
    made = booked(jun, scope, SLOT)
    wait_for(mina, "scope")
    scope.needs = ["room", "gone"]
    db.session.commit()
    services.cancel_reservation(jun, made.uid, now=NOW)
    jobs.tend_waitlist(NOW)
    assert offered(mina) == {}


def closed(sora, thing, way, start=None, made=None):
    (hit,) = closures.reserved_during([thing], [hours(1, 3)], now=NOW)
    assert hit.uid == made.uid, "the main reservation gives way"
    closures.close_time(
        sora,
        thing.facility,
        Closure(interval=hours(1, 3), kind=BlackoutKind.MAINTENANCE, instrument_id=thing.id),
        now=NOW,
        answers={hit.uid: Answer(way, hit.version, start)},
    )


def test_closing_the_room_moves_or_cancels_all(mina, sora, room, scope):
    moved = booked(mina, scope, hours(2, 3))
    closed(sora, room, Way.MOVE, hours(5, 6).start, made=moved)
    same = (hours(5, 6), Status.CONFIRMED)
    assert all_of(moved) == {"scope": same, "room": same}


def test_closing_the_instrument_cancels_its_room_too(mina, jun, sora, room, scope):
    made = booked(mina, scope, hours(2, 3))
    closed(sora, scope, Way.CANCEL, made=made)
    assert {status for _, status in all_of(made).values()} == {Status.CANCELLED}
    booked(jun, room, hours(2, 3))


def test_my_reservations_mails_and_pages_name_what_comes_along(app, client, fixed_now, mina, scope):
    made = booked(mina, scope, hours(1, 3))
    (companion,) = linked.companions(made)
    assert [each.uid for each in queries.of_holder(mina, now=NOW)] == [made.uid]
    (mail,) = db.session.scalars(select(OutgoingMail)).all()
    assert "함께 예약: 준비실" in message(mail).get_body(("plain",)).get_content()

    client.sign_in(mina)
    assert "준비실" in client.get(f"/reservations/{made.uid}").text
    page = client.get(f"/reservations/{companion.uid}").text
    assert f"/reservations/{made.uid}" in page
    assert f"/reservations/{companion.uid}/cancel" not in page


def test_the_form_shows_what_comes_along_and_offers_accessories(
    app, client, fixed_now, mina, scope
):
    client.sign_in(mina)
    page = client.get("/instruments/scope/reserve").text
    assert "준비실" in page
    assert 'value="heater"' in page

    token = client.form_token("/instruments/scope/reserve")
    sent = {**typed(1, 3), "accessories": "heater", "csrf_token": token}
    answer = client.post("/instruments/scope/reserve", data=sent)
    assert answer.status_code == 303
    db.session.rollback()
    uid = answer.headers["Location"].rsplit("/", 1)[-1]
    made = db.session.scalars(select(Reservation).where(Reservation.uid == uid)).one()
    assert set(all_of(made)) == {"scope", "room", "heater"}


def test_a_person_with_a_companion_is_in_one_place(mina, microscope, scope):
    """What is reserved along is no second place, and the main one is counted once."""
    microscope.booking = {**microscope.booking, "two_places": "refuse"}
    scope.booking = {**scope.booking, "two_places": "refuse"}
    db.session.commit()
    made = booked(mina, scope, hours(1, 3))
    services.change_reservation(mina, made.uid, Change(hours(2, 4)), now=NOW)
    with pytest.raises(BookingRefused) as refused:
        booked(mina, microscope, hours(2, 3))
    assert refused_codes(refused) == ["in-two-places"]


def test_answers_of_what_comes_along_are_read_once_for_all_that_wait(
    client, fixed_now, mina, sora, room, scope
):
    with transaction():
        room.booking = {**room.booking, "approval": "each", "questions": [MEDIUM]}
    client.sign_in(sora)
    sent = []
    for n in range(3):
        booked(mina, scope, hours(2 * n, 2 * n + 1), answers={"medium": f"agar {n}"})
        sent.append(statements(lambda: client.get("/approvals")))
        assert f"agar {n}" in client.get("/approvals").text
    assert sent[2] == sent[1]
