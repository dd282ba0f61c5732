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
