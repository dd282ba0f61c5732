"""Feeds as a calendar app fetches them, at the fixed hour."""

from collections.abc import Callable, Iterator
from typing import Any

import icalendar
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import User
from app.calendars import services
from app.calendars.models import Cancelled, Detail, FeedKind
from app.calendars.services import FeedRequest
from tests.factories import NOW


@pytest.fixture(autouse=True)
def fixed_hour() -> Iterator[time_machine.Traveller]:
    """Views read the clock: it stands, and tests move it."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def subscribe(app: Flask) -> Callable[..., str]:
    """Make a feed; the path of its secret address."""

    def make(user: User, kind: str = "mine", of: str | None = None, **fields: Any) -> str:
        request = FeedRequest(
            FeedKind(kind),
            of,
            Detail(fields.pop("detail", "full")),
            Cancelled(fields.pop("cancelled", "omit")),
            fields.pop("name", ""),
        )
        _feed, secret = services.make_feed(user, request, now=NOW)
        return f"/calendars/{secret}.ics"

    return make


@pytest.fixture
def events(client: FlaskClient) -> Callable[[str], list[icalendar.Event]]:
    """What a fetch of an address gives, read by the library."""

    def fetch(path: str) -> list[icalendar.Event]:
        answer = client.get(path)
        assert answer.status_code == 200
        return list(icalendar.Calendar.from_ical(answer.data).walk("VEVENT"))

    return fetch
