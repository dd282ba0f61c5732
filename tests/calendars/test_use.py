"""Feeds follow what becomes of a reservation at the instrument."""

from datetime import timedelta

import pytest

from app.domain.booking import BookingRequest
from app.reservations import services, use
from tests import factories
from tests.factories import NOW, hours

HOUR = timedelta(hours=1)


@pytest.fixture
def made(mina, microscope):
    strict = factories.instrument(facility=microscope.facility, booking={"check_in": "required"})
    return services.request_reservation(
        mina, BookingRequest(strict.slug, hours(1, 3), purpose="영상"), now=NOW
    )


def test_who_extends_and_who_ends_early_sees_the_real_end(subscribe, events, mina, made):
    path = subscribe(mina)
    seen = []
    for act in (
        lambda: None,
        lambda: use.check_in(mina, made.uid, now=NOW + HOUR),
        lambda: use.extend(mina, made.uid, NOW + 4 * HOUR, now=NOW + 2 * HOUR),
        lambda: use.check_out(mina, made.uid, now=NOW + 2.5 * HOUR),
    ):
        act()
        [event] = events(path)
        seen.append((event.end, int(event["SEQUENCE"])))

    assert [end for end, _ in seen] == [NOW + each * HOUR for each in (3, 3, 4, 2.5)]
    assert [sequence for _, sequence in seen] == sorted({sequence for _, sequence in seen})


def test_a_no_show_leaves_the_calendar_or_is_called_so(subscribe, events, mina, made):
    gone, kept = subscribe(mina), subscribe(mina, cancelled="keep")
    use.release_missed(NOW + 1.5 * HOUR, lambda: False)

    assert events(gone) == []
    [event] = events(kept)
    assert event["STATUS"] == "CANCELLED"
    assert "미사용" in str(event["SUMMARY"])
