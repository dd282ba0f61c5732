"""HTTP API of feeds."""

from datetime import UTC, datetime
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, current_app, jsonify
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.calendars import poll, queries, services
from app.calendars.models import Cancelled, Detail, Feed, FeedKind
from app.calendars.services import FeedRequest
from app.web.errors import reader_language
from app.web.rights import open_to
from app.web.told import told

bp = APIBlueprint("calendars-api", __name__, url_prefix="/api/v1", tag="Feeds")


def _plain(value: object) -> object:
    if isinstance(value, str) and any(ord(c) < 32 for c in value):
        raise ValueError("must not contain control characters")
    return value


class FeedIn(BaseModel):
    """A calendar to subscribe to."""

    model_config = ConfigDict(extra="forbid")

    kind: FeedKind
    of: Annotated[str, BeforeValidator(_plain), StringConstraints(max_length=96)] | None = Field(
        default=None, description="Slug of the instrument, facility or institution."
    )
    detail: Detail = Detail.FULL
    cancelled: Cancelled = Cancelled.OMIT
    name: Annotated[str, BeforeValidator(_plain), StringConstraints(max_length=100)] = ""

    def to_request(self) -> FeedRequest:
        return FeedRequest(self.kind, self.of, self.detail, self.cancelled, self.name)


class FeedOut(BaseModel):
    """A feed; its address is told only when it is made."""

    id: int
    kind: FeedKind
    of: str | None
    detail: Detail
    cancelled: Cancelled
    name: str
    beginning: str = Field(description="How the secret part of the address begins.")
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    fetched_at: str | None = Field(description="When an app fetched it last, to the hour.")
    fetched_by: str = Field(description="The app that did.")


class NewFeedOut(FeedOut):
    url: str = Field(description="The secret address; it cannot be shown again.")


class FeedListOut(BaseModel):
    items: list[FeedOut]
    next: str | None


NEW_FEED = {
    "id": 7,
    "kind": "instrument",
    "of": "kaist-biocore-confocal",
    "detail": "full",
    "cancelled": "omit",
    "name": "Confocal microscope",
    "beginning": "q3Zb1x",
    "created_at": "2026-11-23T09:00:00Z",
    "fetched_at": None,
    "fetched_by": "",
    "url": "https://dure.example/calendars/q3Zb1x….ics",
}
FEEDS = {
    "items": [{name: value for name, value in NEW_FEED.items() if name != "url"}],
    "next": None,
}


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _out(feed: Feed, language: str) -> FeedOut:
    thing = feed.instrument or feed.facility or feed.institution
    return FeedOut(
        id=feed.id,
        kind=feed.kind,
        of=thing.slug if thing else None,
        detail=feed.detail,
        cancelled=feed.cancelled,
        name=poll.title(feed, language),
        beginning=feed.beginning,
        created_at=_utc(feed.created_at),
        fetched_at=_utc(feed.fetched_at) if feed.fetched_at else None,
        fetched_by=feed.fetched_by,
    )


@bp.get("/me/feeds")
@open_to(Action.MAKE_FEED)
@bp.output(FeedListOut, example=FEEDS)
def listing() -> Response:
    """My feeds, oldest first, without their addresses."""
    user = current()
    found = [_out(feed, reader_language()) for feed in queries.feeds_of(user)]
    return jsonify(FeedListOut(items=found, next=None).model_dump(mode="json"))


@bp.post("/me/feeds")
@open_to(Action.MAKE_FEED)
@bp.input(FeedIn, arg_name="body", example={"kind": "instrument", "of": "kaist-biocore-confocal"})
@bp.output(NewFeedOut, status_code=201, example=NEW_FEED)
@told("not-found")
def make(body: FeedIn) -> Response:
    """A new feed; `url` is its secret address, told this once."""
    user = current()
    feed, secret = services.make_feed(user, body.to_request(), now=clock.now())
    public_url = current_app.config["SETTINGS"].public_url
    made = NewFeedOut(
        **_out(feed, reader_language()).model_dump(), url=f"{public_url}/calendars/{secret}.ics"
    )
    answer = jsonify(made.model_dump(mode="json"))
    answer.status_code = 201
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.delete("/me/feeds/<int:feed_id>")
@open_to(Action.MAKE_FEED)
@bp.output({}, status_code=204)
def revoke(feed_id: int) -> tuple[str, int]:
    """Revoke a feed: its address answers 404 from now on."""
    services.revoke_feed(current(), feed_id, now=clock.now())
    return "", 204
