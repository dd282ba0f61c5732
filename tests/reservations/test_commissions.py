"""Commissions: asked for without a time, placed by the manager as a reservation like any other."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import ApprovalMails, Suspension
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import Mode
from app.domain.commission import CommissionState
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Taken, WrongState
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.reservations import commission_queries, commissions, digest, placing, services
from app.reservations.commissions import Order
from app.reservations.models import Reservation
from app.reservations.placing import Placement
from tests import factories
from tests.factories import NOW, hours
from tests.rates.conftest import set_card
from tests.reservations.conftest import booked

MODES = ["self_operated", "commissioned"]


@pytest.fixture
def lab(microscope):
    """An instrument whose staff takes commissions; each of its reservations is approved."""
    return factories.instrument(
        slug="lab", facility=microscope.facility, booking={"modes": MODES, "approval": "each"}
    )


def ask(person, instrument, **fields):
    order = Order(instrument=instrument.slug, purpose="lipids", samples=4)
    return commissions.ask(person, replace(order, **fields), now=NOW)


def told(person):
    rows = db.session.scalars(
        select(OutgoingMail).where(OutgoingMail.recipient == person.email).order_by(OutgoingMail.id)
    ).all()
    assert all(message(row) for row in rows)
    return [(row.template, row.particulars.get("event")) for row in rows]


def held():
    return db.session.scalars(select(Reservation)).all()


def test_what_is_asked_for_waits_holds_no_time_and_is_told_to_both(lab, mina, sora):
    daily = factories.user("daily", manages=lab.facility, approval_mails=ApprovalMails.DAILY)
    made = ask(mina, lab)

    assert (made.state, made.reservation, held()) == (CommissionState.WAITING, None, [])
    assert told(mina) == [("commission_told", "asked")]
    assert told(sora) == [("commission_awaits", "asked")]
    assert told(daily) == []
    digest.send(NOW + timedelta(hours=14), lambda: False)
    assert told(daily) == [("approvals_digest", None)]


def test_placed_it_is_a_confirmed_and_priced_reservation_of_whoever_asked(lab, mina, sora):
    set_card(sora, lab, 20_000)
    made = ask(mina, lab, note="on ice", duration=timedelta(hours=1))
    quote, unpriced = commissions.estimate(lab, mina, commissions.order_of(made), now=NOW)
    assert (quote.total, unpriced) == (20_000, None)

    placed = placing.place(sora, made.uid, Placement(hours(24, 26)), now=NOW)

    [it] = held()
    assert (placed.state, placed.reservation) == (CommissionState.PLACED, it)
    assert (it.status, it.holder, it.reserved_by) == (Status.CONFIRMED, mina, sora)
    assert (it.interval, it.mode, it.samples) == (hours(24, 26), Mode.COMMISSIONED, 4)
    assert (it.purpose, it.note, it.quote["total"]) == ("lipids", "on ice", 40_000)
    assert told(mina)[-1] == ("commission_told", "placed")


def test_the_rules_are_those_for_whoever_asked_and_refused_it_waits_on(lab, mina, jun, sora):
    made = ask(mina, lab)
    booked(jun, lab, hours(24, 26))
    with pytest.raises(Taken) as taken:
        placing.place(sora, made.uid, Placement(hours(25, 27)), now=NOW)
    assert taken.value.alternatives
    with pytest.raises(BookingRefused) as refused:
        placing.place(sora, made.uid, Placement(hours(30, 39)), now=NOW)
    assert [each.code for each in refused.value.refusals] == ["longest"]

    found = commission_queries.by_uid(made.uid, viewer=sora, anew=True)
    assert (found.state, found.version, len(held())) == (CommissionState.WAITING, 1, 1)
    long = Placement(hours(30, 39), override="runs overnight")
    placed = placing.place(sora, made.uid, long, now=NOW)
    assert placed.reservation.refusals_overridden == ["longest"]


def test_the_manager_may_choose_who_attends_it(lab, mina, sora):
    with transaction():
        db.session.merge(lab).booking = {**lab.booking, "operator": "required"}
    for name in ("o1", "o2"):
        factories.operator(factories.user(name), lab)
    made = ask(mina, lab)
    placed = placing.place(sora, made.uid, Placement(hours(24, 26), "o2@example.org"), now=NOW)
    assert placed.reservation.operator.email == "o2@example.org"
    assert told(placed.reservation.operator) == [("operator_told", "assigned")]

    other = ask(mina, lab)
    with pytest.raises(Invalid) as wrong:
        placing.place(sora, other.uid, Placement(hours(30, 32), "mina@example.org"), now=NOW)
    assert (list(wrong.value.fields), len(held())) == (["operator"], 1)


def test_who_asked_may_change_and_withdraw_it_while_it_waits(lab, mina, sora):
    made = ask(mina, lab)
    more = replace(commissions.order_of(made), samples=9, wished_by=date(2026, 3, 9))
    changed = commissions.change(mina, made.uid, more, now=NOW, version=1)
    assert (changed.samples, changed.wished_by, changed.version) == (9, date(2026, 3, 9), 2)

    assert commissions.withdraw(mina, made.uid, now=NOW).state is CommissionState.WITHDRAWN
    with pytest.raises(WrongState):
        placing.place(sora, made.uid, Placement(hours(24, 26)), now=NOW)
    assert held() == []


def test_declined_with_a_reason_it_is_over_and_its_holder_reads_why(lab, mina, sora):
    made = ask(mina, lab)
    with pytest.raises(Invalid):
        commissions.decline(sora, made.uid, " ", now=NOW)
    declined = commissions.decline(sora, made.uid, "no column for it", now=NOW)
    assert (declined.state, declined.decision_reason) == ("declined", "no column for it")
    assert told(mina)[-1] == ("commission_told", "declined")


def test_returned_it_waits_again_and_its_time_is_free(lab, mina, jun, sora):
    made = ask(mina, lab)
    placing.place(sora, made.uid, Placement(hours(24, 26)), now=NOW)
    back = placing.return_to_queue(sora, made.uid, "pump broken", now=NOW)
    assert (back.state, back.reservation) == (CommissionState.WAITING, None)
    assert told(mina)[-1] == ("commission_told", "returned")
    assert [each.status for each in held()] == [Status.CANCELLED]

    again = placing.place(sora, made.uid, Placement(hours(24, 26)), now=NOW)
    services.cancel_reservation(mina, again.reservation.uid, now=NOW)
    # Whoever cancels the reservation asks for nothing any more, unless the manager returns it.
    assert commission_queries.queue(sora).total == 0
    assert (
        placing.return_to_queue(sora, made.uid, "asked anew by phone", now=NOW).state == "waiting"
    )


def test_it_is_the_business_of_its_holder_and_its_managers(lab, mina, jun, theo, sora):
    made = ask(mina, lab)
    for stranger in (jun, theo):
        with pytest.raises(NotFound):
            commissions.withdraw(stranger, made.uid, now=NOW)
    with pytest.raises(NotAllowed):
        placing.place(mina, made.uid, Placement(hours(24, 26)), now=NOW)
    with pytest.raises(NotAllowed):
        commissions.decline(mina, made.uid, "no", now=NOW)
    with pytest.raises(NotAllowed):
        commissions.withdraw(sora, made.uid, now=NOW)


def test_the_queue_begins_with_what_is_wished_for_soonest(lab, mina, sora):
    other = factories.instrument(
        slug="other", facility=lab.facility, booking={"modes": ["commissioned"]}
    )
    elsewhere = factories.instrument(booking={"modes": ["commissioned"]})
    ask(mina, lab, purpose="whenever")
    ask(mina, lab, purpose="late", wished_by=date(2026, 3, 20))
    ask(mina, other, purpose="soon", wished_by=date(2026, 3, 5))
    ask(mina, elsewhere)

    def purposes(**of):
        return [each.purpose for each in commission_queries.queue(sora, **of).commissions]

    assert purposes() == ["soon", "late", "whenever"]
    assert purposes(instrument="lab") == ["late", "whenever"]
    assert commission_queries.queue(mina).total == 0


def test_what_no_time_would_mend_is_refused_at_once(lab, mina, microscope):
    factories.save(Suspension(user_id=mina.id, reason="late", starts_at=NOW))
    with pytest.raises(BookingRefused) as refused:
        ask(mina, microscope)
    codes = [each.code for each in refused.value.refusals]
    assert (codes[0], "mode-not-offered" in codes) == ("suspended", True)


def test_what_is_needed_along_asks_its_questions_at_once(lab, mina, sora):
    gas = {"key": "gas", "label": {"ko": "가스", "en": "Gas"}, "required": True}
    room = factories.instrument(slug="room", facility=lab.facility, booking={"questions": [gas]})
    scope = factories.instrument(
        slug="scope", facility=lab.facility, needs=["room"], booking={"modes": MODES}
    )
    booked(sora, room, hours(0, 8), answers={"gas": "N2"})  # is no reason yet
    with pytest.raises(BookingRefused) as refused:
        ask(mina, scope)
    [refusal] = refused.value.refusals
    assert (refusal.code, refusal.because) == ("needs-linked-instrument", ("answer-missing",))

    made = ask(mina, scope, answers={"gas": "N2"})
    placing.place(sora, made.uid, Placement(hours(24, 26)), now=NOW)
    assert [each.answers for each in held() if each.interval == hours(24, 26)] == [
        {"gas": "N2"}
    ] * 2


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"wished_by": date(2026, 3, 1)}, "wished_by"),
        ({"earliest_on": date(2028, 3, 1)}, "earliest_on"),
        ({"earliest_on": date(2026, 3, 9), "wished_by": date(2026, 3, 8)}, "wished_by"),
        ({"duration": timedelta(seconds=1)}, "duration"),
    ],
)
def test_days_that_make_no_sense_are_said_at_their_field(lab, mina, fields, name):
    with pytest.raises(Invalid) as wrong:
        ask(mina, lab, **fields)
    assert list(wrong.value.fields) == [name]
