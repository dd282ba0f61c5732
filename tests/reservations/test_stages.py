"""Approval in stages: who says yes, one after the other."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.accounts import absences
from app.audit.models import AuditRow
from app.db import db
from app.domain.approval import Approver, Status
from app.domain.errors import Invalid, NotAllowed, NotFound, Stale, WrongState
from app.mail.models import OutgoingMail
from app.projects.models import Belonging, GroupMembership, ResearchGroup
from app.reservations import approvers, deciding, services, waiting
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

INSTITUTION_FIRST = [{"by": "institution", "whom": "outsiders"}, {"by": "facility_manager"}]


@pytest.fixture
def staged(microscope):
    """Sora's, and outsiders need the agreement of their own institution before hers."""
    return factories.instrument(
        slug="staged",
        facility=microscope.facility,
        booking={"approval": "each", "approval_stages": INSTITUTION_FIRST},
    )


@pytest.fixture
def dana(theo):
    """Administers Theo's institution."""
    return factories.user("dana", name="다나", administers=factories.cnu())


def agree(user, made, **more):
    return deciding.approve_reservation(user, made.uid, now=NOW, **more)


def recipients(template):
    wanted = select(OutgoingMail.recipient).where(OutgoingMail.template == template)
    return sorted(db.session.scalars(wanted))


def waiting_for(user):
    return [each.uid for each in waiting.waiting(user).reservations]


def test_a_reservation_is_confirmed_only_when_all_its_stages_agreed(theo, dana, sora, staged):
    made = booked(theo, staged, hours(1, 3))
    first = agree(dana, made)
    assert (first.status, recipients("reservation_approved")) == (Status.PENDING, [])

    last = agree(sora, made)
    assert last.status is Status.CONFIRMED
    assert [stage.passed for stage in approvers.present(last)] == [True, True]
    assert recipients("reservation_approved") == [theo.email]


def test_each_stage_is_asked_when_its_turn_comes(theo, dana, sora, staged):
    made = booked(theo, staged, hours(1, 3))
    assert recipients("reservation_awaits") == [dana.email]
    assert (waiting_for(dana), waiting_for(sora)) == ([made.uid], [])

    agree(dana, made)
    assert recipients("reservation_awaits") == [dana.email, sora.email]
    assert (waiting_for(dana), waiting_for(sora)) == ([], [made.uid])


def test_nobody_decides_before_their_turn(theo, dana, sora, staged):
    made = booked(theo, staged, hours(1, 3))
    with pytest.raises(NotAllowed, match="another stage"):
        agree(sora, made)
    agree(dana, made)
    with pytest.raises(NotAllowed, match="another stage"):
        agree(dana, made)


def test_a_stage_for_outsiders_is_none_for_the_own_institution(mina, sora, staged):
    made = booked(mina, staged, hours(1, 3))

    assert [stage.by for stage in made.stages] == [Approver.FACILITY_MANAGER]
    assert agree(sora, made).status is Status.CONFIRMED


def test_any_rejection_rejects_and_frees_the_time(theo, mina, dana, staged):
    made = booked(theo, staged, hours(1, 3))
    done = deciding.reject_reservation(dana, made.uid, reason="no budget", now=NOW)

    assert done.status is Status.REJECTED
    assert booked(mina, staged, hours(1, 3)).status is Status.PENDING


def test_an_administrator_of_another_institution_learns_nothing(theo, staged):
    stranger = factories.user("eun", administers=factories.institution())
    made = booked(theo, staged, hours(1, 3))

    with pytest.raises(NotFound):
        agree(stranger, made)


def test_where_the_institution_has_nobody_the_site_stands_in(theo, ada, staged):
    made = booked(theo, staged, hours(1, 3))

    assert recipients("reservation_awaits") == [ada.email]
    assert agree(ada, made).status is Status.PENDING


def test_where_all_have_to_agree_one_is_not_enough(mina, sora, microscope):
    both = factories.instrument(
        facility=microscope.facility,
        booking={
            "approval": "each",
            "approval_stages": [{"by": "facility_manager", "every": True}],
        },
    )
    boram = factories.user("boram", manages=microscope.facility)
    made = booked(mina, both, hours(1, 3))
    assert agree(sora, made).status is Status.PENDING
    with pytest.raises(WrongState, match="agreed already"):
        agree(sora, made)

    assert (waiting_for(sora), waiting_for(boram)) == ([], [made.uid])
    assert agree(boram, made).status is Status.CONFIRMED


def test_agreed_once_is_agreed_for_good_stage_by_stage(theo, dana, sora, microscope):
    once = factories.instrument(
        facility=microscope.facility,
        booking={"approval": "once", "approval_stages": INSTITUTION_FIRST},
    )
    first = booked(theo, once, hours(1, 3))
    agree(dana, first)
    second = booked(theo, once, hours(5, 6))
    assert [stage.by for stage in second.stages] == [Approver.FACILITY_MANAGER]

    agree(sora, second)
    assert booked(theo, once, hours(8, 9)).status is Status.CONFIRMED


def test_what_was_agreed_before_a_move_is_asked_again(theo, dana, sora, staged):
    made = booked(theo, staged, hours(1, 3))
    agree(dana, made)
    moved = services.change_reservation(theo, made.uid, Change(hours(4, 6)), now=NOW)

    assert [stage.passed for stage in approvers.present(moved)] == [False, False]
    assert len(moved.stages) == 4  # what was said before is kept
    assert waiting_for(dana) == [made.uid]


def test_a_decision_on_what_changed_meanwhile_is_refused(theo, dana, sora, staged):
    made = booked(theo, staged, hours(1, 3))
    agree(dana, made, version=1)
    with pytest.raises(Stale):
        agree(sora, made, version=1)


def test_the_trail_names_the_stage(theo, dana, staged):
    made = booked(theo, staged, hours(1, 3))
    agree(dana, made)

    row = db.session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (row.action, row.actor_id) == ("agree-to-reservation", dana.id)
    assert row.detail["stage"] == "institution"


@pytest.fixture
def led(microscope):
    """Sora's, and the leader of the holder's research group agrees before her."""
    return factories.instrument(
        slug="led",
        facility=microscope.facility,
        booking={
            "approval": "each",
            "approval_stages": [{"by": "pi"}, {"by": "facility_manager"}],
        },
    )


def group_of(leader, *members):
    """The leader's research group, with these members."""
    group = factories.save(
        ResearchGroup(
            institution_id=factories.kaist().id,
            name_ko="연구실",
            name_en="Laboratory",
            leader_id=leader.id,
            made_at=NOW,
        )
    )
    for member in members:
        factories.save(
            GroupMembership(
                group_id=group.id,
                user_id=member.id,
                belonging=Belonging.MEMBER,
                made_at=NOW,
                starts_on=date(2020, 1, 1),
            )
        )


def test_who_leads_the_research_group_agrees_for_its_people(fixed_now, mina, jun, sora, led):
    group_of(jun, mina)
    made = booked(mina, led, hours(1, 3))
    assert recipients("reservation_awaits") == [jun.email]
    assert (waiting_for(jun), waiting.decides_anything(jun)) == ([made.uid], True)

    assert agree(jun, made).status is Status.PENDING
    assert agree(sora, made).status is Status.CONFIRMED


def test_who_leads_a_group_need_not_ask_themselves(fixed_now, mina, jun, sora, led):
    group_of(jun, mina)
    made = booked(jun, led, hours(1, 3))

    assert [stage.by for stage in made.stages] == [Approver.FACILITY_MANAGER]


def test_for_those_without_a_group_their_institution_agrees(fixed_now, mina, sora, led):
    dean = factories.user("dean", administers=factories.kaist())
    made = booked(mina, led, hours(1, 3))

    assert (recipients("reservation_awaits"), waiting_for(dean)) == ([dean.email], [made.uid])
    assert agree(dean, made).status is Status.PENDING


def away(user, deputy, *, days=3):
    return absences.enter(
        user,
        deputy.email,
        NOW.date(),
        NOW.date() + timedelta(days=days),
        now=NOW,
        today=NOW.date(),
    )


def test_a_deputy_decides_in_the_place_of_who_is_away(fixed_now, mina, jun, sora, guarded):
    away(sora, jun)
    made = booked(mina, guarded, hours(1, 3))
    assert recipients("reservation_awaits") == [jun.email, sora.email]
    assert waiting_for(jun) == [made.uid]

    done = agree(jun, made)
    vote = approvers.present(done)[0].votes[0]
    row = db.session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (done.status, vote.approver_id, vote.decided_by_id) == (
        Status.CONFIRMED,
        sora.id,
        jun.id,
    )
    assert (row.actor_id, row.detail["for"]) == (jun.id, sora.name)


def test_a_deputy_has_no_rights_before_and_after_the_absence(fixed_now, mina, jun, sora, guarded):
    taken_back = away(sora, jun)
    absences.withdraw(sora, taken_back.id, now=NOW)
    absences.enter(
        sora,
        jun.email,
        NOW.date() + timedelta(days=1),
        NOW.date() + timedelta(days=2),
        now=NOW,
        today=NOW.date(),
    )
    made = booked(mina, guarded, hours(1, 3))

    assert not waiting.decides_anything(jun)
    with pytest.raises(NotFound):
        agree(jun, made)


def test_nobody_is_a_deputy_for_their_own_wish(fixed_now, mina, sora, guarded):
    away(sora, mina)
    made = booked(mina, guarded, hours(1, 3))

    assert (made.status, waiting_for(mina)) == (Status.PENDING, [])
    with pytest.raises(NotAllowed):
        agree(mina, made)


def test_an_absence_needs_a_deputy_and_days_to_come(fixed_now, sora, jun):
    for deputy, days in ((sora.email, 3), ("nobody@example.org", 3), (jun.email, -1)):
        with pytest.raises(Invalid):
            absences.enter(
                sora,
                deputy,
                NOW.date(),
                NOW.date() + timedelta(days=days),
                now=NOW,
                today=NOW.date(),
            )
    assert absences.of_user(sora, today=NOW.date()) == []
