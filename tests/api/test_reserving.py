"""Reservations by the API: made, read, listed, changed, decided – by the same rules as on pages."""

import io
from datetime import date
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.accounts import assistants
from app.accounts.models import User
from app.catalog.models import Instrument
from app.db import db
from app.domain.approval import Status
from app.projects.models import FundingAccount
from app.reservations import participants
from app.reservations.models import Reservation
from tests import factories
from tests.api.conftest import Programs, at, booked, problem, wish
from tests.factories import NOW, hours

ALL_FIELDS = {
    "uid", "instrument", "starts_at", "ends_at", "status", "version", "series", "holder",
    "reserved_by", "institution", "group", "purpose", "mode", "samples", "note", "reason", "quote",
    "charge", "answers", "shares", "refusals_overridden", "override_reason", "requested_at",
    "updated_at", "links", "reserved_from", "reserved_until", "used_from", "used_until",
    "companions", "main", "stages", "decide_by", "operator",
    "questions", "answer_by",
}  # fmt: skip


def count() -> int:
    db.session.rollback()
    return db.session.query(Reservation).count()


def test_a_reservation_is_made_and_answered_whole(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    answer = program_of(mina).post(
        "/reservations",
        {
            "instrument": "microscope",
            "starts_at": "2026-03-03T10:00:00+09:00",
            "ends_at": "2026-03-03T12:00:00+09:00",
            "purpose": "막단백질 영상",
            "mode": "self_operated",
            "samples": 4,
            "note": "with the 63× lens",
        },
    )

    assert answer.status_code == 201
    uid = answer.json["uid"]
    assert answer.json == {
        "uid": uid,
        "instrument": "microscope",
        "starts_at": "2026-03-03T01:00:00Z",
        "ends_at": "2026-03-03T03:00:00Z",
        "status": "confirmed",
        "version": 1,
        "series": None,
        "occurrences": [],
        "holder": "김미나",
        "reserved_by": None,
        "institution": "kaist",
        "group": None,
        "purpose": "막단백질 영상",
        "mode": "self_operated",
        "operator": None,
        "samples": 4,
        "note": "with the 63× lens",
        "reason": "",
        "quote": None,
        "charge": None,
        "answers": {},
        "shares": [],
        "refusals_overridden": [],
        "override_reason": "",
        "reserved_from": "2026-03-03T01:00:00Z",
        "reserved_until": "2026-03-03T03:00:00Z",
        "used_from": None,
        "used_until": None,
        "requested_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T09:00:00Z",
        "companions": [],
        "main": None,
        "stages": [],
        "decide_by": None,
        "questions": [],
        "answer_by": None,
        "links": {
            "self": f"http://localhost/api/v1/reservations/{uid}",
            "page": f"http://localhost/reservations/{uid}",
        },
    }
    assert answer.headers["Location"] == f"/api/v1/reservations/{uid}"
    assert answer.headers["ETag"] == '"1"'
    assert answer.mimetype == "application/json"
    read = program_of(mina).get(f"/reservations/{uid}")
    assert (read.status_code, {**read.json, "occurrences": []}) == (200, answer.json)
    assert read.headers["ETag"] == '"1"'


def test_links_name_the_public_address_whatever_host_was_asked(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    made = booked(mina, microscope, hours(1, 2))

    answer = program_of(mina).get(f"/reservations/{made.uid}", base_url="http://127.0.0.1:9999")

    assert answer.json["links"]["page"] == f"http://localhost/reservations/{made.uid}"


def test_what_somebody_must_agree_to_is_pending(
    program_of: Programs, mina: User, guarded: Instrument
) -> None:
    assert program_of(mina).post("/reservations", wish(guarded, 1, 2)).json["status"] == "pending"


def test_a_taken_time_says_what_is_in_the_way_and_what_is_free(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    booked(jun, microscope, hours(10, 12))

    answer = program_of(mina).post("/reservations", wish(microscope, 11, 13))

    assert problem(answer) == (409, "taken")
    assert answer.json["taken"] == [
        {"starts_at": at(10), "ends_at": at(12), "kind": "reservation"},
    ]
    assert [refusal["code"] for refusal in answer.json["refusals"]] == ["taken"]
    nearest = [(slot["starts_at"], slot["ends_at"]) for slot in answer.json["alternatives"]]
    assert len(nearest) == 3
    assert (at(12), at(14)) in nearest
    assert {slot["instrument"] for slot in answer.json["alternatives"]} == {"microscope"}
    for slot in answer.json["alternatives"]:
        trial = program_of(mina).post("/quotes", slot)
        assert trial.json["refusals"] == [], "what is offered can be had"
    assert "이준" not in answer.text, "who holds it is nobody's business"
    assert count() == 1


def test_a_closure_is_in_the_way_like_a_reservation(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    factories.blackout(microscope, hours(10, 12), reason_ko="점검", reason_en="Maintenance")

    answer = program_of(mina).post("/reservations", wish(microscope, 11, 13))

    assert problem(answer) == (409, "taken")
    assert [taken["kind"] for taken in answer.json["taken"]] == ["blackout"]
    assert [refusal["code"] for refusal in answer.json["refusals"]] == ["blackout"]


def test_every_reason_is_given_at_once_in_the_readers_language(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    booked(jun, microscope, hours(24 * 90, 24 * 90 + 1))
    wanted = wish(microscope, 24 * 90 + 0.25, 24 * 90 + 10, mode="commissioned")

    answers = {
        language: program_of(mina, language).post("/reservations", wanted)
        for language in ("ko", "en", "fr")
    }

    for answer in answers.values():
        assert problem(answer) == (422, "refused")
        assert [refusal["code"] for refusal in answer.json["refusals"]] == [
            "mode-not-offered", "too-far-ahead", "off-grid", "longest", "taken",
        ]  # fmt: skip
        assert {tuple(refusal) for refusal in answer.json["refusals"]} == {
            ("code", "field", "limit", "reason")
        }
        longest = answer.json["refusals"][3]
        assert (longest["limit"], longest["field"]) == ("PT8H", "ends_at")
    assert "최대 8시간" in answers["ko"].json["refusals"][3]["reason"]
    assert "at most 8" in answers["en"].json["refusals"][3]["reason"]
    assert answers["fr"].json["title"] == answers["en"].json["title"]
    assert count() == 1


def test_an_unknown_instrument_is_not_found(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    wanted = {**wish(microscope, 1, 2), "instrument": "no-such-thing"}
    assert problem(program_of(mina).post("/reservations", wanted)) == (404, "not-found")


# --- changes -----------------------------------------------------------------------------------


def test_a_change_needs_the_version_that_was_read(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    path = f"/reservations/{booked(mina, microscope, hours(1, 3)).uid}"
    mine = program_of(mina)

    assert problem(mine.patch(path, {"samples": 2})) == (428, "precondition-required")
    assert problem(mine.patch(path, {"samples": 2}, version=2)) == (412, "stale")
    assert problem(mine.patch(path, {"samples": 2}, version="x")) == (428, "precondition-required")
    answer = mine.patch(path, {"samples": 2}, version=1)
    assert answer.status_code == 200
    assert (answer.json["samples"], answer.json["version"]) == (2, 2)
    assert answer.headers["ETag"] == '"2"'
    assert problem(mine.patch(path, {"samples": 3}, version=1)) == (412, "stale")
    assert mine.get(path).json == answer.json


def test_what_is_left_out_of_a_change_stays(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    made = booked(mina, microscope, hours(1, 3), note="gloves", samples=7)
    mine = program_of(mina)
    before = mine.get(f"/reservations/{made.uid}").json

    after = mine.patch(f"/reservations/{made.uid}", {"ends_at": at(4)}, version=1).json

    changed = {name for name in ALL_FIELDS if before[name] != after[name]}
    assert changed == {"ends_at", "reserved_until", "version"}


@pytest.mark.parametrize("body", [{}, {"samples": None}, {"purpose": None, "samples": 2}])
def test_a_change_of_nothing_or_to_nothing_is_refused(
    program_of: Programs, mina: User, microscope: Instrument, body: dict[str, object]
) -> None:
    path = f"/reservations/{booked(mina, microscope, hours(1, 3)).uid}"
    assert problem(program_of(mina).patch(path, body, version=1)) == (422, "invalid")


def test_a_moved_reservation_follows_the_rules_for_new_ones(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    booked(jun, microscope, hours(10, 12))
    path = f"/reservations/{booked(mina, microscope, hours(1, 3)).uid}"
    mine = program_of(mina)

    stretched = mine.patch(path, {"ends_at": at(9.5)}, version=1)
    onto = mine.patch(path, {"starts_at": at(11), "ends_at": at(13)}, version=1)
    past = mine.patch(path, {"starts_at": at(-2)}, version=1)
    crooked = mine.patch(path, {"ends_at": at(2.2)}, version=1)
    backwards = mine.patch(path, {"ends_at": at(0.5)}, version=1)

    assert problem(stretched) == (422, "refused")
    assert [refusal["code"] for refusal in stretched.json["refusals"]] == ["longest"]
    assert problem(onto) == (409, "taken")
    assert onto.json["taken"] == [{"starts_at": at(10), "ends_at": at(12), "kind": "reservation"}]
    assert onto.json["alternatives"]
    assert [refusal["code"] for refusal in past.json["refusals"]] == ["in-the-past"]
    assert [refusal["code"] for refusal in crooked.json["refusals"]] == ["off-grid"]
    assert problem(backwards) == (422, "invalid")
    assert backwards.json["fields"].keys() == {"ends_at"}
    same = mine.get(path).json
    assert (same["starts_at"], same["ends_at"], same["version"]) == (at(1), at(3), 1)


def test_it_does_not_stand_in_its_own_way(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    path = f"/reservations/{booked(mina, microscope, hours(1, 3)).uid}"
    moved = program_of(mina).patch(path, {"starts_at": at(2), "ends_at": at(4)}, version=1)
    assert (moved.json["starts_at"], moved.json["ends_at"]) == (at(2), at(4))


# --- decisions and ends ------------------------------------------------------------------------


def test_a_manager_approves_and_rejects(
    program_of: Programs, mina: User, sora: User, guarded: Instrument
) -> None:
    first, second = (booked(mina, guarded, hours(n, n + 1)).uid for n in (1, 3))
    desk = program_of(sora)

    approved = desk.post(f"/reservations/{first}/approve", {"reason": "fine"})
    no_reason = desk.post(f"/reservations/{second}/reject", {})
    rejected = desk.post(f"/reservations/{second}/reject", {"reason": "the laser is out"})

    assert (approved.status_code, approved.json["status"]) == (200, "confirmed")
    assert approved.headers["ETag"] == '"2"'
    assert problem(no_reason) == (422, "invalid")
    assert no_reason.json["fields"].keys() == {"reason"}
    assert rejected.json["status"] == "rejected"
    assert rejected.json["reason"] == "the laser is out"
    again = desk.post(f"/reservations/{second}/approve", {})
    assert problem(again) == (409, "wrong-state")


def test_an_empty_body_will_do_where_every_field_may_be_left_out(
    program_of: Programs, mina: User, sora: User, guarded: Instrument
) -> None:
    uid = booked(mina, guarded, hours(1, 2)).uid

    assert program_of(sora).call("POST", f"/reservations/{uid}/approve").status_code == 200
    assert program_of(mina).call("POST", f"/reservations/{uid}/cancel").status_code == 200


def test_a_cancelled_time_is_free_again(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    uid = booked(mina, microscope, hours(1, 3)).uid

    ended = program_of(mina).post(f"/reservations/{uid}/cancel", {"reason": "no cells"})

    assert (ended.json["status"], ended.json["reason"]) == ("cancelled", "no cells")
    assert program_of(jun).post("/reservations", wish(microscope, 1, 3)).status_code == 201
    again = program_of(mina).post(f"/reservations/{uid}/cancel", {})
    assert problem(again) == (409, "wrong-state")
    move = program_of(mina).patch(f"/reservations/{uid}", {"ends_at": at(5)}, version=2)
    assert problem(move) == (409, "wrong-state")


def test_the_holder_may_not_decide(program_of: Programs, mina: User, guarded: Instrument) -> None:
    uid = booked(mina, guarded, hours(1, 2)).uid
    for step in ("approve", "reject"):
        answer = program_of(mina).post(f"/reservations/{uid}/{step}", {"reason": "why not"})
        assert problem(answer) == (403, "not-allowed")
    assert program_of(mina).get(f"/reservations/{uid}").json["status"] == Status.PENDING


# --- lists -------------------------------------------------------------------------------------


def test_pages_of_a_list_join_without_loss(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    made = [booked(mina, microscope, hours(n, n + 1)).uid for n in range(1, 8)]
    for limit in (1, 2, 3, 7, 50):
        found, path, pages = [], f"/reservations?mine=1&limit={limit}", 0
        while path:
            page = program_of(mina).get(path).json
            assert page.keys() == {"items", "next"}
            assert len(page["items"]) <= limit
            found += [item["uid"] for item in page["items"]]
            pages += 1
            path = page["next"] and f"/reservations?mine=1&limit={limit}&cursor={page['next']}"
        assert found == made
        assert pages <= len(made) // limit + 1


def test_a_list_is_narrowed_by_all_that_is_asked(
    program_of: Programs, mina: User, sora: User, microscope: Instrument, guarded: Instrument
) -> None:
    early = booked(mina, microscope, hours(1, 2)).uid
    late = booked(mina, microscope, hours(30, 31)).uid
    pending = booked(mina, guarded, hours(1, 2)).uid
    own = booked(sora, guarded, hours(5, 6)).uid

    def uids(query: str, who: User = mina) -> set[str]:
        answer = program_of(who).get(f"/reservations?{query}")
        assert answer.status_code == 200, answer.text
        assert all(item.keys() == ALL_FIELDS for item in answer.json["items"])
        return {item["uid"] for item in answer.json["items"]}

    assert uids("") == uids("mine=1") == {early, late, pending}
    assert uids("instrument=guarded") == {pending}
    assert uids("status=pending") == {pending}
    assert uids(f"start={at(0)}&end={at(24)}") == {early, pending}
    assert uids(f"start={at(2)}&end={at(30)}") == set(), "half-open at both ends"
    assert uids("", sora) == {early, late, pending, own}, "who manages sees what there is"
    assert uids("mine=1", sora) == {own}


SENSELESS = [
    "cursor=abc", "cursor=-1", "cursor=99999999999999999999", "cursor=", "limit=0",
    "limit=201", "limit=ten", "mine=yes", "status=happy", "status=", "instrument=A%20B",
    "start=2026-03-02T09:00:00Z", "end=2026-03-02T09:00:00Z", "sttaus=pending",
    "start=2026-03-03T09:00:00Z&end=2026-03-02T09:00:00Z", "limit=%EF%BC%95%EF%BC%90",
    "cursor=%00", "instrument=a%00", "status=%00",
]  # fmt: skip


def test_a_question_that_makes_no_sense_is_refused(program_of: Programs, mina: User) -> None:
    mine = program_of(mina)
    for query in SENSELESS:
        answer = mine.get(f"/reservations?{query}")
        assert problem(answer) == (422, "invalid"), query
        assert answer.json["fields"]


def test_a_program_reserves_for_whom_its_owner_may(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    body = wish(microscope, 1, 3, holder=mina.email)
    for path in ("/reservations", "/quotes"):
        refused = program_of(jun).post(path, body)
        assert problem(refused) == (422, "invalid")
        assert set(refused.json["fields"]) == {"holder"}
    assistants.name_assistant(mina, jun.email, now=NOW)
    made = program_of(jun).post("/reservations", body)
    assert made.status_code == 201
    assert (made.json["holder"], made.json["reserved_by"]) == ("김미나", "이준")


def test_what_is_asked_for_something_reserved_along_is_answered_under_its_slug(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    place, medium = microscope.facility, {"key": "medium", "label": {"ko": "배지", "en": "Medium"}}
    of_room = {**medium, "kind": "choice", "options": ["agar", "broth"], "required": True}
    factories.instrument(slug="room", facility=place, booking={"questions": [of_room]})
    scope = factories.instrument(
        slug="scope", facility=place, needs=["room"], booking={"questions": [medium]}
    )
    mine, answers = program_of(mina), {"medium": "milk", "room.medium": "agar"}
    refused = mine.post("/reservations", wish(scope, 1, 2, answers={"medium": "milk"}))
    assert problem(refused) == (422, "refused")

    made = mine.post("/reservations", wish(scope, 1, 2, answers=answers))
    assert made.status_code == 201
    assert made.json["answers"] == answers
    [room] = made.json["companions"]
    assert mine.get(f"/reservations/{room['uid']}").json["answers"] == {"medium": "agar"}


def test_what_is_reserved_along_is_asked_for_and_told(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    place = microscope.facility
    room = factories.instrument(slug="room", facility=place)
    factories.instrument(slug="stage", facility=place)
    scope = factories.instrument(
        slug="scope", facility=place, needs=["room"], accessories=["stage"]
    )
    mine = program_of(mina)
    made = mine.post("/reservations", wish(scope, 1, 2, accessories=["stage"]))

    assert made.status_code == 201
    assert {each["instrument"] for each in made.json["companions"]} == {"room", "stage"}
    for each in made.json["companions"]:
        told = mine.get(f"/reservations/{each['uid']}").json
        assert (told["main"], told["companions"]) == (made.json["uid"], [])
        assert problem(mine.post(f"/reservations/{each['uid']}/cancel", {})) == (409, "wrong-state")

    taken = mine.post("/reservations", wish(scope, 1, 2, accessories=["stage"]))
    assert {refusal["code"] for refusal in taken.json["refusals"]} == {
        "taken",
        "needs-linked-instrument",
        "accessory-taken",
    }
    assert problem(taken) == (409, "taken")
    own = [each for each in taken.json["alternatives"] if each["instrument"] == "scope"]
    assert own
    assert at(1) not in [each["starts_at"] for each in own]
    free = mine.get(
        f"/availability?duration=PT1H&start={at(0)}&end={at(4)}&instrument=scope&limit=1"
    )
    assert [slot["starts_at"] for slot in free.json["items"]] == [at(0)]
    booked(mina, room, hours(0, 1))
    free = mine.get(
        f"/availability?duration=PT1H&start={at(0)}&end={at(4)}&instrument=scope&limit=1"
    )
    assert [slot["starts_at"] for slot in free.json["items"]] == [at(2)]
    wrong = mine.post("/reservations", wish(scope, 3, 4, accessories=["microscope"]))
    assert problem(wrong) == (422, "invalid")


def test_how_far_the_approval_is_is_told_stage_by_stage(
    program_of: Programs, theo: User, sora: User, microscope: Instrument
) -> None:
    asked = [{"by": "institution"}, {"by": "facility_manager", "every": True}]
    staged = factories.instrument(
        slug="staged",
        facility=microscope.facility,
        booking={"approval": "each", "approval_stages": asked, "approval_deadline": "P1D"},
    )
    dana = factories.user(administers=factories.cnu())
    holder = program_of(theo)
    made = holder.post("/reservations", wish(staged, 48, 49)).json

    def told() -> list[str]:
        stages = holder.get(f"/reservations/{made['uid']}").json["stages"]
        return [f"{each['by']}: {each['state']}" for each in stages]

    assert made["decide_by"] == at(24)
    assert made["stages"][1] == {
        "by": "facility_manager",
        "every": True,
        "state": "later",
        "opened_at": None,
        "closed_at": None,
    }
    assert told() == ["institution: open", "facility_manager: later"]
    program_of(dana).post(f"/reservations/{made['uid']}/approve", {})
    assert told() == ["institution: agreed", "facility_manager: open"]
    program_of(sora).post(f"/reservations/{made['uid']}/reject", {"reason": "service"})
    assert told() == ["institution: agreed", "facility_manager: closed"]
    assert holder.get(f"/reservations/{made['uid']}").json["decide_by"] is None


def grant(number: str, holder: User, **fields: object) -> FundingAccount:
    days = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
    named = {"name_ko": "과제", "name_en": "Grant", "institution_id": factories.kaist().id}
    return factories.save(
        FundingAccount(number=number, holder_id=holder.id, made_at=NOW, **days | named | fields)
    )


def test_shares_are_answered_with_what_each_account_pays(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    paid = factories.instrument(
        slug="paid",
        facility=microscope.facility,
        booking={"account": "required"},
        prices={"unit": "hour", "own_institution": 10_001},
    )
    grant("RS-1", mina)
    grant("RS-2", mina)
    shares = [{"account": "RS-1", "percent": "60.0"}, {"account": "RS-2", "percent": "40"}]
    body = wish(paid, 1, 2, shares=shares)
    quoted = program_of(mina).post("/quotes", body).json
    made = program_of(mina).post("/reservations", body).json

    assert made["shares"] == [
        {"account": "RS-1", "percent": "60"},
        {"account": "RS-2", "percent": "40"},
    ]
    assert made["quote"]["shares"] == quoted["shares"]
    assert sum(each["amount"] for each in made["quote"]["shares"]) == made["quote"]["total"]

    later = program_of(mina).patch(
        f"/reservations/{made['uid']}", {"shares": [{"account": "RS-2", "percent": "100"}]}, 1
    )
    assert [each["account"] for each in later.json["quote"]["shares"]] == ["RS-2"]
    participants.add(mina, made["uid"], jun.email, now=NOW)
    seen = program_of(jun).get(f"/reservations/{made['uid']}").json
    assert (seen["shares"], seen["quote"]["shares"]) == ([], [])


@pytest.mark.parametrize(
    ("shares", "word"),
    [
        ([{"account": "RS-1", "percent": "99.99"}], "refused"),
        ([{"account": "NOBODYS", "percent": "100"}], "refused"),
        ([{"account": "RS-1", "percent": "-1"}], "invalid"),
        ([{"account": "RS-1", "percent": "1000000000"}], "invalid"),
        ([{"account": "RS-1", "percent": "육십"}], "invalid"),
        ([{"account": "RS-1", "percent": "６０"}], "invalid"),
        ([{"account": "RS-1", "percent": 100}], "invalid"),
        ([{"account": "", "percent": "100"}], "invalid"),
        ([{"account": "RS-1", "percent": "50"}] * 2, "invalid"),
        ([{"account": f"RS-{n}", "percent": "0.3"} for n in range(300)], "invalid"),
        ("RS-1", "invalid"),
    ],
)
def test_shares_that_make_no_sense_reserve_nothing(
    program_of: Programs, mina: User, microscope: Instrument, shares: object, word: str
) -> None:
    grant("RS-1", mina)
    answer = program_of(mina).post("/reservations", wish(microscope, 1, 2, shares=shares))
    assert problem(answer) == (422, word)
    if word == "invalid":
        assert all(field.startswith("shares") for field in answer.json["fields"])
    assert count() == 0


@pytest.mark.parametrize("project", ["0" * 32, "nonsense", "0" * 99])
def test_an_unknown_project_reserves_nothing(
    program_of: Programs, mina: User, microscope: Instrument, project: str
) -> None:
    answer = program_of(mina).post("/reservations", wish(microscope, 1, 2, project=project))
    assert problem(answer) == (422, "invalid")
    assert answer.json["fields"].keys() == {"project"}
    assert count() == 0


def test_programs_read_and_choose_who_attends(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    assisted = factories.instrument(
        slug="assisted",
        facility=microscope.facility,
        booking={"modes": ["operator_assisted"], "operator": "required"},
    )
    one, two = factories.user("o1", name="가"), factories.user("o2", name="나")
    for each in (one, two):
        factories.operator(each, assisted)
    wished = wish(assisted, 1, 2, mode="operator_assisted")
    made = program_of(mina).post("/reservations", wished).json
    assert made["operator"] == "가"
    manager = program_of(factories.user("boss", manages=microscope.facility))
    path = f"/reservations/{made['uid']}"

    assert manager.post(f"{path}/operator", {"email": two.email}).json["operator"] == "나"
    assert [
        each["uid"] for each in program_of(two).get("/reservations?operating=1").json["items"]
    ] == [made["uid"]]
    assert program_of(one).get("/reservations?operating=1").json["items"] == []
    assert program_of(two).post(f"{path}/hand-over", {}).json["operator"] == "가"
    assert program_of(mina).post(f"{path}/operator", {}).status_code == 403


def test_a_file_is_handed_in_before_and_named_among_the_answers(
    program_of: Programs, mina: User, jun: User, microscope: Instrument
) -> None:
    sheet = {"key": "sheet", "label": {"ko": "시료 정보서", "en": "Sample sheet"}, "kind": "file"}
    lab = factories.instrument(
        slug="lab", facility=microscope.facility, booking={"questions": [sheet]}
    )
    mine = program_of(mina)

    def hand_in(program: Any, content: bytes) -> Any:
        boundary, body = encode_multipart({"file": FileStorage(io.BytesIO(content), "a.pdf")})
        kind = f"multipart/form-data; boundary={boundary}"
        return program.call("POST", "/files", data=body, content_type=kind)

    assert problem(hand_in(mine, b"MZ")) == (422, "invalid")
    draft = hand_in(mine, b"%PDF-1.7")
    assert draft.status_code == 201
    assert (draft.json["name"], draft.json["kept_until"]) == ("a.pdf", "2026-03-03T09:00:00Z")
    body = wish(lab, 1, 2, answers={"sheet": draft.json["uid"]})
    refused = program_of(jun).post("/reservations", body)
    assert [each["field"] for each in refused.json["refusals"]] == ["answers.sheet"]
    assert mine.post("/quotes", body).json["refusals"] == []
    made = mine.post("/reservations", body)
    assert made.json["answers"] == {"sheet": draft.json["uid"]}
    path = f"/reservations/{made.json['uid']}/files/{draft.json['uid']}"
    assert mine.get(path).data == b"%PDF-1.7"
    assert problem(program_of(jun).get(path)) == (404, "not-found")


def test_a_fund_that_gives_nothing_is_named_at_its_field(program_of, mina, microscope):
    mine = program_of(mina)
    for path in ("/reservations", "/quotes"):
        answer = mine.post(path, wish(microscope, 1, 3, fund="daejeon-voucher"))
        assert answer.status_code == 422, answer.text
        assert "daejeon-voucher" in answer.json["fields"]["fund"]
    assert mine.post("/reservations", wish(microscope, 1, 3, fund="")).status_code == 201
