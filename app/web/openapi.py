"""The HTTP API described in OpenAPI 3.1: made from the routes themselves, with every problem."""

from collections.abc import Callable, Iterator
from typing import Any

from apiflask import APIFlask
from werkzeug.routing import Rule

from app.web import problem_schema
from app.web.problem_schema import SCHEMAS, Json
from app.web.problems import KINDS
from app.web.rights import PUBLIC, SIGNED_IN
from app.web.told import LOCATION, Told, headers

#: Rights for which nobody need sign in.
_OPEN = frozenset({PUBLIC, "see-catalog"})

DESCRIPTION = """\
Research instruments shared by institutions: what there is, when it is free, and reservations.

Instants are RFC 3339 with an offset and are answered in UTC (`Z`). Money is whole won. Lists
are `{"items": […], "next": cursor|null}`: send `next` as `cursor` for the next page. Errors are
`application/problem+json` (RFC 9457); the end of their `type` says which kind of problem it is.
Texts follow `Accept-Language` (`ko`, `en`). Names that a call does not know are refused.
"""

_IN_PATH = {
    "slug": ("Slug of the instrument or facility.", "kaist-biocore-confocal"),
    "uid": ("Identifier of the reservation.", "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64"),
    "statement_uid": ("Identifier of the statement.", "43fa25cab5e7444cb72d5dce90870408"),
    "month": ("The month, as YYYY-MM.", "2026-11"),
    "file_uid": ("Identifier of the file.", "0f3b5f0e8f6b4c0c9d3f2f4f5a6b7c8d"),
    "position": ("Number of the line on its statement.", 1),
    "dispute_id": ("Number of the dispute.", 3),
    "email": ("The address by which somebody was added.", "jun@kaist.example"),
    "feed_id": ("Number of the feed, as listed.", 7),
    "fault_id": ("Number of the fault, as listed.", 12),
    "blackout_id": ("Number of the closure, as listed.", 40),
}


def described(app: APIFlask, public_url: str) -> Json:
    """The document of all calls below `/api/v1`."""
    app.config.update(
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
    )
    found: Json = _with_short_names(app.spec)
    found["info"]["description"] = DESCRIPTION
    found["servers"] = [{"url": public_url}]
    components = found["components"]
    components["securitySchemes"] = _security_schemes(app)
    answers: set[str] = set()
    for path, method, rule in _calls(app, found):
        operation = found["paths"][path][method]
        _finish(operation, rule, app.view_functions[rule.endpoint])
        if body := operation.get("requestBody"):
            schema = components["schemas"][next(_names(body))]
            body["required"] = "required" in schema or "minProperties" in schema
        answers |= _answered(operation)
    for name, schema in components["schemas"].items():
        # What is answered is answered whole; only what is sent may leave fields out.
        if name in _reachable(answers, components["schemas"]) and "properties" in schema:
            schema["required"] = list(schema["properties"])
    components["schemas"].update(problem_schema.schemas())
    components["examples"] = problem_schema.examples(public_url)
    return found


def _calls(app: APIFlask, found: Json) -> Iterator[tuple[str, str, Rule]]:
    """Path and method of each call, with its route."""
    for rule in app.url_map.iter_rules():
        path = "".join(f"{{{text}}}" if is_variable else text for is_variable, text in _parts(rule))
        for method in found["paths"].get(path, ()):
            if method.upper() in (rule.methods or ()):
                yield path, method, rule


def _parts(rule: Rule) -> Iterator[tuple[bool, str]]:
    for part in rule.rule.replace(">", "<").split("<"):
        name = part.rpartition(":")[2]
        yield (True, name) if name in rule.arguments else (False, part)


def _security_schemes(app: APIFlask) -> Json:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, made on the account page or with `dure user token`.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": app.config["SESSION_COOKIE_NAME"],
            "description": (
                "A signed-in browser. Changes need the form token of the page in the header "
                "`X-CSRFToken`."
            ),
        },
    }


def _finish(operation: Json, rule: Rule, view: Callable[..., object]) -> None:
    """Add to an operation what its route, right and declarations say."""
    said: Told = getattr(view, "told", Told())
    right = getattr(view, "right", SIGNED_IN)
    signed_in: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
    operation["operationId"] = rule.endpoint.replace("-api.", "_")
    operation["security"] = [{}, *signed_in] if right in _OPEN else signed_in
    for parameter in operation["parameters"]:
        if parameter["schema"].get("default", 0) is None:
            del parameter["schema"]["default"]
        if parameter["in"] == "path":
            parameter["description"], parameter["example"] = _IN_PATH[parameter["name"]]
            if isinstance(parameter["example"], int):  # What bounds a number is lost on the way.
                parameter["schema"] = {"type": "integer", "minimum": 0}
    operation["parameters"] += [
        {
            "in": "header",
            "name": header.name,
            **header.in_openapi(),
        }
        for header in said.asks
    ]
    for status, answer in operation["responses"].items():
        if status.startswith("3"):
            answer["headers"], answer["content"] = headers([LOCATION]), {"text/html": {}}
            continue
        answer["description"] = {"201": "Made.", "204": "Done."}.get(status, "The answer.")
        answer["headers"] = headers(said.gives)
    words = {*said.problems, *_usual_problems(operation, rule)}
    kinds = [kind for word, kind in KINDS.items() if word in words]
    for status_code in sorted({kind.status for kind in kinds}):
        alike = [kind for kind in kinds if kind.status == status_code]
        operation["responses"][str(status_code)] = problem_schema.answer(alike)


def _usual_problems(operation: Json, rule: Rule) -> Iterator[str]:
    """What can go wrong with every call of this form."""
    yield from ("unauthorized", "unavailable")
    if rule.arguments:
        yield "not-found"
    if not rule.methods or "GET" not in rule.methods:
        yield from ("bad-request", "form-expired")
    if "requestBody" in operation:
        yield from ("too-large", "unsupported", "invalid")
    if any(parameter["in"] == "query" for parameter in operation["parameters"]):
        yield "invalid"


def _with_short_names(spec: Any) -> Json:
    """Schemas within others under their own name, as they are the same wherever they occur."""
    for name in [name for name in spec["components"]["schemas"] if "." in name]:
        short = name.rpartition(".")[2]
        schema = spec["components"]["schemas"].pop(name)
        spec = _renamed(spec, SCHEMAS + name, SCHEMAS + short)
        spec["components"]["schemas"][short] = _renamed(schema, SCHEMAS + name, SCHEMAS + short)
    for unused in ("HTTPError", "ValidationError"):
        spec["components"]["schemas"].pop(unused, None)
    return dict(spec)


def _renamed(thing: Any, name: str, short: str) -> Any:
    """The thing with each reference to the schema `name` as one to `short`."""
    if isinstance(thing, dict):
        return {key: _renamed(value, name, short) for key, value in thing.items()}
    if isinstance(thing, list):
        return [_renamed(value, name, short) for value in thing]
    return short if thing == name else thing


def _answered(operation: Json) -> set[str]:
    """Names of the schemas with which a call answers where all went well."""
    return set(_names(answer for code, answer in operation["responses"].items() if code < "400"))


def _reachable(names: set[str], schemas: Json) -> set[str]:
    """The schemas of these names and all that they are made of."""
    found: set[str] = set()
    while names:
        found |= names
        names = set(_names(schemas[name] for name in names)) - found
    return found


def _names(things: Any) -> Iterator[str]:
    for thing in things.values() if isinstance(things, dict) else things:
        if isinstance(thing, str) and thing.startswith(SCHEMAS):
            yield thing.removeprefix(SCHEMAS)
        elif isinstance(thing, dict | list):
            yield from _names(thing)
