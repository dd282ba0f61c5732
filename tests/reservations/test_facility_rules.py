"""The facility's own rules where data decides: quotas, buffers, permits, and setting them aside."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import Suspension
from app.audit.models import AuditRow
from app.db import db, transaction
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import BookingRefused, Invalid, NotAllowed, Taken
from app.domain.local_time import day_of
from app.domain.recurrence import Recurrence
from app.domain.series import OnConflict
from app.reservations import queries, series, services
from app.reservations.models import Reservation
from app.reservations.series import Repeat
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.projects.conftest import group_of, member
from tests.reservations.conftest import SEOUL, booked, typed


def ruled(microscope, **booking):
    """Another instrument of the same facility, with rules of its own."""
    booking.setdefault("longest", "PT12H")
    return factories.instrument(facility=microscope.facility, booking=booking)


def speaking_english(user):
    with transaction():
        user.language = "en"
    return user


def codes(user, instrument, interval, **fields) -> list[str]:
    with pytest.raises(BookingRefused) as refused:
        booked(user, instrument, interval, **fields)
    return [refusal.code for refusal in refused.value.refusals]


WEEKLY = [{"per": "person", "within": "week", "hours": "PT4H"}]


def test_a_quota_counts_what_the_person_holds_here_and_nothing_else(mina, jun, microscope):
    instrument = ruled(microscope, quotas=WEEKLY)
    booked(mina, instrument, hours(1, 4))
    booked(mina, microscope, hours(5, 8))
    booked(jun, instrument, hours(4, 7))

    assert codes(mina, instrument, hours(8, 10)) == ["max-per-week"]
    booked(mina, instrument, hours(8, 9))


def test_what_was_cancelled_counts_no_longer(mina, microscope):
    instrument = ruled(microscope, quotas=WEEKLY)
    first = booked(mina, instrument, hours(1, 5))
    services.cancel_reservation(mina, first.uid, now=NOW)

    booked(mina, instrument, hours(1, 5))


def test_a_moved_reservation_does_not_count_beside_itself(mina, microscope):
    instrument = ruled(microscope, quotas=WEEKLY)
    made = booked(mina, instrument, hours(1, 5))

    services.change_reservation(mina, made.uid, Change(hours(2, 6)), now=NOW)
    with pytest.raises(BookingRefused):
        services.change_reservation(mina, made.uid, Change(hours(2, 6.5)), now=NOW)


def test_an_institution_is_counted_over_its_people(mina, jun, app):
    instrument = factories.instrument(
        booking={"quotas": [{"per": "institution", "within": "day", "number": 1}]}
    )
    colleague = factories.user("colleague", institution=factories.kaist())
    booked(mina, instrument, hours(1, 2))

    assert codes(colleague, instrument, hours(3, 4)) == ["institution-quota"]


@pytest.fixture
def by_group(app):
    """Of each week two hours for one research group."""
    return factories.instrument(
        booking={"quotas": [{"per": "group", "within": "week", "hours": "PT2H"}]}
    )


def test_a_group_is_counted_over_its_people(mina, jun, theo, by_group):
    lab = group_of(jun)
    member(lab, mina)
    member(lab, theo)
    assert booked(mina, by_group, hours(1, 2)).group_id == lab.id

    assert codes(theo, by_group, hours(3, 5)) == ["group-quota"]
    booked(theo, by_group, hours(3, 4))


def test_whoever_is_in_no_group_counts_alone(mina, theo, by_group):
    booked(mina, by_group, hours(1, 3))

    assert codes(mina, by_group, hours(3, 4)) == ["group-quota"]
    booked(theo, by_group, hours(3, 5))


def test_of_several_groups_the_one_counts_for_which_it_is_reserved(mina, jun, by_group):
    first, second = group_of(jun), group_of(jun, name_ko="나", name_en="B")
    for lab in (first, second):
        member(lab, mina)
    booked(mina, by_group, hours(1, 3))
    wanted = BookingRequest(by_group.slug, hours(3, 5), purpose="x", group=second.id)

    assert codes(mina, by_group, hours(3, 5)) == ["group-quota"]
    made = services.request_reservation(mina, wanted, now=NOW)
    assert made.group_id == second.id
    with pytest.raises(BookingRefused):
        services.change_reservation(mina, made.uid, Change(hours(3, 5.5)), now=NOW)


def test_nobody_reserves_for_a_group_of_others(mina, jun, by_group):
    wanted = BookingRequest(by_group.slug, hours(1, 2), purpose="x", group=group_of(jun).id)

    with pytest.raises(Invalid) as wrong:
        services.request_reservation(mina, wanted, now=NOW)
    assert "group" in wrong.value.fields


def test_a_series_defeats_no_quota_of_a_group(mina, jun, by_group):
    member(group_of(jun), mina)
    booked(jun, by_group, hours(1, 2))
    wanted = BookingRequest(by_group.slug, hours(3, 4), purpose="x")
    repeat = Repeat(Recurrence.parse("FREQ=DAILY;COUNT=2"), OnConflict.FAIL)

    with pytest.raises(BookingRefused) as refused:
        series.request_series(mina, wanted, repeat, now=NOW)
    assert {each.code for each in refused.value.refusals} == {"group-quota"}


def test_a_person_in_two_places_is_warned_or_refused(mina, microscope):
    booked(mina, microscope, hours(1, 3))
    warns, refuses = ruled(microscope), ruled(microscope, two_places="refuse")

    wanted = BookingRequest(warns.slug, hours(2, 4))
    trial = services.try_reservation(mina, wanted, now=NOW)
    assert trial.refusals == ()
    assert "Mon 2 Mar 19:00–21:00" in trial.warnings[0].en
    booked(mina, warns, hours(2, 4))
    assert codes(mina, refuses, hours(2, 4)) == ["in-two-places"]
    booked(mina, refuses, hours(4, 5))


def test_handed_in_samples_need_nobody_there(mina, microscope):
    elsewhere = ruled(microscope, modes=["commissioned"])
    booked(mina, elsewhere, hours(1, 3), mode=Mode.COMMISSIONED)

    booked(mina, ruled(microscope, two_places="refuse"), hours(1, 3))


def test_setting_up_and_cleaning_up_keep_the_next_one_off_and_are_offered_around(
    mina, jun, microscope
):
    instrument = ruled(microscope, setup="PT15M", cleanup="PT15M")
    booked(mina, instrument, hours(2, 4))

    with pytest.raises(Taken) as refused:
        booked(jun, instrument, hours(4, 5))
    assert refused.value.taken[0].interval == hours(2, 4)
    assert refused.value.alternatives[0].interval == hours(4.5, 5.5)
    booked(jun, instrument, hours(4.5, 5.5))


def test_all_that_is_offered_instead_can_be_reserved(mina, jun, microscope):
    instrument = ruled(microscope, setup="PT30M", cleanup="PT1H")
    booked(mina, instrument, hours(3, 5))

    with pytest.raises(Taken) as refused:
        booked(jun, instrument, hours(4, 6))
    for slot in refused.value.alternatives:
        wanted = BookingRequest(instrument.slug, slot.interval)
        assert services.try_reservation(jun, wanted, now=NOW).refusals == ()


def test_who_leaves_keeps_no_reservation_for_after_that(mina, microscope):
    with transaction():
        affiliation = queries.person(mina.id).affiliations[0]
        affiliation.ends_on = day_of(NOW, SEOUL) + timedelta(days=1)

    booked(mina, microscope, hours(1, 2))
    assert codes(mina, microscope, hours(72, 73)) == ["access-ended"]


# Permits and questions

PAPERS = {
    "permits": [{"kind": "iacuc"}],
    "questions": [
        {"key": "strain", "label": {"ko": "계통", "en": "Strain"}, "required": True},
        {
            "key": "gas",
            "label": {"ko": "마취 가스", "en": "Gas"},
            "kind": "choice",
            "options": ["CO2", "O2"],
        },
    ],
}
ANSWERS = {"iacuc": "KA2026-11", "iacuc_until": "2026-12-31", "strain": 'C57BL/6 "J" \\ 2'}


def test_permits_and_answers_stay_with_the_reservation_as_they_were_asked(mina, microscope):
    instrument = ruled(microscope, **PAPERS)
    assert codes(mina, instrument, hours(1, 2)) == ["permit-missing", "answer-missing"]

    made = booked(mina, instrument, hours(1, 2), answers=ANSWERS)
    with transaction():
        instrument.booking = {**instrument.booking, "questions": []}

    db.session.expire_all()
    kept = db.session.scalar(select(Reservation).where(Reservation.uid == made.uid))
    assert kept.answers == ANSWERS
    assert [question["label"]["en"] for question in kept.asked] == ["Strain", "Gas"]


def test_a_moved_reservation_brings_its_answers_with_it(mina, microscope):
    made = booked(mina, ruled(microscope, **PAPERS), hours(1, 2), answers=ANSWERS)

    moved = services.change_reservation(mina, made.uid, Change(hours(3, 4)), now=NOW)
    assert moved.answers == ANSWERS


def test_new_answers_are_judged_like_the_first(mina, microscope):
    made = booked(mina, ruled(microscope, **PAPERS), hours(1, 2), answers=ANSWERS)

    expired = Change(answers={**ANSWERS, "iacuc_until": "2026-01-01"})
    with pytest.raises(BookingRefused) as refused:
        services.change_reservation(mina, made.uid, expired, now=NOW)
    assert [each.code for each in refused.value.refusals] == ["permit-expired"]
    other = Change(answers={**ANSWERS, "strain": "BALB/c"})
    assert services.change_reservation(mina, made.uid, other, now=NOW).answers["strain"] == "BALB/c"


def test_the_form_asks_and_keeps_what_was_typed(client, mina, microscope, fixed_now):
    instrument = ruled(microscope, **PAPERS)
    client.sign_in(speaking_english(mina))
    address = f"/instruments/{instrument.slug}/reserve"
    page = client.get(address).text
    assert "IACUC approval: valid until" in page
    assert "Strain" in page

    sent = typed(
        1,
        2,
        csrf_token=client.form_token(address),
        answer_iacuc="KA2026-11",
        answer_strain='say "hi" \\ <b>',
    )
    again = client.post(address, data=sent)
    assert again.status_code == 422
    assert 'value="KA2026-11"' in again.text
    assert "&#34;hi&#34; \\ &lt;b&gt;" in again.text
    assert "Give the day on which the IACUC approval expires" in again.text

    done = client.post(address, data={**sent, "answer_iacuc_until": "2026-12-31"})
    assert done.status_code == 303
    shown = client.get(done.location).text
    assert "KA2026-11, until 2026-12-31" in shown
    assert "say &#34;hi&#34; \\ &lt;b&gt;" in shown


# Setting rules aside


def test_a_manager_sets_soft_rules_aside_with_a_reason_that_stays(sora, microscope):
    wanted = BookingRequest(microscope.slug, hours(1, 20), purpose="service")
    with pytest.raises(BookingRefused):
        services.request_reservation(sora, wanted, now=NOW)

    made = services.request_reservation(sora, wanted, now=NOW, override="laser needs 19 hours")
    assert made.refusals_overridden == ["longest"]
    assert made.override_reason == "laser needs 19 hours"
    row = db.session.scalars(select(AuditRow).where(AuditRow.subject == made.uid)).one()
    assert row.detail["override_reason"] == "laser needs 19 hours"


def test_an_override_of_somebody_without_the_right_is_refused(mina, microscope):
    wanted = BookingRequest(microscope.slug, hours(1, 20), purpose="more")
    with pytest.raises(NotAllowed):
        services.request_reservation(mina, wanted, now=NOW, override="because")
    assert db.session.scalar(select(Reservation.id)) is None


def test_what_others_hold_and_closures_are_never_set_aside(mina, sora, microscope):
    booked(mina, microscope, hours(1, 2))
    factories.blackout(microscope, hours(5, 6))
    for interval in (hours(1, 2), hours(1, 20), hours(5, 6)):
        wanted = BookingRequest(microscope.slug, interval, purpose="service")
        with pytest.raises(BookingRefused):
            services.request_reservation(sora, wanted, now=NOW, override="service")


def test_a_suspended_manager_sets_nothing_aside(sora, microscope):
    factories.save(Suspension(user_id=sora.id, reason="rules", starts_at=NOW))
    wanted = BookingRequest(microscope.slug, hours(1, 20), purpose="service")
    with pytest.raises(BookingRefused):
        services.request_reservation(sora, wanted, now=NOW, override="service")


def test_a_manager_moves_somebodys_reservation_beyond_a_rule_and_it_says_so(mina, sora, microscope):
    made = booked(mina, microscope, hours(1, 3))
    change = Change(hours(1, 20), override="the run takes longer")

    moved = services.change_reservation(sora, made.uid, change, now=NOW)
    assert moved.refusals_overridden == ["longest"]
    back = services.change_reservation(mina, made.uid, Change(hours(1, 3)), now=NOW)
    assert (back.refusals_overridden, back.override_reason) == ([], "")


def test_the_page_offers_it_to_managers_alone(client, mina, sora, microscope, fixed_now):
    address = f"/instruments/{microscope.slug}/reserve"

    def send(**fields):
        return client.post(
            address, data=typed(1, 20, csrf_token=client.form_token(address), **fields)
        )

    client.sign_in(mina)
    assert send(override="because").status_code == 403
    assert 'name="override"' not in send().text

    client.sign_in(speaking_english(sora))
    assert 'name="override"' in send().text
    done = send(override="service")
    assert done.status_code == 303
    shown = client.get(done.location).text
    assert "Rules set aside" in shown
    assert "longer than the longest reservation" in shown
