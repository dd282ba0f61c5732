"""What is busy and what is free, and dry runs: told to each reader by right."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.accounts.models import Suspension, User
from app.catalog.models import Instrument, Technique
from app.db import db, transaction
from app.domain.booking import CODES, CONFLICT_CODES, UseScope, UseState
from app.domain.maintenance import Severity
from app.domain.training import Level
from app.projects.models import OverdueMark
from app.reservations import faults
from app.reservations.models import Reservation
from tests import factories
from tests.api.conftest import Program, Programs, at, booked, problem, wish
from tests.factories import NOW, hours
from tests.training.conftest import certificate

WEEK = f"start={at(0)}&end={at(168)}"


def test_busy_times_are_told_with_why(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    made = booked(mina, microscope, hours(1, 3), purpose="비밀 과제")
    factories.blackout(microscope, hours(5, 6), reason_ko="레이저 교체", reason_en="New laser")
    booked(mina, microscope, hours(200, 201))

    answer = program_of(mina).get(f"/instruments/microscope/busy?{WEEK}")

    assert answer.status_code == 200
    assert answer.json.keys() == {"items", "version"}
    assert isinstance(answer.json["version"], int)
    assert answer.json["items"] == [
        {
            "starts_at": at(1),
            "ends_at": at(3),
            "kind": "reservation",
            "title": "My reservation",
            "mine": True,
            "uid": made.uid,
            "status": "confirmed",
        },
        {
            "starts_at": at(5),
            "ends_at": at(6),
            "kind": "blackout",
            "title": "Maintenance: New laser",
            "mine": False,
            "uid": None,
            "status": None,
        },
    ]


def test_strangers_learn_that_it_is_busy_and_no_more(
    program_of: Programs, mina: User, theo: User, jun: User, microscope: Instrument
) -> None:
    made = booked(mina, microscope, hours(1, 3), purpose="비밀 과제")
    for reader, title in ((None, "Reserved"), (theo, "Reserved: KAIST"), (jun, "김미나")):
        answer = program_of(reader).get(f"/instruments/microscope/busy?{WEEK}")
        (seen,) = answer.json["items"]
        assert (seen["title"], seen["uid"], seen["status"], seen["mine"]) == (
            title, None, None, False,
        )  # fmt: skip
        assert "비밀" not in answer.text
        assert made.uid not in answer.text
    assert "예약됨" in program_of(language="ko").get(f"/instruments/microscope/busy?{WEEK}").text


def test_the_version_rises_with_each_change(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    mine = program_of(mina)
    path = f"/instruments/microscope/busy?{WEEK}"
    before = mine.get(path).json["version"]
    mine.post("/reservations", wish(microscope, 1, 2))
    assert mine.get(path).json["version"] > before


def test_free_slots_come_earliest_first(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    factories.instrument(slug="second", facility=microscope.facility)
    booked(mina, microscope, hours(0, 3))

    answer = program_of().get(
        f"/availability?instrument=microscope,second&duration=PT2H&start={at(0)}&end={at(5)}"
    )

    assert answer.status_code == 200
    assert answer.json.keys() == {"items", "next"}
    assert answer.json["items"][0] == {
        "instrument": "second",
        "starts_at": at(0),
        "ends_at": at(2),
        "day": "2026-03-02",
        "institution": "kaist",
        "facility": microscope.facility.slug,
        "campus": "",
        "price": None,
        "unit_price": None,
        "needs_approval": False,
        "has_limits": False,
        "asks_training": False,
        "lacking": [],
        "modes": ["self_operated"],
        "refusals": [],
        "links": {
            "reserve": "http://localhost/instruments/second/reserve"
            "?start=2026-03-02T09:00:00%2B00:00&end=2026-03-02T11:00:00%2B00:00"
        },
    }
    starts = [item["starts_at"] for item in answer.json["items"]]
    assert starts == sorted(starts)
    of_first = [i["starts_at"] for i in answer.json["items"] if i["instrument"] == "microscope"]
    assert of_first[0] == at(3)
    assert max(item["ends_at"] for item in answer.json["items"]) <= at(5)


def test_each_free_slot_can_be_had(program_of: Programs, mina: User, jun: User) -> None:
    narrow = factories.instrument(
        slug="narrow",
        facility=factories.facility(opening_hours={"daily": ["09:00-12:00"], "holiday": []}),
        booking={"slot": "PT1H", "latest": "PT3H"},
    )
    booked(jun, narrow, hours(16, 17))
    found = program_of().get(
        f"/availability?instrument=narrow&duration=PT1H&start={at(0)}&end={at(72)}"
    )
    assert len(found.json["items"]) >= 3
    for slot in found.json["items"]:
        trial = program_of(mina).post(
            "/quotes", {key: slot[key] for key in ("instrument", "starts_at", "ends_at")}
        )
        assert trial.json["refusals"] == [], slot


def test_any_instrument_that_fits_is_asked_where_none_is_named(
    program_of: Programs, mina: User, theo: User, microscope: Instrument
) -> None:
    sem = factories.save(Technique(slug="sem", name_ko="주사전자현미경", name_en="SEM"))
    factories.instrument(
        slug="far",
        facility=factories.facility(institution=factories.cnu(), campus="Boun"),
        techniques=[sem],
        prices={"unit": "hour", "partner": 20_001, "own_institution": 9_000},
        booking={"approval": "each"},
    )
    asked = f"/availability?duration=PT90M&{WEEK}&limit=1"

    far = program_of(mina).get(f"{asked}&technique=sem").json["items"][0]
    assert (far["instrument"], far["institution"], far["campus"]) == ("far", "cnu", "Boun")
    assert (far["price"], far["unit_price"]) == (30_000, {"amount": 20_001, "unit": "hour"})
    assert far["needs_approval"]
    assert program_of(theo).get(f"{asked}&institution=cnu").json["items"][0]["price"] == 13_500
    assert program_of().get(f"{asked}&institution=cnu").json["items"][0]["price"] is None

    def found(more: str) -> set[str]:
        items = program_of(mina).get(f"{asked}{more}&limit=9").json["items"]
        return {item["instrument"] for item in items}

    asked = asked.replace("&limit=1", "")
    assert found("&q=microscope") == {"microscope"}
    assert found("&facility=nothing") == set()
    assert found("&no_approval=1") == {"microscope"}
    # What has no known price is answered, and says so.
    assert found("&max_price=29999") == {"microscope"}
    assert found("&max_price=30000") == {"far", "microscope"}
    assert found("&mode=commissioned") == set()


def test_days_and_hours_are_those_of_the_instrument(
    program_of: Programs, microscope: Instrument
) -> None:
    asked = f"/availability?duration=PT8H&{WEEK}&limit=200"

    def starts(more: str) -> list[str]:
        items = program_of().get(f"{asked}&{more}").json["items"]
        return [f"{parsed(item['starts_at']):%a %H:%M}" for item in items]

    assert starts("weekdays=thu&hours=09:00-17:30") == ["Thu 09:00", "Thu 09:30"]
    assert starts("weekdays=sun&hours=22:00-06:00") == ["Sun 22:00"]
    assert starts("weekdays=sat,wed&hours=00:00-08:00") == ["Wed 00:00", "Sat 00:00"]


def test_pages_of_free_slots_join_without_a_gap(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    factories.instrument(slug="second", facility=microscope.facility)
    booked(mina, microscope, hours(1, 3))
    asked = f"/availability?duration=PT1H&start={at(0)}&end={at(9)}"
    whole = program_of().get(f"{asked}&limit=200").json
    assert whole["next"] is None

    found, cursor = [], ""
    while cursor is not None:
        page = program_of().get(f"{asked}&limit=7&cursor={cursor}").json
        assert len(page["items"]) <= 7
        found += page["items"]
        cursor = page["next"]
    assert found == whole["items"]


def test_who_is_suspended_is_told_so_with_every_slot(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    db.session.add(Suspension(user_id=mina.id, reason="rules", starts_at=NOW))
    db.session.commit()
    asked = f"/availability?duration=PT1H&{WEEK}&limit=1"
    assert program_of(mina).get(asked).json["items"][0]["refusals"] == ["suspended"]
    assert program_of().get(asked).json["items"][0]["refusals"] == []


def parsed(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(ZoneInfo("Asia/Seoul"))


SENSELESS = [
    "",
    "instrument=microscope",
    f"instrument=microscope&{WEEK}",
    *(f"instrument=microscope&{WEEK}&duration={each}" for each in (
        "2H", "P", "PT", "PT0S", "-PT2H", "P9999999999999Y", "PT1e9H", "120", "P2Y", "PT２H", "%00",
    )),
    f"instrument=&{WEEK}&duration=PT2H",
    f"instrument=a,,b&{WEEK}&duration=PT2H",
    f"instrument=%00&{WEEK}&duration=PT2H",
    f"instrument=microscope&start={at(0)}&end={at(24 * 63)}&duration=PT2H",
    f"instrument=microscope&start={at(1)}&end={at(1)}&duration=PT2H",
    f"instrument=microscope&{WEEK}&duration=PT2H&limit=0",
    f"instrument=microscope&{WEEK}&duration=PT2H&limit=999999",
    f"instrument=microscope&{WEEK}&duration=PT2H&nonsense=1",
    *(f"{WEEK}&duration=PT2H&{each}" for each in (
        "weekdays=", "weekdays=someday", "weekdays=mon,", "hours=9-18", "hours=24:00-09:00",
        "hours=09:00-24:30", "max_price=-1", "max_price=1.5", "mode=both", "no_approval=yes",
        "cursor=nonsense", "cursor=%00", "cursor=MjAyNi0wMy0wMiBh",
    )),
]  # fmt: skip


def test_questions_about_times_that_make_no_sense(
    program_of: Programs, microscope: Instrument
) -> None:
    nobody = program_of()
    for query in SENSELESS:
        assert problem(nobody.get(f"/availability?{query}")) == (422, "invalid"), query
    for query in (
        "", f"start={at(0)}", f"start={at(1)}&end={at(0)}", f"start={at(0)}&end={at(24 * 63)}",
        "start=1772442000&end=1772445600", "start=2026-03-02T09:00:00&end=2026-03-03T09:00:00",
        f"{WEEK}&nonsense=1",
    ):  # fmt: skip
        answer = nobody.get(f"/instruments/microscope/busy?{query}")
        assert problem(answer) == (422, "invalid"), query
        assert answer.json["fields"].keys() <= {"start", "end", "nonsense"}
    assert problem(nobody.get(f"/instruments/nothing/busy?{WEEK}")) == (404, "not-found")
    unknown = nobody.get(f"/availability?instrument=nothing&duration=PT2H&{WEEK}")
    assert problem(unknown) == (404, "not-found")


# --- dry runs ----------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_become_of_it(
    program_of: Programs, mina: User, microscope: Instrument, guarded: Instrument
) -> None:
    body = {
        "instrument": "microscope",
        "starts_at": "2026-03-03T10:00:00+09:00",
        "ends_at": "2026-03-03T12:00:00+09:00",
    }
    answer = program_of(mina).post("/quotes", body)

    assert answer.status_code == 200
    assert answer.json == {
        "instrument": "microscope",
        "starts_at": "2026-03-03T01:00:00Z",
        "ends_at": "2026-03-03T03:00:00Z",
        "status": "confirmed",
        "net": None,
        "vat": None,
        "total": None,
        "currency": "KRW",
        "tax": None,
        "lines": [],
        "shares": [],
        "fund": None,
        "unpriced": "No rates are set for this use. Ask the facility manager about the fee.",
        "refusals": [],
        "taken": [],
        "may_override": False,
        "warnings": [],
        "occurrences": [],
    }
    assert program_of(mina).post("/quotes", wish(guarded, 1, 2)).json["status"] == "pending"
    assert db.session.query(Reservation).count() == 0


def test_a_dry_run_tells_the_price_line_by_line_and_what_is_reserved_keeps_it(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    with transaction():
        microscope.prices = {"unit": "hour", "own_institution": 12_345}
    mine = program_of(mina)
    body = wish(microscope, 1, 2.5)
    told = mine.post("/quotes", body).json

    assert (told["net"], told["vat"], told["total"]) == (18_510, 0, 18_510)
    assert told["tax"] == "exempt"
    lines = [(each["item"], each["quantity"], each["net"]) for each in told["lines"]]
    assert lines == [("use", "1.5", 18_517), ("truncation", None, -7)]
    made = mine.post("/reservations", {**body, "purpose": "cells"}).json
    assert made["quote"] == {name: told[name] for name in made["quote"]}


def test_a_dry_run_of_a_series_tells_the_price_of_each_date(
    program_of: Programs, mina: User, microscope: Instrument
) -> None:
    with transaction():
        microscope.prices = {"unit": "hour", "own_institution": 1_000}
    series = {**wish(microscope, 1, 3), "repeat": {"rrule": "FREQ=DAILY;COUNT=3"}}
    told = program_of(mina).post("/quotes", series).json

    assert told["total"] == 6_000
    assert [each["total"] for each in told["occurrences"]] == [2_000, 2_000, 2_000]


@pytest.fixture
def stage(app: object, mina: User, jun: User, microscope: Instrument) -> dict[str, object]:
    """For each refusal code a wish of Mina's that is refused by it."""
    facility = microscope.facility
    at_cnu = factories.facility(institution_id=factories.cnu().id)
    private = factories.instrument(slug="private", facility=at_cnu, use_scope=UseScope.PRIVATE_USE)
    idle = factories.instrument(slug="idle", facility=facility, use_state=UseState.IDLE)
    slow = factories.instrument(slug="slow", facility=facility, booking={"latest": "P2D"})
    shut = factories.instrument(
        slug="shut", facility=factories.facility(opening_hours={"daily": [], "holiday": []})
    )
    asks = [
        factories.instrument(facility=facility, booking={"certificate": "required"})
        for _ in range(3)
    ]
    certificate(mina, asks[1], expires_on=date(2026, 3, 1))
    certificate(mina, asks[2], level=Level.DAYTIME)
    xray = factories.instrument(facility=facility, booking={"safety_training": ["radiation"]})
    room = factories.instrument(slug="room", facility=facility, capacity=2)
    for person in (jun, factories.user("third")):
        booked(person, room, hours(1, 2))
    booked(jun, microscope, hours(30, 31))
    factories.blackout(microscope, hours(40, 41))

    def ruled(**booking: object) -> Instrument:
        return factories.instrument(facility=facility, booking=booking)

    def limited(per: str, within: str, **limit: object) -> Instrument:
        return ruled(quotas=[{"per": per, "within": within, **limit}], peak={"daily": ["24h"]})

    elsewhere = ruled()
    booked(mina, elsewhere, hours(50, 51))
    apart = ruled(gap="PT4H")
    booked(mina, apart, hours(60, 61))
    broken = ruled(fault_stops=True)
    faults.report_fault(
        mina, broken.slug, severity=Severity.OUT_OF_ORDER, description="no laser", now=NOW
    )
    owing = factories.instrument(facility=at_cnu, booking={"refuse_overdue_after": 0})
    factories.save(
        OverdueMark(
            supplier_id=at_cnu.institution_id,
            payer_id=factories.kaist().id,
            since=NOW.date(),
            reason="Bill 2026-01",
            marked_at=NOW,
        )
    )
    unsigned = factories.instrument(facility=at_cnu, booking={"contract": "outside"})
    paid = ruled(account="required")
    nobodys = [{"account": "NOBODYS", "percent": "100"}]
    expired = {"iacuc": "KA-1", "iacuc_until": "2026-01-01"}
    return {
        "outside-fixed-slots": wish(ruled(fixed_slots={"daily": ["09:00-13:00"]}), 1, 2),
        "same-day-only": wish(ruled(same_day="09:00"), 24, 25),
        "gap-too-small": wish(apart, 62, 63),
        "max-per-day": wish(limited("person", "day", hours="PT30M"), 1, 2),
        "max-per-week": wish(limited("person", "week", hours="PT30M"), 1, 2),
        "max-per-month": wish(limited("person", "month", number=0), 1, 2),
        "max-open": wish(limited("person", "ahead", number=0), 1, 2),
        "max-hours-ahead": wish(limited("person", "ahead", hours="PT30M"), 1, 2),
        "peak-share": wish(limited("person", "day", hours="PT30M", peak=True), 1, 2),
        "group-quota": wish(limited("group", "day", number=0), 1, 2),
        "institution-quota": wish(limited("institution", "day", number=0), 1, 2),
        "owner-share": wish(
            factories.instrument(facility=at_cnu, booking={"owner_share": 100}), 1, 2
        ),
        "in-two-places": wish(ruled(two_places="refuse"), 50, 51),
        "operator-busy": wish(
            ruled(operator="required", modes=["commissioned"]), 1, 2, mode="commissioned"
        ),
        "permit-missing": wish(ruled(permits=[{"kind": "irb"}]), 1, 2),
        "permit-expired": wish(ruled(permits=[{"kind": "iacuc"}]), 1, 2, answers=expired),
        "answer-missing": wish(
            ruled(
                questions=[{"key": "dye", "label": {"ko": "염료", "en": "Dye"}, "required": True}]
            ),
            1,
            2,
        ),
        "account-missing": wish(paid, 1, 2),
        "account-not-allowed": wish(paid, 1, 2, shares=nobodys),
        "contract-missing": wish(unsigned, 1, 2),
        "overdue": wish(owing, 1, 2),
        "instrument-faulty": wish(broken, 1, 2),
        "in-the-past": wish(microscope, -2, -1),
        "off-grid": wish(microscope, 1.1, 2),
        "shortest": wish(microscope, 1, 1.25),
        "longest": wish(microscope, 1, 10),
        "too-soon": wish(slow, 1, 2),
        "too-far-ahead": wish(microscope, 24 * 91, 24 * 91 + 1),
        "outside-opening-hours": wish(shut, 1, 2),
        "blackout": wish(microscope, 40, 41),
        "taken": wish(microscope, 30, 31),
        "capacity-full": wish(room, 1, 2),
        "not-in-use": wish(idle, 1, 2),
        "use-scope": wish(private, 1, 2),
        "mode-not-offered": wish(microscope, 1, 2, mode="commissioned"),
        "not-qualified": wish(asks[0], 1, 2),
        "certificate-expired": wish(asks[1], 1, 2),
        "level-hours": wish(asks[2], 1, 2),
        "safety-training-expired": wish(xray, 1, 2),
        "needs-linked-instrument": wish(
            factories.instrument(facility=facility, needs=[idle.slug]), 1, 2
        ),
        "accessory-taken": wish(
            factories.instrument(facility=facility, accessories=[idle.slug]),
            1,
            2,
            accessories=[idle.slug],
        ),
    }


def test_a_dry_run_tells_every_refusal_that_reserving_would(
    program_of: Programs, mina: User, stage: dict[str, object]
) -> None:
    assert set(stage) == set(CODES) - {"suspended", "access-ended"}, "each code is tried"
    mine = program_of(mina)
    for code, wanted in stage.items():
        check(mine, code, wanted)

    db.session.add(Suspension(user_id=mina.id, reason="rules", starts_at=NOW))
    db.session.commit()
    check(mine, "suspended", stage["off-grid"])


def check(mine: Program, code: str, wanted: object) -> None:
    quote = mine.post("/quotes", wanted)
    reserved = mine.post("/reservations", wanted)

    assert quote.status_code == 200
    assert quote.json["status"] is None
    assert code in [refusal["code"] for refusal in quote.json["refusals"]]
    assert quote.json["refusals"] == reserved.json["refusals"]
    codes = {refusal["code"] for refusal in quote.json["refusals"]}
    assert problem(reserved) == ((409, "taken") if codes <= CONFLICT_CODES else (422, "refused"))
    assert bool(quote.json["taken"]) == bool(codes & CONFLICT_CODES)
    assert all(refusal["reason"] for refusal in quote.json["refusals"])
