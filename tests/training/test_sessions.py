"""Sessions: planned, changed, cancelled, signed up for – with their traces, or with none."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.audit.models import AuditRow
from app.catalog.models import Technique
from app.db import db
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from app.domain.training import Level
from app.mail.models import OutgoingMail
from app.training import queries, services
from app.training.models import Certificate, Result, SignUp, Standing, TrainingSession
from app.training.services import Plan
from tests import factories
from tests.factories import NOW, hours
from tests.training.conftest import session

PLAN = Plan(
    title_ko="NMR 기초",
    title_en="NMR basics",
    trainer="박소라",
    place="E7 1123",
    seats=2,
    interval=hours(48, 50),
    sign_up_until=hours(40, 48).start,
    level=Level.DAYTIME,
)


def templates(to=None):
    wanted = select(OutgoingMail.template).order_by(OutgoingMail.id)
    if to:
        wanted = wanted.where(OutgoingMail.recipient == to.email)
    return list(db.session.scalars(wanted))


def acts():
    return list(db.session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def standings(of):
    found = db.session.scalars(select(SignUp).where(SignUp.session_id == of.id).order_by(SignUp.id))
    return [each.standing.value for each in found]


class TestPlanning:
    def test_a_manager_announces_a_session(self, sora, nmr):
        plan = replace(PLAN, instruments=frozenset({nmr.id}))
        made = services.plan_session(sora, nmr.facility, plan, now=NOW)

        found = queries.session_by_id(made.id)
        assert (found.title_en, found.interval, found.seats) == ("NMR basics", hours(48, 50), 2)
        assert [cover.instrument_id for cover in found.covers] == [nmr.id]
        assert acts() == ["plan-training"]

    def test_nobody_else_does(self, mina, theo, nmr):
        for stranger in (mina, theo):
            with pytest.raises(NotAllowed):
                services.plan_session(stranger, nmr.facility, PLAN, now=NOW)
        assert db.session.scalar(select(func.count()).select_from(TrainingSession)) == 0

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"interval": hours(0, 2)}, "starts_at"),
            ({"sign_up_until": hours(49, 50).start}, "sign_up_until"),
            ({"instruments": frozenset({10_000})}, "instruments"),
            ({"techniques": frozenset({10_000})}, "techniques"),
        ],
    )
    def test_a_plan_that_makes_no_sense_is_refused_at_its_field(self, sora, nmr, change, field):
        with pytest.raises(Invalid) as wrong:
            services.plan_session(sora, nmr.facility, replace(PLAN, **change), now=NOW)
        assert field in wrong.value.fields

    def test_an_instrument_of_another_facility_is_not_covered(self, sora, nmr):
        other = factories.instrument()
        plan = replace(PLAN, instruments=frozenset({other.id}))
        with pytest.raises(Invalid):
            services.plan_session(sora, nmr.facility, plan, now=NOW)

    def test_a_change_is_told_to_everyone_who_comes(self, sora, mina, jun, nmr):
        made = services.plan_session(sora, nmr.facility, replace(PLAN, seats=1), now=NOW)
        for each in (mina, jun):
            services.sign_up(each, made.id, now=NOW)
        services.change_session(sora, made.id, replace(PLAN, seats=1, place="N1"), now=NOW)

        assert templates(mina) == templates(jun) == ["training_signed_up", "training_changed"]
        row = db.session.scalars(select(AuditRow).where(AuditRow.action == "change-training")).one()
        assert row.detail == {"place": ["E7 1123", "N1"]}

    def test_no_change_is_told_to_nobody(self, sora, mina, nmr):
        made = services.plan_session(sora, nmr.facility, PLAN, now=NOW)
        services.sign_up(mina, made.id, now=NOW)
        services.change_session(sora, made.id, PLAN, now=NOW)
        assert templates(mina) == ["training_signed_up"]

    def test_what_is_covered_can_be_changed(self, sora, nmr):
        technique = factories.save(Technique(slug="nmr", name_ko="핵자기공명", name_en="NMR"))
        factories.instrument(facility=nmr.facility, techniques=[technique])
        plan = replace(PLAN, instruments=frozenset({nmr.id}))
        made = services.plan_session(sora, nmr.facility, plan, now=NOW)
        changed = replace(PLAN, techniques=frozenset({technique.id}))
        services.change_session(sora, made.id, changed, now=NOW)

        (cover,) = queries.session_by_id(made.id).covers
        assert (cover.instrument_id, cover.technique_id) == (None, technique.id)

    def test_seats_that_are_taken_are_not_taken_away(self, sora, mina, jun, nmr):
        made = services.plan_session(sora, nmr.facility, PLAN, now=NOW)
        for each in (mina, jun):
            services.sign_up(each, made.id, now=NOW)
        with pytest.raises(Invalid) as wrong:
            services.change_session(sora, made.id, replace(PLAN, seats=1), now=NOW)
        assert list(wrong.value.fields) == ["seats"]

    def test_more_seats_are_for_those_who_wait(self, sora, mina, jun, nmr):
        made = services.plan_session(sora, nmr.facility, replace(PLAN, seats=1), now=NOW)
        for each in (mina, jun):
            services.sign_up(each, made.id, now=NOW)
        services.change_session(sora, made.id, PLAN, now=NOW)

        assert standings(made) == ["seated", "seated"]
        assert templates(jun)[-1] == "training_moved_up"

    def test_a_cancelled_session_is_told_with_the_reason_and_takes_nobody(
        self, sora, mina, jun, nmr
    ):
        made = services.plan_session(sora, nmr.facility, PLAN, now=NOW)
        services.sign_up(mina, made.id, now=NOW)
        with pytest.raises(Invalid):
            services.cancel_session(sora, made.id, reason=" ", now=NOW)
        services.cancel_session(sora, made.id, reason="헬륨 부족", now=NOW)

        mail = db.session.scalars(
            select(OutgoingMail).where(OutgoingMail.template == "training_cancelled")
        ).one()
        assert mail.particulars["reason"] == "헬륨 부족"
        for act in (services.sign_up, services.withdraw):
            with pytest.raises(WrongState):
                act(jun if act is services.sign_up else mina, made.id, now=NOW)
        with pytest.raises(WrongState):
            services.cancel_session(sora, made.id, reason="again", now=NOW)

    def test_what_has_begun_is_neither_changed_nor_cancelled(self, sora, nmr):
        begun = session(nmr.facility, starts=0)
        with pytest.raises(WrongState):
            services.change_session(sora, begun.id, PLAN, now=NOW)
        with pytest.raises(WrongState):
            services.cancel_session(sora, begun.id, reason="late", now=NOW)


class TestSigningUp:
    def test_seats_first_then_the_waitlist(self, people, microscope):
        planned = session(microscope.facility, seats=2)
        for each in people(3):
            services.sign_up(each, planned.id, now=NOW)

        assert standings(planned) == ["seated", "seated", "waiting"]
        assert acts() == ["sign-up-for-training"] * 3
        told = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
        assert [mail.particulars["waiting"] for mail in told] == [False, False, True]

    def test_once_is_enough(self, mina, microscope):
        planned = session(microscope.facility)
        services.sign_up(mina, planned.id, now=NOW)
        with pytest.raises(WrongState):
            services.sign_up(mina, planned.id, now=NOW)
        assert standings(planned) == ["seated"]

    def test_who_withdraws_makes_room_for_whoever_waited_longest(self, people, microscope):
        planned = session(microscope.facility, seats=1)
        first, second, third = people(3)
        for each in (first, second, third):
            services.sign_up(each, planned.id, now=NOW)
        services.withdraw(first, planned.id, now=NOW)

        assert standings(planned) == ["withdrawn", "seated", "waiting"]
        assert templates(second) == ["training_signed_up", "training_moved_up"]
        assert templates(third) == ["training_signed_up"]

    def test_who_comes_back_goes_to_the_end(self, people, microscope):
        planned = session(microscope.facility, seats=1)
        first, second, third = people(3)
        for each in (first, second, third):
            services.sign_up(each, planned.id, now=NOW)
        services.withdraw(second, planned.id, now=NOW)
        services.sign_up(second, planned.id, now=NOW)
        services.withdraw(first, planned.id, now=NOW)

        assert standings(planned) == ["withdrawn", "waiting", "seated"]

    def test_who_waits_and_withdraws_moves_nobody(self, people, microscope):
        planned = session(microscope.facility, seats=1)
        first, second, third = people(3)
        for each in (first, second, third):
            services.sign_up(each, planned.id, now=NOW)
        services.withdraw(second, planned.id, now=NOW)
        assert standings(planned) == ["seated", "withdrawn", "waiting"]

    @pytest.mark.parametrize(("hours_left", "open_"), [(0.001, True), (0, False), (-1, False)])
    def test_sign_up_closes_to_the_second(self, mina, microscope, hours_left, open_):
        deadline = hours(hours_left, 48).start
        planned = session(microscope.facility, sign_up_until=deadline)
        if open_:
            assert services.sign_up(mina, planned.id, now=NOW).standing is Standing.SEATED
        else:
            with pytest.raises(WrongState):
                services.sign_up(mina, planned.id, now=NOW)

    def test_one_may_withdraw_until_it_begins(self, mina, microscope):
        planned = session(microscope.facility)
        services.sign_up(mina, planned.id, now=NOW)
        with pytest.raises(WrongState):
            services.withdraw(mina, planned.id, now=planned.starts_at)
        services.withdraw(mina, planned.id, now=planned.starts_at - hours(0, 0.01).duration)
        assert standings(planned) == ["withdrawn"]

    def test_who_is_not_signed_up_cannot_withdraw(self, mina, microscope):
        with pytest.raises(WrongState):
            services.withdraw(mina, session(microscope.facility).id, now=NOW)

    def test_there_must_be_such_a_session(self, mina):
        with pytest.raises(NotFound):
            services.sign_up(mina, 4711, now=NOW)


class TestResults:
    AFTER = hours(49, 50).start

    @pytest.fixture
    def held(self, mina, jun, nmr):
        """A session of two who signed up; the ids of their sign-ups."""
        planned = session(nmr.facility, level=Level.DAYTIME)
        ids = [services.sign_up(each, planned.id, now=NOW).id for each in (mina, jun)]
        return planned, ids

    def test_who_passes_has_a_certificate_and_a_mail(self, sora, mina, jun, nmr, held):
        planned, (first, second) = held
        results = {first: Result.PASSED, second: Result.FAILED}
        assert services.note_results(sora, planned.id, results, now=self.AFTER) == 2

        given = db.session.scalars(select(Certificate)).one()
        assert (given.user_id, given.level, given.session_id) == (
            mina.id,
            Level.DAYTIME,
            planned.id,
        )
        assert given.facility_id == nmr.facility_id
        assert given.granted_by_id == sora.id
        assert templates(mina)[-1] == "certificate_granted"
        assert templates(jun) == ["training_signed_up"]

    def test_it_lasts_as_the_settings_say(self, sora, nmr, mina):
        plan = replace(PLAN, instruments=frozenset({nmr.id}))
        planned = services.plan_session(sora, nmr.facility, plan, now=NOW)
        seat = services.sign_up(mina, planned.id, now=NOW)
        services.note_results(sora, planned.id, {seat.id: Result.PASSED}, now=self.AFTER)

        given = db.session.scalars(select(Certificate)).one()
        assert given.instrument_id == nmr.id
        assert given.expires_on.isoformat() == "2028-03-04"

    def test_nothing_is_given_before_the_session_begins(self, sora, held):
        planned, (first, _) = held
        with pytest.raises(WrongState):
            services.note_results(sora, planned.id, {first: Result.PASSED}, now=NOW)

    def test_the_same_results_again_change_nothing(self, sora, held):
        planned, (first, _) = held
        for changed in (1, 0):
            results = {first: Result.PASSED}
            assert services.note_results(sora, planned.id, results, now=self.AFTER) == changed
        assert db.session.scalar(select(func.count()).select_from(Certificate)) == 1

    def test_a_pass_that_was_a_mistake_is_taken_back(self, sora, mina, held):
        planned, (first, _) = held
        services.note_results(sora, planned.id, {first: Result.PASSED}, now=self.AFTER)
        services.note_results(sora, planned.id, {first: Result.ABSENT}, now=self.AFTER)

        given = db.session.scalars(select(Certificate)).one()
        assert given.withdrawn_at == self.AFTER
        assert templates(mina)[-1] == "certificate_withdrawn"

    def test_only_managers_note_them(self, mina, theo, held):
        planned, (first, _) = held
        for stranger in (mina, theo):
            with pytest.raises(NotAllowed):
                services.note_results(stranger, planned.id, {first: Result.PASSED}, now=self.AFTER)

    def test_who_waits_or_is_of_another_session_gets_nothing(self, sora, people, microscope):
        one, other = (session(microscope.facility, seats=1) for _ in range(2))
        first, second = people(2)
        services.sign_up(first, one.id, now=NOW)
        waiting = services.sign_up(second, one.id, now=NOW)
        elsewhere = services.sign_up(second, other.id, now=NOW)
        results = {waiting.id: Result.PASSED, elsewhere.id: Result.PASSED}
        assert services.note_results(sora, one.id, results, now=self.AFTER) == 0
        assert db.session.scalar(select(func.count()).select_from(Certificate)) == 0
