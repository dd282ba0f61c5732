"""Who administers people sees their own, and acts within their rights."""

import re
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts import administration, places, queries, services, suspensions
from app.accounts.access import OPERATOR
from app.accounts.models import (
    Affiliation,
    ApiToken,
    RoleGrant,
    RoleName,
    Suspension,
    User,
)
from app.accounts.places import Place
from app.accounts.services import NewPerson
from app.audit.models import AuditRow
from app.catalog.models import Instrument
from app.db import db, transaction
from app.domain.errors import DureError, Invalid, NotAllowed, NotFound, WrongState
from app.mail.models import OutgoingMail
from tests import factories
from tests.conftest import Visitor
from tests.factories import NOW

TODAY = NOW.date()
WHEN = {"now": NOW, "today": TODAY}
XSS = "<script>alert(1)</script>"


@pytest.fixture
def kim(microscope: Instrument) -> User:
    """Administers KAIST."""
    return factories.user("kim", name="김관리", administers=microscope.facility.institution)


@pytest.fixture
def lab(microscope: Instrument) -> Place:
    return places.place_by_slug(microscope.facility.slug)


def templates() -> list[str]:
    return list(db.session.scalars(select(OutgoingMail.template).order_by(OutgoingMail.id)))


def acts() -> list[str]:
    return list(db.session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def roles_of(user: User) -> list[RoleName]:
    return [held.grant.role for held in queries.roles_of(user)]


# People and where they belong


def test_a_person_is_added_with_a_mail_to_set_a_password(
    client: Visitor, kim: User, app: Flask
) -> None:
    form = client.sign_in(kim).form_token("/admin/people/new")
    added = client.post(
        "/admin/people/new",
        data={
            "email": "New.Person@Example.org",
            "name": "새 사람",
            "language": "ko",
            "institution": "kaist",
            "department": "생명과학과",
            "csrf_token": form,
        },
    )

    assert added.status_code == 303, added.text
    user = queries.user_by_email("new.person@example.org")
    assert user
    assert user.password is None
    assert [a.institution.slug for a in queries.affiliations_of(user)] == ["kaist"]
    assert templates() == ["welcome"]
    mail = db.session.scalars(select(OutgoingMail)).one()
    link = mail.particulars["link"].removeprefix("http://localhost")
    visitor: Visitor = app.test_client()  # type: ignore[assignment]
    token = visitor.form_token(link)
    word = "아주 긴 비밀번호 하나"
    visitor.post(link, data={"password": word, "password_confirm": word, "csrf_token": token})
    db.session.rollback()
    assert user.password


def test_the_institution_of_a_new_person_is_chosen_never_guessed(
    client: Visitor, ada: User, kim: User
) -> None:
    factories.cnu()
    page = "/admin/people/new"
    form = client.sign_in(ada).form_token(page)
    data = {"email": "x@example.org", "name": "새 사람", "language": "ko", "csrf_token": form}
    answer = client.post(page, data={**data, "institution": ""})
    assert 'id="institution-errors"' in answer.text
    assert queries.user_by_email("x@example.org") is None
    # Who can add people to one institution only has nothing to choose.
    choices = _options(client.sign_in(kim).get(page).text, "institution")
    assert choices == ["kaist"]


def _options(page: str, name: str) -> list[str]:
    """What a select field of a page offers."""
    found = re.search(rf'<select[^>]* name="{name}".*?</select>', page, re.DOTALL)
    assert found
    return re.findall(r'<option[^>]*value="([^"]*)"', found[0])


def test_nothing_is_taken_away_without_a_question(
    client: Visitor, ada: User, mina: User, lab: Place
) -> None:
    administration.grant_role(ada, mina, RoleName.FACILITY_MANAGER, lab, **WHEN)
    services.make_token(mina, mina, name="x", expires_at=None, now=NOW)
    pages = (
        (ada, f"/admin/people/{mina.id}", ("/end", "/revoke", "/switch-off")),
        (mina, "/account/tokens", ("/revoke",)),
    )
    for reader, page, acts_there in pages:
        forms = re.findall(r"<form[^>]*>", client.sign_in(reader).get(page).text)
        for act in acts_there:
            (form,) = [each for each in forms if f'{act}"' in each]
            assert "data-confirm=" in form
            assert "data-confirm-danger" in form


def test_my_roles_lead_to_what_they_are_for(client: Visitor, kim: User, sora: User) -> None:
    of_sora = client.sign_in(sora).get("/account").text
    assert re.search(r'href="/facilities/[^"/]+"', of_sora)
    assert 'href="/institutions/kaist"' in client.sign_in(kim).get("/account").text


def test_a_language_that_is_chosen_is_kept_with_the_account(client: Visitor, mina: User) -> None:
    form = client.sign_in(mina).form_token("/account")
    client.post("/language", data={"language": "en", "csrf_token": form})
    db.session.refresh(mina)
    assert mina.language == "en"
    assert acts() == ["change-profile"]
    # What is then chosen for the account holds at once, not only at the next sign-in.
    profile = {"name": mina.name, "language": "ko", "csrf_token": form}
    client.post("/account", data=profile)
    assert '<html lang="ko">' in client.get("/account").text


def test_what_the_form_does_not_ask_is_ignored(client: Visitor, mina: User) -> None:
    form = client.sign_in(mina).form_token("/account")
    before = (mina.email, mina.password, mina.fs_uniquifier)

    client.post(
        "/account",
        data={
            "name": "미나",
            "language": "en",
            "timezone": "Europe/Berlin",
            "csrf_token": form,
            "id": "1",
            "email": "boss@example.org",
            "active": "",
            "password": "x",
            "fs_uniquifier": "x",
            "role": "site_administrator",
            "grants-0-role": "site_administrator",
            "affiliations-0-institution_id": "2",
        },
    )

    db.session.refresh(mina)
    assert (mina.name, mina.language, mina.timezone) == ("미나", "en", None)
    assert (mina.email, mina.password, mina.fs_uniquifier) == before
    assert mina.active
    assert roles_of(mina) == []


def test_names_are_text_and_nothing_else(client: Visitor, kim: User, ada: User) -> None:
    shown = factories.user("shown", name=XSS)
    suspensions.suspend(OPERATOR, shown, reason=XSS, ends_at=None, **WHEN)
    services.make_token(shown, shown, name=XSS, expires_at=None, now=NOW)
    pages = [
        client.sign_in(kim).get("/admin/people").text,
        client.get(f"/admin/people/{shown.id}").text,
        client.get("/admin/people?q=" + XSS).text,
        client.sign_in(shown).get("/account").text,
        client.get("/account/tokens").text,
    ]
    for page in pages:
        assert XSS not in page
        assert "&lt;script&gt;" in page


def test_an_address_belongs_to_one_account(app: Flask, kim: User, mina: User) -> None:
    for email in ("mina@example.org", " MINA@example.org", "nobody", "a@b\x00.org", ""):
        with pytest.raises(Invalid) as wrong:
            services.add_user(OPERATOR, NewPerson(email, "X"), factories.kaist(), **WHEN)
        assert "email" in wrong.value.fields


def test_a_foreign_institution_gets_no_people(app: Flask, kim: User) -> None:
    with pytest.raises(NotAllowed):
        services.add_user(kim, NewPerson("x@example.org", "X"), factories.cnu(), **WHEN)
    assert templates() == []


def test_an_affiliation_begins_and_ends(app: Flask, kim: User, mina: User) -> None:
    first = mina.affiliations[0].id
    administration.end_affiliation(kim, mina, first, last_day=TODAY, **WHEN)
    tomorrow = TODAY + timedelta(days=1)
    assert [a.id for a in queries.current_affiliations(mina, today=TODAY)] == [first]
    assert queries.current_affiliations(mina, today=tomorrow) == []
    with pytest.raises(NotFound):
        queries.person(kim, mina.id, today=tomorrow)


def test_a_last_day_can_be_left_open_and_changed_later(
    client: Visitor, kim: User, mina: User
) -> None:
    page = f"/admin/people/{mina.id}"
    form = client.sign_in(kim).form_token(page)
    end = f"{page}/affiliations/{mina.affiliations[0].id}/end"
    for typed, kept in (
        ("2030-12-31", date(2030, 12, 31)),
        ("2031-06-30", date(2031, 6, 30)),
        ("", None),
    ):
        answer = client.post(end, data={"last_day": typed, "csrf_token": form})
        assert answer.status_code == 303, answer.text
        db.session.rollback()
        db.session.refresh(mina.affiliations[0])
        assert mina.affiliations[0].ends_on == kept


def test_an_affiliation_does_not_end_before_it_begins(app: Flask, kim: User, mina: User) -> None:
    with pytest.raises(Invalid):
        administration.end_affiliation(
            kim, mina, mina.affiliations[0].id, last_day=date(2019, 12, 31), **WHEN
        )


# Who sees whom


def test_an_administrator_sees_their_own_people(
    app: Flask, kim: User, mina: User, theo: User, ada: User
) -> None:
    # Ada belongs to KAIST, too: the factories put everybody there who is nowhere else.
    names = {user.email for user in queries.people(kim, today=TODAY).items}
    assert names == {"kim@example.org", "mina@example.org", "ada@example.org"}
    everybody = {user.email for user in queries.people(ada, today=TODAY).items}
    assert everybody == names | {"theo@example.org"}
    assert queries.people(mina, today=TODAY).total == 0


def test_people_are_found_by_name_and_address(app: Flask, kim: User, mina: User, jun: User) -> None:
    def found(search: str) -> list[str]:
        return [u.email for u in queries.people(kim, today=TODAY, search=search).items]

    assert found("김미") == ["mina@example.org"]
    assert found("MINA@") == ["mina@example.org"]
    assert found("김 mina") == ["mina@example.org"]
    assert found("theo") == []
    assert found("%") == []
    assert found("_") == []


def test_people_come_page_by_page(app: Flask, kim: User) -> None:
    now = NOW
    institution = factories.kaist()
    with transaction():
        for n in range(queries.PEOPLE_PER_PAGE):
            person = User(
                email=f"many-{n:03}@example.org",
                name=f"Many {n:03}",
                fs_uniquifier=f"many-{n}",
                created_at=now,
            )
            person.affiliations.append(Affiliation(institution_id=institution.id, starts_on=TODAY))
            db.session.add(person)
    first = queries.people(kim, today=TODAY)
    second = queries.people(kim, today=TODAY, number=2)
    assert (first.pages, len(first.items), len(second.items)) == (2, 50, 1)
    assert queries.people(kim, today=TODAY, number=99).number == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_guessing_ids_shows_nobody_elses_people(
    client: Visitor, kim: User, theo: User, mina: User, method: str
) -> None:
    base = f"/admin/people/{theo.id}"
    posts = (
        "welcome",
        "roles",
        "roles/1/revoke",
        "affiliations",
        "affiliations/1/end",
        "suspensions",
        "suspensions/1/lift",
        "switch-off",
        "switch-on",
    )
    paths = [base] if method == "GET" else [f"{base}/{path}" for path in posts]
    for asker, status in ((kim, 404), (mina, 404)):
        client.sign_in(asker)
        token = client.form_token("/account")
        for path in paths:
            answer = client.open(path, method=method, data={"csrf_token": token})
            assert answer.status_code == status, (asker.name, path)
    assert theo.active
    assert acts() == []


def test_the_list_is_for_administrators(client: Visitor, mina: User, sora: User) -> None:
    for user in (mina, sora):
        client.sign_in(user)
        assert client.get("/admin/people").status_code == 403
        assert client.get("/admin/people/new").status_code == 403
        assert "/admin/people" not in client.get("/account").text


def test_administrators_are_led_to_their_people(client: Visitor, kim: User) -> None:
    assert "/admin/people" in client.sign_in(kim).get("/account").text


def test_what_somebody_does_elsewhere_is_not_shown(
    client: Visitor, kim: User, mina: User, ada: User
) -> None:
    cnu = factories.cnu()
    secret = factories.facility(institution_id=cnu.id, name_ko="비밀 시설", name_en="Secret lab")
    administration.add_affiliation(ada, mina, cnu, department="비밀 학과", **WHEN)
    administration.grant_role(
        ada, mina, RoleName.FACILITY_MANAGER, places.place_by_slug(secret.slug), **WHEN
    )

    page = client.sign_in(kim).get(f"/admin/people/{mina.id}").text

    assert "비밀" not in page
    assert "비밀" in client.sign_in(ada).get(f"/admin/people/{mina.id}").text


# Roles


def test_a_role_is_given_and_taken_back_on_the_page(
    client: Visitor, kim: User, mina: User, lab: Place
) -> None:
    page = f"/admin/people/{mina.id}"
    form = client.sign_in(kim).form_token(page)
    data = {"role-role": "facility_manager", "role-of": f"facility:{lab.slug}"}

    assert client.post(f"{page}/roles", data={**data, "csrf_token": form}).status_code == 303
    db.session.rollback()
    assert [u.id for u in queries.managers_of(lab.id)] == [mina.id]

    (held,) = queries.roles_of(mina)
    client.post(f"{page}/roles/{held.grant.id}/revoke", data={"csrf_token": form})
    db.session.rollback()
    assert queries.managers_of(lab.id) == []
    assert templates() == ["role_granted", "role_revoked"]
    assert acts() == ["grant-role", "revoke-role"]


@pytest.mark.parametrize("of", ["facility", "institution", "site"])
def test_the_database_itself_keeps_a_role_of_one_thing_single(
    app: Flask, mina: User, microscope: Instrument, of: str
) -> None:
    """Two equal grants would let each mail to the managers go out twice, or none at all."""

    def give() -> None:
        role, fields = {
            "facility": (RoleName.FACILITY_MANAGER, {"facility_id": microscope.facility_id}),
            "institution": (
                RoleName.INSTITUTION_ADMINISTRATOR,
                {"institution_id": microscope.facility.institution_id},
            ),
            "site": (RoleName.SPONSOR_OFFICER, {}),
        }[of]
        factories.save(RoleGrant(user_id=mina.id, role=role, granted_at=NOW, **fields))

    give()
    with pytest.raises(IntegrityError):
        give()


def test_a_role_given_twice_is_given_once(app: Flask, kim: User, mina: User, lab: Place) -> None:
    for _ in range(2):
        administration.grant_role(OPERATOR, mina, RoleName.FACILITY_MANAGER, lab, **WHEN)
        administration.grant_role(OPERATOR, mina, RoleName.SITE_ADMINISTRATOR, **WHEN)
    assert sorted(roles_of(mina)) == [RoleName.FACILITY_MANAGER, RoleName.SITE_ADMINISTRATOR]
    assert len(templates()) == 2


@pytest.mark.parametrize("role", [RoleName.SITE_ADMINISTRATOR, RoleName.SPONSOR_OFFICER])
def test_an_institution_gives_no_role_of_the_site(
    client: Visitor, kim: User, role: RoleName
) -> None:
    with pytest.raises(NotAllowed):
        administration.grant_role(kim, kim, role, **WHEN)
    form = client.sign_in(kim).form_token(f"/admin/people/{kim.id}")
    data = {"role-role": role.value, "role-of": "", "csrf_token": form}
    assert client.post(f"/admin/people/{kim.id}/roles", data=data).status_code == 422
    assert RoleName.SITE_ADMINISTRATOR not in roles_of(kim)


def test_an_institution_gives_no_role_elsewhere(app: Flask, kim: User, mina: User) -> None:
    foreign = factories.facility(institution_id=factories.cnu().id)
    with pytest.raises(NotAllowed):
        administration.grant_role(
            kim, mina, RoleName.FACILITY_MANAGER, places.place_by_slug(foreign.slug), **WHEN
        )
    with pytest.raises(NotAllowed):
        administration.grant_role(
            kim, mina, RoleName.INSTITUTION_ADMINISTRATOR, factories.cnu(), **WHEN
        )
    assert roles_of(mina) == []


def test_a_role_fits_what_it_is_for(app: Flask, mina: User, lab: Place) -> None:
    for role, of in (
        (RoleName.FACILITY_MANAGER, None),
        (RoleName.FACILITY_MANAGER, factories.kaist()),
        (RoleName.INSTITUTION_ADMINISTRATOR, lab),
        (RoleName.SITE_ADMINISTRATOR, lab),
    ):
        with pytest.raises(Invalid):
            administration.grant_role(OPERATOR, mina, role, of, **WHEN)


def test_the_form_of_roles_proposes_none_and_says_what_a_role_needs(
    client: Visitor, ada: User, mina: User, lab: Place
) -> None:
    page = f"/admin/people/{mina.id}"
    form = client.sign_in(ada).form_token(page)
    shown = client.get(page).text
    assert _options(shown, "role-role")[0] == ""
    assert _options(shown, "role-of")[0] == ""
    for role, of, field in (
        ("", f"facility:{lab.slug}", "role-role"),
        ("facility_manager", "", "role-of"),
        ("institution_administrator", f"facility:{lab.slug}", "role-of"),
        ("site_administrator", f"facility:{lab.slug}", "role-of"),
    ):
        data = {"role-role": role, "role-of": of, "csrf_token": form}
        answer = client.post(f"{page}/roles", data=data)
        assert answer.status_code == 422
        assert f'id="{field}-errors"' in answer.text
        assert f'value="{of}" ' in answer.text or f'value="{of}">' in answer.text
    db.session.rollback()
    assert roles_of(mina) == []


def test_the_last_site_administrator_stays(app: Flask, ada: User, mina: User) -> None:
    (held,) = queries.roles_of(ada)
    with pytest.raises(WrongState):
        administration.revoke_role(ada, ada, held.grant.id, **WHEN)
    administration.grant_role(ada, mina, RoleName.SITE_ADMINISTRATOR, **WHEN)
    administration.revoke_role(ada, ada, held.grant.id, **WHEN)
    assert roles_of(ada) == []


def test_a_grant_of_somebody_else_is_not_revoked_by_guessing(
    app: Flask, kim: User, mina: User, sora: User
) -> None:
    (held,) = queries.roles_of(sora)
    with pytest.raises(NotFound):
        administration.revoke_role(kim, mina, held.grant.id, **WHEN)
    assert db.session.get(RoleGrant, held.grant.id)


# Suspensions and switching off


def test_a_suspension_holds_until_it_ends_or_is_lifted(app: Flask, kim: User, mina: User) -> None:
    later = NOW + timedelta(days=1)
    suspensions.suspend(kim, mina, reason="미납", ends_at=later, **WHEN)
    (found,) = suspensions.in_force(mina.id, now=NOW)
    assert found.reason == "미납"
    assert suspensions.in_force(mina.id, now=later) == []
    assert suspensions.in_force(mina.id, now=NOW - timedelta(seconds=1)) == []

    suspensions.lift_suspension(kim, mina, found.id, **WHEN)

    assert suspensions.in_force(mina.id, now=NOW) == []
    assert templates() == ["suspended", "suspension_lifted"]
    assert acts() == ["suspend", "lift-suspension"]


def test_a_suspension_needs_a_reason_and_a_future(app: Flask, kim: User, mina: User) -> None:
    for reason, ends_at in ((" ", None), ("reason", NOW)):
        with pytest.raises(Invalid):
            suspensions.suspend(kim, mina, reason=reason, ends_at=ends_at, **WHEN)
    assert db.session.scalars(select(Suspension)).all() == []


def test_suspending_on_the_page_tells_until_when(client: Visitor, kim: User, mina: User) -> None:
    page = f"/admin/people/{mina.id}"
    form = client.sign_in(kim).form_token(page)
    data = {"suspension-reason": "미납", "suspension-ends_on": "2999-12-31", "csrf_token": form}
    assert client.post(f"{page}/suspensions", data=data).status_code == 303
    db.session.rollback()
    suspension = db.session.scalars(select(Suspension)).one()
    assert suspension.ends_at
    assert suspension.ends_at.isoformat() == "2999-12-31T15:00:00+00:00"  # midnight in Daejeon

    data["suspension-reason"] = ""
    again = client.post(f"{page}/suspensions", data=data)
    assert again.status_code == 422
    assert "2999-12-31" in again.text, "what was typed is kept"


def test_switching_off_ends_sessions_and_tokens(
    app: Flask, client: Visitor, kim: User, mina: User
) -> None:
    services.make_token(mina, mina, name="lab", expires_at=None, now=NOW)
    client.sign_in(mina)
    assert client.get("/account").status_code == 200

    administration.switch_off(kim, mina, **WHEN)

    assert client.get("/account").status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(ApiToken.revoked_at)).all() == [NOW]
    administration.switch_on(kim, mina, **WHEN)
    assert client.get("/account").status_code == 303, "the old session stays ended"


def test_nobody_switches_themselves_off(app: Flask, kim: User) -> None:
    with pytest.raises(WrongState):
        administration.switch_off(kim, kim, **WHEN)


def test_an_institution_cannot_shut_out_the_site(app: Flask, kim: User, ada: User) -> None:
    for act in (
        lambda: administration.switch_off(kim, ada, **WHEN),
        lambda: suspensions.suspend(kim, ada, reason="x", ends_at=None, **WHEN),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert ada.active


def test_researchers_and_managers_administer_nobody(
    app: Flask, mina: User, jun: User, sora: User, lab: Place
) -> None:
    for actor in (mina, sora):
        for act in (
            lambda by=actor: administration.switch_off(by, jun, **WHEN),
            lambda by=actor: suspensions.suspend(by, jun, reason="x", ends_at=None, **WHEN),
            lambda by=actor: administration.grant_role(
                by, jun, RoleName.FACILITY_MANAGER, lab, **WHEN
            ),
            lambda by=actor: administration.add_affiliation(by, jun, factories.kaist(), **WHEN),
            lambda by=actor: services.send_welcome(by, jun, **WHEN),
            lambda by=actor: services.change_profile(by, jun, name="X", language="ko", now=NOW),
        ):
            with pytest.raises(DureError) as refused:
                act()
            assert isinstance(refused.value, NotAllowed)
    assert acts() == []


def test_no_control_characters_reach_the_database(client: Visitor, kim: User) -> None:
    client.sign_in(kim)
    assert client.get("/admin/people?q=%00%1f").status_code == 200
    assert client.get("/admin/people?page=-1").status_code == 200
    assert client.get(f"/admin/people?page={10**30}").status_code == 200
    form = client.form_token("/account")
    data = {"name": "a\x00b\r\nBcc: x", "language": "ko", "timezone": "", "csrf_token": form}
    assert client.post("/account", data=data).status_code == 303
    db.session.refresh(kim)
    assert kim.name == "a b  Bcc: x"
