"""The usage log: what fills it, who may correct it, what stays of it, and what its file does."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from app import clock
from app.accounts.models import Affiliation, InstitutionKind
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotAllowed, NotFound, Stale
from app.domain.interval import Interval
from app.domain.usage import OrganisationClass, OrganisationType, Origin, UseType
from app.reservations import usage, use
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, typed
from tests.reservations.test_use import asking, at, now_of

MARCH = Interval(NOW - timedelta(days=2, hours=-6), NOW + timedelta(days=29, hours=6))
LATER = at(50)


@pytest.fixture(autouse=True)
def two_days_later(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: LATER)


def lines(instrument, now=LATER, month=MARCH):
    db.session.rollback()
    return usage.log_of(db.session.merge(instrument), month, now=now)


def used(mina, instrument):
    made = booked(mina, instrument, hours(1, 3), samples=4)
    use.check_in(mina, made.uid, now=at(1, seconds=240))
    use.check_out(mina, made.uid, now=at(2))
    return made


def said(**fields):
    usual = usage.Said(
        interval=hours(4, 5),
        user_name="박방문",
        organisation="예제기업",
        organisation_class=OrganisationClass.OTHER_INSTITUTION,
        organisation_type=OrganisationType.COMPANY,
        use_type=UseType.MEASUREMENT,
        samples=2,
        fee=30000,
        origin=Origin.WALK_IN,
    )
    return replace(usual, **fields)


def test_a_use_fills_its_line_by_itself(mina, microscope):
    strict = asking(microscope)
    made = used(mina, strict)
    [line] = lines(strict)

    assert line.uid == made.uid
    assert line.said == usage.Said(
        interval=Interval(at(1) + timedelta(minutes=4), at(2)),
        user_name=mina.name,
        organisation="한국과학기술원",
        organisation_class=OrganisationClass.OTHER_DEPARTMENT,
        organisation_type=OrganisationType.UNIVERSITY,
        use_type=UseType.MEASUREMENT,
        samples=4,
    )
    assert (line.measured, line.version) == (True, 0)


def test_where_nobody_checks_in_the_time_reserved_stands_once_it_is_over(mina, microscope):
    booked(mina, microscope, hours(1, 3))
    assert lines(microscope, now=at(3) - timedelta(seconds=1)) == []
    [line] = lines(microscope, now=at(3))
    assert line.said.interval == hours(1, 3)
    assert not line.measured


def test_who_never_came_or_cancelled_used_nothing(mina, sora, microscope):
    missed = booked(mina, microscope, hours(1, 3))
    use.mark_no_show(sora, missed.uid, now=at(1), reason="absent")
    assert lines(microscope) == []


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        (InstitutionKind.GOVERNMENT_INSTITUTE, OrganisationType.GOVERNMENT_INSTITUTE),
        (InstitutionKind.HOSPITAL, OrganisationType.PUBLIC_INSTITUTE),
        (InstitutionKind.SMALL_COMPANY, OrganisationType.COMPANY),
    ],
)
def test_people_from_elsewhere_are_of_their_kind_of_organisation(microscope, kind, type_):
    guest = factories.user("guest", institution=factories.institution(kind=kind))
    booked(guest, microscope, hours(1, 3))
    [line] = lines(microscope)
    assert line.said.organisation_class is OrganisationClass.OTHER_INSTITUTION
    assert line.said.organisation_type is type_


def test_the_owning_department_is_known_by_its_name(mina, microscope):
    with transaction():
        db.session.merge(microscope.facility).department_en = "Biology"
        db.session.query(Affiliation).filter_by(user_id=mina.id).one().department = "Biology"
    booked(mina, microscope, hours(1, 3))
    [line] = lines(microscope)
    assert line.said.organisation_class is OrganisationClass.OWN_DEPARTMENT


def test_a_month_begins_and_ends_at_midnight_where_the_instrument_is(mina, microscope):
    last = Interval(MARCH.end - timedelta(hours=1), MARCH.end + timedelta(hours=1))
    with transaction():
        pass
    booked(mina, microscope, last)
    april = Interval(MARCH.end, MARCH.end + timedelta(days=30))
    now = april.end
    assert [line.said.interval for line in lines(microscope, now, MARCH)] == [last]
    assert lines(microscope, now, april) == []


def test_walk_in_and_own_use_is_written_by_the_manager(sora, microscope):
    usage.write_line(sora, microscope, said(), now=LATER)
    usage.write_line(sora, microscope, said(interval=hours(6, 7), origin=Origin.OWN_USE), now=LATER)
    first, second = lines(microscope)
    assert first.said == said()
    assert first.writer == sora.name
    assert second.said.origin is Origin.OWN_USE


def test_a_correction_says_why_and_keeps_what_was_there(mina, sora, microscope):
    strict = asking(microscope)
    made = used(mina, strict)
    [line] = lines(strict)
    better = replace(line.said, interval=hours(1, 2.5), samples=5, note="시료 추가")
    with pytest.raises(Invalid):
        usage.correct_line(sora, strict, made.uid, better, reason=" ", version=0, now=LATER)

    usage.correct_line(sora, strict, made.uid, better, reason="기록 누락", version=0, now=LATER)

    [line] = lines(strict)
    assert line.said == better
    assert (line.uid, line.version, line.writer) == (made.uid, 1, sora.name)
    assert now_of(made).used == hours(1, 2.5)
    assert now_of(made).reserved == hours(1, 3)
    [(row, name)] = usage.corrections(made.uid)
    assert name == sora.name
    assert row.detail["reason"] == "기록 누락"
    assert row.detail["changes"]["samples"] == [4, 5]


def test_two_who_correct_the_same_line_do_not_overwrite_each_other(mina, sora, microscope):
    made = booked(mina, microscope, hours(1, 3))
    better = replace(lines(microscope)[0].said, samples=5)
    usage.correct_line(sora, microscope, made.uid, better, reason="a", version=0, now=LATER)
    with pytest.raises(Stale):
        usage.correct_line(sora, microscope, made.uid, better, reason="b", version=0, now=LATER)
    usage.correct_line(sora, microscope, made.uid, said(), reason="c", version=1, now=LATER)
    [line] = lines(microscope)
    assert line.version == 2
    assert line.said.origin is Origin.RESERVATION


@pytest.mark.parametrize("wrong", [{"interval": hours(49, 51)}, {"interval": hours(-24 * 32, 0)}])
def test_what_is_not_over_or_too_long_is_no_use(sora, microscope, wrong):
    with pytest.raises(Invalid):
        usage.write_line(sora, microscope, said(**wrong), now=LATER)
    assert lines(microscope) == []


def test_only_who_manages_the_instrument_keeps_its_log(mina, theo, sora, microscope):
    elsewhere = factories.instrument()
    made = booked(mina, microscope, hours(1, 3))
    for who in (mina, theo):
        with pytest.raises(NotAllowed):
            usage.write_line(who, microscope, said(), now=LATER)
    with pytest.raises(NotAllowed):
        usage.write_line(sora, elsewhere, said(), now=LATER)
    other = factories.instrument(facility=microscope.facility)
    with pytest.raises(NotFound):
        usage.correct_line(sora, other, made.uid, said(), reason="x", version=0, now=LATER)


def form_of(client, path, **fields):
    token = client.form_token(path)
    usual = {
        "csrf_token": token,
        **typed(4, 5),
        "user_name": "박방문",
        "organisation": "예제기업",
        "organisation_class": "other_institution",
        "organisation_type": "company",
        "use_type": "measurement",
        "samples": "2",
        "fee": "",
        "note": "",
        "origin": "walk_in",
    }
    return client.post(path, data={**usual, **fields})


def test_the_pages_show_write_and_correct(client, mina, sora, microscope):
    made = booked(mina, microscope, hours(1, 3))
    client.sign_in(sora)
    address = f"/instruments/{microscope.slug}/usage"
    page = client.get(address).text
    assert mina.name in page
    assert sora.name in page  # in charge

    answer = form_of(client, f"{address}/new")
    assert (answer.status_code, answer.location) == (303, f"{address}?month=2026-03")
    assert "박방문" in client.get(answer.location).text

    answer = form_of(client, f"{address}/{made.uid}", samples="7", version="0")
    assert answer.status_code == 422
    answer = form_of(client, f"{address}/{made.uid}", samples="7", version="0", reason="오기")
    assert answer.status_code == 303
    assert "오기" in client.get(f"{address}/{made.uid}").text
    answer = form_of(client, f"{address}/{made.uid}", samples="8", version="0", reason="또")
    assert answer.status_code == 412
    assert now_of(made).samples == 7
    assert now_of(made).status is Status.CONFIRMED


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": "many"},
        {"samples": "0"},
        {"fee": "-1"},
        {"user_name": " "},
        {"use_type": "sleeping"},
        {"origin": "reservation"},
        {"ends_at": "2026-03-30T10:00"},
        {"starts_at": "yesterday"},
        {"user_name": "x" * 201},
        {"note": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(client, sora, microscope, wrong):
    client.sign_in(sora)
    answer = form_of(client, f"/instruments/{microscope.slug}/usage/new", **wrong)
    assert answer.status_code == 422
    assert "data-form-errors" in answer.text
    assert lines(microscope) == []


@pytest.mark.parametrize("month", ["", "2026-13", "0000-00", "9999-12", "now", "2026-02"])
def test_any_month_may_be_asked_for(client, sora, microscope, month):
    client.sign_in(sora)
    assert client.get(f"/instruments/{microscope.slug}/usage?month={month}").status_code == 200


@pytest.mark.parametrize(
    "name", ["=1+1", "+82", "-3", "@SUM(A1)", "\t=1", " =1", "＝1", '=HYPERLINK("http://x")']
)
def test_a_spreadsheet_runs_nothing_of_what_people_typed(client, sora, microscope, name):
    usage.write_line(sora, microscope, said(user_name=name, note='O\'Brien, "x"'), now=LATER)
    client.sign_in(sora)
    answer = client.get(f"/instruments/{microscope.slug}/usage.csv?month=2026-03")

    assert answer.mimetype == "text/csv"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
    assert len(head) == len(row)
    assert "'" + name in row
    assert 'O\'Brien, "x"' in row
    assert "30000" in row
