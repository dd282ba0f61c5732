"""Feeds, and the pages where people make and revoke their addresses."""

import logging
from datetime import date, datetime
from itertools import chain, islice
from urllib.parse import quote

import segno
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext
from werkzeug.http import http_date
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.current import current, current_or_none
from app.calendars import choices, poll, queries, services
from app.calendars.forms import KINDS, FeedForm, NameForm
from app.calendars.models import Feed, FeedKind
from app.calendars.queries import Polled
from app.calendars.subscribers import app_of
from app.config import Settings
from app.web import pages
from app.web.problems import status_of
from app.web.rights import PUBLIC, SIGNED_IN, open_to

log = logging.getLogger("dure.calendars")

bp = Blueprint("calendars", __name__, template_folder="templates")

#: Apps take a fault for a fault only if it says when to come back.
RETRY_SECONDS = 300
#: Pieces made before the answer begins: of all but huge feeds, everything. An answer that
#: breaks off would wipe the subscriber's calendar.
HELD_PIECES = 16


def _entry() -> pages.Entry | None:
    if current_or_none() is None:
        return None
    return pages.entry(gettext("Calendars"), "calendars.index")


pages.NAVIGATION.append((70, _entry))


@bp.get("/calendars/<path:secret>.ics", merge_slashes=False)
@open_to(PUBLIC)
def subscribe(secret: str) -> Response:
    """The calendar behind a secret address; no sign-in, no session, no redirect, ever."""
    try:
        return _polled(secret, clock.now())
    except Exception:
        # An app that gets anything but a calendar or 503 drops what it has.
        log.exception("a feed could not be made")
        answer = _plain("Try again later.\n", 503)
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer


def _polled(secret: str, now: datetime) -> Response:
    settings = current_app.config["SETTINGS"]
    found = queries.polled(secret)
    if found is None:
        # Unknown, mistyped and revoked alike: nobody learns which.
        return _plain("There is no such calendar.\n", 404)
    today = poll.today(now, settings)
    tag = poll.etag(found, today, settings)
    changed_at = poll.since(found, tag, now)
    answer = Response(content_type="text/calendar; charset=utf-8")
    if _is_known(found, tag, changed_at):
        answer.status_code = 304
    else:
        _fill(answer, queries.feed_with_owner(found.id), today, settings)
    if services.worth_noting(found, tag, now=now):
        _note(found.id, tag, changed_at, now)
    answer.set_etag(tag)
    answer.headers["Last-Modified"] = http_date(changed_at)
    answer.headers["Cache-Control"] = "private, max-age=0, must-revalidate"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _is_known(found: Polled, tag: str, changed_at: datetime) -> bool:
    """Whether the client says that it has this very text."""
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(tag)
    given = request.if_modified_since
    return given is not None and found.etag == tag and changed_at <= given


def _fill(answer: Response, feed: Feed, today: date, settings: Settings) -> None:
    """The text, and under which name to save it."""
    name = quote(poll.title(feed, feed.user.language), safe="")
    answer.headers["Content-Disposition"] = (
        f"inline; filename=\"dure.ics\"; filename*=UTF-8''{name}.ics"
    )
    if request.method == "HEAD":
        return
    pieces = poll.text(feed, today, settings)
    held = b"".join(islice(pieces, HELD_PIECES))
    more = next(pieces, None)
    if more is None:
        answer.set_data(held)
    else:
        answer.response = chain((held, more), pieces)


def _note(feed_id: int, tag: str, changed_at: datetime, now: datetime) -> None:
    """Remember the fetch; that it could not be written is no reason to fail the poll."""
    app = app_of(request.headers.get("User-Agent", ""))
    try:
        services.note_fetch(feed_id, app=app, tag=tag, changed_at=changed_at, now=now)
    except Exception:
        log.exception("a fetch could not be noted")


def _plain(text: str, status: int) -> Response:
    answer = Response(text, status, content_type="text/plain; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@bp.get("/calendars")
@open_to(SIGNED_IN)
def index() -> str:
    """My feeds: what they show, who fetched them when."""
    user = current()
    feeds = queries.feeds_of(user)
    return render_template(
        "calendars/index.html",
        feeds=[(feed, _title(feed), NameForm(formdata=None, obj=feed)) for feed in feeds],
        kinds=KINDS,
    )


@bp.route("/calendars/new", methods=["GET", "POST"])
@open_to(SIGNED_IN)
def new() -> AnyResponse | tuple[str, int]:
    """A calendar of one's own, of an instrument, a facility or an institution."""
    user = current()
    form = FeedForm()
    chosen = _chosen(form)
    kind, _, of = chosen.partition(":")
    offered = choices.offered_to(user, instrument=of if kind == FeedKind.INSTRUMENT else "")
    form.offer(offered, manages=access.manages_anything(user), chosen=chosen)
    if not form.validate_on_submit():
        return render_template("calendars/new.html", form=form), status_of(form)
    feed, secret = services.make_feed(user, form.to_request(), now=clock.now())
    return _address(feed, secret)


def _chosen(form: FeedForm) -> str:
    """What was picked from the list, else what the page that leads here is of."""
    if form.is_submitted():
        return form.what.data or ""
    kind, of = request.args.get("kind", ""), request.args.get("of", "")
    return f"{kind}:{of}" if of else kind


@bp.post("/calendars/<int:feed_id>/rotate")
@open_to(SIGNED_IN)
def rotate(feed_id: int) -> AnyResponse | str:
    """A new secret address; the old one stops at once."""
    feed, secret = services.rotate_feed(current(), feed_id, now=clock.now())
    return _address(feed, secret, rotated=True)


@bp.post("/calendars/<int:feed_id>/rename")
@open_to(SIGNED_IN)
def rename(feed_id: int) -> AnyResponse:
    form = NameForm()
    if form.validate_on_submit():
        services.rename_feed(current(), feed_id, form.name.data or "", now=clock.now())
        flash(
            gettext("Renamed. Calendar apps show the new name after their next visit."), "success"
        )
    else:
        flash(gettext("A name has at most 100 characters."), "error")
    return redirect(url_for(".index"), 303)


@bp.post("/calendars/<int:feed_id>/revoke")
@open_to(SIGNED_IN)
def revoke(feed_id: int) -> AnyResponse:
    services.revoke_feed(current(), feed_id, now=clock.now())
    flash(gettext("Revoked. The address leads nowhere from now on."), "success")
    return redirect(url_for(".index"), 303)


def _title(feed: Feed) -> str:
    return poll.title(feed, pages.locale_word())


def _address(feed: Feed, secret: str, *, rotated: bool = False) -> AnyResponse:
    """The address, this once: it is kept as a hash and cannot be shown again."""
    public_url = current_app.config["SETTINGS"].public_url
    url = f"{public_url}/calendars/{secret}.ics"
    webcal = "webcal://" + url.partition("://")[2]
    page = render_template(
        "calendars/address.html",
        title=_title(feed),
        url=url,
        webcal=webcal,
        google="https://calendar.google.com/calendar/r?cid=" + quote(webcal, safe=""),
        outlook="https://outlook.office.com/calendar/0/addfromweb?url="
        + quote(url, safe="")
        + "&name="
        + quote(_title(feed), safe=""),
        qr=segno.make(webcal, error="m").svg_data_uri(scale=5, border=4, light="#fff"),
        rotated=rotated,
    )
    answer = current_app.make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
