"""Free slots of several instruments: nothing is offered that the booking itself would refuse."""

from datetime import timedelta

import pytest

from app.db import transaction
from app.domain.booking import UseState
from app.reservations import availability
from tests import factories
from tests.factories import NOW, hours

HOUR = timedelta(hours=1)


def free(*instruments):
    found = availability.free_slots(instruments, HOUR, hours(0, 24), now=NOW, limit=3)
    return {slot.instrument for slot in found}


@pytest.mark.parametrize("gone", ["instrument", "facility", "idle"])
def test_what_nobody_can_reserve_any_more_is_not_offered(app, microscope, gone):
    lasting = factories.instrument(slug="lasting")
    assert free(microscope) == {"microscope"}
    with transaction():
        match gone:
            case "instrument":
                microscope.retired_at = NOW
            case "facility":
                microscope.facility.retired_at = NOW
            case _:
                microscope.use_state = UseState.IDLE

    assert free(microscope, lasting) == {"lasting"}
