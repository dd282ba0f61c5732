"""The page on which somebody finds a free time first, and the instrument by it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, render_template, request, url_for
from flask_babel import gettext, ngettext

from app import clock
from app.accounts.current import current_or_none
from app.accounts.models import User
from app.catalog.filters import Filter
from app.catalog.policy import affiliation_on
from app.domain.booking import Mode
from app.domain.errors import NotFound
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of
from app.reservations.availability import Offer, Search, Wanted
from app.reservations.find_form import LENGTHS, FindForm, length_of
from app.reservations.free_schemas import cursor_at, place_of
from app.reservations.shown import choices
from app.web.pages import duration, localized
from app.web.problems import KINDS
from app.web.rights import PUBLIC, open_to

ON_A_PAGE = 20
#: Besides the first, as many slots of a day as stand on one line of the page.
MORE_OF_A_DAY = 4
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to give up, and the first time that this would open."""

    text: str
    url: str
    offer: Offer


@open_to(PUBLIC)
def find() -> str | tuple[str, int]:
    """Free times of all instruments that fit, day by day; the address says what is asked."""
    viewer, now = current_or_none(), clock.now()
    form = FindForm(request.args, choices(), now=now)
    if not form.validate():
        return _page(form), KINDS["invalid"].status
    zone: ZoneInfo = current_app.config["SETTINGS"].timezone
    wanted, after = form.to_wanted(zone), place_of(request.args.get("after", ""))
    try:
        search = Search(wanted, viewer, now)
    except NotFound as unknown:
        form.form_errors.append(localized(unknown.text))
        return _page(form), KINDS["not-found"].status
    found = search.days(limit=ON_A_PAGE + 1, after=after, more=MORE_OF_A_DAY)
    offers = found[:ON_A_PAGE]
    return _page(
        form,
        search=search,
        days=groupby(offers, lambda offer: day_of(offer.interval.start, offer.zone)),
        offers=offers,
        more=_url(form, after=cursor_at(offers[-1].place)) if len(found) > ON_A_PAGE else None,
        first=_url(form) if after else None,
        left_out=_left_out(search),
        suggestions=[] if offers or after else _suggestions(form, wanted, viewer, zone),
        own_institution=_own_institution(viewer, zone),
    )


ROUTES = (("/find", find, ("GET",)),)


def _page(form: FindForm, **found: Any) -> str:
    return render_template(
        "reservations/find.html", form=form, self_operated=Mode.SELF_OPERATED, **found
    )


def _url(form: FindForm, **changed: Any) -> str:
    return url_for("reservations.find", _anchor="found", **form.address(**changed))


def _own_institution(viewer: User | None, zone: ZoneInfo) -> int | None:
    if viewer is None:
        return None
    affiliation = affiliation_on(viewer, day_of(clock.now(), zone))
    return affiliation.institution_id if affiliation else None


def _left_out(search: Search) -> list[str]:
    """How many instruments are not among what is shown, and why."""
    number = search.left_out
    said = {
        "length": ngettext(
            "%(num)s is reserved only for shorter or longer times",
            "%(num)s are reserved only for shorter or longer times",
            number["length"],
        ),
        "use-scope": ngettext(
            "%(num)s is for its own institution only",
            "%(num)s are for their own institutions only",
            number["use-scope"],
        ),
        "overdue": ngettext(
            "%(num)s refuses your institution, which has not paid",
            "%(num)s refuse your institution, which has not paid",
            number["overdue"],
        ),
        "mode-not-offered": ngettext(
            "%(num)s is not worked that way",
            "%(num)s are not worked that way",
            number["mode-not-offered"],
        ),
        "instrument-faulty": ngettext(
            "%(num)s is out of order", "%(num)s are out of order", number["instrument-faulty"]
        ),
        "suspended": ngettext(
            "%(num)s is at a facility where you are suspended",
            "%(num)s are at facilities where you are suspended",
            number["suspended"],
        ),
        "needs-linked-instrument": ngettext(
            "%(num)s needs another that cannot be had",
            "%(num)s need others that cannot be had",
            number["needs-linked-instrument"],
        ),
        "not-in-use": ngettext(
            "%(num)s is not in use", "%(num)s are not in use", number["not-in-use"]
        ),
        "not-qualified": ngettext(
            "%(num)s asks for training that you do not have",
            "%(num)s ask for training that you do not have",
            number["not-qualified"],
        ),
        "contract-missing": ngettext(
            "%(num)s needs a contract of use with your institution",
            "%(num)s need a contract of use with your institution",
            number["contract-missing"],
        ),
        "approval": ngettext("%(num)s needs approval", "%(num)s need approval", number["approval"]),
        "price": ngettext("%(num)s costs more", "%(num)s cost more", number["price"]),
    }
    return [text for code, text in said.items() if number[code]]


def _suggestions(
    form: FindForm, wanted: Wanted, viewer: User | None, zone: ZoneInfo
) -> list[Suggestion]:
    """The nearest things to give up that would help, each with what it would open first."""
    found: list[Suggestion] = []
    for text, easier, changed in _easier(form, wanted, zone):
        if len(found) == _SUGGESTIONS:
            break
        if offers := Search(easier, viewer, form.now).days(limit=1):
            found.append(Suggestion(text, _url(form, **changed), offers[0]))
    return found


def _easier(
    form: FindForm, wanted: Wanted, zone: ZoneInfo
) -> Iterator[tuple[str, Wanted, dict[str, Any]]]:
    """One thing less asked for at a time: in words, as a search, and in the address."""
    wish, among = wanted.wish, wanted.among
    last = day_of(form.now, zone) + timedelta(days=27)
    weeks = Interval(form.now, day_interval(last, zone).end)
    if weeks.end > wish.within.end or weeks.start < wish.within.start:
        wider = replace(wanted, wish=replace(wish, within=weeks))
        yield gettext("In the next 4 weeks"), wider, {"when": "28days", "first": "", "last": ""}
    if wish.hours is not None:
        any_hour = replace(wanted, wish=replace(wish, hours=None))
        none = {"weekdays": "", "hours_from": "", "hours_until": ""}
        yield gettext("At any hour of any day"), any_hour, none
    if shorter := _shorter(wish.duration):
        length = length_of(shorter)
        assert length is not None
        text = gettext("For %(length)s", length=duration(length))
        yield text, replace(wanted, wish=replace(wish, duration=length)), {"duration": shorter}
    if wanted.mode is not None:
        yield gettext("Whoever works it"), replace(wanted, mode=None), {"mode": ""}
    if wanted.without_approval:
        text = gettext("Also what needs approval")
        yield text, replace(wanted, without_approval=False), {"no_approval": ""}
    if wanted.only_qualified:
        text = gettext("Also where you would have to learn first")
        yield text, replace(wanted, only_qualified=False), {"qualified": ""}
    if wanted.most is not None:
        yield gettext("At any price"), replace(wanted, most=None), {"max_price": ""}
    if among.institution or among.facility:
        anywhere = replace(wanted, among=replace(among, institution=(), facility=()))
        yield gettext("At any institution"), anywhere, {"institution": "", "facility": ""}
    if among.technique or among.q or wanted.instruments:
        other = replace(
            wanted,
            instruments=(),
            among=Filter(institution=among.institution, facility=among.facility),
        )
        yield gettext("With any technique"), other, {"technique": "", "q": "", "instrument": ""}


def _shorter(asked: timedelta) -> str | None:
    """The next shorter length of those offered."""
    lengths = [(length, text) for text in LENGTHS if (length := length_of(text))]
    return max((pair for pair in lengths if pair[0] < asked), default=(None, None))[1]
