"""The list of what waits says all that a decision needs."""

import re
from html import unescape

import pytest

from app.reservations import deciding, services
from app.reservations.services import Change
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

pytestmark = pytest.mark.usefixtures("fixed_now")


@pytest.fixture
def by(client):
    """The browser of a person."""
    return client.sign_in


def entry_of(browser, made):
    """What the list says of one request, as plain words."""
    row = browser.get("/approvals").text.split(f'id="r-{made.uid}"')[1].split('id="r-')[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split())


def changed(user, made, **wanted):
    return services.change_reservation(user, made.uid, Change(**wanted), now=NOW)


class TestChanged:
    def test_what_was_approved_stands_beside_what_is_asked_now(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22), samples=3)
        deciding.approve_reservation(sora, made.uid, now=NOW)
        changed(mina, made, interval=hours(24, 27), samples=5)
        changed(mina, made, purpose="단백질 결정")
        said = entry_of(by(sora), made)
        assert "승인 후 바뀐 점" in said
        assert re.search(r"시료수 3 5", said)
        assert re.search(r"목적 막단백질 영상 단백질 결정", said)
        assert re.search(r"14:00–16:00 .*18:00–21:00", said)
        assert "승인 후 바뀐 점" in by(sora).get(f"/reservations/{made.uid}").text

    def test_what_was_changed_back_is_no_change(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22))
        deciding.approve_reservation(sora, made.uid, now=NOW)
        changed(mina, made, interval=hours(24, 26), note="급함")
        changed(mina, made, interval=hours(20, 22))
        said = entry_of(by(sora), made)
        assert "급함" in said.split("승인 후 바뀐 점")[1]
        assert "14:00" not in said.split("승인 후 바뀐 점")[1]

    def test_what_was_never_approved_shows_no_change(self, by, mina, sora, guarded):
        made = booked(mina, guarded, hours(20, 22))
        changed(mina, made, interval=hours(24, 26))
        assert "승인 후 바뀐 점" not in entry_of(by(sora), made)

    def test_what_one_stage_had_agreed_to_counts_until_all_have(self, by, theo, sora, microscope):
        stages = [{"by": "institution", "whom": "outsiders"}, {"by": "facility_manager"}]
        staged = factories.instrument(
            facility=microscope.facility,
            booking={"approval": "each", "approval_stages": stages},
        )
        dana = factories.user(administers=factories.cnu())
        made = booked(theo, staged, hours(20, 22), samples=3)
        deciding.approve_reservation(dana, made.uid, now=NOW)
        changed(theo, made, interval=hours(24, 26))
        assert "승인 후 바뀐 점" in entry_of(by(dana), made)
        deciding.approve_reservation(dana, made.uid, now=NOW)
        assert "승인 후 바뀐 점" in entry_of(by(sora), made)


class TestAtAGlance:
    @pytest.fixture
    def shared(self, microscope):
        """Room for three at a time, and six hours a week for each person."""
        week = {"per": "person", "within": "week", "hours": "PT6H"}
        return factories.instrument(
            slug="shared",
            capacity=3,
            facility=microscope.facility,
            booking={"approval": "each", "quotas": [week]},
        )

    def test_others_who_wait_for_the_same_time_are_named(self, by, mina, jun, sora, shared):
        first = booked(mina, shared, hours(20, 22))
        second = booked(jun, shared, hours(21, 23))
        after = booked(jun, shared, hours(23, 24))
        browser = by(sora)
        assert f"같은 시간에 대기 {jun.name}" in entry_of(browser, first)
        assert "같은 시간에 대기" not in entry_of(browser, after)
        deciding.approve_reservation(sora, second.uid, now=NOW)
        assert "그 시간에 찬 자리: 3개 중 1개" in entry_of(browser, first)
        assert "같은 시간에 대기" not in entry_of(browser, first)

    def test_what_the_holder_has_elsewhere_is_said(self, by, mina, sora, microscope, guarded):
        booked(mina, microscope, hours(21, 23))
        made = booked(mina, guarded, hours(20, 22))
        assert f"같은 시간에 다른 장비 예약 {microscope.name_ko}" in entry_of(by(sora), made)

    def test_what_the_holder_has_in_a_facility_of_others_is_not_named(
        self, by, mina, sora, guarded
    ):
        elsewhere = factories.instrument(name_ko="남의 장비")
        booked(mina, elsewhere, hours(21, 23))
        said = entry_of(by(sora), booked(mina, guarded, hours(20, 22)))
        assert "같은 시간에 다른 장비 예약" in said
        assert "남의 장비" not in said

    def test_what_is_held_of_a_limit_is_said(self, by, mina, jun, sora, shared):
        booked(jun, shared, hours(20, 22))
        booked(mina, shared, hours(44, 46))
        made = booked(mina, shared, hours(20, 23))
        said = entry_of(by(sora), made)
        assert "한 사람은 한 주에: 이 예약을 포함해 6시간 중 5시간" in said
