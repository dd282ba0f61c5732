"""What makes no sense is refused in words, changes nothing and never breaks the server."""

import json

import pytest

from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.reservations.models import Reservation
from tests.api.conftest import Program, Programs, at, booked, problem, wish
from tests.factories import hours


def count() -> int:
    db.session.rollback()
    return db.session.query(Reservation).count()


@pytest.fixture
def mine(program_of: Programs, mina: User) -> Program:
    return program_of(mina)


NO_INSTANTS = [
    1772442000, 1772442000.5, "1772442000", True, None, "", [], {}, "tomorrow",
    "2026-03-02T10:00:00",  # naive
    "2026-03-02", "10:00:00Z", "2026-03-02T10:00:00+9", "2026-03-02T10:00:00 Z",
    "2026-02-30T10:00:00Z", "2026-03-02T24:30:00Z", "2026-03-02T10:00:00+25:00",
    "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "99999-01-01T00:00:00Z", "+02026-03-02T10:00:00Z",
    "２０２６-03-02T10:00:00Z", "٢٠٢٦-03-02T10:00:00Z", "2026-03-02T10:00:00Z\x00",
    "2026-03-02T10:00:00Z\n", "2026-W10-1T10:00:00Z", "2026-03-02T10:00:00.1234567Z",
]  # fmt: skip


def test_only_instants_with_an_offset_are_instants(mine: Program, microscope: Instrument) -> None:
    for end in ("starts_at", "ends_at"):
        for value in NO_INSTANTS:
            answer = mine.post("/reservations", wish(microscope, 1, 3) | {end: value})
            assert problem(answer) == (422, "invalid"), (end, value)
            assert answer.json["fields"].keys() == {end}
    assert count() == 0


def test_no_text_holds_control_characters_or_half_characters(
    mine: Program, microscope: Instrument
) -> None:
    for field in ("purpose", "note"):
        for character in ("\x00", "\x07", "\x1b", "\r", "\x7f", "\x81", "\ud800", "\udfff"):
            body = json.dumps(wish(microscope, 1, 3, **{field: f"a{character}b"}))
            answer = mine.call("POST", "/reservations", data=body, content_type="application/json")
            assert problem(answer) == (422, "invalid"), (field, repr(character))
            assert answer.json["fields"].keys() == {field}
    assert count() == 0


def test_hangul_and_emoji_are_kept_as_they_are(mine: Program, microscope: Instrument) -> None:
    purpose = "줄기세포 🔬 <b>&amp;</b> ' \" \\ ‮"  # noqa: PLE2502, kept, and escaped where shown
    answer = mine.post("/reservations", wish(microscope, 1, 3, purpose=purpose))
    assert answer.json["purpose"] == purpose


SENSELESS = [
        ("purpose", ""), ("purpose", "  "), ("purpose", "x" * 301), ("purpose", 5),
        ("purpose", None), ("purpose", ["x"]), ("note", "x" * 5001), ("note", {}),
        ("samples", 0), ("samples", -1), ("samples", 100_001), ("samples", 10**400),
        ("samples", 1.5), ("samples", 4.0), ("samples", "4"), ("samples", "４"),
        ("samples", "넷"), ("samples", True), ("samples", []), ("mode", "magic"), ("mode", 1),
        ("mode", None), ("instrument", "UPPER"), ("instrument", "a b"), ("instrument", "-"),
        ("instrument", "../me"), ("instrument", "x" * 97), ("instrument", 7),
        ("instrument", None), ("instrument", "현미경"), ("instrument", "a\n"),
]  # fmt: skip


def test_a_field_that_makes_no_sense_is_named(mine: Program, microscope: Instrument) -> None:
    for field, value in SENSELESS:
        answer = mine.post("/reservations", wish(microscope, 1, 3) | {field: value})
        assert problem(answer) == (422, "invalid"), (field, value)
        assert answer.json["fields"].keys() == {field}, (field, value)
        assert answer.json["fields"][field]
    assert count() == 0


NOT_THEIRS = [
        ("holder_id", 2), ("status", "confirmed"),
        ("institution", "cnu"), ("institution_id", 2), ("price", 0), ("net", 0), ("total", 0),
        ("quote", {"total": 0}), ("charge", {}), ("version", 9), ("uid", "x"), ("series", "x"),
        ("refusals_overridden", ["taken"]), ("exclusive", False), ("requested_at", at(-9)),
        ("__class__", {}), ("Purpose", "x"), ("", 1),
]  # fmt: skip


def test_nothing_is_set_that_is_not_the_askers_to_set(
    mine: Program, mina: User, guarded: Instrument
) -> None:
    made = booked(mina, guarded, hours(10, 12))
    before = mine.get(f"/reservations/{made.uid}").json

    for field, value in NOT_THEIRS:
        for answer in (
            mine.post("/reservations", wish(guarded, 1, 3, **{field: value})),
            mine.post("/quotes", wish(guarded, 1, 3, **{field: value})),
            mine.patch(f"/reservations/{made.uid}", {"samples": 2, field: value}, version=1),
            mine.post(f"/reservations/{made.uid}/cancel", {field: value}),
        ):
            assert problem(answer) == (422, "invalid"), field
            assert answer.json["fields"].keys() == {field or "_schema"}
    assert mine.get(f"/reservations/{made.uid}").json == before
    assert count() == 1


BROKEN = [
    b"{", b"{]", b'{"a":}', b"\xff\xfe", b"{'instrument': 'x'}", b"nul", b'{"a":1}}',
    b"[" * 100_000, b'{"a":' * 100_000, b"\x00",
    b"1" * 5000,  # more digits than Python reads
]  # fmt: skip


def test_broken_json_is_a_bad_request(mine: Program, microscope: Instrument) -> None:
    for body in BROKEN:
        answer = mine.call("POST", "/reservations", data=body, content_type="application/json")
        assert problem(answer) == (400, "bad-request"), body[:20]


def test_json_of_another_shape_is_refused(mine: Program, microscope: Instrument) -> None:
    for body in (b"[]", b'"x"', b"1", b"null", b"true", b"NaN", b"-Infinity", b"{}", b""):
        answer = mine.call("POST", "/reservations", data=body, content_type="application/json")
        assert problem(answer) == (422, "invalid"), body


def test_a_body_must_say_that_it_is_json(mine: Program, microscope: Instrument) -> None:
    body = json.dumps(wish(microscope, 1, 3))
    for kind in (
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/xml", "text/json", "",
    ):  # fmt: skip
        answer = mine.call("POST", "/reservations", data=body, content_type=kind)
        assert problem(answer) == (415, "unsupported"), kind
    assert count() == 0
    fine = mine.call(
        "POST", "/reservations", data=body, content_type="application/json; charset=utf-8"
    )
    assert fine.status_code == 201


def test_more_than_two_megabytes_are_too_much(mine: Program, microscope: Instrument) -> None:
    answer = mine.post("/reservations", wish(microscope, 1, 3, note="x" * 3_000_000))
    assert problem(answer) == (413, "too-large")


def test_what_cannot_be_in_an_address_is_not_there(mine: Program) -> None:
    for path in (
        "/reservations/%00", "/reservations/a%00b", "/reservations/%ED%A0%80",
        "/reservations/" + "x" * 5000, "/reservations/..%2f..%2fme", "/reservations/%F0%9F%94%AC",
        "/instruments/%00", "/instruments/%00/busy?start=2026-03-02T09:00:00Z",
        "/nothing", "/", "/me/",
    ):  # fmt: skip
        assert problem(mine.get(path)) == (404, "not-found"), path
    for number in ("0", "2147483648", "9" * 30, "-1", "1.5", "%EF%BC%91", "x"):
        answer = mine.delete(f"/me/feeds/{number}")
        assert problem(answer)[1] in {"not-found", "method-not-allowed"}, number


def test_a_price_is_not_spelt_in_other_digits(mine: Program, microscope: Instrument) -> None:
    """Fullwidth and Arabic digits are digits to Python, but not to the API."""
    for limit in ("５", "٥", "1_0", " 5 "):
        answer = mine.get("/reservations", query_string={"limit": limit})
        if answer.status_code == 200:
            assert limit.strip().replace("_", "").isascii()
        else:
            assert problem(answer) == (422, "invalid")


def test_headers_that_make_no_sense_are_refused(mine: Program, microscope: Instrument) -> None:
    path = f"/reservations/{booked_uid(mine, microscope)}"
    for match in ("", "*", "1", '"x"', '"1', "'1'", '"1","2"', '"99999999999999999999"', '"-1"'):
        answer = mine.call("PATCH", path, json={"samples": 2}, headers={"If-Match": match})
        assert problem(answer) == (428, "precondition-required"), match
    for key in ("", " ", "a b", "x" * 256, "é", "\x7f"):
        wanted = wish(microscope, 20, 21)
        answer = mine.post("/reservations", wanted, headers={"Idempotency-Key": key})
        assert problem(answer) == (422, "invalid"), repr(key)
        assert answer.json["fields"].keys() == {"Idempotency-Key"}
    assert count() == 1


def booked_uid(mine: Program, microscope: Instrument) -> str:
    uid: str = mine.post("/reservations", wish(microscope, 1, 3)).json["uid"]
    return uid
