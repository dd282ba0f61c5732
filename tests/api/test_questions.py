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
