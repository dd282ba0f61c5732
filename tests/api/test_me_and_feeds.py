"""Who I am, and the calendars that I made."""

from app.accounts.models import User
from app.catalog.models import Instrument
from tests.api.conftest import Programs, booked, problem
from tests.factories import hours

FIELDS = {
    "id", "kind", "of", "detail", "cancelled", "name", "beginning", "created_at", "fetched_at",
    "fetched_by",
}  # fmt: skip


def test_me(program_of: Programs, mina: User, sora: User, microscope: Instrument) -> None:
    answer = program_of(mina).get("/me")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.json == {
        "email": "mina@example.org",
        "name": "김미나",
        "language": "ko",
        "timezone": None,
        "institution": "kaist",
        "department": "",
        "roles": [],
    }
    assert program_of(sora).get("/me").json["roles"] == [
        {
            "role": "facility_manager",
            "facility": microscope.facility.slug,
            "institution": None,
        }
    ]


def test_a_feed_is_made_listed_read_and_revoked(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine = program_of(mina)

    made = mine.post("/me/feeds", {"kind": "instrument", "of": "microscope"})

    assert made.status_code == 201
    assert made.json.keys() == FIELDS | {"url"}
    assert (made.json["kind"], made.json["of"]) == ("instrument", "microscope")
    assert (made.json["detail"], made.json["cancelled"]) == ("full", "omit")
    assert made.json["created_at"] == "2026-03-02T09:00:00Z"
    assert made.headers["Cache-Control"] == "no-store"
    secret = made.json["url"].removeprefix("http://localhost/calendars/").removesuffix(".ics")
    assert len(secret) >= 22, "at least 128 bits"
    assert mine.client.get(f"/calendars/{secret}.ics").mimetype == "text/calendar"

    listed = mine.get("/me/feeds")
    assert listed.json.keys() == {"items", "next"}
    (item,) = listed.json["items"]
    assert item.keys() == FIELDS, "the address is told once"
    assert secret not in listed.text

    gone = mine.delete(f"/me/feeds/{item['id']}")
    assert (gone.status_code, gone.data) == (204, b"")
    assert mine.client.get(f"/calendars/{secret}.ics").status_code == 404
    assert mine.get("/me/feeds").json["items"] == []
    assert problem(mine.delete(f"/me/feeds/{item['id']}")) == (404, "not-found")


def test_nobody_revokes_the_feed_of_another(
    program_of: Programs, mina: User, jun: User, sora: User, ada: User
) -> None:
    made = program_of(mina).post("/me/feeds", {"kind": "mine"}).json
    for other in (jun, sora, ada):
        answer = program_of(other).delete(f"/me/feeds/{made['id']}")
        assert problem(answer) == (404, "not-found")
        assert program_of(other).get("/me/feeds").json["items"] == []
    path = made["url"].removeprefix("http://localhost")
    assert program_of(mina).client.get(path).status_code == 200


def test_a_feed_of_anything_tells_what_its_owner_may_see(
    program_of: Programs, mina: User, theo: User, sora: User, microscope: Instrument
) -> None:
    made = booked(mina, microscope, hours(1, 2), purpose="secret project")
    slug = microscope.facility.slug
    for kind, of in (("facility", slug), ("institution", "kaist"), ("instrument", "microscope")):
        for reader, allowed in ((sora, True), (theo, False)):
            feed = program_of(reader).post("/me/feeds", {"kind": kind, "of": of}).json
            path = feed["url"].removeprefix("http://localhost")
            text = program_of(reader).client.get(path).text
            assert "BEGIN:VEVENT" in text
            assert ("secret project" in text) is allowed, (kind, reader.email)
            assert ("김미나" in text) is allowed, (kind, reader.email)
            assert ((f"/reservations/{made.uid}") in text.replace("\r\n ", "")) is allowed


def test_a_feed_that_makes_no_sense_is_refused(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine = program_of(mina)
    for body in (
        {}, {"kind": "all"}, {"kind": "mine", "user": "jun"}, {"kind": "mine", "secret": "x"},
        {"kind": "instrument"}, {"kind": "instrument", "of": ""}, {"kind": "mine", "name": 5},
        {"kind": "mine", "name": "x" * 101}, {"kind": "mine", "name": "a\r\nX-EVIL:1"},
        {"kind": "instrument", "of": "micro\x00scope"}, {"kind": "mine", "detail": "all"},
    ):  # fmt: skip
        assert problem(mine.post("/me/feeds", body)) == (422, "invalid"), body
    unknown = mine.post("/me/feeds", {"kind": "instrument", "of": "nothing"})
    assert problem(unknown) == (404, "not-found")
    assert mine.get("/me/feeds").json["items"] == []
