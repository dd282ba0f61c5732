"""HTTP API of the catalogue."""

import base64
import binascii
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, redirect, url_for
from werkzeug.wrappers import Response

from app.catalog import examples
from app.catalog.models import Instrument
from app.catalog.queries import instrument_by_slug
from app.catalog.schemas import (
    InstrumentListOut,
    InstrumentQuery,
    InstrumentWholeOut,
    instrument_out,
    whole_out,
)
from app.catalog.search import after
from app.domain.errors import Invalid, Text
from app.web.rights import PUBLIC, open_to

bp = APIBlueprint("catalog-api", __name__, url_prefix="/api/v1", tag="Catalogue")


@bp.get("/instruments")
@open_to(PUBLIC)
@bp.input(InstrumentQuery, location="query", arg_name="query")
@bp.output(InstrumentListOut, example=examples.INSTRUMENTS)
def instruments(query: InstrumentQuery) -> dict[str, Any]:
    """Instruments that are not retired, by slug; all that is asked for must hold."""
    found = after(query.to_filter(), _slug_of(query.cursor), limit=query.limit + 1)
    items = found[: query.limit]
    return {
        "items": [instrument_out(instrument, _links(instrument)) for instrument in items],
        "next": _cursor_at(items[-1].slug) if len(found) > query.limit else None,
    }


@bp.get("/instruments/<slug>")
@open_to(PUBLIC)
@bp.output(InstrumentWholeOut, example=examples.WHOLE)
@bp.doc(responses={301: "A former slug: `Location` has the present one."})
def instrument(slug: str) -> dict[str, Any] | Response:
    """All that the catalogue says of one instrument; a former slug leads to the present one."""
    found = instrument_by_slug(slug)
    if found.slug != slug:
        return redirect(url_for(".instrument", slug=found.slug), 301)
    return whole_out(found, _links(found))


def _links(instrument: Instrument) -> dict[str, str]:
    here, slug = current_app.config["SETTINGS"].public_url, instrument.slug
    links = {
        "self": here + url_for("catalog-api.instrument", slug=slug),
        "page": here + url_for("catalog.instrument", slug=slug),
    }
    if "reservations-api.busy" in current_app.view_functions:
        links["busy"] = here + url_for("reservations-api.busy", slug=slug)
    return links


def _cursor_at(slug: str) -> str:
    return base64.urlsafe_b64encode(slug.encode()).decode().rstrip("=")


def _slug_of(cursor: str) -> str:
    """The slug behind which to go on; raises `Invalid` for what is no cursor of ours."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        slug = raw.decode("ascii")
    except (binascii.Error, ValueError) as broken:
        wrong = Text(
            "‘cursor’가 올바르지 않습니다. 앞 쪽의 ‘next’를 그대로 쓰세요.",
            "“cursor” is not one of ours: use “next” of the page before as it is.",
        )
        raise Invalid(wrong, {"cursor": wrong}) from broken
    return slug if slug.isprintable() else ""
