"""Programs add and take off those who take part."""

from tests.api.conftest import booked, problem
from tests.factories import hours


def test_who_takes_part_is_added_listed_and_taken_off(program_of, mina, jun, theo, microscope):
    uid = booked(mina, microscope, hours(1, 3), note="for the facility only").uid
    mine, path = program_of(mina), f"/reservations/{uid}/participants"
    assert problem(mine.post(path, {"email": "no address"})) == (422, "invalid")
    added = mine.post(path, {"email": jun.email})
    assert (added.status_code, added.json["email"]) == (201, jun.email)
    theirs = program_of(jun)
    assert [each["email"] for each in theirs.get(path).json["items"]] == [jun.email]
    seen, own = (each.get(f"/reservations/{uid}").json["note"] for each in (theirs, mine))
    assert (seen, own) == ("", "for the facility only")
    assert problem(theirs.post(path, {"email": theo.email})) == (403, "not-allowed")
    assert problem(program_of(theo).get(path)) == (404, "not-found")
    assert theirs.delete(f"{path}/{jun.email}").status_code == 204
    assert problem(theirs.get(path)) == (404, "not-found")
