"""The page of one's calendars, and the same by the API."""

import re

import pytest
from sqlalchemy import select

from app.accounts import services as accounts
from app.audit.models import AuditRow
from app.calendars.models import Feed
from app.db import db
from tests import factories
from tests.factories import NOW


def feeds():
    db.session.rollback()
    return db.session.scalars(select(Feed).order_by(Feed.id)).all()


def post(client, path, page="/calendars/new", **fields):
    return client.post(path, data={"csrf_token": client.form_token(page), **fields})


def make(client, what="mine", **fields):
    given = {"what": what, "detail": "full", "cancelled": "omit", "name": "", **fields}
    return post(client, "/calendars/new", **given)


def address_in(page):
    found = re.search(r"data-feed-url>(\S+)</code>", page.text)
    assert found
    return found[1].removeprefix("http://localhost")


def rights(user):
    token = accounts.make_token(user, user, name="test", expires_at=None, now=NOW)
    return {"Authorization": f"Bearer {token}"}


# Pages


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page(client):
    for path in ("/calendars", "/calendars/new"):
        assert client.get(path).status_code in {302, 303}


def test_a_new_calendar_shows_its_address_once(client, mina):
    client.sign_in(mina)

    page = make(client)

    path = address_in(page)
    assert client.get(path).status_code == 200
    assert f"webcal://localhost{path}" in page.text
    assert 'src="data:image/svg+xml' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    listed = client.get("/calendars").text
    assert path not in listed
    assert feeds()[0].beginning in listed


def test_the_link_on_an_instruments_page_leads_to_a_form_about_it(client, mina, microscope):
    client.sign_in(mina)

    page = client.get("/calendars/new?kind=instrument&of=microscope")

    assert re.search(r'<option selected value="instrument:microscope">', page.text)
    made = make(client, "instrument:microscope", detail="busy", cancelled="keep", name="현미경")
    assert made.status_code == 200
    (feed,) = feeds()
    assert (feed.instrument_id, feed.detail, feed.cancelled, feed.name) == (
        microscope.id,
        "busy",
        "keep",
        "현미경",
    )


def test_an_instrument_that_is_not_offered_can_be_had_by_its_link_alone(client, mina):
    """What is typed into the form is looked up like any other address."""
    client.sign_in(mina)

    assert make(client, "instrument:nothing").status_code in {422, 404}
    assert feeds() == []


def test_approvals_are_offered_to_managers_alone(client, mina, sora):
    client.sign_in(mina)
    assert 'value="approvals"' not in client.get("/calendars/new").text
    client.sign_in(sora)
    assert 'value="approvals"' in client.get("/calendars/new").text


def test_rename_rotate_revoke(client, mina):
    client.sign_in(mina)
    old = address_in(make(client))
    (feed,) = feeds()

    renamed = post(client, f"/calendars/{feed.id}/rename", name="연구실  일정")
    rotated = post(client, f"/calendars/{feed.id}/rotate")
    new = address_in(rotated)

    assert renamed.status_code == 303
    assert feeds()[0].name == "연구실 일정"
    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)
    assert post(client, f"/calendars/{feed.id}/revoke").status_code == 303
    assert client.get(new).status_code == 404
    assert "연구실 일정" not in client.get("/calendars").text


@pytest.mark.parametrize("act", ["rename", "rotate", "revoke"])
def test_nobody_touches_the_calendars_of_others(client, mina, jun, act):
    client.sign_in(mina)
    path = address_in(make(client))
    (feed,) = feeds()
    client.sign_in(jun)

    assert post(client, f"/calendars/{feed.id}/{act}", name="x").status_code == 404
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("act", ["rename", "rotate", "revoke"])
def test_changes_are_asked_by_post_with_the_forms_token(client, mina, act):
    client.sign_in(mina)
    make(client)
    (feed,) = feeds()

    assert client.get(f"/calendars/{feed.id}/{act}").status_code == 405
    assert client.post(f"/calendars/{feed.id}/{act}").status_code == 400


def test_every_act_is_in_the_audit_trail_without_the_secret(client, mina):
    client.sign_in(mina)
    paths = [address_in(make(client))]
    (feed,) = feeds()
    post(client, f"/calendars/{feed.id}/rename", name="x")
    paths.append(address_in(post(client, f"/calendars/{feed.id}/rotate")))
    post(client, f"/calendars/{feed.id}/revoke")

    db.session.rollback()
    rows = db.session.scalars(
        select(AuditRow).where(AuditRow.kind == "feed").order_by(AuditRow.id)
    ).all()
    assert [row.action for row in rows] == [
        "make-feed",
        "rename-feed",
        "rotate-feed",
        "revoke-feed",
    ]
    for path in paths:
        secret = path.removeprefix("/calendars/").removesuffix(".ics")
        assert not any(secret in str(vars(row)) for row in rows)


def test_a_name_is_shown_as_text(client, mina):
    client.sign_in(mina)

    make(client, name="<script>alert(1)</script>")

    assert "<script>alert" not in client.get("/calendars").text


def test_the_page_speaks_both_languages(client, mina, theo):
    for user, lang in ((mina, "ko"), (theo, "en")):
        page = client.sign_in(user).get("/calendars")
        assert page.status_code == 200
        assert f'<html lang="{lang}"' in page.text


# API


def test_the_api_tells_the_address_once(client, mina, microscope):
    headers = rights(mina)

    made = client.post(
        "/api/v1/me/feeds", json={"kind": "instrument", "of": "microscope"}, headers=headers
    )

    assert made.status_code == 201
    assert client.get(made.json["url"].removeprefix("http://localhost")).status_code == 200
    (listed,) = client.get("/api/v1/me/feeds", headers=headers).json["items"]
    assert "url" not in listed
    assert (listed["kind"], listed["of"], listed["detail"], listed["cancelled"]) == (
        "instrument",
        "microscope",
        "full",
        "omit",
    )
    assert listed["fetched_at"] == "2026-03-02T09:00:00Z"


def test_the_api_revokes_ones_own_feeds_alone(client, mina, jun):
    made = client.post("/api/v1/me/feeds", json={"kind": "mine"}, headers=rights(mina)).json
    path = made["url"].removeprefix("http://localhost")

    assert client.delete(f"/api/v1/me/feeds/{made['id']}", headers=rights(jun)).status_code == 404
    assert client.get(path).status_code == 200
    gone = client.delete(f"/api/v1/me/feeds/{made['id']}", headers=rights(mina))
    assert (gone.status_code, gone.data) == (204, b"")
    assert client.get(path).status_code == 404
    again = client.delete(f"/api/v1/me/feeds/{made['id']}", headers=rights(mina))
    assert again.status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "instrument"}, 422),
        ({"kind": "instrument", "of": "nothing"}, 404),
        ({"kind": "facility", "of": "nothing"}, 404),
        ({"kind": "institution", "of": "nothing"}, 404),
        ({"kind": "moon"}, 422),
        ({"kind": "mine", "detail": "all"}, 422),
        ({"kind": "mine", "user_id": 1}, 422),
        ({"kind": "mine", "name": "x\ry"}, 422),
        ({}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_and_makes_nothing(client, mina, body, status):
    answer = client.post("/api/v1/me/feeds", json=body, headers=rights(mina))

    assert answer.status_code == status
    assert feeds() == []


def test_without_a_token_there_is_no_list(client):
    assert client.get("/api/v1/me/feeds").status_code == 401


def test_there_is_an_end_to_the_number_of_feeds(client, mina, monkeypatch):
    monkeypatch.setattr("app.calendars.services.FEEDS_AT_MOST", 1)
    headers = rights(mina)
    client.post("/api/v1/me/feeds", json={"kind": "mine"}, headers=headers)

    answer = client.post("/api/v1/me/feeds", json={"kind": "mine"}, headers=headers)

    assert answer.status_code == 422
    assert len(feeds()) == 1


def test_a_facility_and_an_institution_can_be_named(client, mina):
    place = factories.facility(slug="biocore")
    headers = rights(mina)
    for kind, of in (("facility", place.slug), ("institution", "kaist")):
        made = client.post("/api/v1/me/feeds", json={"kind": kind, "of": of}, headers=headers)
        assert (made.status_code, made.json["of"]) == (201, of)
