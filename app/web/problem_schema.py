"""Problems as OpenAPI describes them: one schema, and an example of each kind."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.web.problems import KINDS, Kind
from app.web.told import CHALLENGE, RETRY_AFTER, headers

SCHEMAS = "#/components/schemas/"
MIMETYPE = "application/problem+json"
Json = dict[str, Any]


class Refusal(BaseModel):
    """A booking rule that is broken."""

    code: str = Field(description="Which rule; never changes its meaning.", examples=["longest"])
    reason: str = Field(description="Why, and what to do, in the reader's language.")
    limit: str | None = Field(description="The limit that is passed.", examples=["PT8H"])
    field: str | None = Field(description="Which field of the request it is about.")


class TakenTime(BaseModel):
    """What holds the time that was asked for."""

    starts_at: datetime
    ends_at: datetime
    kind: Literal["reservation", "blackout"]


class ReservedTime(BaseModel):
    """A reservation that would have to be cancelled or moved first."""

    uid: str
    instrument: str = Field(description="Slug.")
    starts_at: datetime
    ends_at: datetime
    version: int = Field(description="Goes with the answer to what becomes of it.")


class FreeTime(BaseModel):
    """A time that is free."""

    instrument: str = Field(description="Slug.")
    starts_at: datetime
    ends_at: datetime


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(
        description="Address of the kind of problem; its last part never changes.",
        json_schema_extra={"format": "uri"},
    )
    title: str = Field(description="The kind of problem, in the reader's language.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What is wrong here, and what to do.")
    request_id: str | None = Field(description="Name it when you ask for help.")
    fields: dict[str, str] = Field({}, description="`invalid`: what is wrong, field by field.")
    refusals: list[Refusal] = Field([], description="`refused`, `taken`: all reasons at once.")
    taken: list[TakenTime] = Field([], description="`taken`: what is in the way.")
    reserved: list[ReservedTime] = Field(
        [],
        description="To managers. `wrong-state`: which reservations would have to go first; "
        "`refused`: which cannot be moved as they wish.",
    )
    alternatives: list[FreeTime] = Field(
        [], description="`taken`: nearest free times of this instrument, then of its like."
    )


_TEN, _TWELVE = "2026-12-01T01:00:00Z", "2026-12-01T03:00:00Z"
_LIKE = {"instrument": "kaist-biocore-confocal", "starts_at": _TWELVE}
_EXAMPLES: dict[str, Json] = {
    "invalid": {"fields": {"ends_at": "The end must come after the start."}},
    "refused": {
        "refusals": [
            {
                "code": "longest",
                "reason": "A reservation lasts at most 8 hours.",
                "limit": "PT8H",
                "field": "ends_at",
            }
        ]
    },
    "taken": {
        "refusals": [
            {
                "code": "taken",
                "reason": "It is already reserved at 10:00–12:00. Choose a time that is free.",
                "limit": f"{_TEN}/{_TWELVE}",
                "field": "starts_at",
            }
        ],
        "taken": [{"starts_at": _TEN, "ends_at": _TWELVE, "kind": "reservation"}],
        "alternatives": [{**_LIKE, "ends_at": "2026-12-01T05:00:00Z"}],
    },
}


def answer(kinds: list[Kind]) -> Json:
    """The answer with one status, whichever of `kinds` it tells."""
    set_by_it = {401: [CHALLENGE], 503: [RETRY_AFTER]}.get(kinds[0].status, [])
    return {
        "description": " · ".join(f"`{kind.word}`: {kind.title.en}" for kind in kinds),
        "headers": headers(set_by_it),
        "content": {
            MIMETYPE: {
                "schema": {"$ref": f"{SCHEMAS}Problem"},
                "examples": {
                    kind.word: {"$ref": f"#/components/examples/{kind.word}"} for kind in kinds
                },
            }
        },
    }


def examples(public_url: str) -> Json:
    """An example of each kind of problem."""
    return {
        kind.word: {
            "summary": kind.title.en,
            "value": {
                "type": f"{public_url}/problems/{kind.word}",
                "title": kind.title.en,
                "status": kind.status,
                "detail": kind.meaning.en,
                "request_id": "f1a071072b4f40e3a376a555587c8b53",
                **_EXAMPLES.get(kind.word, {}),
            },
        }
        for kind in KINDS.values()
    }


def schemas() -> Json:
    """The schema of a problem, and those of what it is made of."""
    schema = Problem.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
    return {**schema.pop("$defs"), "Problem": schema}
