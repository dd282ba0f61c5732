"""Catalogue, instrument, facility and institution pages."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app import clock
from app.accounts.access import Action, Scope, may
from app.accounts.current import current_or_none
from app.accounts.models import User
from app.catalog import editing, health, queries, vocabulary
from app.catalog.filters import FACETS, Filter
from app.catalog.models import Facility, Instrument
from app.catalog.policy import (
    hours_of,
    policy_of,
    price_class,
    settings_of,
    training_of,
    use_policy_of,
    zone_of,
)
from app.catalog.search import Found, search
from app.domain.booking import Mode, UseState
from app.domain.local_time import day_of
from app.domain.rules_in_words import rarer_rules
from app.domain.training import LEVEL_NAMES, SAFETY_NAMES
from app.web import pages
from app.web.pages import locale_word
from app.web.rights import PUBLIC, open_to

bp = Blueprint("catalog", __name__, template_folder="templates")
for _rule, _view, _methods in editing.ROUTES:
    bp.add_url_rule(_rule, view_func=_view, methods=_methods)

#: Words of the pages that come from the fixed lists.
_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "classifications": vocabulary.CLASSIFICATIONS,
    "use_scopes": vocabulary.USE_SCOPES,
    "use_states": vocabulary.USE_STATES,
    "kinds": vocabulary.KINDS,
    "purposes": vocabulary.PURPOSES,
    "price_units": vocabulary.PRICE_UNITS,
    "price_classes": vocabulary.PRICE_CLASSES,
    "institution_kinds": vocabulary.INSTITUTION_KINDS,
}


def _entry() -> pages.Entry:
    return pages.entry(
        gettext("Catalogue"), "catalog.instruments", also=("/facilities", "/institutions")
    )


pages.NAVIGATION.append((10, _entry))

_IN_ADDRESS = frozenset({"q", "free", *FACETS})


@bp.app_context_processor
def _words() -> dict[str, Any]:
    return {
        "catalog_words": _WORDS,
        "booking_settings": settings_of,
        "own_price": _own_price,
        "level_names": LEVEL_NAMES,
        "safety_names": SAFETY_NAMES,
    }


def _own_price(facility: Facility) -> str | None:
    """The class of price that is the reader's at a facility; None for those not signed in."""
    user = current_or_none()
    if user is None:
        return None
    return price_class(user, facility, day_of(clock.now(), ZoneInfo(facility.timezone)))


@bp.get("/instruments")
@open_to(PUBLIC)
def instruments() -> str:
    """The catalogue: search, facets, pages; the address says all of it."""
    free_today = _free_today()
    only_free = free_today is not None and request.args.get("free") == "today"
    wanted = Filter(
        q=request.args.get("q", "").strip(),
        only=frozenset(free_today(clock.now())) if only_free and free_today else None,
        **{facet: tuple(_chosen(facet)) for facet in FACETS},
    )
    found = search(wanted, page=_page(), language=locale_word())
    return render_template(
        "catalog/instruments.html",
        wanted=wanted,
        found=found,
        facet_names=_facet_names(),
        chips=_chips(found, only_free=only_free),
        asks_free=free_today is not None,
        only_free=only_free,
        unit_prices=_unit_prices(found.page.items),
    )


def _unit_prices(found: Sequence[Instrument]) -> dict[int, Any]:
    """The rates that were set for instruments, by their ids; list prices hold for the others."""
    shown: Callable[..., dict[int, Any]] | None = current_app.extensions.get("dure-unit-prices")
    return shown(found, current_or_none(), now=clock.now()) if shown and found else {}


def _free_today() -> Callable[[datetime], set[int]] | None:
    """How to learn what is free today: the slice of reservations lends it, if it is there."""
    found: Callable[[datetime], set[int]] | None = current_app.extensions.get("dure-free-today")
    return found


def _chosen(facet: str) -> list[str]:
    return [value for value in dict.fromkeys(request.args.getlist(facet)) if value][:50]


def _page() -> int:
    text = request.args.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _facet_names() -> dict[str, str]:
    return {
        "institution": gettext("Institution"),
        "facility": gettext("Facility"),
        "technique": gettext("Technique"),
        "classification": gettext("Class"),
        "use_scope": gettext("Use scope"),
    }


def _chips(found: Found, *, only_free: bool) -> list[tuple[str, str]]:
    """What the search is narrowed to: the words, and the address without it."""
    chips = [(gettext("Free today"), _without("free", "today"))] if only_free else []
    for facet, options in found.facets.items():
        chips += [
            (pages.localized(option.name), _without(facet, option.value))
            for option in options
            if option.chosen
        ]
    return chips


def _without(name: str, value: str) -> str:
    left: dict[str, Any] = {}
    for key, each in request.args.items(multi=True):
        if key in _IN_ADDRESS and each and (key, each) != (name, value):
            left.setdefault(key, []).append(each)
    return url_for("catalog.instruments", **left)


@bp.get("/instruments/<slug>")
@open_to(PUBLIC)
def instrument(slug: str) -> str | Response:
    """Everything that a researcher needs to decide."""
    found = queries.instrument_by_slug(slug)
    if found.slug != slug:
        return redirect(url_for(".instrument", slug=found.slug), 301)
    now, user = clock.now(), current_or_none()
    scope = queries.scope_of(found)
    return render_template(
        "catalog/instrument.html",
        instrument=found,
        facility=found.facility,
        institution=found.facility.institution,
        policy=policy_of(found),
        check_in=use_policy_of(found),
        rarer_rules=rarer_rules(policy_of(found)),
        hours=hours_of(found).in_words(locale_word()),
        zone=zone_of(found),
        blackouts=queries.coming_blackouts(found, now),
        calendar=_calendar(found, now),
        faults=health.open_faults(found),
        health=health.health_history(found, now=now),
        fault_url=None
        if found.retired_at
        else _linked("reservations.report_fault", slug=found.slug),
        log_url=_linked("reservations.maintenance_log", slug=found.slug)
        if may(user, Action.KEEP_MAINTENANCE_LOG, scope)
        else None,
        reserve_url=_reserve_url(found),
        order_url=_order_url(found),
        free_url=_linked("reservations.free_fragment", slug=found.slug),
        bench_url=_linked("reservations.bench", slug=found.slug),
        usage_url=_linked("reservations.usage", slug=found.slug)
        if may(user, Action.KEEP_USAGE_LOG, scope)
        else None,
        may_edit=may(user, Action.EDIT_INSTRUMENT, scope),
        training=training_of(found),
        suspensions_url=_linked("accounts.suspended", slug=found.slug)
        if may(user, Action.LIFT_SUSPENSION, scope)
        else None,
        training_url=_linked("training.index", instrument=found.slug),
        certificates_url=_linked("training.qualified", slug=found.slug)
        if may(user, Action.TRAIN, scope)
        else None,
        rates=_rates_in_force(found, user, now),
        signed_in=user is not None,
        needs=queries.named(found.needs),
        accessories=queries.named(found.accessories),
    )


def _rates_in_force(found: Instrument, user: User | None, now: datetime) -> Any:
    """The rates that were set for the instrument, to be shown; None where list prices hold."""
    shown: Callable[..., Any] | None = current_app.extensions.get("dure-rates")
    return shown(found, user, now=now) if shown else None


def _reserve_url(found: Instrument) -> str | None:
    """The form, unless nobody can reserve the instrument now."""
    if found.retired_at or found.facility.retired_at:
        return None
    if found.use_state in (UseState.IDLE, UseState.DISUSED) or found.out_of_order_since:
        return None
    return _linked("reservations.reserve", slug=found.slug)


def _order_url(found: Instrument) -> str | None:
    """Where its staff is asked for an analysis, if it takes any and can be reserved."""
    if _reserve_url(found) is None or Mode.COMMISSIONED not in policy_of(found).modes:
        return None
    return _linked("reservations.order_commission", slug=found.slug)


def _linked(endpoint: str, **values: Any) -> str | None:
    """The address of a page of a slice above, if that slice is there."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def _calendar(found: Instrument, now: datetime) -> dict[str, Any] | None:
    """What the script of the calendar reads from the page."""
    busy_url = _linked("reservations.busy_json", slug=found.slug)
    if busy_url is None:
        return None
    policy, zone = policy_of(found), zone_of(found)
    return {
        "busy_url": busy_url,
        "reserve_url": _reserve_url(found) or "",
        "zone": zone.key,
        "offset": now.astimezone(zone).isoformat()[-6:],
        "slot_minutes": policy.slot // timedelta(minutes=1),
        "longest_minutes": policy.longest // timedelta(minutes=1),
        "open_hours": json.dumps(hours_of(found).dump()),
    }


@bp.get("/facilities/<slug>")
@open_to(PUBLIC)
def facility(slug: str) -> str | Response:
    """A facility: where, when, whom to ask, its instruments."""
    found = queries.facility_by_slug(slug)
    if found.slug != slug:
        return redirect(url_for(".facility", slug=found.slug), 301)
    user, scope = current_or_none(), queries.scope_of(found)
    lent = queries.instruments_of(found)
    return render_template(
        "catalog/facility.html",
        facility=found,
        institution=found.institution,
        hours=hours_of(found).in_words(locale_word()),
        instruments=lent,
        unit_prices=_unit_prices(lent),
        blackouts=queries.coming_blackouts(found, clock.now()),
        may_edit=may(user, Action.EDIT_FACILITY, scope),
        closures_url=_linked("reservations.closures", slug=found.slug)
        if may(user, Action.CLOSE_TIME, scope)
        else None,
        rates_url=_linked("rates.index", slug=found.slug)
        if may(user, Action.SET_RATES, scope)
        else None,
        training_url=_linked("training.sessions", slug=found.slug)
        if may(user, Action.TRAIN, scope)
        else None,
        operators_url=_linked("reservations.operators_of", slug=found.slug)
        if may(user, Action.KEEP_OPERATORS, scope)
        else None,
        commissions_url=_linked("reservations.commission_queue")
        if may(user, Action.HANDLE_COMMISSION, scope)
        else None,
        contracts_url=_linked("contracts.index", slug=found.slug)
        if may(user, Action.KEEP_CONTRACTS, scope)
        else None,
    )


@bp.get("/institutions")
@open_to(PUBLIC)
def institutions() -> str:
    """Who takes part."""
    return render_template("catalog/institutions.html", lines=queries.institutions())


@bp.get("/institutions/<slug>")
@open_to(PUBLIC)
def institution(slug: str) -> str | Response:
    """An institution and its facilities."""
    found = queries.institution_by_slug(slug)
    if found.slug != slug:
        return redirect(url_for(".institution", slug=found.slug), 301)
    user, scope = current_or_none(), Scope(institution_id=found.id)
    return render_template(
        "catalog/institution.html",
        institution=found,
        lines=queries.facilities_of(found),
        administers=may(user, Action.MARK_OVERDUE, scope),
        billing_url=_linked("billing.months", slug=found.slug)
        if may(user, Action.SEE_STATEMENTS, scope)
        else None,
    )
