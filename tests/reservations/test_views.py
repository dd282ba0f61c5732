"""Pages of reservations: for whom, with what kept, escaped, refused, counted."""

import re
from datetime import datetime

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.catalog.models import Blackout, Instrument
from app.db import db, transaction
from app.domain.approval import Status
from app.reservations import services, waiting
from app.reservations.models import Reservation
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import SEOUL, booked, statements, typed, window

pytestmark = pytest.mark.usefixtures("fixed_now")

EVIL = '<script>alert("x")</script>'
JSON = {"Accept": "application/json"}


@pytest.fixture
def by(client):
    """The browser of a person."""
    return client.sign_in


def send(browser, page, address, **fields):
    """Send a form of `page` as it is there, with its token."""
    return browser.post(address, data={"csrf_token": browser.form_token(page), **fields})


def reserve(browser, instrument, fields):
    address = f"/instruments/{instrument.slug}/reserve"
    return send(browser, address, address, **fields)


def reservations():
    db.session.rollback()  # what the pages wrote is seen by a new transaction
    return db.session.scalars(select(Reservation).order_by(Reservation.id)).all()


def again(reservation):
    db.session.rollback()
    return db.session.get_one(Reservation, reservation.id, populate_existing=True)


class TestReserving:
    def test_the_form_leads_to_the_reservations_page(self, by, mina, microscope):
        answer = reserve(by(mina), microscope, typed(15, 17))

        (made,) = reservations()
        assert (answer.status_code, answer.location) == (303, f"/reservations/{made.uid}")
        assert (made.interval, made.purpose) == (hours(15, 17), "세포막 관찰")

    def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(self, client, microscope):
        answer = client.get(f"/instruments/{microscope.slug}/reserve?start=x")
        assert answer.status_code in {302, 303}
        assert answer.location.startswith("/sign-in?next=/instruments/microscope/reserve")

    def test_times_of_the_address_are_filled_in_by_the_local_clock(self, by, mina, microscope):
        page = by(mina).get(
            "/instruments/microscope/reserve",
            query_string={"start": "2026-03-03T01:00:00Z", "end": "2026-03-03T12:00:00+09:00"},
        )
        assert 'value="2026-03-03T10:00"' in page.text
        assert 'value="2026-03-03T12:00"' in page.text
        assert "대한민국 시간" in page.text

    def test_an_empty_form_offers_the_next_free_times(self, by, mina, microscope):
        page = by(mina).get("/instruments/microscope/reserve").text
        assert page.count('name="take"') == 3

    def test_free_times_to_begin_with_lie_by_day_and_on_several_days(self, by, mina, microscope):
        page = by(mina).get("/instruments/microscope/reserve").text
        starts = [
            datetime.fromisoformat(start).astimezone(SEOUL)
            for start in re.findall(r'name="take"\s+value="([^/"]+)/', page)
        ]
        assert [f"{start:%d %H:%M}" for start in starts] == ["03 09:00", "04 09:00", "05 09:00"]

    def test_the_page_says_the_price_that_is_the_readers_own(self, by, mina, theo):
        priced = factories.instrument(
            prices={"unit": "hour", "own_institution": 15000, "partner": 21000}
        )
        address = f"/instruments/{priced.slug}/reserve"
        assert "15,000원" in by(mina).get(address).text
        assert "₩21,000" in by(theo).get(address).text

    def test_a_refused_form_keeps_everything_that_was_typed(self, by, mina, jun, microscope):
        booked(jun, microscope, hours(15, 17))
        sent = typed(16, 18, purpose="오래 쓴 설명", samples="7", note="냉장 보관")
        page = reserve(by(mina), microscope, sent)

        assert page.status_code == 409
        for text in sent.values():
            assert text in page.text
        assert len(reservations()) == 1

    def test_a_refusal_stands_at_its_field(self, by, mina, microscope):
        page = reserve(by(mina), microscope, typed(15, 30))
        assert page.status_code == 422
        errors = re.search(r'id="ends_at-errors".*?</ul>', page.text, re.DOTALL)
        assert errors is not None
        assert "8시간" in errors[0]

    def test_a_taken_time_comes_with_alternatives_that_fill_in_the_form(
        self, by, mina, jun, microscope
    ):
        booked(jun, microscope, hours(15, 17))
        browser = by(mina)
        page = reserve(browser, microscope, typed(15, 17))
        chosen = re.search(r'name="take"\s+value="([^"]+)"', page.text)
        assert chosen is not None

        filled = reserve(browser, microscope, typed(15, 17, note="남는 말", take=chosen[1]))
        assert filled.status_code == 200
        start = datetime.fromisoformat(chosen[1].partition("/")[0]).astimezone(SEOUL)
        assert f'value="{start:%Y-%m-%dT%H:%M}"' in filled.text
        assert "남는 말" in filled.text
        assert len(reservations()) == 1

    def test_a_local_time_that_does_not_exist_is_refused(self, by, mina):
        there = factories.instrument(facility=factories.facility(timezone="America/New_York"))
        page = reserve(
            by(mina),
            there,
            {"starts_at": "2026-03-08T02:30", "ends_at": "2026-03-08T04:00", "purpose": "x"},
        )
        assert page.status_code == 422
        assert "America/New_York" in page.text
        assert 'value="2026-03-08T02:30"' in page.text
        assert reservations() == []

    def test_a_local_time_that_exists_twice_is_refused(self, by, mina):
        there = factories.instrument(
            facility=factories.facility(timezone="America/New_York"), booking={"earliest": "P300D"}
        )
        page = reserve(
            by(mina),
            there,
            {"starts_at": "2026-11-01T01:30", "ends_at": "2026-11-01T03:00", "purpose": "x"},
        )
        assert (page.status_code, reservations()) == (422, [])

    def test_a_date_at_the_end_of_the_calendar_is_refused(self, by, mina, microscope):
        far = {"starts_at": "9999-12-31T22:00", "ends_at": "9999-12-31T23:30"}
        assert reserve(by(mina), microscope, typed(1, 2, **far)).status_code == 422

    def test_without_the_forms_token_nothing_is_reserved(self, by, mina, microscope):
        answer = by(mina).post("/instruments/microscope/reserve", data=typed(15, 17))
        assert (answer.status_code, reservations()) == (400, [])

    def test_whose_it_is_never_comes_from_the_form(self, by, mina, jun, microscope):
        reserve(
            by(mina),
            microscope,
            typed(15, 17, holder_id=str(jun.id), institution_id="1", status="completed"),
        )
        (made,) = reservations()
        assert (made.holder_id, made.status) == (mina.id, Status.CONFIRMED)

    def test_the_page_says_the_rules_the_safety_notes_and_the_approval(self, by, mina, app):
        careful = factories.instrument(
            booking={"approval": "each", "latest": "PT3H"}, safety_ko="**보안경**을 쓰세요"
        )
        page = by(mina).get(f"/instruments/{careful.slug}/reserve").text
        assert "<strong>보안경</strong>" in page
        assert "8시간" in page
        assert "3시간" in page

    def test_another_like_it_is_filled_in_only_for_its_holder(self, by, mina, theo, microscope):
        made = booked(mina, microscope, hours(15, 17), purpose="반복 촬영")
        like = f"/instruments/microscope/reserve?like={made.uid}"
        page = by(mina).get(like).text
        assert "반복 촬영" in page
        assert 'value="2026-03-10T09:00"' in page
        assert by(theo).get(like).status_code == 404


class TestCheckingAsOneTypes:
    def check(self, browser, instrument, fields):
        page = f"/instruments/{instrument.slug}/reserve"
        return send(browser, page, f"/instruments/{instrument.slug}/check", **fields)

    def test_a_free_time_is_said_to_be_free_and_stays_free(self, by, mina, microscope):
        answer = self.check(by(mina), microscope, typed(15, 17))
        assert "data-free" in answer.text
        assert "<html" not in answer.text
        assert reservations() == []

    @pytest.mark.parametrize(("start", "late"), [(23.5, True), (24, False), (40, False)])
    def test_who_could_no_longer_cancel_for_free_is_told_before(
        self, by, mina, microscope, start, late
    ):
        answer = self.check(by(mina), microscope, typed(start, start + 2))
        assert "data-free" in answer.text
        assert ("data-late" in answer.text) is late

    def test_where_cancelling_is_always_free_nothing_is_said(self, by, mina):
        lenient = factories.instrument(booking={"free_cancel": "PT0H"})
        assert "data-late" not in self.check(by(mina), lenient, typed(1, 2)).text

    def test_the_purpose_may_still_be_missing(self, by, mina, microscope):
        assert "data-free" in self.check(by(mina), microscope, typed(15, 17, purpose="")).text

    def test_every_refusal_is_shown(self, by, mina, jun, microscope):
        booked(jun, microscope, hours(-0.0, 2))
        answer = self.check(by(mina), microscope, typed(-1, 9))
        assert set(re.findall(r'data-code="([^"]+)"', answer.text)) == {
            "in-the-past",
            "longest",
            "taken",
        }

    def test_a_closed_day_comes_with_times_that_would_do(self, by, mina):
        lab = factories.instrument(opening_hours={"mon-fri": ["09:00-18:00"]})
        answer = self.check(by(mina), lab, typed(15 + 24 * 5, 16 + 24 * 5))
        assert 'data-code="outside-opening-hours"' in answer.text
        assert 'name="take"' in answer.text

    def test_an_instrument_out_of_use_comes_with_none(self, by, mina):
        idle = factories.instrument(use_state="idle")
        assert 'name="take"' not in self.check(by(mina), idle, typed(-1, 2)).text

    def test_a_mode_that_nobody_offers_is_said_to_be_none(self, by, mina):
        both = factories.instrument(booking={"modes": ["self_operated", "commissioned"]})
        answer = self.check(by(mina), both, typed(1, 2, mode="by_magic"))
        assert answer.status_code == 200
        assert "data-free" not in answer.text

    def test_half_typed_times_say_nothing(self, by, mina, microscope):
        assert self.check(by(mina), microscope, typed(1, 2, ends_at="")).text.strip() == ""


class TestMyReservations:
    def test_mine_are_there_and_nobody_elses(self, by, mina, jun, microscope):
        booked(mina, microscope, hours(1, 3), purpose="내 것")
        booked(jun, microscope, hours(5, 6), purpose="남의 것")
        page = by(mina).get("/reservations").text
        assert "내 것" in page
        assert "남의 것" not in page

    def test_the_empty_page_leads_to_the_catalogue(self, by, mina):
        assert 'href="/instruments"' in by(mina).get("/reservations").text

    def test_cancelled_ones_are_kept_apart(self, by, mina, microscope):
        made = booked(mina, microscope, hours(1, 3))
        services.cancel_reservation(mina, made.uid, now=NOW)
        browser = by(mina)
        assert made.uid not in browser.get("/reservations").text
        assert made.uid in browser.get("/reservations?show=past").text

    def test_each_day_is_said_once_and_this_year_not_at_all(self, by, mina, microscope):
        for start in (10, 14, 34):
            booked(mina, microscope, hours(start, start + 1))
        page = by(mina).get("/reservations").text
        days = re.findall(r'<h2 id="day-\d+"[^>]*><time [^>]*>([^<]+)<', page)
        assert days == ["3월 3일 (화)", "3월 4일 (수)"]

    def test_older_ones_are_a_page_further(self, by, mina, microscope):
        for n in range(32):
            made = booked(mina, microscope, hours(n, n + 1))
            services.cancel_reservation(mina, made.uid, now=NOW) if n else None
        browser = by(mina)
        first = browser.get("/reservations?show=past").text
        older = re.search(r'rel="next" href="([^"]+)"', first)
        assert older is not None
        second = browser.get(older[1].replace("&amp;", "&")).text
        seen = [set(re.findall(r'href="/reservations/(\w{32})"', page)) for page in (first, second)]
        assert (len(seen[0]), len(seen[1]), seen[0] & seen[1]) == (30, 1, set())


class TestOneReservation:
    @pytest.fixture
    def made(self, mina, microscope):
        return booked(mina, microscope, hours(15, 17))

    def change(self, browser, made, **fields):
        page = f"/reservations/{made.uid}"
        sent = {"version": str(made.version), **typed(15, 17, purpose=made.purpose), **fields}
        return send(browser, page, f"{page}/change", **sent)

    @pytest.mark.parametrize("stranger", ["jun", "theo"])
    def test_a_strangers_page_does_not_exist(self, by, made, request, stranger):
        browser = by(request.getfixturevalue(stranger))
        assert browser.get(f"/reservations/{made.uid}").status_code == 404
        assert browser.get("/reservations/" + "0" * 32).status_code == 404

    @pytest.mark.parametrize("verb", ["change", "cancel", "approve", "reject"])
    def test_a_stranger_cannot_do_anything_to_it(self, by, made, theo, verb):
        answer = send(by(theo), "/reservations", f"/reservations/{made.uid}/{verb}", reason="x")
        assert answer.status_code == 404
        assert again(made).version == 1

    @pytest.mark.parametrize("verb", ["change", "cancel", "approve", "reject", "move"])
    def test_looking_never_changes(self, by, made, mina, verb):
        assert by(mina).get(f"/reservations/{made.uid}/{verb}").status_code == 405

    @pytest.mark.parametrize("verb", ["change", "cancel", "approve", "reject"])
    def test_nothing_is_done_without_the_forms_token(self, by, made, mina, verb):
        answer = by(mina).post(f"/reservations/{made.uid}/{verb}", data={"reason": "x"})
        assert (answer.status_code, again(made).version) == (400, 1)

    @pytest.mark.parametrize("reader", ["mina", "sora", "ada"])
    def test_the_holder_and_those_who_manage_it_see_it(self, by, made, request, reader):
        page = by(request.getfixturevalue(reader)).get(f"/reservations/{made.uid}")
        assert page.status_code == 200
        assert made.purpose in page.text

    def test_it_can_be_moved_and_the_history_says_so(self, by, made, mina):
        browser = by(mina)
        answer = self.change(browser, made, **typed(20, 22, purpose="새 목적"))
        page = browser.get(answer.location).text

        assert again(made).interval == hours(20, 22)
        assert "09:00" in page  # from 9:00 …
        assert "14:00" in page  # … to 14:00, in the history
        assert "새 목적" in page

    def test_a_move_onto_another_is_refused_and_kept(self, by, made, mina, jun, microscope):
        booked(jun, microscope, hours(20, 22))
        page = self.change(by(mina), made, **typed(20, 22, purpose="남아야 할 말"))
        assert page.status_code == 409
        assert "남아야 할 말" in page.text
        assert 'name="take"' in page.text
        assert again(made).interval == hours(15, 17)

    def test_whoever_was_slower_is_told_and_loses_nothing(self, by, made, mina):
        services.change_reservation(
            mina, made.uid, services.Change(purpose="먼저"), now=NOW, version=1
        )
        page = self.change(by(mina), made, version="1", purpose="나중")
        assert page.status_code == 412
        assert "나중" in page.text
        assert 'name="version" type="hidden" value="2"' in page.text
        assert again(made).purpose == "먼저"

    def test_it_can_be_cancelled_with_a_reason(self, by, made, mina):
        browser = by(mina)
        page = f"/reservations/{made.uid}"
        send(browser, page, f"{page}/cancel", reason="시료가 없음")
        assert again(made).status is Status.CANCELLED
        assert "시료가 없음" in browser.get(page).text

    def test_what_is_over_offers_neither_change_nor_cancelling(self, by, mina, microscope):
        made = booked(mina, microscope, hours(15, 17))
        services.cancel_reservation(mina, made.uid, now=NOW)
        page = by(mina).get(f"/reservations/{made.uid}").text
        assert "/change" not in page
        assert "/cancel" not in page

    def test_cancelling_twice_is_said_not_done(self, by, made, mina):
        browser = by(mina)
        for _ in range(2):
            send(browser, "/reservations", f"/reservations/{made.uid}/cancel")
        assert again(made).version == 2
        assert "alert-error" in browser.get(f"/reservations/{made.uid}").text


class TestMovingByDragging:
    @pytest.fixture
    def made(self, mina, microscope):
        return booked(mina, microscope, hours(15, 17))

    def move(self, browser, made, interval, *, version=1, token=True):
        headers = {**JSON, "If-Match": f'"{version}"'}
        if token:
            headers["X-CSRFToken"] = browser.form_token("/reservations")
        body = {"starts_at": interval.start.isoformat(), "ends_at": interval.end.isoformat()}
        return browser.patch(f"/reservations/{made.uid}/move", json=body, headers=headers)

    def test_it_moves_and_tells_the_new_version(self, by, made, mina):
        answer = self.move(by(mina), made, hours(18, 21))
        assert (answer.status_code, answer.json["version"]) == (200, 2)
        assert answer.json["starts_at"] == "2026-03-03T12:00:00+09:00"
        assert again(made).interval == hours(18, 21)

    def test_a_taken_time_answers_as_the_api_does(self, by, made, mina, jun, microscope):
        booked(jun, microscope, hours(18, 20))
        answer = self.move(by(mina), made, hours(19, 21))
        assert answer.status_code == 409
        assert answer.mimetype == "application/problem+json"
        assert answer.json["type"].endswith("/taken")
        assert len(answer.json["alternatives"]) == 3

    def test_a_stretch_past_the_longest_is_refused(self, by, made, mina):
        answer = self.move(by(mina), made, hours(15, 30))
        assert answer.status_code == 422
        assert [each["code"] for each in answer.json["refusals"]] == ["longest"]

    def test_whoever_was_slower_gets_412(self, by, made, mina):
        assert self.move(by(mina), made, hours(18, 21), version=7).status_code == 412

    def test_not_without_the_token_of_the_page(self, by, made, mina):
        answer = self.move(by(mina), made, hours(18, 21), token=False)
        assert (answer.status_code, again(made).version) == (400, 1)

    def test_nobody_elses(self, by, made, theo):
        assert self.move(by(theo), made, hours(18, 21)).status_code == 404

    @pytest.mark.parametrize("body", [None, [], {}, {"starts_at": 1}, {"starts_at": "x"}])
    def test_nonsense_is_422(self, by, made, mina, body):
        browser = by(mina)
        headers = {**JSON, "If-Match": '"1"', "X-CSRFToken": browser.form_token("/reservations")}
        answer = browser.patch(f"/reservations/{made.uid}/move", json=body, headers=headers)
        assert answer.status_code == 422


class TestBusyJson:
    def ask(self, browser, **changes):
        query = {**window(), **changes}
        return browser.get("/instruments/microscope/busy", query_string=query, headers=JSON)

    def test_another_institution_gets_neither_name_nor_purpose(self, by, mina, theo, microscope):
        booked(mina, microscope, hours(15, 17), purpose="비밀 과제")
        for browser in (by(theo), theo and by(theo)):
            text = self.ask(browser).text
            assert "김미나" not in text
            assert "비밀" not in text
            assert "KAIST" in text

    def test_the_world_gets_less_still(self, client, mina, microscope):
        made = booked(mina, microscope, hours(15, 17), purpose="비밀 과제")
        text = self.ask(client).text
        for secret in ("김미나", "비밀", made.uid, "KAIST", "한국과학기술원"):
            assert secret not in text

    def test_the_holders_own_can_be_moved(self, by, mina, microscope):
        made = booked(mina, microscope, hours(15, 17))
        (event,) = self.ask(by(mina)).json["events"]
        assert event["start"] == "2026-03-03T09:00:00+09:00"
        assert (event["mine"], event["editable"], event["version"]) == (True, True, 1)
        assert event["move_url"] == f"/reservations/{made.uid}/move"

    def test_closed_hours_come_along(self, client, app):
        factories.instrument(slug="lab", opening_hours={"daily": ["09:00-18:00"]})
        answer = client.get("/instruments/lab/busy", query_string=window(1), headers=JSON)
        assert [(e["kind"], e["start"][11:16], e["end"][11:16]) for e in answer.json["events"]] == [
            ("closed", "18:00", "09:00")
        ]

    def test_a_poll_with_nothing_new_is_304_after_one_read(self, client, microscope):
        tag = self.ask(client).headers["ETag"]
        poll = {"query_string": window(), "headers": {**JSON, "If-None-Match": tag}}
        answers = []
        count = statements(
            lambda: answers.append(client.get("/instruments/microscope/busy", **poll))
        )
        assert (answers[0].status_code, answers[0].data, count) == (304, b"", 1)

    def test_every_change_is_seen_by_the_next_poll(self, client, mina, sora, microscope):
        def tag():
            return self.ask(client).headers["ETag"]

        seen = [tag()]
        made = booked(mina, microscope, hours(15, 17))
        seen.append(tag())
        services.change_reservation(mina, made.uid, services.Change(hours(16, 17)), now=NOW)
        seen.append(tag())
        services.cancel_reservation(mina, made.uid, now=NOW)
        seen.append(tag())
        assert len(set(seen)) == 4

    def test_nobody_is_told_not_modified_about_anothers_answer(self, by, client, mina, microscope):
        booked(mina, microscope, hours(15, 17))
        anonymous = self.ask(client).headers["ETag"]
        answer = by(mina).get(
            "/instruments/microscope/busy",
            query_string=window(),
            headers={**JSON, "If-None-Match": anonymous},
        )
        assert answer.status_code == 200
        assert "Cookie" in answer.headers["Vary"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"start": ""},
            {"end": "tomorrow"},
            {"start": "2026-03-02T10:00:00"},
            {"end": "2026-03-01T00:00:00Z"},
            {"end": "2026-06-01T00:00:00Z"},
            {"start": "0001-01-01T00:00:00Z", "end": "0001-01-02T00:00:00Z"},
            {"start": "9999-12-30T00:00:00Z", "end": "9999-12-31T23:59:00-09:00"},
        ],
    )
    def test_a_window_that_makes_no_sense_is_422(self, client, microscope, wrong):
        answer = self.ask(client, **wrong)
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")

    def test_an_unknown_instrument_is_404(self, client):
        answer = client.get("/instruments/none/busy", query_string=window(), headers=JSON)
        assert answer.status_code == 404


def test_free_times_link_to_the_filled_in_form(client, microscope):
    page = client.get("/instruments/microscope/free").text
    assert "/instruments/microscope/reserve?start=2026-03-03T00:00:00%2B00:00" in page


class TestSchedule:
    def test_it_shows_instruments_with_what_is_taken_as_a_list_too(
        self, by, theo, mina, microscope
    ):
        booked(mina, microscope, hours(1, 3))
        page = by(theo).get("/schedule").text
        assert "Microscope" in page
        assert "Reserved: KAIST" in page
        assert "김미나" not in page

    def test_filters_are_kept_in_the_address(self, client, microscope):
        factories.instrument(slug="other", name_ko="원심분리기", name_en="Centrifuge")
        page = client.get("/schedule?q=현미경&date=2026-03-05&span=week").text
        assert 'value="현미경"' in page
        assert "원심분리기" not in page
        assert re.search(r'data-url="[^"]*q=%ED%98%84', page)

    @pytest.mark.parametrize(
        "query",
        [
            "q=%25",
            "q=%00",
            "date=9999-12-31",
            "date=0001-01-01",
            "page=" + "9" * 5000,
            "date=soon",
            "page=0",
            "page=999",
            "span=year",
            "institution='--",
            "page=x",
        ],
    )
    def test_odd_filters_are_answered(self, client, microscope, query):
        assert client.get(f"/schedule?{query}").status_code == 200

    def test_an_institution_is_chosen_by_its_slug(self, client, microscope):
        elsewhere = factories.facility(institution=factories.cnu())
        factories.instrument(name_ko="충대 장비", facility=elsewhere)
        page = client.get("/schedule?institution=cnu").text
        assert "충대 장비" in page
        assert 'href="/instruments/microscope"' not in page

    def test_out_of_order_without_an_end_is_drawn_and_listed_as_that(self, client, microscope):
        with transaction():
            db.session.get_one(Instrument, microscope.id).out_of_order_since = NOW
        (line,) = re.findall(
            r"<time[^>]*>([^<]*)</time>\s*<span[^>]*>고장", client.get("/schedule").text
        )
        assert line.endswith("18:00 –"), "from then on"
        for path in ("/schedule/busy", "/instruments/microscope/busy"):
            rows = client.get(path, query_string=window(), headers=JSON).json["events"]
            (drawn,) = [each for each in rows if each["kind"] == "blackout"]
            assert drawn["title"] == "고장: 복구 시점 미정"

    def test_its_data_never_tell_other_institutions_names(self, by, theo, mina, microscope):
        booked(mina, microscope, hours(1, 3), purpose="비밀 과제")
        answer = by(theo).get("/schedule/busy", query_string=window(), headers=JSON)
        assert [each["title"] for each in answer.json["events"]] == ["Reserved: KAIST"]
        assert "김미나" not in answer.text
        assert "비밀" not in answer.text

    def test_as_many_statements_for_forty_instruments_as_for_one(self, by, mina, microscope):
        place = factories.facility()
        for n in range(40):
            name = f"많은 장비 {n}" if n else "많은 장비, 유일한"
            each = factories.instrument(facility=place, name_ko=name)
            booked(mina, each, hours(1, 3))
        browser = by(mina)

        def ask(q):
            answer = browser.get("/schedule/busy", query_string={**window(), "q": q}, headers=JSON)
            return len(answer.json["resources"])

        shown = []
        counts = [statements(lambda q=q: shown.append(ask(q))) for q in ("유일한", "많은 장비")]
        assert shown == [1, 40]
        assert counts[0] == counts[1] <= 10

    def test_no_more_than_sixty_to_a_page(self, client):
        place = factories.facility()
        for _ in range(62):
            factories.instrument(facility=place)
        sizes = [
            len(
                client.get(
                    "/schedule/busy", query_string={**window(1), "page": page}, headers=JSON
                ).json["resources"]
            )
            for page in (1, 2)
        ]
        assert sizes == [60, 2]

    def test_a_poll_with_nothing_new_is_304(self, client, microscope):
        first = client.get("/schedule/busy", query_string=window(), headers=JSON)
        again_ = client.get(
            "/schedule/busy",
            query_string=window(),
            headers={**JSON, "If-None-Match": first.headers["ETag"]},
        )
        assert again_.status_code == 304


class TestApprovals:
    def test_whoever_has_waited_longest_comes_first(self, by, mina, jun, sora, guarded):
        first = booked(mina, guarded, hours(20, 22))
        second = booked(jun, guarded, hours(10, 12))
        with transaction():
            db.session.get_one(Reservation, second.id).requested_at = datetime(
                2026, 3, 2, 10, tzinfo=NOW.tzinfo
            )
        page = by(sora).get("/approvals").text
        assert page.index(first.uid) < page.index(second.uid)

    def test_the_navigation_counts_what_waits(self, by, mina, sora, guarded):
        booked(mina, guarded, hours(20, 22))
        assert re.search(
            r'class="count">\s*<span aria-hidden="true">1<', by(sora).get("/reservations").text
        )

    def test_the_navigation_counts_only_what_is_ones_own_to_decide(
        self, by, mina, sora, ada, guarded
    ):
        alone = factories.instrument(booking={"approval": "each"})  # nobody manages its facility
        booked(mina, guarded, hours(20, 22))
        booked(mina, alone, hours(20, 22))
        page = by(ada).get("/approvals").text
        assert page.count('id="r-') == 2
        assert re.search(r'class="count">\s*<span aria-hidden="true">1<', page)

    def test_one_facility_can_be_looked_at_alone(self, by, mina, ada, sora, guarded):
        elsewhere = factories.instrument(booking={"approval": "each"})
        here, there = booked(mina, guarded, hours(20, 22)), booked(mina, elsewhere, hours(20, 22))
        browser = by(ada)
        page = browser.get(f"/approvals?facility={guarded.facility.slug}").text
        assert here.uid in page
        assert there.uid not in page
        answer = send(
            browser,
            "/approvals",
            f"/reservations/{here.uid}/approve",
            back="approvals",
            version="1",
            facility=guarded.facility.slug,
        )
        assert answer.location == f"/approvals?facility={guarded.facility.slug}"
        assert 'name="facility"' not in by(sora).get("/approvals").text

    def test_a_facility_of_others_shows_nothing(self, by, mina, sora, guarded):
        elsewhere = factories.instrument(booking={"approval": "each"})
        made = booked(mina, elsewhere, hours(20, 22))
        page = by(sora).get(f"/approvals?facility={elsewhere.facility.slug}")
        assert page.status_code == 200
        assert made.uid not in page.text

    @pytest.mark.parametrize("page", ["2", "99", "0", "x", "9" * 30])
    def test_many_come_page_by_page(self, by, mina, sora, guarded, monkeypatch, page):
        monkeypatch.setattr(waiting, "ON_A_PAGE", 2)
        made = [booked(mina, guarded, hours(20 + n, 21 + n)) for n in range(3)]
        shown = by(sora).get(f"/approvals?page={page}").text
        expected = made[2:] if page in {"2", "99", "9" * 30} else made[:2]
        assert [each.uid in shown for each in made] == [each in expected for each in made]

    def test_what_starts_soon_says_so(self, by, mina, sora, guarded):
        # It is Monday, 18:00 in Daejeon.
        for start, word in ((3, "오늘"), (16, "내일"), (64, "곧"), (120, None)):
            made = booked(mina, guarded, hours(start, start + 1))
            row = by(sora).get("/approvals").text.split(f'id="r-{made.uid}"')[1].split("</li>")[0]
            words = re.findall(r'<span class="badge[^"]*">([^<]+)<', row)
            assert words == ([word] if word else [])

    def test_approving_leads_back_to_the_list(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22))
        browser = by(sora)
        answer = send(
            browser,
            "/approvals",
            f"/reservations/{made.uid}/approve",
            back="approvals",
            version="1",
        )
        assert answer.location == "/approvals"
        assert again(made).status is Status.CONFIRMED
        assert made.uid not in browser.get("/approvals").text

    def test_what_was_moved_meanwhile_is_not_approved_unseen(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22))
        services.change_reservation(mina, made.uid, services.Change(hours(30, 32)), now=NOW)
        send(by(sora), "/approvals", f"/reservations/{made.uid}/approve", version="1")
        assert again(made).status is Status.PENDING

    def test_rejecting_needs_a_reason(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22))
        browser = by(sora)
        address = f"/reservations/{made.uid}/reject"
        send(browser, "/approvals", address, reason="", back="approvals")
        assert again(made).status is Status.PENDING
        send(browser, "/approvals", address, reason="장비 점검", back="approvals")
        assert again(made).status is Status.REJECTED

    def test_nobody_decides_for_another_facility(self, by, mina, guarded):
        elsewhere = factories.user(manages=factories.facility())
        made = booked(mina, guarded, hours(20, 22))
        browser = by(elsewhere)
        assert made.uid not in browser.get("/approvals").text
        answer = send(browser, "/reservations", f"/reservations/{made.uid}/approve")
        assert answer.status_code == 404

    def test_the_holder_may_not_approve(self, by, mina, guarded):
        made = booked(mina, guarded, hours(20, 22))
        answer = send(by(mina), "/reservations", f"/reservations/{made.uid}/approve")
        assert (answer.status_code, again(made).status) == (403, Status.PENDING)

    def test_the_page_is_for_those_who_manage_something(self, by, mina, sora):
        assert by(mina).get("/approvals").status_code == 403
        assert by(sora).get("/approvals").status_code == 200
        assert 'href="/approvals"' not in by(mina).get("/reservations").text

    def test_a_decision_never_leads_out_of_dure(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22))
        answer = send(
            by(sora), "/approvals", f"/reservations/{made.uid}/approve", back="https://evil.example"
        )
        assert answer.location == f"/reservations/{made.uid}"


class TestClosures:
    def close(self, browser, facility, fields):
        address = f"/facilities/{facility.slug}/closures"
        return send(browser, address, address, kind="maintenance", instrument="0", **fields)

    def test_a_manager_closes_and_opens_again(self, by, sora, microscope):
        facility, browser = microscope.facility, by(sora)
        answer = self.close(browser, facility, {**typed(5, 8), "reason_ko": "정기 점검"})
        page = browser.get(answer.location).text
        assert "정기 점검" in page

        db.session.rollback()
        (closed,) = db.session.scalars(select(Blackout)).all()
        send(browser, answer.location, f"{answer.location}/{closed.id}/lift")
        db.session.rollback()
        assert db.session.get_one(Blackout, closed.id, populate_existing=True).lifted_at == NOW

    def test_reservations_in_the_way_are_named(self, by, mina, sora, microscope):
        made = booked(mina, microscope, hours(5, 6))
        page = self.close(by(sora), microscope.facility, {**typed(4, 8), "reason_ko": "점검함"})
        assert page.status_code == 409
        assert made.uid in page.text
        assert "점검함" in page.text

    def test_what_is_chosen_for_each_is_done_with_the_closing(
        self, by, mina, jun, sora, microscope
    ):
        first, second = booked(mina, microscope, hours(5, 6)), booked(jun, microscope, hours(6, 7))
        page = self.close(by(sora), microscope.facility, {**typed(5, 8)}).text
        suggested = re.search(f'name="start-{first.uid}" value="([^"]+)"', page)
        assert suggested
        chosen = {
            f"version-{first.uid}": "1",
            f"way-{first.uid}": "move",
            f"start-{first.uid}": suggested[1],
            f"version-{second.uid}": "1",
            f"way-{second.uid}": "cancel",
            "message": "죄송합니다",
        }
        answer = self.close(by(sora), microscope.facility, {**typed(5, 8), **chosen})
        assert answer.status_code == 303
        db.session.rollback()
        stands = db.session.get_one(Reservation, first.id, populate_existing=True)
        assert stands.interval == hours(4, 5)
        ended = db.session.get_one(Reservation, second.id, populate_existing=True)
        assert (ended.status, ended.decision_reason) == (Status.CANCELLED, "죄송합니다")

    def test_all_can_be_cancelled_at_once(self, by, mina, sora, microscope):
        made = booked(mina, microscope, hours(5, 6))
        chosen = {f"version-{made.uid}": "1", "for_all": "cancel"}
        answer = self.close(by(sora), microscope.facility, {**typed(5, 8), **chosen})
        assert answer.status_code == 303

    @pytest.mark.parametrize("start", ["", "gestern", "2026-03-02T24:61", "9999-03-02T10:00"])
    def test_a_start_that_makes_no_sense_is_asked_for_again(
        self, by, mina, sora, microscope, start
    ):
        made = booked(mina, microscope, hours(5, 6))
        chosen = {
            f"version-{made.uid}": "1",
            f"way-{made.uid}": "move",
            f"start-{made.uid}": start,
        }
        answer = self.close(by(sora), microscope.facility, {**typed(5, 8), **chosen})
        assert answer.status_code == 409
        assert made.uid in answer.text

    def test_every_wednesday_can_be_closed_and_ended(self, by, sora, microscope):
        facility, browser = microscope.facility, by(sora)
        wishes = {**typed(5, 8), "every": "week", "last_day": "2026-03-20"}
        answer = self.close(browser, facility, wishes)
        (rule,) = re.findall(r"/closures/rules/([0-9]+)/end", browser.get(answer.location).text)
        send(browser, answer.location, f"{answer.location}/rules/{rule}/end")
        db.session.rollback()
        rows = db.session.scalars(select(Blackout)).all()
        assert [each.lifted_at for each in rows] == [NOW] * 3

    def test_a_repetition_without_an_end_is_asked_for_it(self, by, sora, microscope):
        answer = self.close(by(sora), microscope.facility, {**typed(5, 8), "every": "week"})
        assert answer.status_code == 422
        assert 'id="last_day-errors"' in answer.text

    def test_nobody_else_may_look_or_close(self, by, mina, microscope):
        address = f"/facilities/{microscope.facility.slug}/closures"
        browser = by(mina)
        assert browser.get(address).status_code == 403
        assert send(browser, "/reservations", address, **typed(4, 8)).status_code == 403
        assert browser.get("/facilities/none/closures").status_code == 404


class TestWhatPeopleTypeIsText:
    def test_on_every_page(self, by, sora, app, guarded):
        with transaction():
            db.session.get_one(User, sora.id).name = EVIL
        eve = factories.user("eve", name=EVIL, institution=factories.kaist())
        made = booked(eve, guarded, hours(15, 17), purpose=EVIL, note=EVIL)
        services.change_reservation(eve, made.uid, services.Change(purpose=EVIL + "2"), now=NOW)
        factories.blackout(guarded, hours(40, 41), reason_ko=EVIL, reason_en=EVIL)
        facility = guarded.facility.slug
        for address in (
            "/",
            "/approvals",
            "/reservations",
            f"/reservations/{made.uid}",
            "/schedule?span=week",
            f"/facilities/{facility}/closures",
            f"/instruments/guarded/reserve?like={made.uid}",
        ):
            page = by(sora).get(address)
            assert page.status_code == 200, address
            assert EVIL not in page.text, address

    def test_in_the_words_of_a_conflict(self, by, mina, sora, microscope):
        booked(mina, microscope, hours(15, 17), purpose=EVIL)
        page = TestClosures().close(
            by(sora), microscope.facility, {**typed(14, 18), "reason_ko": EVIL}
        )
        assert EVIL not in page.text


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("reader", [None, "mina", "theo", "sora", "ada"])
def test_every_page_answers_every_role_in_both_languages(
    client, request, microscope, mina, reader, language
):
    made = booked(mina, microscope, hours(15, 17))
    if reader:
        client.sign_in(request.getfixturevalue(reader))
    expected = {
        "/": {200},
        "/schedule": {200},
        "/instruments/microscope/free": {200},
        "/instruments/microscope/reserve": {200},
        "/reservations": {200},
        f"/reservations/{made.uid}": {404} if reader == "theo" else {200},
        "/approvals": {200} if reader in {"sora", "ada"} else {403},
        f"/facilities/{microscope.facility.slug}/closures": (
            {200} if reader in {"sora", "ada"} else {403}
        ),
    }
    public = {"/", "/schedule", "/instruments/microscope/free"}
    for address, statuses in expected.items():
        answer = client.get(address, headers={"Accept-Language": language})
        wanted = statuses if reader or address in public else {302, 303}
        assert answer.status_code in wanted, address


class TestManyDecisions:
    """Several requests, one press: each is decided by itself."""

    @pytest.fixture
    def waiting_three(self, mina, guarded):
        return [booked(mina, guarded, hours(20 + n, 21 + n)) for n in range(3)]

    def send(self, browser, chosen, **fields):
        token = browser.form_token("/approvals")
        return browser.post(
            "/approvals/decide", data={"csrf_token": token, "chosen": chosen, **fields}
        )

    def states(self):
        db.session.rollback()
        db.session.expire_all()
        rows = db.session.scalars(select(Reservation).order_by(Reservation.starts_at))
        return [row.status.value for row in rows]

    def test_all_that_are_chosen_are_approved(self, by, sora, waiting_three):
        chosen = [f"{each.uid}:{each.version}" for each in waiting_three[:2]]
        browser = by(sora)
        assert self.send(browser, chosen, decision="approve").location == "/approvals"
        assert self.states() == ["confirmed", "confirmed", "pending"]
        assert "2건을 승인했습니다." in browser.get("/approvals").text

    def test_rejecting_needs_a_reason_that_each_holder_reads(self, by, sora, waiting_three):
        chosen = [f"{each.uid}:{each.version}" for each in waiting_three]
        self.send(by(sora), chosen, decision="reject", reason=" ")
        assert self.states() == ["pending"] * 3
        self.send(by(sora), chosen, decision="reject", reason="점검")
        assert self.states() == ["rejected"] * 3
        rejected = db.session.scalars(select(Reservation.decision_reason)).all()
        assert set(rejected) == {"점검"}

    def test_one_that_was_changed_meanwhile_keeps_the_others_from_nothing(
        self, by, mina, sora, waiting_three
    ):
        chosen = [f"{each.uid}:{each.version}" for each in waiting_three]
        services.change_reservation(mina, waiting_three[1].uid, Change(hours(30, 31)), now=NOW)
        browser = by(sora)
        self.send(browser, chosen, decision="approve")
        assert sorted(self.states()) == ["confirmed", "confirmed", "pending"]
        assert "김미나: 그사이" in browser.get("/approvals").text

    @pytest.mark.parametrize("chosen", [[], ["x"], ["0" * 32 + ":1"], ["../1:1"]])
    def test_nonsense_decides_nothing(self, by, sora, waiting_three, chosen):
        assert self.send(by(sora), chosen, decision="approve").status_code == 303
        assert self.states() == ["pending"] * 3

    def test_who_does_not_manage_decides_nothing(self, by, jun, sora, waiting_three):
        chosen = [f"{each.uid}:{each.version}" for each in waiting_three]
        browser = by(jun)
        token = browser.form_token(f"/instruments/{waiting_three[0].instrument.slug}/reserve")
        sent = {"csrf_token": token, "chosen": chosen, "decision": "approve"}
        assert browser.post("/approvals/decide", data=sent).status_code == 303
        assert self.states() == ["pending"] * 3
