"""A question to the holder by the API, and its answer."""

from app.accounts.models import User
from app.catalog.models import Instrument
from tests.api.conftest import Programs, at, booked
from tests.factories import hours


def test_one_is_asked_answered_and_told_to_those_who_see_the_whole(
    program_of: Programs, guarded: Instrument, mina: User, jun: User, sora: User
) -> None:
    made = booked(mina, guarded, hours(200, 202))
    path = f"/reservations/{made.uid}"
    asked = program_of(sora).post(f"{path}/ask", {"question": " Fixed\n samples? "})
    assert (asked.status_code, asked.headers["ETag"]) == (200, '"2"')
    assert asked.json["answer_by"] == at(72)
    assert asked.json["questions"] == [
        {
            "question": "Fixed\n samples?",
            "proposed_start": None,
            "proposed_end": None,
            "asked_by": sora.name,
            "asked_at": at(0),
            "state": "awaiting",
            "answer": "",
            "ended_at": None,
        }
    ]
    for nothing in ({"answer": " "}, {"answer": "x" * 501}, {}):
        assert program_of(mina).post(f"{path}/answer", nothing).status_code == 422
    answered = program_of(mina).post(f"{path}/answer", {"answer": "Yes."}).json
    assert (answered["questions"][0]["state"], answered["answer_by"]) == ("answered", None)
    again = program_of(mina).post(f"{path}/answer", {"answer": "No."})
    assert again.status_code == 409
    assert program_of(jun).get(path).json.get("questions", []) == []


def test_another_time_is_proposed_and_accepted(
    program_of: Programs, guarded: Instrument, mina: User, sora: User
) -> None:
    made = booked(mina, guarded, hours(200, 202))
    path = f"/reservations/{made.uid}"
    assert program_of(mina).post(f"{path}/accept-time", {}).status_code == 409
    times = {"starts_at": at(210), "ends_at": at(213)}
    backwards = program_of(sora).post(f"{path}/propose-time", times | {"ends_at": at(209)})
    assert backwards.status_code == 422
    [question] = program_of(sora).post(f"{path}/propose-time", times).json["questions"]
    assert (question["question"], question["state"]) == ("", "awaiting")
    assert (question["proposed_start"], question["proposed_end"]) == (at(210), at(213))

    done = program_of(mina).post(f"{path}/accept-time", {})
    assert (done.status_code, done.headers["ETag"]) == (200, f'"{done.json["version"]}"')
    assert (done.json["status"], done.json["starts_at"]) == ("confirmed", at(210))
    assert done.json["questions"][0]["state"] == "accepted"


def test_what_others_have_is_no_time_to_propose(
    program_of: Programs, guarded: Instrument, mina: User, jun: User, sora: User
) -> None:
    made = booked(mina, guarded, hours(200, 202))
    booked(jun, guarded, hours(210, 213))
    times = {"starts_at": at(210), "ends_at": at(213)}
    refused = program_of(sora).post(f"/reservations/{made.uid}/propose-time", times)
    assert refused.status_code == 409
    assert refused.json["taken"][0]["starts_at"] == at(210)
