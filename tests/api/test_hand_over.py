"""Programs hand a reservation over and take it."""

from tests.api.conftest import booked, problem
from tests.factories import hours


def test_it_is_offered_taken_back_declined_and_taken(program_of, mina, jun, theo, microscope):
    made = booked(mina, microscope, hours(1, 3))
    uid = made.uid
    mine, theirs, path = program_of(mina), program_of(jun), f"/reservations/{uid}"
    assert problem(mine.post(f"{path}/new-holder", {"email": "no address"})) == (422, "invalid")
    offered = mine.post(f"{path}/new-holder", {"email": jun.email})
    assert (offered.status_code, offered.json["email"]) == (201, jun.email)
    assert mine.get(f"{path}/new-holder").json == offered.json
    assert theirs.get(f"{path}/take-over").json["purpose"] == made.purpose
    assert problem(program_of(theo).post(f"{path}/take-over", {})) == (404, "not-found")
    assert mine.delete(f"{path}/new-holder").status_code == 204
    assert problem(mine.get(f"{path}/new-holder")) == (404, "not-found")
    assert problem(theirs.get(f"{path}/take-over")) == (404, "not-found")
    assert problem(theirs.post(f"{path}/take-over", {})) == (409, "wrong-state")
    mine.post(f"{path}/new-holder", {"email": jun.email})
    assert theirs.post(f"{path}/take-over/decline").status_code == 204
    mine.post(f"{path}/new-holder", {"email": jun.email})
    taken = theirs.post(f"{path}/take-over", {})
    assert (taken.status_code, taken.json["holder"]) == (200, jun.name)
    assert problem(mine.get(path)) == (404, "not-found")
