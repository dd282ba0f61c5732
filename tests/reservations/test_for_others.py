"""Reserving for somebody else: who may, by whose rules, and what the holder is told."""

from datetime import date

import pytest
from sqlalchemy import select

from app.accounts import assistants
from app.accounts.models import Institution
from app.audit.models import AuditRow
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, Invalid, NotFound
from app.domain.recurrence import Recurrence
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from app.projects.models import Belonging, GroupMembership, ResearchGroup
from app.reservations import queries, series, services
from app.reservations.models import Reservation
from app.reservations.series import Repeat, Which
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, typed


def for_(holder, instrument, *at, user, **fields):
    request = BookingRequest(
        instrument.slug, hours(*at), purpose="x", holder=holder.email, **fields
    )
    return services.request_reservation(user, request, now=NOW)


@pytest.fixture
def named(mina, jun):
    """Mina lets Jun reserve for her."""
    return assistants.name_assistant(mina, " Jun@Example.org ", now=NOW)


def told(template):
    db.session.rollback()
    wanted = select(OutgoingMail).where(OutgoingMail.template == template)
    return list(db.session.scalars(wanted.order_by(OutgoingMail.id)))


def test_whom_the_holder_named_reserves_changes_and_cancels_for_them(mina, jun, microscope, named):
    made = for_(mina, microscope, 1, 2, user=jun)

    assert (made.holder.id, made.reserved_by.id) == (mina.id, jun.id)
    (mail,) = told("reservation_confirmed")
    assert mail.recipient == mina.email
    assert "대신 예약한 사람: 이준" in message(mail).get_body(("plain",)).get_content()
    row = db.session.scalars(select(AuditRow).where(AuditRow.subject == made.uid)).one()
    assert row.actor_id == jun.id
    services.change_reservation(jun, made.uid, Change(hours(3, 4)), now=NOW)
    services.cancel_reservation(jun, made.uid, now=NOW)
    assert [mail.recipient for mail in told("reservation_cancelled")] == [mina.email]


def test_the_rules_are_those_of_the_holder(mina, jun, microscope, named):
    quota = [{"per": "person", "within": "ahead", "number": 1}]
    limited = factories.instrument(facility=microscope.facility, booking={"quotas": quota})
    booked(jun, limited, hours(1, 2))
    for_(mina, limited, 3, 4, user=jun)
    with pytest.raises(BookingRefused) as refused:
        for_(mina, limited, 5, 6, user=jun)
    assert [each.code for each in refused.value.refusals] == ["max-open"]


def test_a_consent_that_is_taken_back_ends_at_once_and_the_reservation_stays(
    mina, jun, microscope, named
):
    made = for_(mina, microscope, 1, 2, user=jun)
    assistants.dismiss_assistant(mina, named.id, now=NOW)
    with pytest.raises(Invalid) as wrong:
        for_(mina, microscope, 3, 4, user=jun)
    assert set(wrong.value.fields) == {"holder"}
    with pytest.raises(NotFound):
        queries.by_uid(made.uid, viewer=jun)
    assert queries.by_uid(made.uid, viewer=mina).status is Status.CONFIRMED


def test_nobody_learns_from_a_refusal_who_has_an_account(mina, jun, microscope):
    ghost = factories.user("ghost", active=False)
    said = set()
    for address in (mina.email, ghost.email, "nobody@example.org", "no address"):
        request = BookingRequest(microscope.slug, hours(1, 2), purpose="x", holder=address)
        for ask in (services.request_reservation, services.try_reservation):
            with pytest.raises(Invalid) as wrong:
                ask(jun, request, now=NOW)
            said.add(wrong.value.text)
    assert len(said) == 1
    assert db.session.scalar(select(Reservation.id)) is None


def test_a_manager_reserves_for_anyone_on_their_instruments_alone(mina, sora, guarded):
    made = for_(mina, guarded, 1, 2, user=sora)
    assert made.status is Status.CONFIRMED, "who could approve need not be asked"
    with pytest.raises(Invalid):
        for_(mina, factories.instrument(), 1, 2, user=sora)
    request = BookingRequest(guarded.slug, hours(5, 6), purpose="x", holder="nobody@example.org")
    with pytest.raises(Invalid, match="Write it exactly"):
        services.request_reservation(sora, request, now=NOW)


def test_an_assistant_asks_where_the_holder_would(mina, jun, guarded, named):
    assert for_(mina, guarded, 1, 2, user=jun).status is Status.PENDING


def test_a_pi_reserves_for_the_members_of_the_group_as_long_as_they_are(mina, jun, microscope):
    group = factories.save(
        ResearchGroup(
            institution_id=db.session.scalars(select(Institution.id)).first(),
            name_ko="연구실", name_en="Lab", leader_id=jun.id, made_at=NOW,
        )
    )  # fmt: skip
    with pytest.raises(Invalid):
        for_(mina, microscope, 1, 2, user=jun)
    member = factories.save(
        GroupMembership(
            group_id=group.id, user_id=mina.id, belonging=Belonging.MEMBER, made_at=NOW,
            starts_on=date(2020, 1, 1),
        )
    )  # fmt: skip
    assert for_(mina, microscope, 1, 2, user=jun).holder.id == mina.id
    with pytest.raises(Invalid):
        for_(jun, microscope, 3, 4, user=mina)
    with transaction():
        member.ends_on = date(2020, 2, 1)
    with pytest.raises(Invalid):
        for_(mina, microscope, 3, 4, user=jun)


def test_a_series_is_reserved_for_others_too(mina, jun, microscope, named):
    request = BookingRequest(microscope.slug, hours(1, 2), purpose="x", holder=mina.email)
    made = series.request_series(
        jun, request, Repeat(Recurrence.parse("FREQ=WEEKLY;COUNT=3")), now=NOW
    )
    assert {(each.holder_id, each.reserved_by_id) for each in series.members_of(made)} == {
        (mina.id, jun.id)
    }
    assert [mail.recipient for mail in told("series_told")] == [mina.email]
    series.cancel_series(jun, made.uid, Which.ALL, now=NOW)
    assert {each.status for each in series.members_of(made)} == {Status.CANCELLED}


def test_the_form_offers_those_who_agreed_and_no_others(
    client, fixed_now, mina, jun, theo, microscope, named
):
    page = f"/instruments/{microscope.slug}/reserve"
    assert "Reserve for somebody else" not in client.sign_in(theo).get(page).text
    shown = client.sign_in(jun).get(page).text
    assert mina.email in shown
    assert theo.email not in shown
    sent = typed(1, 2, csrf_token=client.form_token(page), holder=theo.email)
    refused = client.post(page, data=sent)
    assert refused.status_code == 422
    assert theo.email in refused.text, "what was typed stays"
    checked = client.post(f"/instruments/{microscope.slug}/check", data=sent)
    assert "대신해 예약할 수 없습니다" in checked.text
    sent["holder"] = mina.email
    assert client.post(page, data=sent).status_code == 303
    db.session.rollback()
    made = db.session.scalars(select(Reservation)).one()
    assert made.holder_id == mina.id
    assert "이준" in client.sign_in(mina).get(f"/reservations/{made.uid}").text


def test_people_are_named_and_dismissed_on_the_account_page(client, mina, jun, theo):
    client.sign_in(mina)
    form = {"csrf_token": client.form_token("/account"), "email": "no address"}
    assert client.post("/account/assistants", data=form).status_code == 422
    # Whether there is such an account makes no difference to what is shown.
    for address in (jun.email, "nobody@example.org"):
        assert client.post("/account/assistants", data=form | {"email": address}).status_code == 303
        assert address in client.get("/account").text
    assert client.post("/account/assistants", data=form | {"email": mina.email}).status_code == 422
    assert [mail.recipient for mail in told("assistant_named")] == [jun.email]
    (named, _) = assistants.assistants_of(mina.id)

    client.sign_in(theo)
    form = {"csrf_token": client.form_token("/account")}
    assert client.post(f"/account/assistants/{named.id}/dismiss", data=form).status_code == 404
    client.sign_in(jun)
    form = {"csrf_token": client.form_token("/account")}
    assert mina.email in client.get("/account").text
    assert client.post(f"/account/assistants/{named.id}/dismiss", data=form).status_code == 303
    db.session.rollback()
    assert [each.email for each in assistants.assistants_of(mina.id)] == ["nobody@example.org"]
