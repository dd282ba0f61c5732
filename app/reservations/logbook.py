"""Pages of the usage log: a month of an instrument, to read, print, keep, write and correct."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.catalog.queries import instrument_by_slug, scope_of
from app.domain.errors import Invalid, Stale
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of, to_local
from app.domain.usage import (
    ORGANISATION_CLASS_NAMES,
    ORGANISATION_TYPE_NAMES,
    ORIGIN_NAMES,
    USE_TYPE_NAMES,
    OrganisationClass,
    OrganisationType,
    Origin,
)
from app.reservations import usage as log
from app.reservations.forms import YEARS, UsageForm
from app.reservations.usage import Line
from app.web.csv_files import csv_answer
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

_DAY = timedelta(days=1)
WORDS = {
    "classes": ORGANISATION_CLASS_NAMES,
    "types": ORGANISATION_TYPE_NAMES,
    "uses": USE_TYPE_NAMES,
    "origins": ORIGIN_NAMES,
}


@dataclass(frozen=True, slots=True)
class Month:
    """A month by the clocks of a facility."""

    first: date

    @property
    def word(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def before(self) -> str:
        return f"{self.first - _DAY:%Y-%m}"

    @property
    def after(self) -> str:
        return f"{self._next:%Y-%m}"

    @property
    def _next(self) -> date:
        return (self.first + 31 * _DAY).replace(day=1)

    def interval(self, instrument: Instrument) -> Interval:
        zone = zone_of(instrument)
        end = day_interval(self._next, zone).start
        return Interval(day_interval(self.first, zone).start, end)


@open_to(Action.KEEP_USAGE_LOG)
def usage(slug: str) -> str | AnyResponse:
    """A month of the log."""
    instrument = _instrument(slug)
    if instrument.slug != slug:
        return redirect(url_for(".usage", slug=instrument.slug), 301)
    now = clock.now()
    shown = _month(instrument, now)
    lines = log.log_of(instrument, shown.interval(instrument), now=now)
    return render_template(
        "reservations/usage.html",
        instrument=instrument,
        facility=instrument.facility,
        zone=zone_of(instrument),
        month=shown,
        lines=lines,
        words=WORDS,
        in_charge=log.in_charge(instrument),
        hours=sum((line.said.interval.duration for line in lines), timedelta()),
        samples=sum(line.said.samples for line in lines),
        people=len({(line.said.user_name, line.said.organisation) for line in lines}),
        fees=sum(line.said.fee or 0 for line in lines),
    )


@open_to(Action.KEEP_USAGE_LOG)
def usage_csv(slug: str) -> Response:
    """The same month as a file for spreadsheets."""
    instrument, now = _instrument(slug), clock.now()
    month = _month(instrument, now)
    lines = log.log_of(instrument, month.interval(instrument), now=now)
    return csv_answer(f"usage-{instrument.slug}-{month.word}.csv", _rows(instrument, lines))


@open_to(Action.KEEP_USAGE_LOG)
def write_usage(slug: str) -> str | AnyResponse | tuple[str, int]:
    """Write walk-in or own use."""
    instrument, user, now = _instrument(slug), current(), clock.now()
    form = UsageForm(zone_of(instrument))
    del form.reason, form.version
    if request.method == "GET":
        form.origin.data = Origin.WALK_IN.value
        form.use_type.data = log.usual_use(instrument).value
        form.organisation_class.data = OrganisationClass.OTHER_DEPARTMENT.value
        form.organisation_type.data = OrganisationType.UNIVERSITY.value
        form.samples.data = 1
        return _form_page(instrument, form)
    if not form.validate():
        return _form_page(instrument, form), KINDS["invalid"].status
    try:
        made = log.write_line(user, instrument, form.to_said(), now=now)
    except Invalid as wrong:
        form.refuse(wrong)
        return _form_page(instrument, form), KINDS["invalid"].status
    flash(gettext("Written into the usage log."), "success")
    return redirect(_log_of(instrument, made.interval.start), 303)


@open_to(Action.KEEP_USAGE_LOG)
def correct_usage(slug: str, uid: str) -> str | AnyResponse | tuple[str, int]:
    """Correct a line, with a reason; what it said before stays readable."""
    instrument, user, now = _instrument(slug), current(), clock.now()
    line = log.line_of(user, instrument, uid, now=now)
    form = UsageForm(zone_of(instrument))
    del form.origin
    if request.method == "GET":
        form.fill_in_said(line.said, line.version)
        return _form_page(instrument, form, line)
    if not form.validate():
        return _form_page(instrument, form, line), KINDS["invalid"].status
    try:
        log.correct_line(
            user,
            instrument,
            uid,
            form.to_said(),
            reason=form.reason.data,
            version=form.seen,
            now=now,
        )
    except Invalid as wrong:
        form.refuse(wrong)
        return _form_page(instrument, form, line), KINDS["invalid"].status
    except Stale as stale:
        form.form_errors.append(localized(stale.text))
        return _form_page(instrument, form, line), KINDS["stale"].status
    flash(gettext("Corrected. What was there before stays in the history."), "success")
    return redirect(_log_of(instrument, form.interval.start), 303)


ROUTES = (
    ("/instruments/<slug>/usage", usage, ("GET",)),
    ("/instruments/<slug>/usage.csv", usage_csv, ("GET",)),
    ("/instruments/<slug>/usage/new", write_usage, ("GET", "POST")),
    ("/instruments/<slug>/usage/<uid>", correct_usage, ("GET", "POST")),
)


def _instrument(slug: str) -> Instrument:
    """The instrument, for those who keep its log."""
    found = instrument_by_slug(slug)
    access.require(current(), Action.KEEP_USAGE_LOG, scope_of(found))
    return found


def _month(instrument: Instrument, now: datetime) -> Month:
    """The month of the address, else the present one at the instrument."""
    asked = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", request.args.get("month", ""))
    if asked and int(asked[1]) in YEARS:
        return Month(date(int(asked[1]), int(asked[2]), 1))
    return Month(day_of(now, zone_of(instrument)).replace(day=1))


def _log_of(instrument: Instrument, instant: datetime) -> str:
    month = f"{day_of(instant, zone_of(instrument)):%Y-%m}"
    return url_for(".usage", slug=instrument.slug, month=month)


def _rows(instrument: Instrument, lines: list[Line]) -> Iterator[list[Any]]:
    yield [
        gettext("Instrument"),
        gettext("Equipment registration number"),
        gettext("Person in charge"),
        gettext("Writer"),
        gettext("Start"),
        gettext("End"),
        gettext("User's organisation"),
        gettext("Class of organisation"),
        gettext("Type of organisation"),
        gettext("User"),
        gettext("Samples or cases"),
        gettext("Usage fee"),
        gettext("Type of use"),
        gettext("Origin"),
        gettext("Note"),
    ]
    zone, charge = zone_of(instrument), ", ".join(log.in_charge(instrument))
    for line in lines:
        said = line.said
        start, end = (to_local(each, zone) for each in (said.interval.start, said.interval.end))
        yield [
            localized(instrument),
            instrument.registration_number,
            charge,
            line.writer,
            f"{start:%Y-%m-%d %H:%M}",
            f"{end:%Y-%m-%d %H:%M}",
            said.organisation,
            localized(ORGANISATION_CLASS_NAMES[said.organisation_class]),
            localized(ORGANISATION_TYPE_NAMES[said.organisation_type]),
            said.user_name,
            said.samples,
            said.fee,
            localized(USE_TYPE_NAMES[said.use_type]),
            localized(ORIGIN_NAMES[said.origin]),
            said.note,
        ]


def _form_page(instrument: Instrument, form: UsageForm, line: Line | None = None) -> str:
    zone = zone_of(instrument)
    first = line.said.interval.start if line else clock.now()
    return render_template(
        "reservations/usage_line.html",
        instrument=instrument,
        zone=zone,
        form=form,
        line=line,
        back=_log_of(instrument, first),
        corrections=[(row, name, _changes(row.detail, zone)) for row, name in _past(line)],
    )


def _past(line: Line | None) -> Any:
    return log.corrections(line.uid) if line else ()


def _changes(detail: dict[str, Any], zone: Any) -> list[str]:
    """What a correction changed, in words."""
    names = {
        "starts_at": gettext("Start"),
        "ends_at": gettext("End"),
        "user_name": gettext("User"),
        "organisation": gettext("User's organisation"),
        "organisation_class": gettext("Class of organisation"),
        "organisation_type": gettext("Type of organisation"),
        "use_type": gettext("Type of use"),
        "samples": gettext("Samples or cases"),
        "fee": gettext("Usage fee"),
        "note": gettext("Note"),
    }
    return [
        gettext(
            "%(what)s: %(was)s → %(became)s",
            what=names[name],
            was=_value(name, was, zone),
            became=_value(name, became, zone),
        )
        for name, (was, became) in detail.get("changes", {}).items()
        if name in names
    ]


def _value(name: str, value: Any, zone: Any) -> str:
    if value in (None, ""):
        return str(gettext("nothing"))
    if name in {"starts_at", "ends_at"}:
        return f"{to_local(datetime.fromisoformat(value), zone):%Y-%m-%d %H:%M}"
    for word, kind in (
        ("organisation_class", ORGANISATION_CLASS_NAMES),
        ("organisation_type", ORGANISATION_TYPE_NAMES),
        ("use_type", USE_TYPE_NAMES),
    ):
        if name == word:
            return localized({key.value: text for key, text in kind.items()}[value])
    return str(value)
