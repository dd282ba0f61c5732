"""What holds where a field is left empty: the facility's setting, else Dure's, in words."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from wtforms import SelectField, SelectMultipleField

from app.catalog.form_fields import HoursField
from app.catalog.forms import FacilityForm, InstrumentForm
from app.catalog.models import Facility, Instrument
from app.catalog.policy import DEFAULTS

_BOOKING = "booking_"


def hints(thing: Instrument | Facility, form: InstrumentForm | FacilityForm) -> dict[str, str]:
    """Name of a field → what holds while it is empty."""
    facility = thing.facility if isinstance(thing, Instrument) else None
    said: Mapping[str, Any] = facility.booking if facility else {}
    found = {}
    for field in form:
        name = field.name.removeprefix(_BOOKING)
        value = said.get(name, DEFAULTS.get(name))
        if name != field.name and value not in (None, [], {}):
            words = _words(field, value)
            found[field.name] = _of_facility(words) if name in said else _of_dure(words)
    if facility:
        hours = form["opening_hours"]
        assert isinstance(hours, HoursField)
        texts = {
            "opening_hours": ", ".join(hours.data_of(facility.opening_hours).splitlines()),
            "location_ko": facility.location_ko,
            "location_en": facility.location_en,
            "contact_email": facility.email,
            "contact_phone": facility.phone,
        }
        found |= {name: _of_facility(text) for name, text in texts.items() if text}
    return found


def _of_facility(value: str) -> str:
    return str(gettext("Empty: as the facility, %(value)s", value=value))


def _of_dure(value: str) -> str:
    return str(gettext("Empty: %(value)s", value=value))


def _words(field: Any, value: Any) -> str:
    """A setting as people read it: lengths of time and choices in words."""
    written = field.data_of(value) if hasattr(field, "data_of") else value
    if isinstance(field, SelectMultipleField):
        return ", ".join(str(label) for word, label in field.choices if word in value)
    if isinstance(field, SelectField):
        return str(dict(field.choices)[written])
    return ", ".join(str(written).splitlines())
