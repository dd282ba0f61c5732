"""Text with quotes, backslashes and line ends comes back from every JSON as it was written."""

import json

import pytest

from app.db import transaction
from app.domain.maintenance import Severity
from app.reservations import faults
from tests import factories
from tests.api.conftest import at, booked
from tests.factories import NOW, hours

#: What breaks JSON that is put together by hand, and scripts in which it stands.
AWKWARD = "C:\\new\\\"두레\" '{{7*7}}' </script><!-- \u2028 \U0001f52c\tend\\"

pytestmark = pytest.mark.usefixtures("microscope")


@pytest.fixture
def told(microscope, mina):
    """Every text that people give an instrument, a facility and a reservation."""
    facility = microscope.facility
    with transaction():
        facility.name_ko = microscope.name_ko = microscope.model = AWKWARD
        mina.name = AWKWARD
    factories.blackout(microscope, hours(5, 6), reason_ko=AWKWARD, reason_en=AWKWARD)
    return booked(mina, microscope, hours(1, 3), purpose=AWKWARD, note=AWKWARD)


def texts_in(value):
    """All texts of an answer, however deep."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, str):
        return [value]
    return [text for each in value for text in texts_in(each)] if hasattr(value, "__iter__") else []


WEEK = f"start={at(0)}&end={at(168)}".replace("+", "%2B")


@pytest.mark.parametrize(
    "path",
    [
        "/reservations",
        "/reservations/{uid}",
        "/instruments",
        "/instruments/microscope",
        f"/instruments/microscope/busy?{WEEK}",
        "/me",
    ],
)
def test_what_people_write_comes_back_as_they_wrote_it(program_of, mina, told, path):
    answer = program_of(mina, "ko").get(path.format(uid=told.uid))

    assert answer.status_code == 200, answer.text
    found = [text for text in texts_in(json.loads(answer.text)) if "두레" in text]
    assert found
    assert all(AWKWARD in text for text in found)


@pytest.mark.parametrize("path", ["/instruments/microscope/busy", "/schedule/busy"])
def test_so_do_the_calendars_of_pages(client, mina, told, path):
    client.sign_in(mina)
    answer = client.get(f"{path}?{WEEK}")

    assert answer.status_code == 200, answer.text
    assert any(AWKWARD in text for text in texts_in(json.loads(answer.text)))


def test_pages_carry_it_as_text_and_never_as_part_of_themselves(client, mina, told):
    client.sign_in(mina)
    for path in (f"/reservations/{told.uid}", "/instruments/microscope", "/schedule", "/find"):
        page = client.get(path).text
        assert "</script><!--" not in page, path


def test_a_fault_is_told_as_it_was_written(program_of, mina, sora, told):
    faults.report_fault(mina, "microscope", severity=Severity.USABLE, description=AWKWARD, now=NOW)
    answer = program_of(sora, "ko").get("/instruments/microscope/faults")
    assert any(AWKWARD in text for text in texts_in(json.loads(answer.text)))
