"""Pages of commissions: the order, the manager's queue, and the way from one to the other."""

import pytest
from sqlalchemy import select

from app.db import db
from app.domain.approval import Status
from app.domain.booking import Mode
from app.reservations import commissions
from app.reservations.commission_models import Commission
from app.reservations.commissions import Order
from app.reservations.models import Reservation
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked, typed


@pytest.fixture(autouse=True)
def _now(fixed_now):
    """The pages, too, believe that it is 2 March 2026."""


@pytest.fixture
def lab(microscope):
    return factories.instrument(
        slug="lab", facility=microscope.facility, booking={"modes": ["commissioned"]}
    )


@pytest.fixture
def waiting(mina, lab):
    return commissions.ask(mina, Order(instrument="lab", purpose="지질 분석", samples=4), now=NOW)


def post(client, user, path, page=None, **fields):
    client.sign_in(user)
    token = client.form_token(page or path)
    return client.post(path, data={"csrf_token": token} | fields)


def only():
    db.session.rollback()
    return db.session.scalars(select(Commission).execution_options(populate_existing=True)).one()


def test_from_the_instrument_one_asks_and_finds_it_among_ones_own(client, mina, lab, microscope):
    page = client.sign_in(mina).get("/instruments/lab").text
    assert "/instruments/lab/commission" in page
    assert "/instruments/microscope/commission" not in client.get("/instruments/microscope").text
    assert client.get("/instruments/microscope/commission").status_code == 404

    here = "/instruments/lab/commission"
    empty = post(client, mina, here, purpose="지질 분석")
    assert (empty.status_code, "시료수를 적어 주세요." in empty.text) == (422, True)
    asked = {"purpose": "지질 분석", "samples": "4", "wished_by": "2026-03-18", "duration": "1.5"}
    answer = post(client, mina, here, **asked)
    assert answer.status_code == 303
    assert (only().duration.total_seconds(), str(only().wished_by)) == (5400, "2026-03-18")
    assert answer.location == f"/commissions/{only().uid}"
    assert "일정 배정 대기" in client.get(answer.location).text
    assert answer.location in client.get("/reservations").text


def test_the_estimate_asks_for_what_it_needs(client, mina, lab):
    said = post(client, mina, "/instruments/lab/commission/estimate", "/instruments/lab/commission",
                samples="4")  # fmt: skip
    assert (said.status_code, "data-unpriced" in said.text) == (200, True)
    assert post(client, mina, "/instruments/lab/commission/estimate",
                "/instruments/lab/commission", samples="many").text.strip() == ""  # fmt: skip


def test_the_manager_finds_it_in_the_queue_and_places_it(client, mina, jun, sora, lab, waiting):
    queue = client.sign_in(sora).get("/commissions").text
    here = f"/commissions/{waiting.uid}"
    assert here in queue
    for page in ("/", "/approvals"):
        assert 'data-to-place="1"' in client.get(page).text
    assert 'href="/commissions"' in client.get(f"/facilities/{lab.facility.slug}").text
    assert here in client.get("/commissions?instrument=lab").text
    assert "다른 장비에는 기다리는 의뢰가 있습니다." in client.get("/commissions?instrument=x").text

    booked(jun, lab, hours(24, 26), mode=Mode.COMMISSIONED)
    taken = post(client, sora, f"{here}/place", here, **typed(25, 27))
    assert (taken.status_code, 'name="take"' in taken.text) == (409, True)
    placed = post(client, sora, f"{here}/place", here, version="1", **typed(30, 31))
    assert (placed.status_code, only().state.value) == (303, "placed")
    made = only().reservation
    assert (made.interval, made.holder_id) == (hours(30, 31), mina.id)
    assert f"/reservations/{made.uid}" in client.get(here).text
    assert here in client.get(f"/reservations/{made.uid}").text
    assert "일정 배정을 기다리는 분석의뢰가 없습니다" in client.get("/commissions").text
    assert "data-to-place" not in client.get("/approvals").text

    assert post(client, sora, f"{here}/return", here, reason="펌프 고장").status_code == 303
    assert only().state.value == "waiting"
    assert "펌프 고장" in client.sign_in(mina).get(here).text
    stood = select(Reservation.status).where(Reservation.holder_id == mina.id)
    assert db.session.scalars(stood).all() == [Status.CANCELLED]


def test_declining_needs_a_reason_that_its_holder_reads(client, mina, sora, waiting):
    here = f"/commissions/{waiting.uid}"
    post(client, sora, f"{here}/decline", here, reason=" ")
    assert only().state.value == "waiting"
    post(client, sora, f"{here}/decline", here, reason="컬럼이 없습니다")
    assert "컬럼이 없습니다" in client.sign_in(mina).get(here).text


def test_its_holder_changes_and_withdraws_it(client, mina, waiting):
    here = f"/commissions/{waiting.uid}"
    said = {"purpose": "지질 분석", "samples": "9", "version": "1"}
    assert post(client, mina, f"{here}/change", **said).status_code == 303
    assert (only().samples, only().version) == (9, 2)
    stale = post(client, mina, f"{here}/change", **said)
    assert (stale.status_code, only().version) == (303, 2)
    assert post(client, mina, f"{here}/withdraw", here).status_code == 303
    assert only().state.value == "withdrawn"
    assert client.get(f"{here}/change").status_code == 303
