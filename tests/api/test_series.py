"""Series over the API: what repeats, what becomes of each date, and what is wrong with a rule."""

import pytest

from app.catalog.models import Instrument
from tests import factories
from tests.api.conftest import at, booked, problem, wish
from tests.factories import hours

WEEK = 7 * 24


@pytest.fixture
def program(program_of, mina):
    return program_of(mina)


@pytest.fixture
def second_is_taken(microscope: Instrument, jun) -> Instrument:
    booked(jun, microscope, hours(WEEK + 1, WEEK + 3))
    return microscope


def repeated(instrument, on_conflict="fail", rrule="FREQ=WEEKLY;COUNT=3", **fields):
    repeat = {"rrule": rrule, "on_conflict": on_conflict}
    return wish(instrument, 1, 3, repeat=repeat, **fields)


def test_a_series_answers_with_its_first_reservation_and_all_dates(program, microscope):
    made = program.post("/reservations", repeated(microscope))

    assert made.status_code == 201
    body = made.json
    assert body["starts_at"] == at(1)
    assert [each["starts_at"] for each in body["occurrences"]] == [
        at(1),
        at(WEEK + 1),
        at(2 * WEEK + 1),
    ]
    assert {each["verdict"] for each in body["occurrences"]} == {"free"}
    other = program.get(f"/reservations/{body['occurrences'][1]['uid']}").json
    assert other["series"] == body["series"] is not None


def test_a_reservation_alone_is_of_no_series(program, microscope):
    made = program.post("/reservations", wish(microscope, 1, 3)).json
    assert (made["series"], made["occurrences"]) == (None, [])


def test_a_taken_date_refuses_the_series_and_is_named(program, second_is_taken):
    answer = program.post("/reservations", repeated(second_is_taken))

    assert problem(answer) == (409, "taken")
    assert answer.json["refusals"][0]["reason"].startswith("Mon 9 Mar: ")
    assert answer.json["taken"][0]["starts_at"] == at(WEEK + 1)


@pytest.mark.parametrize(
    ("on_conflict", "verdict", "start"),
    [("skip", "refused", WEEK + 1), ("shift", "shifted", WEEK - 1)],
)
def test_a_taken_date_is_left_out_or_shifted_and_said(
    program, second_is_taken, on_conflict, verdict, start
):
    body = repeated(second_is_taken, on_conflict)
    tried = program.post("/quotes", body).json["occurrences"]
    made = program.post("/reservations", body, headers={"Idempotency-Key": "k"}).json["occurrences"]

    for dates in (tried, made):
        assert [each["verdict"] for each in dates] == ["free", verdict, "free"]
        assert dates[1]["starts_at"] == at(start)
        assert dates[1]["asked_at"] == at(WEEK + 1)
    again = program.post("/reservations", body, headers={"Idempotency-Key": "k"})
    assert again.json["occurrences"] == made


def test_a_quote_gives_every_verdict_and_what_refuses_the_whole(program, second_is_taken):
    quote = program.post("/quotes", repeated(second_is_taken)).json

    assert quote["status"] is None
    assert [each["verdict"] for each in quote["occurrences"]] == ["free", "refused", "free"]
    assert [each["code"] for each in quote["refusals"]] == ["taken"]
    assert quote["occurrences"][1]["refusals"][0]["code"] == "taken"


@pytest.mark.parametrize(
    ("rrule", "says"),
    [
        ("FREQ=YEARLY;COUNT=2", "DAILY, WEEKLY and MONTHLY"),
        ("FREQ=DAILY;COUNT=201", "1 to 200"),
        ("every week", "cannot be read"),
    ],
)
@pytest.mark.parametrize("path", ["/quotes", "/reservations"])
def test_a_bad_rule_is_told_what_is_wrong(program, microscope, path, rrule, says):
    answer = program.post(path, repeated(microscope, rrule=rrule))
    assert problem(answer) == (422, "invalid")
    assert says in answer.json["fields"]["repeat.rrule"]


def test_an_unknown_way_out_of_a_conflict_is_refused(program, microscope):
    assert problem(program.post("/quotes", repeated(microscope, "ignore"))) == (422, "invalid")


def test_a_series_is_changed_and_cancelled_from_a_date_on(program, microscope):
    dates = program.post("/reservations", repeated(microscope)).json["occurrences"]
    second = dates[1]["uid"]
    change = {"starts_at": at(WEEK + 2), "of_series": "later"}
    assert program.patch(f"/reservations/{second}", change, version=1).status_code == 200
    now = [program.get(f"/reservations/{each['uid']}").json for each in dates]
    assert [each["starts_at"] for each in now] == [at(1), at(WEEK + 2), at(2 * WEEK + 2)]

    program.post(f"/reservations/{second}/cancel", {"of_series": "all"})
    now = [program.get(f"/reservations/{each['uid']}").json["status"] for each in dates]
    assert now == ["cancelled"] * 3


def test_a_stale_version_changes_no_date(program, microscope):
    first = program.post("/reservations", repeated(microscope)).json
    change = {"purpose": "other", "of_series": "all"}
    assert problem(program.patch(f"/reservations/{first['uid']}", change, version=7))[0] == 412


def test_a_change_names_something_to_change(program, microscope):
    first = program.post("/reservations", repeated(microscope)).json
    answer = program.patch(f"/reservations/{first['uid']}", {"of_series": "all"}, version=1)
    assert problem(answer) == (422, "invalid")


def test_a_year_of_dates_beyond_the_window_is_refused_date_by_date(program, app):
    instrument = factories.instrument(booking={"earliest": "P10D"})
    quote = program.post("/quotes", repeated(instrument)).json
    assert [each["verdict"] for each in quote["occurrences"]] == ["free", "free", "refused"]
