"""The description of the API is whole, valid and true; the page made from it shows all of it."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from schemathesis import openapi as schemathesis

from app.accounts import gate
from app.domain.booking import CODES
from app.web.problems import KINDS
from tests.conftest import Visitor

METHODS = {"get", "post", "patch", "delete", "put"}
#: What the contract promises of this issue; a call that vanishes is a broken promise.
PROMISED = {
    "GET /instruments", "GET /instruments/{slug}", "GET /instruments/{slug}/busy",
    "GET /availability", "POST /quotes", "POST /reservations", "GET /reservations",
    "GET /reservations/{uid}", "PATCH /reservations/{uid}", "POST /reservations/{uid}/approve",
    "POST /reservations/{uid}/reject", "POST /reservations/{uid}/cancel", "GET /me",
    "GET /me/feeds", "POST /me/feeds", "DELETE /me/feeds/{feed_id}",
    "GET /statements", "GET /settlements/{month}",
}  # fmt: skip


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The description asks nothing of a database: one kind is enough."""
    return sqlite_url


@pytest.fixture
def spec(client: Visitor) -> dict[str, Any]:
    answer = client.get("/api/v1/openapi.json")
    assert answer.mimetype == "application/json"
    found: dict[str, Any] = answer.json
    return found


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method.upper()} {path.removeprefix('/api/v1')}", operation


def in_openapi(rule: str) -> str:
    """`/api/v1/things/<int:id>` as `/things/{id}`."""
    return re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule).removeprefix("/api/v1")


def test_it_is_valid_openapi(spec: dict[str, Any]) -> None:
    schemathesis.from_dict(spec).validate()
    for schema in spec["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_it_tells_of_every_call_and_of_no_page(app: Flask, spec: dict[str, Any]) -> None:
    routes = {
        f"{method} {in_openapi(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api-docs.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    told = {name for name, _ in operations(spec)}
    assert told == routes
    assert told >= PROMISED
    assert all(path.startswith("/api/v1/") for path in spec["paths"])


def test_it_says_where_and_how(spec: dict[str, Any]) -> None:
    assert spec["openapi"].startswith("3.1.")
    assert spec["info"]["title"] == "Dure"
    assert spec["info"]["version"]
    assert spec["servers"] == [{"url": "http://localhost"}]
    schemes = spec["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer"
    assert schemes["session"] | {"description": ""} == {
        "type": "apiKey", "in": "cookie", "name": "dure", "description": "",
    }  # fmt: skip


def test_each_call_is_told_whole(spec: dict[str, Any]) -> None:
    ids = []
    for name, operation in operations(spec):
        ids.append(operation["operationId"])
        assert operation["summary"], name
        assert len(operation["tags"]) == 1
        assert operation["security"]
        for parameter in operation["parameters"]:
            assert parameter.get("description") or parameter["schema"].get("description"), (
                name, parameter["name"],
            )  # fmt: skip
        statuses = set(operation["responses"])
        assert {"401", "503"} <= statuses, name
        assert statuses & {"200", "201", "204"}
        if "{" in name:
            assert "404" in statuses
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= statuses, name
            for body in operation["requestBody"]["content"].values():
                assert "example" in body, name
        for status, answer in operation["responses"].items():
            assert answer["description"]
            if status >= "400":
                (content,) = answer["content"].items()
                assert content[0] == "application/problem+json"
                assert content[1]["schema"] == {"$ref": "#/components/schemas/Problem"}
                words = list(content[1]["examples"])
                assert words
                assert {KINDS[word].status for word in words} == {int(status)}
            elif status in {"200", "201"}:
                for content in answer["content"].values():
                    is_file = content["schema"].get("format") == "binary"
                    assert "example" in content or is_file, name
    assert len(set(ids)) == len(ids)


def test_headers_are_told_where_they_count(spec: dict[str, Any]) -> None:
    calls = dict(operations(spec))
    asked = {
        name: {p["name"]: p["required"] for p in operation["parameters"] if p["in"] == "header"}
        for name, operation in calls.items()
    }
    assert {name: headers for name, headers in asked.items() if headers} == {
        "POST /reservations": {"Idempotency-Key": False},
        "PATCH /reservations/{uid}": {"If-Match": True},
        "PATCH /commissions/{uid}": {"If-Match": True},
    }
    assert calls["POST /reservations"]["responses"]["201"]["headers"].keys() == {"ETag", "Location"}
    assert calls["PATCH /reservations/{uid}"]["responses"].keys() >= {"409", "412", "428"}
    assert calls["POST /reservations"]["responses"].keys() >= {"409", "422"}


def test_every_example_fits_its_schema(spec: dict[str, Any]) -> None:
    def fits(schema: dict[str, Any], example: Any) -> None:
        whole = {**schema, "components": spec["components"]}
        jsonschema_rs.validate(whole, example, validate_formats=True)

    tried = 0
    for _, operation in operations(spec):
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in contents:
            for part in content.get("content", {}).values():
                if "example" in part:
                    fits(part["schema"], part["example"])
                    tried += 1
        for parameter in operation["parameters"]:
            examples = parameter["schema"].get("examples", [])
            for example in [*examples, *filter(None, [parameter.get("example")])]:
                fits(parameter["schema"], example)
                tried += 1
    for example in spec["components"]["examples"].values():
        fits({"$ref": "#/components/schemas/Problem"}, example["value"])
        tried += 1
    assert tried > 40


def test_it_is_public_and_asked_again_in_vain(app: Flask, client: Visitor) -> None:
    first = client.get("/api/v1/openapi.json")
    again = client.get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert "Set-Cookie" not in first.headers
    for endpoint in ("api-docs.openapi", "api-docs.docs"):
        assert gate.right_of(endpoint) == "public"


def test_who_must_sign_in_is_told_truly(
    spec: dict[str, Any], client: Visitor, calls: list[tuple[str, str, bool]]
) -> None:
    assert {open_ for _, _, open_ in calls} == {True, False}
    for method, path, is_open in calls:
        status = client.open(path, method=method, json={} if method != "GET" else None).status_code
        assert (status != 401) == is_open, (method, path)


@pytest.fixture
def calls(spec: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [
        (method, re.sub(r"{\w+}", "1", f"/api/v1{path}"), {} in operation["security"])
        for name, operation in operations(spec)
        for method, path in [name.split(" ")]
    ]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_shows_every_call_and_every_meaning(
    client: Visitor, spec: dict[str, Any], language: str
) -> None:
    answer = client.get("/api/v1/docs", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    page = re.sub(r"&#39;", "'", answer.text.replace("&amp;", "&").replace("&#34;", '"'))
    for name, operation in operations(spec):
        method, path = name.split(" ")
        assert f"{method}" in page
        assert f"/api/v1{path}</code>" in page
        assert f'id="{operation["operationId"]}"' in page
    for code, meaning in CODES.items():
        assert f"<code>{code}</code>" in page
        assert meaning.in_(language) in page
    for word, kind in KINDS.items():
        assert f"<code>{word}</code>" in page
        assert kind.meaning.in_(language) in page
    assert "#/components/" not in page, "references are for programs"
    assert page.count("curl ") >= len(dict(operations(spec)))
    assert 'If-Match: "1"' in page
    assert "Idempotency-Key: " in page


def test_the_page_needs_nothing_from_elsewhere(client: Visitor) -> None:
    page = client.get("/api/v1/docs").text
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="([^"]*)"', page)
    assert [address for address in loaded if not address.startswith("/")] in ([], [""] * 4)
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page)
