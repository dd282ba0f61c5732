"""Operators: who attends what, however it came to be, and nobody attends two at once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select

from app.accounts.models import Absence
from app.catalog.models import BlackoutKind
from app.db import db, transaction
from app.domain.booking import AffiliationClass, BookingRequest, Mode
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Taken, WrongState
from app.domain.interval import Interval
from app.domain.rate_card import Rate, RateCard, Unit
from app.domain.recurrence import Recurrence
from app.domain.wish import Wish
from app.mail.models import OutgoingMail
from app.rates import services as rates
from app.rates.services import NewRates
from app.reservations import (
    attendance,
    availability,
    closures,
    deciding,
    offering,
    operators,
    series,
    services,
    use,
    waitlist,
)
from app.reservations.closures import Closure, Every
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours

MODES = ["self_operated", "operator_assisted", "commissioned"]


@pytest.fixture
def scope(app):
    """An instrument that needs an operator, another of the same facility, and one operator."""
    facility = factories.facility(booking={"operator": "required", "modes": MODES})
    first = factories.instrument(slug="first", facility=facility)
    second = factories.instrument(slug="second", facility=facility)
    factories.operator(factories.user("o1", name="가 담당"), first, second)
    return first, second


def ask(person, instrument, interval, mode=Mode.ASSISTED, **fields):
    request = BookingRequest(instrument.slug, interval, purpose="p", mode=mode)
    return services.request_reservation(person, request, now=NOW, **fields)


def told(person):
    return [
        (mail.template, mail.particulars.get("event"))
        for mail in db.session.scalars(
            select(OutgoingMail)
            .where(OutgoingMail.recipient == person.email)
            .order_by(OutgoingMail.id)
        )
    ]


def test_the_operator_is_assigned_and_told(scope, mina):
    made = ask(mina, scope[0], hours(1, 3))

    assert made.operator.name == "가 담당"
    assert told(made.operator) == [("operator_told", "assigned")]


def test_who_works_it_alone_has_no_operator(scope, mina):
    assert ask(mina, scope[0], hours(1, 3), Mode.SELF_OPERATED).operator is None


def test_one_operator_serves_one_instrument_at_a_time(scope, mina, jun):
    ask(mina, scope[0], hours(1, 3))

    with pytest.raises(Taken) as taken:
        ask(jun, scope[1], hours(2, 4))

    assert [each.code for each in taken.value.refusals] == ["operator-busy"]
    own = [each.interval for each in taken.value.alternatives if each.instrument == "second"]
    assert own[0] == hours(3, 5)
    assert ask(jun, scope[1], hours(3, 5)).operator


def test_hours_are_those_of_the_facility_across_a_change_of_the_clocks(app, mina):
    berlin = factories.facility(timezone="Europe/Berlin", booking={"operator": "required"})
    instrument = factories.instrument(facility=berlin, booking={"modes": MODES, "earliest": "P60D"})
    factories.operator(factories.user("o"), instrument, hours={"daily": ["08:00-10:00"]})

    def at(day, hour):
        start = datetime(2026, 3, day, hour, tzinfo=UTC)
        return Interval(start, start + timedelta(hours=2))

    assert ask(mina, instrument, at(28, 7)).operator  # 08:00 in winter
    assert ask(mina, instrument, at(29, 6)).operator  # 08:00 in summer, which begins that night
    with pytest.raises(BookingRefused):
        ask(mina, instrument, at(30, 7))


def test_nobody_is_assigned_while_away(scope, mina):
    one = db.session.scalars(select(operators.Operator)).one()
    away = Absence(
        user_id=one.user_id, deputy_id=mina.id, entered_at=NOW,
        first_day=date(2026, 3, 3), last_day=date(2026, 3, 3),
    )  # fmt: skip
    factories.save(away)

    with pytest.raises(BookingRefused) as refused:
        ask(mina, scope[0], hours(20, 22))

    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.limit) == ("operator-busy", "2026-03-03T15:00:00Z")


def test_moved_it_keeps_its_operator_or_gets_the_other_who_are_told(scope, mina):
    other = factories.user("o2", name="나 담당")
    factories.operator(other, *scope)
    ask(mina, scope[1], hours(5, 7))
    made = ask(mina, scope[0], hours(1, 3))
    assert made.operator.name == "나 담당"
    ask(mina, scope[1], hours(9, 11), Mode.COMMISSIONED)

    moved = services.change_reservation(mina, made.uid, Change(hours(5, 7)), now=NOW)

    assert moved.operator == other
    assert told(other)[-1] == ("operator_told", "changed")


def test_a_series_is_shared_out_and_judged_date_by_date(scope, mina):
    factories.operator(factories.user("o2", name="나 담당"), *scope)
    repeat = series.Repeat(Recurrence.parse("FREQ=DAILY;COUNT=4"))
    request = BookingRequest("first", hours(1, 3), purpose="p", mode=Mode.ASSISTED)
    made = series.request_series(mina, request, repeat, now=NOW)

    names = [each.operator.name for each in series.members_of(made)]
    assert names == ["가 담당", "나 담당", "가 담당", "나 담당"]

    third = factories.instrument(facility=scope[0].facility)
    with transaction():
        for each in db.session.scalars(select(operators.Operator)):
            each.instruments.append(db.session.merge(third))
    ask(mina, third, hours(49, 51))
    with pytest.raises(Taken) as refused:
        series.request_series(mina, replace(request, instrument="second"), repeat, now=NOW)
    (refusal,) = refused.value.refusals
    assert refusal.code == "operator-busy"
    assert refusal.reason.en.startswith("Wed 4 Mar")


def test_a_manager_sets_it_aside_and_chooses_later(scope, mina, jun):
    sora = factories.user("sora", manages=scope[0].facility)
    held = ask(mina, scope[0], hours(1, 3))
    bare = ask(sora, scope[1], hours(2, 4), override="they help themselves")
    assert bare.operator is None
    assert bare.refusals_overridden == ["operator-busy"]

    with pytest.raises(Invalid):
        operators.choose(sora, bare.uid, "o1@example.org", now=NOW)
    services.cancel_reservation(mina, held.uid, now=NOW)
    done = operators.choose(sora, bare.uid, "o1@example.org", now=NOW)

    assert done.operator.name == "가 담당"
    assert [event for _, event in told(done.operator)] == ["assigned", "ended", "assigned"]


def test_approving_finds_another_where_the_first_is_away_by_then(scope, mina):
    facility = scope[0].facility
    slow = factories.instrument(slug="slow", facility=facility, booking={"approval": "each"})
    sora = factories.user("sora", manages=facility)
    one, two = factories.user("o3", name="다 담당"), factories.user("o4", name="라 담당")
    factories.operator(one, slow)
    asked = ask(mina, slow, hours(20, 22))
    assert asked.operator == one
    factories.save(
        Absence(user_id=one.id, deputy_id=mina.id, entered_at=NOW,
                first_day=date(2026, 3, 3), last_day=date(2026, 3, 3))
    )  # fmt: skip

    with pytest.raises(BookingRefused):
        deciding.approve_reservation(sora, asked.uid, now=NOW)
    factories.operator(two, slow)
    done = deciding.approve_reservation(sora, asked.uid, now=NOW)

    assert done.operator == two
    assert told(one)[-1] == ("operator_told", "off")


def test_use_goes_on_only_while_the_operator_can_stay(scope, mina, jun):
    with transaction():
        scope[0].booking = {**scope[0].booking, "check_in": "asked"}
        db.session.merge(scope[0])
    made = ask(mina, scope[0], hours(0, 2))
    ask(jun, scope[1], hours(2, 4))
    use.check_in(mina, made.uid, now=NOW)

    with pytest.raises(BookingRefused) as refused:
        use.extend(mina, made.uid, hours(0, 3).end, now=NOW)
    assert [each.code for each in refused.value.refusals] == ["operator-busy"]


def test_one_is_assigned_only_if_one_is_free_where_it_is_but_asked(app, mina, jun):
    instrument = factories.instrument(capacity=2, booking={"operator": "asked", "modes": MODES})
    factories.operator(factories.user("o"), instrument)
    assert ask(mina, instrument, hours(1, 3)).operator
    assert ask(jun, instrument, hours(1, 3)).operator is None


def test_managers_name_operators_with_hours_that_make_sense(scope):
    facility = scope[0].facility
    sora = factories.user("sora", manages=facility)
    factories.user("new")
    far = factories.instrument(slug="far")

    def name(email="new@example.org", hours_={"mon": ["09:00-18:00"]}, slugs=("first",)):  # noqa: B006
        return operators.name(sora, facility, email, operators.Named(hours_, slugs), now=NOW)

    for wrong, field in (
        ({"email": "nobody@example.org"}, "email"),
        ({"email": "o1@example.org"}, "email"),
        ({"hours_": {"noday": []}}, "hours"),
        ({"hours_": {"mon": []}}, "hours"),
        ({"slugs": ()}, "instruments"),
        ({"slugs": (far.slug,)}, "instruments"),
    ):
        with pytest.raises(Invalid) as refused:
            name(**wrong)
        assert set(refused.value.fields) == {field}
    made = name()
    changed = operators.change(
        sora, facility, made.id, operators.Named({"tue": ["10:00-12:00"]}, ("second",)), now=NOW
    )
    assert [each.slug for each in changed.instruments] == ["second"]
    operators.end(sora, facility, made.id, now=NOW)
    assert len(operators.duties.named_at(facility)) == 1


def test_nobody_can_be_chosen_for_what_is_worked_alone(scope, mina):
    sora = factories.user("sora", manages=scope[0].facility)
    made = ask(mina, scope[0], hours(1, 3), Mode.SELF_OPERATED)
    with pytest.raises(WrongState):
        operators.choose(sora, made.uid, "o1@example.org", now=NOW)


def test_a_manager_names_an_operator_and_chooses_who_attends_by_the_pages(
    scope, mina, client, fixed_now
):
    facility = scope[0].facility
    client.sign_in(factories.user("sora", manages=facility))
    factories.user("o2", name="나 담당")
    page = f"/facilities/{facility.slug}/operators"
    sent = {"csrf_token": client.form_token(page), "email": "o2@example.org", "hours": "월 25:00"}

    refused = client.post(page, data=sent)
    assert refused.status_code == 422
    assert "월-금 09:00-18:00" in refused.text
    named = client.post(page, data=sent | {"hours": "매일 24h", "instruments": ["first"]})
    assert named.status_code == 303
    assert "나 담당" in client.get(page).text

    made = ask(mina, scope[0], hours(1, 3))
    there = f"/reservations/{made.uid}"
    sent = {"csrf_token": client.form_token(there), "email": "o2@example.org", "version": "1"}
    answer = client.post(f"{there}/operator", data=sent)
    assert answer.status_code == 303, answer.text
    assert "나 담당 님이 담당하며" in client.get(there).text


def test_a_search_in_that_mode_offers_what_can_be_had(scope, mina, jun):
    ask(mina, scope[1], hours(1, 3))
    ask(mina, scope[0], hours(7, 9), Mode.COMMISSIONED)

    def found(mode):
        wish = Wish(timedelta(hours=2), hours(0, 24))
        wanted = availability.Wanted(wish=wish, instruments=("first",), mode=mode)
        return [each.interval for each in availability.Search(wanted, jun, NOW).slots(limit=99)]

    alone, assisted = found(Mode.SELF_OPERATED), found(Mode.ASSISTED)
    assert hours(1, 3) in alone
    assert assisted == [each for each in alone if not each.overlaps(hours(1, 3))]
    for slot in assisted[:3]:
        request = BookingRequest("first", slot, mode=Mode.ASSISTED)
        assert services.try_reservation(jun, request, now=NOW).refusals == ()


def test_with_an_operator_it_costs_the_time_and_the_operators_fee(app, mina):
    instrument = factories.instrument(booking={"modes": MODES})
    by_the_hour = tuple(
        Rate(who=who, mode=mode, unit=Unit.HOUR, price=10_000)
        for who in AffiliationClass
        for mode in (Mode.SELF_OPERATED, Mode.COMMISSIONED)
    )
    ada = factories.user("ada", administers=factories.kaist())
    card = NewRates(RateCard(rates=by_the_hour, operator_fee=7_000), NOW.date(), instrument.slug)
    rates.set_rates(ada, instrument.facility, card, now=NOW)

    made = ask(mina, instrument, hours(1, 3))

    assert made.quote["net"] == 34_000
    assert made.charging["operator"] is True


def test_an_absence_shows_who_is_hit_and_others_attend_or_the_managers_are_told(
    scope, mina, client, fixed_now
):
    facility = scope[0].facility
    sora = factories.user("sora", manages=facility)
    first, second = ask(mina, scope[0], hours(20, 22)), ask(mina, scope[0], hours(24, 26))
    one = db.session.scalars(select(operators.Operator)).one()
    client.sign_in(one.user)
    assert "내 담당 예약" in client.get("/reservations").text
    sent = {"csrf_token": client.form_token("/operating")}
    wrong = {"first_day": "2026-03-04", "last_day": "2026-03-03"}
    assert client.post("/operating", data=sent | wrong).status_code == 422
    away = {"first_day": "2026-03-03", "last_day": "2026-03-03"}
    assert client.post("/operating", data=sent | away).status_code == 303
    assert "담당 예약 2건을" in client.get("/operating").text

    two = factories.user("o2", name="나 담당")
    factories.operator(two, scope[0], hours={"tue": ["13:00-16:00"]})
    client.post("/operating/hand-over", data=sent | {"uid": [first.uid, second.uid]})

    db.session.rollback()
    db.session.expire_all()
    assert (first.operator, second.operator) == (two, one.user)
    assert told(two) == [("operator_told", "assigned")]
    assert told(sora) == [("operator_told", "missing")]
    client.sign_in(sora)
    assert second.uid in client.get(f"/facilities/{facility.slug}/operators").text


def test_a_manager_enters_the_absence_of_an_operator(scope, client, fixed_now):
    facility = scope[0].facility
    client.sign_in(factories.user("sora", manages=facility))
    one = db.session.scalars(select(operators.Operator)).one()
    there = f"/facilities/{facility.slug}/operators/{one.id}"
    sent = {"csrf_token": client.form_token(there), "first_day": "2026-03-03"}
    assert client.post(f"{there}/away", data=sent).status_code == 422
    assert client.post(f"{there}/away", data=sent | {"last_day": "2026-03-05"}).status_code == 303
    assert "2026-03-05" in client.get(there).text


def test_a_stranger_hands_nothing_over(scope, mina, jun):
    made = ask(mina, scope[0], hours(1, 3))
    with pytest.raises(NotFound):
        attendance.hand_over(jun, made.uid, now=NOW)
    with pytest.raises(NotAllowed):
        attendance.hand_over(mina, made.uid, now=NOW)


def test_who_waits_for_an_operator_is_offered_the_time_once_one_is_free(scope, mina, jun):
    made = ask(mina, scope[1], hours(1, 3))
    wish = waitlist.Wish(within=hours(1, 3), instruments=("first",), mode=Mode.ASSISTED)
    waitlist.ask(jun, wish, now=NOW)
    assert offering.offer_what_is_free(NOW) == 0

    services.cancel_reservation(mina, made.uid, now=NOW)
    assert offering.offer_what_is_free(NOW) == 1

    (offer,) = waitlist.offers_to(jun, now=NOW)
    assert offer.reservation.operator == made.operator
    with pytest.raises(Taken):
        ask(mina, scope[1], hours(2, 4))
    assert waitlist.accept(jun, offer.reservation.uid, now=NOW).operator == made.operator


@pytest.mark.parametrize("lift", ["one", "all"])
def test_operators_are_locked_behind_all_calendars(scope, lift):
    """In another order two who take turns on the same instruments would wait for each other."""
    first, _ = scope
    boss = factories.user("boss", manages=first.facility)
    start = NOW + timedelta(days=2)
    closed = Closure(
        interval=Interval(start, start + timedelta(hours=2)), kind=BlackoutKind.CLOSURE
    )
    if lift == "all":
        closed = replace(closed, every=Every.WEEK, until=(start + timedelta(days=14)).date())
    made = closures.close_time(boss, first.facility, closed, now=NOW)[0]
    seen: list[str] = []

    def note(*sent):
        seen.append(sent[2])

    event.listen(db.engine, "before_cursor_execute", note)
    if lift == "one":
        closures.reopen(boss, first.facility, made.id, now=NOW)
    else:
        closures.end_repetition(boss, first.facility, made.rule_id, now=NOW)
    event.remove(db.engine, "before_cursor_execute", note)
    turns = [at for at, said in enumerate(seen) if said.startswith("UPDATE instrument ")]
    locks = [at for at, said in enumerate(seen) if "FROM operator" in said]
    assert len(turns) >= 2
    assert locks[0] > turns[1]
