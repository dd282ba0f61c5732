"""The HTTP API for its readers: the OpenAPI document, and a page made from it."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from apiflask import APIFlask
from flask import Blueprint, Response, current_app, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.json.provider import DefaultJSONProvider

from app.domain.booking import CODES
from app.domain.errors import Text
from app.web.json_bodies import ApiRequest, refuse_other_formats
from app.web.openapi import described
from app.web.problem_schema import MIMETYPE, SCHEMAS, Json
from app.web.problems import KINDS, Kind
from app.web.rights import PUBLIC, open_to

bp = Blueprint("api-docs", __name__, url_prefix="/api/v1", template_folder="templates")
bp.before_app_request(refuse_other_formats)

#: The tags of the document in words; a tag without its own stands as it is.
_TAG_NAMES = {
    "Billing": Text("이용료", "Billing"),
    "Catalogue": Text("장비 목록", "Catalogue"),
    "Feeds": Text("캘린더 구독", "Feeds"),
    "Me": Text("내 계정", "Me"),
    "Reservations": Text("예약", "Reservations"),
}


@bp.record_once
def _prepare(state: BlueprintSetupState) -> None:
    """Read the bodies of all requests as the API does, and write Hangul as Hangul."""
    assert isinstance(state.app, APIFlask)
    state.app.request_class = ApiRequest
    assert isinstance(state.app.json, DefaultJSONProvider)
    state.app.json.ensure_ascii = False


@dataclass(frozen=True, slots=True)
class Document:
    """The OpenAPI document, ready to be sent."""

    content: Json
    text: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a table: what is sent or answered under a name."""

    name: str
    place: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer where all went well."""

    status: str
    headers: list[str]
    example: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    public: bool
    fields: list[Field]
    schema: str | None
    curl: str
    answers: list[Answer]
    problems: list[Kind]


def document() -> Document:
    """Made at the first request and kept: routes do not change while the program runs."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    assert isinstance(app, APIFlask)
    kept = app.extensions.get("dure-openapi")
    if kept is None:
        content = described(app, app.config["SETTINGS"].public_url)
        text = json.dumps(content, ensure_ascii=False).encode()
        kept = Document(content, text, sha256(text).hexdigest()[:32])
        app.extensions["dure-openapi"] = kept
    assert isinstance(kept, Document)
    return kept


@bp.get("/openapi.json")
@open_to(PUBLIC)
def openapi() -> Response:
    """The OpenAPI document of all calls."""
    found = document()
    answer = Response(found.text, mimetype="application/json")
    answer.set_etag(found.etag)
    answer.make_conditional(request)
    return answer


@bp.get("/docs")
@open_to(PUBLIC)
def docs() -> str:
    """All calls with examples, and the meaning of each refusal and problem."""
    content = document().content
    calls = sorted(_calls(content), key=lambda call: call.tag)
    return render_template(
        "api_docs.html",
        server=content["servers"][0]["url"],
        tag_names=_TAG_NAMES,
        groups=[(tag, list(group)) for tag, group in groupby(calls, key=lambda call: call.tag)],
        schemas=[
            (name, schema.get("description", ""), list(_of_schema(schema, "", content)))
            for name, schema in content["components"]["schemas"].items()
            if "properties" in schema
        ],
        codes=CODES,
        kinds=KINDS.values(),
    )


def _calls(content: Json) -> Iterator[Call]:
    server = content["servers"][0]["url"]
    for path, operations in content["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = body.get("schema", {}).get("$ref", "").removeprefix(SCHEMAS)
            fields = list(_of_parameters(operation["parameters"], content))
            if name:
                fields += _of_schema(content["components"]["schemas"][name], "body", content)
            answers = list(_answers(operation["responses"]))
            yield Call(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                description=operation.get("description", ""),
                tag=operation["tags"][0],
                public={} in operation["security"],
                fields=fields,
                schema=_answered(operation["responses"]),
                curl=_curl(server, method.upper(), path, operation, body.get("example")),
                answers=answers,
                problems=_problems(operation["responses"]),
            )


def _of_parameters(parameters: list[Json], content: Json) -> Iterator[Field]:
    for parameter in parameters:
        yield Field(
            parameter["name"],
            parameter["in"],
            _kind(parameter["schema"], content),
            parameter["required"],
            parameter.get("description") or parameter["schema"].get("description", ""),
        )


def _of_schema(schema: Json, place: str, content: Json) -> Iterator[Field]:
    for name, part in schema["properties"].items():
        required = name in schema.get("required", ())
        yield Field(name, place, _kind(part, content), required, part.get("description", ""))


def _kind(schema: Json, content: Json) -> str:
    """The type of a value in a few words, such as “string (date-time)”."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(SCHEMAS)
        named = content["components"]["schemas"][name]
        return _kind(named, content) if "enum" in named else name
    if "anyOf" in schema:
        return " | ".join(_kind(each, content) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_kind(schema['items'], content)}]"
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    limits = [
        words.format(schema[key])
        for key, words in (
            ("format", "{}"),
            ("minimum", "≥ {}"),
            ("maximum", "≤ {}"),
            ("maxLength", "≤ {} characters"),
        )
        if key in schema
    ]
    kind = str(schema.get("type", "any"))
    return f"{kind} ({', '.join(limits)})" if limits else kind


def _answered(responses: Json) -> str | None:
    """The name of the schema with which a call answers where all went well."""
    for status, answer in responses.items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if status < "400" and "$ref" in schema:
            return str(schema["$ref"]).removeprefix(SCHEMAS)
    return None


def _answers(responses: Json) -> Iterator[Answer]:
    for status, answer in responses.items():
        if status < "400":
            example = answer.get("content", {}).get("application/json", {}).get("example")
            shown = json.dumps(example, ensure_ascii=False, indent=2) if example else ""
            yield Answer(status, list(answer["headers"]), shown)


def _problems(responses: Json) -> list[Kind]:
    """The kinds of problems that a call meets, by status."""
    found = (answer.get("content", {}).get(MIMETYPE) for answer in responses.values())
    return [KINDS[word] for content in found if content for word in content["examples"]]


def _curl(server: str, method: str, path: str, operation: Json, body: Any) -> str:
    """The call as somebody would try it at a shell; the token lies in a variable."""
    options = [] if {} in operation["security"] else ['-H "Authorization: Bearer $DURE_TOKEN"']
    query = {}
    for parameter in operation["parameters"]:
        example = parameter.get("example") or next(iter(parameter["schema"].get("examples", ())), 0)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example))
        elif parameter["in"] == "header":
            options.append("-H " + shlex.quote(f"{parameter['name']}: {example}"))
        elif parameter["required"]:
            query[parameter["name"]] = example
    if body is not None:
        options.append("-H 'Content-Type: application/json'")
        options.append("-d " + shlex.quote(json.dumps(body, ensure_ascii=False)))
    if method != "GET" and not (method == "POST" and body is not None):
        options.insert(0, f"-X {method}")
    address = f"{server}{path}?{urlencode(query)}" if query else f"{server}{path}"
    return " \\\n  ".join(["curl", *options, shlex.quote(address)])
