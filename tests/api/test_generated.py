"""Thousands of generated requests: never a server error, and never an answer not described."""

import contextvars
import copy
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis import openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.pytest.lazy import get_all_tests

from app.accounts import services as accounts
from app.accounts.models import User
from app.catalog.models import Instrument
from tests.api.conftest import at, booked
from tests.conftest import Visitor
from tests.factories import NOW, hours

pytestmark = pytest.mark.slow


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database, so that there is time for more requests."""
    return sqlite_url


@pytest.fixture
def spec(client: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").json
    return found


def loaded(spec: dict[str, Any], app: Flask, user: User, *, exact: bool = True) -> Any:
    """The calls of `spec`, made within the process by `user`'s program.

    Without `exact` the schemas name likely values alone; others may be accepted, too.
    """
    token = accounts.make_token(user, user, name="lab", expires_at=None, now=NOW)

    def each_on_its_own(environ: Any, start_response: Any) -> Any:
        # The test's own application context must not be shared by all requests.
        return contextvars.Context().run(app, environ, start_response)

    config = SchemathesisConfig.from_dict(
        {
            # Within the process, nobody would unpack what travels packed.
            "headers": {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            "checks": {
                # What fits a schema may still break a booking rule, or be of another version.
                "positive_data_acceptance": {"enabled": False},
                # It guesses session cookies beside our token, which outweighs them.
                "ignored_auth": {"enabled": False},
                "negative_data_rejection": {"enabled": exact},
            },
        }
    )
    schema = openapi.from_dict(spec, config=config)
    schema.app = each_on_its_own
    return schema


@pytest.fixture
def as_described(app: Flask, spec: dict[str, Any], mina: User, guarded: Instrument) -> Any:
    """The API as it describes itself."""
    return loaded(spec, app, mina)


@pytest.fixture
def about_real_things(
    app: Flask, spec: dict[str, Any], mina: User, jun: User, sora: User, guarded: Instrument
) -> Any:
    """The same, asked about things that are there and times that are near, by a manager."""
    uids = [booked(person, guarded, hours(n, n + 1)).uid for n, person in enumerate((mina, sora))]
    near: dict[str, Any] = {"enum": [at(n / 2) for n in range(-2, 40)]}
    real: dict[str, dict[str, Any]] = {
        "slug": {"enum": ["microscope", "guarded"]},
        "instrument": {"enum": ["microscope", "guarded"]},
        "uid": {"enum": uids},
        "feed_id": {"enum": [1, 2, 3]},
        "If-Match": {"enum": [f'"{n}"' for n in range(1, 9)]},
        "Idempotency-Key": {"enum": ["a", "b"]},
        **dict.fromkeys(("start", "end", "starts_at", "ends_at"), near),
    }
    spec = copy.deepcopy(spec)
    for operation in (each for methods in spec["paths"].values() for each in methods.values()):
        for parameter in operation["parameters"]:
            parameter["schema"] = real.get(parameter["name"], parameter["schema"])
    rules = ["FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;UNTIL=20260401", "FREQ=MONTHLY;COUNT=9", "FREQ=X"]
    spec["components"]["schemas"]["RepeatIn"]["properties"]["rrule"] = {"enum": rules}
    for name in ("ReservationIn", "QuoteIn", "ReservationPatch", "WaitIn", "CommissionIn"):
        properties = spec["components"]["schemas"][name]["properties"]
        properties.update({each: real[each] for each in properties if each in real})
    return loaded(spec, app, sora, exact=False)


def tried(schema: Any, examples: int) -> int:
    """Try each call with examples, edges and generated requests; the number of requests made.

    Fails with all that is wrong of all calls.
    """
    made, wrong = 0, []

    def ask(case: Any) -> None:
        nonlocal made
        made += 1
        case.call_and_validate()

    bounded = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    for found in get_all_tests(schema=schema, test_func=ask, settings=bounded, given_kwargs=None):
        operation, test = found.ok()
        try:
            test()
        except FailureGroup as failure:
            wrong.append(f"{operation.label}: {failure}")
    assert not wrong, "\n\n".join(wrong)
    return made


def test_anything_may_be_asked(as_described: Any) -> None:
    assert tried(as_described, 60) > 1000


def test_anything_may_be_asked_about_what_is_there(about_real_things: Any) -> None:
    assert tried(about_real_things, 60) > 1000
