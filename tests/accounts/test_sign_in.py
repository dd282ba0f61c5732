"""Signing in: the right person, and nobody else."""

import re
import unicodedata
from typing import Any

import flask_security.forms
import pytest
from flask import Flask
from flask_security.utils import verify_and_update_password
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.models import User
from app.accounts.queries import DEMO_PASSWORD
from app.audit.models import AuditRow
from app.db import db
from app.mail.models import OutgoingMail
from tests import factories
from tests.accounts.conftest import AnotherProcess
from tests.accounts.statements import statements
from tests.conftest import Visitor
from tests.factories import PASSWORD

WRONG = "The e-mail address or the password is not right."
HANGUL = "한글로 쓴 긴 비밀번호"


def sign_in(client: Visitor, email: str, password: str, **fields: str) -> TestResponse:
    token = client.form_token("/sign-in")
    data = {"email": email, "password": password, "csrf_token": token, **fields}
    return client.post("/sign-in", data=data, headers={"Accept-Language": "en"})


def cookie(client: Visitor, name: str = "dure") -> str:
    found = client.get_cookie(name)
    assert found
    return found.value


def bare(answer: TestResponse) -> str:
    """A page without what differs each time: form tokens and what was typed."""
    return re.sub(r'(value|content)="[^"]*"|[a-z]+@example.org', "", answer.text)


def link_in(mail: OutgoingMail) -> str:
    return str(mail.particulars["link"]).removeprefix("http://localhost")


def mails() -> list[OutgoingMail]:
    db.session.rollback()
    return list(db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def test_the_right_password_opens_the_account(client: Visitor, mina: User) -> None:
    answer = sign_in(client, "mina@example.org", PASSWORD)

    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/account").status_code == 200


def test_an_address_is_found_however_it_is_typed(client: Visitor, mina: User) -> None:
    assert sign_in(client, "  Mina@Example.ORG ", PASSWORD).status_code == 302


def test_a_sign_in_is_noted(client: Visitor, mina: User) -> None:
    sign_in(client, mina.email, PASSWORD)

    db.session.refresh(mina)
    assert mina.last_sign_in_at is not None
    rows = db.session.scalars(select(AuditRow.action).where(AuditRow.actor_id == mina.id))
    assert rows.all() == ["sign-in"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("mina@example.org", "a wrong password"),
        ("nobody@example.org", PASSWORD),
        ("away@example.org", "a wrong password"),
    ],
    ids=["wrong password", "unknown address", "switched off"],
)
def test_failures_look_alike(client: Visitor, mina: User, email: str, password: str) -> None:
    factories.user("away", active=False)

    answer = sign_in(client, email, password)

    assert answer.status_code == 422
    assert answer.text.count(WRONG) == 1
    other = sign_in(client, "mina@example.org", "another wrong one")
    assert bare(answer) == bare(other)
    assert client.get("/account").status_code == 303


def test_an_account_switched_off_stays_closed(client: Visitor, app: Flask) -> None:
    factories.user("away", active=False)

    sign_in(client, "away@example.org", PASSWORD)

    assert client.get("/account").status_code == 303


def test_unknown_addresses_cost_one_hash_as_known_ones_do(
    client: Visitor, mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: each way through the form looks at one Argon2 hash."""
    seen: list[str] = []
    real = flask_security.forms.hash_password

    def counting(password: str) -> str:
        seen.append("hash")
        return real(password)

    def counting_too(password: str, user: Any) -> bool:
        seen.append("hash")
        return verify_and_update_password(password, user)

    monkeypatch.setattr("flask_security.forms.hash_password", counting)
    monkeypatch.setattr("flask_security.core.verify_and_update_password", counting_too)

    for email in ("mina@example.org", "nobody@example.org"):
        seen.clear()
        sign_in(client, email, "a wrong password")
        assert seen == ["hash"], email


def test_a_session_begins_anew_with_the_sign_in(client: Visitor, mina: User) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["language"] = "en"
    before = client.form_token("/sign-in")
    with client.session_transaction() as session:
        secret = session["csrf_token"]

    sign_in(client, mina.email, PASSWORD)

    with client.session_transaction() as session:
        assert "planted" not in session
        assert session["language"] == "en"
        assert session.get("csrf_token") != secret
    late = client.post("/account", data={"name": "X", "csrf_token": before})
    assert late.status_code == 400


def test_the_session_cookie_is_for_the_browser_alone(client: Visitor, mina: User) -> None:
    answer = sign_in(client, mina.email, PASSWORD)

    flags = next(h for h in answer.headers.getlist("Set-Cookie") if h.startswith("dure="))
    assert "HttpOnly" in flags
    assert "SameSite=Lax" in flags
    assert client.get_cookie("dure_remember") is None


def test_remembered_only_if_asked(client: Visitor, mina: User) -> None:
    sign_in(client, mina.email, PASSWORD, remember="y")
    client.delete_cookie("dure")

    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "evil",
    [
        "//h",
        r"/\h",
        r"/\\h",
        r"\\h",
        "https:h",
        "http://h",
        "https://localhost.h/",
        "javascript:alert(1)",
        "/\t/h",
        "/\n/h",
        "\t//h",
        " //h",
        "///h",
        "h",
    ],
)
def test_signing_in_leads_nowhere_else(client: Visitor, mina: User, evil: str) -> None:
    assert sign_in(client, mina.email, PASSWORD, next=evil).location == "/"
    client.delete_cookie("dure")
    page = client.post(
        "/sign-in",
        query_string={"next": evil},
        data={
            "email": mina.email,
            "password": PASSWORD,
            "csrf_token": client.form_token("/sign-in"),
        },
    )
    assert page.location == "/"


def test_signing_in_leads_on_to_the_page_that_was_wanted(client: Visitor, mina: User) -> None:
    turned_away = client.get("/admin/people?q=김&page=2")
    assert turned_away.status_code == 303
    form = client.get(turned_away.location)
    wanted = re.search(r'id="next"[^>]*value="([^"]*)"', form.text)
    assert wanted
    path = wanted[1].replace("&amp;", "&")

    assert path == "/admin/people?q=김&page=2"
    led_to = sign_in(client, mina.email, PASSWORD, next=path).location
    assert led_to == "/admin/people?q=%EA%B9%80&page=2"


def test_a_form_without_its_token_does_nothing(client: Visitor, mina: User) -> None:
    client.get("/sign-in")

    answer = client.post("/sign-in", data={"email": mina.email, "password": PASSWORD})

    assert answer.status_code == 400
    assert client.get("/account").status_code == 303


def test_following_a_link_signs_nobody_out(client: Visitor, mina: User) -> None:
    client.sign_in(mina)

    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 400
    assert client.get("/account").status_code == 200


def test_signing_out_ends_the_session(client: Visitor, mina: User) -> None:
    client.sign_in(mina)
    token = client.form_token("/account")

    assert client.post("/sign-out", data={"csrf_token": token}).location == "/"
    assert client.get("/account").status_code == 303


def test_json_is_no_form(client: Visitor, mina: User) -> None:
    token = client.form_token("/sign-in")

    answer = client.post("/sign-in", json=[1], headers={"X-CSRFToken": token})

    assert answer.status_code == 415


def test_an_endless_password_is_refused_unread(client: Visitor, mina: User) -> None:
    assert sign_in(client, mina.email, "x" * 100_000).status_code == 422


def test_a_hangul_password_is_the_same_on_every_system(client: Visitor, mina: User) -> None:
    decomposed = unicodedata.normalize("NFD", HANGUL)
    assert decomposed != HANGUL
    token = client.sign_in(mina).form_token("/account/password")
    changed = client.post(
        "/account/password",
        data={
            "password": PASSWORD,
            "new_password": decomposed,
            "new_password_confirm": HANGUL,
            "csrf_token": token,
        },
    )
    assert changed.location == "/account"

    for typed in (decomposed, HANGUL):
        client.delete_cookie("dure")
        assert sign_in(client, mina.email, typed).status_code == 302


def test_a_changed_password_signs_other_devices_out(
    app: Flask, client: Visitor, mina: User
) -> None:
    other = app.test_client().sign_in(mina)  # type: ignore[attr-defined]
    token = client.sign_in(mina).form_token("/account/password")

    client.post(
        "/account/password",
        data={
            "password": PASSWORD,
            "new_password": HANGUL,
            "new_password_confirm": HANGUL,
            "csrf_token": token,
        },
    )

    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert [mail.template for mail in mails()] == ["password_changed"]


@pytest.mark.parametrize(
    ("present", "new", "again"),
    [
        ("wrong password", HANGUL, HANGUL),
        (PASSWORD, "too short", "too short"),
        (PASSWORD, HANGUL, HANGUL + "!"),
        (PASSWORD, "ㄱ" * 129, "ㄱ" * 129),
        ("", HANGUL, HANGUL),
    ],
)
def test_a_password_is_changed_only_properly(
    client: Visitor, mina: User, present: str, new: str, again: str
) -> None:
    token = client.sign_in(mina).form_token("/account/password")
    before = mina.password

    answer = client.post(
        "/account/password",
        data={
            "password": present,
            "new_password": new,
            "new_password_confirm": again,
            "csrf_token": token,
        },
    )

    assert answer.status_code == 422
    db.session.refresh(mina)
    assert mina.password == before
    assert mails() == []


def ask_reset(client: Visitor, email: str, **headers: str) -> TestResponse:
    token = client.form_token("/reset")
    return client.post("/reset", data={"email": email, "csrf_token": token}, headers=headers)


def test_a_forgotten_password_is_set_anew_by_mail(client: Visitor, mina: User) -> None:
    ask_reset(client, mina.email)
    (mail,) = mails()
    assert (mail.recipient, mail.template) == (mina.email, "reset_instructions")
    link = link_in(mail)

    token = client.form_token(link)
    done = client.post(
        link, data={"password": HANGUL, "password_confirm": HANGUL, "csrf_token": token}
    )

    assert done.location.endswith("/sign-in")
    assert [mail.template for mail in mails()] == ["reset_instructions", "password_changed"]
    assert sign_in(client, mina.email, PASSWORD).status_code == 422
    assert sign_in(client, mina.email, HANGUL).status_code == 302
    client.delete_cookie("dure")
    assert client.get(link).location.endswith("/reset"), "the link works once"


def test_asking_for_a_reset_tells_nobody_who_has_an_account(client: Visitor, mina: User) -> None:
    factories.user("away", active=False)
    emails = ("mina@example.org", "nobody@example.org", "away@example.org")
    texts = [bare(ask_reset(client, email)) for email in emails]
    assert texts[0] == texts[1] == texts[2]
    assert [mail.recipient for mail in mails()] == ["mina@example.org"]
    rows = db.session.scalars(select(AuditRow).where(AuditRow.action == "ask-reset")).all()
    assert len(rows) == 3


def test_a_reset_is_as_much_work_for_an_unknown_address(client: Visitor, mina: User) -> None:
    """The same statements, but for the mail itself."""
    ask_reset(client, "first@example.org")  # begins the window of the network address
    asked = {}
    for email in (mina.email, "nobody@example.org"):
        with statements() as seen:
            ask_reset(client, email)
        asked[email] = [s.split("(")[0].split("SET")[0].strip() for s in seen]

    known, unknown = asked.values()
    known.remove("INSERT INTO outgoing_mail")
    assert [s for s in known if not s.startswith("SELECT")] == [
        s for s in unknown if not s.startswith("SELECT")
    ]


def test_the_link_leads_to_the_public_address_whatever_the_host_header_says(
    client: Visitor, mina: User
) -> None:
    token = client.form_token("/reset")
    data = {"email": mina.email, "csrf_token": token}

    answer = client.post("/reset", data=data, headers={"X-Forwarded-Host": "evil.example"})

    assert answer.status_code == 200
    (mail,) = mails()
    assert mail.particulars["link"].startswith("http://localhost/reset/")
    client.post("/reset", data=data, headers={"Host": "evil.example"})
    assert all("evil" not in mail.particulars["link"] for mail in mails())


def test_demo_people_are_shown_in_a_demonstration_only(
    client: Visitor, mina: User, another_process: AnotherProcess
) -> None:
    assert 'value="mina@example.org"' not in client.get("/sign-in?as=mina@example.org").text
    visitor: Visitor = another_process(demo="yes").test_client()  # type: ignore[assignment]

    page = visitor.get("/sign-in?as=mina@example.org").text

    assert DEMO_PASSWORD in page
    assert page.count('value="mina@example.org"') == 1, "one click fills the form in"
    assert f'value="{DEMO_PASSWORD}"' in page
