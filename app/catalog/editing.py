"""Pages on which facility managers edit, and see what was edited."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog import queries, services
from app.catalog.form_fields import DurationField, PeriodField
from app.catalog.form_sections import SECTIONS
from app.catalog.forms import FacilityForm, InstrumentForm
from app.catalog.inherited import hints
from app.catalog.models import Facility, Instrument
from app.catalog.queries import PastChange
from app.catalog.services import Kind
from app.domain.errors import Invalid, Stale
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to


@open_to(Action.EDIT_INSTRUMENT)
def edit_instrument(slug: str) -> str | Response | tuple[str, int]:
    """An instrument's form."""
    return _edit("instrument", slug)


@open_to(Action.EDIT_FACILITY)
def edit_facility(slug: str) -> str | Response | tuple[str, int]:
    """A facility's form."""
    return _edit("facility", slug)


def _edit(kind: Kind, slug: str) -> str | Response | tuple[str, int]:
    thing, said, version = services.editable(current(), kind, slug)
    form = _form_of(thing)
    if request.method == "GET":
        form.show(said, version)
        return _form_page(kind, thing, form)
    if not form.validate():
        return _form_page(kind, thing, form), KINDS["invalid"].status
    if isinstance(form, InstrumentForm):
        form.keep_order(said.get("techniques", []))
    try:
        changed = services.edit(
            current(), kind, slug, form.said(), version=form.version.data or "", now=clock.now()
        )
    except Invalid as wrong:
        form.refuse(wrong.fields)
        return _form_page(kind, thing, form), KINDS["invalid"].status
    except Stale as stale:
        # What was typed stays on the page; sent again, it is measured against the present.
        form.form_errors.append(localized(stale.text))
        form.version.data = services.editable(current(), kind, slug)[2]
        return _form_page(kind, thing, form), KINDS["stale"].status
    if changed:
        flash(gettext("Saved."), "success")
    else:
        flash(gettext("Nothing was different, so nothing was changed."), "info")
    return redirect(url_for(f".{kind}", slug=thing.slug), 303)


def _form_of(thing: Instrument | Facility) -> InstrumentForm | FacilityForm:
    if isinstance(thing, Facility):
        return FacilityForm()
    beside = [each for each in queries.instruments_of(thing.facility) if each.id != thing.id]
    return InstrumentForm(techniques=queries.techniques(), beside=beside)


def _form_page(kind: Kind, thing: Any, form: Any) -> str:
    return render_template(
        "catalog/edit.html",
        kind=kind,
        thing=thing,
        form=form,
        sections=SECTIONS[kind],
        inherited=hints(thing, form),
    )


@open_to(Action.EDIT_INSTRUMENT)
def instrument_history(slug: str) -> str:
    """What became of an instrument, and who did it."""
    return _history("instrument", slug)


@open_to(Action.EDIT_FACILITY)
def facility_history(slug: str) -> str:
    """What became of a facility, and who did it."""
    return _history("facility", slug)


def _history(kind: Kind, slug: str) -> str:
    thing, _, _ = services.editable(current(), kind, slug)
    return render_template(
        "catalog/history.html",
        kind=kind,
        thing=thing,
        past=[(change, list(_lines(kind, change))) for change in queries.history(kind, thing.slug)],
        acts=_acts(),
    )


def _acts() -> dict[str, str]:
    """What the audit trail's words mean to people."""
    return {
        "add": gettext("Added from the contributed files"),
        "sync": gettext("Changed by the contributed files"),
        "edit": gettext("Edited"),
        "retire": gettext("Retired: gone from the contributed files"),
        "return": gettext("Back in the contributed files"),
        "rename": gettext("Renamed by the contributed files"),
        "grant-role-for": gettext("A manager named in the contributed files got the role"),
    }


def _lines(kind: Kind, change: PastChange) -> Iterator[tuple[str, str, str]]:
    """Label, before and after of all that differs, group by group where values are groups."""
    form = InstrumentForm() if kind == "instrument" else FacilityForm()
    fields = {field.name: field for field in form}
    labels = {name: str(field.label.text) for name, field in fields.items()}
    labels |= {
        "booking": gettext("Booking"),
        "prices": gettext("Prices"),
        "contact": gettext("Contact"),
        "acquired_on": labels.get("acquisition_on", ""),
        "email": labels["contact_email"],
        "phone": labels["contact_phone"],
        "managers": gettext("Managers"),
        "facility": gettext("Facility"),
        "institution": gettext("Institution"),
        "funding": gettext("Funding"),
    }
    for name, (before, after) in change.changes.items():
        label = labels.get(name, name)
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            yield label, _said(before), _said(after)
            continue
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key):
                part = labels.get(f"{name}_{key}", key)
                field = fields.get(f"{name}_{key}")
                # Lengths of time in words, as the form shows them.
                said = field.data_of if isinstance(field, DurationField | PeriodField) else _said
                yield f"{label}: {part}", said(before.get(key)), said(after.get(key))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_said(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_said, value))
    return "" if value is None else str(value)


@open_to(Action.EDIT_INSTRUMENT)
def undo_instrument(slug: str, change_id: int) -> Response:
    """Give an instrument's fields the values before a change."""
    return _undo("instrument", slug, change_id)


@open_to(Action.EDIT_FACILITY)
def undo_facility(slug: str, change_id: int) -> Response:
    """Give a facility's fields the values before a change."""
    return _undo("facility", slug, change_id)


def _undo(kind: Kind, slug: str, change_id: int) -> Response:
    try:
        if services.undo(current(), kind, slug, change_id, now=clock.now()):
            flash(gettext("The values from before that change are back."), "success")
        else:
            flash(gettext("It is like that already."), "info")
    except Invalid:
        flash(gettext("Those values would not fit what holds now; edit it by hand."), "error")
    return redirect(url_for(f".{kind}_history", slug=slug), 303)


_CHANGE = "/<slug>/history/<int:change_id>/undo"
ROUTES = (
    ("/instruments/<slug>/edit", edit_instrument, ("GET", "POST")),
    ("/instruments/<slug>/history", instrument_history, ("GET",)),
    (f"/instruments{_CHANGE}", undo_instrument, ("POST",)),
    ("/facilities/<slug>/edit", edit_facility, ("GET", "POST")),
    ("/facilities/<slug>/history", facility_history, ("GET",)),
    (f"/facilities{_CHANGE}", undo_facility, ("POST",)),
)
