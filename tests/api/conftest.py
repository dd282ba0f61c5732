"""Programs that speak to the API: each with a token of its own, at the fixed now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.accounts import services as accounts
from app.accounts.models import User
from app.catalog.models import Instrument
from app.domain.booking import BookingRequest
from app.domain.interval import Interval
from app.reservations import services
from app.reservations.models import Reservation
from tests import factories
from tests.conftest import Visitor
from tests.factories import NOW


@pytest.fixture(autouse=True)
def fixed_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The API, too, believes that it is 2 March 2026."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@dataclass
class Program:
    """Somebody's program: all its calls carry the same token."""

    client: Visitor
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, json=body, **options)

    def patch(self, path: str, body: Any, version: int | str | None = None) -> Any:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self.call("PATCH", path, json=body, headers=headers)

    def delete(self, path: str) -> Any:
        return self.call("DELETE", path)


Programs = Callable[..., Program]


@pytest.fixture
def program_of(client: Visitor) -> Programs:
    """Somebody's program; without anybody it carries no token."""

    def made(user: User | None = None, language: str = "en") -> Program:
        headers = {"Accept-Language": language}
        if user:
            token = accounts.make_token(user, user, name="lab", expires_at=None, now=NOW)
            headers["Authorization"] = f"Bearer {token}"
        return Program(client, headers)

    return made


@pytest.fixture
def guarded(microscope: Instrument) -> Instrument:
    """An instrument of the same facility, each reservation of which Sora approves."""
    return factories.instrument(
        slug="guarded",
        name_ko="질량분석기",
        name_en="Mass spectrometer",
        facility=microscope.facility,
        booking={"approval": "each"},
    )


def at(hours: float) -> str:
    """So many hours from now, as the API writes it."""
    return (NOW + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def wish(instrument: Instrument, start: float, end: float, **fields: Any) -> dict[str, Any]:
    """The body of a request for `start` to `end` hours from now."""
    return {
        "instrument": instrument.slug,
        "starts_at": at(start),
        "ends_at": at(end),
        "purpose": "membrane imaging",
        **fields,
    }


def booked(user: User, instrument: Instrument, interval: Interval, **fields: Any) -> Reservation:
    fields.setdefault("purpose", "막단백질 영상")
    request = BookingRequest(instrument.slug, interval, **fields)
    return services.request_reservation(user, request, now=NOW)


def problem(answer: Any) -> tuple[int, str]:
    """The status and the word of a problem; anything else than a problem fails."""
    assert answer.mimetype == "application/problem+json", (answer.status, answer.text[:300])
    body = answer.json
    assert body["status"] == answer.status_code
    assert {"type", "title", "status", "detail", "request_id"} <= set(body)
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return answer.status_code, body["type"].rpartition("/problems/")[2]
