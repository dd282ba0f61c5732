"""Making, renaming and revoking feeds, and remembering that somebody fetched one."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.calendars import choices, queries
from app.calendars.models import Cancelled, Detail, Feed, FeedKind
from app.catalog.queries import instrument_by_slug
from app.db import db, transaction
from app.domain.errors import Invalid, Text

SECRET_OCTETS = 24  # 192 bits
FEEDS_AT_MOST = 100
#: Polls come every few minutes from thousands of devices: to note each would be a write each.
NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """What somebody wants a feed of, and how it is to tell it."""

    kind: FeedKind
    of: str | None = None  # slug, where the kind is of something
    detail: Detail = Detail.FULL
    cancelled: Cancelled = Cancelled.OMIT
    name: str = ""


def make_feed(user: User, request: FeedRequest, *, now: datetime) -> tuple[Feed, str]:
    """A new feed and its secret, which is told this once and kept as a hash.

    Anyone may have a feed of anything: what it tells is decided by their rights at each poll.
    Raises `NotFound` where there is no such thing, `Invalid`, `NotAllowed`.
    """
    of_what = _of_what(request)
    secret = secrets.token_urlsafe(SECRET_OCTETS)
    with transaction():
        access.require(user, Action.MAKE_FEED)
        _refuse_too_many(user)
        feed = Feed(
            user_id=user.id,
            name=_name(request.name),
            kind=request.kind,
            detail=request.detail,
            cancelled=request.cancelled,
            created_at=now,
            fetched_by="",
            **of_what,
            **_kept_of(secret),
        )
        db.session.add(feed)
        db.session.flush()
        _note(
            "make-feed",
            feed,
            user,
            now,
            kind=feed.kind.value,
            of=request.of,
            detail=feed.detail.value,
            cancelled=feed.cancelled.value,
        )
    return feed, secret


def rotate_feed(user: User, feed_id: int, *, now: datetime) -> tuple[Feed, str]:
    """A new secret address for the same feed; the old one is dead at once. Raises `NotFound`."""
    secret = secrets.token_urlsafe(SECRET_OCTETS)
    with transaction():
        access.require(user, Action.MAKE_FEED)
        feed = queries.feed_of(user, feed_id)
        for name, value in _kept_of(secret).items():
            setattr(feed, name, value)
        feed.fetched_at, feed.fetched_by = None, ""
        _note("rotate-feed", feed, user, now)
    return feed, secret


def rename_feed(user: User, feed_id: int, name: str, *, now: datetime) -> Feed:
    """Call the feed something else; an empty name is what it is of. Raises `NotFound`."""
    with transaction():
        access.require(user, Action.MAKE_FEED)
        feed = queries.feed_of(user, feed_id)
        was, feed.name = feed.name, _name(name)
        if was != feed.name:
            _note("rename-feed", feed, user, now, name=[was, feed.name])
    return feed


def revoke_feed(user: User, feed_id: int, *, now: datetime) -> None:
    """Make the feed's address worthless for good. Raises `NotFound`."""
    with transaction():
        access.require(user, Action.MAKE_FEED)
        feed = queries.feed_of(user, feed_id)
        feed.revoked_at = now
        _note("revoke-feed", feed, user, now)


def worth_noting(feed: queries.Polled, tag: str, *, now: datetime) -> bool:
    """Whether a fetch tells us something: new content went out, or none was noted lately."""
    return feed.etag != tag or feed.fetched_at is None or now - feed.fetched_at >= NOTED_EVERY


def note_fetch(feed_id: int, *, app: str, tag: str, changed_at: datetime, now: datetime) -> None:
    """Remember who fetched the feed, and since when it says what they got."""
    with transaction():
        db.session.execute(
            update(Feed)
            .where(Feed.id == feed_id)
            .values(fetched_at=now, fetched_by=app, etag=tag, changed_at=changed_at)
            .execution_options(synchronize_session=False)
        )


def _of_what(request: FeedRequest) -> dict[str, int]:
    """The column that says what the feed is of."""
    if request.kind in {FeedKind.MINE, FeedKind.APPROVALS}:
        return {}
    if not request.of:
        missing = Text("어느 것의 캘린더인지 고르세요.", "Choose what the calendar is of.")
        raise Invalid(missing, {"of": missing})
    match request.kind:
        case FeedKind.INSTRUMENT:
            return {"instrument_id": instrument_by_slug(request.of).id}
        case FeedKind.FACILITY:
            return {"facility_id": choices.facility_by_slug(request.of).id}
        case _:
            return {"institution_id": choices.institution_by_slug(request.of).id}


def _refuse_too_many(user: User) -> None:
    count = db.session.scalar(
        select(func.count()).where(Feed.user_id == user.id, Feed.revoked_at.is_(None))
    )
    if (count or 0) >= FEEDS_AT_MOST:
        raise Invalid(
            Text(
                f"캘린더 주소는 {FEEDS_AT_MOST}개까지입니다. 쓰지 않는 주소를 먼저 폐기하세요.",
                f"You have {FEEDS_AT_MOST} calendar addresses. Revoke those not in use first.",
            )
        )


def _name(name: str) -> str:
    """A name on one line."""
    return " ".join(name.split())[:100]


def _kept_of(secret: str) -> dict[str, str]:
    return {"digest": queries.digest_of(secret), "beginning": secret[:6]}


def _note(action: str, feed: Feed, user: User, now: datetime, **detail: object) -> None:
    audit.record(action, "feed", str(feed.id), actor_id=user.id, now=now, detail=detail)
