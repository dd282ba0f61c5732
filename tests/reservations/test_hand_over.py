"""A reservation is handed over: by the rules and at the price for whoever takes it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.calendars.models import Cancelled, Detail, FeedKind
from app.calendars.services import FeedRequest, make_feed
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Stale, WrongState
from app.domain.hand_over import HandOverEnd
from app.domain.recurrence import Recurrence
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import (
    commissions,
    deciding,
    hand_over_queries,
    hand_overs,
    jobs,
    linked,
    participants,
    placing,
    queries,
    questions,
    series,
    services,
    since_approval,
)
from app.reservations.commissions import Order
from app.reservations.history import happenings
from app.reservations.new_holder import Terms
from app.reservations.placing import Placement
from app.reservations.series import Repeat
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.projects.test_projects import account_of, project_of, split
from tests.reservations.conftest import booked


@pytest.fixture
def offered(mina, jun, microscope):
    """Mina's reservation, which Jun may take over."""
    reservation = booked(mina, microscope, hours(1, 2))
    hand_overs.offer(mina, reservation.uid, "Jun@example.org", now=NOW)
    return reservation


def told(reader):
    db.session.rollback()
    wanted = select(OutgoingMail).where(OutgoingMail.recipient == reader.email)
    return list(db.session.scalars(wanted.order_by(OutgoingMail.id)))


def news(reader):
    return [mail.particulars["event"] for mail in told(reader) if mail.template == "hand_over"]


def test_it_is_the_holders_until_it_is_taken_and_then_the_other_ones(app, mina, jun, offered):
    assert offered.holder_id == mina.id
    sequence = offered.sequence
    taken = hand_overs.take(jun, offered.uid, now=NOW)
    assert (taken.holder_id, taken.institution_id, taken.status) == (
        jun.id, jun.affiliations[0].institution_id, Status.CONFIRMED,
    )  # fmt: skip
    assert taken.sequence > sequence
    with pytest.raises(NotFound):
        queries.by_uid(offered.uid, viewer=mina)
    services.cancel_reservation(jun, offered.uid, now=NOW)
    assert news(mina) == ["taken"]
    assert [mail.template for mail in told(jun)] == [
        "hand_over", "reservation_confirmed", "reservation_cancelled",
    ]  # fmt: skip
    with app.test_request_context():
        assert "넘겨받음" in [each.what for each in happenings(taken, manages=False)]


def test_every_mail_of_it_can_be_read(mina, jun, sora, microscope):
    one, two = (booked(mina, microscope, hours(n, n + 1)) for n in (1, 3))
    hand_overs.offer(sora, one.uid, jun.email, reason="rest", now=NOW)
    hand_overs.decline(jun, one.uid, now=NOW)
    hand_overs.offer(mina, two.uid, jun.email, now=NOW)
    jobs.follow_use(NOW + timedelta(hours=3))
    assert news(mina) == ["offered_for_you", "declined", "expired"]
    assert (news(sora), news(jun)) == (["declined"], ["offered", "offered"])
    for mail in (*told(mina), *told(jun)):
        written = message(mail)
        text = written.get_body(("plain",)).get_content()
        assert one.instrument.name_ko in written["Subject"]
        assert ("/take-over" in text) is (mail.particulars.get("event") == "offered")


def test_it_is_judged_by_the_rules_for_whoever_takes_it(mina, jun, theo, microscope):
    with transaction():
        microscope.facility.booking = {"questions": [
            {"key": "sample", "label": {"ko": "시료", "en": "Sample"}, "required": True}
        ]}  # fmt: skip
    reservation = booked(mina, microscope, hours(1, 2), answers={"sample": "mine"})
    hand_overs.offer(mina, reservation.uid, jun.email, now=NOW)
    with pytest.raises(BookingRefused):
        hand_overs.take(jun, reservation.uid, now=NOW)
    with pytest.raises(Stale):
        hand_overs.take(jun, reservation.uid, Terms({"sample": "his"}), version=9, now=NOW)
    with pytest.raises(NotFound):
        hand_overs.take(theo, reservation.uid, now=NOW)
    assert queries.by_uid(reservation.uid, viewer=mina).holder_id == mina.id
    taken = hand_overs.take(jun, reservation.uid, Terms({"sample": "his"}), now=NOW)
    assert taken.answers == {"sample": "his"}


def test_it_waits_for_approval_where_a_new_one_of_theirs_would(mina, jun, sora, guarded):
    reservation = booked(mina, guarded, hours(1, 2))
    deciding.approve_reservation(sora, reservation.uid, reason="for Mina", now=NOW)
    hand_overs.offer(mina, reservation.uid, jun.email, now=NOW)
    taken = hand_overs.take(jun, reservation.uid, now=NOW)
    assert (taken.status, taken.decision_reason) == (Status.PENDING, "")
    assert [(stage.round, stage.is_open) for stage in taken.stages] == [(1, True)]
    assert [mail.template for mail in told(sora)].count("reservation_awaits") == 2
    assert "for Mina" not in str([mail.particulars for mail in told(jun)])


def test_it_is_confirmed_at_once_where_nobody_has_to_agree_to_them(mina, jun, sora, guarded):
    reservation = booked(mina, guarded, hours(1, 2))
    hand_overs.offer(mina, reservation.uid, sora.email, now=NOW)
    taken = hand_overs.take(sora, reservation.uid, now=NOW)
    assert (taken.status, taken.stages, taken.decide_by) == (Status.CONFIRMED, [], None)


def test_what_the_one_was_asked_back_is_not_for_the_other_to_answer(mina, jun, sora, guarded):
    reservation = booked(mina, guarded, hours(100, 101))
    questions.ask_holder(sora, reservation.uid, "Fixed samples?", now=NOW)
    hand_overs.offer(mina, reservation.uid, jun.email, now=NOW)
    taken = hand_overs.take(jun, reservation.uid, now=NOW)
    assert (taken.status, taken.answer_by, taken.questions) == (Status.PENDING, None, [])
    assert deciding.approve_reservation(sora, taken.uid, now=NOW).status is Status.CONFIRMED


def test_what_was_said_for_the_one_is_not_shown_to_the_other(app, mina, jun, sora, guarded):
    with transaction():
        guarded.booking = {"approval": "each", "questions": [
            {"key": "sample", "label": {"ko": "시료", "en": "Sample"}, "required": True}
        ]}  # fmt: skip
    made = booked(mina, guarded, hours(1, 2), note="my secret", answers={"sample": "secret one"})
    deciding.approve_reservation(sora, made.uid, now=NOW)
    change = Change(note="another secret", answers={"sample": "secret two"})
    services.change_reservation(mina, made.uid, change, now=NOW)
    hand_overs.offer(mina, made.uid, jun.email, now=NOW)
    taken = hand_overs.take(jun, made.uid, Terms({"sample": "his"}), now=NOW)
    assert (taken.note, taken.answers) == ("", {"sample": "his"})
    services.change_reservation(jun, made.uid, Change(note="his own"), now=NOW)
    with app.test_request_context():
        shown, managed = (str(happenings(taken, manages=manages)) for manages in (False, True))
        assert ("secret" in shown, "his own" in shown, "secret" in managed) == (False, True, True)
        # Nothing was agreed to for him, so nothing has changed since.
        assert since_approval.differences([taken]) == {}


def test_it_costs_what_it_costs_whoever_takes_it(mina, theo, microscope):
    with transaction():
        microscope.prices = {"unit": "hour", "own_institution": 10_000, "partner": 15_000}
    reservation = booked(mina, microscope, hours(1, 2))
    hand_overs.offer(mina, reservation.uid, theo.email, now=NOW)
    taken = hand_overs.take(theo, reservation.uid, now=NOW)
    assert taken.quote["net"] == 15_000


def test_what_was_reserved_along_and_a_date_of_a_series_go_with_it(mina, jun, microscope):
    room = factories.instrument(slug="room", facility=microscope.facility)
    main = factories.instrument(slug="main", facility=microscope.facility, needs=["room"])
    one = booked(mina, main, hours(1, 2))
    hand_overs.offer(mina, one.uid, jun.email, now=NOW)
    hand_overs.take(jun, one.uid, now=NOW)
    assert room.id in {
        each.instrument_id for each in queries.listed(jun) if each.holder_id == jun.id
    }
    request = BookingRequest(microscope.slug, hours(1, 2), purpose="x")
    rule = Repeat(Recurrence.parse("FREQ=WEEKLY;COUNT=3"))
    first = series.request_series(mina, request, rule, now=NOW)
    hand_overs.offer(mina, first.uid, jun.email, now=NOW)
    taken = hand_overs.take(jun, first.uid, now=NOW)
    assert (taken.series, len(queries.of_holder(mina, now=NOW))) == (None, 2)


def test_what_is_reserved_along_keeps_their_answers_too(mina, jun, microscope):
    question = {"key": "sample", "label": {"ko": "시료", "en": "Sample"}, "required": True}
    here = microscope.facility
    factories.instrument(slug="room", facility=here, booking={"questions": [question]})
    main = factories.instrument(slug="main", facility=here, needs=["room"])
    one = booked(mina, main, hours(1, 2), note="my secret", answers={"sample": "hers"})
    hand_overs.offer(mina, one.uid, jun.email, now=NOW)
    with pytest.raises(BookingRefused):
        hand_overs.take(jun, one.uid, now=NOW)
    hand_overs.take(jun, one.uid, Terms({"sample": "his"}), now=NOW)
    along = linked.companions(queries.by_uid(one.uid, viewer=jun))
    assert [(each.note, each.answers) for each in along] == [("", {"sample": "his"})]
    with pytest.raises(WrongState):
        hand_overs.offer(jun, along[0].uid, mina.email, now=NOW)


def test_the_operator_stays_or_another_attends_it_and_each_is_told(mina, jun, microscope):
    booking = {"operator": "required", "modes": ["operator_assisted"]}
    instrument = factories.instrument(facility=factories.facility(booking=booking))
    one, two = (factories.operator(factories.user(each), instrument) for each in ("o1", "o2"))
    made = booked(mina, instrument, hours(1, 2), mode=Mode.ASSISTED)
    first, second = (one, two) if made.operator_id == one.user_id else (two, one)
    hand_overs.offer(mina, made.uid, jun.email, now=NOW)
    assert hand_overs.take(jun, made.uid, now=NOW).operator_id == first.user_id
    hand_overs.offer(jun, made.uid, mina.email, now=NOW)
    with transaction():
        first.ended_at = NOW
    assert hand_overs.take(mina, made.uid, now=NOW).operator_id == second.user_id
    events = [[mail.particulars["event"] for mail in told(each.user)] for each in (first, second)]
    assert events == [["assigned", "changed", "off"], ["assigned"]]


def test_who_offers_it_for_the_holder_says_why_and_others_may_not(mina, jun, sora, offered):
    with pytest.raises(NotFound):
        hand_overs.offer(jun, offered.uid, "other@example.org", now=NOW)
    with pytest.raises(WrongState):
        hand_overs.offer(mina, offered.uid, "other@example.org", now=NOW)
    hand_overs.withdraw(mina, offered.uid, now=NOW)
    with pytest.raises(Invalid):
        hand_overs.offer(sora, offered.uid, jun.email, now=NOW)
    for wrong in ("no address", mina.email):
        with pytest.raises(Invalid):
            hand_overs.offer(mina, offered.uid, wrong, now=NOW)
    assert news(jun) == ["offered", "withdrawn"]
    with pytest.raises(WrongState):
        hand_overs.take(jun, offered.uid, now=NOW)


def test_an_address_without_account_is_answered_like_any_other(mina, microscope):
    reservation = booked(mina, microscope, hours(1, 2))
    made = hand_overs.offer(mina, reservation.uid, "nobody@example.org", now=NOW)
    again = hand_overs.offer(mina, reservation.uid, "nobody@example.org", now=NOW)
    assert (made.id, made.outcome) == (again.id, None)


def test_it_ends_when_the_reservation_begins_or_is_cancelled(mina, jun, microscope, offered):
    late = NOW + timedelta(hours=1)
    with pytest.raises(WrongState):
        hand_overs.take(jun, offered.uid, now=late)
    other = booked(mina, microscope, hours(3, 4))
    hand_overs.offer(mina, other.uid, jun.email, now=NOW)
    services.cancel_reservation(mina, other.uid, now=NOW)
    assert [each.reservation.uid for each in hand_over_queries.all_to(jun, now=NOW)] == [
        offered.uid
    ]
    with pytest.raises(WrongState):
        hand_overs.take(jun, other.uid, now=NOW)
    jobs.follow_use(late)
    jobs.follow_use(late)
    ends = [hand_over_queries.offered_to(each.uid, jun).outcome for each in (offered, other)]
    assert ends == [HandOverEnd.EXPIRED, HandOverEnd.WITHDRAWN]
    assert (news(mina), news(jun)) == (["expired"], ["offered", "offered", "withdrawn"])


def test_it_is_another_time_that_was_offered_once_it_is_moved(mina, jun, theo, offered):
    services.change_reservation(mina, offered.uid, Change(hours(3, 4)), now=NOW)
    with pytest.raises(WrongState):
        hand_overs.take(jun, offered.uid, now=NOW)
    assert hand_over_queries.all_to(jun, now=NOW) == []
    hand_overs.offer(mina, offered.uid, theo.email, now=NOW)  # nothing else stands open
    assert news(jun) == ["offered", "withdrawn"]
    assert hand_overs.take(theo, offered.uid, now=NOW).holder_id == theo.id


def test_their_own_accounts_pay(client, fixed_now, mina, jun, microscope):
    with transaction():
        microscope.booking = {"account": "required"}
        microscope.prices = {"unit": "hour", "own_institution": 10_000, "partner": 10_000}
    for each, number in ((mina, "K-1"), (jun, "K-2")):
        account_of(each, number, project_of(each, microscope.facility.institution))
    theirs, his = (split((number, 100)).shares for number in ("K-1", "K-2"))
    reservation = booked(mina, microscope, hours(1, 2), shares=theirs)
    hand_overs.offer(mina, reservation.uid, jun.email, now=NOW)
    for wrong in ((), theirs):
        with pytest.raises(BookingRefused):
            hand_overs.take(jun, reservation.uid, Terms(shares=wrong), now=NOW)
    page = f"/reservations/{reservation.uid}/take-over"
    client.sign_in(jun)
    token, asked = client.form_token(page), client.get(page).text
    assert "10,000원" in asked
    assert 'name="share_K-2"' in asked
    assert "K-1" not in asked
    answer = client.post(page, data={"csrf_token": token, "share_K-2": "60"})
    assert answer.status_code == 422
    assert 'name="share_K-2" type="text" value="60"' in answer.text

    taken = hand_overs.take(jun, reservation.uid, Terms(shares=his), now=NOW)
    assert [each["account"] for each in taken.shares] == ["K-2"]
    assert "K-1" not in str((taken.charging, taken.quote))


def test_the_time_of_a_commission_is_not_handed_over(
    client, fixed_now, mina, jun, sora, microscope
):
    modes = {"modes": ["commissioned"]}
    lab = factories.instrument(slug="lab", facility=microscope.facility, booking=modes)
    asked = commissions.ask(mina, Order(instrument="lab", purpose="lipids", samples=4), now=NOW)
    placed = placing.place(sora, asked.uid, Placement(hours(1, 2)), now=NOW).reservation
    with pytest.raises(WrongState, match="commissioned analysis"):
        hand_overs.offer(mina, placed.uid, jun.email, now=NOW)
    client.sign_in(mina)
    assert 'id="hand-over"' not in client.get(f"/reservations/{placed.uid}").text

    alone = booked(mina, lab, hours(3, 4), mode=Mode.COMMISSIONED, samples=1)
    assert hand_overs.offer(mina, alone.uid, jun.email, now=NOW)


def test_a_suspended_account_takes_nothing_over(mina, jun, offered):
    with transaction():
        jun.active = False
    with pytest.raises(NotAllowed):
        hand_overs.take(jun, offered.uid, now=NOW)


def test_it_leaves_the_feed_of_the_one_and_comes_into_that_of_the_other(
    client, fixed_now, mina, jun, offered
):
    feeds = {}
    participants.add(mina, offered.uid, jun.email, now=NOW)
    for who in (mina, jun):
        wish = FeedRequest(FeedKind.MINE, None, Detail.FULL, Cancelled.OMIT, "mine")
        feeds[who.email] = f"/calendars/{make_feed(who, wish, now=NOW)[1]}.ics"

    def shown(who):
        return offered.uid in client.get(feeds[who.email]).text

    assert (shown(mina), shown(jun)) == (True, True)
    hand_overs.take(jun, offered.uid, now=NOW)
    assert (shown(mina), shown(jun)) == (False, True)
    services.change_reservation(jun, offered.uid, Change(hours(5, 6)), now=NOW)
    assert "T230000" in client.get(feeds[jun.email]).text
    assert participants.of(offered) == []


def test_the_pages_offer_take_and_decline(client, fixed_now, mina, jun, microscope):
    reservation = booked(mina, microscope, hours(1, 2))
    page = f"/reservations/{reservation.uid}"
    client.sign_in(mina)

    def post(path, **fields):
        form = {"csrf_token": client.form_token(shown), **fields}
        return client.post(path, data=form, follow_redirects=True)

    shown = page
    assert 'role="alert"' in post(f"{page}/new-holder", email="no address").text
    assert jun.email in post(f"{page}/new-holder", email=jun.email).text
    client.sign_in(jun)
    shown = f"{page}/take-over"
    assert shown in client.get("/reservations").text
    assert client.get(page).status_code == 404
    assert shown not in post(f"{shown}/decline").text
    assert "넘겨받을 수 없습니다" in client.get(shown).text
    hand_overs.offer(mina, reservation.uid, jun.email, now=NOW)
    answer = post(shown, version=str(reservation.version))
    assert (answer.status_code, answer.request.path) == (200, page)
