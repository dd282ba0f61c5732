"""Pages and API of training: what each person sees and may do there."""

import re

import pytest
from sqlalchemy import select

from app.db import db
from app.domain.training import Level, SafetyKind
from app.training import services
from app.training.models import Certificate, Result, SafetyTraining, SignUp, TrainingSession
from tests import factories
from tests.factories import NOW
from tests.training.conftest import certificate, session

pytestmark = pytest.mark.usefixtures("fixed_now")


@pytest.fixture
def send(client):
    """Send a form as the person signed in."""

    def _send(path, page="/account", **fields):
        token = client.form_token(page)
        return client.post(path, data={"csrf_token": token, **fields})

    return _send


def rows(wanted):
    """What is in the database now: the pages have transactions of their own."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(wanted)


def typed(**fields):
    return {
        "title_ko": "NMR 기초",
        "title_en": "NMR basics",
        "starts_at": "2026-03-10T14:00",
        "ends_at": "2026-03-10T16:00",
        "sign_up_until": "",
        "place": "E7 1123",
        "trainer": "박소라",
        "seats": "8",
        "level": "daytime",
        "online_url": "",
        "note": "",
        **fields,
    }


class TestLearning:
    def test_the_page_needs_an_account(self, client):
        assert client.get("/training").location.startswith("/sign-in")

    def test_sessions_to_come_are_listed_nearest_first(self, client, mina, microscope):
        facility = microscope.facility
        session(facility, starts=90, title_ko="나중 교육")
        session(facility, starts=30, title_ko="먼저 교육")
        session(facility, starts=-30, title_ko="지난 교육")
        session(facility, starts=40, title_ko="취소된 교육", cancelled_at=NOW)

        page = client.sign_in(mina).get("/training").text
        assert page.index("먼저 교육") < page.index("나중 교육")
        assert "지난 교육" not in page
        assert "취소된 교육" not in page

    def test_they_are_found_by_instrument_facility_and_words(self, client, mina, nmr):
        session(nmr.facility, title_ko="여기 교육")
        session(factories.facility(), title_ko="저기 교육")
        client.sign_in(mina)
        for question in ("instrument=nmr", f"facility={nmr.facility.slug}", "q=여기"):
            page = client.get(f"/training?{question}").text
            assert "여기 교육" in page
            assert "저기 교육" not in page

    def test_an_instrument_that_does_not_exist_narrows_to_nothing(self, client, mina, nmr):
        session(nmr.facility, title_ko="여기 교육")
        answer = client.sign_in(mina).get("/training?instrument=no-such-thing")
        assert answer.status_code == 200
        assert "여기 교육" not in answer.text

    def test_one_signs_up_and_withdraws(self, client, mina, microscope, send):
        planned = session(microscope.facility)
        client.sign_in(mina)
        assert send(f"/training/{planned.id}/sign-up").location == f"/training/{planned.id}"
        assert "자리 배정됨" in client.get(f"/training/{planned.id}").text
        assert "자리 배정됨" in client.get("/training").text
        send(f"/training/{planned.id}/withdraw")
        assert "자리 배정됨" not in client.get(f"/training/{planned.id}").text

    def test_a_second_sign_up_is_told_and_not_an_error(self, client, mina, microscope, send):
        planned = session(microscope.facility)
        client.sign_in(mina)
        for _ in range(2):
            answer = send(f"/training/{planned.id}/sign-up")
            assert answer.status_code == 303
        assert "이미 신청했습니다" in client.get("/training").text

    def test_certificates_are_shown_with_their_ends(self, client, mina, nmr):
        certificate(mina, nmr, expires_on=NOW.date())
        certificate(mina, nmr.facility, level=Level.ASSISTED)
        page = client.sign_in(mina).get("/training").text
        assert "2026-03-02까지" in page
        assert "기한 없음" in page
        assert "보조 이용" in page

    def test_who_comes_is_for_the_trainer_to_know(self, client, mina, jun, sora, microscope):
        planned = session(microscope.facility)
        services.sign_up(jun, planned.id, now=NOW)
        assert jun.name not in client.sign_in(mina).get(f"/training/{planned.id}").text
        assert client.get(f"/training/{planned.id}/attendance").status_code == 403
        page = client.sign_in(sora).get(f"/training/{planned.id}/attendance").text
        assert jun.name in page

    def test_the_api_tells_what_one_holds(self, client, mina, nmr):
        certificate(mina, nmr, expires_on=NOW.date())
        factories.save(
            SafetyTraining(
                user_id=mina.id,
                kind=SafetyKind.LABORATORY,
                done_on=NOW.date(),
                facility_id=nmr.facility_id,
                recorded_at=NOW,
            )
        )
        told = client.sign_in(mina).get("/api/v1/me/certificates").json
        assert told["items"][0]["instrument"]["slug"] == "nmr"
        assert told["items"][0]["ends_on"] == "2026-03-02"
        assert told["items"][0]["state"] == "current"
        assert told["safety"] == [
            {"kind": "laboratory", "done_on": "2026-03-02", "valid_until": None}
        ]


class TestTheInstrument:
    def test_its_page_says_that_a_certificate_is_needed(self, client, nmr, microscope):
        page = client.get("/instruments/nmr").text
        assert "수료증이 있는 사람만" in page
        assert "유효 기간은 2년" in page
        assert "수료증이 있는 사람만" not in client.get("/instruments/microscope").text

    def test_its_form_says_what_is_missing_and_where_to_get_it(self, client, mina, nmr):
        session(nmr.facility, title_ko="NMR 기초")
        page = client.sign_in(mina).get("/instruments/nmr/reserve").text
        assert "data-to-learn" in page
        assert 'data-code="not-qualified"' in page
        assert "NMR 기초" in page
        assert 'href="/training?instrument=nmr"' in page

    def test_its_form_is_plain_for_whoever_holds_one(self, client, mina, sora, nmr):
        certificate(mina, nmr)
        for person in (mina, sora):
            page = client.sign_in(person).get("/instruments/nmr/reserve").text
            assert "data-to-learn" not in page

    def test_the_api_refuses_with_the_code(self, client, mina, nmr, send):
        wish = {
            "instrument": "nmr",
            "starts_at": "2026-03-03T10:00:00+09:00",
            "ends_at": "2026-03-03T12:00:00+09:00",
            "purpose": "x",
        }
        token = client.sign_in(mina).form_token("/account")
        answer = client.post("/api/v1/reservations", json=wish, headers={"X-CSRFToken": token})
        assert answer.status_code == 422
        assert [each["code"] for each in answer.json["refusals"]] == ["not-qualified"]

    def test_a_manager_sees_who_may_work_it(self, client, mina, sora, nmr):
        certificate(mina, nmr)
        assert client.sign_in(mina).get("/instruments/nmr/certificates").status_code == 403
        page = client.sign_in(sora).get("/instruments/nmr/certificates").text
        assert mina.email in page


class TestTraining:
    def desk(self, facility):
        return f"/facilities/{facility.slug}/training"

    def test_a_manager_plans_a_session(self, client, sora, nmr, send):
        page = f"{self.desk(nmr.facility)}/new"
        client.sign_in(sora)
        assert f'value="{sora.name}"' in client.get(page).text
        answer = send(page, page, **typed(instruments=str(nmr.id)))
        made = rows(select(TrainingSession)).one()
        assert answer.location == f"/training/{made.id}"
        assert made.starts_at.isoformat() == "2026-03-10T05:00:00+00:00"
        assert made.sign_up_until == made.starts_at
        assert "NMR 기초" in client.get(self.desk(nmr.facility)).text

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title_ko", ""),
            ("seats", "0"),
            ("seats", "many"),
            ("starts_at", "2026-03-01T10:00"),
            ("ends_at", "2026-03-10T13:00"),
            ("sign_up_until", "2026-03-10T15:00"),
            ("online_url", "javascript:alert(1)"),
            ("instruments", "99999"),
            ("starts_at", "9999-12-31T23:59"),
        ],
    )
    def test_what_makes_no_sense_stays_on_the_page(self, client, sora, nmr, send, field, value):
        page = f"{self.desk(nmr.facility)}/new"
        client.sign_in(sora)
        answer = send(page, page, **typed(**{field: value}))
        assert answer.status_code == 422
        assert "NMR basics" in answer.text
        assert re.search(r'aria-invalid="true"|text-error', answer.text)

    def test_a_manager_changes_and_cancels_it(self, client, sora, mina, nmr, send):
        planned = session(nmr.facility)
        services.sign_up(mina, planned.id, now=NOW)
        edit = f"/training/{planned.id}/edit"
        client.sign_in(sora)
        assert f'value="{planned.place}"' in client.get(edit).text
        assert send(edit, edit, **typed(place="N1")).status_code == 303
        assert "N1" in client.get(f"/training/{planned.id}").text
        send(f"/training/{planned.id}/cancel", edit, reason="헬륨 부족")
        assert "헬륨 부족" in client.get(f"/training/{planned.id}").text

    def test_attendance_and_results_are_one_table(self, client, sora, mina, jun, nmr, send):
        planned = session(nmr.facility, starts=-1, sign_up_until=NOW)
        seats = [
            factories.save(
                SignUp(
                    session_id=planned.id, user_id=each.id, standing="seated",
                    signed_up_at=NOW, turn=1,
                )
            ).id
            for each in (mina, jun)
        ]  # fmt: skip
        page = f"/training/{planned.id}/attendance"
        client.sign_in(sora)
        answer = send(
            page, page, **{f"result-{seats[0]}": "passed", f"result-{seats[1]}": "absent"}
        )
        assert answer.status_code == 303
        found = {s.id: s.result for s in rows(select(SignUp))}
        assert found == {seats[0]: Result.PASSED, seats[1]: Result.ABSENT}
        assert mina.name in client.get("/instruments/nmr/certificates").text

    def test_a_certificate_is_given_and_withdrawn_with_reasons(self, client, sora, mina, nmr, send):
        page = "/instruments/nmr/certificates"
        client.sign_in(sora)
        missing = send(page, page, email=mina.email, of="instrument", level="night", reason="")
        assert missing.status_code == 422
        unknown = send(page, page, email="x@example.org", of="facility", level="night", reason="y")
        assert unknown.status_code == 422
        send(page, page, email=mina.email, of="facility", level="night", reason="경력자")
        held = rows(select(Certificate)).one()
        assert (held.instrument_id, held.level, held.reason) == (None, Level.NIGHT, "경력자")
        send(f"/certificates/{held.id}/withdraw", page, reason="")
        assert "사유를 적어 주세요" in client.get(page).text
        send(f"/certificates/{held.id}/withdraw", page, reason="무단 양도")
        assert mina.email not in client.get(page).text
        assert "무단 양도" in client.sign_in(mina).get("/training").text

    def test_safety_training_is_recorded_and_removed(self, client, sora, mina, nmr, send):
        page = f"/facilities/{nmr.facility.slug}/safety"
        client.sign_in(sora)
        bad = send(page, page, email=mina.email, kind="radiation", done_on="2027-01-01")
        assert bad.status_code == 422
        send(page, page, email=mina.email, kind="radiation", done_on="2026-02-01")
        made = rows(select(SafetyTraining)).one()
        assert mina.name in client.get(page).text
        send(f"{page}/{made.id}/forget", page)
        assert mina.name not in client.get(page).text

    def test_the_facility_leads_here_for_its_managers(self, client, sora, mina, nmr):
        link = f'href="{self.desk(nmr.facility)}"'
        assert link in client.sign_in(sora).get(f"/facilities/{nmr.facility.slug}").text
        assert link not in client.sign_in(mina).get(f"/facilities/{nmr.facility.slug}").text
        assert link in client.sign_in(sora).get("/training").text

    @pytest.mark.parametrize("language", ["ko", "en"])
    def test_every_page_is_there_in_both_languages(self, client, sora, mina, nmr, language):
        planned = session(nmr.facility, online_url="https://example.org/course")
        services.sign_up(mina, planned.id, now=NOW)
        certificate(mina, nmr, expires_on=NOW.date())
        client.sign_in(sora)
        with client.session_transaction() as visit:
            visit["language"] = language
        for page in (
            "/training",
            f"/training/{planned.id}",
            f"/training/{planned.id}/edit",
            f"/training/{planned.id}/attendance",
            self.desk(nmr.facility),
            f"{self.desk(nmr.facility)}/new",
            "/instruments/nmr/certificates",
            f"/facilities/{nmr.facility.slug}/safety",
            "/instruments/nmr/edit",
        ):
            answer = client.get(page)
            assert answer.status_code == 200, page
            assert f'<html lang="{language}"' in answer.text
