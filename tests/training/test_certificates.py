"""Certificates open instruments: given, replaced, withdrawn, lost – and warned of in time."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.audit.models import AuditRow
from app.catalog.models import Technique
from app.db import db
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Taken, WrongState
from app.domain.training import Level, SafetyKind
from app.mail.models import OutgoingMail
from app.reservations import services as reservations
from app.reservations.free_times import next_free
from app.training import certificates, jobs, queries
from app.training.certificates import Grant
from app.training.models import Certificate, SafetyTraining, TrainingCover
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import statements
from tests.reservations.test_services import booking, reserve
from tests.training.conftest import certificate, change, session

#: Tuesday, 3 March, 10:00 to 12:00 in Daejeon.
DAY = hours(16, 18)
EVENING = hours(25, 27)


def refused(user, instrument, interval=DAY, **fields):
    """The codes with which the person is refused; none if the time is theirs."""
    trial = reservations.try_reservation(user, booking(instrument, interval, **fields), now=NOW)
    return [refusal.code for refusal in trial.refusals]


def given(email="mina@example.org", **fields):
    fields.setdefault("level", Level.DAYTIME)
    fields.setdefault("reason", "다른 기관에서 교육을 받음")
    return Grant(email=email, **fields)


class TestWhatOpens:
    def test_without_a_certificate_nothing_is_reserved(self, mina, nmr):
        with pytest.raises(BookingRefused) as wrong:
            reserve(mina, nmr, DAY)
        assert [r.code for r in wrong.value.refusals] == ["not-qualified"]

    def test_with_one_it_is(self, mina, nmr):
        certificate(mina, nmr)
        assert reserve(mina, nmr, DAY).holder_id == mina.id

    def test_one_for_the_facility_opens_all_of_it(self, mina, nmr):
        certificate(mina, nmr.facility)
        assert refused(mina, nmr) == []

    def test_one_of_another_facility_opens_nothing(self, mina, nmr):
        certificate(mina, factories.facility())
        other = factories.instrument(facility=nmr.facility)
        certificate(mina, other)
        assert refused(mina, nmr) == ["not-qualified"]

    def test_one_for_a_technique_opens_what_offers_it_in_the_same_facility(self, mina, nmr):
        technique = factories.save(Technique(slug="nmr", name_ko="핵자기공명", name_en="NMR"))
        asks = {"certificate": "required"}
        offers = factories.instrument(facility=nmr.facility, techniques=[technique], booking=asks)
        elsewhere = factories.instrument(techniques=[technique], booking=asks)
        certificate(mina, nmr, technique_id=technique.id)

        assert refused(mina, offers) == []
        assert refused(mina, nmr) == refused(mina, elsewhere) == ["not-qualified"]

    def test_somebody_elses_does_not_count(self, mina, jun, nmr):
        certificate(jun, nmr)
        assert refused(mina, nmr) == ["not-qualified"]

    def test_a_level_opens_its_hours(self, mina, nmr):
        certificate(mina, nmr, level=Level.DAYTIME)
        assert refused(mina, nmr) == []
        assert refused(mina, nmr, EVENING) == ["level-hours"]

    def test_free_times_are_offered_at_the_hours_of_the_level(self, mina, jun, nmr):
        late = {"daily": ["20:00-22:00"]}
        change(nmr, booking={**nmr.booking, "assisted_hours": late, "daytime_hours": late})
        certificate(mina, nmr, level=Level.DAYTIME)
        certificate(jun, nmr, level=Level.NIGHT)
        hers, his = (next_free(nmr, each, now=NOW) for each in (mina, jun))
        assert hers
        assert all(not refused(mina, nmr, each) for each in hers)
        assert any(refused(mina, nmr, each) for each in his)

        reserve(jun, nmr, hours(2, 4))
        with pytest.raises(Taken) as taken:
            reserve(mina, nmr, hours(2, 4))
        assert taken.value.alternatives
        assert all(not refused(mina, nmr, each.interval) for each in taken.value.alternatives)

    def test_whoever_manages_it_needs_none(self, sora, ada, nmr):
        assert refused(sora, nmr, EVENING) == refused(ada, nmr, EVENING) == []

    def test_a_manager_elsewhere_needs_one(self, nmr):
        other = factories.user(manages=factories.facility())
        assert refused(other, nmr) == ["not-qualified"]

    def test_a_reservation_that_a_manager_moves_is_judged_by_its_holder(self, mina, sora, nmr):
        certificate(mina, nmr, level=Level.DAYTIME)
        made = reserve(mina, nmr, DAY)
        with pytest.raises(BookingRefused) as wrong:
            reservations.change_reservation(sora, made.uid, reservations.Change(EVENING), now=NOW)
        assert [r.code for r in wrong.value.refusals] == ["level-hours"]

    def test_whoever_hands_samples_in_needs_none(self, mina, nmr):
        change(nmr, booking={**nmr.booking, "modes": ["self_operated", "commissioned"]})
        assert refused(mina, nmr, mode="commissioned") == []
        assert refused(mina, nmr) == ["not-qualified"]

    def test_an_instrument_may_ask_for_less_than_its_facility(self, mina, microscope):
        facility = microscope.facility
        change(facility, booking={"certificate": "required"})
        assert refused(mina, microscope) == ["not-qualified"]
        open_ = factories.instrument(facility=facility, booking={"certificate": "none"})
        assert refused(mina, open_) == []

    def test_the_refusal_names_the_next_session_for_it(self, mina, nmr):
        technique = factories.save(Technique(slug="nmr", name_ko="핵자기공명", name_en="NMR"))
        session(nmr.facility, starts=24, cancelled_at=NOW)
        session(nmr.facility, starts=30, sign_up_until=NOW)
        elsewhere = session(nmr.facility, starts=36)
        factories.save(TrainingCover(session_id=elsewhere.id, technique_id=technique.id))
        session(factories.facility(), starts=40)
        own = session(nmr.facility, starts=60, title_ko="바로 이것")
        factories.save(TrainingCover(session_id=own.id, instrument_id=nmr.id))
        session(nmr.facility, starts=90)

        trial = reservations.try_reservation(mina, booking(nmr, DAY), now=NOW)
        (refusal,) = trial.refusals
        assert "바로 이것" in refusal.reason.ko
        assert "3월 5일(목) 06:00" in refusal.reason.ko

    def test_it_takes_one_more_statement_and_none_where_nothing_is_asked(
        self, mina, nmr, microscope
    ):
        certificate(mina, nmr)
        session(nmr.facility)
        requests = {each.slug: booking(each, DAY) for each in (nmr, microscope)}

        def ask(slug):
            return statements(lambda: reservations.try_reservation(mina, requests[slug], now=NOW))

        ask("nmr")
        assert ask("nmr") == ask("microscope") + 1

    def test_what_is_offered_instead_is_open_to_the_person(self, mina, jun, nmr):
        technique = factories.save(Technique(slug="nmr", name_ko="핵자기공명", name_en="NMR"))
        one = factories.instrument(techniques=[technique])
        shut = factories.instrument(
            techniques=[technique], facility=one.facility, booking={"certificate": "required"}
        )
        open_ = factories.instrument(techniques=[technique], facility=one.facility)
        reserve(jun, one, DAY)

        def offered():
            with pytest.raises(Taken) as taken:
                reserve(mina, one, DAY)
            return {each.instrument for each in taken.value.alternatives} - {one.slug}

        assert offered() == {open_.slug}
        certificate(mina, shut)
        assert offered() == {open_.slug, shut.slug}


class TestSafety:
    @pytest.fixture
    def xray(self, microscope):
        return factories.instrument(
            facility=microscope.facility,
            booking={"safety_training": ["radiation"], "safety_validity": "P1Y"},
        )

    def test_it_is_recorded_by_a_manager_and_counts_everywhere(self, mina, sora, xray):
        assert refused(mina, xray) == ["safety-training-expired"]
        certificates.record_safety(
            sora,
            xray.facility,
            email=mina.email,
            kind=SafetyKind.RADIATION,
            done_on=date(2026, 2, 2),
            valid_until=None,
            now=NOW,
        )
        assert refused(mina, xray) == []
        assert db.session.scalars(select(AuditRow.action)).all() == ["record-safety-training"]

    def test_managers_need_it_too(self, sora, xray):
        assert refused(sora, xray) == ["safety-training-expired"]

    def test_one_that_lies_back_too_far_does_not_count(self, mina, xray):
        for done, found in (
            (date(2025, 3, 2), ["safety-training-expired"]),
            (date(2025, 3, 3), []),
        ):
            factories.save(
                SafetyTraining(
                    user_id=mina.id,
                    kind=SafetyKind.RADIATION,
                    done_on=done,
                    facility_id=xray.facility_id,
                    recorded_at=NOW,
                )
            )
            assert refused(mina, xray) == found

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"email": "nobody@example.org"}, "email"),
            ({"done_on": date(2026, 3, 3)}, "done_on"),
            ({"valid_until": date(2026, 2, 1)}, "valid_until"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, mina, sora, xray, fields, field):
        record = {
            "email": mina.email,
            "kind": SafetyKind.RADIATION,
            "done_on": date(2026, 2, 2),
            "valid_until": None,
        }
        with pytest.raises(Invalid) as wrong:
            certificates.record_safety(sora, xray.facility, **record | fields, now=NOW)
        assert list(wrong.value.fields) == [field]

    def test_a_mistake_is_taken_back_by_the_facility_that_made_it(self, mina, sora, ada, xray):
        made = certificates.record_safety(
            sora,
            xray.facility,
            email=mina.email,
            kind=SafetyKind.RADIATION,
            done_on=date(2026, 2, 2),
            valid_until=None,
            now=NOW,
        )
        with pytest.raises(NotFound):
            certificates.forget_safety(ada, factories.facility(), made.id, now=NOW)
        certificates.forget_safety(sora, xray.facility, made.id, now=NOW)
        assert refused(mina, xray) == ["safety-training-expired"]


class TestGiving:
    def test_a_manager_gives_one_with_a_reason_and_the_person_is_told(self, mina, sora, nmr):
        made = certificates.grant(sora, nmr.facility, given(instrument=nmr), now=NOW)

        assert (made.expires_on, made.reason) == (date(2028, 3, 2), "다른 기관에서 교육을 받음")
        mail = db.session.scalars(select(OutgoingMail)).one()
        assert (mail.template, mail.recipient) == ("certificate_granted", mina.email)
        row = db.session.scalars(select(AuditRow)).one()
        assert (row.action, row.actor_id) == ("grant-certificate", sora.id)
        assert refused(mina, nmr) == []

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"email": "nobody@example.org"}, "email"),
            ({"email": ""}, "email"),
            ({"reason": "  "}, "reason"),
            ({"expires_on": date(2026, 3, 1)}, "expires_on"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, mina, sora, nmr, fields, field):
        with pytest.raises(Invalid) as wrong:
            certificates.grant(sora, nmr.facility, given(**fields), now=NOW)
        assert list(wrong.value.fields) == [field]

    def test_nobody_gives_one_to_themselves(self, mina, theo, nmr):
        for stranger in (mina, theo):
            with pytest.raises(NotAllowed):
                certificates.grant(stranger, nmr.facility, given(), now=NOW)

    def test_a_newer_one_replaces_what_reaches_no_further(self, mina, sora, nmr):
        old = certificate(mina, nmr, level=Level.DAYTIME)
        night = certificate(mina, nmr, level=Level.NIGHT)
        wider = certificate(mina, nmr.facility, level=Level.ASSISTED)
        made = certificates.grant(sora, nmr.facility, given(instrument=nmr), now=NOW)

        held = {each.certificate.id for each in queries.qualified_on(nmr, now=NOW)}
        assert held == {night.id, wider.id, made.id}
        assert old.id not in held

    def test_one_that_is_withdrawn_opens_nothing(self, mina, sora, nmr):
        held = certificate(mina, nmr)
        with pytest.raises(Invalid):
            certificates.withdraw(sora, held.id, reason="", now=NOW)
        certificates.withdraw(sora, held.id, reason="프로브 파손", now=NOW)

        assert refused(mina, nmr) == ["not-qualified"]
        mail = db.session.scalars(select(OutgoingMail)).one()
        assert (mail.template, mail.particulars["reason"]) == (
            "certificate_withdrawn",
            "프로브 파손",
        )
        with pytest.raises(WrongState):
            certificates.withdraw(sora, held.id, reason="again", now=NOW)

    def test_nobody_withdraws_what_another_facility_gave(self, mina, nmr):
        held = certificate(mina, nmr)
        other = factories.user(manages=factories.facility())
        with pytest.raises(NotAllowed):
            certificates.withdraw(other, held.id, reason="no", now=NOW)
        assert db.session.get(Certificate, held.id, populate_existing=True).withdrawn_at is None


class TestUnused:
    """“Lost after two years unused”: each use moves the end on."""

    @pytest.fixture
    def room(self, nmr):
        change(nmr.facility, booking={"certificate_unused": "P2Y"})
        return nmr

    def used(self, user, instrument, ago):
        interval = hours(-2, -1, after=NOW - ago)
        certificate_ = certificate(user, instrument, granted_on=date(2023, 12, 1))
        reservations.request_reservation(
            user, booking(instrument, interval), now=interval.start - timedelta(hours=3)
        )
        return certificate_

    def test_it_is_lost_when_it_was_given_too_long_ago_and_never_used(self, mina, room):
        certificate(mina, room, granted_on=date(2024, 3, 2))
        assert refused(mina, room) == ["certificate-expired"]

    def test_a_use_keeps_it(self, mina, room):
        self.used(mina, room, timedelta(days=300))
        assert refused(mina, room) == []
        (shown,) = queries.certificates_of(mina, now=NOW)
        assert (shown.used_on, shown.ends_on) == (date(2025, 5, 6), date(2027, 5, 6))

    def test_a_use_of_anything_that_it_opens_keeps_it(self, mina, room):
        other = factories.instrument(facility=room.facility)
        held = self.used(mina, other, timedelta(days=300))
        change(db.session.get(Certificate, held.id), instrument_id=None)
        assert refused(mina, room) == []

    def test_what_was_cancelled_was_no_use(self, mina, sora, room):
        self.used(mina, room, timedelta(days=300))
        made = reservations.queries.of_holder(mina, now=NOW, past=True)[0]
        reservations.cancel_reservation(sora, made.uid, now=NOW)
        assert refused(mina, room) == ["certificate-expired"]

    def test_a_use_by_somebody_else_is_none(self, mina, jun, room):
        self.used(jun, room, timedelta(days=300))
        certificate(mina, room, granted_on=date(2020, 1, 1))
        assert refused(mina, room) == ["certificate-expired"]


class TestWarnings:
    def warned(self, now):
        before = len(db.session.scalars(select(OutgoingMail)).all())
        jobs.warn_of_ends(now)
        found = db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()
        return [mail.template for mail in found[before:]]

    @pytest.mark.parametrize(
        ("ends_on", "due"),
        [
            (date(2026, 4, 2), 0),
            (date(2026, 4, 1), 1),
            (date(2026, 3, 9), 1),
            (date(2026, 3, 2), 1),
            (date(2026, 3, 1), 0),
        ],
        ids=["31 days", "30 days", "7 days", "the last day", "over"],
    )
    def test_thirty_and_seven_days_before_the_holder_is_told(self, mina, nmr, ends_on, due):
        certificate(mina, nmr, expires_on=ends_on)
        assert self.warned(NOW) == ["certificate_expiring"] * due

    def test_each_is_told_once(self, mina, nmr):
        certificate(mina, nmr, expires_on=date(2026, 4, 1))
        days = [self.warned(NOW + timedelta(days=day)) for day in range(32)]
        assert [day for day, mails in enumerate(days) if mails] == [0, 23]
        assert self.warned(NOW) == []

    def test_after_an_outage_only_what_is_due_by_now_is_told(self, mina, nmr):
        certificate(mina, nmr, expires_on=date(2026, 3, 5))
        assert self.warned(NOW) == ["certificate_expiring"]
        assert self.warned(NOW) == []

    def test_what_is_withdrawn_or_replaced_ends_silently(self, mina, jun, nmr):
        fields = {"expires_on": date(2026, 3, 5)}
        certificate(mina, nmr, withdrawn_at=NOW, withdrawn_reason="x", **fields)
        certificate(jun, nmr, replaced_at=NOW, **fields)
        assert self.warned(NOW) == []

    def test_what_is_about_to_be_lost_unused_is_told_and_a_use_puts_it_off(self, mina, nmr):
        change(nmr, booking={**nmr.booking, "certificate_unused": "P1Y"})
        certificate(mina, nmr, granted_on=date(2025, 3, 9))
        assert self.warned(NOW) == ["certificate_expiring"]
        mail = db.session.scalars(select(OutgoingMail)).one()
        assert (mail.particulars["ends_on"], mail.particulars["unused"]) == ("2026-03-09", True)
        reserve(mina, nmr, hours(1, 2))
        assert self.warned(NOW + timedelta(days=3)) == []
