"""Contracts of use: the manager's page, and what they open for people of other institutions."""

import io
from datetime import date

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app import clock
from app.audit.models import AuditRow
from app.catalog.models import Instrument
from app.contracts import queries, services
from app.contracts.models import UseContract
from app.contracts.services import Signed
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import BookingRefused, NotAllowed
from app.reservations.services import request_reservation
from tests import factories
from tests.factories import NOW, hours

PDF = b"%PDF-1.7\nsigned"


@pytest.fixture(autouse=True)
def fixed_now(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def guarded(microscope) -> Instrument:
    """An instrument that asks people of other institutions for a contract."""
    return factories.instrument(
        slug="guarded", facility=microscope.facility, booking={"contract": "outside"}
    )


def wish(instrument, start=1.0, end=2.0):
    return BookingRequest(instrument.slug, hours(start, end), purpose="측정")


def sign(sora, facility, tmp_path, **fields):
    fields.setdefault("number", "CNU-1")
    fields.setdefault("valid_from", date(2026, 3, 1))
    signed = Signed(institution_id=factories.cnu().id, **fields)
    return services.record(sora, facility, signed, folder=tmp_path, now=NOW)


def codes(refused):
    return [each.code for each in refused.value.refusals]


def test_without_a_contract_nobody_of_another_institution_reserves(
    guarded, mina, theo, sora, tmp_path
):
    with pytest.raises(BookingRefused) as refused:
        request_reservation(theo, wish(guarded), now=NOW)
    assert codes(refused) == ["contract-missing"]
    request_reservation(mina, wish(guarded), now=NOW)  # of the facility's own institution

    sign(sora, guarded.facility, tmp_path, valid_until=date(2026, 3, 3))
    request_reservation(theo, wish(guarded, 3, 4), now=NOW)
    with pytest.raises(BookingRefused):
        request_reservation(theo, wish(guarded, 29, 31), now=NOW)  # into 4 March


def test_a_contract_of_another_facility_or_institution_opens_nothing(
    guarded, theo, sora, ada, tmp_path
):
    elsewhere = factories.facility()
    sign(ada, elsewhere, tmp_path)
    third = factories.institution()
    signed = Signed(institution_id=third.id, number="T-1", valid_from=date(2026, 3, 1))
    services.record(sora, guarded.facility, signed, folder=tmp_path, now=NOW)
    with pytest.raises(BookingRefused):
        request_reservation(theo, wish(guarded), now=NOW)


def test_an_ended_contract_opens_nothing_and_what_is_reserved_stays(guarded, theo, sora, tmp_path):
    made = sign(sora, guarded.facility, tmp_path)
    kept = request_reservation(theo, wish(guarded), now=NOW)
    services.end(sora, guarded.facility, made.id, reason="협약 종료", now=NOW)

    with pytest.raises(BookingRefused) as refused:
        request_reservation(theo, wish(guarded, 3, 4), now=NOW)
    assert refused.value.refusals[0].limit == "2026-03-01"
    assert kept.status.value == "confirmed"
    acts = db.session.scalars(select(AuditRow.action).order_by(AuditRow.id)).all()
    assert acts == ["record-contract", "request-reservation", "end-contract"]


def test_strangers_record_and_end_nothing(guarded, mina, sora, tmp_path):
    made = sign(sora, guarded.facility, tmp_path)
    with pytest.raises(NotAllowed):
        sign(mina, guarded.facility, tmp_path, number="x")
    with pytest.raises(NotAllowed):
        services.end(mina, guarded.facility, made.id, reason="x", now=NOW)


def test_the_list_begins_with_what_ends_next(guarded, sora, tmp_path):
    facility = guarded.facility
    for number, first, last in (
        ("over", date(2025, 1, 1), date(2026, 3, 1)),
        ("long", date(2025, 1, 1), None),
        ("soon", date(2025, 1, 1), date(2026, 4, 1)),
        ("year", date(2025, 1, 1), date(2026, 4, 2)),
        ("next", date(2026, 3, 3), None),
    ):
        sign(sora, facility, tmp_path, number=number, valid_from=first, valid_until=last)
    lines = queries.listed(facility, today=date(2026, 3, 2))
    assert [(line.contract.number, line.state) for line in lines] == [
        ("soon", "soon"),
        ("year", "current"),
        ("long", "current"),
        ("next", "coming"),
        ("over", "over"),
    ]


def typed(client, slug, **fields):
    url = f"/facilities/{slug}/contracts"
    data = {
        "csrf_token": client.form_token(url),
        "institution": str(factories.cnu().id),
        "number": "CNU-2026-1",
        "valid_from": "2026-03-01",
        "valid_until": "",
        **fields,
    }
    if "document" in fields:
        data["document"] = FileStorage(io.BytesIO(fields["document"]), "../계약서.pdf")
    boundary, body = encode_multipart(data)
    return client.post(url, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def test_a_manager_records_one_with_its_document_and_ends_it(client, guarded, sora):
    slug = guarded.facility.slug
    factories.cnu()
    client.sign_in(sora)
    assert "기록된 계약이 없습니다" in client.get(f"/facilities/{slug}/contracts").text
    assert typed(client, slug, document=PDF).status_code == 303

    page = client.get(f"/facilities/{slug}/contracts").text
    assert "CNU-2026-1" in page
    db.session.rollback()
    made = db.session.scalars(select(UseContract)).one()
    answer = client.get(f"/facilities/{slug}/contracts/{made.id}/document")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%EA")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "application/pdf"

    ended = client.post(
        f"/facilities/{slug}/contracts/{made.id}/end",
        data={"csrf_token": client.form_token(f"/facilities/{slug}/contracts"), "reason": "해지"},
        follow_redirects=True,
    )
    assert "2026-03-02에 끝냄: 해지" in ended.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"number": ""}, "필수"),
        ({"institution": "0"}, "institution"),
        ({"valid_until": "2026-02-28"}, "시작일보다 앞섭니다"),
        ({"valid_from": "yesterday"}, "valid_from"),
        ({"document": b"MZ program"}, "올릴 수 없는 형식입니다"),
        (
            {"document": PDF.ljust(10 * 1024 * 1024 + 1)},
            "10MB 이하로 줄여서",
        ),
    ],
    ids=["number", "institution", "until", "from", "kind", "size"],
)
def test_what_makes_no_sense_is_refused_with_words(client, guarded, sora, fields, said):
    factories.cnu()
    client.sign_in(sora)
    answer = typed(client, guarded.facility.slug, **fields)
    assert answer.status_code == 422
    if said in ("institution", "valid_from", "필수"):
        said = 'aria-invalid="true"'
    assert said in answer.text
    db.session.rollback()
    assert db.session.scalars(select(UseContract)).all() == []


def test_far_too_large_a_file_is_refused_before_it_is_read(client, guarded, sora):
    client.sign_in(sora)
    answer = client.post(
        f"/facilities/{guarded.facility.slug}/contracts",
        data=b"x" * 12_000_000,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 413


def test_the_form_to_reserve_says_beforehand_that_a_contract_is_needed(client, guarded, theo):
    client.sign_in(theo)
    page = client.get(f"/instruments/{guarded.slug}/reserve").text
    assert 'data-code="contract-missing"' in page
